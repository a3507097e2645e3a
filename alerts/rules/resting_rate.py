"""The resting heart rate of the nights: whether it has left what is usual for this person.

A night has one rate, and the rates of her own last weeks say what is usual. Two nights in a row that are beyond it on
the same side make a task for the clinic, never a call. The ideas are those of RHR-Diff (Mishra 2020: a baseline of 28
days) and NightSignal (Alavi 2022: medians, and two nights in a row); the numbers are ours.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean, median

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import minutes as window
from alerts.rules.heart_rate import ERRATIC_BPM, ERRATIC_VALUES, is_plausible
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, SLOWEST_HEART_S, Day, Needs, Rule
from alerts.rules.state import Memory
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import HeartRate

JUMP_WITHIN_MIN = 2
SLOT_S = 300.0
"""Values of so many seconds are one, their median: a wrist's errors last for seconds."""
LONGEST_STAND_S = 1800.0
"""Five minutes stand for the time until the next that were measured, up to so long: the slowest band's rhythm."""
LEAST_COVERED_S = 7200.0
"""A night with less rest than that tells nothing."""
LEAST_SLOTS = 6
"""A night with fewer five minutes tells nothing: of a band that measures every half hour it takes three hours."""
STILL_S = 1800.0
"""Seconds without movement after which somebody is at rest for the night: a heart needs some of them to slow down."""
LOW_SHARE = 0.2
"""The rate of a night is that which a fifth of its five minutes lie below. Who lies awake, or is ill for an hour, has
the same; the very lowest would be the wrist's errors."""

KEPT_NIGHTS = 28
"""The nights that say what is usual: four weeks, so that no weekday counts more than another."""
LEAST_NIGHTS = 7
"""With fewer nobody knows what is usual."""
SPREADS = 1.5
"""Nights are beyond by so many standard deviations of her own. Nights resemble those before, so that the mean of two
spreads nearly as much as one."""
LOWER = 1.25
"""A fall has to be larger by this factor: most of them are recoveries, or a new drug of which the clinic knows."""
IN_A_ROW_DAYS = 3
"""Two nights in a row may have two days between them that told nothing."""
TOLD_AGAIN_DAYS = 14
ACCEPTED_NIGHTS = 21
"""After so many nights on another level that level is what is usual."""
FORGOTTEN_DAYS = 28
"""After so many days without a night that counts nothing is known of her any more."""


class Nights(Memory, frozen=True):
    """What her nights have shown. Rates are beats per minute; a date is the ordinal of the day on which a night ends.

    `usual` are the nights that say what is usual, `others` those since then that do not. `last` is the date of the last
    night that counts, `rate` its rate. `side` is 1 where a rise has been told and lasts, -1 for a fall; `told` is when,
    and `back` counts the last nights that were as usual.
    """

    usual: tuple[float, ...] = ()
    others: tuple[float, ...] = ()
    last: int = 0
    rate: float = 0.0
    side: int = 0
    told: int = 0
    back: int = 0


def learn(learnt: Nights, day: Day, profile: Profile) -> tuple[Nights, tuple[Verdict, ...]]:
    """Take the night of a day into what is learnt; a day that was taken already changes nothing."""
    date = day.date.toordinal()
    if date <= learnt.last or profile.is_away(day.end):
        return learnt, NOTHING
    at = datetime.fromtimestamp(day.end, UTC)
    rate = night_rate(day, profile)
    if rate is None:
        if learnt.side and date - learnt.last > FORGOTTEN_DAYS:
            return Nights(last=date), _over("resting_rate_unknown", at)
        return learnt, NOTHING
    return take(learnt, date, rate, at, profile.thresholds.resting_change)


# The rate of a night --------------------------------------------------------------------------------------------


