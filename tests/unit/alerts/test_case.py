"""What each state allows, and that a change leaves no case without a timer or an owner."""

from datetime import timedelta

import pytest

from alerts import case as cases
from alerts.case import Case, Disposition
from alerts.kinds import IncidentState
from alerts.ladder import LAST_RESORT, Ladder
from eldercare.errors import Conflict
from tests.cases import NOW, an_open_case

SEVEN, EIGHT = 7, 8


def accepted() -> Case:
    return cases.accept(an_open_case(), LAST_RESORT, SEVEN, "voice", NOW)


def in_state(state: IncidentState) -> Case:
    """A case brought to `state` by the changes themselves."""
    ladder = LAST_RESORT
    return {
        IncidentState.OPEN: lambda: an_open_case(),
        IncidentState.ACCEPTED: accepted,
        IncidentState.EN_ROUTE: lambda: cases.en_route(accepted()),
        IncidentState.ON_SITE: lambda: cases.arrive(accepted(), ladder, SEVEN, NOW),
        IncidentState.HANDED_TO_120: lambda: cases.hand_to_120(an_open_case(), ladder, NOW),
        IncidentState.RESOLVED: lambda: cases.resolve(an_open_case(), Disposition.TEST, NOW),
    }[state]()


CHANGES = {
    "accept": (lambda case: cases.accept(case, LAST_RESORT, EIGHT, "sms", NOW), {"open", "handed_to_120"}),
    "pass_on": (
        lambda case: cases.pass_on(case, SEVEN, NOW),
        {"open", "accepted", "en_route", "handed_to_120"},
    ),
    "en_route": (cases.en_route, {"accepted"}),
    "arrive": (lambda case: cases.arrive(case, LAST_RESORT, EIGHT, NOW), {"accepted", "en_route", "handed_to_120"}),
    "hand_to_120": (
        lambda case: cases.hand_to_120(case, LAST_RESORT, NOW),
        {"open", "accepted", "en_route", "on_site"},
    ),
    "resolve": (lambda case: cases.resolve(case, Disposition.HELPED, NOW), set(IncidentState) - {"resolved"}),
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
    ladder = Ladder.model_validate({"steps": [{}], "arrival_s": None, "remind_s": 600})
    case = cases.accept(an_open_case(), ladder, SEVEN, "console", NOW)
    assert case.arrival_due_at is None
    assert case.due_at == NOW + timedelta(minutes=10)


def test_passing_on_moves_an_open_case_and_hands_back_ones_own() -> None:
    assert cases.pass_on(an_open_case(), SEVEN, NOW).due_at == NOW
    back = cases.pass_on(accepted(), SEVEN, NOW)
    assert (back.state, back.round, back.next_step, back.due_at) == (IncidentState.OPEN, 2, 0, NOW)
    assert (back.owner_id, back.previous_owner_id, back.declined_id, back.arrival_due_at) == (None, SEVEN, SEVEN, None)
    assert cases.pass_on(accepted(), EIGHT, NOW) == accepted()


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
