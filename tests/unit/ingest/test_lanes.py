"""What the lanes make of a message, whatever is wrong with it or with us."""

from typing import Any

import pytest

from alerts.kinds import Press
from eldercare.settings import Settings
from ingest import decode, lanes
from ingest.decode import Reason
from ingest.packets import Published


def heart_rate(payload: bytes) -> Published:
    return Published(1, "eldercare/v1/b/heart_rate", payload)


def _broken(*_: object) -> None:
    raise RuntimeError("a mistake of ours")


def test_a_reading_that_we_fail_on_is_rejected_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "decode", _broken)
    message, weight = lanes.Telemetry(Settings(_env_file=None)).receive(heart_rate(b"{}"), 0.0)
    [rejected] = message.decoded.rejected
    assert (rejected.reason, weight) == (Reason.SCHEMA, 1)
    assert "a mistake of ours" in rejected.detail


def test_no_more_of_a_message_is_buffered_than_is_kept() -> None:
    huge = b"x" * 1_000_000
    reading, _ = lanes.Telemetry(Settings(_env_file=None)).receive(heart_rate(huge), 0.0)
    press, _ = lanes.Sos().receive(Published(1, "eldercare/v1/b/sos", huge), 0.0)
    assert (len(reading.payload), len(press.payload)) == (decode.KEPT_BYTES, decode.KEPT_BYTES)
    assert [each.reason for each in reading.decoded.rejected] == [Reason.SIZE]


def test_a_press_that_we_fail_on_is_one_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def _reads_only_nothing(topic: str, payload: bytes, **copy: Any) -> object:
        return decode.decode_press(topic, payload, **copy) if not payload else _broken()

    monkeypatch.setattr(lanes, "decode_press", _reads_only_nothing)
    message, _ = lanes.Sos().receive(Published(1, "eldercare/v1/b/sos", b'{"event_id": "e"}'), 0.0)
    assert isinstance(message.press, Press)
    assert (message.press.device_id, message.payload) == ("b", b'{"event_id": "e"}')


def test_what_the_broker_says_of_a_message_is_known_of_the_press() -> None:
    lane = lanes.Sos()
    lane.heard_by = "eldercare-sos-3"
    message, _ = lane.receive(Published(1, "eldercare/v1/b/sos", b"{}", retained=True, redelivered=True), 0.0)
    assert isinstance(message.press, Press)
    assert (message.press.retained, message.press.redelivered, message.press.heard_by) == (
        True,
        True,
        "eldercare-sos-3",
    )
