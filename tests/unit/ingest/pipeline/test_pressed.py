"""A message of the SOS pipeline survives being written down."""

from datetime import UTC, datetime

import pytest

from alerts.model.incident import Press
from ingest.pipeline.pressed import Pressed, bare, dump, load
from ingest.protocols.mqtt_v1 import Reason, Rejected, decode_press

TOPIC = "eldercare/v1/band-1/sos"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00\xff" * 9,
        b'{"event_id": "\\ud800 \\u0000 \xe5\xbc\xa0", "ts": "2026-11-28T08:00:00+08:00", "trigger": "fall"}',
        b'{"event_id": 7, "lat": 31.2, "lon": 121.5, "accuracy_m": 12.5, "bpm": 88}',
    ],
)
def test_what_is_written_down_is_the_press_that_came(payload: bytes) -> None:
    came = Pressed(TOPIC, payload, decode_press(TOPIC, payload), 7.0)
    text = dump(came)
    assert text.isascii()
    assert load(TOPIC, text, 9.0) == came._replace(at=9.0)


def test_a_refusal_is_one_again() -> None:
    came = Pressed("nonsense", b"\x01", Rejected(Reason.TOPIC, "topic: names no band"), 1.0)
    assert load("nonsense", dump(came), 1.0) == came


def test_a_field_of_another_version_is_left_out() -> None:
    press = Press("band-1", b"x", "digest", ts=datetime(2026, 11, 28, tzinfo=UTC))
    text = dump(Pressed(TOPIC, b"x", press, 0.0)).replace('"bpm"', '"of_the_next_version": true, "bpm"')
    assert load(TOPIC, text, 0.0).press == press


def test_what_no_version_reads_is_a_press_of_its_band_when_it_came() -> None:
    came = datetime(2026, 11, 28, tzinfo=UTC)
    press = bare(TOPIC, came, '{"event_id": "never read"}', 1.0).press
    assert isinstance(press, Press)
    assert (press.device_id, press.ts, press.event_id, press.trigger) == ("band-1", came, None, "button")
    assert press.digest != getattr(bare(TOPIC, came, "else", 1.0).press, "digest", None)
    assert bare("nonsense", came, "x", 1.0).press == Rejected(Reason.TOPIC, "topic: is not eldercare/v1/DEVICE/KIND")
