"""The resting heart rate by night, her own baseline, and whether a trend may be said. Pure.

The rate of a night is that of the rule about resting rates (`alerts/rules/resting_rate.py`), which nights are beyond is
its measure too: what the rule tells of and what the doctor sees are the same numbers. The baseline is another: the rule
compares with the nights before, which follow a slow rise; a doctor asks what has changed since a day.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from statistics import median
from typing import Literal, NamedTuple, cast

from alerts.rules.profile import Profile
from alerts.rules.resting_rate import KEPT_NIGHTS, LEAST_NIGHTS, bar_of, night_rate
from alerts.rules.rule import Day
from eldercare.community.minute import Minute
from eldercare.protocol.mqtt_v1 import HeartRate

LAST_NIGHTS = 7
"""The nights whose middle is compared."""
LEAST_BEYOND = 5
"""A trend is said where so many of them are beyond what is usual: one bad week-end is none."""
LEAST_FOR_SLOPE = 10
"""Nights that a slope is drawn through at least."""


class Night(NamedTuple):
    """The night that ends on `day`: its resting rate, beats per minute; None where too little was measured at rest."""

    day: date
    rate: float | None


class Baseline(NamedTuple):
    """What was usual before the period, of so many nights: the middle, and by how much a night is beyond it, beats per
    minute."""

    usual: float
    bar: float
    nights: int

    @property
    def low(self) -> float:
        """Below this a night is beyond."""
        return self.usual - self.bar

    @property
    def high(self) -> float:
        """Above this a night is beyond."""
        return self.usual + self.bar


class Trend(NamedTuple):
    """The last nights against the baseline: their middle, the difference from it, how many of how many are beyond on
    its side, and the slope in beats per minute a week (None: too few nights). `said`: whether it may be spoken of."""

    now: float
    difference: float
    beyond: int
    nights: int
    a_week: float | None
    said: bool


def nights(minutes: Sequence[Minute], profile: Profile, first: date, last: date) -> list[Night]:
    """The nights that end on `first` to `last`, one each, of minutes in the order of time."""
    found: list[Night] = []
    at = 0
    day = first
    while day <= last:
        noon = datetime.combine(day, time(12), profile.zone)
        begin, end = (int(each.timestamp() // 60) for each in (noon - timedelta(days=1), noon))
        while at < len(minutes) and minutes[at].at < begin:
            at += 1
        until = at
        while until < len(minutes) and minutes[until].at < end:
            until += 1
        found.append(Night(day, _rate(minutes[at:until], noon, profile)))
        day += timedelta(days=1)
    return found


def _rate(minutes: Sequence[Minute], noon: datetime, profile: Profile) -> float | None:
    if not any(each.bpm for each in minutes):
        return None
    begin, end = (noon - timedelta(days=1)).timestamp(), noon.timestamp()
    hearts = cast("list[HeartRate]", [_reading(each) for each in minutes])
    return night_rate(Day(noon.date(), begin, end, hearts, ()), profile)


class _Reading(NamedTuple):
    """A minute as the rules' learning reads it: 0 where nothing was measured. It is what a heart rate of the wire has,
    and is made four times as fast, of which a page makes a hundred thousand."""

    ts: datetime
    bpm: float
    quality: None
    steps: int | None
    motion: Literal["active", "rest"] | None


_MOTION: dict[bool | None, Literal["active", "rest"] | None] = {None: None, True: "active", False: "rest"}


def _reading(each: Minute) -> _Reading:
    ts = datetime.fromtimestamp(each.at * 60, UTC)
    return _Reading(ts, each.bpm or 0, None, each.steps, _MOTION[each.active])


def baseline(before: Sequence[Night], change: float) -> Baseline | None:
    """What was usual in the nights before the period, of which the last `KEPT_NIGHTS` count; None where fewer than
    `LEAST_NIGHTS` have a rate. `change` is the least by which a night is beyond, beats per minute."""
    rates = [each.rate for each in before[-KEPT_NIGHTS:] if each.rate is not None]
    if len(rates) < LEAST_NIGHTS:
        return None
    return Baseline(median(rates), bar_of(rates, change), len(rates))


def trend(period: Sequence[Night], usual: Baseline | None, enough: bool) -> Trend | None:
    """The last `LAST_NIGHTS` nights of the period against what is usual; None where fewer than `LEAST_BEYOND` of them
    have a rate, or nothing is usual. Without `enough` data it is not said."""
    last = [each.rate for each in period[-LAST_NIGHTS:] if each.rate is not None]
    if usual is None or len(last) < LEAST_BEYOND:
        return None
    now = median(last)
    sign = 1 if now >= usual.usual else -1
    beyond = sum(sign * (rate - usual.usual) >= usual.bar for rate in last)
    said = enough and beyond >= LEAST_BEYOND
    return Trend(now, now - usual.usual, beyond, len(last), slope(period), said)


def rate_now(period: Sequence[Night]) -> float | None:
    """The middle of the last `LAST_NIGHTS` nights, which the trend compares; None where none of them has a rate."""
    last = [each.rate for each in period[-LAST_NIGHTS:] if each.rate is not None]
    return median(last) if last else None


def slope(period: Sequence[Night]) -> float | None:
    """Theil and Sen's slope, beats per minute a week: the middle of the slopes of all pairs, which no single night
    moves."""
    points = [(each.day.toordinal(), each.rate) for each in period if each.rate is not None]
    if len(points) < LEAST_FOR_SLOPE:
        return None
    return 7 * median((later[1] - sooner[1]) / (later[0] - sooner[0]) for sooner, later in combinations(points, 2))
