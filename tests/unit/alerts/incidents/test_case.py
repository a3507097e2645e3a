"""What each state allows, and that a change leaves no case without a timer or an owner."""

from datetime import timedelta

import pytest

from alerts.incidents import case as cases
from alerts.incidents.case import Case, Disposition
from alerts.model.incident import IncidentState
from alerts.policies.escalation_policy import LAST_RESORT, EscalationPolicy
from eldercare.platform.errors import Conflict
from tests.support.cases import NOW, an_open_case

SEVEN, EIGHT = 7, 8


def accepted() -> Case:
    return cases.accept(an_open_case(), LAST_RESORT, SEVEN, "voice", NOW)


def in_state(state: IncidentState) -> Case:
    """A case brought to `state` by the changes themselves."""
    policy = LAST_RESORT
    return {
        IncidentState.OPEN: lambda: an_open_case(),
        IncidentState.ACCEPTED: accepted,
        IncidentState.EN_ROUTE: lambda: cases.en_route(accepted()),
        IncidentState.ON_SITE: lambda: cases.arrive(accepted(), policy, SEVEN, NOW),
        IncidentState.HANDED_TO_120: lambda: cases.hand_to_120(an_open_case(), policy, NOW),
        IncidentState.RESOLVED: lambda: cases.resolve(an_open_case(), Disposition.TEST, NOW),
    }[state]()


CHANGES = {
    "accept": (lambda case: cases.accept(case, LAST_RESORT, EIGHT, "sms", NOW), {"open", "handed_to_120"}),
    "decline": (
        lambda case: cases.decline(case, SEVEN, NOW),
        {"open", "accepted", "en_route", "handed_to_120"},
    ),
    "en_route": (cases.en_route, {"accepted"}),
    "arrive": (lambda case: cases.arrive(case, LAST_RESORT, EIGHT, NOW), {"accepted", "en_route", "handed_to_120"}),
    "hand_to_120": (
        lambda case: cases.hand_to_120(case, LAST_RESORT, NOW),
        {"open", "accepted", "en_route", "on_site"},
    ),
    "resolve": (lambda case: cases.resolve(case, Disposition.HELPED, NOW), set(IncidentState) - {"resolved"}),
    "handle": (lambda case: cases.handle(case, LAST_RESORT, EIGHT, "console", NOW), set(IncidentState) - {"resolved"}),
    "send": (cases.send, {"open", "handed_to_120"}),
    "add": (lambda case: cases.add(case, EIGHT), set(IncidentState) - {"resolved"}),
    "take_back": (lambda case: cases.take_back(case, NOW), {"accepted", "en_route", "on_site"}),
    "call_again": (lambda case: cases.call_again(case, NOW), {"open"}),
    "reopen": (lambda case: cases.reopen(case, NOW), set(IncidentState) - {"open"}),
}


@pytest.mark.parametrize("state", IncidentState)
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_allowed_where_it_should_be_and_names_the_state_elsewhere(
    change: str, state: IncidentState
) -> None:
    make, allowed = CHANGES[change]
    if state in allowed:
        after = make(in_state(state))
        assert after.state is IncidentState.RESOLVED or after.due_at is not None
        assert not after.owned or after.owner_id is not None
    else:
        with pytest.raises(Conflict, match=f"incident 1 is {state}"):
            make(in_state(state))


def test_who_accepts_owns_it_and_has_a_deadline() -> None:
    case = accepted()
    assert (case.owner_id, case.accepted_at, case.accepted_via) == (SEVEN, NOW, "voice")
    assert case.due_at == case.arrival_due_at == NOW + timedelta(minutes=20)
    assert case.presses_told == case.press_count
    assert case.owned
    assert not case.open


def test_where_nobody_has_to_go_accepting_sets_a_reminder_and_no_deadline() -> None:
    policy = EscalationPolicy.model_validate({"steps": [{}], "arrival_s": None, "remind_s": 600})
    case = cases.accept(an_open_case(), policy, SEVEN, "console", NOW)
    assert case.arrival_due_at is None
    assert case.due_at == NOW + timedelta(minutes=10)


def test_passing_on_moves_an_open_case_and_hands_back_ones_own() -> None:
    assert cases.decline(an_open_case(), SEVEN, NOW).due_at == NOW
    back = cases.decline(accepted(), SEVEN, NOW)
    assert (back.state, back.round, back.next_step, back.due_at) == (IncidentState.OPEN, 2, 0, NOW)
    assert (back.owner_id, back.previous_owner_id, back.declined_id, back.arrival_due_at) == (None, SEVEN, SEVEN, None)
    assert cases.decline(accepted(), EIGHT, NOW) == accepted()


def test_at_the_door_with_120_called_and_nobody_owning_it_is_theirs() -> None:
    case = cases.arrive(in_state(IncidentState.HANDED_TO_120), LAST_RESORT, EIGHT, NOW)
    assert (case.owner_id, case.arrived_at, case.arrival_due_at) == (EIGHT, NOW, None)
    assert cases.arrive(accepted(), LAST_RESORT, EIGHT, NOW).owner_id == SEVEN


def test_handed_to_120_the_family_is_due_at_once_and_somebody_must_confirm() -> None:
    case = cases.hand_to_120(accepted(), LAST_RESORT, NOW)
    assert case.due_at == NOW
    assert case.arrival_due_at == NOW + timedelta(minutes=30)
    assert case.owner_id == SEVEN


