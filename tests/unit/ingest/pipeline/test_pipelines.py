"""What the pipelines make of a message, whatever is wrong with it or with us."""

import json
from typing import Any

import pytest

from alerts.model.incident import Press
from eldercare.platform.settings import Settings
from ingest.pipeline import pipelines, press_reader
from ingest.pipeline.writer import Received
from ingest.protocols import mqtt_v1
from ingest.protocols.mqtt_v1 import Reason
from ingest.transports.mqtt import packets
from ingest.transports.mqtt.packets import Published


def reading(payload: bytes, at: float = 0.0) -> "pipelines.Taken[Received | pipelines.Large]":
    taken = pipelines.Telemetry(Settings(_env_file=None)).receive(
        Published(1, "eldercare/v1/b/heart_rate", payload), at
    )
    assert taken is not None
    return taken


def _broken(*_: object) -> None:
    raise RuntimeError("a mistake of ours")


def test_a_reading_that_we_fail_on_is_rejected_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "decode", _broken)
    message, owner, weight, _, _ = reading(b"{}")
    assert isinstance(message, Received)
    [rejected] = message.decoded.rejected
    assert (rejected.reason, owner, weight) == (Reason.SCHEMA, "b", 1)
    assert "a mistake of ours" in rejected.detail


def test_no_more_of_a_message_is_buffered_than_is_kept() -> None:
    huge = b"x" * 1_000_000
    read = reading(huge).message
    assert isinstance(read, Received)
    press = pipelines.Sos().receive(Published(1, "eldercare/v1/b/sos", huge), 0.0).message
    assert (len(read.payload), len(press.payload)) == (packets.KEPT_BYTES, mqtt_v1.KEPT_BYTES)
    assert [each.reason for each in read.decoded.rejected] == [Reason.SIZE]


def test_a_press_that_we_fail_on_is_one_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def _reads_only_nothing(topic: str, payload: bytes, **copy: Any) -> object:
        return mqtt_v1.decode_press(topic, payload, **copy) if not payload else _broken()

    monkeypatch.setattr(press_reader, "decode_press", _reads_only_nothing)
    message = pipelines.Sos().receive(Published(1, "eldercare/v1/b/sos", b'{"event_id": "e"}'), 0.0).message
    assert isinstance(message.press, Press)
    assert (message.press.device_id, message.payload) == ("b", b'{"event_id": "e"}')


def test_what_the_broker_says_of_a_message_is_known_of_the_press() -> None:
    pipeline = pipelines.Sos()
    pipeline.heard_by = "eldercare-sos-3"
    message = pipeline.receive(Published(1, "eldercare/v1/b/sos", b"{}", retained=True, redelivered=True), 0.0).message
    assert isinstance(message.press, Press)
    assert (message.press.retained, message.press.redelivered, message.press.heard_by) == (
        True,
        True,
        "eldercare-sos-3",
    )


def test_a_large_array_waits_as_it_came_and_is_read_when_it_is_written() -> None:
    body = json.dumps([{"ts": "2026-05-04T12:00:00Z", "bpm": 70}] * 900).encode()
    message, owner, weight, load, _ = reading(body, 7.0)
    assert isinstance(message, pipelines.Large)
    assert (owner, weight, load) == ("b", 900, 1 + len(body) // pipelines.LARGE_BYTES)
    read = message.read()
    assert (len(read.decoded.readings), read.at, read.payload) == (900, 7.0, body[: packets.KEPT_BYTES])


@pytest.mark.parametrize(
    ("topic", "owner"),
    [
        ("eldercare/v1/b/sos", "b"),
        ("eldercare/v1/b/any/thing/else", "b"),
        ("eldercare/v2/b", "b"),
        ("eldercare", "eldercare"),
    ],
)
def test_a_band_owns_every_name_below_its_own(topic: str, owner: str) -> None:
    assert pipelines.owner(topic) == owner


def test_the_brokers_log_is_heard_for_what_it_refuses_only() -> None:
    pipeline = pipelines.Telemetry(Settings(_env_file=None))
    assert pipeline.receive(Published(0, "$SYS/broker/log/N", b"7: New client connected as b"), 0.0) is None
    taken = pipeline.receive(
        Published(0, "$SYS/broker/log/N", b"7: Client b disconnected due to oversize packet."), 0.0
    )
    assert taken is not None
    assert isinstance(taken.message, Received)
    assert (taken.message.topic, taken.message.decoded.rejected[0].reason) == ("eldercare/v1/b/", Reason.PACKET)


def test_repeats_of_a_press_are_the_same_and_presses_without_a_name_are_not() -> None:
    def same(payload: bytes, **copy: Any) -> object:
        return pipelines.Sos().receive(Published(1, "eldercare/v1/b/sos", payload, **copy), 0.0).same

    assert same(b'{"event_id": 1}') == same(b'{"event_id": 1}') != same(b'{"event_id": 2}')
    assert same(b'{"event_id": 1}') != same(b'{"event_id": 1}', redelivered=True)
    assert same(b"{}") is None


def test_of_a_field_that_is_always_wrong_one_a_day_is_kept() -> None:
    pipeline = pipelines.Telemetry(Settings(_env_file=None))

    def kept(at: float, name: str = "quality", band: str = "b") -> list[str]:
        body = json.dumps({"ts": "2026-05-04T12:00:00Z", "bpm": 70, name: -1}).encode()
        taken = pipeline.receive(Published(1, f"eldercare/v1/{band}/heart_rate", body), at)
        assert taken is not None
        assert isinstance(taken.message, Received)
        assert (len(taken.message.decoded.readings), len(taken.message.decoded.unread)) == (1, 1)
        return [each.reason for each in taken.message.decoded.rejected]

    assert kept(5) == [Reason.FIELD]
    assert kept(6) == kept(pipelines.DAY_S) == []
    assert kept(6, "steps") == kept(6, band="c") == kept(pipelines.DAY_S + 5) == [Reason.FIELD]
