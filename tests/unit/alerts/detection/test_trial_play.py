"""Thirty days played under two sets of limits, as `eldercare evaluate` plays a recording."""

import dataclasses
import io
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts.detection import trial_play
from alerts.detection.trial_play import Side, Work
from alerts.model.incident import IncidentKind, Severity
from alerts.rules import Profile, Thresholds, registry
from alerts.rules.playback import Playback
from eldercare.protocol.mqtt_v1 import HeartRate

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 11, 1, 8, tzinfo=ZONE)
QUIET, FAST = 70.0, 128.0


def side(**overrides: object) -> Side:
    return Side(dataclasses.asdict(Thresholds().with_overrides(overrides)))


def work(hearts: list[float], *, wanted: Side, before: int = 0, **more: object) -> Work:
    """Heart rates at rest, one a minute, the first `before` minutes ahead of the time that is played."""
    start = BEGIN.timestamp() - 60 * before
    rows = [(start + 60 * minute, bpm, 0, False) for minute, bpm in enumerate(hearts)]
    about: dict[str, object] = {
        "zone": "Asia/Shanghai", "home_lat": 31.23, "home_lon": 121.47, "safe_radius_m": None,
        "begin": BEGIN.timestamp(), "end": rows[-1][0] + 60, "hearts": rows, "fixes": [], "told": [],
    }  # fmt: skip
    return Work(**{**about, **more}, stands=side(), wanted=wanted)  # type: ignore[arg-type]


def test_a_higher_limit_silences_what_stood_under_the_lower_one() -> None:
    played = trial_play.play(work([QUIET] * 60 + [FAST] * 90 + [QUIET] * 60, wanted=side(hr_high_warning=130)))
    (found,) = [each for each in played.stands if each.kind is IncidentKind.HEART_RATE]
    assert found.severity in (Severity.WARNING, Severity.URGENT)
    assert BEGIN + timedelta(minutes=60) < found.opened_at < BEGIN + timedelta(minutes=150)
    assert found.ended_at is not None
    assert [each for each in played.wanted if each.kind is IncidentKind.HEART_RATE] == []


def test_it_is_what_the_playback_of_recordings_says() -> None:
    hearts = [QUIET] * 60 + [FAST] * 90 + [QUIET] * 60
    playback = Playback(Profile(0, 31.23, 121.47, None, None, ZONE, Thresholds()))
    for minute, bpm in enumerate(hearts):
        ts = BEGIN + timedelta(minutes=minute)
        playback.receive(HeartRate(ts=ts, bpm=bpm, steps=0, motion="rest"), ts)
    playback.wait(BEGIN + timedelta(minutes=len(hearts)))
    found = trial_play.play(work(hearts, wanted=side())).stands
    assert [(each.kind, each.severity, each.reason, each.opened_at, each.ended_at) for each in found] == [
        (each.kind, each.severity, each.reason, each.opened_at, each.ended_at) for each in playback.episodes
    ]


def test_what_was_before_is_learnt_from_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    days: list[str] = []
    learn = registry.learn

    def seen(learnt: object, day: object, profile: object) -> object:
        days.append(day.date.isoformat())  # type: ignore[attr-defined]
        return learn(learnt, day, profile)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "learn", seen)
    two_days = 2 * 24 * 60
    played = trial_play.play(work([FAST] * two_days + [QUIET] * 30, before=two_days, wanted=side()))
    assert [each for each in played.stands if each.opened_at < BEGIN] == []
    # The days that ended at noon before it begins, of each side.
    assert days == ["2026-10-30", "2026-10-31"] * 2


def test_limits_that_count_other_values_have_their_own() -> None:
    wanted = side()
    wanted.hearts = [(BEGIN.timestamp() + 60 * minute, QUIET, 0, False) for minute in range(120)]
    played = trial_play.play(work([FAST] * 120, wanted=wanted))
    assert [each.kind for each in played.stands] == [IncidentKind.HEART_RATE]
    assert played.wanted == []


def test_positions_and_what_the_band_says_of_itself_are_played_too() -> None:
    ts = [BEGIN.timestamp() + 60 * minute for minute in range(60)]
    low = [(each, 8.0, False, True) for each in ts]
    fixes = [(each, 31.23, 121.47, 20.0) for each in ts]
    played = trial_play.play(work([QUIET] * 60, wanted=side(), told=low, fixes=fixes))
    assert [each.kind for each in played.stands] == [IncidentKind.LOW_BATTERY]


def test_the_process_reads_and_writes_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_play.os, "nice", lambda by: by)
    given = work([FAST] * 120, wanted=side(hr_high_warning=130))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(msgspec.json.encode(given))))
    written = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", written)
    trial_play.main()
    said = msgspec.json.decode(written.buffer.getvalue(), type=trial_play.Played)  # type: ignore[attr-defined]
    assert said == trial_play.play(given)