def test_resolved_it_is_due_no_more_and_reopened_it_is_at_once() -> None:
    over = cases.resolve(accepted(), Disposition.FALSE_ALARM, NOW)
    assert (over.due_at, over.resolved_at, over.disposition) == (None, NOW, "false_alarm")
    again = cases.reopen(over, NOW)
    assert (again.state, again.due_at, again.round, again.previous_owner_id) == (IncidentState.OPEN, NOW, 2, SEVEN)
    assert (again.resolved_at, again.disposition, again.owner_id) == (None, None, None)
    assert cases.reopen(in_state(IncidentState.HANDED_TO_120), NOW).previous_owner_id is None


def handled(case: Case | None = None) -> Case:
    return cases.handle(case or an_open_case(due_at=NOW + timedelta(hours=1)), LAST_RESORT, EIGHT, "console", NOW)


def test_handling_lasts_five_minutes_while_nobody_goes_and_without_a_limit_while_somebody_does() -> None:
    case = handled()
    assert (case.handler_id, case.handled_at, case.handled_via, case.owner_id) == (EIGHT, NOW, "console", None)
    assert case.due_at == case.handling_until == NOW + timedelta(minutes=5)
    assert case.handled(NOW + timedelta(seconds=299))
    assert not case.handled(NOW + timedelta(seconds=300))
    assert not an_open_case().handled(NOW)
    assert not case.handled(NOW - timedelta(hours=1))  # the clock went back
    going = cases.accept(case, LAST_RESORT, SEVEN, "voice", NOW)
    assert (going.handler_id, going.handling_until) == (EIGHT, None)
    assert cases.attend(going, LAST_RESORT, NOW).due_at == going.due_at
    assert cases.hand_to_120(case, LAST_RESORT, NOW).handling_until is None


def test_an_action_of_the_handler_puts_the_end_off_and_the_policy_comes_when_it_would_have() -> None:
    minutes = [NOW + timedelta(minutes=each) for each in range(9)]
    policy = EscalationPolicy.model_validate(
        {"steps": [{"targets": ["duty"], "channels": ["sms"]}, {"after_s": 420}], "repeat_s": 60}
    )
    case = cases.handle(an_open_case(due_at=minutes[7]), policy, EIGHT, "voice", NOW)
    assert case.due_at == minutes[5]
    case = cases.attend(case, policy, minutes[1])
    assert (case.due_at, case.handling_until) == (minutes[6], minutes[6])
    case = cases.attend(case, policy, minutes[3])
    assert (case.due_at, case.handling_until) == (minutes[7], minutes[8])
    assert cases.attend(an_open_case(due_at=None), policy, minutes[3]).due_at == minutes[7]


@pytest.mark.parametrize(
    "change",
    [
        lambda case: cases.accept(case, LAST_RESORT, EIGHT, "sms", NOW),
        lambda case: cases.decline(cases.accept(case, LAST_RESORT, SEVEN, "sms", NOW), EIGHT, NOW),
        lambda case: cases.accept(cases.decline(case, EIGHT, NOW), LAST_RESORT, SEVEN, "sms", NOW),
        lambda case: cases.accept(case, LAST_RESORT, SEVEN, "sms", NOW + cases.HANDLING),
        lambda case: cases.hand_to_120(cases.decline(case, EIGHT, NOW), LAST_RESORT, NOW),
        lambda case: cases.resolve(case, Disposition.HELPED, NOW),
        lambda case: cases.reopen(cases.accept(case, LAST_RESORT, SEVEN, "sms", NOW), NOW),
        lambda case: cases.let_go(cases.accept(case, LAST_RESORT, SEVEN, "sms", NOW), NOW),
    ],
    ids=["goes", "passes", "passed before", "lapsed", "passed before 120", "resolved", "reopened", "left"],
)
def test_who_handled_it_does_not_any_more(change: object) -> None:
    case = change(handled())
    assert (case.handler_id, case.handled_at, case.handled_via, case.handling_until) == (None, None, None, None)


def test_a_handler_who_passes_while_nobody_goes_leaves_the_desk_to_be_rung() -> None:
    case = cases.decline(handled(), EIGHT, NOW)
    assert (case.handled(NOW), case.handling_until, case.declined_id, case.due_at) == (False, None, EIGHT, NOW)


def test_who_leaves_the_desk_while_nobody_goes_leaves_it_due() -> None:
    case = cases.let_go(handled(), NOW + timedelta(seconds=7))
    assert case.due_at == NOW + timedelta(seconds=7)
    assert not case.handled(NOW + timedelta(seconds=7))


def test_who_is_taken_off_is_remembered_for_the_round() -> None:
    case = cases.take_back(accepted(), NOW)
    assert (case.state, case.round, case.owner_id, case.taken_off_id) == ("open", 2, None, SEVEN)
    again = cases.accept(case, LAST_RESORT, EIGHT, "sms", NOW)
    assert cases.reopen(again, NOW).taken_off_id is None


def test_one_person_is_sent_only_while_nobody_goes() -> None:
    handed = cases.hand_to_120(accepted(), LAST_RESORT, NOW)
    with pytest.raises(Conflict, match="somebody goes"):
        cases.send(handed)


def test_somebody_is_added_once() -> None:
    case = cases.add(cases.add(an_open_case(), EIGHT), EIGHT)
    assert case.added_ids == (EIGHT,)


def test_called_out_again_the_policy_starts_in_the_same_round() -> None:
    case = cases.call_again(an_open_case(declined_id=SEVEN), NOW)
    assert (case.round, case.next_step, case.stepped_at, case.due_at) == (1, 0, None, NOW)
    assert (case.called_again_at, case.declined_id) == (NOW, None)
    assert cases.reopen(cases.accept(case, LAST_RESORT, SEVEN, "sms", NOW), NOW).called_again_at is None
