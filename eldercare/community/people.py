"""People: everybody who is called, everybody who logs in, in one table; the grids and who works them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from eldercare.accounts import access
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import likeness
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput, NotFound
from eldercare.platform.pagination import Page
from eldercare.platform.validation import fields

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is called or logs in. `phone` is E.164; `roles` are words of `viewers.Role`."""

    id: int
    name: str
    phone: str | None
    language: str
    username: str | None
    roles: list[str]
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class ContactMethod:
    """One way to reach a person; lower positions first."""

    id: int
    person_id: int
    channel: str
    address: str
    position: int
    active: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """What a person is to a resident. `phone` is the whole number, or its last digits for whom it is not."""

    person_id: int
    name: str
    phone: str | None
    kind: str
    relation: str
    holds_key: bool
    position: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid worker's streets. `workers` in order: the grid's own first, then the backups."""

    id: int
    name: str
    community: str
    workers: list[dict[str, Any]]


_PERSON = """
    select p.id, p.name, p.phone, p.language, p.username,
           array(select role from person_role o where o.person_id = p.id order by role) as roles, p.left_at
    from person p
"""


async def create(
    conn: Connection,
    *,
    name: str,
    phone: str | None = None,
    roles: Iterable[Role] = (),
    language: str = "zh",
    username: str | None = None,
    password_hash: str | None = None,
) -> int:
    """Make a person, reachable at `phone` by voice and SMS; returns their id. Raises InvalidInput naming the field."""
    if username is not None:
        check_username(username)
    number = fields.phone("phone", phone) if phone else None
    try:
        async with conn.transaction():
            row = await (
                await conn.execute(
                    "insert into person (name, phone, language, username, password_hash)"
                    " values (%s, %s, %s, %s, %s) returning id",
                    (fields.text("name", name, most=100, required=True), number, language, username, password_hash),
                )
            ).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise InvalidInput("username", f"{username} is taken") from error
    assert row is not None  # noqa: S101  an insert returns its row
    person_id: int = row[0]
    await set_roles(conn, person_id, roles)
    if number:
        for channel in ("voice", "sms"):
            await add_contact_method(conn, person_id, channel, number)
    return person_id


async def at_the_number_of(conn: Connection, person_id: int) -> tuple[str, ...]:
    """The names of others at this person's number: about one incident only one of them all is called."""
    rows = await conn.execute(
        "select other.name from person other where other.left_at is null and other.id <> %(id)s and exists ("
        "   select from contact_method mine join contact_method theirs using (address)"
        "   where mine.person_id = %(id)s and mine.active and theirs.person_id = other.id and theirs.active)"
        " order by other.id",
        {"id": person_id},
    )
    return tuple(row[0] for row in await rows.fetchall())


async def get(conn: Connection, person_id: int) -> Person:
    """One person. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Person)) as cursor:
        person = await (await cursor.execute(_PERSON + " where p.id = %s", (person_id,))).fetchone()
    if person is None:
        raise NotFound("person", person_id)
    return person


async def listing(
    conn: Connection, *, role: Role | None = None, left: bool = False, cursor: str | None = None, limit: int = 100
) -> Page[Person]:
    """People by id; with `left` also those who have left. Raises InvalidInput for a wrong cursor or limit."""
    pagination.check_limit(limit, 1000)
    after = pagination.decode("people", cursor, (int,)) or (0,)
    async with conn.cursor(row_factory=class_row(Person)) as rows:
        await rows.execute(
            _PERSON
            + " where (%(left)s or p.left_at is null) and p.id > %(after)s and (%(role)s::text is null or exists"
            " (select from person_role o where o.person_id = p.id and o.role = %(role)s))"
            " order by p.id limit %(limit)s",
            {"after": after[0], "role": role, "left": left, "limit": limit + 1},
        )
        found = await rows.fetchall()
    return pagination.page("people", found, limit, lambda person: (person.id,))


async def set_roles(conn: Connection, person_id: int, roles: Iterable[Role]) -> None:
    """Give the person exactly these roles; they act at the person's next request."""
    wanted = [str(role) for role in roles]
    await conn.execute("delete from person_role where person_id = %s and role <> all(%s)", (person_id, wanted))
    await conn.execute(
        "insert into person_role (person_id, role) select %s, unnest(%s::text[]) on conflict do nothing",
        (person_id, wanted),
    )


