"""What an incident that is due needs next: every decision, and that none leaves an open SOS without a timer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.escalation.decisions import Message, Notify, Remind, Reopen, Skipped, TellFamily, TellOwner, Wait
from alerts.escalation.planner import apply, next_step
from alerts.escalation.situation import Contact, Method, PlanningContext
from alerts.incidents import case as cases
from alerts.incidents.case import Case, Disposition
from alerts.model.incident import IncidentState, Severity
from alerts.policies.escalation_policy import LAST_RESORT, EscalationPolicy, Step, Target
from tests.support.cases import NOW, an_open_case, defaults

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLANNING = PlanningContext({"voice": timedelta(0), "sms": timedelta(0)}, SHANGHAI)
SOS = defaults()["sos", "sos"]
DUTY, GRID, BACKUP, LEAD, CHILD, DOCTOR = range(1, 7)


def person(number: int, *targets: Target, **method: Any) -> Contact:
    methods = tuple(Method(channel, f"+9990{number}", **method) for channel in ("voice", "sms"))
    return Contact(number, "zh", frozenset(targets), methods)


def everybody(**method: Any) -> tuple[Contact, ...]:
    return (
        person(DUTY, Target.DUTY, **method),
        person(GRID, Target.GRID, **method),
        person(BACKUP, Target.GRID_BACKUP, **method),
        person(LEAD, Target.DUTY_LEAD, **method),
        person(CHILD, Target.FAMILY, **method),
        person(DOCTOR, Target.CLINIC, **method),
    )


def fresh(**changes: Any) -> Case:
    """Nobody was asked yet."""
    return an_open_case(**{"next_step": 0, "stepped_at": None, "due_at": NOW, "press_count": 1, **changes})


def called(decision: object) -> set[int]:
    assert isinstance(decision, Notify | TellOwner | TellFamily)
    return {message.person_id for message in decision.messages}


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_at_once_duty_and_the_grid_worker_by_voice_and_sms() -> None:
    decision = next_step(fresh(), SOS, everybody(), PLANNING, NOW)
    assert isinstance(decision, Notify)
    assert (decision.step, decision.reason, decision.next_due) == (0, "step", NOW + seconds(60))
    assert set(decision.messages) == {
        Message(who, "zh", channel, f"+9990{who}") for who in (DUTY, GRID) for channel in ("voice", "sms")
    }


@pytest.mark.parametrize(
    ("step", "at", "who", "next_due", "ask_120"),
    [
        (1, 60, {BACKUP, LEAD}, 180, False),
        (2, 180, {CHILD, DOCTOR}, 480, True),
        (1, 5, {BACKUP, LEAD}, 125, False),  # fell through early: as long until the next as planned
        (1, 170, {BACKUP, LEAD}, 180, False),  # late, after an outage: the next at its time
        (1, 900, {BACKUP, LEAD}, 180, False),  # very late: the next at once
    ],
)
def test_each_step_adds_its_people_at_its_time(
    step: int, at: float, who: set[int], next_due: float, ask_120: bool
) -> None:
    now = NOW + seconds(at)
    decision = next_step(fresh(next_step=step, stepped_at=NOW), SOS, everybody(), PLANNING, now)
    assert isinstance(decision, Notify)
    assert called(decision) == who
    assert decision.next_due == NOW + seconds(next_due)
    assert decision.ask_120 is ask_120


def test_after_the_last_step_everybody_again_for_ever() -> None:
    case = fresh(next_step=3, stepped_at=NOW)
    now = NOW + seconds(300)
    for _ in range(50):
        decision = next_step(case, SOS, everybody(called_at=NOW, called_round=1), PLANNING, now)
        assert isinstance(decision, Notify)
        assert (called(decision), decision.reason) == ({DUTY, GRID, BACKUP, LEAD, CHILD, DOCTOR}, "repeat")
        case = apply(case, decision, now)
        assert case.due_at == now + seconds(300)
        now += seconds(300)


def test_woken_early_there_is_nobody_further_to_fall_through_to() -> None:
    case = fresh(next_step=3, stepped_at=NOW)
    assert next_step(case, SOS, everybody(), PLANNING, NOW + seconds(9)) == Wait(NOW + seconds(300), "repeats_later")
    shortened = replace(case, stepped_at=None)
    assert isinstance(next_step(shortened, SOS, everybody(), PLANNING, NOW + seconds(9)), Notify)


def test_no_number_more_often_than_its_carrier_takes() -> None:
    slow = PlanningContext({"voice": timedelta(minutes=12), "sms": timedelta(0)}, SHANGHAI)
    now = NOW + seconds(300)
    case = fresh(next_step=3, stepped_at=NOW)
    decision = next_step(case, SOS, everybody(called_at=NOW, called_round=1), slow, now)
    assert isinstance(decision, Notify)
    assert {message.channel for message in decision.messages} == {"sms"}
    without_sms = PlanningContext({"voice": timedelta(minutes=7)}, SHANGHAI)
    waiting = next_step(case, SOS, everybody(called_at=NOW, called_round=1), without_sms, now)
    assert waiting == Wait(NOW + timedelta(minutes=7), "carrier_limit")
    much_slower = PlanningContext({"voice": timedelta(hours=1)}, SHANGHAI)
    waiting = next_step(case, SOS, everybody(called_at=NOW, called_round=1), much_slower, now)
    assert waiting == Wait(now + seconds(300), "carrier_limit")


def test_a_step_that_reaches_nobody_falls_through_at_once_and_says_so() -> None:
    decision = next_step(fresh(), SOS, everybody()[2:], PLANNING, NOW)
    assert isinstance(decision, Notify)
    assert (decision.step, called(decision)) == (1, {BACKUP, LEAD})
    assert decision.skipped == (Skipped(0, "no_contact"),)
    decision = next_step(fresh(), SOS, everybody()[4:], PLANNING, NOW)
    assert isinstance(decision, Notify)
    assert decision.skipped == (Skipped(0, "no_contact"), Skipped(1, "no_contact"))
    assert decision.ask_120


def test_why_a_step_reached_nobody() -> None:
    before = everybody(called_at=NOW - seconds(1), called_round=1)
    decision = next_step(fresh(next_step=1), SOS, before, PLANNING, NOW)
    assert isinstance(decision, Notify)
    assert decision.skipped == (Skipped(1, "called_before"), Skipped(2, "called_before"))
    assert (decision.messages, decision.reason, decision.step) == ((), "nobody_left", 2)
    slow = PlanningContext({"voice": timedelta(minutes=12)}, SHANGHAI)
    decision = next_step(fresh(round=2, next_step=2), SOS, before, slow, NOW)
    assert isinstance(decision, Notify)
    assert decision.skipped == (Skipped(2, "carrier_limit"),)


def test_nobody_at_all_is_said_and_tried_again() -> None:
    decision = next_step(fresh(), SOS, (), PLANNING, NOW)
    assert isinstance(decision, Notify)
    assert (decision.messages, decision.reason, decision.ask_120) == ((), "nobody_reachable", True)
    case = apply(fresh(), decision, NOW)
    assert (case.next_step, case.due_at) == (3, NOW + seconds(300))
    again = next_step(case, SOS, (), PLANNING, NOW + seconds(300))
    assert isinstance(again, Notify)
    assert again.reason == "nobody_reachable"
    assert called(next_step(case, SOS, everybody(), PLANNING, NOW + seconds(300))) == set(range(1, 7))


def test_a_channel_that_is_not_set_up_reaches_nobody() -> None:
    decision = next_step(fresh(), SOS, everybody(), PlanningContext({"sms": timedelta(0)}, SHANGHAI), NOW)
    assert isinstance(decision, Notify)
    assert {message.channel for message in decision.messages} == {"sms"}


def test_two_people_with_one_number_are_one_call() -> None:
    couple = (person(DUTY, Target.DUTY), replace(person(DUTY, Target.GRID), person_id=GRID))
    assert called(next_step(fresh(), SOS, couple, PLANNING, NOW)) == {DUTY}
    repeating = fresh(next_step=3, stepped_at=NOW)
    assert called(next_step(repeating, SOS, couple, PLANNING, NOW + seconds(300))) == {DUTY}


def test_a_new_round_calls_everybody_anew_and_the_previous_owner_with_the_first() -> None:
    case = fresh(round=2, previous_owner_id=CHILD)
    before = everybody(called_at=NOW - timedelta(minutes=20), called_round=1)
    assert called(next_step(case, SOS, before, PLANNING, NOW)) == {DUTY, GRID, CHILD}
    assert called(next_step(replace(case, next_step=1), SOS, before, PLANNING, NOW)) == {BACKUP, LEAD}


def test_who_handed_it_back_is_called_again_only_with_everybody() -> None:
    before = everybody(called_at=NOW - timedelta(minutes=20), called_round=1)
    case = cases.decline(accepted(), GRID, NOW)
    assert called(next_step(case, SOS, before, PLANNING, NOW)) == {DUTY}
    alone = tuple(replace(each, methods=each.methods if each.person_id == GRID else ()) for each in before)
    nobody = next_step(case, SOS, alone, PLANNING, NOW)
    assert isinstance(nobody, Notify)
    assert (nobody.reason, called(nobody), nobody.next_due) == ("nobody_left", set(), NOW + seconds(300))
    assert {skipped.reason for skipped in nobody.skipped} == {"called_before", "no_contact"}
    repeat = next_step(apply(case, nobody, NOW), SOS, alone, PLANNING, NOW + seconds(300))
    assert called(repeat) == {GRID}
    assert cases.accept(case, SOS, DUTY, "voice", NOW).declined_id is None
    assert cases.reopen(cases.accept(case, SOS, DUTY, "voice", NOW), NOW).declined_id is None


def test_an_sos_that_the_only_ones_of_its_policy_hand_back_goes_to_duty() -> None:
    own = EscalationPolicy(steps=(Step(targets=(Target.FAMILY,), channels=("voice",)),), repeat_s=300)
    case = fresh(round=2, previous_owner_id=CHILD, declined_id=CHILD)
    assert called(next_step(case, own, everybody(), PLANNING, NOW)) == {DUTY, LEAD}
    son = replace(person(7, Target.FAMILY), methods=(Method("voice", "+99907"),))
    assert called(next_step(case, own, (*everybody(), son), PLANNING, NOW)) == {7}


@pytest.mark.parametrize("declined", [DUTY, GRID])
def test_a_number_of_two_is_called_when_one_of_them_handed_it_back(declined: int) -> None:
    desk = (person(DUTY, Target.DUTY), replace(person(DUTY, Target.DUTY), person_id=GRID))
    case = fresh(round=2, previous_owner_id=declined, declined_id=declined)
    assert called(next_step(case, SOS, desk, PLANNING, NOW)) == {DUTY, GRID} - {declined}


def accepted(by: int = GRID) -> Case:
    return cases.accept(fresh(next_step=1, stepped_at=NOW), SOS, by, "voice", NOW)


def test_who_is_on_the_way_is_waited_for_and_then_no_longer() -> None:
    deadline = NOW + timedelta(minutes=20)
    assert next_step(accepted(), SOS, everybody(), PLANNING, NOW + seconds(5)) == Wait(deadline, "on_the_way")
    assert next_step(cases.en_route(accepted()), SOS, everybody(), PLANNING, deadline) == Reopen("not_there_in_time")
    again = apply(accepted(), Reopen("not_there_in_time"), deadline)
    assert (again.state, again.due_at, again.round, again.previous_owner_id) == ("open", deadline, 2, GRID)


def test_a_second_press_is_told_to_the_owner_at_once() -> None:
    case = replace(accepted(), press_count=2)
    decision = next_step(case, SOS, everybody(), PLANNING, NOW + seconds(90))
    assert isinstance(decision, TellOwner)
    assert {(m.person_id, m.channel) for m in decision.messages} == {(GRID, "voice"), (GRID, "sms")}
    assert decision.reason == "pressed_again"
    told = apply(case, decision, NOW + seconds(90))
    assert (told.presses_told, told.due_at) == (2, NOW + timedelta(minutes=20))
    unreachable = next_step(case, SOS, everybody()[:1], PLANNING, NOW)
    assert unreachable == TellOwner((), NOW + timedelta(minutes=20), "owner_has_no_number")


def test_of_presses_without_end_the_owner_is_told_with_growing_pauses() -> None:
    case, now, told = replace(accepted(), press_count=2, arrival_due_at=None), NOW, []
    for _ in range(3600):
        decision = next_step(case, SOS, everybody(), PLANNING, now)
        if isinstance(decision, TellOwner):
            told.append((now - NOW).total_seconds() / 60)
        else:
            assert decision == Wait(case.tell_after, "told_lately")
        case = replace(apply(case, decision, now), press_count=case.press_count + 1)
        now += seconds(1)
    assert told == [0, 1, 3, 7, 15, 25, 35, 45, 55]
    assert case.presses_told == case.press_count - (3600 - 55 * 60)


def test_of_two_calls_that_tell_of_presses_one_waits_for_the_other() -> None:
    told = replace(accepted(), press_count=3, presses_told=2, times_told=1, tell_after=NOW)
    again = next_step(told, SOS, everybody(), PLANNING, NOW + seconds(1), True)
    assert again == Wait(NOW + seconds(16), "being_told")
    assert isinstance(next_step(told, SOS, everybody(), PLANNING, NOW + seconds(1), False), TellOwner)
    # A new owner, or what became graver: what an earlier call says is another matter.
    assert isinstance(next_step(replace(told, tell_after=None), SOS, everybody(), PLANNING, NOW, True), TellOwner)
    assert cases.reopen(told, NOW).tell_after is None
    assert cases.accept(cases.reopen(told, NOW), SOS, DUTY, "voice", NOW).times_told == 0


def test_a_pause_from_a_clock_that_went_back_since_is_none() -> None:
    told = replace(accepted(), press_count=3, presses_told=2, times_told=1, tell_after=NOW + timedelta(hours=1))
    assert isinstance(next_step(told, SOS, everybody(), PLANNING, NOW), TellOwner)


def test_presses_without_end_postpone_no_deadline() -> None:
    late = NOW + timedelta(minutes=20)
    pressed = replace(accepted(), press_count=9)
    assert next_step(pressed, SOS, everybody(), PLANNING, late) == Reopen("not_there_in_time")
    with_120 = replace(cases.hand_to_120(accepted(), SOS, NOW), press_count=9)
    assert next_step(with_120, SOS, everybody(), PLANNING, NOW + timedelta(minutes=30)) == Reopen(
        "ambulance_not_confirmed"
    )
    told_lately = replace(pressed, times_told=5, tell_after=late + seconds(30))
    assert next_step(told_lately, SOS, everybody(), PLANNING, late - seconds(1)) == Wait(late, "told_lately")


def test_on_site_it_reminds_and_still_tells_of_a_press() -> None:
    case = cases.arrive(accepted(), SOS, GRID, NOW)
    now = NOW + timedelta(hours=1)
    assert next_step(case, SOS, everybody(), PLANNING, now) == Remind(now + SOS.remind, "in_hand")
    pressed = next_step(replace(case, press_count=2), SOS, everybody(), PLANNING, now)
    assert isinstance(pressed, TellOwner)
    assert pressed.next_due == now + SOS.remind


def test_with_120_called_the_family_hears_it_and_somebody_must_confirm() -> None:
    case = cases.hand_to_120(fresh(next_step=1), SOS, NOW)
    decision = next_step(case, SOS, everybody(), PLANNING, NOW)
    assert isinstance(decision, TellFamily)
    assert called(decision) == {CHILD}
    told = apply(case, decision, NOW)
    deadline = NOW + timedelta(minutes=30)
    assert told.due_at == deadline
    family_called = everybody(called_at=NOW, called_round=1)
    assert next_step(told, SOS, family_called, PLANNING, NOW + seconds(1)) == Wait(deadline, "ambulance_called")
    assert next_step(told, SOS, family_called, PLANNING, deadline) == Reopen("ambulance_not_confirmed")
    assert next_step(replace(told, press_count=2), SOS, family_called, PLANNING, NOW) == Reopen("pressed_again")
    owned = cases.hand_to_120(accepted(), SOS, NOW)
    pressed = next_step(replace(owned, press_count=2), SOS, everybody(), PLANNING, NOW)
    assert isinstance(pressed, TellOwner)
    assert called(pressed) == {GRID}


TASK = defaults()["low_battery", "task"]


@pytest.mark.parametrize(
    ("local", "opens"),
    [
        ("2026-11-24T07:59:59", "2026-11-24T08:00:00"),
        ("2026-11-24T20:00:00", "2026-11-25T08:00:00"),
        ("2026-11-24T23:30:00", "2026-11-25T08:00:00"),
        ("2026-11-24T03:00:00", "2026-11-24T08:00:00"),
    ],
)
def test_a_task_waits_for_the_morning(local: str, opens: str) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=SHANGHAI)
    decision = next_step(fresh(severity=Severity.TASK), TASK, everybody(), PLANNING, now.astimezone(UTC))
    assert decision == Wait(datetime.fromisoformat(opens).replace(tzinfo=SHANGHAI), "outside_hours")


def test_a_task_waits_for_the_morning_after_the_clocks_went_back() -> None:
    berlin = PlanningContext(PLANNING.min_gap, ZoneInfo("Europe/Berlin"))
    night = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)  # 22:00 summer time; next morning is winter time
    decision = next_step(fresh(), TASK, (), berlin, night)
    assert decision == Wait(datetime(2026, 10, 25, 7, 0, tzinfo=UTC), "outside_hours")


def test_by_day_a_task_shows_on_the_console_and_calls_nobody() -> None:
    day = datetime(2026, 11, 24, 8, 0, tzinfo=SHANGHAI)
    decision = next_step(fresh(), TASK, everybody(), PLANNING, day)
    assert isinstance(decision, Notify)
    assert (decision.messages, decision.reason, decision.next_due) == ((), "console", day + timedelta(days=1))
    shown = apply(fresh(), decision, day)
    later = day + timedelta(days=1)
    assert next_step(shown, TASK, everybody(), PLANNING, later) == Remind(later + timedelta(days=1), "nobody_has_it")
    taken = cases.accept(shown, TASK, DUTY, "console", day)
    assert next_step(taken, TASK, everybody(), PLANNING, later) == Remind(later + timedelta(days=1), "in_hand")
    pressed = next_step(replace(taken, press_count=2), TASK, everybody(), PLANNING, later)
    assert isinstance(pressed, TellOwner)
    assert pressed.next_due == later + timedelta(days=1)
    assert apply(taken, Remind(later, "in_hand"), day).due_at == later


def test_a_warning_ends_with_its_last_step_and_reminds() -> None:
    warning = defaults()["heart_rate", "warning"]
    decision = next_step(fresh(), warning, everybody(), PLANNING, NOW)
    assert isinstance(decision, Notify)
    assert [(m.person_id, m.channel) for m in decision.messages] == [(DUTY, "sms")]
    last = next_step(fresh(next_step=1, stepped_at=NOW), warning, everybody(), PLANNING, NOW + seconds(600))
    assert isinstance(last, Notify)
    assert (called(last), last.next_due) == ({GRID}, NOW + seconds(600) + warning.remind)


def test_a_resolved_case_is_never_due() -> None:
    over = cases.resolve(accepted(), Disposition.TEST, NOW)
    assert over.state is IncidentState.RESOLVED
    with pytest.raises(ValueError, match="resolved"):
        next_step(over, SOS, everybody(), PLANNING, NOW)


def test_a_broken_deadline_of_120_counts_as_past() -> None:
    case = replace(cases.hand_to_120(fresh(), SOS, NOW), arrival_due_at=None)
    assert next_step(case, SOS, (), PLANNING, NOW) == Reopen("ambulance_not_confirmed")


def test_the_policy_of_the_last_resort_calls_duty() -> None:
    assert called(next_step(fresh(), LAST_RESORT, everybody(), PLANNING, NOW)) == {DUTY, LEAD}
    assert isinstance(LAST_RESORT, EscalationPolicy)


def test_an_sos_whose_own_policy_reaches_nobody_goes_to_duty_again_and_again() -> None:
    daughter = Step(targets=(Target.FAMILY,), channels=("voice",))
    own = EscalationPolicy(steps=(daughter,), repeat_s=300, arrival_s=1200)
    without = tuple(who for who in everybody() if who.person_id != CHILD)
    first = next_step(fresh(), own, without, PLANNING, NOW)
    assert called(first) == {DUTY, LEAD}
    due = NOW + seconds(300)
    again = next_step(apply(fresh(), first, NOW), own, without, PLANNING, due)
    assert called(again) == {DUTY, LEAD}
    assert called(next_step(fresh(), own, everybody(), PLANNING, NOW)) == {CHILD}
    warning = fresh(severity=Severity.WARNING)
    assert called(next_step(warning, own, without, PLANNING, NOW)) == set()
