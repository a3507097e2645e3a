"""What the band says of itself: on the wrist or not, measuring or not, its battery."""

from datetime import UTC, datetime

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules.profile import Profile
from alerts.rules.rule import Needs
from alerts.rules.spot_value import is_measured_seldom
from alerts.rules.state import State, Wear
from alerts.rules.thresholds import Thresholds
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import Status

NEEDS = (
    Needs("worn_without_value", Scope.HEALTH),
    Needs("off_wrist", Scope.CONTACT, wear=True),
    Needs("battery_low", Scope.CONTACT, status=True),
)
FLAP_S = 600.0
"""Seconds. A band off the wrist for less was not taken off."""


def learn(state: State, reading: Status, ts: float) -> State:
    """The state with what a status newer than all before says; what it leaves out stays as it was."""
    wear = state.wear
    worn = wear.worn if reading.worn is None else reading.worn
    charging = wear.charging if reading.charging is None else reading.charging
    since = wear.since if worn is wear.worn else ts
    heart = state.heart
    # A contact that flaps is no new wearing.
    put_on = worn is True and wear.worn is False and ts - wear.since >= FLAP_S
    measures_again = put_on or (wear.charging and not charging)
    if measures_again:
        heart = replace(heart, waiting=ts)
    wear = Wear(ts, worn, since, charging, wear.off_found, wear.battery_found, wear.battery_stands)
    return State(state.heard, heart, state.zone, wear, state.silent, state.slots, state.looked)


def battery(wear: Wear, reading: Status, limits: Thresholds, ts: float) -> tuple[Wear, tuple[Verdict, ...]]:
    """Evaluate a low battery: at most one notice a day; it is over when it charges or is well above the limit."""
    percent = reading.battery_pct
    if percent is None:
        return wear, ()
    if wear.battery_stands and (wear.charging or percent >= limits.battery_low_pct + limits.battery_hysteresis):
        reason = "charging" if wear.charging else "charged"
        return replace(wear, battery_stands=False), (Cleared(IncidentKind.LOW_BATTERY, reason, reading.ts),)
    if wear.charging or percent > limits.battery_low_pct or not _may_repeat(wear.battery_found, limits, ts):
        return wear, ()
    detail = {"battery_pct": round(percent), "limit_pct": limits.battery_low_pct}
    finding = Finding(IncidentKind.LOW_BATTERY, Severity.TASK, "battery_low", reading.ts, detail)
    return replace(wear, battery_found=ts, battery_stands=True), (finding,)


def off_wrist(state: State, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate a band off the wrist for too long by day; on its charger it is given longer. `ts`: now, seconds since
    the epoch."""
    wear, limits = state.wear, profile.thresholds
    if wear.worn is not False:
        if wear.off_found is None:
            return state, ()
        cleared = Cleared(IncidentKind.OFF_WRIST, "worn_again", _moment(ts))
        return replace(state, wear=replace(wear, off_found=None)), (cleared,)
    duration = ts - max(wear.since, profile.day_began(ts), profile.away_before(ts))
    limit = limits.charging_off_wrist_s if wear.charging else limits.off_wrist_s
    if duration < limit or not _may_repeat(wear.off_found, limits, ts):
        return state, ()
    detail = {"duration_s": round(duration), "limit_s": limit, "charging": wear.charging}
    finding = Finding(IncidentKind.OFF_WRIST, Severity.TASK, "off_wrist", _moment(ts), detail)
    return replace(state, wear=replace(wear, off_found=ts)), (finding,)


def without_value(state: State, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate a band that is worn (or not known to be off) without a heart rate for too long: a technical fault, never
    "normal"."""
    heart, wear, limits = state.heart, state.wear, profile.thresholds
    if wear.worn is False or wear.charging:
        if heart.missing is None:
            return state, ()
        cleared = Cleared(IncidentKind.NO_HEART_RATE, "taken_off", _moment(ts))
        return replace(state, heart=replace(heart, missing=None)), (cleared,)
    duration = ts - max(heart.measured or 0.0, heart.waiting or 0.0, profile.away_before(ts))
    if duration < limits.no_hr_s or is_measured_seldom(state) or not _may_repeat(heart.missing, limits, ts):
        return state, ()
    detail = {"duration_s": round(duration), "limit_s": limits.no_hr_s}
    finding = Finding(IncidentKind.NO_HEART_RATE, Severity.TASK, "worn_without_value", _moment(ts), detail)
    return replace(state, heart=replace(heart, missing=ts)), (finding,)


def overdue(state: State, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate both durations that also pass while nothing is said."""
    state, off = off_wrist(state, profile, ts)
    state, missing = without_value(state, profile, ts)
    return state, off + missing


def _may_repeat(found: float | None, limits: Thresholds, ts: float) -> bool:
    return found is None or ts - found >= limits.task_repeat_s


def _moment(ts: float) -> datetime:
    return datetime.fromtimestamp(ts, UTC)
