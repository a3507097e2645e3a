"""A message of the SOS lane survives being written down."""

from datetime import UTC, datetime

import pytest

from alerts.kinds import Press
from ingest.decode import Reason, Rejected, decode_press
from ingest.pressed import Pressed, dump, load

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
