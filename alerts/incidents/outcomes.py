"""What comes of somebody's answer, with its reason. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alerts.texts.context import MessageContext


@dataclass(frozen=True, slots=True)
class Accepted:
    """They are the owner now. `told`: names of those who hear it; `arrival_due_at` None where nobody has to go."""

    incident_id: int
    owner_id: int
    owner_name: str
    arrival_due_at: datetime | None
    told: tuple[str, ...] = ()
    reason: Literal["accepted"] = "accepted"


@dataclass(frozen=True, slots=True)
class AlreadyYours:
    """They had accepted before."""

    incident_id: int
    owner_id: int
    reason: Literal["already_yours"] = "already_yours"


@dataclass(frozen=True, slots=True)
class AlreadyOwned:
    """Somebody else goes."""

    incident_id: int
    owner_id: int
    owner_name: str
    reason: Literal["already_owned"] = "already_owned"


@dataclass(frozen=True, slots=True)
class Over:
    """It was resolved before they answered."""

    incident_id: int
    disposition: str | None
    reason: Literal["over"] = "over"


@dataclass(frozen=True, slots=True)
class Joined:
    """The desk asked them to go as well: they and the owner go."""

    incident_id: int
    owner_id: int
    owner_name: str
    reason: Literal["joined"] = "joined"


AcceptOutcome = Accepted | AlreadyYours | AlreadyOwned | Joined | Over


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of "I am going", and the message context after it, where it had to be read. The context stays
    within."""

    outcome: AcceptOutcome
    context: MessageContext | None = None


@dataclass(frozen=True, slots=True)
class Handling:
    """They deal with it at the desk, and people go on being called; with `until` None somebody goes already.

    `instead_of` is the name of whoever did so far; `renewed` says that it was they themselves.
    """

    incident_id: int
    handler_id: int
    handler_name: str
    until: datetime | None
    instead_of: str | None = None
    renewed: bool = False
    reason: Literal["handling"] = "handling"


@dataclass(frozen=True, slots=True)
class AlreadyHandled:
    """Somebody else at the desk deals with it, and goes on doing so."""

    incident_id: int
    handler_id: int
    handler_name: str
    reason: Literal["already_handled"] = "already_handled"


HandleOutcome = Handling | AlreadyHandled | Over


@dataclass(frozen=True, slots=True)
class Asked:
    """One person was asked by name: at once, over these channels."""

    incident_id: int
    person_id: int
    person_name: str
    channels: tuple[str, ...]
    reason: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True)
class Declined:
    """They cannot go: the policy moved on, an owner handed back, or somebody else goes anyway (`noted`)."""

    incident_id: int
    reason: Literal["moved_on", "handed_back", "noted"]
