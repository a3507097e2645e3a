"""A message of the SOS pipeline, and how it is written down where it has to wait."""

import json
from dataclasses import asdict, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from alerts.model.incident import Press
from eldercare.protocol.mqtt_v1 import MAX_PAYLOAD_BYTES
from ingest.protocols.mqtt_v1 import Reason, Rejected, decode_press
from ingest.transports.mqtt.packets import KEPT_BYTES


class Pressed(NamedTuple):
    """A message of the SOS pipeline. `press` is a refusal only where the topic names no band. `payload` is its
    beginning.

    `at` is when it came, in seconds of the monotonic clock.
    """

    topic: str
    payload: bytes
    press: Press | Rejected
    at: float


def dump(message: Pressed) -> str:
    """The message without its topic and the time at which this process heard it, as JSON in ASCII."""
    values = {name: _plain(value) for name, value in asdict(message.press).items()}
    kind = "press" if isinstance(message.press, Press) else "rejected"
    return json.dumps({"payload": message.payload.hex(), kind: values})


def load(topic: str, text: str, at: float) -> Pressed:
    """Read what `dump` wrote, in this version or the one before. A field that only another version knows is left
    out."""
    values = json.loads(text)
    payload = bytes.fromhex(values["payload"])
    if rejected := values.get("rejected"):
        return Pressed(topic, payload, Rejected(Reason(rejected["reason"]), rejected["detail"]), at)
    known = {field.name for field in fields(Press)}
    press = {name: value for name, value in values["press"].items() if name in known}
    press["payload"] = bytes.fromhex(press["payload"])
    if press.get("ts"):
        press["ts"] = datetime.fromisoformat(press["ts"])
    return Pressed(topic, payload, Press(**press), at)


def bare(topic: str, received_at: datetime, text: str, at: float) -> Pressed:
    """The press of which only the topic and when it came (aware) are certain; `text` is how it was written down."""
    payload = text.encode(errors="replace")[:KEPT_BYTES]
    press = decode_press(topic, payload, size=MAX_PAYLOAD_BYTES + 1, digest=sha256(payload).hexdigest())
    if isinstance(press, Press):
        press = replace(press, ts=received_at, unread_name=False)
    return Pressed(topic, payload, press, at)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else value
