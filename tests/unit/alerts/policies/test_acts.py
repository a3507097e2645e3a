"""What happens first, by the policies that a community starts with."""

import pytest

from alerts.model.incident import IncidentKind, Severity
from alerts.policies.acts import Act, first_of
from alerts.policies.defaults import DEFAULTS
from alerts.policies.escalation_policy import LAST_RESORT


@pytest.mark.parametrize(
    ("kind", "severity", "act"),
    [
        (IncidentKind.SOS, Severity.SOS, Act.CALL),
        (IncidentKind.HEART_RATE, Severity.URGENT, Act.CALL),
        (IncidentKind.HEART_RATE, Severity.WARNING, Act.TEXT),
        (IncidentKind.WANDERING, Severity.URGENT, Act.CALL),
        (IncidentKind.NO_HEART_RATE, Severity.URGENT, Act.ASK),
        (IncidentKind.NO_HEART_RATE, Severity.WARNING, Act.TEXT),
        (IncidentKind.NO_HEART_RATE, Severity.TASK, Act.TASK),
        (IncidentKind.STILLNESS, Severity.URGENT, Act.ASK),
        (IncidentKind.SPOT_VALUE, Severity.TASK, Act.TASK),
    ],
)
def test_what_an_incident_makes_happen_first(kind: IncidentKind, severity: Severity, act: Act) -> None:
    assert first_of(DEFAULTS[kind, severity]) is act


def test_the_last_resort_calls() -> None:
    assert first_of(LAST_RESORT) is Act.CALL
