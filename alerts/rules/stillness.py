"""Stillness: nobody moves for hours in which she is usually up. Fallen, or not up in the morning.

The hours of a night's rest do not count. When she usually gets up is learnt from her own weeks, and so is how long she
sits: whoever sits for longer on many days is given longer.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import heart_rate
from alerts.rules import minutes as window
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, SLOWEST_HEART_S, Day, Needs, Rule
from alerts.rules.state import Memory, State
from alerts.rules.wear import FLAP_S
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import HeartRate

SLOT_S = 600.0
SLOTS = 48
"""Slots of ten minutes that are kept: eight hours."""
_ALL = (1 << SLOTS) - 1
COVERED = 0.6
"""The share of the stretch in which a heart was measured: otherwise nobody knows that she wears the band."""
FRESH_S = 900.0
"""The newest value is not older, or three times the band's rhythm."""
REPEAT_S = 7200.0
"""What lasts is said again after so long, in hours in which she is up."""

DAYS = 28
LEAST_DAYS = 5
"""Days after which her own hour of getting up is told to others, and a band is known to count no steps."""
LEAST_DAYS_SAT = 14
"""Days after which she may be given longer."""
LONG_REST_S = 5400.0
"""A night's rest is made of stretches without a step that are as long: shorter ones are a wait between two walks."""
UP_BY_H = 7
"""A stretch that began before it, local time, still belongs to the night."""
USUAL_UP_MIN = 7 * 60
"""The minute of the day from which somebody of whom nothing is known is up: nine of ten people over 65 of five cities
in Shandong were (1,679 asked; at 5:42 on average, with a standard deviation of an hour; Sleep 2005, 28:1579)."""
PRIOR_MORNINGS, PRIOR_EVENINGS = 1, 3
"""So many days of somebody of whom nothing is known stand among her own. Her mornings are taken at the half, so that of
one and the usual the later holds, and her evenings at the quarter, so that one alone decides nothing."""
EARLIEST_UP_MIN, LATEST_UP_MIN, EARLIEST_BED_MIN = 5 * 60, 11 * 60, 18 * 60
NEVER_MOVED = -1
SITS = 0.8
"""Whoever sits for longer than the limit on more than a fifth of the days is given longer."""
LONGER = 1.15
LONGEST_S = 5 * 3600.0
ACROSS_NOON_S = 6 * 3600.0
LEAST_SLOTS = 36
"""Ten minutes of a day in which a heart has to be measured, so that the band was worn: six hours."""
DAY_MIN = 1440


class Stillness(Memory, frozen=True):
    """`moved`: the newest movement. `newest` and `slots`: the ten minutes (since the epoch) in which a heart was last
    measured without movement, and a bit for each of those before it. `told`: when it was last said, `since` when what
    it is about began. `off`: since when the band is off the wrist or on its charger; `on`: when it was put on last."""

    moved: float | None = None
    newest: int = 0
    slots: int = 0
    told: float | None = None
    since: float = 0.0
    off: float | None = None
    on: float = 0.0


class Seen(Memory, frozen=True, array_like=True):
    """One day: the minute of the local day at which she got up, None where it was not seen; how long she sat at most
    while she was up, in minutes, `NEVER_MOVED` where the band counted nothing; the minute of the day before at which
    she moved last before the night."""

    up: int | None = None
    sat: int = 0
    bed: int | None = None


class Habit(Memory, frozen=True):
    """The last days, newest last; when she moved last before the noon at which they end, seconds since the epoch."""

    days: tuple[Seen, ...] = ()
    moved: float | None = None


Result = tuple[Stillness, tuple[Verdict, ...]]


