"""New readings through the rules, band by band."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import ingest.pipeline.evaluation
from alerts.detection.devices import Device, Latest
from alerts.model.incident import Finding, IncidentKind, Severity
from alerts.rules import Profile, State, Thresholds
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from ingest.pipeline.evaluation import evaluate_readings
from ingest.protocols.device_reading import DeviceReading
from ingest.protocols.mqtt_v1 import Reading

NOON = datetime(2026, 5, 4, 4, tzinfo=UTC)


def band(name: str = "band-1", *, worn: bool = True, since: timedelta = timedelta(days=1)) -> Device:
    profile = Profile(7, 31.2, 121.4, 500, None, ZoneInfo("Asia/Shanghai"), Thresholds()) if worn else None
    return Device(name, State(), profile, None, NOON - since if worn else None)


def told(*readings: Reading, name: str = "band-1") -> list[DeviceReading]:
    return [DeviceReading(name, reading) for reading in readings]


def heart(bpm: float, seconds: float) -> HeartRate:
    return HeartRate(ts=NOON - timedelta(seconds=seconds), bpm=bpm, motion="rest")


def test_disorder_within_a_batch_is_put_right() -> None:
    racing = [heart(140, seconds) for seconds in range(0, 580, 20)]
    evaluation = evaluate_readings(told(*racing), {"band-1": band()}, NOON)
    [judged] = evaluation.verdicts
    assert isinstance(judged.verdict, Finding)
    assert (judged.verdict.kind, judged.verdict.severity) == (IncidentKind.HEART_RATE, Severity.URGENT)
    assert (judged.subject.key, judged.subject.device_id) == ("resident:7", "band-1")


def test_the_state_goes_into_the_band() -> None:
    one = band()
    evaluate_readings(told(heart(70, 10)), {"band-1": one}, NOON)
    assert one.state.heard == (NOON - timedelta(seconds=10)).timestamp()


def test_the_newest_of_each_kind() -> None:
    evaluation = evaluate_readings(
        told(
            heart(71.6, 20),
            heart(99, 60),
            heart(0, 5),
            Location(ts=NOON - timedelta(seconds=30), lat=31.2, lon=121.4, accuracy_m=8),
            Location(ts=NOON - timedelta(seconds=90), lat=1, lon=1),
            Status(ts=NOON - timedelta(seconds=9), worn=False),
            Status(ts=NOON - timedelta(seconds=50), battery_pct=41.7, worn=True, firmware="1", signal_dbm=-70.4),
        ),
        {"band-1": band()},
        NOON,
    )
    assert evaluation.not_measured == 1
    assert evaluation.latest["band-1"] == Latest(
        bpm=72,
        bpm_ts=NOON - timedelta(seconds=20),
        lat=31.2,
        lon=121.4,
        accuracy_m=8,
        location_ts=NOON - timedelta(seconds=30),
        battery_pct=42,
        worn=False,
        signal_dbm=-70,
        firmware="1",
        status_ts=NOON - timedelta(seconds=9),
    )


def test_what_was_told_before_this_wearer_is_nobodys() -> None:
    one = band(since=timedelta(seconds=30))
    evaluation = evaluate_readings(
        told(*[heart(140, seconds) for seconds in range(31, 590, 10)]), {"band-1": one}, NOON
    )
    assert (evaluation.verdicts, evaluation.latest["band-1"], one.state) == ([], Latest(), State())


def test_a_band_that_nobody_wears_is_not_judged() -> None:
    one = band(worn=False)
    evaluation = evaluate_readings(told(*[heart(140, seconds) for seconds in range(0, 590, 10)]), {"band-1": one}, NOON)
    assert (evaluation.verdicts, evaluation.latest["band-1"].bpm, one.state) == ([], 140, State())


def test_a_mistake_in_the_rules_stays_with_its_band(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ingest.pipeline.evaluation.evaluate

    def broken(state: State, reading: Reading, profile: Profile, now: datetime) -> object:
        if reading.ts == NOON - timedelta(seconds=13):
            raise ZeroDivisionError("of the test")
        return real(state, reading, profile, now)

    monkeypatch.setattr("ingest.pipeline.evaluation.evaluate", broken)
    bands = {"band-1": band(), "band-2": band("band-2")}
    evaluation = evaluate_readings(told(heart(70, 20), heart(70, 13)) + told(heart(70, 12), name="band-2"), bands, NOON)
    assert evaluation.errors == 1
    assert bands["band-1"].state == State()
    assert bands["band-2"].state.heard is not None
    assert evaluation.latest["band-1"].bpm == 70


def test_what_the_broker_had_kept_is_not_judged() -> None:
    one = band()
    kept = [each._replace(retained=True) for each in told(*(heart(140, seconds) for seconds in range(0, 580, 20)))]
    evaluation = evaluate_readings(kept, {"band-1": one}, NOON)
    assert (evaluation.verdicts, evaluation.latest, one.state) == ([], {}, State())


@pytest.mark.parametrize(("bpm", "quality"), [(255, 5), (255, 100), (221, None), (24, None), (80, 29)])
def test_what_is_no_heart_rate_for_the_rules_is_none_on_the_tile(bpm: float, quality: float | None) -> None:
    artefact = HeartRate(ts=NOON, bpm=bpm, quality=quality)
    evaluation = evaluate_readings(told(heart(71, 20), artefact), {"band-1": band()}, NOON)
    assert evaluation.latest["band-1"].bpm == 71
