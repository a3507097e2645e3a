"""What a press says is read at a bounded price for each band; no press is lost for it."""

from collections.abc import Iterator

import pytest

import ingest.pipeline.press_reader
from alerts.model.incident import Press
from ingest.pipeline.press_reader import MOST_REMEMBERED, PressReader
from ingest.protocols.mqtt_v1 import Reason, Rejected, decode_press
from ingest.transports.mqtt.packets import Published


def topic(band: str = "band-1") -> str:
    return f"eldercare/v1/{band}/sos"


def large(name: str) -> bytes:
    return b'{"event_id": "%s", "more": "%s"}' % (name.encode(), b"x" * 5000)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The sizes of payloads that were parsed."""
    sizes: list[int] = []

    def decode(topic: str, payload: bytes, **options: object) -> Press | Rejected:
        if options["size"] is None:
            sizes.append(len(payload))
        return decode_press(topic, payload, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest.pipeline.press_reader, "decode_press", decode)
    return sizes


def press(reader: PressReader, payload: bytes, at: float, band: str = "band-1", **flags: bool) -> Press:
    said = reader.read(Published(1, topic(band), payload, **flags), "us", at).press
    assert isinstance(said, Press)
    return said


def test_of_a_flood_of_large_presses_one_a_second_is_read_and_each_is_a_press(read: list[int]) -> None:
    reader = PressReader()
    names = [press(reader, large(f"e{number}"), number / 100).event_id for number in range(300)]
    assert len(read) == 3
    assert [name for name in names if name] == ["e0", "e100", "e200"]
    unread = press(reader, large("other"), 3.0)
    assert (unread.named, unread.heard_by) == ("name", "us")
    unread = press(reader, large("another"), 3.5, retained=True, redelivered=True)
    assert (unread.named, unread.event_id, unread.retained, unread.redelivered) == ("bytes", None, True, True)
    assert unread.digest == decode_press(topic(), large("another")).digest  # type: ignore[union-attr]


def test_a_flood_of_one_costs_nobody_else(read: list[int]) -> None:
    reader = PressReader()
    for number in range(50):
        press(reader, large(f"e{number}"), 0.0)
    assert press(reader, large("e"), 0.0, "band-2").event_id == "e"
    assert [press(reader, b'{"event_id": "small"}', 0.0).event_id for _ in range(3)] == 3 * ["small"]


def test_copies_of_a_large_press_are_the_same_and_read_once(read: list[int]) -> None:
    reader = PressReader()
    first = press(reader, large("e"), 0.0)
    copy = press(reader, large("e"), 0.1, redelivered=True)
    assert (first.event_id, copy.event_id, copy.redelivered) == ("e", "e", True)
    assert len(read) == 1


def test_a_clock_that_goes_back_makes_nobody_wait(read: list[int]) -> None:
    reader = PressReader()
    press(reader, large("e1"), 100.0)
    assert press(reader, large("e2"), 5.0).event_id == "e2"


def test_what_is_remembered_is_bounded(read: list[int]) -> None:
    reader = PressReader()
    for number in range(MOST_REMEMBERED + 10):
        press(reader, large("e"), 0.0, f"band-{number}")
    assert len(reader._large) == MOST_REMEMBERED


def test_a_topic_without_a_band_and_a_mistake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = PressReader()
    for _ in range(2):
        said = reader.read(Published(1, "nonsense/sos", large("e")), "us", 0.0).press
        assert said == Rejected(Reason.TOPIC, "topic: is not eldercare/v1/DEVICE/KIND")

    def mistaken(topic: str, payload: bytes, **options: object) -> Press | Rejected:
        if payload:
            raise RuntimeError("ours")
        return decode_press(topic, payload)

    monkeypatch.setattr(ingest.pipeline.press_reader, "decode_press", mistaken)
    assert press(reader, b"{}", 0.0).device_id == "band-1"
