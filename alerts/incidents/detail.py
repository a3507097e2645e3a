"""An incident as people see it, with what was done about it; what a viewer may not know is None. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eldercare.community.resident_schema import EmergencyNote


@dataclass(frozen=True, slots=True)
class Incident:
    """One case. Times aware, positions WGS-84. `sees_health`, `sees_location`: whether None means "unknown".

    `next_step` counts from 0, so above 0 somebody was asked, or a task is to be shown. `ask_120`: the policy has come
    to where duty should call 120. The handler deals with it at the desk, the owner goes; `handling_until` is when the
    handler's word ends without another action, None while somebody goes. The wearer was asked whether they are well at
    `wearer_asked_at` (None: never), and answered `wearer_said` (`well`, `help`, `unclear`) at `wearer_said_at`;
    `asking_until` is when people are called without an answer, None where they are called already or there is one.
    """

    id: int
    kind: str
    severity: str
    state: str
    source: str
    resident_id: int | None
    resident_name: str | None
    address: str | None
    device_id: str | None
    occurred_at: datetime
    opened_at: datetime
    late: bool
    press_count: int
    round: int
    next_step: int
    due_at: datetime | None
    owner_id: int | None
    owner_name: str | None
    accepted_at: datetime | None
    accepted_via: str | None
    arrival_due_at: datetime | None
    arrived_at: datetime | None
    resolved_at: datetime | None
    disposition: str | None
    note: str | None
    ask_120: bool
    sees_health: bool
    sees_location: bool
    bpm: int | None
    detail: dict[str, Any] | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    position_at: datetime | None
    handler_id: int | None = None
    handler_name: str | None = None
    handled_at: datetime | None = None
    handled_via: str | None = None
    handling_until: datetime | None = None
    wearer_asked_at: datetime | None = None
    wearer_said: str | None = None
    wearer_said_at: datetime | None = None
    asking_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One change: what (`kind`), who (`actor_name` None: nobody, the service itself), when, by which way (`via`)."""

    id: int
    at: datetime
    kind: str
    actor_id: int | None
    actor_name: str | None
    via: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Notification:
    """One message, without its text. `step` counts from 0 as in the policy; None: it belongs to no step."""

    id: int
    person_id: int | None
    person_name: str | None
    channel: str
    address: str
    purpose: str
    round: int
    step: int | None
    status: str
    reason: str | None
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """An incident with everything that was done about it.

    `emergency_note` is what whoever goes has to know, while it is not over and is no task; None where nobody wrote it,
    or where it is not the viewer's to read.
    """

    incident: Incident
    timeline: list[TimelineRow]
    notifications: list[Notification]
    emergency_note: EmergencyNote | None = None
