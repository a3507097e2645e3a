"""The heart rate: too high or too low, at rest, for long enough; high for somebody asleep."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import minutes as window
from alerts.rules.minutes import Minute, Rest
from alerts.rules.profile import Profile
from alerts.rules.rule import SLOWEST_HEART_S, Needs
from alerts.rules.state import Heart, Side, State
from alerts.rules.thresholds import Thresholds
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import HeartRate

NOTHING: tuple[Verdict, ...] = ()
NEEDS = (
    Needs("heart_rate", Scope.HEALTH, heart_every_s=SLOWEST_HEART_S),
    Needs("heart_asleep", Scope.HEALTH, heart_every_s=SLOWEST_HEART_S),
)
WARNING, URGENT = 1, 2
_SEVERITY = {WARNING: Severity.WARNING, URGENT: Severity.URGENT}

COMPARED_S = 20.0
"""Values that come more often are looked at together: nothing here is decided by seconds."""
RECOVERED = 0.8
"""The share of values well inside that ends an episode: wrists are as noisy when it is over."""
ERRATIC_BPM = 8.0
"""The median of what a heart jumps from one minute to the next, at which it is none. In an hour without a step it was
3 at most (1,500 hours of six people), with the errors of the worst of five wrists 5.5."""
CALM_BPM = 5.0
"""At less it is a heart again."""
ERRATIC_AFTER_S = 7200.0
"""Nobody has moved for so long: a band on a table counts no steps."""
ERRATIC_VALUES = 15
FROZEN_VALUES = 30
"""Bands that were not worn repeated one value for 10 to 50 minutes."""
LONGEST_SLEEP_S = 14 * 3600.0
RESUMED_S = 7200.0
"""After so long without a value an episode is another one."""


def is_valid(state: State, reading: HeartRate, limits: Thresholds) -> bool:
    """Whether the value counts: 0 is "not measured", and a band off the wrist or unsure of itself measures nothing."""
    if not is_plausible(reading, limits):
        return False
    wear = state.wear
    if wear.worn is not False or wear.newest is None:
        return True
    # A band that said "not worn" long ago and nothing since is believed no more: its values are all there is.
    return reading.ts.timestamp() - wear.newest > limits.silent_s


def is_plausible(reading: HeartRate, limits: Thresholds) -> bool:
    """Whether it is a heart rate that the band is sure of."""
    if not limits.hr_min_bpm <= reading.bpm <= limits.hr_max_bpm:
        return False
    return reading.quality is None or reading.quality >= limits.hr_min_quality


def not_measured(heart: Heart, reading: HeartRate, ts: float) -> Heart:
    """The memory after a reading without a value that counts: movement is all it tells."""
    steps = window.moved(reading.steps, reading.motion)
    active = ts if steps > 0 else heart.active
    return replace(heart, newest=ts, active=active, minutes=window.add(heart.minutes, ts, None, steps))


def evaluate(state: State, reading: HeartRate, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate one value that counts, newer than all before. `ts` is its time in seconds since the epoch."""
    heart, steps = state.heart, window.moved(reading.steps, reading.motion)
    heard = ts if state.heard is None or ts > state.heard else state.heard
    if heart.measured is not None and ts - heart.measured > RESUMED_S:
        heart = anew(heart)
    part, rank = ts // COMPARED_S, _rank(reading.bpm, profile.thresholds)
    after = Heart(
        newest=ts,
        measured=ts,
        active=ts if steps > 0 else heart.active,
        high=heart.high,
        low=heart.low,
        asleep=heart.asleep,
        missing=heart.missing,
        minutes=window.add(heart.minutes, ts, reading.bpm, steps),
        no_heart=heart.no_heart,
        compared=heart.compared,
        compared_at=heart.compared_at,
    )
    verdicts = NOTHING
    is_new = part != heart.compared or rank != heart.compared_at
    if is_new and _is_worth_comparing(after, rank, reading.bpm, profile, ts):
        after, verdicts = _compare(replace(after, compared=part, compared_at=rank), reading.ts, profile, ts)
    return State(heard, after, state.zone, state.wear, state.silent, state.slots, state.looked), verdicts


def anew(heart: Heart) -> Heart:
    """The memory in which what still stands began at a time that is not known."""
    if not stands(heart):
        return heart
    high, low, asleep = (side and replace(side, since=0.0) for side in (heart.high, heart.low, heart.asleep))
    return replace(heart, high=high, low=low, asleep=asleep)


def _rank(bpm: float, limits: Thresholds) -> int:
    """Where a value lies: 0 inside, above it 1 and 2, below it -1 and -2 beyond the limits of a warning and of an
    urgent rate."""
    if bpm >= limits.hr_high_warning:
        return 2 if bpm >= limits.hr_high_urgent else 1
    if bpm <= limits.hr_low_warning:
        return -2 if bpm <= limits.hr_low_urgent else -1
    return 0


