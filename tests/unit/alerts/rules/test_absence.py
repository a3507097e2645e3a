"""What passes while a band says nothing."""

from datetime import UTC, datetime, timedelta

from alerts.model.incident import IncidentKind, Severity
from tests.unit.alerts.rules.band import NOON, Band, profile


def test_a_band_is_lost_after_45_minutes() -> None:
    band = Band()
    band.status(worn=True)
    assert band.wait(44.9).watched(NOON) == []
    [finding] = band.wait(0.1).watched(NOON)
    assert (finding.kind, finding.reason) == (IncidentKind.SILENT, "silent")
    assert band.findings[0].severity is Severity.TASK
    assert band.findings[0].detail == {"last_seen": NOON.isoformat(), "duration_s": 2700, "limit_s": 2700}


def test_silence_is_said_once_a_day_and_over_when_something_comes() -> None:
    band = Band()
    for _ in range(24 * 60 + 46):
        band.wait(1).watched(NOON)
    assert band.reasons == ["silent", "silent"]
    assert band.watched(band.now - timedelta(minutes=1))[0].reason == "heard_again"
    assert band.watched(band.now) == []


def test_only_late_messages_are_a_sign_of_life_and_yet_no_heart_rate() -> None:
    band = Band()
    for _ in range(8 * 15 - 1):
        band.wait(1).heart(70, delay=3600)
        assert band.watched(band.now) == []
    band.wait(2)
    assert [verdict.reason for verdict in band.watched(band.now)] == ["worn_without_value"]


def test_a_clock_that_went_wrong_is_found_after_two_hours() -> None:
    band = Band()
    band.heart(70)
    for _ in range(15 + 30 + 119):
        band.wait(1).watched(band.now)
    assert band.said == []
    band.wait(1).watched(band.now)
    assert band.reasons == ["worn_without_value"]


def test_off_the_wrist_is_found_though_nothing_more_is_said() -> None:
    band = Band()
    band.status(worn=False)
    assert band.wait(29).watched(NOON) == []
    assert [verdict.reason for verdict in band.wait(1).watched(NOON)] == ["off_wrist"]


def test_what_a_silent_band_said_of_the_wrist_is_old() -> None:
    band = Band()
    band.status(worn=False)
    band.wait(60)
    assert band.watched(band.now) == []  # the service was down, so nobody knows what the band said since


def test_away_silence_is_expected_and_counts_from_the_return() -> None:
    band = Band(who=profile(away_until=NOON + timedelta(hours=8)))
    for _ in range(8 * 60 + 44):
        band.wait(1).watched(NOON)
    assert band.said == []
    band.wait(1).watched(NOON)
    assert band.reasons == ["silent"]
    assert band.findings[0].detail["duration_s"] == 2700


def test_the_watch_speaks_in_utc() -> None:
    band = Band()
    band.wait(45).watched(NOON)
    assert band.said[0].at == datetime(2026, 3, 2, 4, 45, tzinfo=UTC)


def test_where_the_clock_was_set_back_silence_is_found_anew() -> None:
    band = Band()
    band.wait(45).watched(NOON)
    band.now -= timedelta(days=400)
    assert [verdict.reason for verdict in band.watched(band.now - timedelta(minutes=45))] == ["silent"]
