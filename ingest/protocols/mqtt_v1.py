"""Reads messages of the broker into typed readings and named refusals. Pure: the same message gives the same answer.

One wrong element of an array costs that element only. A press is never refused once its topic names a band.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from alerts.model.incident import Press
from eldercare.community.plausible import is_heart_rate
from eldercare.protocol.mqtt_v1 import (
    MAX_AHEAD,
    MAX_ARRAY_ITEMS,
    MAX_PAYLOAD_BYTES,
    UPLINK,
    CommandResult,
    HeartRate,
    Kind,
    Location,
    Sos,
    Status,
    parse_topic,
)
from ingest.protocols import salvage
from ingest.protocols.gcj02 import to_wgs84
from ingest.transports.mqtt.packets import KEPT_BYTES

EVENT_ID_CHARACTERS = 128
ECHO_CHARACTERS = 4096
"""A longer `event_id` is not said back as it came."""
TINY = 1e-30
"""A size below this is stored as 0: the database could not hold it, and would refuse all that stands beside it."""


class Reason(StrEnum):
    """Why something was refused: these names are stored and counted."""

    TOPIC = "topic"
    SIZE = "size"
    PACKET = "packet"
    ITEMS = "items"
    JSON = "json"
    SCHEMA = "schema"
    RANGE = "range"
    FIELD = "field"
    TIMESTAMP = "timestamp"
    CLOCK = "clock"
    UNKNOWN_BAND = "unknown_band"
    UNKNOWN_COMMAND = "unknown_command"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that is not stored; `detail` names the field, within an array also the element."""

    reason: Reason
    detail: str


Reading = HeartRate | Location | Status
"""A reading as it came over MQTT, but with its position in WGS-84."""


class Decoded(NamedTuple):
    """What a message held. `device_id` is None where the topic names no band. `ours`: a band said it, not a service.

    `unread` lists optional fields that could not be read, of readings that are kept without them. `no_fixes` counts how
    often the band looked for its position and found none (0,0), which is a sign of life and no place.
    """

    device_id: str | None
    readings: Sequence[Reading] = ()
    no_fixes: int = 0
    command_results: Sequence[CommandResult] = ()
    rejected: Sequence[Rejected] = ()
    ours: bool = True
    unread: Sequence[Rejected] = ()

    @property
    def weight(self) -> int:
        """About how much there is to write; at least 1."""
        return max(1, len(self.readings) + len(self.rejected))


Unread = list[Rejected]
Decoder = Callable[[Any, Unread], Any]


def _reader(model: type[BaseModel]) -> Decoder:
    """Make the reader of one kind of message. An optional field that is wrong costs only itself, and is noted in
    `unread`.

    It calls the model's own validator, without the layer of model_validate over it, because it runs for every message.
    """
    validate = model.__pydantic_validator__.validate_python
    spared = {name for name, field in model.model_fields.items() if not field.is_required()} - {"datum"}

    def read(body: Any, unread: Unread) -> Any:
        try:
            return validate(body)
        except ValidationError as error:
            wrong = {each["loc"][0]: each for each in _errors(error) if each["loc"] and each["loc"][0] in spared}
            if not wrong:
                raise
            message = validate({name: value for name, value in body.items() if name not in wrong})
            unread += [Rejected(Reason.FIELD, f"{name}: {_said(each)}") for name, each in wrong.items()]
            return message

    return read


def _location(body: Any, unread: Unread) -> Location:
    location: Location = _read_location(body, unread)
    if (location.accuracy_m or 1) < TINY or (location.speed_mps or 1) < TINY:
        location = location.model_copy(
            update={"accuracy_m": _told(location.accuracy_m), "speed_mps": _told(location.speed_mps)}
        )
    if location.datum == "gcj02":
        lat, lon = to_wgs84(location.lat, location.lon) if _is_fix(location) else (0.0, 0.0)
        return location.model_copy(update={"lat": lat, "lon": lon, "datum": "wgs84"})
    return location


def _told(size: float | None) -> float | None:
    return 0.0 if size is not None and size < TINY else size


def _is_fix(location: Location) -> bool:
    return location.lat != 0 or location.lon != 0


