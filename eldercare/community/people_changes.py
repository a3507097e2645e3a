"""What admin does with people and grids, and duty with contacts: each change leaves an audit row."""

import secrets
from collections.abc import Sequence

from eldercare.accounts import access, audit, sessions
from eldercare.accounts.viewers import LOGIN_ROLES, Role, Viewer
from eldercare.community import people, residents
from eldercare.community.add_person import Added, add_person
from eldercare.community.people import Person
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput

_ROLE_OF_KIND = {
    "family": Role.FAMILY,
    "doctor": Role.DOCTOR,
    "care_worker": Role.CARE_WORKER,
    "volunteer": Role.VOLUNTEER,
}


async def add(
    conn: Connection,
    viewer: Viewer,
    name: str,
    roles: Sequence[str],
    phone: str | None,
    grid: str | None,
    username: str | None,
    language: str,
) -> Added:
    """Add somebody who is called or logs in. Raises InvalidInput, Forbidden."""
    _admin(viewer)
    added = await add_person(conn, name, roles, phone, grid, username, language)
    await _record(conn, viewer, "add", added.id, roles=list(roles))
    return added


async def come_back(conn: Connection, viewer: Viewer, person_id: int) -> None:
    """Undo a removal: telephones, grids and residents are as they were. Raises NotFound, Forbidden."""
    _admin(viewer)
    await people.come_back(conn, person_id)
    await _record(conn, viewer, "come_back", person_id)


async def reset_password(
    conn: Connection, viewer: Viewer, person_id: int, username: str | None = None
) -> tuple[str, str]:
    """Set a new password and end every session of the person; returns the username and the password, told this once.

    `username` gives or changes the name that they log in by. Raises Conflict where they have none or have left,
    InvalidInput for a name that cannot be, NotFound, Forbidden.
    """
    _admin(viewer)
    person = await _here(conn, person_id)
    name = username or person.username
    if name is None:
        raise Conflict(f"{person.name} has no username to log in by: give one")
    if not {Role(role) for role in person.roles} & {*LOGIN_ROLES, Role.DUTY_LEAD}:
        raise Conflict(f"{person.name} has no role that logs in")
    password = secrets.token_urlsafe(12)
    await people.set_login(conn, person_id, name, sessions.hash_password(password))
    await _record(conn, viewer, "password", person_id)
    return name, password


async def set_phone(conn: Connection, viewer: Viewer, person_id: int, phone: str | None) -> tuple[str, ...]:
    """Set the only number at which the person is called and texted from now on, or none; returns the others at that
    number.

    Raises InvalidInput, Conflict, NotFound, Forbidden.
    """
    _admin(viewer)
    await _here(conn, person_id)
    await people.set_phone(conn, person_id, phone)
    await _record(conn, viewer, "phone", person_id)
    return await people.at_the_number_of(conn, person_id)


async def set_roles(conn: Connection, viewer: Viewer, person_id: int, roles: Sequence[Role]) -> None:
    """Give the person exactly these roles from now on. Raises Conflict for the only admin, InvalidInput for none,
    NotFound, Forbidden."""
    _admin(viewer)
    person = await _here(conn, person_id)
    if not roles:
        raise InvalidInput("roles", "names none")
    if Role.ADMIN not in roles:
        await refuse_last_admin(conn, person)
    await people.set_roles(conn, person_id, roles)
    await _record(conn, viewer, "roles", person_id, roles=[str(role) for role in roles])


async def refuse_last_admin(conn: Connection, person: Person) -> None:
    """Check that somebody else logs in as admin. Raises Conflict where nobody does. A call about another admin waits
    for this transaction: two who are taken away at the same moment would each be the other's reason to go."""
    if Role.ADMIN not in person.roles:
        return
    await people.hold_admins(conn)
    if not await people.other_admins(conn, person.id):
        raise Conflict(f"{person.name} is the only admin who logs in: add another first")


