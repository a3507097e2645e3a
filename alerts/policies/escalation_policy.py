"""The escalation policy: who is asked for help, in which order, how long each is given. Data; pure.

The table `policy` and the API call it a ladder. All durations are whole seconds. `after_s` of a step counts from the
start of the round.
"""

from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eldercare.platform.errors import InvalidInput


class Target(StrEnum):
    """Whom a step names: a duty of the service, a relation to the resident, or the resident, who is asked first."""

    RESIDENT = "resident"
    DUTY = "duty"
    DUTY_LEAD = "duty_lead"
    GRID = "grid"
    GRID_BACKUP = "grid_backup"
    FAMILY = "family"
    CLINIC = "clinic"
    ADMIN = "admin"


DESK = frozenset({Target.DUTY, Target.DUTY_LEAD})
"""Who sits at the desk. A person called as one of these may also say that they handle it and do not go."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Data):
    """One step. Without targets it only shows on the console, where every open incident is anyway.

    A step for the resident names nobody else: it asks them whether they are well, on the wrist (`band`) and by
    telephone.
    """

    after_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    targets: tuple[Target, ...] = ()
    channels: tuple[Literal["band", "voice", "sms"], ...] = ()
    ask_120: bool = False
    """Whether the console asks the duty officer to call 120 from here on."""

    @model_validator(mode="after")
    def _names_both_or_neither(self) -> Self:
        if bool(self.targets) != bool(self.channels):
            raise ValueError("a step names both targets and channels, or neither (console only)")
        return self

    @model_validator(mode="after")
    def _asks_the_resident_alone(self) -> Self:
        if self.asks and len(set(self.targets)) > 1:
            raise ValueError("a step for the resident names nobody else")
        if self.asks and "sms" in self.channels:
            raise ValueError("the resident is asked by band and voice: nobody waits for a text to be read")
        if not self.asks and "band" in self.channels:
            raise ValueError("band is the wrist of the resident, and reaches nobody else")
        return self

    @property
    def asks(self) -> bool:
        """Whether it asks the resident, and calls nobody."""
        return Target.RESIDENT in self.targets


class Hours(_Data):
    """The part of the day, in the community's zone, in which the policy moves on: from `start` until before `end`."""

    start: time
    end: time

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("start and end are of the community's zone and have no offset of their own")
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self