async def set_password(conn: Connection, person_id: int, password_hash: str) -> None:
    """Set a new password (hashed by `sessions.hash_password`), and end every session of this person."""
    await conn.execute("update person set password_hash = %s where id = %s", (password_hash, person_id))
    await conn.execute("delete from session where person_id = %s", (person_id,))


async def leave(conn: Connection, person_id: int, now: datetime) -> None:
    """The person is called no more and logs in no more; what they did stays in the timelines.

    The grids they worked, whose contact they were and how they were reached are kept for `come_back`. Raises NotFound
    where they are not there.
    """
    gone = await conn.execute(_LEAVE, {"id": person_id, "now": now})
    if not gone.rowcount:
        raise NotFound("person", person_id)
    await conn.execute("update contact_method set active = false where person_id = %s", (person_id,))
    for query in (
        "delete from session where person_id = %s",
        "delete from grid_worker where person_id = %s",
        "delete from resident_contact where person_id = %s",
    ):
        await conn.execute(query, (person_id,))


async def come_back(conn: Connection, person_id: int) -> None:
    """Undo `leave`: telephones, grids and residents are as they were. It logs nobody in. Raises NotFound where they
    have not left."""
    rows = await conn.execute(
        "update person set left_at = null where id = %s and left_at is not null returning left_from", (person_id,)
    )
    row = await rows.fetchone()
    if row is None:
        raise NotFound("person who has left", person_id)
    values = {"id": person_id, "kept": Jsonb(row[0] or {})}
    for query in _COME_BACK:
        await conn.execute(query, values)


_LEAVE = """
update person p set left_at = %(now)s, left_from = jsonb_build_object(
    'methods', (select coalesce(jsonb_agg(m.id), '[]') from contact_method m where m.person_id = p.id and m.active),
    'grids', (select coalesce(jsonb_agg(w), '[]') from grid_worker w where w.person_id = p.id),
    'residents', (select coalesce(jsonb_agg(k), '[]') from resident_contact k where k.person_id = p.id))
where p.id = %(id)s and p.left_at is null
"""
_COME_BACK = (
    "update contact_method set active = true where person_id = %(id)s"
    " and (%(kept)s::jsonb -> 'methods') @> to_jsonb(id)",
    "insert into grid_worker select w.* from jsonb_populate_recordset(null::grid_worker, %(kept)s::jsonb -> 'grids') w"
    " join grid g on g.id = w.grid_id on conflict do nothing",
    "insert into resident_contact"
    " select k.* from jsonb_populate_recordset(null::resident_contact, %(kept)s::jsonb -> 'residents') k"
    " join resident r on r.id = k.resident_id on conflict do nothing",
    "update person set left_from = null where id = %(id)s",
)


async def set_phone(conn: Connection, person_id: int, phone: str | None) -> str | None:
    """Set the only number at which the person is called and texted from now on, or none; returns it in E.164. Raises
    InvalidInput, NotFound."""
    number = fields.phone("phone", phone) if phone else None
    done = await conn.execute("update person set phone = %s where id = %s", (number, person_id))
    if not done.rowcount:
        raise NotFound("person", person_id)
    await conn.execute("update contact_method set active = false where person_id = %s", (person_id,))
    for channel in ("voice", "sms") if number else ():
        await add_contact_method(conn, person_id, channel, number or "")
    return number


async def set_login(conn: Connection, person_id: int, username: str, password_hash: str) -> None:
    """The person logs in by this name and password; every session of theirs ends. Raises InvalidInput where the name is
    somebody else's or none."""
    check_username(username)
    try:
        async with conn.transaction():
            await conn.execute(
                "update person set username = %s, password_hash = %s where id = %s",
                (username, password_hash, person_id),
            )
    except psycopg.errors.UniqueViolation as error:
        raise InvalidInput("username", f"{username} is taken") from error
    await conn.execute("delete from session where person_id = %s", (person_id,))


async def hold_admins(conn: Connection) -> None:
    """Let nobody take away an admin, or hold them so, until the end of the transaction."""
    await conn.execute("select from person_role where role = 'admin' order by person_id for update")


