"""Decides what an incident that is due needs next. Pure: no database, network or clock.

`next_step` decides, `apply` makes the case that follows; `alerts.escalation.worker` writes both down and sends. Whom a
step reaches is said by `alerts.escalation.situation`. Steps add, they never cancel. Every decision leaves an open case
due again, so that no process has to remember it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.escalation.decisions import (
    AskWearer,
    Decision,
    Message,
    Notify,
    Remind,
    Reopen,
    RingDesk,
    Skipped,
    TellFamily,
    TellOwner,
    Wait,
)
from alerts.escalation.hours import closed_until
from alerts.escalation.situation import (
    Contact,
    PlanningContext,
    Situation,
    Way,
    Wearer,
    messages_to,
    reachable,
    with_somebody,
    without_who_was_taken_off,
)
from alerts.incidents import case as cases
from alerts.incidents.case import Case
from alerts.model.incident import IncidentState
from alerts.policies.escalation_policy import EscalationPolicy, Target

TELL_FIRST_PAUSE = timedelta(minutes=1)
TELL_LONGEST_PAUSE = timedelta(minutes=10)
"""As in the database's function `due_when_pressed`."""
BEING_TOLD = timedelta(seconds=15)
"""How soon to look again whether the call that tells the owner of the last press is over."""


def next_step(
    case: Case,
    policy: EscalationPolicy,
    contacts: Iterable[Contact],
    planning: PlanningContext,
    now: datetime,
    being_told: bool = False,
    wearer: Wearer | None = None,
) -> Decision:
    """Decide for a case that is due at `now` (aware). Raises ValueError for a resolved one, which never is.

    `being_told`: whether a call is under way that tells the owner of a further press. `wearer`: how they may be asked,
    where they have not been.
    """
    people = tuple(contacts)
    match case.state:
        case IncidentState.OPEN:
            return _handled(Situation(case, policy, people, planning, now, wearer))
        case IncidentState.ACCEPTED | IncidentState.EN_ROUTE | IncidentState.ON_SITE:
            return _watch_owner(case, policy, people, planning, now, being_told)
        case IncidentState.HANDED_TO_120:
            return _watch_120(case, people, planning, now, being_told)
    raise ValueError(f"incident {case.id} is {case.state} and cannot be due")


def apply(case: Case, decision: Decision, now: datetime) -> Case:
    """The case once `decision` is carried out."""
    match decision:
        case Notify():
            return replace(
                cases.unhandled(case) if decision.handling_ends else case,
                next_step=decision.step + 1,
                stepped_at=now,
                presses_told=case.press_count,
                due_at=decision.next_due,
            )
        case AskWearer():
            return replace(
                case,
                next_step=decision.step + 1,
                stepped_at=now,
                presses_told=case.press_count,
                wearer_asked_at=now,
                due_at=decision.next_due,
            )
        case TellOwner():
            times = case.times_told + 1
            return replace(
                case,
                presses_told=case.press_count,
                times_told=times,
                tell_after=now + _tell_pause(times),
                due_at=decision.next_due,
            )
        case RingDesk():
            return replace(cases.unhandled(case), due_at=decision.next_due)
        case Reopen():
            return cases.reopen(case, now)
    return replace(case, due_at=decision.next_due)


def _handled(situation: Situation) -> Decision:
    """Decide for an open case with what its handler's word changes: while that stands, the desk is not rung."""
    case = situation.case
    if case.handler_id is None:
        return _escalate(situation)
    if not case.handled(situation.now):
        due_at = situation.policy.due(case.round_started_at, case.next_step, case.stepped_at)
        # It is due for another reason as well, such as somebody who declined: the policy moves on right after.
        also = case.handling_until is None or case.due_at is None or case.due_at < case.handling_until
        return RingDesk(
            _desk(situation),
            situation.now if also else max(due_at, situation.now),
            "passed" if case.handling_until is None else "no_action",
        )
    decision = _escalate(situation)
    if isinstance(decision, Notify) and (decision.reason == "repeat" or decision.reason.startswith("nobody")):
        return _spent(situation)
    until = case.handling_until or situation.now
    return replace(decision, next_due=min(decision.next_due, until))


def _spent(situation: Situation) -> Decision:
    """Decide at the policy's end: nobody is left to call but the desk, which deals with it or not."""
    decision = _escalate(replace(situation, case=cases.unhandled(situation.case)))
    assert isinstance(decision, Notify)  # noqa: S101  the same end, reached with more people
    called = {(message.channel, message.address) for message in decision.messages}
    more = [message for message in _desk(situation) if (message.channel, message.address) not in called]
    return replace(decision, messages=(*decision.messages, *more), handling_ends=True)


def _desk(situation: Situation) -> tuple[Message, ...]:
    """Messages to those of the desk whom the steps taken so far name, as far as their carriers take another call."""
    situation = without_who_was_taken_off(situation)
    found = situation.everybody(situation.policy.steps[: situation.case.next_step])
    return messages_to(
        way for way in found if way.desk and situation.allowed(way) and not situation.declined(way.person)
    )


