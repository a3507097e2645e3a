"""The wearer is asked before anybody is called, once, for a moment; and whatever they say, the case goes on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.escalation.decisions import AskWearer, Notify, Skipped
from alerts.escalation.planner import apply, next_step
from alerts.escalation.situation import PlanningContext, Wearer
from alerts.incidents import case as cases
from alerts.incidents.case import Case, Said
from alerts.model.incident import IncidentKind, IncidentState, Severity
from tests.support.cases import NOW, defaults
from tests.unit.alerts.escalation.test_planner import (
    BACKUP,
    CHILD,
    DUTY,
    GRID,
    SHANGHAI,
    called,
    everybody,
    fresh,
    seconds,
)

PLANNING = PlanningContext(dict.fromkeys(("voice", "sms", "band"), timedelta(0)), SHANGHAI)
WEARER = Wearer("zh", "+99920000010", "band-wang")
PULSE, STILL = defaults()["no_heart_rate", "urgent"], defaults()["stillness", "urgent"]
WARNING = defaults()["no_heart_rate", "warning"]


def lost(**changes: Any) -> Case:
    """Nobody was asked yet; she has no pulse."""
    return fresh(**{"kind": IncidentKind.NO_HEART_RATE, "severity": Severity.URGENT, **changes})


def asked(**changes: Any) -> Case:
    """She was asked at NOW."""
    before = lost()
    decision = next_step(before, PULSE, everybody(), PLANNING, NOW, wearer=WEARER)
    return replace(apply(before, decision, NOW), **changes)


def test_she_is_asked_first_by_band_and_telephone_and_nobody_else_is() -> None:
    decision = next_step(lost(), PULSE, everybody(), PLANNING, NOW, wearer=WEARER)
    assert decision == AskWearer(
        0, "zh", "+99920000010", "band-wang", ("measure_heart_rate", "buzz"), NOW + seconds(45)
    )
    case = apply(lost(), decision, NOW)
    assert (case.next_step, case.wearer_asked_at, case.due_at, case.asking) == (1, NOW, NOW + seconds(45), True)


def test_of_stillness_the_band_has_nothing_to_measure() -> None:
    case = lost(kind=IncidentKind.STILLNESS)
    decision = next_step(case, STILL, everybody(), PLANNING, NOW, wearer=WEARER)
    assert isinstance(decision, AskWearer)
    assert decision.commands == ("buzz",)


@pytest.mark.parametrize(
    ("wearer", "channels", "phone", "band", "commands"),
    [
        (Wearer("en", "+9992", None), ("voice", "sms", "band"), "+9992", None, ()),
        (Wearer("en", None, "b"), ("voice", "sms", "band"), None, "b", ("measure_heart_rate", "buzz")),
        (Wearer("en", "+9992", "b"), ("sms", "band"), None, "b", ("measure_heart_rate", "buzz")),
        (Wearer("en", "+9992", "b"), ("voice", "sms"), "+9992", None, ()),
    ],
)
def test_she_is_asked_in_whatever_ways_there_are(
    wearer: Wearer, channels: tuple[str, ...], phone: str | None, band: str | None, commands: tuple[str, ...]
) -> None:
    planning = PlanningContext(dict.fromkeys(channels, timedelta(0)), SHANGHAI)
    decision = next_step(lost(), PULSE, everybody(), planning, NOW, wearer=wearer)
    assert decision == AskWearer(0, "en", phone, band, commands, NOW + seconds(45))


@pytest.mark.parametrize("wearer", [None, Wearer("zh"), Wearer("zh", None, None)])
def test_whom_nothing_reaches_people_are_called_for_at_once(wearer: Wearer | None) -> None:
    decision = next_step(lost(), PULSE, everybody(), PLANNING, NOW, wearer=wearer)
    assert isinstance(decision, Notify)
    assert (decision.step, called(decision)) == (1, {DUTY})
    assert decision.skipped == (Skipped(0, "wearer_unreachable"),)
    assert decision.next_due == NOW + seconds(120)


def test_without_an_answer_duty_is_called_after_45_s_and_the_others_as_long_after_it_as_ever() -> None:
    case, now = asked(), NOW + seconds(45)
    for who, pause in (({DUTY}, 120), ({GRID}, 180), ({CHILD, BACKUP}, 900)):
        decision = next_step(case, PULSE, everybody(), PLANNING, now, wearer=WEARER)
        assert isinstance(decision, Notify)
        assert called(decision) == who
        assert decision.next_due == now + seconds(pause)
        case, now = apply(case, decision, now), decision.next_due
        assert not case.asking


def test_no_answer_of_any_kind_calls_people_before_the_45_s_are_over() -> None:
    """A busy line, a machine, a call that ends without a key: each makes the case due at once."""
    decision = next_step(asked(due_at=NOW + seconds(9)), PULSE, everybody(), PLANNING, NOW + seconds(9))
    assert isinstance(decision, Notify)
    assert (called(decision), decision.next_due) == ({DUTY}, NOW + seconds(129))


def test_when_everybody_is_asked_again_she_is_left_out() -> None:
    case = asked(next_step=4, stepped_at=NOW)
    decision = next_step(case, PULSE, everybody(), PLANNING, NOW + seconds(900), wearer=WEARER)
    assert isinstance(decision, Notify)
    assert (decision.reason, called(decision)) == ("repeat", {DUTY, GRID, BACKUP, CHILD})


def test_she_is_asked_once_whatever_begins_anew() -> None:
    for again in (
        cases.reopen(replace(asked(), state=IncidentState.RESOLVED), NOW + seconds(600)),
        cases.call_again(asked(), NOW + seconds(20)),
        asked(round=2, next_step=0, stepped_at=None, round_started_at=NOW + seconds(600)),
    ):
        at = again.round_started_at
        decision = next_step(again, PULSE, everybody(), PLANNING, at, wearer=WEARER)
        assert isinstance(decision, Notify)
        assert (decision.skipped, called(decision)) == ((Skipped(0, "asked_before"),), {DUTY})


def test_whoever_the_desk_added_is_called_with_the_first_who_are_called() -> None:
    case = asked(added_ids=(CHILD,))
    decision = next_step(case, PULSE, everybody(), PLANNING, NOW + seconds(45))
    assert called(decision) == {DUTY, CHILD}


def test_1_makes_it_a_warning_that_begins_with_a_text_to_duty() -> None:
    now = NOW + seconds(12)
    case = cases.said_well(asked(handler_id=DUTY), now)
    assert (case.state, case.severity, case.round, case.due_at) == (IncidentState.OPEN, Severity.WARNING, 2, now)
    assert (case.wearer_said, case.wearer_said_at, case.asking, case.handler_id) == (Said.WELL, now, False, None)
    decision = next_step(case, WARNING, everybody(called_at=now, called_round=1), PLANNING, now)
    assert isinstance(decision, Notify)
    assert {(message.person_id, message.channel) for message in decision.messages} == {(DUTY, "sms")}
    assert cases.said_well(case, now + seconds(5)) is case


def test_9_calls_people_at_once() -> None:
    now = NOW + seconds(12)
    case = cases.said_not_well(asked(), Said.HELP, now)
    assert (case.due_at, case.round, case.severity, case.wearer_said) == (now, 1, Severity.URGENT, Said.HELP)
    decision = next_step(case, PULSE, everybody(), PLANNING, now)
    assert called(decision) == {DUTY}


def test_9_after_1_is_urgent_again_and_9_after_the_end_opens_it_again() -> None:
    now = NOW + seconds(30)
    for before in (
        cases.said_well(asked(), NOW + seconds(12)),
        replace(asked(), state=IncidentState.RESOLVED, disposition="cleared", resolved_at=NOW + seconds(20)),
    ):
        case = cases.said_not_well(before, Said.HELP, now)
        assert (case.state, case.severity, case.round) == (IncidentState.OPEN, Severity.URGENT, before.round + 1)
        decision = next_step(case, PULSE, everybody(), PLANNING, now, wearer=WEARER)
        assert isinstance(decision, Notify)
        assert (called(decision), decision.skipped) == ({DUTY}, (Skipped(0, "asked_before"),))
        unclear = cases.said_not_well(before, Said.UNCLEAR, now)
        assert unclear == replace(case, wearer_said=Said.UNCLEAR), "they hear that somebody comes"


@pytest.mark.parametrize("next_step_", [2, 3, 4])
@pytest.mark.parametrize("said", [Said.HELP, Said.UNCLEAR])
def test_9_after_others_were_called_begins_anew_with_the_first_of_them(next_step_: int, said: Said) -> None:
    now = NOW + seconds(500)
    case = cases.said_not_well(asked(next_step=next_step_, stepped_at=NOW + seconds(400)), said, now)
    assert (case.due_at, case.round) == (now, 1)
    before = everybody(called_at=NOW + seconds(45), called_round=1)
    decision = next_step(case, PULSE, before, PLANNING, now, wearer=WEARER)
    assert isinstance(decision, Notify)
    assert (called(decision), decision.next_due) == ({DUTY}, now + seconds(120))


def test_whoever_asks_for_help_is_not_asked_about_a_newer_one() -> None:
    case = cases.said_not_well(lost(), Said.HELP, NOW)
    assert called(next_step(case, PULSE, everybody(), PLANNING, NOW, wearer=WEARER)) == {DUTY}


@pytest.mark.parametrize("said", [None, Said.HELP])
def test_a_ladder_that_begins_with_others_since_she_was_asked_begins_with_them(said: Said | None) -> None:
    edited = PULSE.model_copy(update={"steps": defaults()["heart_rate", "urgent"].steps})
    now, case = NOW + seconds(45), asked(wearer_said=said)
    decision = next_step(case, edited, everybody(), PLANNING, now, wearer=WEARER)
    assert isinstance(decision, Notify)
    assert (decision.step, called(decision)) == (0, {DUTY})
    following = next_step(apply(case, decision, now), edited, everybody(), PLANNING, decision.next_due)
    assert isinstance(following, Notify)
    assert (following.step, following.skipped, called(following)) == (1, (), {GRID})
    alone = PULSE.model_copy(update={"steps": edited.steps[:1]})
    assert called(next_step(case, alone, everybody(), PLANNING, now, wearer=WEARER)) == {DUTY}


def test_what_cannot_be_understood_calls_people_too() -> None:
    case = cases.said_not_well(asked(), Said.UNCLEAR, NOW + seconds(12))
    assert (case.due_at, case.wearer_said, case.asking) == (NOW + seconds(12), Said.UNCLEAR, False)


OWNED = [IncidentState.ACCEPTED, IncidentState.EN_ROUTE, IncidentState.ON_SITE]


@pytest.mark.parametrize("state", OWNED)
def test_where_somebody_goes_1_and_what_cannot_be_understood_change_nothing(state: IncidentState) -> None:
    case = asked(state=state, owner_id=DUTY)
    assert not case.asking
    assert cases.said_well(case, NOW) is case
    assert cases.said_not_well(case, Said.UNCLEAR, NOW) is case


@pytest.mark.parametrize("state", [*OWNED, IncidentState.HANDED_TO_120])
def test_where_somebody_goes_9_makes_it_urgent_and_they_go_on(state: IncidentState) -> None:
    case = replace(cases.said_well(asked(), NOW), state=state, owner_id=DUTY)
    for said in (Said.HELP, Said.UNCLEAR):
        urgent = cases.said_not_well(case, said, NOW + seconds(9))
        assert urgent == replace(case, severity=Severity.URGENT, wearer_said=said, wearer_said_at=NOW + seconds(9))
