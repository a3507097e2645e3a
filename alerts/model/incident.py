"""The words of incidents: kinds, severities, states, and what a press and a rule's verdict look like."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from eldercare.protocol.mqtt_v1 import SosState


class IncidentKind(StrEnum):
    """What happened; one incident of a kind may be open per subject."""

    SOS = "sos"
    HEART_RATE = "heart_rate"
    WANDERING = "wandering"
    SILENT = "silent"
    OFF_WRIST = "off_wrist"
    NO_HEART_RATE = "no_heart_rate"
    LOW_BATTERY = "low_battery"
    STILLNESS = "stillness"
    RESTING_RATE = "resting_rate"
    SPOT_VALUE = "spot_value"
    NETWORK = "network"


TECHNICAL = frozenset({IncidentKind.NETWORK, IncidentKind.SILENT, IncidentKind.LOW_BATTERY})
"""Kinds that are the admin's business as well: about a band or the network, not about a person."""


class Severity(StrEnum):
    """How it is handled: an SOS never ends by itself, a task waits for office hours."""

    SOS = "sos"
    URGENT = "urgent"
    WARNING = "warning"
    TASK = "task"


SEVERITY_ORDER = (Severity.SOS, Severity.URGENT, Severity.WARNING, Severity.TASK)
"""Gravest first."""


class IncidentState(StrEnum):
    """`open → accepted → en_route → on_site → resolved`, with `handed_to_120` and reopening."""

    OPEN = "open"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    HANDED_TO_120 = "handed_to_120"
    RESOLVED = "resolved"


ACCEPTABLE = frozenset({IncidentState.OPEN, IncidentState.HANDED_TO_120})
"""States in which somebody may still say "I am going"; in any other an alarm asks for nothing any more."""

BAND_STATES = {
    IncidentState.OPEN: SosState.RECEIVED,
    IncidentState.ACCEPTED: SosState.ACCEPTED,
    IncidentState.EN_ROUTE: SosState.ARRIVING,
    IncidentState.ON_SITE: SosState.ARRIVING,
    IncidentState.HANDED_TO_120: SosState.ACCEPTED,
    IncidentState.RESOLVED: SosState.CLOSED,
}
"""What the wearer is told in each state of the incident."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's verdict that something is wrong. `reason` is its name; `at` is the band's time, aware.

    `episode_at`, where the rule knows it, is when what it is about began: the same for all that is said of one episode.
    """

    kind: IncidentKind
    severity: Severity
    reason: str
    at: datetime
    detail: dict[str, Any] = field(default_factory=dict)
    episode_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """A rule's verdict that what it found is over."""

    kind: IncidentKind
    reason: str
    at: datetime


Verdict = Finding | Cleared


class Named(StrEnum):
    """What a press is known by among those of its band."""

    NAME = "name"
    """The band's own name for it: its number, else its time."""
    BYTES = "bytes"
    """All of its bytes, as long as its incident lasts: what names it cannot be read."""
    NOTHING = "nothing"
    """Nothing: each is another press. Its copies are recognised only by which session heard them."""


@dataclass(frozen=True, slots=True)
class Press:
    """One SOS as a band sent it; whatever could not be read is None.

    `event_id` is the band's number as a text that the database can hold, at most 128 characters; `echo`, where it was
    sent in another form, is that form as JSON in ASCII. `ts` is the band's clock (aware), positions are WGS-84 degrees,
    `accuracy_m` metres, `bpm` beats per minute. `payload` is what came, cut to the first KiB; `digest` names all of it.
    `retained` and `redelivered` as the broker says; `heard_by`: which of our sessions it came by.
    """

    device_id: str
    payload: bytes
    digest: str
    event_id: str | None = None
    ts: datetime | None = None
    trigger: Literal["button", "fall"] = "button"
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    bpm: int | None = None
    retained: bool = False
    redelivered: bool = False
    heard_by: str = ""
    echo: str | None = None
    unread_name: bool = False
    """It may have a name that cannot be read."""

    @property
    def named(self) -> Named:
        """What it is known by, if its clock is believed."""
        if self.event_id is not None or self.ts is not None:
            return Named.NAME
        return Named.BYTES if self.unread_name else Named.NOTHING


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an incident is about: a resident, a band that nobody knows, or the network."""

    key: str
    resident_id: int | None = None
    device_id: str | None = None


NETWORK = Subject("network")


def resident_subject(resident_id: int, device_id: str | None) -> Subject:
    """The resident as subject, with the band that told."""
    return Subject(f"resident:{resident_id}", resident_id, device_id)


@dataclass(frozen=True, slots=True)
class SubjectVerdict:
    """A verdict and whom it is about."""

    subject: Subject
    verdict: Verdict
