"""What "I am handling it" changes for the policy: the desk is left in peace while it stands, and nobody else is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.escalation.decisions import Decision, Notify, Remind, RingDesk, Skipped, Wait
from alerts.escalation.planner import apply, next_step
from alerts.escalation.situation import Contact, PlanningContext
from alerts.incidents import case as cases
from alerts.incidents.case import HANDLING, Case
from alerts.policies.escalation_policy import EscalationPolicy, Target
from tests.support.cases import NOW
from tests.unit.alerts.escalation.test_planner import (
    BACKUP,
    CHILD,
    DOCTOR,
    DUTY,
    GRID,
    LEAD,
    PLANNING,
    SHANGHAI,
    SOS,
    called,
    everybody,
    fresh,
    person,
    seconds,
)  # fmt: skip


def handled(at: float = 10, by: int = DUTY, **changes: object) -> Case:
    case = fresh(**{"next_step": 1, "stepped_at": NOW, "due_at": NOW + seconds(60), **changes})
    return cases.handle(case, SOS, by, "voice", NOW + seconds(at))


def desk_of(decision: Decision) -> set[int]:
    assert isinstance(decision, Notify | RingDesk)
    return {message.person_id for message in decision.messages if message.desk}


def test_who_is_called_as_one_of_the_desk_is_marked() -> None:
    first = next_step(fresh(), SOS, everybody(), PLANNING, NOW)
    assert desk_of(first) == {DUTY}
    both = (person(DUTY, Target.DUTY, Target.GRID), person(BACKUP, Target.GRID_BACKUP))
    assert desk_of(next_step(fresh(), SOS, both, PLANNING, NOW)) == {DUTY}
    as_the_street = (person(DUTY, Target.GRID, Target.DUTY_LEAD), person(BACKUP, Target.GRID_BACKUP))
    assert desk_of(next_step(fresh(), SOS, as_the_street, PLANNING, NOW)) == set()


def test_while_it_is_handled_the_desk_is_not_rung_and_the_street_is() -> None:
    case = handled()
    decision = next_step(case, SOS, everybody(), PLANNING, NOW + seconds(60))
    assert called(decision) == {BACKUP}
    assert apply(case, decision, NOW + seconds(60)).handler_id == DUTY


def test_the_handlers_word_bounds_the_next_look() -> None:
    slow = EscalationPolicy.model_validate(
        {**SOS.model_dump(), "steps": [*SOS.model_dump()["steps"][:2], {"after_s": 900}]}
    )
    decision = next_step(handled(), slow, everybody(), PLANNING, NOW + seconds(60))
    assert isinstance(decision, Notify)
    assert decision.next_due == NOW + seconds(10) + HANDLING


def test_who_is_desk_and_street_is_called_as_the_street_unless_it_is_they_who_handle_it() -> None:
    people = (person(LEAD, Target.DUTY_LEAD, Target.FAMILY), person(BACKUP, Target.GRID_BACKUP))
    assert called(next_step(handled(), SOS, people, PLANNING, NOW + seconds(60))) == {LEAD, BACKUP}
    assert called(next_step(handled(by=LEAD), SOS, people, PLANNING, NOW + seconds(60))) == {BACKUP}


def test_a_step_of_desk_alone_falls_through_at_once() -> None:
    people = (person(DUTY, Target.DUTY), person(LEAD, Target.DUTY_LEAD), person(CHILD, Target.FAMILY))
    decision = next_step(handled(), SOS, people, PLANNING, NOW + seconds(60))
    assert isinstance(decision, Notify)
    assert (decision.step, called(decision), decision.skipped) == (2, {CHILD}, (Skipped(1, "handled"),))


def test_where_the_policy_ends_the_desk_is_rung_again() -> None:
    case = handled()
    people = (person(DUTY, Target.DUTY, called_at=NOW, called_round=1), person(LEAD, Target.DUTY_LEAD))
    decision = next_step(case, SOS, people, PLANNING, NOW + seconds(60))
    assert isinstance(decision, Notify)
    assert decision.handling_ends
    assert called(decision) == {DUTY, LEAD}
    assert apply(case, decision, NOW + seconds(60)).handler_id is None
    spent = handled(at=200, next_step=3, due_at=NOW + seconds(300))
    repeated = next_step(spent, SOS, everybody(), PLANNING, NOW + seconds(300))
    assert isinstance(repeated, Notify)
    assert repeated.handling_ends
    assert called(repeated) == {DUTY, GRID, BACKUP, LEAD, CHILD, DOCTOR}


def test_woken_early_after_the_last_step_it_stays_handled() -> None:
    case = handled(at=200, next_step=3, due_at=NOW + seconds(300))
    assert next_step(case, SOS, everybody(), PLANNING, NOW + seconds(210)) == Wait(NOW + seconds(300), "repeats_later")


def test_a_policy_that_never_repeats_leaves_the_end_to_the_handlers_time() -> None:
    once = EscalationPolicy.model_validate({**SOS.model_dump(), "repeat_s": None})
    case = handled(next_step=3)
    decision = next_step(case, once, everybody(), PLANNING, NOW + seconds(60))
    assert decision == Remind(NOW + seconds(10) + HANDLING, "nobody_has_it")


def test_the_end_of_the_policy_may_find_everybody_called_a_moment_ago() -> None:
    just_now = {"called_at": NOW + seconds(290), "called_round": 1}
    slow = PlanningContext({"voice": timedelta(minutes=12), "sms": timedelta(minutes=12)}, SHANGHAI)
    case = handled(at=200, next_step=3, due_at=NOW + seconds(300))
    decision = next_step(case, SOS, everybody(**just_now), slow, NOW + seconds(300))
    assert isinstance(decision, Wait)
    nobody = next_step(case, SOS, (), slow, NOW + seconds(300))
    assert isinstance(nobody, Notify)
    assert nobody.handling_ends
    assert nobody.reason == "nobody_reachable"


@pytest.mark.parametrize("next_number", [1, 2])
def test_after_five_minutes_without_an_action_the_desk_is_rung_and_the_policy_keeps_its_time(next_number: int) -> None:
    slow = EscalationPolicy.model_validate(
        {
            **SOS.model_dump(),
            "steps": [*SOS.model_dump()["steps"][:2], {**SOS.model_dump()["steps"][2], "after_s": 900}],
        }
    )
    case = handled(next_step=next_number, stepped_at=NOW + seconds(60), due_at=NOW + seconds(900))
    now = NOW + seconds(310)
    assert case.due_at == now
    decision = next_step(case, slow, everybody(called_at=NOW, called_round=1), PLANNING, now)
    desk = {DUTY, LEAD} if next_number == 2 else {DUTY}
    assert isinstance(decision, RingDesk)
    assert {message.person_id for message in decision.messages} == desk
    due = NOW + seconds(900) if next_number == 2 else now  # the step that was to come meanwhile comes at once
    assert decision.next_due == due
    left = apply(case, decision, now)
    assert (left.handler_id, left.due_at, left.next_step) == (None, due, next_number)


def test_whoever_passed_at_that_moment_is_not_forgotten() -> None:
    case = replace(handled(), due_at=NOW + seconds(300), handling_until=NOW + seconds(310))
    decision = next_step(case, SOS, everybody(), PLANNING, NOW + seconds(311))
    assert isinstance(decision, RingDesk)
    assert decision.next_due == NOW + seconds(311)
    without_a_time = replace(case, handling_until=None)
    assert isinstance(next_step(without_a_time, SOS, everybody(), PLANNING, NOW), RingDesk)


def test_whom_the_carrier_does_not_take_is_not_rung_again() -> None:
    slow = PlanningContext({"voice": timedelta(minutes=12)}, SHANGHAI)
    decision = next_step(handled(), SOS, everybody(called_at=NOW, called_round=1), slow, NOW + seconds(310))
    assert isinstance(decision, RingDesk)
    assert decision.messages == ()


def taken_off(*others: Contact) -> Decision:
    case = cases.take_back(cases.accept(fresh(), SOS, GRID, "voice", NOW), NOW)
    return next_step(case, SOS, (person(GRID, Target.GRID), *others), PLANNING, NOW)


def test_who_was_taken_off_is_called_only_where_there_is_nobody_else() -> None:
    assert called(taken_off(person(BACKUP, Target.GRID_BACKUP))) == {BACKUP}
    assert called(taken_off(person(DUTY, Target.DUTY))) == {DUTY}
    assert called(taken_off()) == {GRID}


def test_who_was_taken_off_is_not_among_those_who_are_asked_again() -> None:
    case = replace(fresh(next_step=3, stepped_at=NOW), taken_off_id=GRID)
    decision = next_step(case, SOS, everybody(), PLANNING, NOW + seconds(300))
    assert called(decision) == {DUTY, BACKUP, LEAD, CHILD, DOCTOR}


def test_who_was_added_is_called_with_the_first_step_and_with_everybody() -> None:
    stranger = person(9)
    case = cases.add(fresh(), 9)
    assert called(next_step(case, SOS, (*everybody(), stranger), PLANNING, NOW)) == {DUTY, GRID, 9}
    spent = replace(case, next_step=3, stepped_at=NOW)
    assert 9 in called(next_step(spent, SOS, (*everybody(), stranger), PLANNING, NOW + seconds(300)))


def test_called_out_again_everybody_is_asked_once_more() -> None:
    now = NOW + seconds(70)
    case = cases.call_again(fresh(next_step=2, stepped_at=NOW), now)
    assert called(next_step(case, SOS, everybody(called_at=NOW, called_round=1), PLANNING, now)) == {DUTY, GRID}
    once_more = replace(case, next_step=1, stepped_at=now)
    just_now = everybody(called_at=now, called_round=1)
    assert isinstance(next_step(once_more, SOS, just_now, PLANNING, now + seconds(60)), Notify)
    decision = next_step(once_more, SOS, just_now, PLANNING, now + seconds(60))
    assert called(decision) == set()
