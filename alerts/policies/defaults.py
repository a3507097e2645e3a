"""The escalation policies that a community starts with, as the migrations leave them in a fresh database. Pure."""

from collections.abc import Mapping

from alerts.model.incident import IncidentKind, Severity
from alerts.policies.escalation_policy import EscalationPolicy, Step, Target

Key = tuple[IncidentKind, Severity]
_Steps = tuple[Step, ...]


def _rings(after_s: int, *targets: Target, ask_120: bool = False) -> Step:
    return Step(after_s=after_s, targets=targets, channels=("voice", "sms"), ask_120=ask_120)


def _texts(after_s: int, *targets: Target) -> Step:
    return Step(after_s=after_s, targets=targets, channels=("sms",))


_ASK = Step(targets=(Target.RESIDENT,), channels=("band", "voice"))
_WARNING = EscalationPolicy(steps=(_texts(0, Target.DUTY), _texts(600, Target.GRID)), arrival_s=1200, remind_s=3600)
_TASK = EscalationPolicy.model_validate(
    {"steps": [{}], "arrival_s": None, "remind_s": 86_400, "hours": {"start": "08:00", "end": "20:00"}}
)
_NETWORK = EscalationPolicy(steps=(_rings(0, Target.DUTY, Target.ADMIN),), repeat_s=1800, arrival_s=None, remind_s=1800)


def _urgent(steps: _Steps, repeat_s: int) -> EscalationPolicy:
    return EscalationPolicy(steps=steps, repeat_s=repeat_s, arrival_s=1200, remind_s=1200)


def _street(duty_s: int, grid_s: int, family_s: int) -> _Steps:
    """Duty, the grid worker, then the family and whoever stands in for the grid worker; seconds."""
    family = _rings(family_s, Target.FAMILY, Target.GRID_BACKUP)
    return _rings(duty_s, Target.DUTY), _rings(grid_s, Target.GRID), family


DEFAULTS: Mapping[Key, EscalationPolicy] = {
    (IncidentKind.SOS, Severity.SOS): EscalationPolicy(
        steps=(
            _rings(0, Target.DUTY, Target.GRID),
            _rings(60, Target.GRID_BACKUP, Target.DUTY_LEAD),
            _rings(180, Target.FAMILY, Target.CLINIC, ask_120=True),
        ),
        repeat_s=300,
        arrival_s=1200,
        remind_s=1200,
        confirm_120_s=1800,
    ),
    (IncidentKind.HEART_RATE, Severity.URGENT): _urgent(
        (_rings(0, Target.DUTY), _rings(180, Target.GRID), _rings(600, Target.CLINIC, Target.FAMILY)), 900
    ),
    (IncidentKind.HEART_RATE, Severity.WARNING): _WARNING,
    (IncidentKind.WANDERING, Severity.URGENT): _urgent(_street(0, 120, 300), 900),
    (IncidentKind.WANDERING, Severity.WARNING): _WARNING,
    (IncidentKind.NETWORK, Severity.URGENT): _NETWORK,
    (IncidentKind.NETWORK, Severity.WARNING): _NETWORK,
    (IncidentKind.NO_HEART_RATE, Severity.URGENT): _urgent((_ASK, *_street(45, 165, 345)), 900),
    (IncidentKind.NO_HEART_RATE, Severity.WARNING): _WARNING,
    (IncidentKind.NO_HEART_RATE, Severity.TASK): _TASK,
    (IncidentKind.STILLNESS, Severity.URGENT): _urgent((_ASK, *_street(45, 345, 945)), 1800),
    (IncidentKind.STILLNESS, Severity.WARNING): _WARNING,
    (IncidentKind.STILLNESS, Severity.TASK): _TASK,
    (IncidentKind.SILENT, Severity.TASK): _TASK,
    (IncidentKind.OFF_WRIST, Severity.TASK): _TASK,
    (IncidentKind.LOW_BATTERY, Severity.TASK): _TASK,
    (IncidentKind.RESTING_RATE, Severity.TASK): _TASK,
    (IncidentKind.SPOT_VALUE, Severity.TASK): _TASK,
}
"""By kind and severity. A test compares them with a migrated database."""
