"""The contract with the bands: topics, strict JSON types, times with an offset, unknown fields ignored."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eldercare.protocol import mqtt_v1
from eldercare.protocol.mqtt_v1 import CommandResult, HeartRate, Kind, Location, Sos, Status

TS = "2026-05-04T12:00:00+08:00"
DEVICE_IDS = st.from_regex(mqtt_v1.DEVICE_ID, fullmatch=True)


@given(device_id=DEVICE_IDS, kind=st.sampled_from(Kind))
def test_a_topic_and_back(device_id: str, kind: Kind) -> None:
    assert mqtt_v1.parse_topic(mqtt_v1.topic(device_id, kind)) == (device_id, kind)


def test_a_topic_is_as_the_bands_have_it() -> None:
    assert mqtt_v1.topic("band-0001", Kind.SOS_STATE) == "eldercare/v1/band-0001/sos_state"


@pytest.mark.parametrize("device_id", ["", "a/b", "+", "#", "带", "a" * 65, "a b", "a\n"])
def test_a_device_id_keeps_to_its_characters(device_id: str) -> None:
    with pytest.raises(ValueError, match="device_id"):
        mqtt_v1.topic(device_id, Kind.SOS)


@pytest.mark.parametrize(
    ("topic", "part"),
    [
        ("eldercare/v1/band-1", "topic"),
        ("eldercare/v2/band-1/sos", "topic"),
        ("eldercare/v1/band-1/sos/x", "topic"),
        ("eldercare/v1/+/sos", "device_id"),
        ("eldercare/v1/band-1/tea", "kind"),
        ("", "topic"),
    ],
)
def test_another_topic_says_which_part_is_wrong(topic: str, part: str) -> None:
    with pytest.raises(ValueError, match=f"^{part}:"):
        mqtt_v1.parse_topic(topic)


def test_times_are_rfc_3339_with_an_offset() -> None:
    assert HeartRate.model_validate({"ts": TS, "bpm": 71}).ts == datetime(2026, 5, 4, 4, tzinfo=UTC)
    assert HeartRate(ts=datetime(2026, 5, 4, 4, tzinfo=UTC), bpm=71).bpm == 71
    assert mqtt_v1.rfc3339(datetime(2026, 5, 4, 4, tzinfo=UTC)) == "2026-05-04T04:00:00+00:00"
    with pytest.raises(ValueError, match="no offset"):
        mqtt_v1.rfc3339(datetime.fromisoformat("2026-05-04T04:00:00"))


@pytest.mark.parametrize(
    "ts",
    ["2026-05-04T12:00:00", "2026-05-04", 1777867200, "1777867200", 1777867200.5, None, True, "", "yesterday", [], {},
     "2026-13-04T12:00:00Z", "0000-01-01T00:00:00Z"],
)  # fmt: skip
def test_no_other_time_is_a_time(ts: Any) -> None:
    with pytest.raises(ValidationError):
        HeartRate.model_validate({"ts": ts, "bpm": 71})


@pytest.mark.parametrize(
    ("model", "payload"),
    [
        (HeartRate, {"ts": TS}),
        (HeartRate, {"ts": TS, "bpm": "71"}),
        (HeartRate, {"ts": TS, "bpm": True}),
        (HeartRate, {"ts": TS, "bpm": -1}),
        (HeartRate, {"ts": TS, "bpm": 301}),
        (HeartRate, {"ts": TS, "bpm": float("nan")}),
        (HeartRate, {"ts": TS, "bpm": float("inf")}),
        (HeartRate, {"ts": TS, "bpm": 71, "quality": 101}),
        (HeartRate, {"ts": TS, "bpm": 71, "motion": "asleep"}),
        (HeartRate, {"ts": TS, "bpm": 71, "steps": 1.5}),
        (Location, {"ts": TS, "lat": 90.1, "lon": 0}),
        (Location, {"ts": TS, "lat": 31, "lon": -180.1}),
        (Location, {"ts": TS, "lat": 31, "lon": 121, "datum": "bd09"}),
        (Location, {"ts": TS, "lat": 31, "lon": 121, "accuracy_m": -1}),
        (Status, {"ts": TS, "battery_pct": 101}),
        (Status, {"ts": TS, "worn": 1}),
        (Status, {"ts": TS, "firmware": "1\x00"}),
        (CommandResult, {"id": "1", "status": "maybe"}),
        (CommandResult, {"status": "done"}),
        (Sos, {"trigger": "whim"}),
    ],
)
def test_types_and_ranges_are_taken_strictly(model: type[mqtt_v1.Message], payload: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(payload)


def test_unknown_fields_are_ignored_and_zero_is_a_value() -> None:
    assert HeartRate.model_validate({"ts": TS, "bpm": 0, "spo2": 97}).bpm == 0
    assert Status.model_validate({"ts": TS, "battery_pct": 0}).battery_pct == 0
    assert Sos.model_validate({}) == Sos(trigger="button")
    assert Location.model_validate({"ts": TS, "lat": 0, "lon": 0}).datum == "wgs84"


def test_a_band_hears_the_state_of_its_press_under_the_name_it_gave() -> None:
    assert mqtt_v1.sos_state("null", mqtt_v1.SosState.RECEIVED) == b'{"event_id": null, "state": "received"}'
    assert json.loads(mqtt_v1.sos_state("1.50", mqtt_v1.SosState.CLOSED)) == {"event_id": 1.5, "state": "closed"}