def night_rate(day: Day, profile: Profile) -> float | None:
    """The resting rate of the day's night, beats per minute; None where too little was measured at rest."""
    rests = _at_rest(day.hearts, profile)
    slots: dict[int, list[float]] = {}
    for ts, bpm in rests:
        slots.setdefault(int(ts // SLOT_S), []).append(bpm)
    if len(slots) < LEAST_SLOTS or covered_s(sorted(slots)) < LEAST_COVERED_S:
        return None
    if all(bpm == rests[0][1] for _, bpm in rests):
        return None  # one and the same value all night is no heart
    if jumps(rests):
        return None  # a band on a table
    rates = sorted(map(median, slots.values()))
    return round(rates[int(LOW_SHARE * (len(rates) - 1))], 1)


def jumps(rests: Sequence[tuple[float, float]]) -> bool:
    """Whether values (seconds since the epoch, beats per minute) jump from minute to minute as those of no heart do, in
    most of the time."""
    minutes: dict[int, list[float]] = {}
    for ts, bpm in rests:
        minutes.setdefault(int(ts // 60), []).append(bpm)
    means = [(minute, fmean(values)) for minute, values in minutes.items()]
    jumps = [abs(later[1] - sooner[1]) for sooner, later in pairwise(means) if later[0] - sooner[0] <= JUMP_WITHIN_MIN]
    return len(jumps) >= ERRATIC_VALUES and median(jumps) >= ERRATIC_BPM


def covered_s(slots: Sequence[int]) -> float:
    """How many seconds these five minutes (counted since the epoch, in order) stand for."""
    stand = LONGEST_STAND_S / SLOT_S
    return SLOT_S * (1 + sum(min(later - sooner, stand) for sooner, later in pairwise(slots)))


def _at_rest(hearts: Sequence[HeartRate], profile: Profile) -> list[tuple[float, float]]:
    """The time (seconds since the epoch) and the rate of each value at rest in the night.

    Where movement is known that is half an hour after any, at night or since the night; by the clock otherwise.
    """
    moves = [window.moved(each.steps, each.motion) for each in hearts]
    known = 2 * sum(each >= 0 for each in moves) >= len(moves)
    rests: list[tuple[float, float]] = []
    active: float | None = None
    for reading, moved in zip(hearts, moves, strict=True):
        ts = reading.ts.timestamp()
        if moved >= window.FEW_STEPS:
            active = ts
        if not is_plausible(reading, profile.thresholds) or profile.is_away(ts):
            continue
        if rests and rests[-1][0] == ts:
            continue  # the same once more
        if _is_asleep(ts, active, profile) if known and active is not None else profile.is_night(ts):
            rests.append((ts, reading.bpm))
    return rests


def _is_asleep(ts: float, active: float, profile: Profile) -> bool:
    return ts - active >= STILL_S and (profile.is_night(ts) or profile.is_night(active + STILL_S))


# What is usual --------------------------------------------------------------------------------------------------


def take(known: Nights, date: int, rate: float, at: datetime, change: float) -> tuple[Nights, tuple[Verdict, ...]]:
    """Compare one more night with what is usual, and take it in.

    `date` is its ordinal, `at` (aware) the noon after it. `change` is by how much, at least, a rate has to be beyond,
    beats per minute.
    """
    if known.last and date - known.last > FORGOTTEN_DAYS:
        begun, _ = take(Nights(), date, rate, at, change)
        return begun, _over("resting_rate_unknown", at) if known.side else NOTHING
    if len(known.usual) < LEAST_NIGHTS:
        return replace(known, usual=(*known.usual, rate), last=date, rate=rate), NOTHING
    usual, bar = median(known.usual), bar_of(known.usual, change)
    pair = (known.rate - usual, rate - usual) if date - known.last <= IN_A_ROW_DAYS else ()
    beyond = _side(pair, bar)
    side = beyond or known.side
    after, said = _follow(known, side, rate - usual, bar, date, at)
    if beyond and (beyond != known.side or date - known.told >= TOLD_AGAIN_DAYS) and after.side:
        resting = round((known.rate + rate) / 2)
        detail = {"resting_bpm": resting, "usual_bpm": round(usual), "nights": len(known.usual)}
        reason = "resting_rate_higher" if side > 0 else "resting_rate_lower"
        said = (Finding(IncidentKind.RESTING_RATE, Severity.TASK, reason, at, detail),)
        after = replace(after, told=date)
    return replace(after, last=date, rate=rate), said


def bar_of(usual: Sequence[float], change: float) -> float:
    """By how much a night has to be beyond what is usual, beats per minute.

    It is at least `change`, which stands for a spread of her nights of 3: of seven nights the spread is not known
    better, and a wrist errs by as much.
    """
    middle = median(usual)
    spread = 1.4826 * median(abs(each - middle) for each in usual)  # a standard deviation, were they normal
    return max(change, SPREADS * spread)


def _side(pair: Sequence[float], bar: float) -> int:
    """1 where the mean of two nights is beyond above, -1 below, 0 where it is not, or one of the two is near."""
    if not pair:
        return 0
    sign = 1 if pair[-1] > 0 else -1
    bar = bar if sign > 0 else bar * LOWER
    beyond = [sign * each for each in pair]
    return sign if sum(beyond) >= 2 * bar and min(beyond) >= bar / 2 else 0


def _follow(
    known: Nights, side: int, beyond: float, bar: float, date: int, at: datetime
) -> tuple[Nights, tuple[Verdict, ...]]:
    """What is usual after one more night: one that is as usual is learnt, any other waits among the `others`."""
    rate = beyond + median(known.usual)
    back = known.back + 1 if side and side == known.side and side * beyond < bar / 2 else 0
    if back >= 2:
        usual = (*known.usual, known.rate, rate)[-KEPT_NIGHTS:]
        return replace(known, usual=usual, others=(), side=0, back=0), _over("resting_rate_usual", at)
    if not side and abs(beyond) < bar:
        return replace(known, usual=(*known.usual, rate)[-KEPT_NIGHTS:], others=()), NOTHING
    others = (*known.others, rate)
    if len(others) < ACCEPTED_NIGHTS:
        return replace(known, others=others, side=side, back=back), NOTHING
    accepted = replace(known, usual=others[-KEPT_NIGHTS:], others=(), side=0, back=0)
    return accepted, _over("resting_rate_accepted", at) if known.side else NOTHING


def _over(reason: str, at: datetime) -> tuple[Verdict, ...]:
    return (Cleared(IncidentKind.RESTING_RATE, reason, at),)


def _known_nights(learnt: Nights) -> int:
    return len(learnt.usual)


_SLOT = "resting_rate"
NEEDS = (
    Needs(
        "resting_rate",
        Scope.HEALTH,
        heart_every_s=SLOWEST_HEART_S,
        days=LEAST_NIGHTS,
        slot=_SLOT,
        learnt=_known_nights,
    ),
)
RULE = Rule(_SLOT, memory=Memory, hears=(), hear=None, look=None, needs=NEEDS, learnt=Nights, learn=learn)
