"""The MQTT contract, version 1: topics and payloads between a band and the service.

Topic `eldercare/v1/{device_id}/{kind}`, QoS 1, JSON, one object or an array of up to 1,000, at most 64 KiB.
Unknown fields are ignored, so that newer bands can talk to an older service.
"""

import json
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

TOPIC_PREFIX = "eldercare/v1"
MAX_PAYLOAD_BYTES = 64 * 1024
MAX_ARRAY_ITEMS = 1000
MAX_AHEAD = timedelta(minutes=5)
"""A band's time that is further ahead of ours is not believed."""
LATE_AFTER = timedelta(minutes=10)
"""A press that was made longer ago is told as late: it waited, such as in a band without a network."""
MAX_AGE = timedelta(days=400)
"""A band's time that is longer ago is not believed, unless MAX_AGE_DAYS says otherwise."""
NO_ZERO = r"\A[^\x00]*\z"
"""PostgreSQL cannot hold the character zero in a text."""
DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Kind(StrEnum):
    """What a message is about; the last part of its topic."""

    HEART_RATE = "heart_rate"
    LOCATION = "location"
    SOS = "sos"
    STATUS = "status"
    SOS_STATE = "sos_state"
    COMMAND = "command"
    COMMAND_RESULT = "command_result"


UPLINK = (Kind.HEART_RATE, Kind.LOCATION, Kind.SOS, Kind.STATUS, Kind.COMMAND_RESULT)
"""Kinds a band publishes; the rest go to the band."""


class SosState(StrEnum):
    """What the wearer is told: help has heard, somebody goes, is there, it is over."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ARRIVING = "arriving"
    CLOSED = "closed"


def topic(device_id: str, kind: Kind) -> str:
    """The topic of `kind` for one band. Raises ValueError for a device id outside `[A-Za-z0-9_-]{1,64}`."""
    if not DEVICE_ID.fullmatch(device_id):
        raise ValueError(f"device_id: {device_id!r} is not 1 to 64 of A-Z a-z 0-9 _ -")
    return f"{TOPIC_PREFIX}/{device_id}/{kind}"


def parse_topic(text: str) -> tuple[str, Kind]:
    """The device id and kind of a topic. Raises ValueError saying which part is wrong."""
    parts = text.split("/")
    if len(parts) != 4 or "/".join(parts[:2]) != TOPIC_PREFIX:
        raise ValueError(f"topic: is not {TOPIC_PREFIX}/DEVICE/KIND")
    if not DEVICE_ID.fullmatch(parts[2]):
        raise ValueError("device_id: is not 1 to 64 of A-Z a-z 0-9 _ -")
    try:
        return parts[2], Kind(parts[3])
    except ValueError as error:
        raise ValueError(f"kind: {parts[3][:40]!r} is none of {', '.join(Kind)}") from error


def _only_rfc3339(value: Any) -> Any:
    # pydantic would read 1700000000, "1700000000" and "2026-01-01" as moments too; that is another contract.
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) < 20 or value[10] not in "Tt ":
        raise ValueError("is not RFC 3339 with an offset, such as 2026-01-31T08:00:00+08:00")
    return value


Timestamp = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_only_rfc3339)]


class Message(BaseModel):
    """Base of every payload: JSON types are taken strictly (a number in quotes is wrong), unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class HeartRate(Message):
    """`bpm` beats per minute, 0 is "not measured"; `quality` 0-100; `steps` since the last message."""

    ts: Timestamp
    bpm: Annotated[float, Field(ge=0, le=300, allow_inf_nan=False)]
    quality: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    motion: Literal["rest", "active"] | None = None
    steps: Annotated[int, Field(ge=0, le=100_000)] | None = None


class Location(Message):
    """Degrees in `datum`; `accuracy_m` metres, one standard circle; `speed_mps` metres per second."""

    ts: Timestamp
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    source: Literal["gnss", "wifi", "cell"] | None = None
    datum: Literal["wgs84", "gcj02"] = "wgs84"
    speed_mps: Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)] | None = None


class Status(Message):
    """`battery_pct` 0-100, `worn` on the wrist, `signal_dbm` received power."""

    ts: Timestamp
    battery_pct: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    charging: bool | None = None
    worn: bool | None = None
    signal_dbm: Annotated[float, Field(ge=-200, le=50, allow_inf_nan=False)] | None = None
    firmware: Annotated[str, Field(max_length=64, pattern=NO_ZERO)] | None = None


class Sos(Message):
    """One press. Nothing is required: whatever cannot be read is left out, and the press still counts."""

    event_id: Annotated[str, Field(max_length=128, pattern=NO_ZERO)] | None = None
    ts: Timestamp | None = None
    trigger: Literal["button", "fall"] = "button"
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    bpm: Annotated[float, Field(ge=0, le=300, allow_inf_nan=False)] | None = None


def sos_state(event_id: str, state: SosState, **more: str) -> bytes:
    """What tells the band the state of its press. `event_id` is its name as JSON, in the form in which the band sent
    it."""
    return f'{{"event_id": {event_id}, {json.dumps({"state": state, **more})[1:]}'.encode()


class SosStateMessage(Message):
    """To the band: the state of the press named by `event_id` (null where the press named none)."""

    event_id: str | None = None
    state: SosState


class SosWord(SosStateMessage):
    """A state that is said again until the band has heard it, which may say so in a `command_result` with this `id`."""

    id: str | None = None


class Command(Message):
    """To the band: do `action` unless it is past `expires_at`."""

    id: str
    action: Literal["locate", "measure_heart_rate", "buzz", "call"]
    expires_at: Timestamp | None = None


class CommandResult(Message):
    """From the band: how the command `id` ended."""

    id: Annotated[str, Field(max_length=128, pattern=NO_ZERO)]
    status: Literal["done", "refused", "failed"]
    detail: Annotated[str, Field(max_length=1000, pattern=NO_ZERO)] | None = None


def rfc3339(moment: datetime) -> str:
    """`moment` (aware) as RFC 3339. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("ts: has no offset")
    return moment.isoformat()
