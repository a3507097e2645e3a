"""Leaving the safe zone, and coming back."""

from datetime import timedelta

import pytest

from alerts.model.geo import distance_m
from alerts.model.incident import IncidentKind, Severity
from alerts.rules import evaluate
from eldercare.protocol.mqtt_v1 import Location
from tests.unit.alerts.rules.band import HOME, NOON, Band, profile


def test_distances_are_those_of_the_map() -> None:
    shanghai, beijing = (31.2304, 121.4737), (39.9042, 116.4074)
    assert distance_m(*shanghai, *beijing) == pytest.approx(1_067_000, rel=0.002)
    assert distance_m(0, 179.999, 0, -179.999) == pytest.approx(222.4, rel=0.001)
    assert distance_m(*HOME, *HOME) == 0
    assert distance_m(90, 0, -90, 0) == pytest.approx(20_015_115, rel=0.001)


def test_five_minutes_and_three_fixes_beyond_the_edge_are_a_warning() -> None:
    band = Band()
    assert band.fixes(520, 4) == []
    [finding] = band.wait(1).fix(520)
    assert (finding.kind, finding.reason) == (IncidentKind.WANDERING, "left_zone")
    assert band.findings[0].severity is Severity.WARNING
    detail = band.findings[0].detail
    assert (detail["distance_m"], detail["accuracy_m"], detail["radius_m"]) == (520, 10, 500)
    assert (detail["duration_s"], detail["fixes"]) == (300, 6)
    assert distance_m(detail["lat"], detail["lon"], *HOME) == pytest.approx(520)


def test_two_fixes_are_not_enough() -> None:
    band = Band()
    band.fix(600)
    assert band.wait(10).fix(600) == []
    assert band.wait(10).fix(600) != []


@pytest.mark.parametrize(("metres", "accuracy"), [(500, 0), (510, 10), (549, None), (549, 0), (590, 90)])
def test_what_the_accuracy_may_explain_is_inside(metres: float, accuracy: float | None) -> None:
    assert Band().fixes(metres, 60, accuracy) == []


@pytest.mark.parametrize(("metres", "accuracy"), [(512, 10), (552, None), (552, 0), (602, 100)])
def test_what_it_cannot_explain_is_outside(metres: float, accuracy: float | None) -> None:
    assert Band().fixes(metres, 5, accuracy) != []


def test_fixes_worse_than_100_m_are_ignored() -> None:
    assert Band().fixes(5000, 60, 101) == []


def test_a_position_0_0_is_none() -> None:
    band = Band()
    for _ in range(30):
        band.wait(1)
        nowhere = Location(ts=band.now, lat=0, lon=0, accuracy_m=5)
        band.state, verdicts = evaluate(band.state, nowhere, band.profile, band.now)
        assert verdicts == ()


def test_a_fix_inside_breaks_it() -> None:
    band = Band()
    band.fixes(520, 4)
    band.wait(1).fix(490)
    band.wait(1)
    assert band.fixes(520, 4) == []
    assert band.wait(1).fix(520) != []


def test_a_fix_that_may_be_either_neither_counts_nor_breaks() -> None:
    band = Band()
    band.fixes(520, 3)
    band.wait(1).fix(520, 60)
    band.wait(1).fix(520)
    assert band.findings[0].detail["fixes"] == 5


def test_a_jump_faster_than_120_km_h_is_not_believed() -> None:
    band = Band()
    for _ in range(20):
        band.wait(1).fix(0)
        band.wait(1).fix(3000)
    assert band.said == []
    assert band.state.zone.out_fixes == 0


def test_travel_at_120_km_h_is_believed() -> None:
    band = Band()
    band.fix(0)
    for minute in range(1, 9):
        band.wait(1).fix(minute * 1990)
    assert band.reasons == ["left_zone"]


def test_several_jumps_in_a_row_are_a_train() -> None:
    band = Band()
    for minute in range(40):
        band.fix(minute * 5000)
        band.wait(1)
    assert band.reasons == ["left_zone"]


def test_a_first_fix_far_off_does_not_blind_for_long() -> None:
    band = Band()
    band.fix(500_000)
    band.wait(1).fixes(700, 8)
    assert band.reasons == ["left_zone"]


def test_an_hour_without_a_fix_breaks_it() -> None:
    band = Band()
    band.fixes(600, 4)
    band.wait(46)
    assert band.fixes(600, 4) == []
    assert band.wait(1).fix(600) != []


def test_returning_clears() -> None:
    band = Band()
    band.fixes(700, 6)
    band.wait(1).fix(495)
    assert band.reasons == ["left_zone"]
    band.wait(1).fix(480)
    assert band.reasons == ["left_zone", "returned"]
    assert band.cleared[0].kind is IncidentKind.WANDERING


def test_at_a_small_zone_a_poor_fix_near_home_is_a_return() -> None:
    band = Band(who=profile(safe_radius_m=50))
    band.fixes(200, 6)
    band.wait(2).fix(20, 90)
    assert band.reasons == ["left_zone", "returned"]


def test_still_outside_is_said_again_after_hours() -> None:
    band = Band()
    band.fixes(700, 244)
    assert band.reasons == ["left_zone"]
    band.wait(1).fix(700)
    assert band.reasons == ["left_zone", "left_zone"]


def test_leaving_again_is_said_after_the_cool_down() -> None:
    band = Band()
    band.fixes(700, 5)
    band.wait(5).fix(0)
    band.wait(5).fixes(700, 19)
    assert band.reasons == ["left_zone", "returned"]
    band.wait(1).fix(700)
    assert band.reasons == ["left_zone", "returned", "left_zone"]


def test_without_a_circle_nobody_has_left_one() -> None:
    band = Band(who=profile(safe_radius_m=None))
    assert band.fixes(3_000, 60) == []
    assert band.state.zone.ts == band.now.timestamp()


def test_a_circle_that_nobody_wants_any_more_is_over() -> None:
    band = Band()
    band.fixes(700, 6)
    band.profile = profile(safe_radius_m=None)
    band.wait(1).fix(700)
    assert band.reasons == ["left_zone", "returned"]


def test_without_a_home_position_no_zone_is_watched() -> None:
    band = Band(who=profile(home_lat=None, home_lon=None))
    assert band.fixes(70_000, 60) == []
    assert band.state.zone.ts == band.now.timestamp()


def test_disorder_and_late_fixes_change_nothing() -> None:
    band = Band()
    band.fixes(600, 3)
    before = band.state
    band.fix(600)
    band.now -= timedelta(minutes=2)
    band.fix(0, delay=120)
    band.wait(30).fix(0, delay=601)
    assert (band.state, band.said) == (before, [])


def test_away_nothing_is_said_and_the_way_home_still_clears() -> None:
    band = Band()
    band.fixes(700, 6)
    band.profile = profile(away_until=NOON + timedelta(hours=3))
    band.wait(1).fixes(9000, 120)
    assert band.reasons == ["left_zone"]
    band.wait(120).fix(0)
    assert band.reasons == ["left_zone", "returned"]
