"""The numbers of the doctor's page: ranges of day and night, time beyond limits, the day that days resemble, steps.
Pure. Percentiles are of minutes, each with the mean of its values; gaps count for nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from alerts.rules.profile import Profile
from eldercare.community.minute import Minute

LEAST_VALUES = 60
"""A range of fewer minutes is none: an hour says nothing of two weeks."""
BIN_MIN = 15
BINS = 24 * 60 // BIN_MIN
LEAST_DAYS = 5
"""A quarter of an hour of fewer days is left blank, and fewer days have no own median of steps."""
HALF = 0.5
"""A day with less than so much of her median steps is told."""
WORN_DAY_MIN = 600
"""A day on which the band was worn for less says nothing of how much she walked: ten hours are most of a waking day."""

Value = tuple[int, float]
"""A minute since the epoch, and the heart rate in it, beats per minute."""


class Range(NamedTuple):
    """From the 5th to the 95th percentile, beats per minute."""

    low: float
    high: float


class Beyond(NamedTuple):
    """Time beyond one limit in force (beats per minute), as a share of the minutes that count."""

    limit: float
    share: float

    @property
    def min_a_day(self) -> float:
        """How many minutes that are of 24 hours of minutes that count."""
        return self.share * 24 * 60


class Bin(NamedTuple):
    """A quarter of an hour of several days: percentiles, beats per minute."""

    p5: float
    p25: float
    middle: float
    p75: float
    p95: float


class Activity(NamedTuple):
    """Steps of the days on which the band was worn: the period's median day, her own before it (None: too few days),
    and how many of `days` were below half of her own."""

    median: float
    own: float | None
    few: int
    days: int


def percentile(ordered: Sequence[float], share: float) -> float:
    """That percentile of values in order, not empty; between two values it lies in between."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def span(values: Iterable[float]) -> Range | None:
    """The range of these values; None of fewer than `LEAST_VALUES`."""
    ordered = sorted(values)
    if len(ordered) < LEAST_VALUES:
        return None
    return Range(percentile(ordered, 0.05), percentile(ordered, 0.95))


def ranges(values: Iterable[Value], profile: Profile) -> tuple[Range | None, Range | None]:
    """The range of the day and that of the night, as the rules know night."""
    by_night: dict[bool, list[float]] = {False: [], True: []}
    for at, bpm in values:
        by_night[profile.is_night(at * 60)].append(bpm)
    return span(by_night[False]), span(by_night[True])


def beyond(values: Sequence[Value], profile: Profile) -> tuple[Beyond | None, Beyond | None]:
    """Time at or above the limit, and at or below that of day or night. The limits are those that warn. Of the lower
    one that of the day is named."""
    if not values:
        return None, None
    limits = profile.thresholds
    high = low = 0
    for at, bpm in values:
        high += bpm >= limits.hr_high_warning
        low += bpm <= (limits.hr_night_low_warning if profile.is_night(at * 60) else limits.hr_low_warning)
    return (
        Beyond(limits.hr_high_warning, high / len(values)),
        Beyond(limits.hr_low_warning, low / len(values)),
    )


def modal_day(values: Iterable[Value], zone: ZoneInfo) -> tuple[list[Bin | None], int]:
    """Each quarter of an hour of the local day over all days of `values`, and how many days there are."""
    bins: list[dict[date, list[float]]] = [{} for _ in range(BINS)]
    days: set[date] = set()
    for at, bpm in values:
        local = datetime.fromtimestamp(at * 60, zone)
        day = local.date()
        days.add(day)
        bins[(local.hour * 60 + local.minute) // BIN_MIN].setdefault(day, []).append(bpm)
    return [_bin(each) for each in bins], len(days)


def _bin(days: Mapping[date, Sequence[float]]) -> Bin | None:
    if len(days) < LEAST_DAYS:
        return None
    ordered = sorted(bpm for values in days.values() for bpm in values)
    return Bin(*(percentile(ordered, share) for share in (0.05, 0.25, 0.5, 0.75, 0.95)))


def steps_by_day(minutes: Iterable[Minute], zone: ZoneInfo) -> dict[date, int]:
    """Steps of each local day on which a band counted any word of them."""
    found: dict[date, int] = {}
    for each in minutes:
        if each.steps is not None:
            day = datetime.fromtimestamp(each.at * 60, zone).date()
            found[day] = found.get(day, 0) + each.steps
    return found


def activity(steps: Mapping[date, int], worn_min: Mapping[date, int], first: date, today: date) -> Activity | None:
    """The days from `first` to yesterday against those before `first`; None where no steps are told, or too few days
    were worn. `worn_min` is how many minutes of each day the band was worn."""
    known = {day: n for day, n in steps.items() if day < today and worn_min.get(day, 0) >= WORN_DAY_MIN}
    period = [n for day, n in known.items() if day >= first]
    before = [n for day, n in known.items() if day < first]
    if len(period) < LEAST_DAYS or not any(steps.values()):
        return None
    own = median(before) if len(before) >= LEAST_DAYS and any(before) else None
    few = sum(n < HALF * own for n in period) if own else 0
    return Activity(median(period), own, few, len(period))


def dates(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
