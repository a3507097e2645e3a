"""No pulse: the band is worn and speaks, measured a heart just before, and does so no more, and nobody moves.

Whoever moves has a pulse, and a band off the wrist has none to measure: both are told apart here. What remains is a
heart that stands still, or a band that has slipped; only somebody who asks or goes there can tell.
"""

from datetime import UTC, datetime

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import heart_rate
from alerts.rules import minutes as window
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, SLOWEST_HEART_S, Needs, Rule
from alerts.rules.spot_value import is_measured_seldom
from alerts.rules.state import Heart, Memory, State
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import Status

LEAST_VALUES = 3
"""So many values before it show that the band had measured her heart, and in which rhythm."""
LEAST_EMPTY = 2
"""So many minutes with a reading that has no value, where the band does not say that it is worn."""
LATELY_S = 180.0
"""The last of them is not older, or twice the band's rhythm: a band that fell silent says nothing of her pulse."""
MISSED = 3
FAST_S = 300.0
"""A band that measures less often is waited for so many times its rhythm."""
AGAIN_S = 2 * 3600.0
"""Seconds after which a loss that lasts is told again: whoever has resolved it knows of it for as long."""
FORGIVEN_S = 6 * 3600.0
MOST_DOUBLINGS = 3
STATUS_S = 1200.0
"""A band tells of itself every 15 minutes."""
REACHED_S = 120.0
"""Whoever is reached again is given so long for the first value."""


class Pulse(Memory, frozen=True):
    """`lost`: when it was found, seconds since the epoch. `worn` and `worn_before`: the two newest times at which the
    band said that it was worn. `healed`: how often in a row it came back by itself, and `healed_at` when last. `told`:
    when it was last told that it is lost still, and `sure` whether somebody was to be called.
    """

    lost: float | None = None
    worn: float = 0.0
    worn_before: float = 0.0
    healed: int = 0
    healed_at: float = 0.0
    told: float = 0.0
    sure: bool = True


Result = tuple[Pulse, tuple[Verdict, ...]]


def hear(pulse: Pulse, reading: Status, profile: Profile, ts: float) -> Pulse:
    """Remember when the band said that it was worn."""
    if reading.worn is not True or ts <= pulse.worn_before or ts == pulse.worn:
        return pulse
    newest, before = (ts, pulse.worn) if ts > pulse.worn else (pulse.worn, ts)
    return replace(pulse, worn=newest, worn_before=before)


def look(pulse: Pulse, state: State, profile: Profile, ts: float) -> Result:
    """Look at how long no value has come. `ts` is now, seconds since the epoch."""
    heart = state.heart
    if pulse.lost is not None:
        return _while_lost(pulse, pulse.lost, state, ts)
    measured = heart.measured
    if measured is None or ts - measured < profile.thresholds.no_pulse_s or profile.is_away(ts):
        return pulse, NOTHING
    if is_measured_seldom(state) or not _is_worn(state):
        return pulse, NOTHING
    if measured < max(heart.waiting or 0.0, profile.away_before(ts)):
        return pulse, NOTHING
    limit_s, rhythm_s = _limit_s(pulse, profile, ts), _rhythm_s(heart)
    if rhythm_s > FAST_S:
        limit_s = max(limit_s, MISSED * rhythm_s)
    # Whoever moved a moment ago has a pulse; steps come with the message after them.
    since = max(measured, heart.active or 0.0)
    if ts - since < limit_s or not _says_so(pulse, state, rhythm_s, limit_s, ts):
        return pulse, NOTHING
    rests = window.rests(heart.minutes, profile.thresholds.hr_high_warning, 0.0)
    sure = not heart_rate.is_erratic(heart, rests, measured, frozen=False)
    detail = {"duration_s": round(ts - measured), "limit_s": round(limit_s)}
    return replace(pulse, lost=ts, told=ts, sure=sure), (_finding(sure, measured, ts, detail),)


def _finding(sure: bool, measured: float, ts: float, detail: dict[str, int]) -> Finding:
    severity, reason = (Severity.URGENT, "no_pulse") if sure else (Severity.WARNING, "no_pulse_or_not_worn")
    at, began = datetime.fromtimestamp(ts, UTC), datetime.fromtimestamp(measured, UTC)
    return Finding(IncidentKind.NO_HEART_RATE, severity, reason, at, detail, episode_at=began)


def _limit_s(pulse: Pulse, profile: Profile, ts: float) -> float:
    """How long is waited: twice as long for each time that it has just come back by itself, as a loose band does."""
    healed = pulse.healed if ts - pulse.healed_at < FORGIVEN_S else 0
    return profile.thresholds.no_pulse_s * float(2 ** min(healed, MOST_DOUBLINGS))


def _while_lost(pulse: Pulse, lost: float, state: State, ts: float) -> Result:
    heart, at = state.heart, datetime.fromtimestamp(ts, UTC)
    healed = pulse.healed if ts - pulse.healed_at < FORGIVEN_S else 0
    if heart.measured is not None and heart.measured > lost:
        reason, healed = "measured_again", healed + 1
    elif not _is_worn(state):
        reason = "taken_off"
    elif heart.active is not None and heart.active > lost:
        reason = "moved_again"
    elif heart.measured is not None and ts - max(lost, pulse.told) >= AGAIN_S:
        return replace(pulse, told=ts), (
            _finding(pulse.sure, heart.measured, ts, {"duration_s": round(ts - heart.measured)}),
        )
    else:
        return pulse, NOTHING
    over = replace(pulse, lost=None, healed=healed, healed_at=ts if healed else 0.0)
    return over, (Cleared(IncidentKind.NO_HEART_RATE, reason, at),)


def _is_worn(state: State) -> bool:
    """Whether it is worn as far as the band says: what it does not say is no reason to be silent."""
    return state.wear.worn is not False and not state.wear.charging


def _says_so(pulse: Pulse, state: State, rhythm_s: float, limit_s: float, ts: float) -> bool:
    """Whether the band has said ever since that it measures nothing, or that it is worn and nothing of the heart.

    A band that was out of reach has not: what it measured meanwhile may still come.
    """
    heart = state.heart
    measured, newest, lately_s = heart.measured or 0.0, heart.newest or 0.0, max(2 * rhythm_s, LATELY_S)
    empty = [each.at * 60.0 for each in heart.minutes if not each.values and each.at * 60 >= measured]
    if len(empty) >= LEAST_EMPTY and empty[0] - measured <= lately_s and ts - newest <= lately_s:
        return True
    first, last = pulse.worn_before, pulse.worn
    regular = first > measured and last - measured >= limit_s and last - first <= STATUS_S
    return regular and REACHED_S <= ts - last <= STATUS_S


def _rhythm_s(heart: Heart) -> float:
    """The band's rhythm while it measured, in seconds; for ever where it had measured too little to tell."""
    measured = tuple(each for each in heart.minutes if each.values)
    if sum(each.values for each in measured) < LEAST_VALUES:
        return float("inf")
    return 60 * window.rhythm_min(measured)


def stands(pulse: Pulse) -> bool:
    """Whether the pulse is lost still."""
    return pulse.lost is not None


NEEDS = (Needs("no_pulse", Scope.HEALTH, heart_every_s=SLOWEST_HEART_S, absence=True),)
RULE = Rule("pulse", Pulse, (Status,), hear, look, NEEDS, kind=IncidentKind.NO_HEART_RATE, stands=stands)
