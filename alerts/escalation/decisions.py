"""What the planner decides: whom to call or tell, and when the incident is due again. Pure."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message to write into the outbox. `desk`: they are called as somebody of the desk."""

    person_id: int
    language: str
    channel: str
    address: str
    desk: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that reached nobody. `reason`: `asked_before`, `wearer_unreachable` (of a step that asks the wearer), else
    `no_contact`, `called_before` (all of them in this round, or they have just
    handed the case back), `handled` (somebody at the desk deals with it) or `carrier_limit`."""

    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Call these people. `messages` is empty where a step is for the console, or where nobody could be reached.

    `handling_ends`: the policy has no step left, so its handler is rung like everybody else.
    """

    step: int
    messages: tuple[Message, ...]
    next_due: datetime
    reason: str
    skipped: tuple[Skipped, ...] = ()
    ask_120: bool = False
    handling_ends: bool = False


@dataclass(frozen=True, slots=True)
class AskWearer:
    """Ask the wearer whether they are well, before anybody is called: by a call to `phone`, and by `commands` to
    `band`, each where it is not None. People are called at `next_due`, unless they have answered."""

    step: int
    language: str
    phone: str | None
    band: str | None
    commands: tuple[str, ...]
    next_due: datetime
    reason: str = "asked"


@dataclass(frozen=True, slots=True)
class RingDesk:
    """Ring the desk again: whoever said "I am handling it" has left, declined or done nothing since. The street goes on
    being called."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TellOwner:
    """Tell the owner that the band was pressed again (or that it became urgent)."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TellFamily:
    """Tell the family that 120 was called: anybody who can go is still wanted."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """Start again at the first step, at once: nobody has it in hand any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Remind:
    """Say on the timeline that it is still there: there is nobody to call."""

    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing and say nothing: it is too early."""

    next_due: datetime
    reason: str


Decision = Notify | AskWearer | RingDesk | TellOwner | TellFamily | Reopen | Remind | Wait
