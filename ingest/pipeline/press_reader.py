"""Reads what a press says, at a bounded price for each band. Pure: no clock, no I/O.

A press is some hundred bytes. A payload of tens of kilobytes that is nearly JSON takes a hundred times as long to read,
and everybody waits meanwhile. So one such payload a second is read of each band, and its copies are known by their
bytes.
"""

from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from alerts.model.incident import Press
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import MAX_PAYLOAD_BYTES
from ingest.pipeline.pressed import Pressed
from ingest.protocols.mqtt_v1 import Rejected, decode_press
from ingest.transports.mqtt.packets import KEPT_BYTES, Published

LARGE_BYTES = 4096
"""A larger press has its price."""
AGAIN_S = 1.0
"""Seconds before the next large press of one band is read, unless it is the same."""
MOST_REMEMBERED = 1000
"""How many bands have their last large press remembered."""

_log = logger(__name__)


class _Read(NamedTuple):
    digest: str
    press: Press | Rejected
    at: float


class PressReader:
    """Reads presses of a pipeline."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self._large: dict[str, _Read] = {}

    def read(self, message: Published, heard_by: str, at: float) -> Pressed:
        """Read the press that our session `heard_by` heard at `at` (seconds, any origin)."""
        payload = message.payload
        if message.size is None and LARGE_BYTES < len(payload) <= MAX_PAYLOAD_BYTES:
            press = self._read_large(message, heard_by, at)
        else:
            press = _press(message, heard_by)
        return Pressed(message.topic, payload[:KEPT_BYTES], press, at)

    def _read_large(self, message: Published, heard_by: str, at: float) -> Press | Rejected:
        digest, known = sha256(message.payload).hexdigest(), self._large.get(message.topic)
        if known and known.digest == digest:
            if isinstance(known.press, Rejected):
                return known.press
            return replace(known.press, retained=message.retained, redelivered=message.redelivered, heard_by=heard_by)
        if known and 0 <= at - known.at < AGAIN_S:
            return _press(message._replace(size=MAX_PAYLOAD_BYTES + 1, digest=digest), heard_by)
        press = _press(message, heard_by)
        if known is None and len(self._large) >= MOST_REMEMBERED:
            del self._large[next(iter(self._large))]
        self._large[message.topic] = _Read(digest, press, at)
        return press


def _press(message: Published, heard_by: str) -> Press | Rejected:
    read = partial(decode_press, retained=message.retained, redelivered=message.redelivered, heard_by=heard_by)
    try:
        return read(message.topic, message.payload, size=message.size, digest=message.digest)
    except Exception:
        # This is a mistake of ours, and a press all the same. Raised, it would leave this message unread before all
        # others.
        _log.exception("not_decoded", topic=message.topic)
        return read(message.topic, b"")
