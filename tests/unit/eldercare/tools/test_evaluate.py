"""Recordings evaluated: files, profiles and what is printed of them."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.model.incident import IncidentKind, Severity
from alerts.rules.playback import Episode
from alerts.rules.whereabouts import METRES_PER_DEGREE
from eldercare.platform.errors import InvalidInput
from eldercare.tools.evaluate import Evaluated, evaluate, line, read_profile, summary

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def written(path: Path, heading: str, rows: list[str]) -> Path:
    text = "\n".join([heading, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def wall(minute: float) -> str:
    """The wearer's wall time, as recordings without a zone have it."""
    return f"{NOON + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S}"


def played(*files: Path, **record: Any) -> dict[str, Evaluated]:
    path = files[0].parent / "profile.json"
    path.write_text(json.dumps(record))
    profile = read_profile(path, "Asia/Shanghai")
    return {each.subject: each for each in evaluate(files, profile, progress=False)}


def test_each_subject_is_played_by_itself_with_all_its_files(tmp_path: Path) -> None:
    hearts = [f"{who},{wall(minute)},{bpm}" for minute in range(20) for who, bpm in (("a", 150), ("b", 70))]
    north = 31.0 + 5_000 / METRES_PER_DEGREE
    fixes = [f"b,{wall(minute)},{north},121.0" for minute in range(20)]
    found = played(
        written(tmp_path / "hearts.csv.gz", "subject,ts,bpm", hearts),
        written(tmp_path / "track.csv", "user,ts,lat,lon", fixes),
        home_lat=31.0,
        home_lon=121.0,
        safe_radius_m=500,
    )
    assert {who: [episode.reason for episode in each.episodes] for who, each in found.items()} == {
        "a": ["high_urgent"],
        "b": ["left_zone"],
    }
    assert (found["a"].rows, found["b"].rows, found["b"].days) == (20, 40, 1)
    assert json.loads(line("a", found["a"].episodes[0])) == {
        "subject": "a",
        "kind": "heart_rate",
        "severity": "urgent",
        "reason": "high_urgent",
        "opened_at": "2026-03-02T12:04:00+08:00",
        "ended_at": None,
        "acts": "call",
    }


def test_a_minute_without_steps_is_at_rest_only_where_steps_were_counted(tmp_path: Path) -> None:
    hearts = written(tmp_path / "h.csv", "subject,ts,bpm", [f"a,{wall(minute)},150" for minute in range(60)])
    walks = [f"a,{wall(minute)},100" for minute in range(0, 60, 2)]
    steps = written(tmp_path / "s.csv", "subject,ts,steps", walks)
    assert [episode.reason for episode in played(hearts)["a"].episodes] == ["high_urgent"]
    assert played(hearts, steps)["a"].episodes == []
    first = written(tmp_path / "s2.csv", "subject,ts,steps", walks[:10])
    assert [episode.reason for episode in played(hearts, first)["a"].episodes] == ["high_urgent"]


def test_wall_time_keeps_its_hour_in_the_zone_of_the_profile(tmp_path: Path) -> None:
    """46 at three at night is no alarm, and at noon it is one."""
    night = [f"a,2026-03-02T03:{minute:02d}:00,46" for minute in range(30)]
    file = written(tmp_path / "h.csv", "subject,ts,bpm", night)
    assert played(file, timezone="America/New_York")["a"].episodes == []
    assert played(file)["a"].episodes == []
    noon = written(tmp_path / "h.csv", "subject,ts,bpm", [row.replace("T03", "T12") for row in night])
    assert [episode.reason for episode in played(noon, timezone="America/New_York")["a"].episodes] == ["low_warning"]


def test_a_single_value_and_a_sparse_track_are_played(tmp_path: Path) -> None:
    single = written(tmp_path / "h.csv", "subject,ts,bpm", [f"a,{wall(0)},70"])
    assert played(single)["a"].episodes == []
    sparse = [f"a,2026-03-{day:02d}T12:00:00Z,31.0,121.0" for day in range(1, 29)]
    track = written(tmp_path / "t.csv", "user,ts,lat,lon", sparse)
    found = played(track)["a"]
    assert (found.days, {str(episode.kind) for episode in found.episodes}) == (28, {"silent"})


def test_a_row_that_ingest_would_refuse_is_counted_by_its_field(tmp_path: Path) -> None:
    rows = [f"a,{wall(0)},70", f"a,{wall(1)},900", f"a,{wall(2)},nan"]
    found = played(written(tmp_path / "h.csv", "subject,ts,bpm", rows))["a"]
    assert found.refused == {"bpm": 2}
    assert summary([found])[0] == "a: 1 天 days, 3 行 rows，拒收 refused: bpm 2"


def test_the_summary_names_the_worst_beside_the_mean(tmp_path: Path) -> None:
    rows = [f"{who},{wall(minute)},{bpm}" for who, bpm in (("a", 150), ("b", 70)) for minute in range(20)]
    lines = summary(list(played(written(tmp_path / "h.csv", "subject,ts,bpm", rows)).values()))
    assert lines[-2:] == [
        "2 人 people, 2 人日 person-days",
        "  heart_rate urgent: 1 (0.500 每人日 per person-day; 最多 worst a 1.000)",
    ]


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({"home_lat": 31.0}, "home_lat"),
        ({"home_lat": 91, "home_lon": 0}, "home_lat"),
        ({"safe_radius_m": "far"}, "safe_radius_m"),
        ({"timezone": "Mars/North"}, "timezone"),
        ({"rule_overrides": {"hr_high_urgent": 999}}, "hr_high_urgent"),
        ({"rule_overrides": {"shoe_size": 40}}, "shoe_size"),
        ({"shoe_size": 40}, "shoe_size"),
    ],
)
def test_a_wrong_profile_is_refused_by_field(tmp_path: Path, record: dict[str, Any], named: str) -> None:
    (tmp_path / "profile.json").write_text(json.dumps(record))
    with pytest.raises(InvalidInput, match=named):
        read_profile(tmp_path / "profile.json", "Asia/Shanghai")


@pytest.mark.parametrize("content", [b"{", b"\xff", None])
def test_a_profile_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "profile.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"profile\.json"):
        read_profile(path, "Asia/Shanghai")


def test_without_a_profile_nothing_is_known_and_the_zone_is_the_communitys() -> None:
    profile = read_profile(None, "Asia/Tokyo")
    assert (profile.home_lat, str(profile.zone), profile.is_away(0)) == (None, "Asia/Tokyo", False)


def test_whoever_has_no_pulse_or_does_not_move_is_asked_first() -> None:
    for kind in (IncidentKind.NO_HEART_RATE, IncidentKind.STILLNESS):
        episode = Episode(kind, Severity.URGENT, "still", NOON, None, Severity.WARNING)
        assert json.loads(line("a", episode))["acts"] == "text", "what it was opened as acts first"
        episode.opened_as = Severity.URGENT
        assert json.loads(line("a", episode))["acts"] == "ask"