async def other_admins(conn: Connection, person_id: int) -> int:
    """How many others there are who log in as admin."""
    row = await (
        await conn.execute(
            "select count(*) from person p join person_role o on o.person_id = p.id and o.role = 'admin'"
            " where p.left_at is null and p.username is not null and p.id <> %s",
            (person_id,),
        )
    ).fetchone()
    return int(row[0]) if row else 0


def check_username(username: str) -> None:
    """Check a username. Raises InvalidInput for one that no login takes."""
    if not USERNAME.fullmatch(username):
        raise InvalidInput("username", "needs 2 to 63 of a-z 0-9 . _ -, beginning with a letter or digit")


async def add_contact_method(conn: Connection, person_id: int, channel: str, address: str, position: int = 1) -> int:
    """Add a way to reach a person (`voice` or `sms`); one known already becomes active again. Returns its id."""
    if channel not in ("voice", "sms"):
        raise InvalidInput("channel", f"{channel!r} is neither voice nor sms")
    row = await (
        await conn.execute(
            "insert into contact_method (person_id, channel, address, position) values (%s, %s, %s, %s)"
            " on conflict (person_id, channel, address) do update"
            " set active = true, position = excluded.position returning id",
            (person_id, channel, fields.phone("address", address), position),
        )
    ).fetchone()
    assert row is not None  # noqa: S101  an insert returns its row
    method_id: int = row[0]
    return method_id


async def contact_methods(conn: Connection, person_ids: Sequence[int]) -> list[ContactMethod]:
    """The active ways to reach these people, in each one's order."""
    async with conn.cursor(row_factory=class_row(ContactMethod)) as cursor:
        await cursor.execute(
            "select id, person_id, channel, address, position, active from contact_method"
            " where person_id = any(%s) and active order by person_id, position, id",
            (list(person_ids),),
        )
        return await cursor.fetchall()


async def contacts_of(conn: Connection, viewer: Viewer, resident_id: int) -> list[Contact]:
    """Who is what to a resident whom `viewer` knows, in the order in which they are called. `access.sees_numbers` says
    whether their numbers are whole."""
    return (await contacts_of_all(conn, viewer, [resident_id]))[resident_id]


async def contacts_of_all(conn: Connection, viewer: Viewer, resident_ids: Sequence[int]) -> dict[int, list[Contact]]:
    """The contacts of several residents, as `contacts_of` gives them, by the resident's id."""
    found: dict[int, list[Contact]] = {resident_id: [] for resident_id in resident_ids}
    rows = await conn.execute(
        "select k.resident_id, k.person_id, p.name, p.phone, k.kind, k.relation, k.holds_key, k.position"
        " from resident_contact k join person p on p.id = k.person_id"
        " where k.resident_id = any(%s) order by k.resident_id, k.position, k.kind, k.person_id",
        (list(found),),
    )
    for resident_id, *values in await rows.fetchall():
        found[resident_id].append(_as_seen_by(viewer, Contact(*values)))
    return found


def _as_seen_by(viewer: Viewer, contact: Contact) -> Contact:
    if contact.phone is None or access.sees_numbers(viewer) or contact.person_id == viewer.person_id:
        return contact
    return replace(contact, phone=fields.masked(contact.phone))


async def link(
    conn: Connection,
    resident_id: int,
    person_id: int,
    kind: str,
    *,
    relation: str = "",
    holds_key: bool = False,
    position: int = 1,
) -> None:
    """Make a person a contact of a resident, or change what they are. Raises InvalidInput, NotFound."""
    if kind not in ("family", "doctor", "neighbour", "care_worker", "volunteer"):
        raise InvalidInput("kind", f"{kind!r} is none of family, doctor, neighbour, care_worker, volunteer")
    try:
        async with conn.transaction():
            await conn.execute(
                "insert into resident_contact (resident_id, person_id, kind, relation, holds_key, position)"
                " values (%s, %s, %s, %s, %s, %s) on conflict (resident_id, person_id, kind) do update"
                " set relation = excluded.relation, holds_key = excluded.holds_key, position = excluded.position",
                (resident_id, person_id, kind, fields.text("relation", relation, most=50), holds_key, position),
            )
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound("resident or person", f"{resident_id}, {person_id}") from error


