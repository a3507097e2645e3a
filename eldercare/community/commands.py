"""Commands to bands: find yourself, measure, buzz, call. `alerts` delivers them, the band answers."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.community import devices
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, Forbidden, InvalidInput
from eldercare.platform.listen import INCIDENT_CHANNEL

Action = Literal["locate", "measure_heart_rate", "buzz", "call"]

VALID_FOR = timedelta(minutes=5)
"""A band that hears a command later than this lets it be: whoever asked has gone on."""


@dataclass(frozen=True, slots=True)
class Command:
    """What was asked of a band, and how it ended (`status` None: not yet). `requested_by` None: the service itself has
    asked, since it asks the wearer whether they are well."""

    id: str
    device_id: str
    action: str
    requested_by: int | None
    created_at: datetime
    expires_at: datetime
    status: str | None
    detail: str | None
    answered_at: datetime | None


async def request(
    conn: Connection, viewer: Viewer, device_id: str, action: str, now: datetime, valid_for: timedelta = VALID_FOR
) -> Command:
    """Ask a band for something: a `command` row, and a notification that `alerts` delivers as soon as this commits.

    For duty, and for a grid worker called to the wearer's open incident. Raises NotFound for a band the viewer may not
    know, Forbidden, Conflict for one that nobody wears, InvalidInput for an unknown action.
    """
    if action not in get_args(Action):
        raise InvalidInput("action", f"{action[:40]!r} is none of {', '.join(get_args(Action))}")
    await _check_allowed(conn, viewer, device_id)
    command = Command(secrets.token_hex(8), device_id, action, viewer.person_id, now, now + valid_for, None, None, None)
    await conn.execute(
        "insert into command (id, device_id, action, requested_by, created_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s)",
        (command.id, device_id, action, viewer.person_id, now, command.expires_at),
    )
    content = {"id": command.id, "action": action, "expires_at": command.expires_at.isoformat()}
    await conn.execute(
        "insert into notification (reference, channel, address, purpose, content, send_after, created_at)"
        " values (%(reference)s, 'band', %(device)s, 'command', %(content)s, %(now)s, %(now)s)",
        {"reference": secrets.token_urlsafe(18), "device": device_id, "content": Jsonb(content), "now": now},
    )
    await conn.execute("select pg_notify(%s, '')", (INCIDENT_CHANNEL,))
    return command


async def answer(
    conn: Connection, device_id: str, command_id: str, status: str, detail: str | None, now: datetime
) -> bool:
    """Record a band's `command_result`; the first answer counts. Returns False for a command never given to this
    band."""
    answered = await conn.execute(
        "update command set status = coalesce(status, %(status)s), detail = coalesce(detail, %(detail)s),"
        " answered_at = coalesce(answered_at, %(now)s) where id = %(id)s and device_id = %(device)s",
        {"status": status, "detail": detail, "now": now, "id": command_id, "device": device_id},
    )
    return bool(answered.rowcount)


_LISTING = sql.SQL(
    """
    select c.id, c.device_id, c.action, c.requested_by, c.created_at, c.expires_at, c.status,
           case c.action when 'locate' then case when {location} then c.detail end
                         when 'measure_heart_rate' then case when {health} then c.detail end
                         else c.detail end as detail,
           c.answered_at
    from command c
    join assignment a on a.device_id = c.device_id and a.period @> eldercare_now() and c.created_at <@ a.period
    join resident r on r.id = a.resident_id
    where c.device_id = {device} and ({contact})
    order by c.created_at desc, c.id
    limit {limit}
    """
)


async def listing(conn: Connection, viewer: Viewer, device_id: str, limit: int = 20) -> list[Command]:
    """The latest commands to a band since its wearer of today has worn it, newest first, with the answers as far as
    `viewer` may know them. A command given on somebody else's wrist is theirs, and a band that nobody wears shows none.
    Leaves an audit row with the wearer. Raises NotFound for a band the viewer may not know."""
    device = await devices.get(conn, viewer, device_id)
    query = _LISTING.format(
        contact=access.resident(viewer, Scope.CONTACT),
        health=access.resident(viewer, Scope.HEALTH),
        location=access.resident(viewer, Scope.LOCATION),
        device=sql.Literal(device_id),
        limit=sql.Literal(limit),
    )
    async with conn.cursor(row_factory=class_row(Command)) as cursor:
        found = await (await cursor.execute(query)).fetchall()
    if found:
        await audit.record(conn, viewer, "commands", resident_id=device.resident_id)
    return found


async def _check_allowed(conn: Connection, viewer: Viewer, device_id: str) -> None:
    device = await devices.get(conn, viewer, device_id)
    if device.resident_id is None:
        raise Conflict(f"nobody wears the band {device_id}")
    if not viewer.has(Role.DUTY, Role.GRID):
        raise Forbidden("only duty and called grid workers speak to bands")
    await access.require(conn, viewer, device.resident_id, Scope.LOCATION)
