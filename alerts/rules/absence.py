"""Absence is a rule too: what passes while a band says nothing."""

from datetime import UTC, datetime

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import registry, wear
from alerts.rules.profile import Profile
from alerts.rules.rule import Needs
from alerts.rules.spot_value import is_measured_seldom
from alerts.rules.state import State
from eldercare.accounts.viewers import Scope

NEEDS = (Needs("silent", Scope.CONTACT),)
SELDOM_S = 3 * 86400.0
"""Seconds. Nothing is awaited of a device for single values sooner."""


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
    limit_s = SELDOM_S if is_measured_seldom(state) else limits.silent_s
    if quiet_s >= limit_s:
        state, said = _silent(state, last_seen, quiet_s, limit_s, profile, ts)
    elif quiet_s >= limits.silent_s:
        said = ()  # nothing is awaited of it yet, and nothing was heard
    else:
        state, said = _while_heard(state, profile, ts)
    # By the band's own clock, which may go otherwise than ours, as long as it is heard.
    passed_s = max(ts - last_seen.timestamp(), 0.0)
    as_of = ts if state.heard is None else min(state.heard + passed_s, ts + limits.ahead_s)
    asked, found = registry.look(state, profile, as_of)
    # Only where there is something to remember: that nothing happened is not worth a write each minute.
    return asked if found or asked.slots is not state.slots else state, registry.join(asked, said, found)


def _while_heard(state: State, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    state, heard = _heard_again(state, ts)
    if state.heard is None or ts - state.heard >= profile.thresholds.silent_s:
        # The band lives, but nothing on time comes from it (its clock is wrong, or it hands in a backlog). What it said
        # of the wrist is old, and the wait for a value begins when that was first seen.
        if state.heart.waiting is None or state.heart.waiting <= (state.heard or 0):
            state = replace(state, heart=replace(state.heart, waiting=ts))
        state, verdicts = wear.without_value(state, profile, ts)
    else:
        state, verdicts = wear.overdue(state, profile, ts)
    return state, heard + verdicts


def _silent(
    state: State, last_seen: datetime, quiet_s: float, limit_s: float, profile: Profile, ts: float
) -> tuple[State, tuple[Verdict, ...]]:
    limits = profile.thresholds
    if state.silent is not None and ts - state.silent < limits.task_repeat_s:
        return state, ()
    detail = {"last_seen": last_seen.isoformat(), "duration_s": round(quiet_s), "limit_s": limit_s}
    finding = Finding(IncidentKind.SILENT, Severity.TASK, "silent", datetime.fromtimestamp(ts, UTC), detail)
    return replace(state, silent=ts), (finding,)


def _heard_again(state: State, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    if state.silent is None:
        return state, ()
    cleared = Cleared(IncidentKind.SILENT, "heard_again", datetime.fromtimestamp(ts, UTC))
    return replace(state, silent=None), (cleared,)
