"""Where MQTT 3.1.1 packets begin and end, and what is in a PUBLISH. Pure.

paho-mqtt is asked about everything but the packet that comes twenty thousand times a second.
"""

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

    `retained`: it was kept for whoever subscribes, and is no news. `redelivered` (DUP): the broker has handed it out
    before, and heard of no end of it.
    """

    mid: int
    topic: str
    payload: bytes
    retained: bool = False
    redelivered: bool = False


def frame(buffer: bytes | bytearray, position: int) -> Frame | None:
    """The packet that begins at `position`, or None while it is incomplete. Raises ValueError for no packet at all."""
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


def puback(mids: tuple[int, ...]) -> bytes:
    """Acknowledgements of these packet ids, one behind the other."""
    return b"".join([b"\x40\x02" + mid.to_bytes(2) for mid in mids])
