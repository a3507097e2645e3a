"""Where MQTT 3.1.1 packets begin and end, and what is in a PUBLISH. Pure.

paho-mqtt handles everything but the PUBLISH, the packet that comes twenty thousand times a second.
"""

from hashlib import sha256
from typing import NamedTuple

PUBLISH = 0x30
_TYPE, _DUP, _QOS, _QOS1, _RETAIN = 0xF0, 0x08, 0x06, 0x02, 0x01


class Frame(NamedTuple):
    """A complete packet in a buffer: its first byte, where its body starts, and where the packet ends."""

    head: int
    start: int
    end: int

    @property
    def is_publish(self) -> bool:
        """Whether it holds a message."""
        return self.head & _TYPE == PUBLISH


class Published(NamedTuple):
    """A message as the broker handed it out; `mid` is 0 for QoS 0.

    `retained`: the broker had kept it for whoever subscribes, so it is no news. `redelivered` (DUP): the broker has
    handed it out before, and was not told that it arrived.
    """

    mid: int
    topic: str
    payload: bytes
    retained: bool = False
    redelivered: bool = False
    size: int | None = None
    """Bytes of the whole payload, where `payload` is only its beginning."""
    digest: str | None = None
    """The SHA-256 of the whole payload, in hexadecimal."""


def frame(buffer: bytes | bytearray, position: int) -> Frame | None:
    """The packet that begins at `position`, or None while it is incomplete. Raises ValueError where there is no
    packet."""
    available = len(buffer)
    length, shift, at = 0, 0, position + 1
    while at < available:
        byte = buffer[at]
        at += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return Frame(buffer[position], at, at + length) if at + length <= available else None
        shift += 7
        if shift > 21:
            raise ValueError("packet: its length takes more than four bytes")
    return None


def published(buffer: bytes | bytearray, packet: Frame) -> Published:
    """The message in a PUBLISH. A topic that is not UTF-8 becomes one that names nothing.

    Raises ValueError where the packet is shorter than it says, or of QoS 2, for which we never ask.
    """
    head, start, end = packet
    if head & _QOS > _QOS1:
        raise ValueError("packet: a PUBLISH of QoS 2")
    topic_end = start + 2 + (buffer[start] << 8 | buffer[start + 1]) if end - start >= 2 else end + 1
    body = topic_end + 2 if head & _QOS else topic_end
    if body > end:
        raise ValueError("packet: a PUBLISH shorter than its topic")
    mid = buffer[topic_end] << 8 | buffer[topic_end + 1] if head & _QOS else 0
    topic = buffer[start + 2 : topic_end].decode(errors="replace")
    return Published(mid, topic, bytes(buffer[body:end]), bool(head & _RETAIN), bool(head & _DUP))


MOST_WHOLE = 128 * 1024
"""Bytes. A packet that announces more is read as it flows."""
KEPT_BYTES = 1024
"""How much is kept of the payload of such a packet, of a press, and of what is rejected."""


class Flowing:
    """A PUBLISH that is too large to be kept: hashed as it comes, with its topic and the beginning of its payload."""

    def __init__(self, head: int, length: int) -> None:
        """`length` is how many bytes follow the fixed header. Raises ValueError for another packet than a PUBLISH."""
        if head & _TYPE != PUBLISH:
            raise ValueError(f"packet: of type {head >> 4} and {length} bytes")
        self._head = head
        self._left = length
        self._names = bytearray()
        self._beginning = bytearray()
        self._digest = sha256()
        self._size = 0

    @property
    def is_complete(self) -> bool:
        """Whether all of it has come."""
        return not self._left

    def feed(self, data: bytes | bytearray | memoryview) -> int:
        """Take what belongs to it from the beginning of `data`; returns how many bytes."""
        taken = bytes(data[: self._left])
        self._left -= len(taken)
        payload = taken
        while payload and (missing := self._names_end() - len(self._names)) > 0:
            self._names += payload[:missing]
            payload = payload[missing:]
        self._beginning += payload[: KEPT_BYTES - len(self._beginning)]
        self._digest.update(payload)
        self._size += len(payload)
        return len(taken)

    def _names_end(self) -> int:
        """Where topic and packet id end, or as far as that is known."""
        names = self._names
        return 2 if len(names) < 2 else 2 + (names[0] << 8 | names[1]) + (2 if self._head & _QOS else 0)

    def message(self) -> Published:
        """The message, once it is complete. Raises ValueError as `published` does."""
        raw = bytes(self._names + self._beginning)
        short = published(raw, Frame(self._head, 0, len(raw)))
        return short._replace(size=self._size, digest=self._digest.hexdigest())


def flowing(buffer: bytes | bytearray, position: int) -> tuple[Flowing, int] | None:
    """The beginning of a packet that is too large to wait for, and where in the buffer its body starts; else None.

    For a packet that `frame` finds incomplete. Raises ValueError for one that is no PUBLISH.
    """
    length, shift, at = 0, 0, position + 1
    while at < len(buffer):
        byte = buffer[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (Flowing(buffer[position], length), at) if length > MOST_WHOLE else None
    return None


def puback(mids: tuple[int, ...]) -> bytes:
    """Acknowledgements of these packet ids, one after the other."""
    return b"".join([b"\x40\x02" + mid.to_bytes(2) for mid in mids])
