"""Cases and ladders for the tests of what is pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.incidents.case import Case
from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.policies.defaults import DEFAULTS
from alerts.policies.escalation_policy import EscalationPolicy

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def an_open_case(**changes: Any) -> Case:
    return replace(
        Case(
            id=1, kind=IncidentKind.SOS, severity=Severity.SOS, state=IncidentState.OPEN, round=1, round_started_at=NOW,
            next_step=1, stepped_at=NOW, due_at=NOW + timedelta(seconds=60), press_count=2, presses_told=1,
            owner_id=None, previous_owner_id=None, declined_id=None, accepted_at=None, accepted_via=None,
            accepted_call=None, arrival_due_at=None, arrived_at=None, resolved_at=None, disposition=None, times_told=0,
            tell_after=None,
        ),
        **changes,
    )  # fmt: skip


def defaults() -> dict[tuple[str, str], EscalationPolicy]:
    """The ladders that a fresh database holds."""
    return {(str(kind), str(severity)): policy for (kind, severity), policy in DEFAULTS.items()}
