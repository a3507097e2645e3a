"""From a message of the broker to typed readings and named refusals. Pure: the same message, the same answer.

One wrong element of an array costs that element only. A press of the SOS is never refused once its topic names a band.
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
from pydantic import ValidationError

from alerts.kinds import Press
from eldercare.wire import (
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
from ingest import salvage
from ingest.gcj02 import to_wgs84
from ingest.packets import KEPT_BYTES

EVENT_ID_CHARACTERS = 128
ECHO_CHARACTERS = 4096
"""A longer `event_id` is not said back as it came."""
MAX_AHEAD = timedelta(minutes=5)


class Reason(StrEnum):
    """Why something was refused: these names are stored and counted."""

    TOPIC = "topic"
    SIZE = "size"
    PACKET = "packet"
    ITEMS = "items"
    JSON = "json"
    SCHEMA = "schema"
    RANGE = "range"
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
"""As on the wire, positions in WGS-84."""


class Decoded(NamedTuple):
    """What a message held. `device_id` is None where the topic names no band; `ours`: a band said it, no service.

    `no_fixes`: how often the band looked for its position and found none (0,0), which is a sign of life and no place.
    """

    device_id: str | None
    readings: Sequence[Reading] = ()
    no_fixes: int = 0
    answers: Sequence[CommandResult] = ()
    rejected: Sequence[Rejected] = ()
    ours: bool = True

    @property
    def weight(self) -> int:
        """About how much there is to write; at least 1."""
        return max(1, len(self.readings) + len(self.rejected))


def _location(body: Any) -> Location:
    location = _validate_location(body)
    if location.datum == "gcj02":
        lat, lon = to_wgs84(location.lat, location.lon) if _is_fix(location) else (0.0, 0.0)
        return location.model_copy(update={"lat": lat, "lon": lon, "datum": "wgs84"})
    return location


def _is_fix(location: Location) -> bool:
    return location.lat != 0 or location.lon != 0


# The models' own validators, without the layer of model_validate over them: this runs for every message.
_validate_location: Callable[[Any], Location] = Location.__pydantic_validator__.validate_python

_DECODERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.HEART_RATE: HeartRate.__pydantic_validator__.validate_python,
    Kind.LOCATION: _location,
    Kind.STATUS: Status.__pydantic_validator__.validate_python,
    Kind.COMMAND_RESULT: CommandResult.__pydantic_validator__.validate_python,
}


@lru_cache(maxsize=65536)
def _parsed(topic: str) -> tuple[str, Kind]:
    return parse_topic(topic)


def decode(topic: str, payload: bytes, size: int | None = None) -> Decoded:
    """What a message of the telemetry lane holds; `size` is that of the payload, where only its beginning is here.

    A press comes out empty, it has a lane of its own; what services say to bands (`sos_state`, `command`) not `ours`.
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
        return _refused(device_id, Reason.JSON, f"payload: {error}")
    if not isinstance(body, list):
        try:
            return _typed(device_id, kind, (decoder(body),), ())
        except ValidationError as error:
            return Decoded(device_id, rejected=(_refusal(error, ""),))
    if len(body) > MAX_ARRAY_ITEMS:
        return _refused(device_id, Reason.ITEMS, f"payload: {len(body)} items, at most {MAX_ARRAY_ITEMS}")
    return _typed(device_id, kind, *_decode_array(body, decoder))


def _refused(device_id: str | None, reason: Reason, detail: str) -> Decoded:
    return Decoded(device_id, rejected=(Rejected(reason, detail),))


def _decode_array(body: list[Any], decoder: Callable[[Any], Any]) -> tuple[list[Any], list[Rejected]]:
    items, rejected = [], []
    for number, element in enumerate(body):
        try:
            items.append(decoder(element))
        except ValidationError as error:
            rejected.append(_refusal(error, f"[{number}]"))
    return items, rejected


def _typed(device_id: str, kind: Kind, items: Sequence[Any], rejected: Sequence[Rejected]) -> Decoded:
    if kind is Kind.COMMAND_RESULT:
        return Decoded(device_id, answers=items, rejected=rejected)
    if kind is Kind.LOCATION:
        fixes = [item for item in items if _is_fix(item)]
        return Decoded(device_id, fixes, no_fixes=len(items) - len(fixes), rejected=rejected)
    return Decoded(device_id, items, rejected=rejected)


_RANGE_ERRORS = ("greater_than", "less_than", "finite_number", "int_parsing_size")


def _refusal(error: ValidationError, element: str) -> Rejected:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(str(part) for part in (element, *first["loc"]) if part != "") or "payload"
    if first["type"].startswith(_RANGE_ERRORS):
        reason = Reason.RANGE
    elif first["loc"] == ("ts",) and first["type"] != "missing":
        reason = Reason.TIMESTAMP
    else:
        reason = Reason.SCHEMA
    return Rejected(reason, f"{name}: {first['msg'].removeprefix('Value error, ')}")


_OVERSIZE = re.compile(rb"Client (.+) disconnected due to oversize packet")


def refused_by_broker(line: bytes) -> tuple[str, Rejected] | None:
    """Whose packet the broker refused for its size, as a line of Mosquitto's log says; None where it says else."""
    found = _OVERSIZE.search(line)
    if found is None:
        return None
    detail = "packet: of more than 1 MiB, refused by the broker, which ends the connection and keeps nothing of it"
    return found[1].decode(errors="replace"), Rejected(Reason.PACKET, detail)


def clock_refusal(ts: datetime, now: datetime, max_age: timedelta) -> Rejected | None:
    """Why a band's time (aware) is not believed at `now`: more than 5 min ahead, or older than `max_age`."""
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
    """One SOS, whatever its payload: each field that can be read is taken, the rest left out.

    Of an array the first object is read. Of more than 64 KiB nothing is read: then `payload` may be its beginning
    alone, with the `size` and SHA-256 `digest` of all. Rejected only where the topic names no band.
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
        accuracy_m=sos.accuracy_m if has_fix else None,
        bpm=round(sos.bpm or 0) or None,
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
    """The text that names the press, and the form in which the band sent it where that is another."""
    said = salvage.last_good(members, "event_id", _echoed)
    if said is None:
        return None, None
    value, echo = said
    if isinstance(value, bool) or not value:
        return None, echo  # names nothing
    text = value if isinstance(value, str) else echo
    if len(text) > EVENT_ID_CHARACTERS or not _is_storable(text):
        # Its beginning, for people, and a digest of all, so that two of them never become one.
        beginning = "".join(each for each in text[: EVENT_ID_CHARACTERS - 66] if _is_storable(each))
        text = f"{beginning} #{sha256(echo.encode()).hexdigest()}"
    return text, None if len(echo) > ECHO_CHARACTERS or echo == json.dumps(text) else echo


def _echoed(said: Any) -> tuple[Any, str]:
    try:
        return said, salvage.written(said)
    except RecursionError as error:
        raise ValueError("event_id: nested too deeply") from error


def _is_storable(text: str) -> bool:
    """The database cannot hold the character zero, nor half a character."""
    return not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text)


def _may_be_named(found: salvage.Salvaged) -> bool:
    """Whether a press may have a name, unless it is plain to see that it has none."""
    if found.exact and found.members:
        return any(name in ("event_id", "ts") and said is not None for name, said in found.members)
    return not found.empty