async def link(
    conn: Connection,
    viewer: Viewer,
    resident_id: int,
    person_id: int,
    kind: str,
    *,
    relation: str = "",
    holds_key: bool = False,
    position: int = 1,
) -> None:
    """Make the person this to the resident, or change what they are. Whoever is linked as family, care worker or
    volunteer gets that role; a doctor has it. Raises InvalidInput, Conflict, NotFound, Forbidden."""
    access.require_role(viewer, Role.DUTY, Role.ADMIN)
    await residents.get(conn, viewer, resident_id)
    person = await _here(conn, person_id)
    role = _ROLE_OF_KIND.get(kind)
    if role is Role.DOCTOR and role not in person.roles:
        raise Conflict(f"{person.name} is no doctor: admin gives the role first")
    await people.link(conn, resident_id, person_id, kind, relation=relation, holds_key=holds_key, position=position)
    if role is not None and role not in person.roles:
        await people.set_roles(conn, person_id, [*map(Role, person.roles), role])
    detail = {"kind": kind, "holds_key": holds_key}
    await _record(conn, viewer, "link", person_id, resident_id=resident_id, **detail)


async def unlink(conn: Connection, viewer: Viewer, resident_id: int, person_id: int, kind: str) -> None:
    """The person is no longer that to the resident. Raises NotFound, Forbidden."""
    access.require_role(viewer, Role.DUTY, Role.ADMIN)
    await residents.get(conn, viewer, resident_id)
    await people.unlink(conn, resident_id, person_id, kind)
    await _record(conn, viewer, "unlink", person_id, resident_id=resident_id, kind=kind)


async def hold_key(conn: Connection, viewer: Viewer, resident_id: int, person_id: int, holds: bool) -> None:
    """Record whether this contact of the resident holds a key. Raises NotFound where they are no contact, Forbidden."""
    access.require_role(viewer, Role.DUTY, Role.ADMIN)
    await residents.get(conn, viewer, resident_id)
    await people.hold_key(conn, resident_id, person_id, holds)
    await _record(conn, viewer, "key", person_id, resident_id=resident_id, holds_key=holds)


async def create_grid(conn: Connection, viewer: Viewer, name: str, community: str) -> int:
    """Make a grid; returns its id. Raises Conflict, InvalidInput, Forbidden."""
    _admin(viewer)
    grid_id = await people.create_grid(conn, name, community)
    await audit.record(conn, viewer, "grid", action="add", detail={"grid_id": grid_id})
    return grid_id


async def rename_grid(conn: Connection, viewer: Viewer, grid_id: int, name: str) -> None:
    """Rename the grid. Raises Conflict, InvalidInput, NotFound, Forbidden."""
    _admin(viewer)
    await people.rename_grid(conn, grid_id, name)
    await audit.record(conn, viewer, "grid", action="rename", detail={"grid_id": grid_id})


async def set_grid_workers(conn: Connection, viewer: Viewer, grid_id: int, person_ids: Sequence[int]) -> None:
    """Exactly these people work the grid, its own worker first, then the backups.

    Raises InvalidInput for none, for one twice, and for somebody who is no grid worker; NotFound, Conflict, Forbidden.
    """
    _admin(viewer)
    await people.grid_of(conn, grid_id)
    if not person_ids or len(set(person_ids)) != len(person_ids):
        raise InvalidInput("person_ids", "names nobody, or somebody twice")
    for person_id in person_ids:
        person = await _here(conn, person_id)
        if Role.GRID not in person.roles:
            raise InvalidInput("person_ids", f"{person.name} ({person_id}) is no grid worker")
    await people.set_grid_workers(conn, grid_id, person_ids)
    await audit.record(
        conn, viewer, "grid", action="workers", detail={"grid_id": grid_id, "person_ids": list(person_ids)}
    )


async def _here(conn: Connection, person_id: int) -> Person:
    person = await people.get(conn, person_id)
    if person.left_at is not None:
        raise Conflict(f"{person.name} has left")
    return person


def _admin(viewer: Viewer) -> None:
    access.require_role(viewer, Role.ADMIN)


async def _record(
    conn: Connection, viewer: Viewer, action: str, person_id: int, *, resident_id: int | None = None, **detail: object
) -> None:
    await audit.record(
        conn, viewer, "person", resident_id=resident_id, action=action, detail={"person_id": person_id, **detail}
    )
