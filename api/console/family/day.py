"""Her day and week from the hours of her band, against what is usual for her. Pure.

What is usual comes from her own last two weeks: without enough of them nothing is called usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from api.console.family.state import NO_HEART, Heart
from eldercare.community.hour import Hour

PAST_DAYS = 14
"""Days that say what is usual."""
LEAST_DAYS = 5
"""With fewer nothing is usual."""
SIDE_BPM = 3.0
"""Her usual band is at least so many beats per minute wider on either side: a wrist is no better than that."""
BEYOND_BPM = 10.0
"""Beats per minute beyond her usual band that are worth a word."""
NOW_WITHIN = NO_HEART
"""Older values say nothing of her heart now, and then the page says so: with two limits there would be a time between
them in which a heart that was too fast would read as usual."""
WORN_DAY_H = 6
"""A day on which a heart was measured in so many hours is known."""
LONG_REST = timedelta(minutes=90)
"""A rest of the night has no movement for so long."""
EARLY = timedelta(minutes=60)
"""Whoever rests since so long before her usual hour, and longer, is still in bed."""


class Range(NamedTuple):
    """From the tenth lowest to the tenth highest of her days."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Point:
    """One hour of the chart: the hour of the local day, her mean heart rate in it (None: not measured), and what is
    usual at that hour (None: not known). Beats per minute."""

    at: datetime
    hour: int
    bpm: float | None
    usual: Range | None