def _is_worth_comparing(heart: Heart, rank: int, bpm: float, profile: Profile, ts: float) -> bool:
    """Whether the minutes have to be looked at, which costs ten times what all the rest does."""
    if heart.missing is not None or stands(heart):
        return True
    if rank or bpm < profile.thresholds.hr_asleep_high:
        return rank != 0
    return heart.active is None or ts - heart.active >= profile.thresholds.asleep_s


class Seen(NamedTuple):
    """What there is to see at one value: the minutes, and what of them counts."""

    at: datetime
    ts: float
    limits: Thresholds
    newest: Minute
    rests: list[Rest]
    rhythm: float
    asleep: bool
    night: bool


def see(heart: Heart, at: datetime, asleep: bool, exertion: float, profile: Profile) -> Seen:
    """What there is to see as of the newest value, at `at` (aware). Movement at `exertion` beats per minute and above
    takes time to slow down from."""
    limits, minutes, ts = profile.thresholds, heart.minutes, at.timestamp()
    rests = window.rests(minutes, exertion, limits.hr_rest_s / 60)
    night = asleep or profile.is_night(ts)
    return Seen(at, ts, limits, minutes[-1], rests, window.rhythm_min(minutes), asleep, night)


def _compare(heart: Heart, at: datetime, profile: Profile, ts: float) -> tuple[Heart, tuple[Verdict, ...]]:
    limits = profile.thresholds
    known = window.is_movement_known(heart.minutes)
    seen = see(
        heart,
        at,
        is_asleep(heart.active if known else None, profile, ts),
        limits.hr_high_warning - limits.hr_hysteresis,
        profile,
    )
    high, low = follow(heart.high, _high(seen), seen), follow(heart.low, _low(seen), seen)
    # Too high for somebody awake says all that there is to say of somebody asleep.
    sleeping = follow(heart.asleep, _asleep(seen, speaks=not _stands(high[0])), seen)
    compared = (high, low, sleeping)
    found = [verdict for _, verdict in compared if isinstance(verdict, Finding)]
    if is_erratic(heart, seen.rests, ts) and all(each.severity is not Severity.URGENT for each in found):
        # An urgent one is said all the same: somebody who lies on the floor for hours may have a heart that jumps.
        return _no_heart(heart, seen) if found else (heart, NOTHING)
    sides = tuple(side for side, _ in compared)
    verdicts: list[Verdict] = [*found]
    if not _stands(*sides):
        # All of them are one incident, which is over when the last is.
        verdicts += [verdict for _, verdict in compared if isinstance(verdict, Cleared)][:1]
    if heart.missing is not None:
        verdicts.append(Cleared(IncidentKind.NO_HEART_RATE, "measured_again", at))
    return replace(heart, high=high[0], low=low[0], asleep=sleeping[0], missing=None), tuple(verdicts)


def stands(heart: Heart) -> bool:
    """Whether a rate beyond the limits goes on."""
    return _stands(heart.high, heart.low, heart.asleep)


def _stands(*sides: Side | None) -> bool:
    return any(side is not None and side.stands for side in sides)


