"""What bands send, well and badly, becomes readings and named refusals."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.model.incident import Named, Press
from eldercare.protocol.mqtt_v1 import MAX_ARRAY_ITEMS, MAX_PAYLOAD_BYTES, CommandResult, HeartRate, Location, Status
from ingest.protocols.gcj02 import from_wgs84
from ingest.protocols.mqtt_v1 import (
    ECHO_CHARACTERS,
    EVENT_ID_CHARACTERS,
    Decoded,
    Reason,
    Rejected,
    clock_refusal,
    decode,
    decode_press,
    refused_by_broker,
)
from ingest.transports.mqtt.packets import KEPT_BYTES

TS = "2026-05-04T12:00:00+08:00"
AT = datetime(2026, 5, 4, 4, tzinfo=UTC)
GOOD = {"ts": TS, "bpm": 72}


def told(kind: str, body: Any) -> Any:
    decoded = decode(f"eldercare/v1/band-1/{kind}", json.dumps(body).encode())
    assert decoded.device_id == "band-1"
    assert not decoded.rejected
    return [*decoded.readings, *decoded.command_results]


def refused(payload: Any, kind: str = "heart_rate") -> Rejected:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    decoded = decode(f"eldercare/v1/band-1/{kind}", raw)
    assert not decoded.readings
    assert not decoded.command_results
    [rejected] = decoded.rejected
    return rejected


def test_a_heart_rate() -> None:
    body = {"ts": TS, "bpm": 72.4, "quality": 90, "motion": "rest", "steps": 3, "colour": "red"}
    assert told("heart_rate", body) == [HeartRate(ts=AT, bpm=72.4, quality=90, motion="rest", steps=3)]


def test_a_heart_of_zero_is_kept_as_not_measured() -> None:
    assert told("heart_rate", {"ts": TS, "bpm": 0}) == [HeartRate(ts=AT, bpm=0)]


def test_a_position() -> None:
    body = {"ts": TS, "lat": 31.2, "lon": 121.4, "accuracy_m": 12.5, "source": "gnss", "speed_mps": 1.2}
    assert told("location", body) == [
        Location(ts=AT, lat=31.2, lon=121.4, accuracy_m=12.5, source="gnss", speed_mps=1.2)
    ]


def test_a_position_of_a_chinese_map_is_stored_as_wgs84() -> None:
    lat, lon = from_wgs84(31.2, 121.4)
    [fix] = told("location", {"ts": TS, "lat": lat, "lon": lon, "datum": "gcj02"})
    assert (fix.lat, fix.lon) == pytest.approx((31.2, 121.4), abs=1e-8)
    assert fix.datum == "wgs84"


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_nought_nought_is_no_place(zero: float) -> None:
    for datum in ("wgs84", "gcj02"):
        body = json.dumps([{"ts": TS, "lat": zero, "lon": zero, "datum": datum}, {"ts": TS, "lat": 1, "lon": 0}])
        decoded = decode("eldercare/v1/band-1/location", body.encode())
        assert (len(decoded.readings), decoded.no_fixes, decoded.rejected) == (1, 1, [])


def test_a_status() -> None:
    body = {"ts": TS, "battery_pct": 20.6, "charging": False, "worn": True, "signal_dbm": -90, "firmware": "1.2"}
    assert told("status", body) == [Status(**{**body, "ts": AT})]
    assert told("status", {"ts": TS}) == [Status(ts=AT)]


def test_an_answer_to_a_command() -> None:
    body = {"id": "7", "status": "refused", "detail": "busy"}
    assert told("command_result", body) == [CommandResult(id="7", status="refused", detail="busy")]


def test_an_array_keeps_its_good_elements() -> None:
    body = [GOOD, {"ts": TS, "bpm": "72"}, 5, {**GOOD, "bpm": 80}]
    decoded = decode("eldercare/v1/band-1/heart_rate", json.dumps(body).encode())
    assert [each.bpm for each in decoded.readings if isinstance(each, HeartRate)] == [72, 80]
    assert [(each.reason, each.detail.split(":")[0]) for each in decoded.rejected] == [
        (Reason.SCHEMA, "[1].bpm"),
        (Reason.SCHEMA, "[2]"),
    ]


def test_an_empty_array_is_nothing() -> None:
    assert told("heart_rate", []) == []


def test_a_thousand_elements_are_taken_and_one_more_is_not() -> None:
    assert len(told("status", [{"ts": TS}] * MAX_ARRAY_ITEMS)) == MAX_ARRAY_ITEMS
    rejected = refused([{"ts": TS}] * (MAX_ARRAY_ITEMS + 1), "status")
    assert rejected == Rejected(Reason.ITEMS, "payload: 1001 items, at most 1000")


def test_64_kib_are_taken_and_one_byte_more_is_not() -> None:
    raw = json.dumps(GOOD).encode()
    assert decode("eldercare/v1/b/heart_rate", raw.ljust(MAX_PAYLOAD_BYTES)).rejected == ()
    assert refused(raw.ljust(MAX_PAYLOAD_BYTES + 1)) == Rejected(Reason.SIZE, "payload: 65537 bytes, at most 65536")


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        (b"", Reason.JSON, "payload"),
        (b"hello", Reason.JSON, "payload"),
        (b"\xff\xfe\x00", Reason.JSON, "payload"),
        (b'{"ts": "' + TS.encode() + b'", "bpm": NaN}', Reason.RANGE, "bpm"),
        (b'{"ts": "' + TS.encode() + b'", "bpm": 1e999}', Reason.RANGE, "bpm"),
        (b"[" * 5000 + b"]" * 5000, Reason.JSON, "payload"),
        (b"72", Reason.SCHEMA, "payload"),
        (b"null", Reason.SCHEMA, "payload"),
        ({"bpm": 72}, Reason.SCHEMA, "ts"),
        ({"ts": TS}, Reason.SCHEMA, "bpm"),
        ({"ts": TS, "bpm": "72"}, Reason.SCHEMA, "bpm"),
        ({"ts": TS, "bpm": True}, Reason.SCHEMA, "bpm"),
        ({"ts": TS, "bpm": None}, Reason.SCHEMA, "bpm"),
        ({"ts": TS, "bpm": [72]}, Reason.SCHEMA, "bpm"),
        ({"ts": TS, "bpm": 1e300}, Reason.RANGE, "bpm"),
        ({"ts": TS, "bpm": -1}, Reason.RANGE, "bpm"),
        ({"ts": TS, "bpm": 301}, Reason.RANGE, "bpm"),
        ({"ts": "2026-05-04T12:00:00", "bpm": 72}, Reason.TIMESTAMP, "ts"),
        ({"ts": "2026-05-04T12:00:00.000000000", "bpm": 72}, Reason.TIMESTAMP, "ts"),
        ({"ts": 1777867200, "bpm": 72}, Reason.TIMESTAMP, "ts"),
        ({"ts": "1777867200", "bpm": 72}, Reason.TIMESTAMP, "ts"),
        ({"ts": "2026-13-04T12:00:00Z", "bpm": 72}, Reason.TIMESTAMP, "ts"),
        ({"ts": "2026-05-04T25:00:00Z", "bpm": 72}, Reason.TIMESTAMP, "ts"),
        ({"ts": None, "bpm": 72}, Reason.TIMESTAMP, "ts"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_input_is_refused_by_name(payload: Any, reason: Reason, field: str) -> None:
    rejected = refused(payload)
    assert rejected.reason is reason
    assert rejected.detail.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("location", {"ts": TS, "lat": 91, "lon": 0}, "lat"),
        ("location", {"ts": TS, "lat": 1, "lon": -181}, "lon"),
        ("location", {"ts": TS, "lat": 1, "lon": 1, "datum": "bd09"}, "datum"),
        ("command_result", {"id": "1\x00", "status": "done"}, "id"),
        ("command_result", {"id": "1", "status": "maybe"}, "status"),
        ("command_result", {"status": "done"}, "id"),
    ],
    ids=str,
)
def test_other_kinds_are_checked_too(kind: str, body: Any, field: str) -> None:
    assert refused(body, kind).detail.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("kind", "good", "name", "wrong"),
    [
        (kind, good, name, wrong)
        for kind, good, names in (
            ("heart_rate", {"ts": TS, "bpm": 72}, ("quality", "motion", "steps")),
            ("location", {"ts": TS, "lat": 1, "lon": 1}, ("accuracy_m", "source", "speed_mps")),
            ("status", {"ts": TS}, ("battery_pct", "charging", "worn", "signal_dbm", "firmware")),
            ("command_result", {"id": "1", "status": "done"}, ("detail",)),
        )
        for name in names
        for wrong in ("-1000", "1e7", "NaN", "Infinity", "1e999", '"?\\u0000"', "[]", "{}", "9" * 400)
    ],
)
def test_an_optional_field_that_is_wrong_costs_itself_only(kind: str, good: Any, name: str, wrong: str) -> None:
    raw = f'{json.dumps(good)[:-1]}, "{name}": {wrong}}}'
    alone, array = (decode(f"eldercare/v1/band-1/{kind}", each.encode()) for each in (raw, f"[{raw}, {raw}]"))
    expected = told(kind, good)
    assert [*alone.readings, *alone.command_results] == expected
    assert [*array.readings, *array.command_results] == 2 * expected
    assert (list(alone.rejected), list(array.rejected)) == ([], [])
    [unread] = alone.unread
    assert (unread.reason, unread.detail.partition(":")[0], len(array.unread)) == (Reason.FIELD, name, 2)


def test_what_stands_around_readings_costs_nothing() -> None:
    raw = json.dumps(GOOD)
    for payload in (raw.encode() + b"\0", b"\xef\xbb\xbf" + raw.encode(), raw.encode("utf-16")):
        assert decode("eldercare/v1/band-1/heart_rate", payload).readings == (HeartRate(ts=AT, bpm=72),)


def test_a_datum_that_is_wrong_costs_the_place() -> None:
    assert (
        refused({"ts": TS, "lat": 1, "lon": 1, "accuracy_m": -1, "datum": "bd09"}, "location").reason is Reason.SCHEMA
    )


@pytest.mark.parametrize("bpm", [255, 221, 24, 1])
def test_a_rate_that_nobody_has_is_not_the_rate_of_a_press(bpm: int) -> None:
    assert fields(pressed({"event_id": "e1", "bpm": bpm})) == {"event_id": "e1"}


@pytest.mark.parametrize(
    ("topic", "what"),
    [
        ("eldercare", "topic"),
        ("eldercare/v2/band-1/heart_rate", "topic"),
        ("eldercare/v1/band-1", "topic"),
        ("eldercare/v1/band-1/heart_rate/more", "topic"),
        ("eldercare/v1/band 1/heart_rate", "device_id"),
        (f"eldercare/v1/{'x' * 65}/heart_rate", "device_id"),
        ("eldercare/v1//heart_rate", "device_id"),
        ("eldercare/v1/老人/heart_rate", "device_id"),
        ("eldercare/v1/band-1/blood_pressure", "kind"),
    ],
)
def test_a_wrong_topic_is_refused_by_name(topic: str, what: str) -> None:
    decoded = decode(topic, json.dumps(GOOD).encode())
    assert decoded.device_id is None
    assert not decoded.readings
    assert not decoded.command_results
    [rejected] = decoded.rejected
    assert (rejected.reason, rejected.detail.split(":")[0]) == (Reason.TOPIC, what)


@pytest.mark.parametrize(("kind", "ours"), [("sos", True), ("sos_state", False), ("command", False)])
def test_what_the_telemetry_pipeline_only_overhears_is_empty(kind: str, ours: bool) -> None:
    decoded = decode(f"eldercare/v1/band-1/{kind}", b"anything")
    assert decoded == Decoded("band-1", ours=ours)


@pytest.mark.parametrize(
    ("ts", "refused"),
    [
        (AT, False),
        (AT + timedelta(minutes=5), False),
        (AT + timedelta(minutes=5, seconds=1), True),
        (datetime(2099, 1, 1, tzinfo=UTC), True),
        (AT - timedelta(days=400), False),
        (AT - timedelta(days=401), True),
        (datetime(1970, 1, 1, tzinfo=UTC), True),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=20))), True),
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-20))), True),
    ],
    ids=str,
)
def test_a_clock_is_believed_within_limits(ts: datetime, refused: bool) -> None:
    answer = clock_refusal(ts, AT, timedelta(days=400))
    assert (answer is not None) is refused
    if answer:
        assert answer.reason is Reason.CLOCK
        assert answer.detail.startswith("ts: ")


def test_what_the_broker_says_of_a_packet_that_it_refused() -> None:
    line = b"1795900000: Client band-1 disconnected due to oversize packet."
    answer = refused_by_broker(line)
    assert answer is not None
    assert (answer[0], answer[1].reason) == ("band-1", Reason.PACKET)
    assert refused_by_broker(b"1795900000: New client connected from 127.0.0.1 as band-1") is None


def pressed(payload: Any, retained: bool = False) -> Press:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    press = decode_press("eldercare/v1/band-1/sos", raw, retained=retained)
    assert isinstance(press, Press)
    assert (press.device_id, press.payload, press.digest) == ("band-1", raw[:KEPT_BYTES], sha256(raw).hexdigest())
    return press


def fields(press: Press) -> dict[str, Any]:
    names = ("event_id", "ts", "trigger", "lat", "lon", "accuracy_m", "bpm")
    empty = {"trigger": "button"}
    return {name: getattr(press, name) for name in names if getattr(press, name) != empty.get(name)}


def test_a_press_with_everything() -> None:
    body = {"event_id": "e1", "ts": TS, "trigger": "fall", "lat": 31.2, "lon": 121.4, "accuracy_m": 5, "bpm": 99.6}
    press = pressed(body, retained=True)
    assert press.retained
    assert fields(press) == {**body, "ts": AT, "bpm": 100}


@pytest.mark.parametrize(
    ("payload", "left"),
    [
        (b"", {}),
        (b"\x00\x01", {}),
        (b"HELP", {}),
        (b"null", {}),
        (b"[]", {}),
        (b"[" * 5000, {}),
        (b"x" * (MAX_PAYLOAD_BYTES * 2), {}),
        (json.dumps({"event_id": "e1", "padding": "x" * MAX_PAYLOAD_BYTES}).encode(), {}),
        (json.dumps({"event_id": "e1", "padding": "x" * (MAX_PAYLOAD_BYTES - 100)}).encode(), {"event_id": "e1"}),
        ([1, {"event_id": "e1"}, {"event_id": "e2"}], {"event_id": "e1"}),
        ({"event_id": 17}, {"event_id": "17"}),
        ({"event_id": True}, {}),
        ({"event_id": ""}, {}),
        ({"event_id": ["e1"], "ts": TS}, {"event_id": '["e1"]', "ts": AT}),
        ({"event_id": "e1", "ts": "yesterday"}, {"event_id": "e1"}),
        ({"event_id": "e1", "ts": 1777867200}, {"event_id": "e1"}),
        ({"trigger": "earthquake", "bpm": 80}, {"bpm": 80}),
        ({"bpm": 0}, {}),
        ({"bpm": -5, "event_id": "e1"}, {"event_id": "e1"}),
        ({"lat": 0, "lon": 0, "accuracy_m": 5}, {}),
        ({"lat": 31.2}, {}),
        ({"lat": 31.2, "lon": "121.4", "accuracy_m": 5}, {}),
        ({"lat": 131.2, "lon": 121.4, "event_id": "e1"}, {"event_id": "e1"}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_whatever_comes_is_one_press_with_what_can_be_read(payload: Any, left: dict[str, Any]) -> None:
    assert fields(pressed(payload)) == left


def test_a_press_under_a_name_no_band_can_have_is_refused() -> None:
    answer = decode_press("eldercare/v1/a b/sos", b"{}")
    assert isinstance(answer, Rejected)
    assert answer.reason is Reason.TOPIC


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b'{"event_id": "e1", "lat": NaN, "lon": 121.4}', {"event_id": "e1"}),
        (b'{"event_id": "e1", "bpm": 1e999, "accuracy_m": -Infinity}', {"event_id": "e1"}),
        (b'{"event_id": "e1"}\0\0', {"event_id": "e1"}),
        (b'\xef\xbb\xbf{"event_id": "e1"}\r\n', {"event_id": "e1"}),
        ('{"event_id": "e1", "note": "老人"}'.encode("utf-16"), {"event_id": "e1"}),
        ('{"event_id": "e1"}'.encode("utf-16-be"), {"event_id": "e1"}),
        (b'\0{"event_id": "e1"}', {"event_id": "e1"}),
        ('{"note": "誠", "event_id": "e1"}'.encode("gb18030"), {"event_id": "e1"}),
        (b'{"note": "\xff\xfe", "event_id": "e1"}', {"event_id": "e1"}),
        (b'{"event_id": "e1", "lat": 31,2, "lon": 121.4}', {"event_id": "e1"}),
        (b'{"event_id": "e1", "lat": 31.2 "lon": 121.4}', {"event_id": "e1", "lat": 31.2, "lon": 121.4}),
        (b'{"event_id": "e1", "lat": 31.2, "lon": 121', {"event_id": "e1"}),
        (b"{'event_id': 'e1', 'worn': True, bpm: 80}", {"event_id": "e1", "bpm": 80}),
        (b'{"event_id": "e1",}', {"event_id": "e1"}),
        (b'{"event_id": "e1"}{"event_id": "e2"}', {"event_id": "e1"}),
        (b'{"x": ' + b"[" * 3000 + b', "event_id": "e1"}', {"event_id": "e1"}),
        (b'{"x": ' + b"[" * 3000 + b"]" * 3000 + b', "event_id": "e1"}', {"event_id": "e1"}),
        (b'{"note": "he said "go"", "event_id": "e1"}', {"event_id": "e1"}),
        (b'{"ts": 2026-05-04T12:00:00Z, "event_id": "e1"}', {"event_id": "e1"}),
        (b'{"event_id": "e1", "event_id": null, "bpm": 80, "bpm": "?"}', {"event_id": "e1", "bpm": 80}),
        (b'{"event_id": "e1", "event_id": "e2"}', {"event_id": "e2"}),
        (b'[[1, {"event_id": "e1"}]]', {"event_id": "e1"}),
        (b'"{\\"event_id\\": \\"e1\\"}"', {"event_id": "e1"}),
        (b'{"event_id": NaN, "bpm": 80}', {"bpm": 80}),
        (b'{"event_id": "e', {}),
        (b'{"bpm": 1' + b"0" * 5000 + b', "event_id": "e1"}', {"event_id": "e1"}),
        (b'{"lat": "\\ud800", "event_id": "e1"}', {"event_id": "e1"}),
        (b'{"event_id": ' + b"[" * 900 + b"]" * 900 + b', "bpm": 80}', {"bpm": 80}),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_is_broken_costs_itself_only(raw: bytes, left: dict[str, Any]) -> None:
    assert fields(pressed(raw)) == left


@pytest.mark.parametrize(
    ("raw", "event_id", "echo"),
    [
        ('"e1"', "e1", None),
        ('"老人"', "老人", None),
        ("17", "17", "17"),
        ("1.50", "1.50", "1.50"),
        ("-0", "-0", "-0"),
        ("123456789012345678901234567890", "123456789012345678901234567890", "123456789012345678901234567890"),
        ("{\"a\": [1.0, null]}", '{"a": [1.0, null]}', '{"a": [1.0, null]}'),
        ("true", None, "true"),
        ('""', None, '""'),
        ("[]", None, "[]"),
        ("null", None, None),
        ('{"a": NaN}', None, None),
    ],
)  # fmt: skip
def test_a_number_is_said_back_in_the_form_in_which_it_came(raw: str, event_id: str | None, echo: str | None) -> None:
    press = pressed(f'{{"event_id": {raw}}}'.encode())
    assert (press.event_id, press.echo) == (event_id, echo)


@pytest.mark.parametrize("said", ["x" * 129, "x" * 4000, "a\0b", "\ud800", "a\udc00" * 40])
def test_a_name_that_the_database_cannot_hold_is_kept_apart_from_all_others(said: str) -> None:
    press = pressed({"event_id": said})
    assert press.event_id is not None
    assert len(press.event_id) <= EVENT_ID_CHARACTERS
    press.event_id.encode()
    assert "\0" not in press.event_id
    assert press.echo == json.dumps(said)
    assert press.event_id != pressed({"event_id": said + "x"}).event_id
    assert press.event_id == pressed({"event_id": said, "bpm": 70}).event_id


def test_a_name_of_pages_is_said_back_by_its_beginning() -> None:
    press = pressed({"event_id": "x" * (ECHO_CHARACTERS + 1)})
    assert press.event_id is not None
    assert press.event_id.startswith("xxx")
    assert press.echo is None


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"", Named.NOTHING),
        (b"\0\0", Named.NOTHING),
        (b"{}", Named.NOTHING),
        (b"[ {} ]", Named.NOTHING),
        (b"null", Named.NOTHING),
        (b"true", Named.NOTHING),
        (b'{"trigger": "fall", "lat": 91}', Named.NOTHING),
        (b'{"event_id": null, "ts": null}', Named.NOTHING),
        (b"HELP", Named.BYTES),
        (b"17", Named.BYTES),
        (b'"17"', Named.BYTES),
        (b"\x01\x02", Named.BYTES),
        (b'{"event_id": NaN}', Named.BYTES),
        (b'{"event_id": true}', Named.BYTES),
        (b'{"ts": "yesterday"}', Named.BYTES),
        (b'{"trigger": "fall", "event_id": abc}', Named.BYTES),
        (b"{}".ljust(MAX_PAYLOAD_BYTES + 1), Named.BYTES),
        (b'{"event_id": 1}', Named.NAME),
        (b'{"ts": "2026-05-04T12:00:00Z"}', Named.NAME),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_a_press_is_known_by(raw: bytes, named: Named) -> None:
    assert pressed(raw).named is named


GOOD_FIELDS = {"event_id": "e1", "ts": TS, "trigger": "fall", "lat": 31.2, "lon": 121.4, "accuracy_m": 5, "bpm": 99}
BROKEN = st.sampled_from(
    ["NaN", "Infinity", "-Infinity", "1e999", "31,2", "0x1f", "undefined", "None", "abc", "'it'", '"\\q"', '"a\nb"', "",
     "[" * 2000, "{" * 2000, "[1, ", '{"lat": 1, ', "]" , "9" * 5000, '"\\ud800"', '"\\u0000"', '"say "hi""', "-", "+1",
     ".5", "2026-05-04T12:00:00Z", '{"event_id": "other", "bpm": 1}', '[{"event_id": "other"}]', "true", "null", "1",
     "-1e-7"]
)  # fmt: skip


@given(BROKEN, st.sampled_from(["note", "quality", *GOOD_FIELDS]), st.data())
def test_a_broken_field_changes_nothing_of_the_others(broken: str, name: str, data: st.DataObject) -> None:
    others = {key: json.dumps(value) for key, value in GOOD_FIELDS.items() if key != name}
    order = data.draw(st.permutations([*others.items(), (name, broken)]))
    raw = "{" + ", ".join(f'"{key}": {value}' for key, value in order) + "}"
    # Nothing after a bracket too many, or a text that does not end, is surely still of this object.
    sure = [key for key, _ in (order[: order.index((name, broken))] if broken == "]" else order) if key != name]
    read, whole = fields(pressed(raw.encode())), fields(pressed(GOOD_FIELDS))
    if not {"lat", "lon"} <= set(sure):
        sure = [key for key in sure if key not in ("lat", "lon", "accuracy_m")]
    assert {key: read.get(key) for key in sure} == {key: whole[key] for key in sure}


@given(st.binary(max_size=80) | st.sampled_from([json.dumps(GOOD_FIELDS).encode(), b"HELP"]), st.booleans())
def test_the_same_bytes_are_the_same_press(raw: bytes, retained: bool) -> None:
    assert pressed(raw, retained) == pressed(raw, retained)
    cut = pressed(raw[: len(raw) // 2])
    assert (cut.digest == pressed(raw).digest) is (len(raw) < 1)


@given(
    st.lists(
        st.sampled_from(['"', "\\", "{", "}", "[", "]", ",", ":", "a", "1", '"event_id"', '"lat"', " ", "'"]),
        max_size=60,
    )
)
def test_no_broken_json_whatever_raises(parts: list[str]) -> None:
    press = pressed("".join(parts).encode())
    assert press.echo is None or json.loads(press.echo) is not None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
BODIES = st.dictionaries(
    st.sampled_from(["ts", "bpm", "lat", "lon", "event_id", "quality", "id", "status", "worn", "datum"]), JSON_VALUES
)
PAYLOADS = st.binary(max_size=200) | (BODIES | st.lists(BODIES, max_size=4) | JSON_VALUES).map(
    lambda value: json.dumps(value).encode()
)
KINDS = st.sampled_from(["heart_rate", "location", "status", "command_result", "sos", "command"]) | st.text(max_size=12)


@given(KINDS, PAYLOADS)
@example("heart_rate", b'{"ts": "2026-05-04T12:00:00+08:00", "bpm": 1e400}')
def test_no_message_whatever_raises(kind: str, payload: bytes) -> None:
    decoded = decode(f"eldercare/v1/band-1/{kind}", payload)
    for reading in decoded.readings:
        assert reading.ts.tzinfo is not None
    assert decoded.weight >= max(1, len(decoded.readings))
    for rejected in decoded.rejected:
        assert rejected.detail


@given(PAYLOADS, st.booleans())
def test_every_press_counts_and_has_a_place_or_none(payload: bytes, retained: bool) -> None:
    press = pressed(payload, retained)
    assert (press.lat is None) == (press.lon is None)
    assert press.bpm is None or 0 < press.bpm <= 300
    assert press.event_id is None or (0 < len(press.event_id) <= 128 and "\0" not in press.event_id)


@given(st.lists(st.booleans(), max_size=30))
def test_of_an_array_exactly_the_good_elements_are_kept(good: list[bool]) -> None:
    body = [{**GOOD, "bpm": 40 + number if fine else None} for number, fine in enumerate(good)]
    decoded = decode("eldercare/v1/band-1/heart_rate", json.dumps(body).encode())
    assert [each.bpm for each in decoded.readings if isinstance(each, HeartRate)] == [
        40 + number for number, fine in enumerate(good) if fine
    ]
    assert len(decoded.rejected) == good.count(False)


@pytest.mark.parametrize("tiny", ["1e-300", "5e-324", "1e-46", "-0.0"])
def test_a_size_that_is_next_to_nothing_is_nothing(tiny: str) -> None:
    """A real number of the database would refuse it, and with it the place that it stands beside."""
    payload = f'{{"ts": "2026-11-28T08:00:00Z", "lat": 31.2, "lon": 121.5, "accuracy_m": {tiny}, "speed_mps": {tiny}}}'
    [fix] = decode("eldercare/v1/band-1/location", payload.encode()).readings
    assert isinstance(fix, Location)
    assert (fix.lat, fix.lon, fix.accuracy_m, fix.speed_mps) == (31.2, 121.5, 0, 0)
    press = decode_press("eldercare/v1/band-1/sos", payload.encode())
    assert isinstance(press, Press)
    assert (press.lat, press.lon, press.accuracy_m) == (31.2, 121.5, 0)
    [moving] = decode(
        "eldercare/v1/band-1/location",
        f'{{"ts": "2026-11-28T08:00:00Z", "lat": 1, "lon": 2, "accuracy_m": 8, "speed_mps": {tiny}}}'.encode(),
    ).readings
    assert isinstance(moving, Location)
    assert (moving.accuracy_m, moving.speed_mps) == (8, 0)
