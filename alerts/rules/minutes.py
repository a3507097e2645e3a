"""What a band measured in the last while, minute by minute: the evidence that windows are counted in.

A window is counted in the band's own rhythm. A value stands for the time from one value to the next, so that three
values 5 minutes apart are 15 minutes, and ten values one minute apart are 10. Movement takes its own minutes out of a
window, and those after it in proportion to how long it lasted; it does not begin the window anew.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from msgspec import Struct

KEPT_MIN = 45
"""How many minutes are kept at least: the longest window, and the movement before it that still tells."""
KEPT_VALUES = 12
"""How many values are kept of a band that measures less often than that; three are a window, ten at most."""
LONGEST_KEPT_MIN = 330
"""Older ones are never kept: ten values of a band that measures every half hour, and some that were lost."""
STEPS_A_MINUTE = 50
"""So many steps are a minute on one's feet; a slow walk has 60 to 100 a minute."""
FEW_STEPS = 10
"""Less in a minute is no walk: a hand that trembles counts as some."""
MOST_STEPS_A_MINUTE = 180
"""More were made in the minutes before, too: bands tell of steps less often than of the heart."""
RECOVERY = 2.0
"""Minutes of recovery for each minute of movement at a rate that is high: a heart that walking has made fast slows down
within minutes. One that is not fast while she walks, and is when she sits, is not fast from walking."""
SHORTEST_GAP_MIN = 2.0
"""A value stands for the time since the one before it, up to so long or twice the rhythm: a longer pause is none of
its."""
LONGEST_GAP_MIN = 60.0
COVERED = 0.6
"""The share of a stretch that values which count have to cover. What is missing is movement, or was not measured."""
UNKNOWN = -1


class Minute(Struct, frozen=True, array_like=True, gc=False):
    """One minute of values. `at` counts minutes since the epoch, `total` sums the values in beats per minute.

    `steps`: how many were counted up to here since the value before; `UNKNOWN` where the band told nothing of movement.
    """

    at: int
    values: int = 0
    total: float = 0.0
    steps: int = UNKNOWN

    @property
    def mean(self) -> float:
        """The mean of its values, beats per minute. Not for a minute without any."""
        return self.total / self.values


Minutes = tuple[Minute, ...]


