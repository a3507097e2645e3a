"""What the band says of itself: off the wrist, without a value, battery."""

from datetime import timedelta

from alerts.model.incident import IncidentKind, Severity
from tests.unit.alerts.rules.band import MIDNIGHT, NOON, Band, profile


def every_quarter(band: Band, times: int, **fields: object) -> None:
    for _ in range(times):
        band.wait(15).status(**fields)


def test_off_the_wrist_for_half_an_hour_by_day_is_a_task() -> None:
    band = Band()
    band.status(worn=False)
    every_quarter(band, 1, worn=False)
    assert band.said == []
    every_quarter(band, 1, worn=False)
    [finding] = band.findings
    assert (finding.kind, finding.severity, finding.reason) == (IncidentKind.OFF_WRIST, Severity.TASK, "off_wrist")
    assert finding.detail == {"duration_s": 1800, "limit_s": 1800, "charging": False}


def test_it_is_said_once_a_day_and_over_when_worn_again() -> None:
    band = Band(NOON - timedelta(hours=4))
    band.status(worn=False)
    every_quarter(band, 40, worn=False)
    assert band.reasons == ["off_wrist"]
    every_quarter(band, 1, worn=True)
    assert band.reasons == ["off_wrist", "worn_again"]


def test_off_the_wrist_the_whole_night_counts_from_the_morning() -> None:
    band = Band(MIDNIGHT)
    band.status(worn=False)
    every_quarter(band, 25, worn=False)
    assert band.said == []
    every_quarter(band, 1, worn=False)
    assert band.findings[0].at == MIDNIGHT + timedelta(hours=6, minutes=30)


def test_a_status_that_leaves_it_out_changes_nothing() -> None:
    band = Band()
    band.status(worn=False)
    every_quarter(band, 2)
    assert band.reasons == ["off_wrist"]


def test_on_its_charger_a_band_is_given_three_hours() -> None:
    band = Band()
    band.status(worn=False, charging=True)
    every_quarter(band, 11)
    assert band.said == []
    every_quarter(band, 1)
    assert band.reasons == ["off_wrist"]


def test_two_hours_worn_without_a_value_is_a_technical_task() -> None:
    band = Band()
    band.status(worn=True)
    for _ in range(119):
        band.wait(1).heart(0)
    assert band.said == []
    band.wait(1).heart(0)
    [finding] = band.findings
    assert (finding.kind, finding.reason) == (IncidentKind.NO_HEART_RATE, "worn_without_value")
    assert finding.detail == {"duration_s": 7200, "limit_s": 7200}
    band.wait(1).heart(0)
    assert len(band.said) == 1
    band.wait(1).heart(70)
    assert band.reasons == ["worn_without_value", "measured_again"]


def test_a_band_that_never_says_whether_it_is_worn_counts_as_worn() -> None:
    band = Band()
    band.heart(70)
    every_quarter(band, 8, battery_pct=80)
    assert band.reasons == ["worn_without_value"]


def test_it_is_over_when_the_band_is_taken_off() -> None:
    band = Band()
    band.heart(70)
    every_quarter(band, 8, worn=True)
    every_quarter(band, 1, worn=False)
    assert band.reasons == ["worn_without_value", "taken_off"]


def test_the_wait_begins_when_it_is_put_on() -> None:
    band = Band(MIDNIGHT)
    band.heart(70)
    every_quarter(band, 20, worn=False)
    every_quarter(band, 8, worn=True)
    assert band.said == []
    every_quarter(band, 1, worn=True)
    assert band.reasons == ["worn_without_value"]


def test_the_wait_begins_when_it_comes_off_the_charger() -> None:
    band = Band()
    band.heart(70)
    every_quarter(band, 12, charging=True)
    every_quarter(band, 8, charging=False)
    assert band.said == []
    every_quarter(band, 1)
    assert band.reasons == ["worn_without_value"]


def test_the_wait_begins_anew_after_silence_because_values_of_that_time_come_late() -> None:
    band = Band()
    band.heart(70)
    band.wait(180).status(worn=True)
    assert band.said == []
    every_quarter(band, 8, worn=True)
    assert band.reasons == ["worn_without_value"]


def test_low_battery_is_one_notice_a_day() -> None:
    band = Band()
    band.status(battery_pct=21)
    assert band.said == []
    every_quarter(band, 2, battery_pct=20)
    [finding] = band.findings
    assert (finding.kind, finding.reason) == (IncidentKind.LOW_BATTERY, "battery_low")
    assert finding.detail == {"battery_pct": 20, "limit_pct": 20}
    for _ in range(95):
        band.heart(70)
        every_quarter(band, 1, battery_pct=5)
    assert len(band.findings) == 2
    assert band.findings[1].at - band.findings[0].at == timedelta(days=1)


def test_a_battery_that_charges_is_no_longer_low() -> None:
    band = Band()
    band.status(battery_pct=10)
    band.wait(1).status(battery_pct=10, charging=True)
    assert band.reasons == ["battery_low", "charging"]
    band.wait(1).status(battery_pct=10, charging=False)
    assert band.reasons == ["battery_low", "charging"]


def test_a_battery_well_above_the_limit_is_charged() -> None:
    band = Band()
    band.status(battery_pct=10)
    band.wait(1).status(battery_pct=29)
    assert band.reasons == ["battery_low"]
    band.wait(1).status(battery_pct=30)
    assert band.reasons == ["battery_low", "charged"]


def test_an_old_or_late_status_changes_nothing() -> None:
    band = Band()
    band.status(worn=True)
    before = band.state
    band.status(worn=False)
    band.now -= timedelta(minutes=5)
    band.status(worn=False, delay=300)
    band.wait(6).status(worn=False, battery_pct=1, delay=601)
    assert (band.state, band.said) == (before, [])


def test_a_status_older_than_a_value_is_still_taken_in() -> None:
    band = Band()
    band.heart(70)
    band.now -= timedelta(minutes=5)
    band.status(worn=False, delay=300)
    assert band.state.wear.worn is False
    assert band.state.heard == NOON.timestamp()


def test_a_value_older_than_a_status_still_counts() -> None:
    band = Band()
    band.status(worn=True)
    band.now -= timedelta(minutes=5)
    band.heart(70, delay=300)
    assert band.state.heart.measured == (NOON - timedelta(minutes=5)).timestamp()
    assert band.state.heard == NOON.timestamp()


def test_away_nothing_is_said_and_what_the_band_says_is_known_afterwards() -> None:
    band = Band(who=profile(away_until=NOON + timedelta(hours=4)))
    band.status(worn=False, battery_pct=5)
    every_quarter(band, 15, worn=False, battery_pct=5)
    assert band.said == []
    band.now -= timedelta(minutes=20)
    band.status(worn=True)  # older than the last: not believed
    band.wait(20)
    every_quarter(band, 2, worn=False)
    assert band.said == []
    every_quarter(band, 1, worn=False)
    assert band.reasons == ["off_wrist"]
    assert band.findings[0].detail["duration_s"] == 1800


def test_one_reading_may_tell_of_two_things_and_neither_hides_the_other() -> None:
    band = Band()
    band.status(worn=False, battery_pct=60)
    every_quarter(band, 1, worn=False, battery_pct=60)
    every_quarter(band, 1, worn=False, battery_pct=5)
    assert {finding.kind for finding in band.findings} == {IncidentKind.OFF_WRIST, IncidentKind.LOW_BATTERY}
    assert len({finding.at for finding in band.findings}) == 1