class EscalationPolicy(_Data):
    """The steps, and the deadlines of whoever accepts."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)]
    repeat_s: Annotated[int, Field(ge=60, le=86_400)] | None = None
    """How often everybody of all steps is asked again after the last one, for ever; null: never."""
    arrival_s: Annotated[int, Field(ge=60, le=86_400)] | None = 1200
    """How long the owner may take to the door before the policy starts again; null: nobody has to go there."""
    remind_s: Annotated[int, Field(ge=60, le=7 * 86_400)] = 3600
    """How often a case that waits for no call says on its timeline that it is still there."""
    confirm_120_s: Annotated[int, Field(ge=60, le=86_400)] = 1800
    """How long after handing over to 120 somebody must have been there or closed it."""
    hours: Hours | None = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        times = [step.after_s for step in self.steps]
        if times[0] != 0:
            raise ValueError("the first step must come at once (after_s 0)")
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("after_s must rise from step to step")
        return self

    @property
    def street(self) -> frozenset[Target]:
        """Those whom any step names, who go, and who are not of the desk."""
        return frozenset(target for step in self.steps for target in step.targets) - DESK - {Target.RESIDENT}

    @property
    def first(self) -> Step | None:
        """The first step that does not ask the resident."""
        return next((step for step in self.steps if not step.asks), None)

    @property
    def repeat(self) -> timedelta | None:
        """`repeat_s` as a duration."""
        return None if self.repeat_s is None else timedelta(seconds=self.repeat_s)

    @property
    def arrival(self) -> timedelta | None:
        """`arrival_s` as a duration."""
        return None if self.arrival_s is None else timedelta(seconds=self.arrival_s)

    @property
    def remind(self) -> timedelta:
        """`remind_s` as a duration."""
        return timedelta(seconds=self.remind_s)

    @property
    def confirm_120(self) -> timedelta:
        """`confirm_120_s` as a duration."""
        return timedelta(seconds=self.confirm_120_s)

    def offset(self, index: int) -> timedelta:
        """When step `index` comes, counted from the start of the round."""
        return timedelta(seconds=self.steps[index].after_s)

    def due(self, round_started_at: datetime, next_step: int, stepped_at: datetime | None) -> datetime:
        """When step `next_step` comes, with the last one taken at `stepped_at`: at its time in the round, or as long
        after that one as planned, if sooner. After all steps it is when everybody is asked again."""
        if stepped_at is None:
            return round_started_at
        if next_step >= len(self.steps):
            return stepped_at + (self.repeat or self.remind)
        planned = self.offset(next_step)
        gap = planned - self.offset(next_step - 1) if next_step else planned
        return min(round_started_at + planned, stepped_at + gap)


LAST_RESORT = EscalationPolicy(
    steps=(Step(targets=(Target.DUTY, Target.DUTY_LEAD), channels=("voice", "sms")),), repeat_s=300, arrival_s=1200
)
"""Serves where no policy stands for a kind and severity, or none that can be read: an incident must never wait for
one."""


LONGEST_WAIT_S = 7200
"""Seconds. Between two steps of a grave case nobody is called: a longer wait is as good as no policy."""
LEAST_HOURS = timedelta(hours=4)
"""The shortest part of the day in which somebody may look; less of it is as good as none."""
ASKS = frozenset({"no_heart_rate", "stillness"})
"""Kinds of which the resident may be asked first: a band that has slipped, or a long rest, is what she can tell of. Her
word ends no rate of 180, and nobody who has lost her way is asked whether she is well."""
LONGEST_ASKING_S = 120
"""Seconds. By then people are called where the resident was asked and has said nothing."""


def check(kind: str, policy: EscalationPolicy, severity: str = "") -> None:
    """Refuse a policy that breaks a promise of its kind: an SOS, and whatever is urgent, is told to somebody at once,
    at every hour, again and again. Raises InvalidInput naming the field."""
    _check_asking(kind, policy, severity)
    if kind != "sos" and severity not in ("sos", "urgent"):
        _check_hours(policy.hours)
        return
    what = "an SOS" if kind == "sos" else "what is urgent"
    if policy.repeat_s is None:
        raise InvalidInput("repeat_s", f"{what} never ends by itself, so its ladder must repeat")
    if policy.arrival_s is None and kind != "network":  # nobody goes to a network
        raise InvalidInput("arrival_s", f"{what} needs a deadline for being there")
    if policy.hours is not None:
        raise InvalidInput("hours", f"{what} knows no hours")
    if not policy.steps[0].targets:
        raise InvalidInput("steps.0.targets", f"the first step of {what} must call somebody")
    waits = {
        "steps": max(step.after_s for step in policy.steps),
        "repeat_s": policy.repeat_s,
        "arrival_s": policy.arrival_s or 0,
        "confirm_120_s": policy.confirm_120_s,
    }
    for name, wait_s in waits.items():
        if wait_s > LONGEST_WAIT_S:
            raise InvalidInput(name, f"nobody who may need help waits longer than {LONGEST_WAIT_S} s")


def _check_asking(kind: str, policy: EscalationPolicy, severity: str) -> None:
    """Refuse to ask the resident but first, alone, and for a moment. `severity` "" is not known yet."""
    asking = [index for index, step in enumerate(policy.steps) if step.asks]
    if not asking:
        return
    if kind not in ASKS:
        kinds = " and ".join(sorted(ASKS))
        raise InvalidInput(f"steps.{asking[0]}.targets", f"the resident is asked about {kinds} only")
    if severity not in ("", "urgent"):
        raise InvalidInput(f"steps.{asking[0]}.targets", "only before people are rung the resident is asked")
    if asking[-1] > 0:
        raise InvalidInput(f"steps.{asking[-1]}.targets", "the resident is asked in the first step or not at all")
    if len(policy.steps) < 2 or policy.steps[1].after_s > LONGEST_ASKING_S:
        raise InvalidInput("steps.1.after_s", f"people are called within {LONGEST_ASKING_S} s of asking the resident")
    if not policy.steps[1].targets:
        raise InvalidInput("steps.1.targets", "after the resident was asked somebody must be called")
    if "voice" not in policy.steps[1].channels:
        raise InvalidInput("steps.1.channels", "after the resident was asked somebody's telephone must ring")


def _check_hours(hours: Hours | None) -> None:
    if hours is not None and _of_the_day(hours.end) - _of_the_day(hours.start) < LEAST_HOURS:
        raise InvalidInput("hours", f"must be at least {LEAST_HOURS // timedelta(hours=1)} hours of the day")


def _of_the_day(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)


@lru_cache(maxsize=512)
def parse(text: str | None) -> EscalationPolicy | None:
    """The policy in its JSON text; None where there is none or it cannot be read (then LAST_RESORT serves).

    It is remembered by text: a changed policy is a new text, so that nothing stale is ever used.
    """
    if text is None:
        return None
    try:
        return EscalationPolicy.model_validate_json(text)
    except ValidationError:
        return None
