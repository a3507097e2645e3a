"""A resident's hours: heart rate, steps and movement of her bands by the hour. History follows the assignment."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from eldercare.accounts import access
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.community import plausible
from eldercare.community.hour import Hour
from eldercare.platform import statements
from eldercare.platform.database import Connection

_HOURS = statements.load("eldercare.community", "hours")
_MOVED = """
    select h.ts from assignment a
    join heart_rate h on h.device_id = a.device_id and h.ts >= lower(a.period)
                     and h.ts < coalesce(upper(a.period), 'infinity') and h.ts >= %(start)s and h.ts < %(end)s
    where a.resident_id = %(resident)s and a.period && tstzrange(%(start)s, %(end)s)
      and (h.motion = 'active' or h.steps >= %(few)s)
    order by h.ts
"""
_OFF_SINCE = """
    select min(ts) from device_status
    where device_id = %(device)s and ts >= %(start)s and worn = false and ts > coalesce(
        (select max(ts) from device_status where device_id = %(device)s and ts >= %(start)s and worn), '-infinity')
"""
OFF_WITHIN = timedelta(days=7)
"""How far back it is looked since when a band is off the wrist."""


async def listing(
    conn: Connection,
    viewer: Viewer,
    resident_id: int,
    start: datetime,
    end: datetime,
    *,
    zone: ZoneInfo,
    few_steps: int,
) -> list[Hour]:
    """The hours of [`start`, `end`) in which anything was told, oldest first; they begin with the hours of `zone`.

    Fewer than `few_steps` of a reading are no movement. Raises NotFound, Forbidden. The caller audits.
    """
    await access.require(conn, viewer, resident_id, Scope.HEALTH)
    values = {
        "resident": resident_id,
        "start": start,
        "end": end,
        "least": plausible.BPM[0],
        "most": plausible.BPM[1],
        "quality": plausible.LEAST_QUALITY,
        "few": few_steps,
        "origin": datetime(2000, 1, 1, tzinfo=zone),
    }
    # Unprepared, as charts are: a plan made for these times leaves out every chunk but those that hold them.
    rows = await (await conn.execute(_HOURS.encode(), values, prepare=False)).fetchall()
    return [Hour(*row) for row in rows]


async def moved(
    conn: Connection, viewer: Viewer, resident_id: int, start: datetime, end: datetime, *, few_steps: int
) -> list[datetime]:
    """When she moved in [`start`, `end`), oldest first. Raises NotFound, Forbidden. The caller audits."""
    await access.require(conn, viewer, resident_id, Scope.HEALTH)
    values = {"resident": resident_id, "start": start, "end": end, "few": few_steps}
    return [row[0] for row in await (await conn.execute(_MOVED, values, prepare=False)).fetchall()]


async def off_since(
    conn: Connection, viewer: Viewer, resident_id: int, device_id: str, now: datetime
) -> datetime | None:
    """Since when the band that she wears is off the wrist, as far as a week back; None where it is not. Raises
    NotFound, Forbidden."""
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    values = {"device": device_id, "start": now - OFF_WITHIN}
    row = await (await conn.execute(_OFF_SINCE, values, prepare=False)).fetchone()
    return row[0] if row else None
