"""When the hours of a policy begin, also where the clocks are changed. Pure."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.policies.escalation_policy import Hours


def closed_until(hours: Hours, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the hours begin again (UTC, after `now`), or None within them.

    Where the clocks are set back, an hour comes twice, and the hours may begin twice with it. Where they are set
    forward, the hours may begin in what is left out; then they begin with the first minute after it.
    """
    if _within(hours, zone, now):
        return None
    today = now.astimezone(zone).date()
    openings = (_opening(hours, zone, today + timedelta(days=days), fold) for days in range(-1, 4) for fold in (0, 1))
    return min(opening for opening in openings if opening > now and _within(hours, zone, opening))


def _within(hours: Hours, zone: ZoneInfo, moment: datetime) -> bool:
    return hours.start <= moment.astimezone(zone).time() < hours.end


def _opening(hours: Hours, zone: ZoneInfo, day: date, fold: int) -> datetime:
    """The start of the hours on this day, the first or (`fold` 1) the second time; in UTC, which knows no gap."""
    start = datetime.combine(day, hours.start, zone)
    first, second = start.astimezone(UTC), start.replace(fold=1).astimezone(UTC)
    if second >= first:
        return second if fold else first
    # The start is left out. The moment at which the clocks are set forward lies between the two ways to read it.
    before, after = second, first
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(microsecond=0)
