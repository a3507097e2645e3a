"""What an escalation policy makes happen first. Pure."""

from enum import StrEnum

from alerts.policies.escalation_policy import EscalationPolicy


class Act(StrEnum):
    """The first thing that an incident makes happen."""

    CALL = "call"
    TEXT = "text"
    TASK = "task"
    ASK = "ask"
    """The wearer is asked first."""


def first_of(policy: EscalationPolicy) -> Act:
    """The first thing that happens by this policy, at an hour at which it moves on."""
    step = policy.steps[0]
    if step.asks:
        return Act.ASK
    if not step.targets:
        return Act.TASK
    return Act.CALL if "voice" in step.channels else Act.TEXT