_read_location = _reader(Location)
_DECODERS: Mapping[Kind, Decoder] = {
    Kind.HEART_RATE: _reader(HeartRate),
    Kind.LOCATION: _location,
    Kind.STATUS: _reader(Status),
    Kind.COMMAND_RESULT: _reader(CommandResult),
}


@lru_cache(maxsize=65536)
def _parsed(topic: str) -> tuple[str, Kind]:
    return parse_topic(topic)


def decode(topic: str, payload: bytes, size: int | None = None) -> Decoded:
    """Decode a message of the telemetry pipeline. `size` (bytes) is that of all the payload, where only its beginning
    is here.

    A press comes out empty, because it has a pipeline of its own. What services say to bands (`sos_state`, `command`)
    is not `ours`.
    """
    try:
        device_id, kind = _parsed(topic)
    except ValueError as error:
        return _refused(None, Reason.TOPIC, str(error))
    decoder = _DECODERS.get(kind)
    if decoder is None:
        return Decoded(device_id, ours=kind in UPLINK)
    size = len(payload) if size is None else size
    if size > MAX_PAYLOAD_BYTES:
        return _refused(device_id, Reason.SIZE, f"payload: {size} bytes, at most {MAX_PAYLOAD_BYTES}")
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        try:
            body = salvage.value(payload)
        except salvage.Unreadable:
            return _refused(device_id, Reason.JSON, f"payload: {error}")
    unread: Unread = []
    if not isinstance(body, list):
        try:
            return _typed(device_id, kind, (decoder(body, unread),), (), unread)
        except ValidationError as error:
            return Decoded(device_id, rejected=(_refusal(error, ""),))
    if len(body) > MAX_ARRAY_ITEMS:
        return _refused(device_id, Reason.ITEMS, f"payload: {len(body)} items, at most {MAX_ARRAY_ITEMS}")
    return _typed(device_id, kind, *_decode_array(body, decoder, unread), unread)


def _refused(device_id: str | None, reason: Reason, detail: str) -> Decoded:
    return Decoded(device_id, rejected=(Rejected(reason, detail),))


def _decode_array(body: list[Any], decoder: Decoder, unread: Unread) -> tuple[list[Any], list[Rejected]]:
    items, rejected = [], []
    for number, element in enumerate(body):
        try:
            items.append(decoder(element, unread))
        except ValidationError as error:
            rejected.append(_refusal(error, f"[{number}]"))
    return items, rejected


def _typed(
    device_id: str, kind: Kind, items: Sequence[Any], rejected: Sequence[Rejected], unread: Sequence[Rejected]
) -> Decoded:
    if kind is Kind.COMMAND_RESULT:
        return Decoded(device_id, command_results=items, rejected=rejected, unread=unread)
    if kind is Kind.LOCATION:
        fixes = [item for item in items if _is_fix(item)]
        return Decoded(device_id, fixes, no_fixes=len(items) - len(fixes), rejected=rejected, unread=unread)
    return Decoded(device_id, items, rejected=rejected, unread=unread)


_RANGE_ERRORS = ("greater_than", "less_than", "finite_number", "int_parsing_size")


