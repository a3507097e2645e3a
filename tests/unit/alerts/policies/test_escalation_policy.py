"""A policy is data, and what breaks a promise is refused with the field's name."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.model.incident import IncidentKind, Severity
from alerts.policies.escalation_policy import LAST_RESORT, EscalationPolicy, check, parse
from alerts.policies.store import read_policy
from eldercare.platform.errors import InvalidInput
from tests.support.cases import defaults

STEP = {"targets": ["duty"], "channels": ["voice"]}


def policy(**changes: Any) -> dict[str, Any]:
    return {"steps": [STEP], "repeat_s": 300, **changes}


def test_the_defaults_can_be_read_and_keep_the_promises_of_their_kinds() -> None:
    found = defaults()
    assert {kind for kind, _ in found} == set(IncidentKind)
    for (kind, severity), each in found.items():
        check(kind, each, severity)


def test_the_default_for_an_sos_is_the_one_that_was_promised() -> None:
    sos = defaults()["sos", "sos"]
    assert [(step.after_s, step.targets) for step in sos.steps] == [
        (0, ("duty", "grid")),
        (60, ("grid_backup", "duty_lead")),
        (180, ("family", "clinic")),
    ]
    assert all(step.channels == ("voice", "sms") for step in sos.steps)
    assert [step.ask_120 for step in sos.steps] == [False, False, True]
    assert (sos.repeat_s, sos.arrival_s) == (300, 1200)


def test_tasks_call_nobody_and_wait_for_the_day() -> None:
    for kind in ("silent", "off_wrist", "no_heart_rate", "low_battery", "resting_rate", "spot_value"):
        task = defaults()[kind, "task"]
        assert not any(step.targets for step in task.steps)
        assert task.hours is not None
        assert (task.hours.start.hour, task.hours.end.hour) == (8, 20)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (policy(steps=[]), "ladder.steps"),
        (policy(steps=[{**STEP, "after_s": 5}]), "ladder"),
        (policy(steps=[STEP, {**STEP, "after_s": 60}, {**STEP, "after_s": 60}]), "ladder"),
        (policy(steps=[{"targets": ["duty"]}]), "ladder.steps.0"),
        (policy(steps=[{"channels": ["sms"]}]), "ladder.steps.0"),
        (policy(steps=[{**STEP, "targets": ["neighbour"]}]), "ladder.steps.0.targets.0"),
        (policy(steps=[{**STEP, "channels": ["fax"]}]), "ladder.steps.0.channels.0"),
        (policy(repeat_s=1), "ladder.repeat_s"),
        (policy(hours={"start": "20:00", "end": "08:00"}), "ladder.hours"),
        (policy(hours={"start": "08:00+08:00", "end": "20:00+08:00"}), "ladder.hours"),
        (policy(quiet=True), "ladder.quiet"),
        ("nothing", "ladder"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(data: object, where: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read_policy(IncidentKind.HEART_RATE, data)
    assert error.value.field == where


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"repeat_s": None}, "repeat_s"),
        ({"arrival_s": None}, "arrival_s"),
        ({"hours": {"start": "08:00", "end": "20:00"}}, "hours"),
        ({"steps": [{}]}, "steps.0.targets"),
    ],
)
def test_an_sos_never_ends_waits_for_no_hour_and_calls_at_once(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read_policy(IncidentKind.SOS, policy(**changes))
    assert error.value.field == where
    assert read_policy(IncidentKind.LOW_BATTERY, policy(**changes))
    with pytest.raises(InvalidInput) as urgent:
        check(IncidentKind.HEART_RATE, EscalationPolicy.model_validate(policy(**changes)), Severity.URGENT)
    assert urgent.value.field == where
    check(IncidentKind.HEART_RATE, EscalationPolicy.model_validate(policy(**changes)), Severity.WARNING)


def test_nobody_goes_to_a_network() -> None:
    check(IncidentKind.NETWORK, EscalationPolicy.model_validate(policy(arrival_s=None)), Severity.URGENT)


@pytest.mark.parametrize(("end", "refused"), [("08:01", True), ("11:59:59", True), ("12:00", False)])
def test_hours_in_which_nobody_looks_are_none(end: str, refused: bool) -> None:
    short = EscalationPolicy.model_validate(policy(hours={"start": "08:00", "end": end}))
    for kind, severity in ((IncidentKind.WANDERING, Severity.WARNING), (IncidentKind.SILENT, Severity.TASK)):
        if not refused:
            check(kind, short, severity)
            continue
        with pytest.raises(InvalidInput, match="at least 4 hours") as caught:
            check(kind, short, severity)
        assert caught.value.field == "hours"


def test_a_policy_is_frozen() -> None:
    with pytest.raises(ValidationError):
        LAST_RESORT.repeat_s = None  # type: ignore[misc]


def test_a_policy_that_cannot_be_read_is_none() -> None:
    assert parse(None) is None
    assert parse("{}") is None
    assert parse("no JSON") is None
    assert parse(json.dumps(policy())) == EscalationPolicy.model_validate(policy())


def test_durations_are_whole_seconds() -> None:
    each = EscalationPolicy.model_validate(policy(steps=[STEP, {**STEP, "after_s": 60}], arrival_s=None))
    assert each.arrival is None
    assert each.repeat is not None
    assert (each.repeat.total_seconds(), each.offset(1).total_seconds()) == (300, 60)
    assert EscalationPolicy.model_validate(policy(repeat_s=None)).repeat is None


def test_when_a_step_comes() -> None:
    start = datetime(2026, 11, 24, 4, tzinfo=UTC)
    steps = [{"targets": ["duty"], "channels": ["sms"]}, {"after_s": 60}, {"after_s": 180}]
    policy = EscalationPolicy.model_validate({"steps": steps, "repeat_s": 300})
    at = [start + timedelta(seconds=each) for each in range(1000)]
    assert policy.due(start, 0, None) == start
    assert policy.due(start, 0, at[5]) == start
    assert policy.due(start, 1, at[0]) == at[60]
    assert policy.due(start, 2, at[10]) == at[130]  # the step before it came early
    assert policy.due(start, 2, at[170]) == at[180]
    assert policy.due(start, 3, at[180]) == at[480]
    never = EscalationPolicy.model_validate({"steps": steps, "remind_s": 600})
    assert never.due(start, 3, at[180]) == at[780]
    assert policy.street == frozenset()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("steps", {"steps": [STEP, {**STEP, "after_s": 86_400}]}),
        ("repeat_s", {"repeat_s": 7201}),
        ("arrival_s", {"arrival_s": 86_400}),
        ("confirm_120_s", {"confirm_120_s": 86_400}),
    ],
)
def test_nobody_who_called_for_help_waits_for_hours(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="longer than 7200 s") as caught:
        read_policy(IncidentKind.SOS, policy(**changes))
    assert caught.value.field == field
    read_policy(IncidentKind.SILENT, policy(**changes))


ASK = {"targets": ["resident"], "channels": ["band", "voice"]}
THEN = {**STEP, "after_s": 45}


@pytest.mark.parametrize(
    ("kind", "severity", "steps", "where"),
    [
        (IncidentKind.SOS, Severity.SOS, [ASK, THEN], "steps.0.targets"),
        (IncidentKind.SOS, "", [ASK, THEN], "steps.0.targets"),
        (IncidentKind.HEART_RATE, Severity.SOS, [ASK, THEN], "steps.0.targets"),
        (IncidentKind.NETWORK, Severity.URGENT, [ASK, THEN], "steps.0.targets"),
        (IncidentKind.STILLNESS, Severity.WARNING, [ASK, THEN], "steps.0.targets"),
        (IncidentKind.HEART_RATE, Severity.URGENT, [ASK, THEN], "steps.0.targets"),
        (IncidentKind.WANDERING, Severity.URGENT, [ASK, THEN], "steps.0.targets"),
        (IncidentKind.STILLNESS, Severity.URGENT, [ASK, {**THEN, "channels": ["sms"]}], "steps.1.channels"),
        (IncidentKind.STILLNESS, Severity.URGENT, [STEP, {**ASK, "after_s": 45}], "steps.1.targets"),
        (IncidentKind.STILLNESS, Severity.URGENT, [ASK, {**ASK, "after_s": 45}], "steps.1.targets"),
        (IncidentKind.STILLNESS, Severity.URGENT, [ASK], "steps.1.after_s"),
        (IncidentKind.STILLNESS, Severity.URGENT, [ASK, {**STEP, "after_s": 121}], "steps.1.after_s"),
        (IncidentKind.STILLNESS, Severity.URGENT, [ASK, {"after_s": 45}], "steps.1.targets"),
    ],
)
def test_the_resident_is_asked_first_for_a_moment_and_never_in_an_sos(
    kind: IncidentKind, severity: str, steps: list[dict[str, Any]], where: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(kind, EscalationPolicy.model_validate(policy(steps=steps)), severity)
    assert caught.value.field == where


@pytest.mark.parametrize("after_s", [1, 45, 120])
def test_the_resident_may_be_asked_before_people_are_rung(after_s: int) -> None:
    each = EscalationPolicy.model_validate(policy(steps=[ASK, {**STEP, "after_s": after_s}]))
    check(IncidentKind.STILLNESS, each, Severity.URGENT)
    assert read_policy(IncidentKind.STILLNESS, each.model_dump(mode="json")) == each
    assert (each.street, each.first) == (frozenset(), each.steps[1])


@pytest.mark.parametrize(
    "step",
    [
        {**ASK, "targets": ["resident", "duty"]},
        {**ASK, "channels": ["voice", "sms"]},
        {**STEP, "channels": ["voice", "band"]},
        {**ASK, "channels": []},
    ],
)
def test_a_step_for_the_resident_is_for_nobody_else(step: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_policy(IncidentKind.STILLNESS, policy(steps=[step, THEN]))
    assert caught.value.field == "ladder.steps.0"
