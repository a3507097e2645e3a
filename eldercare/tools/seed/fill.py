"""`eldercare seed`: fill an empty database with an invented community, or add to the one it filled before.

A second run keeps every resident, person and change, adds what a larger number asks for, and gives every band and every
user of the seed a new password. The old ones are stored as hashes only, so none could be told again.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from eldercare.accounts import sessions
from eldercare.accounts.viewers import COMMAND_LINE
from eldercare.community import resident_history, resident_rows
from eldercare.community.enroll import hash_password
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput
from eldercare.tools.seed.plan import COMMUNITY, Plan, PlannedPerson, PlannedResident, plan

MOST_RESIDENTS = 20_000
MARK = "seeded"
WORN_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""The beginning of the seed's assignments: so early that recordings replayed on an earlier clock find who wears the
band."""
_LOGIN_ROLES = {"duty": "duty", "duty_lead": "duty", "grid": "grid", "family": "family", "doctor": "doctor",
                "admin": "admin"}  # fmt: skip
"""The role under which somebody of a role logs in, in the order in which the logins are told."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is told once: passwords of bands by device id, of users by username."""

    bands: dict[str, str]
    users: dict[str, str]


async def seed(conn: Connection, residents: int) -> dict[str, Any]:
    """Fill the database with `residents` residents and what belongs to them; returns what `--json` prints.

    Raises Conflict for a database with residents or people that it did not make, InvalidInput for the number.
    """
    if not 1 <= residents <= MOST_RESIDENTS:
        raise InvalidInput("residents", f"{residents} is not 1 to {MOST_RESIDENTS}")
    await _check_ours(conn)
    planned = plan(residents)
    people = await _people(conn, planned)
    grids = await _grids(conn, planned, people)
    told = Secrets(
        bands={resident.device_id: secrets.token_urlsafe(12) for resident in planned.residents},
        users={person.username: secrets.token_urlsafe(9) for person in _users(planned) if person.username},
    )
    await _bands(conn, told.bands)
    await _residents(conn, planned, people, grids)
    await _user_passwords(conn, told.users)
    return await _told(conn, planned, told)


async def _check_ours(conn: Connection) -> None:
    # Two seeds at once would both find an empty database.
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('eldercare seed', 0))")
    row = await (
        await conn.execute(
            "select exists (select from meta where key = %s),"
            " exists (select from resident) or exists (select from person) or exists (select from device)",
            (MARK,),
        )
    ).fetchone()
    assert row is not None  # noqa: S101  a select of two values
    ours, filled = row
    if filled and not ours:
        raise Conflict("seed refuses this database: it holds people or bands that seed did not make")
    await conn.execute(
        "insert into meta (key, value) values (%s, %s) on conflict (key) do nothing", (MARK, Jsonb({"seed": 1}))
    )


async def _people(conn: Connection, planned: Plan) -> dict[str, int]:
    """The id of everybody in the plan by telephone number; whoever is not there yet is made."""
    everybody = {person.phone: person for person in _everybody(planned)}
    known = await _ids(conn, "select phone, id from person where phone like '+999%%'")
    new = [person for phone, person in everybody.items() if phone not in known]
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into person (name, phone) values (%s, %s)", [(person.name, person.phone) for person in new]
        )
        known = await _ids(conn, "select phone, id from person where phone like '+999%%'")
        await cursor.executemany(
            "insert into person_role (person_id, role) values (%s, %s)",
            [(known[person.phone], role) for person in new for role in person.roles],
        )
        await cursor.executemany(
            "insert into contact_method (person_id, channel, address) values (%s, %s, %s)",
            [(known[person.phone], channel, person.phone) for person in new for channel in ("voice", "sms")],
        )
    await _usernames(conn, planned, known)
    return known


async def _usernames(conn: Connection, planned: Plan, ids: dict[str, int]) -> None:
    # This hash is of nobody's password: the real ones are set for all users at the end.
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "update person set username = %s, password_hash = '!' where id = %s and username is null",
            [(person.username, ids[person.phone]) for person in _users(planned)],
        )


async def _grids(conn: Connection, planned: Plan, people: dict[str, int]) -> list[int]:
    """The ids of the grids in the plan's order, each new one with its worker and the backup."""
    found = await _ids(conn, "select name, id from grid")
    workers = [people[worker.phone] for worker in planned.workers]
    for place, name in enumerate(planned.grids):
        if name in found:
            continue
        row = await (
            await conn.execute("insert into grid (name, community) values (%s, %s) returning id", (name, COMMUNITY))
        ).fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        found[name] = row[0]
        pair = (workers[place], workers[(place + 1) % len(workers)])
        for position, person_id in enumerate(pair, start=1):
            await conn.execute(
                "insert into grid_worker (grid_id, person_id, position) values (%s, %s, %s)",
                (found[name], person_id, position),
            )
    return [found[name] for name in planned.grids]


