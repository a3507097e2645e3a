"""Recorded files become rows in the order of delivery, and rows become messages of the contract."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from device_sim.replay.messages import messages
from device_sim.replay.player import aligned, assign, earliest
from device_sim.replay.recordings import Measure, Recording, merged, rows, scan, subjects
from eldercare.platform.errors import ConfigurationError, InvalidInput
from eldercare.protocol.mqtt_v1 import HeartRate, Location

ZONE = ZoneInfo("Asia/Shanghai")


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def play(*recordings: Recording) -> list[tuple[str, dict]]:
    streams = [rows(recording, subject, ZONE) for recording in recordings for subject in recording.extents]
    return [(message.subject, orjson.loads(message.payload)) for message in messages(merged(streams))]


def test_interleaved_subjects_are_found_in_gzip_too(tmp_path: Path) -> None:
    text = "subject,ts,bpm\na,2020-01-01T08:00:00,70\nb,2020-01-01T08:00:30,80\n"
    text += "a,2020-01-01T08:01:00,71\n\nb,2020-01-01T08:02:00,81\n"
    for name in ("x.csv", "x.csv.gz"):
        recording = scan(write(tmp_path / name, text), ZONE)
        assert {subject: extent.count for subject, extent in recording.extents.items()} == {"a": 2, "b": 2}
        assert [(subject, message["bpm"]) for subject, message in play(recording)] == [
            ("a", 70),
            ("b", 80),
            ("a", 71),
            ("b", 81),
        ]


def test_a_time_without_zone_is_the_communitys_and_one_with_zone_keeps_it(tmp_path: Path) -> None:
    text = "user,ts,lat,lon,accuracy_m\na,2020-01-01T08:00:00,1,2,5\nb,2020-01-01T01:00:00Z,3,4,0\n"
    (_, first), (_, second) = play(scan(write(tmp_path / "x.csv", text), ZONE))
    assert (first["ts"], second["ts"]) == ("2020-01-01T00:00:00+00:00", "2020-01-01T01:00:00+00:00")
    assert Location.model_validate_json(orjson.dumps(first)).accuracy_m == 5


def test_a_track_without_accuracy_claims_none(tmp_path: Path) -> None:
    text = "user,ts,lat,lon,alt_ft\na,2020-01-01T00:00:00Z,31.2,121.4,30\n"
    ((_, message),) = play(scan(write(tmp_path / "x.csv", text), ZONE))
    assert message == {"ts": "2020-01-01T00:00:00+00:00", "lat": 31.2, "lon": 121.4, "source": "gnss"}


def test_a_late_row_is_delivered_after_the_rows_before_it(tmp_path: Path) -> None:
    times = (("a", "08:00"), ("a", "09:00"), ("a", "08:30"), ("b", "08:45"))
    text = "subject,ts,bpm\n" + "".join(f"{who},2020-01-01T{at}:00,{i}\n" for i, (who, at) in enumerate(times, start=1))
    recording = scan(write(tmp_path / "x.csv", text), ZONE)
    assert [message["bpm"] for _, message in play(recording)] == [1, 4, 2, 3]
    late = list(rows(recording, "a", ZONE))[2]
    assert late.delivered == datetime(2020, 1, 1, 1, tzinfo=UTC).timestamp()
    assert late.ts.isoformat() == "2020-01-01T08:30:00+08:00"


def test_a_heart_rate_carries_the_steps_since_the_one_before(tmp_path: Path) -> None:
    beats = "subject,ts,bpm\n" + "".join(f"a,2020-01-01T08:0{m}:06,{70 + m}\n" for m in range(5))
    beats += "a,2020-01-01T08:04:30,75\na,2020-01-01T08:04:50,76\n"
    steps = "subject,ts,steps\na,2020-01-01T08:01:00,20\na,2020-01-01T08:02:00,30\nb,2020-01-01T08:02:00,9\n"
    steps += "a,2020-01-01T08:04:20,7\n"
    played = play(scan(write(tmp_path / "h.csv", beats), ZONE), scan(write(tmp_path / "s.csv", steps), ZONE))
    assert [(m["bpm"], m.get("steps"), m.get("motion")) for _, m in played] == [
        (70, None, None),
        (71, 20, "active"),
        (72, 30, "active"),
        (73, None, None),
        (74, None, None),
        (75, 7, "active"),
        (76, None, "active"),
    ]
    for _, message in played:
        HeartRate.model_validate_json(orjson.dumps(message))


def test_aligned_subjects_begin_on_the_day_after_the_origin_at_their_own_hour(tmp_path: Path) -> None:
    text = "subject,ts,bpm\na,2020-01-01T08:00:00,1\nb,2021-06-01T09:30:00,2\nc,2019-03-01T03:15:00,3\n"
    recording = scan(write(tmp_path / "x.csv", text), ZONE)
    origin = datetime(2020, 3, 10, 0, tzinfo=UTC)  # 08:00 in Shanghai
    shifts = aligned([recording], origin, ZONE)
    begins = [next(rows(recording, name, ZONE, shifts[name])).ts.astimezone(ZONE).isoformat() for name in "abc"]
    assert begins == ["2020-03-10T08:00:00+08:00", "2020-03-10T09:30:00+08:00", "2020-03-11T03:15:00+08:00"]
    assert all(shift % timedelta(days=1) == timedelta(0) for shift in shifts.values())


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Shanghai", "Australia/Lord_Howe"])
@pytest.mark.parametrize("month", [1, 7])
def test_aligned_subjects_keep_the_hour_of_their_clocks_across_summer_time(
    tmp_path: Path, zone: str, month: int
) -> None:
    place = ZoneInfo(zone)
    recording = scan(write(tmp_path / "x.csv", "subject,ts,bpm\na,2020-04-20T22:45:00,1\n"), place)
    origin = datetime(2021, month, 5, 12, tzinfo=UTC)
    first = next(rows(recording, "a", place, aligned([recording], origin, place)["a"])).ts.astimezone(place)
    assert first.strftime("%H:%M") == "22:45"
    assert origin <= first < origin + timedelta(days=1)


def test_without_an_origin_of_its_own_a_replay_begins_with_the_first_row_of_all(tmp_path: Path) -> None:
    text = "subject,ts,bpm\na,2020-01-01T08:00:00,1\nb,2021-06-01T09:00:00,2\n"
    recording = scan(write(tmp_path / "x.csv", text), ZONE)
    origin = earliest([recording])
    assert origin == datetime(2020, 1, 1, tzinfo=UTC)
    assert aligned([recording], origin, ZONE)["a"] == timedelta(0)


def test_every_subject_gets_a_band(tmp_path: Path) -> None:
    text = "subject,ts,bpm\n" + "".join(f"{name},2020-01-01T08:00:00,1\n" for name in "abc")
    recording = scan(write(tmp_path / "x.csv", text), ZONE)
    assert subjects([recording, recording]) == ["a", "b", "c"]
    devices = ["d1", "d2", "d3"]
    assert assign([recording], {"c": "d1"}, devices) == {"a": "d2", "b": "d3", "c": "d1"}
    with pytest.raises(ConfigurationError, match="too few for 3"):
        assign([recording], {}, devices[:2])
    with pytest.raises(ConfigurationError, match="--map x: no file"):
        assign([recording], {"x": "d1"}, devices)
    with pytest.raises(ConfigurationError, match="no such band"):
        assign([recording], {"a": "d9"}, devices)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("who,when\n1,2\n", "heading 'who,when'"),
        ("subject,ts,bpm\n", "has no rows"),
        ("subject,ts,bpm\na,2020-01-01T08:00:00\n", r"x\.csv:2: has 2 cells"),
        ("subject,ts,bpm\na,yesterday,70\n", r"x\.csv:2: ts 'yesterday'"),
        (
            "subject,ts,bpm\na,2020-01-01T08:00:00,70\na,2020-01-01T08:00:05,fast\n",
            r"x\.csv:3: a value is not a number",
        ),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(InvalidInput, match=reason):
        play(scan(path, ZONE))


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"subject,ts,bpm\n" * 1000)[:-20])
    with pytest.raises(InvalidInput, match=r"x\.csv\.gz"):
        scan(path, ZONE)


def test_measures_are_told_by_their_heading(tmp_path: Path) -> None:
    for heading, row, measure in (
        ("user,ts,lat,lon,alt_ft", "a,2020-01-01T00:00:00Z,1,2,3", Measure.LOCATION),
        ("subject,ts,steps", "a,2020-01-01T00:00:00Z,1", Measure.STEPS),
        ("subject,ts,bpm,rr_ms", "a,2020-01-01T00:00:00Z,1,2", Measure.HEART_RATE),
    ):
        assert scan(write(tmp_path / "x.csv", f"{heading}\n{row}\n"), ZONE).measure is measure
