"""Cases and ladders for the tests of what is pure."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from alerts.incidents.case import Case
from alerts.model.incident import IncidentKind, IncidentState, Severity
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
    migrations = files("eldercare.platform") / "migrations"
    text = "".join(sorted(each.read_text(encoding="utf-8") for each in migrations.iterdir() if each.name[0] == "0"))
    found = re.findall(r"\('(\w+)', '(\w+)', '(\{.*?\})'\)", text, re.DOTALL)
    return {(kind, severity): EscalationPolicy.model_validate_json(body) for kind, severity, body in found}
