"""How far ahead a case's times may lie, whatever the clock did meanwhile. Pure.

A clock that goes back leaves what was written before it in the future: an hour back, and an open SOS would call nobody
for an hour. Nothing the ladder waits for is further ahead than one of its own intervals.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.escalation.planner import TELL_LONGEST_PAUSE, PlanningContext, closed_until
from alerts.incidents.case import HANDLING, Case
from alerts.model.incident import IncidentState
from alerts.policies.ladder import Ladder


def bounded(case: Case, ladder: Ladder, outside: PlanningContext, now: datetime) -> Case:
    """The case with no time further ahead of `now` (aware) than the ladder ever waits; itself where none is."""
    if case.due_at is None:
        return case
    return replace(
        case,
        round_started_at=min(case.round_started_at, now),
        stepped_at=None if case.stepped_at is None else min(case.stepped_at, now),
        due_at=min(case.due_at, _latest_due(case, ladder, outside, now)),
        arrival_due_at=_earlier(case.arrival_due_at, _arrival_by(case, ladder, now)),
        tell_after=_earlier(case.tell_after, now + TELL_LONGEST_PAUSE),
        handling_until=_earlier(case.handling_until, now + HANDLING),
        called_again_at=_earlier(case.called_again_at, now),
    )


def _latest_due(case: Case, ladder: Ladder, outside: PlanningContext, now: datetime) -> datetime:
    """By when the next step has to come, were the one before it taken at `now`."""
    if case.open and ladder.hours is not None and (opening := closed_until(ladder.hours, outside.zone, now)):
        return opening
    if case.open and 0 < case.next_step < len(ladder.steps):
        return now + ladder.offset(case.next_step) - ladder.offset(case.next_step - 1)
    if case.open:
        return now + (ladder.repeat or ladder.remind) if case.next_step else now
    return now + ladder.remind if case.arrival_due_at is None else _arrival_by(case, ladder, now)


def _arrival_by(case: Case, ladder: Ladder, now: datetime) -> datetime:
    if case.state is IncidentState.HANDED_TO_120:
        return now + ladder.confirm_120
    return now + (ladder.arrival or ladder.remind)


def _earlier(moment: datetime | None, bound: datetime) -> datetime | None:
    return None if moment is None else min(moment, bound)


LEASE_AHEAD = timedelta(seconds=30)
"""No lease and no pause between two tries is longer than half of this."""
