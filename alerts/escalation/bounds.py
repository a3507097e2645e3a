"""How far ahead a case's times may lie, whatever the clock did meanwhile. Pure.

A clock that goes back leaves what was written before it in the future: an hour back, and an open SOS would call nobody
for an hour. A policy never waits for longer than one of its own intervals.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.escalation.hours import closed_until
from alerts.escalation.planner import TELL_LONGEST_PAUSE
from alerts.escalation.situation import PlanningContext
from alerts.incidents.case import HANDLING, Case
from alerts.model.incident import IncidentState
from alerts.policies.escalation_policy import EscalationPolicy


def bounded(case: Case, policy: EscalationPolicy, planning: PlanningContext, now: datetime) -> Case:
    """The case with no time further ahead of `now` (aware) than its policy ever waits; the same case where none is."""
    if case.due_at is None:
        return case
    return replace(
        case,
        round_started_at=min(case.round_started_at, now),
        stepped_at=None if case.stepped_at is None else min(case.stepped_at, now),
        due_at=min(case.due_at, _latest_due(case, policy, planning, now)),
        arrival_due_at=_earlier(case.arrival_due_at, _arrival_by(case, policy, now)),
        tell_after=_earlier(case.tell_after, now + TELL_LONGEST_PAUSE),
        handling_until=_earlier(case.handling_until, now + HANDLING),
        called_again_at=_earlier(case.called_again_at, now),
    )


def _latest_due(case: Case, policy: EscalationPolicy, planning: PlanningContext, now: datetime) -> datetime:
    """By when the next step has to come, if the one before it were taken at `now`."""
    if case.open and policy.hours is not None and (opening := closed_until(policy.hours, planning.zone, now)):
        return opening
    if case.open and 0 < case.next_step < len(policy.steps):
        return now + policy.offset(case.next_step) - policy.offset(case.next_step - 1)
    if case.open:
        return now + (policy.repeat or policy.remind) if case.next_step else now
    return now + policy.remind if case.arrival_due_at is None else _arrival_by(case, policy, now)


def _arrival_by(case: Case, policy: EscalationPolicy, now: datetime) -> datetime:
    if case.state is IncidentState.HANDED_TO_120:
        return now + policy.confirm_120
    return now + (policy.arrival or policy.remind)


def _earlier(moment: datetime | None, bound: datetime) -> datetime | None:
    return None if moment is None else min(moment, bound)


LEASE_AHEAD = timedelta(seconds=30)
"""No lease and no pause between two tries is longer than half of this."""