class WornDay(NamedTuple):
    """Of a local day, in how many hours her heart was measured."""

    day: date
    hours: int


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps today up to now, and how many she had made by this time on other days; None where not known."""

    today: int | None
    usual: Range | None


def midnight(now: datetime, zone: ZoneInfo) -> datetime:
    """When the local day of `now` began."""
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


def usual_heart(hours: Sequence[Hour], now: datetime, zone: ZoneInfo) -> dict[int, Range]:
    """What is usual at each hour of the local day, of the days before the last 24 hours."""
    found: dict[int, list[float]] = {}
    for each in hours:
        if each.bpm is not None and each.at < now - timedelta(hours=24):
            found.setdefault(each.at.astimezone(zone).hour, []).append(each.bpm)
    return {hour: _wide(values) for hour, values in found.items() if len(values) >= LEAST_DAYS}


def _wide(values: Sequence[float]) -> Range:
    low, high = _middle(values)
    return Range(low - SIDE_BPM, high + SIDE_BPM)


def _middle(values: Sequence[float]) -> Range:
    ordered = sorted(values)
    tenth = len(ordered) // 10
    return Range(ordered[tenth], ordered[-1 - tenth])


def chart(hours: Sequence[Hour], now: datetime, zone: ZoneInfo) -> list[Point]:
    """The last 24 hours, one point each, the running hour last."""
    usual, known = usual_heart(hours, now, zone), {each.at: each.bpm for each in hours}
    last = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    moments = [(last.astimezone(ZoneInfo("UTC")) - timedelta(hours=back)) for back in reversed(range(24))]
    return [
        Point(at, hour, known.get(at), usual.get(hour))
        for at, hour in ((each, each.astimezone(zone).hour) for each in moments)
    ]


def heart(points: Sequence[Point], heart_at: datetime | None, now: datetime) -> Heart:
    """Her heart now against her usual at this hour, by the newest hour in which it was measured."""
    measured = [each for each in points if each.bpm is not None]
    if heart_at is None or now - heart_at > NOW_WITHIN or not measured:
        return Heart.UNKNOWN
    newest = measured[-1]
    if newest.usual is None or newest.bpm is None:
        return Heart.UNKNOWN
    if newest.bpm > newest.usual.high + BEYOND_BPM:
        return Heart.FASTER
    return Heart.SLOWER if newest.bpm < newest.usual.low - BEYOND_BPM else Heart.USUAL


def steps(hours: Sequence[Hour], now: datetime, zone: ZoneInfo) -> Steps:
    """Steps since midnight, and what is usual by this time of the day. A day on which no band counted is none."""
    began = midnight(now, zone)
    local = now.astimezone(zone)
    by_day: dict[date, float] = {}
    for each in hours:
        if each.steps is None:
            continue
        own = each.at.astimezone(zone)
        share = 1.0 if own.hour < local.hour else local.minute / 60 if own.hour == local.hour else 0.0
        day = own.date()
        by_day[day] = by_day.get(day, 0.0) + (each.steps if day == began.date() else each.steps * share)
    today = by_day.pop(began.date(), None)
    past = list(by_day.values())
    usual = _middle(past) if len(past) >= LEAST_DAYS and any(past) else None
    return Steps(None if today is None else round(today), usual)


def worn(hours: Sequence[Hour], now: datetime, zone: ZoneInfo, days: int = 7) -> list[WornDay]:
    """In how many hours of each of the last `days` days, today among them, her heart was measured."""
    today = now.astimezone(zone).date()
    counts = dict.fromkeys((today - timedelta(days=back) for back in reversed(range(days))), 0)
    for each in hours:
        day = each.at.astimezone(zone).date()
        if each.values and day in counts:
            counts[day] += 1
    return [WornDay(day, count) for day, count in counts.items()]


def days_known(hours: Sequence[Hour], zone: ZoneInfo) -> int:
    """On how many days the band was worn long enough to be known."""
    counts: dict[date, int] = {}
    for each in hours:
        if each.values:
            day = each.at.astimezone(zone).date()
            counts[day] = counts.get(day, 0) + 1
    return sum(count >= WORN_DAY_H for count in counts.values())


NIGHT_FROM_H, NIGHT_TO_H = 22, 6
"""Hours of the local day in which somebody of whom nothing is known rests."""


def rests(now: datetime, zone: ZoneInfo, up_min: int | None, bed_min: int | None) -> bool:
    """Whether these are hours in which she rests; `up_min` and `bed_min` are minutes of the local day, None where not
    known."""
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    up = NIGHT_TO_H * 60 if up_min is None else up_min
    bed = NIGHT_FROM_H * 60 if bed_min is None else bed_min
    return minute < up or minute >= bed


def night_began(now: datetime, zone: ZoneInfo, bed_min: int | None) -> datetime:
    """When the newest of the hours began in which she rests, today or yesterday; `bed_min` as in `rests`."""
    bed = timedelta(minutes=NIGHT_FROM_H * 60 if bed_min is None else bed_min)
    today = midnight(now, zone)
    return today + bed if today + bed <= now else midnight(today - timedelta(hours=1), zone) + bed


DEEP_FROM_H, DEEP_TO_H = 23, 5
"""Hours of the local day in which being out is no part of anybody's day, as the rule about leaving home has them."""


def is_deep_night(now: datetime, zone: ZoneInfo) -> bool:
    """Whether these are hours in which nobody of her age is out."""
    hour = now.astimezone(zone).hour
    return hour >= DEEP_FROM_H or hour < DEEP_TO_H


class Morning(NamedTuple):
    """When she got up today (None: not yet, or not seen), and whether she is still in bed."""

    up_at: datetime | None
    in_bed: bool


def morning(moved: Sequence[datetime], now: datetime, zone: ZoneInfo, up_usual_min: int | None) -> Morning:
    """Her morning, by when she moved since last evening; `up_usual_min` is the minute of the local day at which she
    usually gets up (None: not known, then nobody is said to be in bed)."""
    began = midnight(now, zone)
    if up_usual_min is None or not moved:
        return Morning(_up(moved, began), False)
    usually = began + timedelta(minutes=up_usual_min)
    rests = now - moved[-1] >= LONG_REST and moved[-1] < usually - EARLY
    return Morning(None if rests else _up(moved, began), rests)


def _up(moved: Sequence[datetime], began: datetime) -> datetime | None:
    """The end of the last long rest that began before seven, and ended after the night had begun."""
    latest, earliest = began + timedelta(hours=7), began - timedelta(hours=1)
    ends = [end for begin, end in pairwise(moved) if end - begin >= LONG_REST and begin < latest and end > earliest]
    return ends[-1] if ends else None
