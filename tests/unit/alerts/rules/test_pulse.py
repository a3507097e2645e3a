"""No pulse: worn, measured just before, and no more."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.model.incident import IncidentKind, Severity
from alerts.rules import pulse
from alerts.rules.pulse import Pulse
from eldercare.protocol.mqtt_v1 import Status
from tests.unit.alerts.rules.band import NOON, Band, profile


def lost(*, every: float = 1, minutes: float = 30, **fields: Any) -> Band:
    """A band that has measured for an hour, and now says that it measures nothing."""
    band = measured(every)
    for _ in range(int(minutes / every)):
        band.heart(0, **({"motion": "rest", "steps": 0} | fields))
        band.wait(every)
    return band


def measured(every: float = 1, **fields: Any) -> Band:
    band = Band()
    for _ in range(int(max(60 / every, 4))):
        band.heart(72, **({"motion": "rest", "steps": 0} | fields))
        band.wait(every)
    return band


def found_after(band: Band) -> float:
    """Minutes from the last value to the call."""
    finding = next(each for each in band.findings if each.reason == "no_pulse")
    assert finding.episode_at is not None
    return (finding.at - finding.episode_at).total_seconds() / 60


def test_a_call_within_a_quarter_of_an_hour() -> None:
    band = lost()
    (finding,) = band.findings
    assert (finding.kind, finding.severity) == (IncidentKind.NO_HEART_RATE, Severity.URGENT)
    assert finding.detail == {"duration_s": 600, "limit_s": 600}
    assert finding.episode_at == NOON + timedelta(minutes=59)
    assert found_after(band) == 10


@pytest.mark.parametrize(("every", "minutes"), [(0.25, 10), (2, 10), (5, 10), (10, 30), (30, 90)])
def test_a_band_is_waited_for_in_its_own_rhythm(every: float, minutes: float) -> None:
    assert found_after(lost(every=every, minutes=300)) == pytest.approx(minutes, abs=max(every, 1))


def test_a_band_that_says_only_that_it_is_worn_measures_nothing_either() -> None:
    band = measured()
    for _ in range(4):
        band.status(worn=True)
        last = band.now
        for _ in range(5):
            band.wait(1).watched(last)
    assert band.reasons == ["no_pulse"]


def test_a_band_that_says_nothing_of_the_wrist_nor_of_the_heart_is_no_evidence() -> None:
    band = measured()
    for _ in range(4):
        band.status(battery_pct=80)
        band.wait(5)
    assert band.reasons == []


@pytest.mark.parametrize("said", [{"worn": False}, {"charging": True}])
def test_off_the_wrist_is_no_lost_pulse(said: dict[str, bool]) -> None:
    band = measured()
    band.status(**said)
    for _ in range(40):
        band.heart(0, motion="rest", steps=0)
        band.wait(1)
    assert "no_pulse" not in band.reasons


def test_whoever_moves_has_a_pulse() -> None:
    assert "no_pulse" not in lost(steps=20, motion="active").reasons


def test_the_steps_that_come_with_the_first_empty_value_were_made_before() -> None:
    band = measured()
    band.heart(0, steps=12)
    for _ in range(12):
        band.wait(1).heart(0, motion="rest", steps=0)
    assert band.reasons == ["no_pulse"]


def test_somebody_who_is_moved_once_is_lost_again_ten_minutes_later() -> None:
    band = lost(minutes=15)
    band.heart(0, steps=30)
    for _ in range(12):
        band.wait(1).heart(0, motion="rest", steps=0)
    assert band.reasons == ["no_pulse", "moved_again", "no_pulse"]


def test_a_contact_that_flaps_hides_nothing() -> None:
    band = measured()
    for minute in range(14):
        if minute in (3, 5):
            band.status(worn=minute == 5)
        band.heart(0, motion="rest", steps=0)
        band.wait(1)
    assert band.reasons == ["no_pulse"]


def test_a_band_that_was_out_of_reach_has_not_lost_her_pulse() -> None:
    band = measured()
    band.status(worn=True)
    band.wait(12).status(worn=True)
    band.wait(1).heart(0, motion="rest", steps=0)
    band.wait(1).hearts(72, 5, motion="rest", steps=0)
    assert band.reasons == []


def test_a_loose_band_is_waited_for_longer_each_time() -> None:
    band, losses = measured(), []
    for _ in range(4):
        for _ in range(12):
            band.heart(0, motion="rest", steps=0)
            band.wait(1)
        band.hearts(72, 15, motion="rest", steps=0)
        band.wait(1)
        losses.append(band.reasons.count("no_pulse"))
    assert losses == [1, 1, 1, 1]
    for _ in range(25):
        band.heart(0, motion="rest", steps=0)
        band.wait(1)
    assert band.reasons.count("no_pulse") == 2


def test_the_order_of_what_a_band_says_of_the_wrist_changes_nothing() -> None:
    who, times = profile(), [NOON + timedelta(minutes=each) for each in (0, 15, 30, 45)]
    forth, back = Pulse(), Pulse()
    for each in times:
        forth = pulse.hear(forth, Status(ts=each, worn=True), who, each.timestamp())
    for each in [*reversed(times), *times]:
        back = pulse.hear(back, Status(ts=each, worn=True), who, each.timestamp())
    assert forth == back
    assert pulse.hear(forth, Status(ts=NOON, worn=False), who, NOON.timestamp()) is forth


def test_a_device_for_single_values_has_no_pulse_to_lose() -> None:
    band = Band(NOON)
    for _ in range(3):
        band.hearts(75, 2)
        for _ in range(16):
            band.wait(30).watched(band.now)
    band.hearts(75, 2)
    band.wait(4).heart(0)
    band.wait(6).heart(0)
    assert "no_pulse" not in band.reasons


def test_movement_that_nobody_tells_of_keeps_nothing_quiet() -> None:
    band = measured(motion=None, steps=None)
    for _ in range(15):
        band.heart(0)
        band.wait(1)
    assert band.reasons == ["no_pulse"]


def test_a_band_that_was_just_put_on_has_not_lost_anything() -> None:
    band = measured()
    band.status(worn=False)
    band.wait(5).status(worn=True)
    for _ in range(40):
        band.heart(0, motion="rest", steps=0)
        band.wait(1)
    assert band.reasons == []


def test_a_band_that_has_never_measured_or_too_little_is_not_known() -> None:
    band = Band()
    for _ in range(2):
        band.heart(72, motion="rest")
        band.wait(1)
    for _ in range(40):
        band.heart(0, motion="rest")
        band.wait(1)
    assert band.reasons == []


def test_a_silent_band_says_nothing_of_her_pulse() -> None:
    band = measured()
    for _ in range(3):
        band.heart(0, motion="rest")
        band.wait(1)
    last = band.now
    for _ in range(30):
        band.wait(1).watched(last)
    assert band.reasons == []


def test_a_band_on_a_table_that_stops_measuring_is_told_more_quietly() -> None:
    band = Band()
    band.heart(70, steps=30)
    for minute in range(180):
        band.heart(70 if minute % 2 else 85, motion="rest", steps=0)
        band.wait(1)
    for _ in range(30):
        band.heart(0, motion="rest", steps=0)
        band.wait(1)
    (finding,) = band.findings[-1:]
    assert (finding.reason, finding.severity) == ("no_pulse_or_not_worn", Severity.WARNING)


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (lambda band: band.heart(72, motion="rest"), "measured_again"),
        (lambda band: band.status(worn=False), "taken_off"),
        (lambda band: band.heart(0, steps=30), "moved_again"),
    ],
)
def test_it_is_over_when_there_is_another_sign(then: Any, reason: str) -> None:
    band = lost(minutes=15)
    then(band.wait(1))
    assert band.reasons == ["no_pulse", reason]


def test_it_is_said_once_and_the_missing_values_of_hours_end_with_it() -> None:
    band = lost(minutes=120)
    assert band.reasons == ["no_pulse", "worn_without_value"]
    band.heart(72, motion="rest")
    band.wait(1).heart(72, motion="rest")
    assert band.reasons[2:] == ["measured_again"]


def test_a_loss_that_lasts_is_told_again_as_the_same_episode() -> None:
    band = lost(minutes=4 * 60 + 12)
    told = [each for each in band.findings if each.reason == "no_pulse"]
    assert [(each.at - told[0].at) // timedelta(minutes=1) for each in told] == [0, 120, 240]
    assert len({each.episode_at for each in told}) == 1
    assert {each.severity for each in told} == {Severity.URGENT}


def test_whoever_comes_home_is_waited_for_anew() -> None:
    band = Band(who=profile(away_until=NOON.replace(hour=NOON.hour + 1)))
    for _ in range(90):
        band.heart(0 if band.now >= NOON.replace(hour=NOON.hour + 1) else 72, motion="rest")
        band.wait(1)
    assert band.reasons == []
    home = Band(who=profile(away_until=NOON.replace(hour=NOON.hour + 2)))
    home.hearts(72, 30, motion="rest")
    for _ in range(30):
        home.heart(0, motion="rest")
        home.wait(1)
    assert home.reasons == []
