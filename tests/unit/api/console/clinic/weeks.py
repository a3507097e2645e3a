"""Invented weeks for these tests: minutes of a heart that is slower at night, in Shanghai."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.rules.profile import Profile
from alerts.rules.thresholds import Thresholds
from eldercare.community.minute import Heard, Held, Minute, Recorded

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
"""Two o'clock in Shanghai."""
PROFILE = Profile(1, None, None, None, None, ZONE, Thresholds())


def at(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def minutes(
    begin: datetime, end: datetime, *, night: float = 56, day: float = 74, every: int = 1, steps: int | None = 0
) -> Iterator[Minute]:
    """A value every so many minutes: at night it goes up and down by two, by day she walks from eight to nine."""
    for minute in range(at(begin), at(end), every):
        hour = datetime.fromtimestamp(minute * 60, ZONE).hour
        asleep = hour < 6 or hour >= 22
        bpm = (night if asleep else day) + minute // every % 3 - 1
        walks = steps if steps is None or hour != 8 else 30
        yield Minute(minute, bpm, walks, None)


def recorded(found: list[Minute], begin: datetime, end: datetime = NOW) -> Recorded:
    """These minutes of a band that says every quarter of an hour that it is worn."""
    return Recorded(
        found, [Heard(minute, True) for minute in range(at(begin), at(end), 15)], [Held(at(begin), at(end))]
    )


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)
