"""The personal envelope: her heart is faster at rest, or asleep, than her own last weeks have shown, for half an hour.

A hundred is little to many people and a lot to somebody whose heart beats sixty times at rest. What is high for her is
learnt of her own days, awake and asleep apart. It only adds to the limits that hold for everybody: where those speak,
nothing is said here. What is low for her is not looked at: for most people it lies below the limit of everybody, and
whoever dozes by day is slow as well.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median

from msgspec.structs import replace

from alerts.model.incident import IncidentKind, Verdict
from alerts.rules import heart_rate, resting_rate
from alerts.rules import minutes as window
from alerts.rules.heart_rate import WARNING, Limit, Limits, Seen
from alerts.rules.minutes import Minute
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, SLOWEST_HEART_S, Day, Needs, Rule
from alerts.rules.state import Heart, Memory, Side, State
from alerts.rules.thresholds import Thresholds
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import HeartRate

SLOT = "envelope"
SLOT_MIN = 5
"""Minutes of values that are one, their median: a wrist's errors last for seconds."""
HIGH_SHARE = 0.95
"""The high rate of a day is that which so many of its five minutes at rest lie below. The very highest would be a
fright, or a wrist's errors."""
DAYS_SHARE = 0.75
"""High for her is what three of four of her days stay below."""
LONGEST_GAP_MIN = 60
"""Minutes. After a longer pause nobody knows what a single value is worth: the slowest band measures every 30."""
ANY_MOVEMENT_BPM = 0.0
"""Whatever the rate, movement costs the minutes of rest after it that exertion does: what is learnt is rest."""
KEPT_DAYS = 28
LEAST_DAYS = 7
"""With fewer days that count nobody knows what is high for her."""
STRANGE_BPM = 10.0
"""A day whose high rate is as far from hers is not learnt, for she may be ill,"""
ACCEPTED_DAYS = 21
"""but after so many of them in a row theirs is hers."""
FORGOTTEN_DAYS = 28
"""After so many days without one that counts nothing is known of her any more."""
FRESH_S = 300.0
"""Only what was measured so short a time ago is compared."""
_EVERYBODY = Thresholds()

# All of these numbers are proposals.


class Level(Memory, frozen=True):
    """What is high for her, awake or asleep. Rates are beats per minute.

    `usual` are the high rates of the days that say so, `others` those of the last days that deviate; `date` is the
    ordinal of the last day that counts. `high` is what is high for her, None until that is known.
    """

    usual: tuple[float, ...] = ()
    others: tuple[float, ...] = ()
    date: int = 0
    high: float | None = None


class Levels(Memory, frozen=True):
    """Both, the ordinal of the last day that was taken, and the lower of the rates that are high for her."""

    awake: Level = Level()
    asleep: Level = Level()
    date: int = 0
    least: float | None = None


class Envelope(Memory, frozen=True):
    """The last alarm about it."""

    side: Side | None = None


def look(envelope: Envelope, state: State, profile: Profile, ts: float) -> tuple[Envelope, tuple[Verdict, ...]]:
    """Compare the newest value with what is high for her. `ts` is now, seconds since the epoch."""
    heart, side, levels = state.heart, envelope.side, profile.learnt.get(SLOT)
    if heart.measured is None or ts - heart.measured > FRESH_S or profile.is_away(ts):
        return envelope, NOTHING
    if not isinstance(levels, Levels):
        levels = _NOTHING_LEARNT
    if side is None and not _is_worth_comparing(heart, levels, heart.measured, profile.thresholds):
        return envelope, NOTHING
    return _compare(envelope, levels, state, heart.measured, profile)


_NOTHING_LEARNT = Levels()


def _is_worth_comparing(heart: Heart, levels: Levels, measured: float, limits: Thresholds) -> bool:
    """Whether the minutes have to be looked at, which costs ten times what all the rest does: the newest is above what
    is high for her, and she does not walk in it."""
    newest = heart.minutes[-1]
    high = levels.least
    if heart.active is not None and measured - heart.active < limits.asleep_s:
        high = levels.awake.high  # nobody sleeps who has just moved
    if high is None or not newest.values or newest.mean < high + limits.envelope_over:
        return False
    return len(heart.minutes) < 2 or not window.is_walking(newest, heart.minutes[-2])


