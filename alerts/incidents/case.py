"""One incident as its handling sees it, and the changes that its state allows. Pure.

Every function returns the changed case or raises Conflict naming the state; `alerts.incidents.handling` stores it.
Times are aware. What must hold after each: a case that is not resolved has a `due_at`; one that is accepted, on its way
or on site has an owner.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.incidents.actions import HANDED_BACK_FROM, OWNED, POSSIBLE, Action
from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.policies.escalation_policy import EscalationPolicy
from eldercare.platform.errors import Conflict

HANDLING = timedelta(minutes=5)
"""How long the word "I am handling it" stands without another action, while nobody goes."""


class Said(StrEnum):
    """What the wearer answered when they were asked whether they are well."""

    WELL = "well"
    HELP = "help"
    UNCLEAR = "unclear"
    """Keys that mean nothing, twice."""


class Disposition(StrEnum):
    """How a case ended."""

    HELPED = "helped"
    HOSPITAL = "hospital"
    FALSE_ALARM = "false_alarm"
    TEST = "test"
    NOBODY_THERE = "nobody_there"
    FOUND = "found"
    """Somebody who had wandered off is with whoever says so."""
    CLEARED = "cleared"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Case:
    """The columns of `incident` that handling reads and writes. `round` counts from 1, `next_step` from 0.

    `declined_id` is who handed the case back and is not asked again at once; `taken_off_id` is whom the desk took off,
    and who is not asked in this round. `called_again_at` is when the desk started the policy once more within the
    round. `accepted_call` is the provider's id of the call on which the owner said that they go (None: in another way).
    The owner was told of further presses `times_told` times, and is not told again before `tell_after` (None: at once).
    `handler_id` deals with it at the desk, until `handling_until` (None: as long as somebody goes). `added_ids` are
    called besides those whom the policy names. The wearer was asked at `wearer_asked_at` (None: never), once for all
    rounds, and answered `wearer_said` at `wearer_said_at`.
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
    handler_id: int | None = None
    handled_at: datetime | None = None
    handled_via: str | None = None
    handling_until: datetime | None = None
    taken_off_id: int | None = None
    called_again_at: datetime | None = None
    added_ids: Sequence[int] = ()
    accepted_call: str | None = None
    wearer_asked_at: datetime | None = None
    wearer_said: str | None = None
    wearer_said_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it has neither an owner nor an end: people are being called."""
        return self.state is IncidentState.OPEN

    @property
    def owned(self) -> bool:
        """Whether somebody has it in hand."""
        return self.state in OWNED

    @property
    def asking(self) -> bool:
        """Whether the wearer was asked, has not answered, and nobody was called since."""
        return self.asked_last and self.wearer_said is None

    @property
    def asked_last(self) -> bool:
        """Whether asking the wearer is the last step that was taken."""
        return (
            self.open
            and self.next_step == 1
            and self.wearer_asked_at is not None
            and self.wearer_asked_at >= self.round_started_at
            and (self.stepped_at is None or self.stepped_at <= self.wearer_asked_at)
        )

    def handled(self, now: datetime) -> bool:
        """Whether the desk need not be rung at `now`: somebody there deals with it, and their word still stands.

        A word from a clock that has gone back since does not count.
        """
        return (
            self.handler_id is not None
            and self.handling_until is not None
            and now < self.handling_until <= now + HANDLING
        )


_IN_WORDS = {
    Action.ACCEPT: "accepted",
    Action.DECLINE: "passed on",
    Action.EN_ROUTE: "on the way",
    Action.ARRIVE: "on site",
    Action.HAND_TO_120: "handed to 120",
    Action.RESOLVE: "resolved",
    Action.REOPEN: "reopened",
    Action.HANDLE: "handled",
    Action.SEND: "given to one person",
    Action.ADD: "given to more people",
    Action.TAKE_BACK: "taken back",
    Action.CALL_AGAIN: "called out again",
}


def accept(
    case: Case, policy: EscalationPolicy, person_id: int, via: str, now: datetime, call: str | None = None
) -> Case:
    """`person_id` goes: they are the owner, with a deadline for being there. A handler who goes is no longer at the
    desk."""
    _require(case, Action.ACCEPT)
    arrival_due_at = None if policy.arrival is None else now + policy.arrival
    return replace(
        unhandled(case) if case.handler_id == person_id or lapsed(case, now) else case,
        handling_until=None,
        state=IncidentState.ACCEPTED,
        owner_id=person_id,
        declined_id=None,
        accepted_at=now,
        accepted_via=via,
        accepted_call=call,
        presses_told=case.press_count,
        times_told=0,
        tell_after=None,
        arrival_due_at=arrival_due_at,
        due_at=arrival_due_at or now + policy.remind,
    )


def decline(case: Case, person_id: int, now: datetime) -> Case:
    """`person_id` cannot go. Somebody who was asked moves the policy on at once. Somebody who had accepted hands the
    case back, and is called again only when everybody is. A handler who declines handles it no more: while nobody goes
    their word has lapsed, so that the others of the desk are rung before the policy moves on."""
    _require(case, Action.DECLINE)
    if case.handler_id == person_id:
        case = replace(case, handling_until=None, declined_id=person_id) if case.open else unhandled(case)
    if case.open:
        return replace(case, due_at=now)
    if case.owner_id != person_id:
        return case  # somebody else goes, so there is nothing to move on
    if case.state not in HANDED_BACK_FROM:
        raise _conflict(case, Action.DECLINE)
    return replace(_again(case, now), declined_id=person_id)


def en_route(case: Case) -> Case:
    """The owner has left."""
    _require(case, Action.EN_ROUTE)
    return replace(case, state=IncidentState.EN_ROUTE)


def arrive(case: Case, policy: EscalationPolicy, person_id: int, now: datetime) -> Case:
    """Somebody is at the door: the owner, or 120, where that was called and nobody owns the case.

    In that case `person_id`, who noted it, has the case until it is resolved, and `accepted_at` stays None.
    """
    _require(case, Action.ARRIVE)
    return replace(
        case,
        state=IncidentState.ON_SITE,
        owner_id=person_id if case.owner_id is None else case.owner_id,
        arrived_at=now,
        arrival_due_at=None,
        due_at=now + policy.remind,
    )


def hand_to_120(case: Case, policy: EscalationPolicy, now: datetime) -> Case:
    """The ambulance was called. Within the policy's `confirm_120` somebody must have been there or closed it.

    It is due at once, because the family is told at the same time as 120 and not after.
    """
    _require(case, Action.HAND_TO_120)
    confirm_by = now + policy.confirm_120
    return replace(
        unhandled(case) if lapsed(case, now) else case,
        state=IncidentState.HANDED_TO_120,
        handling_until=None,
        presses_told=case.press_count,
        arrival_due_at=confirm_by,
        due_at=now,
    )


def resolve(case: Case, disposition: Disposition, now: datetime) -> Case:
    """It is over."""
    _require(case, Action.RESOLVE)
    return replace(
        unhandled(case),
        state=IncidentState.RESOLVED,
        disposition=disposition.value,
        resolved_at=now,
        presses_told=case.press_count,
        due_at=None,
        arrival_due_at=None,
    )


def reopen(case: Case, now: datetime) -> Case:
    """Start again at the first step, in a new round; the owner so far is among those who are called."""
    _require(case, Action.REOPEN)
    return _again(case, now)


def handle(case: Case, policy: EscalationPolicy, person_id: int, via: str, now: datetime) -> Case:
    """`person_id` deals with it at the desk, in place of whoever did before. The street is called as before."""
    _require(case, Action.HANDLE)
    return attend(replace(case, handler_id=person_id, handled_at=now, handled_via=via), policy, now)


def attend(case: Case, policy: EscalationPolicy, now: datetime) -> Case:
    """The handler did something about it, so their word stands for another while. The next step comes when it would
    have."""
    if not case.open:
        return replace(case, handling_until=None)
    until = now + HANDLING
    due_at = case.due_at
    if due_at is None or due_at == case.handling_until:
        due_at = policy.due(case.round_started_at, case.next_step, case.stepped_at)
    return replace(case, handling_until=until, due_at=min(due_at, until))


def let_go(case: Case, now: datetime) -> Case:
    """The handler has left the desk. Where nobody goes, the case is due now, for the desk to be rung again."""
    return replace(case, handling_until=now, due_at=now) if case.open else unhandled(case)


def add(case: Case, person_id: int) -> Case:
    """From now on `person_id` is among those who are called."""
    _require(case, Action.ADD)
    return case if person_id in case.added_ids else replace(case, added_ids=(*case.added_ids, person_id))


def send(case: Case) -> Case:
    """The desk asks one person by name to go, which it may only while nobody does."""
    _require(case, Action.SEND)
    if case.owner_id is not None:
        raise Conflict(f"incident {case.id} is {case.state} and somebody goes, so it cannot be given to one person")
    return case


def take_back(case: Case, now: datetime) -> Case:
    """The desk says that the owner does not go any more. A new round begins, in which they are not asked."""
    _require(case, Action.TAKE_BACK)
    return replace(_again(case, now), taken_off_id=case.owner_id)


def call_again(case: Case, now: datetime) -> Case:
    """Start the policy from its first step, at once. The round stays, so that an answer to a call that still rings
    counts."""
    _require(case, Action.CALL_AGAIN)
    again = replace(case, round_started_at=now, next_step=0, stepped_at=None, called_again_at=now)
    return replace(again, due_at=now, declined_id=None)


def said_well(case: Case, now: datetime) -> Case:
    """The wearer answers that they are well, while nobody goes to them: what is urgent becomes a warning, which starts
    its own policy in a new round. It does not end. Where somebody goes, or it is a warning already, they go on."""
    if not case.open or case.severity is not Severity.URGENT:
        return case
    lowered = replace(_again(case, now), severity=Severity.WARNING)
    return replace(lowered, wearer_said=Said.WELL.value, wearer_said_at=now)


def said_not_well(case: Case, said: Said, now: datetime) -> Case:
    """The wearer asks for help, or cannot be understood: people are called at once.

    Where others were called already, or it had been lowered or was over, that begins anew with the first step: what was
    done before they said so was done about something less. Where somebody goes, or 120 was called, a call for help
    makes it urgent and they go on; so does whatever cannot be understood after they said that they are well.
    """
    if case.owned or case.state is IncidentState.HANDED_TO_120:
        if said is not Said.HELP and case.wearer_said != Said.WELL:
            return case
        case = replace(case, severity=Severity.URGENT)
    elif not case.open or case.severity is not Severity.URGENT:
        case = replace(_again(case, now), severity=Severity.URGENT)
    elif case.next_step == 0 or case.asked_last:
        case = replace(case, due_at=now)
    else:
        case = call_again(case, now)
    return replace(case, wearer_said=said.value, wearer_said_at=now)


def lapsed(case: Case, now: datetime) -> bool:
    """Whether somebody's word that they handle an open case is over, and the desk is not rung yet."""
    return case.open and case.handler_id is not None and not case.handled(now)


def unhandled(case: Case) -> Case:
    """The case with nobody who deals with it at the desk."""
    return replace(case, handler_id=None, handled_at=None, handled_via=None, handling_until=None)


def _again(case: Case, now: datetime) -> Case:
    return replace(
        unhandled(case),
        state=IncidentState.OPEN,
        round=case.round + 1,
        round_started_at=now,
        next_step=0,
        stepped_at=None,
        due_at=now,
        presses_told=case.press_count,
        previous_owner_id=case.previous_owner_id if case.owner_id is None else case.owner_id,
        declined_id=None,
        taken_off_id=None,
        called_again_at=None,
        owner_id=None,
        accepted_at=None,
        accepted_via=None,
        accepted_call=None,
        arrival_due_at=None,
        arrived_at=None,
        resolved_at=None,
        disposition=None,
        times_told=0,
        tell_after=None,
    )


def _require(case: Case, action: Action) -> None:
    if case.state not in POSSIBLE[action]:
        raise _conflict(case, action)


def _conflict(case: Case, action: Action) -> Conflict:
    return Conflict(f"incident {case.id} is {case.state}, so it cannot be {_IN_WORDS[action]}")
