"""Looks after the service itself: timers that nobody took."""

from datetime import timedelta

from eldercare.platform import clock
from eldercare.platform.database import Connection
from eldercare.platform.log import logger

LATE = timedelta(seconds=10)
"""A timer that is overdue by more (times the clock's pace) was missed by every process."""

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