def stands(envelope: Envelope) -> bool:
    """Whether what was told goes on."""
    return envelope.side is not None and envelope.side.stands


def _compare(
    envelope: Envelope, levels: Levels, state: State, measured: float, profile: Profile
) -> tuple[Envelope, tuple[Verdict, ...]]:
    """Compare the last minutes, of which the newest was `measured` (seconds since the epoch), with her limit."""
    heart, thresholds = state.heart, profile.thresholds
    known = window.is_movement_known(heart.minutes)
    asleep = heart_rate.is_asleep(heart.active if known else None, profile, measured)
    # Whoever is awake and tells nothing of movement may be running.
    bpm = limit_of(levels, asleep, thresholds) if known or asleep else None
    at = datetime.fromtimestamp(measured, UTC)
    inside = (thresholds.hr_high_warning if bpm is None else bpm) - thresholds.hr_hysteresis
    seen = heart_rate.see(heart, at, asleep, inside, profile)
    speaks = bpm is not None and not _is_said(state, measured, thresholds)
    limits = Limits(
        "above_usual_asleep" if asleep else "above_usual",
        1,
        () if bpm is None else (Limit(WARNING, bpm, thresholds.envelope_s / 60),),
        inside,
        [each for each in seen.rests if each.rested] if speaks else [],
        may_stand=bpm is not None,
    )
    side, verdict = heart_rate.follow(_anew(envelope.side, seen, profile), limits, seen)
    if side is envelope.side or (
        side is not None and side.stands and heart_rate.is_erratic(heart, seen.rests, measured)
    ):
        return envelope, NOTHING
    return Envelope(side), NOTHING if verdict is None else (verdict,)


def limit_of(levels: Levels, asleep: bool, limits: Thresholds) -> float | None:
    """From which rate on it is told of, beats per minute; None where that is not known, or another limit stands over
    it: that of everybody, which is lower, or one of her own that somebody has signed because hers are higher."""
    high = (levels.asleep if asleep else levels.awake).high
    if high is None:
        return None
    own, everybody = limits.hr_high_warning, _EVERYBODY.hr_high_warning
    if asleep:
        own, everybody = limits.hr_asleep_high, _EVERYBODY.hr_asleep_high
    bpm = high + limits.envelope_over
    return None if bpm >= own or own > everybody else bpm


def _is_said(state: State, measured: float, limits: Thresholds) -> bool:
    """Whether the limits that hold for everybody speak, or did just now."""
    heart = state.heart
    if heart_rate.stands(heart):
        return True
    ended = [side.alarmed for side in (heart.high, heart.asleep) if side is not None and side.rank]
    return any(measured - each < limits.cool_down_s for each in ended)


def _anew(side: Side | None, seen: Seen, profile: Profile) -> Side | None:
    """What stands began at a time that is not known, where she was away since, or nothing was measured for long."""
    if side is None or not side.stands or not side.since:
        return side
    pauses = (each.gap * 60 for each in seen.rests if each.minute.at * 60 > side.alarmed)
    if profile.away_before(seen.ts) < side.alarmed and max(pauses, default=0) <= heart_rate.RESUMED_S:
        return side
    return replace(side, since=0.0)


# What is high for her -------------------------------------------------------------------------------------------


def learn(levels: Levels, day: Day, profile: Profile) -> tuple[Levels, tuple[Verdict, ...]]:
    """Take one day more into what is high for her; one that was taken already changes nothing."""
    date = day.date.toordinal()
    if date <= levels.date or profile.is_away(day.end):
        return levels, NOTHING
    rates = rates_of(day, profile)
    awake, asleep = take(levels.awake, date, rates[0]), take(levels.asleep, date, rates[1])
    known = [each.high for each in (awake, asleep) if each.high is not None]
    return Levels(awake, asleep, date, min(known, default=None)), NOTHING


