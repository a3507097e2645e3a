"""What comes of somebody's answer, with its reason. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


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


AcceptOutcome = Accepted | AlreadyYours | AlreadyOwned | Over


@dataclass(frozen=True, slots=True)
class Passed:
    """They cannot go: the ladder moved on, an owner handed back, or somebody else goes anyway (`noted`)."""

    incident_id: int
    reason: Literal["moved_on", "handed_back", "noted"]