async def _bands(conn: Connection, passwords: dict[str, str]) -> None:
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into device (id, model, mqtt_password_hash) values (%s, 'simulated', %s)"
            " on conflict (id) do update set mqtt_password_hash = excluded.mqtt_password_hash"
            " where device.retired_at is null",
            # The order in which everybody takes the rows of bands.
            [(device_id, hash_password(password)) for device_id, password in sorted(passwords.items())],
        )


async def _residents(conn: Connection, planned: Plan, people: dict[str, int], grids: list[int]) -> None:
    known = await _ids(conn, "select external_id, id from resident where external_id is not null")
    new = [resident for resident in planned.residents if resident.external_id not in known]
    rows = [_row(resident, grids) for resident in new]
    async with conn.cursor() as cursor:
        if rows:
            await resident_history.writes(conn, COMMAND_LINE.person_id)
            await cursor.executemany(resident_rows.insert(rows[0]), rows)
        ids = await _ids(conn, "select external_id, id from resident where external_id is not null")
        await cursor.executemany(
            "insert into assignment (device_id, resident_id, period) values (%s, %s, tstzrange(%s, null))",
            [(resident.device_id, ids[resident.external_id], WORN_SINCE) for resident in new],
        )
        await cursor.executemany(
            "insert into resident_contact (resident_id, person_id, kind, relation, holds_key, position)"
            " values (%s, %s, %s, %s, %s, %s)",
            [
                (ids[resident.external_id], people[c.person.phone], c.kind, c.relation, c.holds_key, c.position)
                for resident in new
                for c in resident.contacts
            ],
        )
        await cursor.executemany(
            "insert into consent (resident_id, purpose, given_by, method, given_at)"
            " values (%s, %s, '本人', 'paper', eldercare_now())",
            [(ids[resident.external_id], purpose) for resident in new for purpose in resident.consents],
        )


async def _user_passwords(conn: Connection, passwords: dict[str, str]) -> None:
    for username, password in passwords.items():
        password_hash = await asyncio.to_thread(sessions.hash_password, password)
        await conn.execute("update person set password_hash = %s where username = %s", (password_hash, username))
    await conn.execute(
        "delete from session where person_id in (select id from person where username = any(%s))", (list(passwords),)
    )


async def _told(conn: Connection, planned: Plan, told: Secrets) -> dict[str, Any]:
    """The object of `--json`: residents with bands, users of every role, and everybody who can be called."""
    rows = await (
        await conn.execute(
            "select r.id, r.name, d.id, r.home_lat, r.home_lon from resident r"
            " left join lateral (select device_id from assignment where resident_id = r.id"
            " and period @> eldercare_now() order by lower(period) desc limit 1) a on true"
            " left join device d on d.id = a.device_id and d.retired_at is null"
            " where r.external_id = any(%s) and r.left_at is null order by r.external_id",
            ([resident.external_id for resident in planned.residents],),
        )
    ).fetchall()
    return {
        "residents": [
            {
                "id": resident_id,
                "name": name,
                "device_id": device_id,
                "mqtt_password": told.bands.get(device_id),
                "home": {"lat": lat, "lon": lon},
            }
            for resident_id, name, device_id, lat, lon in rows
        ],
        "users": [
            {
                "role": _login_role(user),
                "username": user.username,
                "password": told.users[user.username],
            }
            for user in _users(planned)
            if user.username
        ],
        "people": [
            {"name": person.name, "roles": list(person.roles), "phone": person.phone} for person in _everybody(planned)
        ],
    }


def _everybody(planned: Plan) -> list[PlannedPerson]:
    own = [contact.person for resident in planned.residents for contact in resident.contacts]
    everybody = (*planned.staff, *planned.workers, *planned.doctors, *own)
    return list({person.phone: person for person in everybody}.values())


def _users(planned: Plan) -> list[PlannedPerson]:
    order = list(_LOGIN_ROLES.values())
    users = [person for person in _everybody(planned) if person.username]
    return sorted(users, key=lambda person: order.index(_login_role(person)))


def _login_role(person: PlannedPerson) -> str:
    return next(login for role, login in _LOGIN_ROLES.items() if role in person.roles)


def _row(resident: PlannedResident, grids: list[int]) -> dict[str, Any]:
    made_up = resident.facts.model_dump(exclude_unset=True)
    return {**made_up, "external_id": resident.external_id, "grid_id": grids[resident.grid]}


async def _ids(conn: Connection, query: str) -> dict[str, int]:
    rows = await (await conn.execute(query, ())).fetchall()
    return {row[0]: row[1] for row in rows}
