"""A resident's minutes, what her bands said of themselves, and her days. History follows the assignment.

A value a minute is enough for a doctor: of a month that is a statement with at most 43,200 rows.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from eldercare.accounts import access
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.community import plausible
from eldercare.community.minute import DayOfYear, Heard, Held, Minute, Recorded
from eldercare.platform import statements
from eldercare.platform.database import Connection

_MINUTES = """
    select floor(extract(epoch from h.ts) / 60)::integer as minute,
           avg(bpm) filter (where bpm between %(least)s and %(most)s and coalesce(quality, 100) >= %(quality)s)::float8,
           least(sum(steps), 100000)::integer, bool_or(motion = 'active')
    from assignment a
    join heart_rate h on h.device_id = a.device_id and h.ts >= lower(a.period)
                     and h.ts < coalesce(upper(a.period), 'infinity') and h.ts >= %(start)s and h.ts < %(end)s
    where a.resident_id = %(resident)s and a.period && tstzrange(%(start)s, %(end)s)
    group by minute order by minute
"""
_HEARD = """
    select floor(extract(epoch from s.ts) / 60)::integer, s.worn
    from assignment a
    join device_status s on s.device_id = a.device_id and s.ts >= lower(a.period)
                        and s.ts < coalesce(upper(a.period), 'infinity') and s.ts >= %(start)s and s.ts < %(end)s
    where a.resident_id = %(resident)s and a.period && tstzrange(%(start)s, %(end)s)
    order by s.ts
"""
_HELD = """
    select ceil(extract(epoch from greatest(lower(period), %(start)s)) / 60)::integer,
           floor(extract(epoch from least(upper(period), %(end)s)) / 60)::integer
    from assignment
    where resident_id = %(resident)s and period && tstzrange(%(start)s, %(end)s)
    order by lower(period)
"""
_DAYS = statements.load("eldercare.community", "days")


async def stretch(
    conn: Connection,
    viewer: Viewer,
    resident_id: int,
    start: datetime,
    end: datetime,
    bounds: tuple[float, float, float] = (*plausible.BPM, plausible.LEAST_QUALITY),
) -> Recorded:
    """What was told in [`start`, `end`), in three statements. `bounds` are the least and the largest heart rate, beats
    per minute, and the least quality. Raises NotFound, Forbidden. The caller audits."""
    await access.require(conn, viewer, resident_id, Scope.HEALTH)
    least, most, quality = bounds
    values = {"resident": resident_id, "start": start, "end": end, "least": least, "most": most, "quality": quality}
    # Unprepared, as charts are: a plan made for these times leaves out every chunk but those that hold them.
    minutes = await (await conn.execute(_MINUTES, values, prepare=False)).fetchall()
    heard = await (await conn.execute(_HEARD, values, prepare=False)).fetchall()
    held = await (await conn.execute(_HELD, values, prepare=False)).fetchall()
    return Recorded(
        [Minute._make(row) for row in minutes], [Heard._make(row) for row in heard], [Held._make(row) for row in held]
    )


async def days(
    conn: Connection, viewer: Viewer, resident_id: int, start: datetime, end: datetime, zone: ZoneInfo
) -> list[DayOfYear]:
    """The local days of [`start`, `end`) with a heart rate, reckoned in the database. Raises NotFound, Forbidden. The
    caller audits."""
    await access.require(conn, viewer, resident_id, Scope.HEALTH)
    values = {"resident": resident_id, "start": start, "end": end, "zone": zone.key, "quality": plausible.LEAST_QUALITY}
    bounds = {"least": plausible.BPM[0], "most": plausible.BPM[1]}
    rows = await (await conn.execute(_DAYS.encode(), values | bounds, prepare=False)).fetchall()
    return [DayOfYear._make(row) for row in rows]
