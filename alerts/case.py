"""One incident as its handling sees it, and the changes that its state allows. Pure.

Every function returns the changed case or raises Conflict naming the state; `alerts.incidents` stores it. Times are
aware. What must hold after each: a case that is not resolved has a `due_at`; one that is accepted, on its way or on
site has an owner.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from alerts.kinds import IncidentKind, IncidentState, Severity
from alerts.ladder import Ladder
from eldercare.errors import Conflict


class Disposition(StrEnum):
    """How a case ended."""

    HELPED = "helped"
    HOSPITAL = "hospital"
    FALSE_ALARM = "false_alarm"
    TEST = "test"
    NOBODY_THERE = "nobody_there"
    CLEARED = "cleared"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Case:
    """The columns of `incident` that handling reads and writes. `round` counts from 1, `next_step` from 0.

    `declined_id` is who handed the case back and is not asked again at once. Of further presses the owner was told
    `times_told` times, and is not told again before `tell_after` (None: at once).
    """

    id: int
    kind: IncidentKind
    severity: Severity
    state: IncidentState
    round: int
    round_started_at: datetime
    next_step: int
    stepped_at: datetime | None
    due_at: datetime | None
    press_count: int
    presses_told: int
    owner_id: int | None
    previous_owner_id: int | None
    declined_id: int | None
    accepted_at: datetime | None
    accepted_via: str | None
    arrival_due_at: datetime | None
    arrived_at: datetime | None
    resolved_at: datetime | None
    disposition: str | None
    times_told: int
    tell_after: datetime | None

    @property
    def open(self) -> bool:
        """Whether it has neither an owner nor an end: people are being called."""
        return self.state is IncidentState.OPEN

    @property
    def owned(self) -> bool:
        """Whether somebody has it in hand."""
        return self.state in _OWNED


_OWNED = (IncidentState.ACCEPTED, IncidentState.EN_ROUTE, IncidentState.ON_SITE)
_ACCEPTABLE = (IncidentState.OPEN, IncidentState.HANDED_TO_120)


def accept(case: Case, ladder: Ladder, person_id: int, via: str, now: datetime) -> Case:
    """`person_id` goes: the owner, with a deadline for being there."""
    _require(case, "accepted", *_ACCEPTABLE)
    arrival_due_at = None if ladder.arrival is None else now + ladder.arrival
    return replace(
        case,
        state=IncidentState.ACCEPTED,
        owner_id=person_id,
        declined_id=None,
        accepted_at=now,
        accepted_via=via,
        presses_told=case.press_count,
        times_told=0,
        tell_after=None,
        arrival_due_at=arrival_due_at,
        due_at=arrival_due_at or now + ladder.remind,
    )


def pass_on(case: Case, person_id: int, now: datetime) -> Case:
    """`person_id` cannot go. Who was asked moves the ladder on at once; who had accepted hands the case back,
    and is called again only when everybody is."""
    _refuse(case, "passed on", IncidentState.RESOLVED)
    if case.open:
        return replace(case, due_at=now)
    if case.owner_id != person_id:
        return case  # somebody else goes, so there is nothing to move on
    _require(case, "passed on", IncidentState.ACCEPTED, IncidentState.EN_ROUTE)
    return replace(_again(case, now), declined_id=person_id)


def en_route(case: Case) -> Case:
    """The owner has left."""
    _require(case, "on the way", IncidentState.ACCEPTED)
    return replace(case, state=IncidentState.EN_ROUTE)


def arrive(case: Case, ladder: Ladder, person_id: int, now: datetime) -> Case:
    """Somebody is at the door: the owner, or, with 120 called and nobody owning, 120.

    Then `person_id`, who noted it, has the case until it is resolved, and `accepted_at` stays None.
    """
    _require(case, "on site", IncidentState.ACCEPTED, IncidentState.EN_ROUTE, IncidentState.HANDED_TO_120)
    return replace(
        case,
        state=IncidentState.ON_SITE,
        owner_id=person_id if case.owner_id is None else case.owner_id,
        arrived_at=now,
        arrival_due_at=None,
        due_at=now + ladder.remind,
    )


def hand_to_120(case: Case, ladder: Ladder, now: datetime) -> Case:
    """The ambulance was called. Within the ladder's `confirm_120` somebody must have been there or closed it.

    Due at once, because the family is told at the same time as 120 and not after.
    """
    _require(case, "handed to 120", IncidentState.OPEN, *_OWNED)
    confirm_by = now + ladder.confirm_120
    return replace(
        case,
        state=IncidentState.HANDED_TO_120,
        presses_told=case.press_count,
        arrival_due_at=confirm_by,
        due_at=now,
    )


def resolve(case: Case, disposition: Disposition, now: datetime) -> Case:
    """It is over."""
    _refuse(case, "resolved", IncidentState.RESOLVED)
    return replace(
        case,
        state=IncidentState.RESOLVED,
        disposition=disposition.value,
        resolved_at=now,
        presses_told=case.press_count,
        due_at=None,
        arrival_due_at=None,
    )


def reopen(case: Case, now: datetime) -> Case:
    """Start again at the first step, in a new round; the owner so far is among the called."""
    _refuse(case, "reopened", IncidentState.OPEN)
    return _again(case, now)


def _again(case: Case, now: datetime) -> Case:
    return replace(
        case,
        state=IncidentState.OPEN,
        round=case.round + 1,
        round_started_at=now,
        next_step=0,
        stepped_at=None,
        due_at=now,
        presses_told=case.press_count,
        previous_owner_id=case.previous_owner_id if case.owner_id is None else case.owner_id,
        declined_id=None,
        owner_id=None,
        accepted_at=None,
        accepted_via=None,
        arrival_due_at=None,
        arrived_at=None,
        resolved_at=None,
        disposition=None,
        times_told=0,
        tell_after=None,
    )


def _require(case: Case, change: str, *states: IncidentState) -> None:
    if case.state not in states:
        raise Conflict(f"incident {case.id} is {case.state}, so it cannot be {change}")


def _refuse(case: Case, change: str, state: IncidentState) -> None:
    if case.state is state:
        raise Conflict(f"incident {case.id} is {case.state}, so it cannot be {change}")
