"""Packets in a stream of bytes, as paho-mqtt writes and reads them."""

import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.transports.mqtt.packets import (
    KEPT_BYTES,
    MOST_WHOLE,
    Flowing,
    Frame,
    Published,
    flowing,
    frame,
    puback,
    published,
)


def packet(head: int, body: bytes) -> bytes:
    length, out = len(body), b""
    while True:
        length, low = divmod(length, 128)
        out += bytes([low | (0x80 if length else 0)])
        if not length:
            return bytes([head]) + out + body


def publish(topic: bytes, payload: bytes, mid: int, qos: int = 1, retain: bool = False, dup: bool = False) -> bytes:
    body = struct.pack("!H", len(topic)) + topic + (struct.pack("!H", mid) if qos else b"") + payload
    return packet(0x30 | dup << 3 | qos << 1 | retain, body)


@given(
    st.text(max_size=40),
    st.binary(max_size=300),
    st.integers(1, 65535),
    st.integers(0, 1),
    st.booleans(),
    st.booleans(),
    st.binary(max_size=5),
)
def test_a_message_is_read_as_it_was_written(
    topic: str, payload: bytes, mid: int, qos: int, retain: bool, dup: bool, before: bytes
) -> None:
    raw = publish(topic.encode(), payload, mid, qos, retain, dup)
    found = frame(before + raw + b"more", len(before))
    assert found is not None
    assert found.is_publish
    assert found.end == len(before) + len(raw)
    assert published(before + raw, found) == Published(mid if qos else 0, topic, payload, retain, dup)


@pytest.mark.parametrize("size", [0, 127, 128, 16_383, 16_384, 70_000, 2_097_152])
def test_a_packet_is_complete_with_its_last_byte(size: int) -> None:
    raw = packet(0x40, b"x" * size)
    assert frame(bytearray(raw), 0) == Frame(0x40, len(raw) - size, len(raw))
    for cut in {1, 2, 3, len(raw) - 1} & set(range(len(raw))):
        assert frame(raw[:cut], 0) is None


def test_nothing_is_no_packet() -> None:
    assert frame(b"", 0) is None
    assert frame(b"\x30\x00", 2) is None


def test_other_packets_hold_no_message() -> None:
    found = frame(packet(0x20, b"\0\0"), 0)
    assert found is not None
    assert not found.is_publish


def test_a_length_of_five_bytes_is_nonsense() -> None:
    with pytest.raises(ValueError, match="length"):
        frame(b"\x30\xff\xff\xff\xff\x01", 0)


@pytest.mark.parametrize(
    "raw",
    [packet(0x32, b""), packet(0x32, b"\0"), packet(0x32, b"\0\x05ab"), packet(0x32, b"\0\x02ab\0"), packet(0x30, b"")],
)
def test_a_message_shorter_than_it_says_is_nonsense(raw: bytes) -> None:
    found = frame(raw, 0)
    assert found is not None
    with pytest.raises(ValueError, match="shorter"):
        published(raw + b"the next packet", found)


def test_a_message_that_nobody_asked_for_is_nonsense() -> None:
    raw = publish(b"a", b"", 1, qos=2)
    found = frame(raw, 0)
    assert found is not None
    with pytest.raises(ValueError, match="QoS 2"):
        published(raw, found)


def test_a_topic_that_is_not_utf8_names_nothing() -> None:
    raw = publish(b"eldercare/v1/\xff/sos", b"", 1)
    found = frame(raw, 0)
    assert found is not None
    assert published(raw, found).topic == "eldercare/v1/\ufffd/sos"


def test_acknowledgements_stand_one_behind_the_other() -> None:
    assert puback(()) == b""
    assert puback((1, 65535)) == b"\x40\x02\x00\x01\x40\x02\xff\xff"


@given(
    st.text(max_size=40),
    st.binary(max_size=3000),
    st.integers(0, 1),
    st.booleans(),
    st.lists(st.integers(1, 700), max_size=20),
)
def test_what_is_too_large_to_keep_is_hashed_as_it_flows(
    topic: str, payload: bytes, qos: int, dup: bool, cuts: list[int]
) -> None:
    raw = publish(topic.encode(), payload, 77, qos, dup=dup)
    whole = frame(raw, 0)
    assert whole is not None
    flow, body = Flowing(whole.head, whole.end - whole.start), raw[whole.start :] + b"the next packet"
    for cut in [*cuts, len(body)]:
        assert flow.is_complete is (len(body) == len(b"the next packet"))
        body = body[flow.feed(memoryview(body)[:cut]) :]
    assert (flow.is_complete, body) == (True, b"the next packet")
    assert flow.message() == Published(
        77 if qos else 0, topic, payload[:KEPT_BYTES], False, dup, len(payload), sha256(payload).hexdigest()
    )


def test_a_packet_flows_once_it_announces_too_much() -> None:
    raw = publish(b"eldercare/v1/b/sos", b"x" * MOST_WHOLE, 7)
    for known in range(4):
        assert flowing(raw[:known], 0) is None
    found = flowing(b"before" + raw[:4], 6)
    assert found is not None
    flow, start = found
    assert start == 10
    flow.feed(raw[4:])
    assert flow.message().size == MOST_WHOLE
    assert flowing(publish(b"a", b"x" * (MOST_WHOLE - 5), 7), 0) is None


def test_nothing_but_a_message_may_be_that_large() -> None:
    with pytest.raises(ValueError, match="of type 4"):
        flowing(packet(0x40, b"x" * (MOST_WHOLE + 1)), 0)


def test_a_large_message_shorter_than_its_topic_is_nonsense() -> None:
    flow = Flowing(0x32, 4)
    flow.feed(b"\0\x09ab")
    with pytest.raises(ValueError, match="shorter"):
        flow.message()
