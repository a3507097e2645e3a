"""A single value of somebody who is measured a few times a day: too high or too low for the clinic to pass over.

Nobody knows what her heart did between two values that are hours apart, so that no window can be counted. The rule is
the plain one that clinicians went by: a value at a limit or beyond makes a task, one a day. Whoever is measured
continuously is watched by windows, and never gets one.

Values are remembered as sets, the largest and the smallest, so that their order says nothing.
"""

from datetime import UTC, datetime
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules.heart_rate import is_plausible
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, Needs, Rule, next_noon
from alerts.rules.state import Heart, Memory, State
from alerts.rules.thresholds import Thresholds
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import HeartRate

PART_S = 600.0
PARTS_A_DAY = 144
MOST_PARTS = 12
"""Whoever has values in more ten minutes of a day (UTC) is measured continuously: a band that measures every half hour
has 48, somebody who measures herself before and after each meal 6."""
CONTINUOUS_DAYS = 14
"""For so many days after such a day she still is: a band that is hardly worn is not a device for single values."""
QUIET_S = 3600.0
"""Values that are further apart do not belong together: the slowest band measures every 30 min, and may lose one."""
LONGEST_S = 3600.0
"""Values that go on for longer than that without a pause are a band that is worn: nobody sits at a cuff for so long."""
MOST_VALUES = 9
"""More values in the hour up to the last are a band that was worn for a while: nobody measures herself so often."""
MOST_WAITING = 4
"""So many sittings wait at most; each is decided about after an hour."""
SEVERAL = 2
"""After so many sittings a device is known to be one for single values."""
_by_first = attrgetter("first")


class Values(Struct, frozen=True, array_like=True, gc=False):
    """Values of which none is more than an hour from the next: when the first and the last was measured, the largest
    and the smallest in beats per minute and when (of equal ones the first). Times are seconds since the epoch."""

    first: float
    last: float
    high: float
    high_at: float
    low: float
    low_at: float


class Spot(Memory, frozen=True):
    """The values of a band, in parts of ten minutes, and those that wait for a decision.

    `day` counts days since the epoch in UTC, of the newest value; `parts` are its ten minutes with values, `before`
    those of the day before it. `continuous` is the last day on which she was measured continuously. `waiting` are
    sittings to decide about, in their order. `told` is the ordinal of the local date of the
    last task, which stands until `until` (seconds since the epoch). `sittings`: how many were decided about since she
    was measured continuously, at most `SEVERAL`.
    """

    day: int = 0
    parts: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    continuous: int = 0
    waiting: tuple[Values, ...] = ()
    told: int = 0
    until: float | None = None
    sittings: int = 0


def is_measured_seldom(state: State) -> bool:
    """Whether she is known to be measured a few times a day, by a device that tells nothing else of itself or her."""
    spot = state.slots.get(RULE.slot)
    if not isinstance(spot, Spot) or spot.sittings < SEVERAL:
        return False
    return state.wear.newest is None and state.zone.newest is None