def rates_of(day: Day, profile: Profile) -> tuple[float | None, float | None]:
    """The high rate of a day at rest, awake and asleep, beats per minute; None where too little was measured, or where
    nobody knows whether she moved."""
    minutes = _minutes(day.hearts, profile)
    known = window.is_movement_known(minutes)
    moved: dict[int, float | None] = {}
    last: float | None = None
    for each in minutes:
        last = each.at * 60.0 if each.steps > 0 else last
        moved[each.at] = last
    awake: list[Minute] = []
    asleep: list[Minute] = []
    for rest in window.rests(minutes, ANY_MOVEMENT_BPM, profile.thresholds.hr_rest_s / 60):
        last = moved[rest.minute.at]
        if not rest.rested or rest.gap > LONGEST_GAP_MIN or (known and last is None):
            continue  # nobody knows whether she rests
        if heart_rate.is_asleep(last if known else None, profile, rest.minute.at * 60.0):
            asleep.append(rest.minute)
        elif known:
            awake.append(rest.minute)
    return high_rate(awake), high_rate(asleep)


def _minutes(hearts: Sequence[HeartRate], profile: Profile) -> list[Minute]:
    """What was measured on a day, minute by minute, in order; nothing of it while she was away."""
    minutes: dict[int, Minute] = {}
    last: float | None = None
    for each in hearts:
        ts = each.ts.timestamp()
        if ts == last or profile.is_away(ts):
            continue  # the same once more
        last = ts
        at, steps = int(ts // 60), window.moved(each.steps, each.motion)
        before = minutes.get(at) or Minute(at)
        values, total = (1, each.bpm) if heart_rate.is_plausible(each, profile.thresholds) else (0, 0.0)
        both = steps if before.steps < 0 else before.steps + max(steps, 0)
        minutes[at] = Minute(at, before.values + values, before.total + total, both)
    return list(minutes.values())


def high_rate(minutes: Sequence[Minute]) -> float | None:
    """The rate below which nearly all five minutes of these lie, beats per minute; None where they are too few, or of
    no heart."""
    slots: dict[int, list[float]] = {}
    for each in minutes:
        slots.setdefault(each.at // SLOT_MIN, []).append(each.mean)
    if len(slots) < resting_rate.LEAST_SLOTS or resting_rate.covered_s(sorted(slots)) < resting_rate.LEAST_COVERED_S:
        return None
    values = [(each.at * 60.0, each.mean) for each in minutes]
    if len({bpm for _, bpm in values}) == 1 or resting_rate.jumps(values):
        return None
    return round(_below(list(map(median, slots.values())), HIGH_SHARE), 1)


def _below(rates: Sequence[float], share: float) -> float:
    """The rate that this share of them lie below."""
    return sorted(rates)[round(share * (len(rates) - 1))]


def take(level: Level, date: int, rate: float | None) -> Level:
    """What is high for her with the high rate of one day more; `date` is its ordinal. None: it does not count."""
    if level.date and date - level.date > FORGOTTEN_DAYS:
        level = Level()
    if rate is None:
        return level
    if level.high is None or abs(rate - level.high) < STRANGE_BPM:
        return _known((*level.usual, rate)[-KEPT_DAYS:], date)
    others = (*level.others, rate)
    return _known(others, date) if len(others) >= ACCEPTED_DAYS else replace(level, others=others, date=date)


def _known(usual: tuple[float, ...], date: int) -> Level:
    return Level(usual, (), date, _below(usual, DAYS_SHARE) if len(usual) >= LEAST_DAYS else None)


def _known_days(levels: Levels) -> int:
    return len(levels.awake.usual)


NEEDS = (
    Needs(
        "above_usual",
        Scope.HEALTH,
        heart_every_s=SLOWEST_HEART_S,
        movement=True,
        days=LEAST_DAYS,
        slot=SLOT,
        learnt=_known_days,
    ),
)
RULE = Rule(SLOT, Envelope, (), None, look, NEEDS, Levels, learn, kind=IncidentKind.HEART_RATE, stands=stands)