def is_erratic(heart: Heart, rests: list[Rest], ts: float, *, frozen: bool = True) -> bool:
    """Whether the values cannot be a heart: nobody has moved for hours, and they jump from minute to minute, or are
    all the same (not asked without `frozen`)."""
    if len(rests) < ERRATIC_VALUES or heart.active is None or ts - heart.active < ERRATIC_AFTER_S:
        return False
    if not window.is_movement_known(heart.minutes):
        return False
    values = [each.minute.mean for each in rests]
    jumps = sorted(abs(later - sooner) for sooner, later in pairwise(values))
    bound = ERRATIC_BPM if heart.missing is None else CALM_BPM
    return jumps[len(jumps) // 2] >= bound or (frozen and len(values) >= FROZEN_VALUES and jumps[-1] == 0)


def _no_heart(heart: Heart, seen: Seen) -> tuple[Heart, tuple[Verdict, ...]]:
    """Instead of an alarm about a heart: the band does not measure one."""
    if heart.no_heart is not None and seen.ts - heart.no_heart < seen.limits.task_repeat_s:
        return heart, NOTHING
    detail = {"bpm": round(seen.newest.mean), "values": len(seen.rests)}
    finding = Finding(IncidentKind.NO_HEART_RATE, Severity.TASK, "values_of_no_heart", seen.at, detail)
    return replace(heart, missing=seen.ts, no_heart=seen.ts), (finding,)


def is_asleep(active: float | None, profile: Profile, ts: float) -> bool:
    """Whether nobody has moved for a while of which some was at night. `active` is the last movement (seconds since
    the epoch); where none is known, None, it is by the clock."""
    if active is None:
        return profile.is_night(ts)
    limits = profile.thresholds
    if ts - active < limits.asleep_s:
        return False
    # Whoever fell asleep at night sleeps on after it, and whoever sits still by day does not sleep.
    return profile.is_night(ts) or (ts - active < LONGEST_SLEEP_S and profile.is_night(active + limits.asleep_s))


class Limit(NamedTuple):
    """Beats per minute that a rate is at or beyond for so many minutes, and how grave that is."""

    rank: int
    bpm: float
    window_min: float


class Limits(NamedTuple):
    """One side's limits, gravest first. `sign` makes "beyond" always "at or above"; `over` is what is well inside."""

    name: str
    sign: int
    all: tuple[Limit, ...]
    over: float
    counted: list[Rest]
    may_stand: bool = True
    """Whether what stands still can."""


def _high(seen: Seen) -> Limits:
    limits = seen.limits
    return Limits(
        "high",
        1,
        (
            Limit(URGENT, limits.hr_high_urgent, limits.hr_urgent_s / 60),
            Limit(WARNING, limits.hr_high_warning, limits.hr_warning_s / 60),
        ),
        limits.hr_high_warning - limits.hr_hysteresis,
        [each for each in seen.rests if each.rested],
    )


def _low(seen: Seen) -> Limits:
    limits = seen.limits
    warning, urgent = limits.hr_low_warning, limits.hr_low_urgent
    if seen.night:  # someone whose own limits are lower by day keeps them at night
        warning, urgent = min(warning, limits.hr_night_low_warning), min(urgent, limits.hr_night_low_urgent)
    return Limits(
        "low",
        -1,
        (Limit(URGENT, urgent, limits.hr_urgent_s / 60), Limit(WARNING, warning, limits.hr_warning_s / 60)),
        warning + limits.hr_hysteresis,
        [each for each in seen.rests if each.still],
    )


def _asleep(seen: Seen, *, speaks: bool) -> Limits:
    limits = seen.limits
    return Limits(
        "asleep_high",
        1,
        (Limit(WARNING, limits.hr_asleep_high, limits.hr_asleep_s / 60),),
        limits.hr_asleep_high - limits.hr_hysteresis,
        [each for each in seen.rests if each.rested] if seen.asleep and speaks else [],
        may_stand=seen.asleep,
    )


def follow(side: Side | None, limits: Limits, seen: Seen) -> tuple[Side | None, Verdict | None]:
    """The side after one value, and what there is to say: an episode that begins, gets graver, goes on or is over."""
    thresholds, counted = seen.limits, limits.counted
    proof = window.Proof(thresholds.hr_share, thresholds.hr_lapse_margin, thresholds.hr_min_samples)
    if side is not None and side.rank and not side.stands:
        # What was over before is another episode.
        counted = [each for each in counted if each.minute.at >= side.alarmed // 60]
    for limit in limits.all if counted and counted[-1].minute is seen.newest else ():
        span = window.lasting(counted, seen.rhythm, limit.window_min, limit.bpm * limits.sign, limits.sign, proof)
        if span is not None:
            if side is not None and limit.rank <= side.rank and seen.ts - side.alarmed < thresholds.cool_down_s:
                return side, None
            return _found(side, limits, limit, span, seen)
    if side is None:
        return None, None
    if side.stands:
        return _recover(side, limits, seen)
    return (side if side.rank and seen.ts - side.alarmed < window.LONGEST_KEPT_MIN * 60 else None), None


def _found(side: Side | None, limits: Limits, limit: Limit, span: window.Span, seen: Seen) -> tuple[Side, Finding]:
    """An episode begins, becomes graver, or goes on after the cool-down."""
    since = side.since if side is not None and side.stands and side.since else span.since * 60.0
    severity = _SEVERITY[limit.rank]
    detail = {
        "bpm": round(seen.newest.mean),
        "mean_bpm": round(span.mean),
        "limit_bpm": limit.bpm,
        "duration_s": round(span.minutes * 60),
        "values": span.values,
    }
    began = datetime.fromtimestamp(since, UTC)
    reason = f"{limits.name}_{severity}"
    finding = Finding(IncidentKind.HEART_RATE, severity, reason, seen.at, detail, episode_at=began)
    return Side(limit.rank, seen.ts, since, True), finding


def _recover(side: Side, limits: Limits, seen: Seen) -> tuple[Side, Cleared | None]:
    """The side after a value that follows an alarm: most values have to be well inside for a while, so that it does not
    flutter at the limit. Values during movement count too where they are inside."""
    over = Cleared(IncidentKind.HEART_RATE, f"{limits.name}_over", seen.at)
    # The cool-down begins when it is over: what comes back sooner is still the same.
    after = replace(side, stands=False, alarmed=seen.ts)
    if not limits.may_stand:
        return after, over
    end = seen.newest.at
    window_min = max(seen.limits.hr_recovered_s / 60, 3 * seen.rhythm)
    last = [each.minute for each in seen.rests if each.minute.at > end - window_min]
    inside = [each for each in last if limits.sign * each.mean <= limits.sign * limits.over]
    if not inside or inside[-1] is not seen.newest or len(inside) < RECOVERED * len(last):
        return side, None
    if sum(each.values for each in inside) < min(seen.limits.hr_min_samples, 3):
        return side, None
    rhythm = max(seen.rhythm, 1.0)
    if end - inside[0].at + rhythm < window_min - rhythm / 2 or inside[0].at * 60 < side.alarmed - 60:
        return side, None
    return after, over