async def hold_key(conn: Connection, resident_id: int, person_id: int, holds: bool) -> None:
    """Record whether this contact holds a key, whatever they are to the resident. Raises NotFound where they are
    none."""
    done = await conn.execute(
        "update resident_contact set holds_key = %s where resident_id = %s and person_id = %s",
        (holds, resident_id, person_id),
    )
    if not done.rowcount:
        raise NotFound("contact", person_id)


async def unlink(conn: Connection, resident_id: int, person_id: int, kind: str) -> None:
    """This person is no longer that to the resident. Raises NotFound."""
    gone = await conn.execute(
        "delete from resident_contact where resident_id = %s and person_id = %s and kind = %s",
        (resident_id, person_id, kind),
    )
    if not gone.rowcount:
        raise NotFound("contact", person_id)


async def create_grid(conn: Connection, name: str, community: str) -> int:
    """Make a grid; returns its id. Raises Conflict where the name is taken, in whatever way it is written."""
    for other in await grids(conn):
        if likeness.grid(other.name) == likeness.grid(name):
            raise Conflict(f"there is a grid {other.name} already")
    try:
        async with conn.transaction():
            row = await (
                await conn.execute(
                    "insert into grid (name, community) values (%s, %s) returning id",
                    (fields.text("name", name, most=100, required=True), community),
                )
            ).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"there is a grid {name} already") from error
    assert row is not None  # noqa: S101  an insert returns its row
    grid_id: int = row[0]
    return grid_id


async def grid_of(conn: Connection, grid_id: int) -> Grid:
    """One grid. Raises NotFound."""
    found = next((grid for grid in await grids(conn) if grid.id == grid_id), None)
    if found is None:
        raise NotFound("grid", grid_id)
    return found


async def rename_grid(conn: Connection, grid_id: int, name: str) -> None:
    """Rename the grid. Raises Conflict where another grid is called so, however it is written; NotFound."""
    await grid_of(conn, grid_id)
    plain = fields.text("name", name, most=100, required=True)
    for other in await grids(conn):
        if other.id != grid_id and likeness.grid(other.name) == likeness.grid(plain):
            raise Conflict(f"there is a grid {other.name} already")
    await conn.execute("update grid set name = %s where id = %s", (plain, grid_id))


async def set_grid_workers(conn: Connection, grid_id: int, person_ids: Sequence[int]) -> None:
    """Exactly these people work the grid: the first is its own worker, the others the backups in order."""
    await conn.execute("delete from grid_worker where grid_id = %s", (grid_id,))
    await conn.execute(
        "insert into grid_worker (grid_id, person_id, position)"
        " select %s, person_id, position from unnest(%s::bigint[]) with ordinality as w (person_id, position)",
        (grid_id, list(person_ids)),
    )


async def grid_named(conn: Connection, name: str) -> int:
    """The id of the grid of this name, however it is written. Raises InvalidInput naming the grids there are."""
    known = await grids(conn)
    exact = [grid.id for grid in known if grid.name == name]
    alike = exact or [grid.id for grid in known if likeness.grid(grid.name) == likeness.grid(name)]
    if len(alike) != 1:
        names = ", ".join(grid.name for grid in known) or "none"
        raise InvalidInput("grid", f"there is no {name}; there are: {names}")
    return alike[0]


async def add_grid_worker(conn: Connection, grid: str, person_id: int) -> None:
    """Add one more who works the grid of this name, behind those it has. Raises InvalidInput naming the grids there
    are."""
    await conn.execute(
        "insert into grid_worker (grid_id, person_id, position)"
        " select g.id, %s, coalesce((select max(w.position) from grid_worker w where w.grid_id = g.id), 0) + 1"
        " from grid g where g.id = %s",
        (person_id, await grid_named(conn, grid)),
    )


async def grids(conn: Connection) -> list[Grid]:
    """Every grid by name, with its workers."""
    query = sql.SQL(
        "select g.id, g.name, g.community, coalesce((select jsonb_agg(jsonb_build_object("
        "'person_id', p.id, 'name', p.name, 'phone', p.phone, 'position', w.position) order by w.position)"
        " from grid_worker w join person p on p.id = w.person_id where w.grid_id = g.id), '[]') as workers"
        " from grid g order by g.name"
    )
    async with conn.cursor(row_factory=class_row(Grid)) as cursor:
        return await (await cursor.execute(query)).fetchall()