def hear(still: Stillness, reading: HeartRate, profile: Profile, ts: float) -> Stillness:
    """Remember the newest movement, and in which ten minutes a heart was measured without any."""
    if _moves(reading):
        return still if still.moved is not None and still.moved >= ts else replace(still, moved=ts)
    if not heart_rate.is_plausible(reading, profile.thresholds) or (reading.steps is None and reading.motion is None):
        return still
    slot = int(ts // SLOT_S)
    if slot > still.newest:
        return replace(still, newest=slot, slots=(still.slots << (slot - still.newest) | 1) & _ALL)
    bit = 1 << (still.newest - slot)
    if bit > _ALL or still.slots & bit:
        return still
    return replace(still, slots=still.slots | bit)


def look(still: Stillness, state: State, profile: Profile, ts: float) -> Result:
    """Look at how long she has not moved in the hours in which she is up. `ts` is now, seconds since the epoch."""
    still = _follow_wrist(still, state, ts)
    begin = still.moved if still.moved is not None else _first_heard(still)
    if still.told is not None:
        over = _over(still, state, ts)
        if over is not None:
            return replace(still, told=None), (over,)
        if ts - still.told < REPEAT_S:
            return still, NOTHING
    limits = profile.thresholds
    if begin is None or ts - begin < min(limits.still_s, limits.not_up_s) or profile.is_away(ts):
        return still, NOTHING
    begin = max(begin, profile.away_before(ts), still.on)
    habit = profile.learnt.get(RULE.slot)
    days = habit.days if isinstance(habit, Habit) else ()
    if _counts_none(days):
        return still, NOTHING
    up, bed = _up(days), _bed(days, profile)
    if not _is_up(ts, up, bed, profile) or not _is_worn(still, state, begin, ts):
        return still, NOTHING
    reason, severity, limit = "still", Severity.URGENT, _limit(days, limits.still_s)
    waking, morning = waking_s(begin, ts, up, bed, profile), _morning(ts, up, profile)
    if begin < morning:
        reason = "not_up"
        if ts - morning >= limits.not_up_s:
            limit = min(limit, limits.not_up_s)
    if waking < limit:
        return still, NOTHING
    if _jumps(state, profile, ts):
        # A band on a table, or somebody on the floor whose heart is irregular: nobody knows from here.
        reason, severity = "still_or_not_worn", Severity.WARNING
    detail = {"duration_s": round(ts - begin), "waking_s": round(waking), "limit_s": round(limit)}
    at, since = datetime.fromtimestamp(ts, UTC), datetime.fromtimestamp(begin, UTC)
    finding = Finding(IncidentKind.STILLNESS, severity, reason, at, detail, episode_at=since)
    return replace(still, told=ts, since=begin), (finding,)


def _follow_wrist(still: Stillness, state: State, ts: float) -> Stillness:
    """Remember when the band was put on: whoever had it off may have walked meanwhile. A contact that flaps is none."""
    if state.wear.worn is False or state.wear.charging:
        return still if still.off is not None else replace(still, off=ts)
    if still.off is None:
        return still
    return replace(still, off=None, on=ts if ts - still.off >= FLAP_S else still.on)


def _first_heard(still: Stillness) -> float | None:
    """The beginning of the oldest ten minutes that are kept; None where nothing was heard."""
    return (still.newest - still.slots.bit_length() + 1) * SLOT_S if still.slots else None


def _over(still: Stillness, state: State, ts: float) -> Cleared | None:
    at = datetime.fromtimestamp(ts, UTC)
    if still.moved is not None and still.moved > still.since:
        return Cleared(IncidentKind.STILLNESS, "moved_again", at)
    if state.wear.worn is False or state.wear.charging:
        return Cleared(IncidentKind.STILLNESS, "taken_off", at)
    return None


def _is_worn(still: Stillness, state: State, begin: float, ts: float) -> bool:
    """Whether a heart was measured during the stretch, and still is: who wears no band does not lie still in it."""
    measured = state.heart.measured
    if state.wear.worn is False or state.wear.charging or measured is None:
        return False
    # A band that finds a heart less often than the slowest is on no wrist: what it finds is chance.
    rhythm_s = min(60 * window.rhythm_min(state.heart.minutes), SLOWEST_HEART_S)
    if ts - measured > max(FRESH_S, 3 * rhythm_s):
        return False
    newest = int(ts // SLOT_S)
    wanted = min(newest - int(begin // SLOT_S), SLOTS - 1)
    mask = still.slots << (newest - still.newest) if newest >= still.newest else still.slots >> (still.newest - newest)
    heard = (mask & ((1 << wanted) - 1)).bit_count()
    return heard >= COVERED * wanted * min(1.0, SLOT_S / rhythm_s)


def _jumps(state: State, profile: Profile, ts: float) -> bool:
    """Whether the values jump as those of a band on a table do."""
    rests = window.rests(state.heart.minutes, profile.thresholds.hr_high_warning, 0.0)
    return heart_rate.is_erratic(state.heart, rests, ts, frozen=False)


def _up(days: Sequence[Seen]) -> int:
    """When she usually is up, in minutes of the local day."""
    ups = sorted([*(each.up for each in days if each.up is not None), *[USUAL_UP_MIN] * PRIOR_MORNINGS])
    return min(max(ups[len(ups) // 2], EARLIEST_UP_MIN), LATEST_UP_MIN)


def _bed(days: Sequence[Seen], profile: Profile) -> int:
    """When she usually goes to bed, in minutes of the local day: when the night begins at the latest."""
    begins = profile.thresholds.night_from_h
    night = begins * 60 if begins > LATEST_UP_MIN // 60 else DAY_MIN
    beds = sorted([*(each.bed for each in days if each.bed is not None), *[night] * PRIOR_EVENINGS])
    return min(max(beds[len(beds) // 4], EARLIEST_BED_MIN), night)


def _counts_none(days: Sequence[Seen]) -> bool:
    """Whether the band has counted no step of hers for days: then it cannot tell whether she lies still."""
    return len(days) >= LEAST_DAYS and all(each.sat == NEVER_MOVED for each in days[-LEAST_DAYS:])


def counts_no_steps(profile: Profile) -> bool:
    """Whether the band is known to count no step of hers, as in a wheelchair."""
    habit = profile.learnt.get(RULE.slot)
    return isinstance(habit, Habit) and _counts_none(habit.days)


def _limit(days: Sequence[Seen], limit_s: float) -> float:
    """How long she may sit, in seconds."""
    if len(days) < LEAST_DAYS_SAT:
        return limit_s
    usual = sorted(each.sat for each in days)[int(SITS * len(days))] * 60.0
    return limit_s if usual < limit_s else min(usual * LONGER, max(LONGEST_S, limit_s))


class Usual(NamedTuple):
    """What is usual for her. Minutes of the local day: `up_from` to `up_to` she gets up, mostly by `up`; None where too
    few mornings were seen. From `bed` on she rests. She sits for up to `sits_s` seconds; None: her band counts no
    steps."""

    up_from: int | None
    up: int | None
    up_to: int | None
    bed: int
    sits_s: float | None


def usual(profile: Profile) -> Usual:
    """What her weeks have shown, as the rule takes it."""
    habit = profile.learnt.get(RULE.slot)
    days = habit.days if isinstance(habit, Habit) else ()
    ups = sorted(each.up for each in days if each.up is not None)
    sits = None if _counts_none(days) else _limit(days, profile.thresholds.still_s)
    bed = _bed(days, profile)
    if len(ups) < LEAST_DAYS:
        return Usual(None, None, None, bed, sits)
    tenth = len(ups) // 10
    return Usual(ups[tenth], _up(days), ups[-1 - tenth], bed, sits)


def _local(ts: float, profile: Profile) -> datetime:
    return datetime.fromtimestamp(ts, profile.zone)


def _at(day: datetime, minute: int) -> datetime:
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=minute)


def _is_up(ts: float, up: int, bed: int, profile: Profile) -> bool:
    local = _local(ts, profile)
    return up <= local.hour * 60 + local.minute < bed


def _morning(ts: float, up: int, profile: Profile) -> float:
    """When she usually got up on this day, seconds since the epoch."""
    return _at(_local(ts, profile), up).timestamp()


def waking_s(begin: float, end: float, up: int, bed: int, profile: Profile) -> float:
    """How much of the time from `begin` to `end` (seconds since the epoch) she is usually up, in seconds.

    `up` and `bed` are minutes of the local day.
    """
    total, day, last = 0.0, _local(begin, profile), _local(end, profile).date()
    while day.date() <= last:
        total += max(min(end, _at(day, bed).timestamp()) - max(begin, _at(day, up).timestamp()), 0.0)
        day += timedelta(days=1)
    return total


def learn(habit: Habit, day: Day, profile: Profile) -> tuple[Habit, tuple[Verdict, ...]]:
    """Take one day more into her habits: when she got up, how long she sat, and when she went to bed."""
    if profile.is_away(day.begin):
        return replace(habit, moved=None), NOTHING
    told = [each for each in day.hearts if each.steps is not None or each.motion is not None]
    moved = [each.ts.timestamp() for each in told if _moves(each)]
    if not moved:
        return _learn_none(habit, told, day, profile)
    midnight = _at(_local(day.end, profile), 0).timestamp()
    # A rest may lie across noon.
    moved = [*((habit.moved,) if habit.moved is not None and day.begin - habit.moved < ACROSS_NOON_S else ()), *moved]
    worn = _worn(day, profile)
    bed, up = _night(moved, midnight, worn)
    seen = Seen(up, _sat(moved, up, midnight, worn, profile), bed)
    after = Habit((*habit.days, seen)[-DAYS:], moved[-1])
    if _counts_none(habit.days):
        return after, (Cleared(IncidentKind.STILLNESS, "counts_steps", datetime.fromtimestamp(day.end, UTC)),)
    return after, NOTHING


def _learn_none(
    habit: Habit, told: Sequence[HeartRate], day: Day, profile: Profile
) -> tuple[Habit, tuple[Verdict, ...]]:
    """A day on which the band measured her heart and counted no step is one of a band that counts none."""
    measured = {
        int(each.ts.timestamp() // SLOT_S) for each in told if heart_rate.is_plausible(each, profile.thresholds)
    }
    if len(measured) < LEAST_SLOTS:
        return replace(habit, moved=None), NOTHING
    after = Habit((*habit.days, Seen(None, NEVER_MOVED))[-DAYS:])
    if not _counts_none(after.days) or _counts_none(habit.days):
        return after, NOTHING
    detail = {"days": LEAST_DAYS}
    at = datetime.fromtimestamp(day.end, UTC)
    return after, (Finding(IncidentKind.STILLNESS, Severity.TASK, "counts_no_steps", at, detail),)


def _moves(reading: HeartRate) -> bool:
    """Whether somebody moves: a hand that trembles, or is moved, does not."""
    return reading.motion == "active" or (reading.steps or 0) >= window.FEW_STEPS


class _Worn(NamedTuple):
    """When a heart was `measured` in a day that began at `begin`: seconds since the epoch, oldest first."""

    begin: float
    measured: Sequence[float]

    def during(self, begin: float, end: float) -> bool:
        """Whether the band was worn from `begin` to `end`, as far as that lies in this day, in the rhythm that it had
        then: many measure less often while their wearer sleeps."""
        begin = max(begin, self.begin)
        measured = self.measured[bisect_left(self.measured, begin) : bisect_left(self.measured, end)]
        wanted = int(end // SLOT_S) - int(begin // SLOT_S)
        share = COVERED * SLOT_S / max(_rhythm_s(measured), SLOT_S)
        return len({int(ts // SLOT_S) for ts in measured}) >= share * wanted


def _rhythm_s(measured: Sequence[float]) -> float:
    """The rhythm, in seconds, in which a band measured for half of the time, half an hour at the slowest. The longest
    gap does not count: a band that was off for once has one, and it is not its rhythm."""
    gaps = sorted(later - sooner for sooner, later in pairwise(measured))[:-1]
    half, so_far = sum(gaps) / 2, 0.0
    for gap in gaps:
        so_far += gap
        if so_far >= half:
            return min(gap, SLOWEST_HEART_S)
    return 0.0


def _worn(day: Day, profile: Profile) -> _Worn:
    """When the band was worn on a day, by the heart that it measured."""
    return _Worn(
        day.begin,
        sorted(each.ts.timestamp() for each in day.hearts if heart_rate.is_plausible(each, profile.thresholds)),
    )


def _night(moved: Sequence[float], midnight: float, worn: _Worn) -> tuple[int | None, int | None]:
    """When the first long rest of the night began, and when the last ended, in minutes of their local days.

    Where the band was not worn in that rest it was taken off or put on, and nobody knows when she went to bed or got
    up.
    """
    rests = [
        (begin, end)
        for begin, end in pairwise(moved)
        if end - begin >= LONG_REST_S and begin < midnight + UP_BY_H * 3600 and end > midnight - 3600
    ]
    if not rests:
        return None, None
    bed = int(rests[0][0] - midnight) // 60 if worn.during(*rests[0]) else None
    up = int(rests[-1][1] - midnight) // 60 if worn.during(*rests[-1]) else None
    return (bed + DAY_MIN if bed is not None and bed < 0 else None), up


def _sat(moved: Sequence[float], up: int | None, midnight: float, worn: _Worn, profile: Profile) -> int:
    """The longest time without a step while she was up and the band was worn, in minutes."""
    evening = midnight - 60 * (DAY_MIN - _bed((), profile))
    morning = midnight + 60 * (USUAL_UP_MIN if up is None else up)
    longest = 0.0
    for begin, end in pairwise(moved):
        sat = max(min(end, evening) - begin, 0.0) + max(end - max(begin, morning), 0.0)
        if sat > longest and worn.during(begin, end):
            longest = sat
    return int(longest) // 60


def stands(still: Stillness) -> bool:
    """Whether she lies still."""
    return still.told is not None


NEEDS = (Needs("stillness", Scope.HEALTH, heart_every_s=SLOWEST_HEART_S, movement=True),)
RULE = Rule(
    "stillness", Stillness, (HeartRate,), hear, look, NEEDS, Habit, learn, kind=IncidentKind.STILLNESS, stands=stands
)