def _escalate(situation: Situation) -> Notify | AskWearer | Remind | Wait:
    situation = with_somebody(without_who_was_taken_off(situation))
    hours = situation.policy.hours
    if hours is not None and (opening := closed_until(hours, situation.planning.zone, situation.now)) is not None:
        return Wait(opening, "outside_hours")
    first = _first_untaken(situation)
    if first >= len(situation.policy.steps):
        return _repeat(situation)
    skipped: list[Skipped] = []
    ask_120 = False
    for index in range(first, len(situation.policy.steps)):
        step = situation.policy.steps[index]
        ask_120 = ask_120 or step.ask_120
        if step.asks:
            before = situation.case.wearer_asked_at is not None or situation.case.wearer_said is not None
            asked = None if before else situation.ask(index, _due_after(situation, index))
            if asked is not None:
                return asked
            skipped.append(Skipped(index, "asked_before" if before else "wearer_unreachable"))
            continue
        found = situation.ways(step, frozenset(step.targets))
        unasked = [way for way in found if situation.unasked(way)]
        fresh = [way for way in unasked if not situation.quiet(way)]
        messages = messages_to(way for way in fresh if situation.allowed(way))
        if messages or not step.targets:
            reason = "step" if messages else "console"
            return Notify(index, messages, _due_after(situation, index), reason, tuple(skipped), ask_120)
        skipped.append(Skipped(index, _why_nobody(found, unasked, fresh)))
    return Notify(
        len(situation.policy.steps) - 1,
        (),
        _due_at_last(situation),
        _why_at_an_end(situation),
        skipped=tuple(skipped),
        ask_120=ask_120,
    )


def _first_untaken(situation: Situation) -> int:
    """The step from which on nothing was done: the first one, where the policy was changed while the wearer was asked,
    and begins with others now."""
    if situation.case.asked_last and not situation.policy.steps[0].asks:
        return 0
    return situation.case.next_step


def _repeat(situation: Situation) -> Notify | Remind | Wait:
    """Call everybody again after the last step, as often as the policy says and the carriers take."""
    if situation.policy.repeat is None:
        return Remind(situation.now + situation.policy.remind, "nobody_has_it")
    if situation.case.stepped_at is not None and situation.now < (
        due := situation.case.stepped_at + situation.policy.repeat
    ):
        # Somebody who declined or a call that failed has woken it early: there is nobody further to fall through to.
        return Wait(due, "repeats_later")
    everybody = situation.everybody(situation.policy.steps)
    messages = messages_to(way for way in everybody if situation.allowed(way))
    next_due = situation.now + situation.policy.repeat
    if messages:
        return Notify(situation.case.next_step, messages, next_due, "repeat")
    if everybody:
        return Wait(min(next_due, *(situation.allowed_at(way.method) for way in everybody)), "carrier_limit")
    return Notify(situation.case.next_step, (), next_due, "nobody_reachable")


def _due_after(situation: Situation, index: int) -> datetime:
    """When the step after `index` comes: at its time in the round, or as long after this one as planned, if sooner."""
    if index + 1 == len(situation.policy.steps):
        return _due_at_last(situation)
    gap = situation.policy.offset(index + 1) - situation.policy.offset(index)
    planned = situation.case.round_started_at + situation.policy.offset(index + 1)
    return min(planned, situation.now + gap)


def _due_at_last(situation: Situation) -> datetime:
    return situation.now + (situation.policy.repeat or situation.policy.remind)


def _why_nobody(found: list[Way], unasked: list[Way], fresh: list[Way]) -> str:
    if fresh:
        return "carrier_limit"
    if unasked:
        return "handled"
    return "called_before" if found else "no_contact"


def _why_at_an_end(situation: Situation) -> str:
    return "nobody_left" if situation.everybody(situation.policy.steps) else "nobody_reachable"


def _watch_owner(
    case: Case,
    policy: EscalationPolicy,
    people: tuple[Contact, ...],
    planning: PlanningContext,
    now: datetime,
    being_told: bool,
) -> Decision:
    deadline = case.arrival_due_at
    if deadline is not None and now >= deadline:
        # However often the band is pressed, whoever was to be there hears of it with everybody else.
        return Reopen("not_there_in_time")
    if case.press_count > case.presses_told:
        return _tell_owner(case, people, planning, now, deadline or now + policy.remind, being_told)
    if deadline is None:
        return Remind(now + policy.remind, "in_hand")
    return Wait(deadline, "on_the_way")


def _watch_120(
    case: Case, people: tuple[Contact, ...], planning: PlanningContext, now: datetime, being_told: bool
) -> Decision:
    deadline = case.arrival_due_at or now
    if case.press_count > case.presses_told and case.owner_id is None:
        return Reopen("pressed_again")
    if now >= deadline:
        return Reopen("ambulance_not_confirmed")
    if case.press_count > case.presses_told:
        return _tell_owner(case, people, planning, now, deadline, being_told)
    family = [
        way
        for way in reachable(people, planning)
        if Target.FAMILY in way.person.targets and way.method.called_round < case.round
    ]
    if family:
        return TellFamily(messages_to(family), deadline, "ambulance_called")
    return Wait(deadline, "ambulance_called")


def _tell_owner(
    case: Case,
    people: tuple[Contact, ...],
    planning: PlanningContext,
    now: datetime,
    next_due: datetime,
    being_told: bool,
) -> TellOwner | Wait:
    """Tell the owner over every channel there is, whatever the carrier may say: she knows of nothing more urgent.

    The first further press is told at once. Those after it are told together, when the pause is over and no such call
    is under way: a band that presses without end keeps neither her telephone nor the provider from anybody else's first
    call.
    """
    if case.tell_after is not None and now < case.tell_after <= now + TELL_LONGEST_PAUSE:
        return Wait(min(next_due, case.tell_after), "told_lately")
    if case.tell_after is not None and being_told:
        return Wait(min(next_due, now + BEING_TOLD), "being_told")
    ways = [way for way in reachable(people, planning) if way.person.person_id == case.owner_id]
    return TellOwner(messages_to(ways), next_due, "pressed_again" if ways else "owner_has_no_number")


def _tell_pause(times: int) -> timedelta:
    """How long after the `times`-th telling (1 or more) the next may come: a minute, doubled each time up to ten."""
    return min(TELL_LONGEST_PAUSE, TELL_FIRST_PAUSE * (1 << min(times - 1, 10)))