def add(minutes: Minutes, ts: float, bpm: float | None, steps: int) -> Minutes:
    """The minutes with one more reading, not older than the newest. `bpm` is None where nothing was measured."""
    at = int(ts // 60)
    values, total = (0, 0.0) if bpm is None else (1, bpm)
    if minutes and minutes[-1].at >= at:
        last = minutes[-1]
        both = steps if last.steps < 0 else last.steps + max(steps, 0)
        return (*minutes[:-1], Minute(last.at, last.values + values, last.total + total, both))
    first = _first_kept(minutes, at)
    kept = minutes[first:]
    if kept and kept[0].at < at - KEPT_MIN:
        # Of long ago only what was measured and who walked still tells anything.
        kept = tuple(each for each in kept if each.values or each.steps > 0 or each.at >= at - KEPT_MIN)
    return (*kept, Minute(at, values, total, steps))


def _first_kept(minutes: Minutes, at: int) -> int:
    """The index of the first minute that is kept at a new one."""
    first, count = 0, len(minutes)
    while first < count and minutes[first].at < at - KEPT_MIN:
        first += 1
    if not first:
        return 0
    measured, oldest = 0, first
    for index in range(count - 1, -1, -1):
        if minutes[index].at < at - LONGEST_KEPT_MIN:
            break
        measured += minutes[index].values > 0
        oldest = index
        if measured >= KEPT_VALUES:
            break
    return min(first, oldest)


def steps_since(minutes: Minutes, moment: float) -> int:
    """How many steps were counted after a moment (seconds since the epoch), none of them before it: a band that tells
    of them every half hour tells of some. None where nothing is known of them."""
    return sum(max(later.steps, 0) for sooner, later in pairwise(minutes) if sooner.at * 60 >= moment)


def on_feet(minutes: Minutes, since: float, now: float) -> float:
    """The share of the time between two moments (seconds since the epoch) that was spent on one's feet, by steps: 0 to
    1, and 0 where nothing is known of it. What is told of more time than that counts as far as it lies in it."""
    spent = sum(
        min(moving, each.at + 1 - since / 60)
        for each, moving in zip(minutes, _moving(minutes), strict=True)
        if each.at * 60 > since
    )
    return min(spent / ((now - since) / 60), 1.0)


def moved(steps: int | None, motion: str | None) -> int:
    """The steps that a reading tells of. `motion` alone counts as a minute of them, or as none."""
    if steps:
        return steps
    if motion == "active":
        return STEPS_A_MINUTE if steps is None else 1
    return UNKNOWN if steps is None and motion is None else 0


def rhythm_min(minutes: Minutes) -> float:
    """The time from one value to the next, in minutes; 1 where there is but one.

    A band that measures in bursts is as slow as the pauses between them, and one that has begun to measure less often
    is as slow as its last values.
    """
    measured = [each for each in minutes if each.values]
    gaps = [later.at - sooner.at for sooner, later in pairwise(measured)]
    if not gaps:
        return 1.0
    gap = max(_usual(gaps), _usual(gaps[-LAST_GAPS:]))
    if gap > 1:
        return float(gap)
    return 1.0 / sorted(each.values for each in measured)[len(measured) // 2]


LAST_GAPS = 6
"""A band that measures less often now is known by so many."""


def _usual(gaps: Sequence[int]) -> int:
    """The gap in which half of the time was spent. The longest is left out: a single one is no rhythm."""
    ordered = sorted(gaps)
    if len(ordered) > 1:
        ordered.pop()
    half = sum(ordered) / 2
    return next(gap for gap, spent in zip(ordered, accumulate(ordered), strict=True) if spent >= half)


class Rest(NamedTuple):
    """A minute with values; how many minutes since the one before it, and whether nobody moved in it (`still`), nor
    shortly before (`rested`)."""

    minute: Minute
    gap: int
    still: bool
    rested: bool


def rests(minutes: Sequence[Minute], high: float, longest_min: float) -> list[Rest]:
    """Each minute with values, in order, and what movement lets it prove.

    At `high` beats per minute and above, movement is exertion, after which a heart gets at most `longest_min` minutes
    to slow down.
    """
    told: list[Rest] = []
    owed = 0.0
    before = measured = minutes[0].at - 1 if minutes else 0
    for each, moving in zip(minutes, _moving(minutes), strict=True):
        gap, before = each.at - before, each.at
        if moving and each.values and each.mean >= high:
            owed += RECOVERY * moving
        owed = min(max(owed - (gap - moving), 0.0), longest_min)
        if each.values:
            still = moving < gap / 2
            told.append(Rest(each, each.at - measured, still, still and owed < 1.0))
            measured = each.at
    return told


def is_walking(minute: Minute, before: Minute) -> bool:
    """Whether half of the time since the minute before, or more, was spent on one's feet by the steps of this one."""
    gap = minute.at - before.at
    return 2 * minute.steps >= STEPS_A_MINUTE * gap or (gap <= 1 and minute.steps >= FEW_STEPS)


def _moving(minutes: Sequence[Minute]) -> list[float]:
    """How much of the time since the minute before each was spent on one's feet, in minutes."""
    moving: list[float] = []
    before = minutes[0].at - 1 if minutes else 0
    for index, each in enumerate(minutes):
        gap, before = float(each.at - before), each.at
        if each.steps <= 0:
            moving.append(0.0)
            continue
        # Nobody knows when in its minute somebody walked, so that a minute with a few steps is taken as a half.
        least = 0.5 if each.steps >= FEW_STEPS else 0.0
        moving.append(min(gap, max(each.steps / STEPS_A_MINUTE, least)))
        rest = (each.steps - MOST_STEPS_A_MINUTE * gap) / MOST_STEPS_A_MINUTE * 2
        while rest > 0 and index > 0 and minutes[index - 1].steps <= 0:
            index -= 1
            moving[index] = 1.0
            rest -= 1.0
    return moving


def is_movement_known(minutes: Sequence[Minute]) -> bool:
    """Whether the band tells of movement, in most of these minutes."""
    return 2 * sum(each.steps >= 0 for each in minutes) >= len(minutes)


class Span(NamedTuple):
    """A stretch of values: since when (minutes since the epoch), how many minutes from the first to the last, how many
    values, and their mean."""

    since: int
    minutes: int
    values: int
    mean: float


class Proof(NamedTuple):
    """What a stretch needs: the share of its values that are beyond, by how much its mean is beyond where any value is
    not (beats per minute), and how many values there are at least."""

    share: float
    margin: float
    least: int


def lasting(
    counted: Sequence[Rest], rhythm: float, window_min: float, limit: float, sign: int, proof: Proof
) -> Span | None:
    """The longest stretch up to the newest of `counted` in which a rate was beyond a limit for the window, or None.

    `sign` is 1 for a high limit and -1 for a low one; `limit` is that many beats per minute times `sign`. A rate is
    beyond where most values are at the limit or further out, and their mean is. A value stands for the time since the
    one before it. Values that count have to cover `COVERED` of the stretch.
    """
    if not counted or sign * counted[-1].minute.mean < limit:
        return None
    longest = max(SHORTEST_GAP_MIN, 2 * min(rhythm, LONGEST_GAP_MIN / 2))
    part = min(rhythm, 1.0)
    end, full = counted[-1].minute.at, min(counted[-1].minute.values * part, 1.0)
    found: Span | None = None
    beyond = values = 0
    total = covered = 0.0
    after = counted[-1].gap
    for count, (each, gap, _, _) in enumerate(reversed(counted), start=1):
        values += each.values
        total += each.total
        if sign * each.mean >= limit:
            beyond += 1
            # What was before the first was not beyond: it stands for no longer than the one after it does.
            first = float(min(gap, after, longest)) if rhythm > 1 else min(each.values * part, 1.0)
            lasted = end - each.at + (first if rhythm > 1 else first + full - 1)
            # Several values of a minute are no more proof of hours than one.
            enough = (values if rhythm < 1.0 else count) >= proof.least
            margin = proof.margin if beyond < count else 0.0
            if (
                enough
                and lasted >= window_min - HALF_A_MINUTE
                and covered + first >= COVERED * lasted
                and beyond >= proof.share * count
                and sign * total / values >= limit + margin
            ):
                found = Span(each.at, end - each.at, values, total / values)
        after = gap
        covered += min(gap, longest)
    return found


HALF_A_MINUTE = 0.5
"""Nobody knows when in its minute it began."""