def hear(spot: Spot, reading: HeartRate, profile: Profile, ts: float) -> Spot:
    """The memory with one more reading. One without a value counts as well: a band that measures nothing for hours is
    no device for single values, and neither is one that tells of movement."""
    part = int(ts // PART_S)
    day = part // PARTS_A_DAY
    if day <= spot.continuous or profile.is_away(ts):
        return spot
    if reading.steps is not None or reading.motion is not None:
        return _continuous(spot, day)
    after = _count(spot, day, part % PARTS_A_DAY)
    if day - after.continuous <= CONTINUOUS_DAYS or not is_plausible(reading, profile.thresholds):
        return after
    return _wait(after, Values(ts, ts, reading.bpm, ts, reading.bpm, ts))


def _count(spot: Spot, day: int, part: int) -> Spot:
    """The memory with a reading in this part of the day."""
    if day > spot.day:
        before = spot.parts if day == spot.day + 1 else ()
        return replace(spot, day=day, parts=(part,), before=before)
    parts = spot.parts if day == spot.day else spot.before
    if day < spot.day - 1 or part in parts:
        return spot
    parts = tuple(sorted((*parts, part)))
    if len(parts) > MOST_PARTS:
        return _continuous(spot, day)
    return replace(spot, parts=parts) if day == spot.day else replace(spot, before=parts)


def _continuous(spot: Spot, day: int) -> Spot:
    """The memory of somebody who is measured continuously on this day: nothing waits for a decision."""
    parts = () if day >= spot.day else spot.parts
    return Spot(day=max(day, spot.day), parts=parts, continuous=day, told=spot.told, until=spot.until)


def _wait(spot: Spot, value: Values) -> Spot:
    """The memory with a value that waits.

    By the times of the values, and not by when they came, is it known which belong together: one that comes late may
    stand between two that seemed apart.
    """
    apart: list[Values] = []
    for each in sorted((*spot.waiting, value), key=_by_first):
        if apart and each.first - apart[-1].last <= QUIET_S:
            apart[-1] = _together(apart[-1], each)
        else:
            apart.append(each)
    waiting = tuple(apart[:MOST_WAITING])
    return spot if waiting == spot.waiting else replace(spot, waiting=waiting)


def _together(one: Values, other: Values) -> Values:
    high, high_at = max((one.high, -one.high_at), (other.high, -other.high_at))
    low, low_at = min((one.low, one.low_at), (other.low, other.low_at))
    return Values(min(one.first, other.first), max(one.last, other.last), high, -high_at, low, low_at)


def look(spot: Spot, state: State, profile: Profile, ts: float) -> tuple[Spot, tuple[Verdict, ...]]:
    """Decide about what waits when nothing can belong to it any more; end what is over."""
    said = NOTHING
    if spot.until is not None and ts >= spot.until:
        said = _over("spot_day_over", spot.until)
        spot = replace(spot, until=None)
    while spot.waiting and ts - spot.waiting[0].last >= QUIET_S + profile.thresholds.late_s:
        spot, found = _take(spot, spot.waiting[0], state.heart, profile, ts)
        said += found
    return spot, said


def _take(spot: Spot, values: Values, heart: Heart, profile: Profile, ts: float) -> tuple[Spot, tuple[Verdict, ...]]:
    """Decide about the values of one sitting."""
    if values.last - values.first > LONGEST_S:
        return _continuous(spot, int(values.last // PART_S) // PARTS_A_DAY), NOTHING
    rest = spot.waiting[1:]
    if _count_values(heart, values.last) > MOST_VALUES:
        return replace(spot, waiting=rest, sittings=0), NOTHING
    decided = replace(spot, waiting=rest, sittings=min(spot.sittings + 1, SEVERAL))
    return (decided, NOTHING) if profile.away_before(ts) > values.last else _decide(decided, values, profile)


def _count_values(heart: Heart, last: float) -> int:
    """How many values were measured in the hour up to the last of them."""
    end = last // 60
    return sum(each.values for each in heart.minutes if end - 60 < each.at <= end)


class _Beyond(NamedTuple):
    reason: str
    bpm: float
    at: float
    limit: float


def _decide(spot: Spot, values: Values, profile: Profile) -> tuple[Spot, tuple[Verdict, ...]]:
    beyond = _beyond(values, profile.thresholds)
    if beyond is None:
        if spot.until is None or not _is_well_inside(values, profile.thresholds):
            return spot, NOTHING
        return replace(spot, until=None), _over("spot_inside", values.last)
    measured = datetime.fromtimestamp(beyond.at, profile.zone)
    date = measured.toordinal()
    if date <= spot.told:
        return spot, NOTHING
    detail = {"bpm": round(beyond.bpm), "limit_bpm": beyond.limit}
    at = datetime.fromtimestamp(beyond.at, UTC)
    finding = Finding(IncidentKind.SPOT_VALUE, Severity.TASK, beyond.reason, at, detail)
    # Whoever handles tasks has a morning for it, whenever it was measured.
    today = measured.replace(hour=12, minute=0, second=0, microsecond=0)
    return replace(spot, told=date, until=next_noon(today, profile.zone).timestamp()), (finding,)


def _beyond(values: Values, limits: Thresholds) -> _Beyond | None:
    """The value that is at a limit or beyond, the high one first; None where none is."""
    if values.high >= limits.spot_high:
        return _Beyond("spot_high", values.high, values.high_at, limits.spot_high)
    if values.low <= limits.spot_low:
        return _Beyond("spot_low", values.low, values.low_at, limits.spot_low)
    return None


def _is_well_inside(values: Values, limits: Thresholds) -> bool:
    inside = limits.hr_hysteresis
    return values.high <= limits.spot_high - inside and values.low >= limits.spot_low + inside


def _over(reason: str, ts: float) -> tuple[Verdict, ...]:
    return (Cleared(IncidentKind.SPOT_VALUE, reason, datetime.fromtimestamp(ts, UTC)),)


def stands(spot: Spot) -> bool:
    """Whether its last task goes on."""
    return spot.until is not None


NEEDS = (Needs("spot_value", Scope.HEALTH, seldom=True),)
RULE = Rule("spot_value", Spot, (HeartRate,), hear, look, NEEDS, kind=IncidentKind.SPOT_VALUE, stands=stands)