def _refusal(error: ValidationError, element: str) -> Rejected:
    first = _errors(error)[0]
    name = ".".join(str(part) for part in (element, *first["loc"]) if part != "") or "payload"
    if first["type"].startswith(_RANGE_ERRORS):
        reason = Reason.RANGE
    elif first["loc"] == ("ts",) and first["type"] != "missing":
        reason = Reason.TIMESTAMP
    else:
        reason = Reason.SCHEMA
    return Rejected(reason, f"{name}: {_said(first)}")


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _said(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


_OVERSIZE = re.compile(rb"Client (.+) disconnected due to oversize packet")


def refused_by_broker(line: bytes) -> tuple[str, Rejected] | None:
    """The client whose packet the broker refused for its size, from a line of Mosquitto's log; None for any other
    line."""
    found = _OVERSIZE.search(line)
    if found is None:
        return None
    detail = "packet: of more than 1 MiB, refused by the broker, which ends the connection and keeps nothing of it"
    return found[1].decode(errors="replace"), Rejected(Reason.PACKET, detail)


def clock_refusal(ts: datetime, now: datetime, max_age: timedelta) -> Rejected | None:
    """Why a band's time (aware) is not believed at `now`: more than 5 min ahead, or older than `max_age`. None: it
    is."""
    if ts > now + MAX_AHEAD:
        return Rejected(Reason.CLOCK, f"ts: {ts.isoformat()} is more than {MAX_AHEAD} ahead of {now.isoformat()}")
    if ts < now - max_age:
        return Rejected(Reason.CLOCK, f"ts: {ts.isoformat()} is more than {max_age} before {now.isoformat()}")
    return None


def decode_press(
    topic: str,
    payload: bytes,
    *,
    retained: bool = False,
    redelivered: bool = False,
    heard_by: str = "",
    size: int | None = None,
    digest: str | None = None,
) -> Press | Rejected:
    """Read one SOS, whatever its payload: each field that can be read is taken, the rest is left out.

    The first object of an array counts. A payload of more than 64 KiB is not read; then `payload` may be its beginning
    alone, with the `size` (bytes) and SHA-256 `digest` of all. Only a topic that names no band is Rejected.
    """
    try:
        device_id, _ = _parsed(topic)
    except ValueError as error:
        return Rejected(Reason.TOPIC, str(error))
    whole = (len(payload) if size is None else size) <= MAX_PAYLOAD_BYTES
    found = salvage.read(payload) if whole else salvage.Salvaged(salvage.Members(), exact=False, empty=False)
    sos = Sos.model_construct(**_salvaged(found.members))
    event_id, echo = _named(found.members)
    has_fix = sos.lat is not None and sos.lon is not None and (sos.lat, sos.lon) != (0, 0)
    return Press(
        device_id=device_id,
        payload=payload[:KEPT_BYTES],
        digest=digest or sha256(payload).hexdigest(),
        event_id=event_id,
        ts=sos.ts,
        trigger=sos.trigger,
        lat=sos.lat if has_fix else None,
        lon=sos.lon if has_fix else None,
        accuracy_m=_told(sos.accuracy_m) if has_fix else None,
        bpm=round(sos.bpm) if sos.bpm and is_heart_rate(sos.bpm) else None,
        retained=retained,
        redelivered=redelivered,
        heard_by=heard_by,
        echo=echo,
        unread_name=_may_be_named(found),
    )


def _salvaged(members: salvage.Members) -> dict[str, Any]:
    values = {}
    for name in Sos.model_fields.keys() - {"event_id"}:
        found = salvage.last_good(members, name, partial(_sos_field, name))
        if found is not None:
            values[name] = found
    return values


def _sos_field(name: str, said: Any) -> Any:
    return getattr(Sos.model_validate({name: salvage.plain(said)}), name)


def _named(members: salvage.Members) -> tuple[str | None, str | None]:
    """The text that names the press, and the form in which the band sent it, where that is another."""
    said = salvage.last_good(members, "event_id", _echoed)
    if said is None:
        return None, None
    value, echo = said
    if isinstance(value, bool) or not value:
        return None, echo  # names nothing
    text = value if isinstance(value, str) else echo
    if len(text) > EVENT_ID_CHARACTERS or not _is_storable(text):
        # The beginning is for people. The digest of all keeps two long names from becoming one.
        beginning = "".join(each for each in text[: EVENT_ID_CHARACTERS - 66] if _is_storable(each))
        text = f"{beginning} #{sha256(echo.encode()).hexdigest()}"
    return text, None if len(echo) > ECHO_CHARACTERS or echo == json.dumps(text) else echo


def _echoed(said: Any) -> tuple[Any, str]:
    try:
        return said, salvage.written(said)
    except RecursionError as error:
        raise ValueError("event_id: nested too deeply") from error


def _is_storable(text: str) -> bool:
    """Whether the database can hold it: neither the character zero nor half a character."""
    return not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text)


def _may_be_named(found: salvage.Salvaged) -> bool:
    """Whether the press may have a name: always, unless it plainly has none."""
    if found.exact and found.members:
        return any(name in ("event_id", "ts") and said is not None for name, said in found.members)
    return not found.empty
