"""Looking after the line itself: timers that nobody took, and the clearing away of what is old."""

from datetime import datetime, timedelta

from eldercare import clock, heartbeats
from eldercare.database import Connection
from eldercare.log import logger

LATE = timedelta(seconds=10)
"""A timer that is overdue by more (times the clock's pace) was missed by every process."""
KEEP_PRESSES = timedelta(days=400)
"""A retained press must be known as old for as long as a band may keep it; `openings.PLAUSIBLE_AGE` is the same."""
KEEP_REJECTED = timedelta(days=30)

_log = logger(__name__)


async def late_timers(conn: Connection) -> int:
    """How many incidents are overdue by more than `LATE`: no process took them, or one holds on to them."""
    now, speed = await clock.reading(conn)
    row = await (
        await conn.execute(
            "select count(*) from incident where state <> 'resolved' and due_at < %s", (now - LATE * max(1.0, speed),)
        )
    ).fetchone()
    found = int(row[0]) if row else 0
    if found:
        _log.error("late_timers", count=found)
    return found


async def clear_away(conn: Connection, now: datetime) -> int:
    """Delete what is kept for a time only; returns how many rows. The caller commits."""
    deleted = 0
    for query, before in (
        ("delete from sos_press where received_at < %s", now - KEEP_PRESSES),
        ("delete from rejected where received_at < %s", now - KEEP_REJECTED),
    ):
        deleted += (await conn.execute(query, (before,))).rowcount
    # Sessions and heartbeats live on the wall's clock, whatever `now` is.
    deleted += (await conn.execute("delete from session where expires_at < clock_timestamp()")).rowcount
    return deleted + await heartbeats.forget(conn)
