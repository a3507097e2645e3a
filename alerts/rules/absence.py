"""Absence is a rule too: what passes while a band says nothing."""

from datetime import UTC, datetime

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import wear
from alerts.rules.profile import Profile
from alerts.rules.state import State


def evaluate_absence(
    state: State, last_seen: datetime, profile: Profile, now: datetime
) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate silence, and off the wrist or without a value while little is said. To be called every minute or so.

    `last_seen` (aware, the service's clock) is the latest of: when anything of the band came, even late or rejected;
    when it was assigned; when the service began to listen again after it had not.
    """
    ts, limits = now.timestamp(), profile.thresholds
    if profile.is_away(ts):
        return state, ()
    if max(state.heard or 0, state.silent or 0) - ts > limits.ahead_s:
        state = State()  # the clock was set back
    quiet_s = ts - max(last_seen.timestamp(), profile.away_before(ts))
    if quiet_s >= limits.silent_s:
        return _silent(state, last_seen, quiet_s, profile, ts)
    state, heard = _heard_again(state, ts)
    if state.heard is None or ts - state.heard >= limits.silent_s:
        # The band lives, but nothing on time comes from it (its clock is wrong, or it hands in a backlog). What it said
        # of the wrist is old, and the wait for a value begins when that was first seen.
        if state.heart.waiting is None or state.heart.waiting <= (state.heard or 0):
            state = replace(state, heart=replace(state.heart, waiting=ts))
        state, verdicts = wear.without_value(state, profile, ts)
    else:
        state, verdicts = wear.overdue(state, profile, ts)
    return state, heard + verdicts


def _silent(
    state: State, last_seen: datetime, quiet_s: float, profile: Profile, ts: float
) -> tuple[State, tuple[Verdict, ...]]:
    limits = profile.thresholds
    if state.silent is not None and ts - state.silent < limits.task_repeat_s:
        return state, ()
    detail = {"last_seen": last_seen.isoformat(), "duration_s": round(quiet_s), "limit_s": limits.silent_s}
    finding = Finding(IncidentKind.SILENT, Severity.TASK, "silent", datetime.fromtimestamp(ts, UTC), detail)
    return replace(state, silent=ts), (finding,)


def _heard_again(state: State, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    if state.silent is None:
        return state, ()
    cleared = Cleared(IncidentKind.SILENT, "heard_again", datetime.fromtimestamp(ts, UTC))
    return replace(state, silent=None), (cleared,)
