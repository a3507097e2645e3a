"""Too high, too low: at rest, for long enough, once."""

from datetime import timedelta

import pytest

from alerts.model.incident import IncidentKind, Severity
from tests.unit.alerts.rules.band import MIDNIGHT, NOON, Band, profile


@pytest.mark.parametrize(
    ("bpm", "minutes", "reason", "severity"),
    [
        (131, 5, "high_urgent", Severity.URGENT),
        (111, 10, "high_warning", Severity.WARNING),
        (130, 10, "high_warning", Severity.WARNING),
        (50, 10, "low_warning", Severity.WARNING),
        (41, 10, "low_warning", Severity.WARNING),
        (40, 5, "low_urgent", Severity.URGENT),
    ],
)
def test_by_day_a_rate_beyond_a_limit_is_found_when_it_has_lasted(
    bpm: float, minutes: int, reason: str, severity: Severity
) -> None:
    band = Band()
    assert band.hearts(bpm, minutes - 1) == []
    [finding] = band.wait(1).heart(bpm)
    assert (finding.kind, finding.reason) == (IncidentKind.HEART_RATE, reason)
    assert band.findings[0].severity is severity
    assert finding.at == NOON + timedelta(minutes=minutes)
    assert band.findings[0].detail["duration_s"] == minutes * 60
    assert band.findings[0].detail["values"] == minutes + 1


@pytest.mark.parametrize("bpm", [51, 75, 110])
def test_a_rate_within_the_limits_says_nothing(bpm: float) -> None:
    assert Band().hearts(bpm, 120) == []


def test_the_detail_says_what_was_seen_and_which_limit_that_broke() -> None:
    band = Band()
    for bpm in (132, 150, 140, 133, 131, 135):
        band.heart(bpm)
        band.wait(1)
    assert band.findings[0].detail == {
        "bpm": 135,
        "mean_bpm": 137,
        "limit_bpm": 131,
        "duration_s": 300,
        "values": 6,
    }


@pytest.mark.parametrize(("bpm", "reasons"), [(41, []), (40, ["low_warning"]), (36, ["low_warning"])])
def test_at_night_low_limits_are_lower(bpm: float, reasons: list[str]) -> None:
    band = Band(MIDNIGHT)
    band.hearts(bpm, 15)
    assert band.reasons == reasons


def test_at_night_35_is_urgent() -> None:
    band = Band(MIDNIGHT)
    band.hearts(35, 5)
    assert band.reasons == ["low_urgent"]


def test_whoever_has_lower_limits_by_day_keeps_them_at_night() -> None:
    band = Band(MIDNIGHT, profile({"hr_low_warning": 38, "hr_low_urgent": 33}))
    assert band.hearts(39, 20) == []
    band.wait(1).hearts(34, 10)
    assert band.reasons == ["low_warning"]


def test_fewer_than_three_values_are_no_proof() -> None:
    band = Band(who=profile({"hr_gap_s": 400}))
    band.heart(150)
    assert band.wait(6).heart(150) == []
    assert band.wait(1).heart(150) != []


def test_two_values_within_the_limits_break_it() -> None:
    band = Band()
    band.hearts(150, 4)
    band.wait(1).hearts(110, 1)
    band.wait(1)
    assert band.hearts(150, 4) == []
    assert [finding.reason for finding in band.wait(1).heart(150)] == ["high_urgent"]


def test_one_that_a_noisy_wrist_may_explain_does_not() -> None:
    band = Band()
    for bpm in (38, 35, 44, 37, 36):
        assert band.heart(bpm) == []
        band.wait(1)
    band.heart(38)
    assert band.reasons == ["low_urgent"]
    assert (band.findings[0].detail["mean_bpm"], band.findings[0].detail["values"]) == (38, 6)


def test_a_value_within_the_limits_is_no_alarm_itself() -> None:
    band = Band()
    band.hearts(150, 4)
    assert band.wait(1).heart(120) == []
    assert band.wait(1).heart(150) != []


def test_at_the_limit_one_value_breaks_it() -> None:
    band = Band()
    for _ in range(10):
        for bpm in (50, 50, 49, 52):
            band.heart(bpm)
            band.wait(1)
    assert band.said == []


def test_a_lapse_that_drags_the_mean_inside_breaks_it() -> None:
    band = Band()
    band.hearts(140, 2)
    band.wait(1).heart(60)
    band.wait(1)
    assert band.hearts(140, 4) == []
    assert band.wait(1).heart(140) != []


def test_urgent_must_last_by_itself() -> None:
    band = Band()
    band.hearts(140, 4)
    band.wait(1).hearts(120, 1)
    band.wait(1)
    band.hearts(140, 2)
    assert band.reasons == []
    band.wait(1).hearts(140, 1)
    assert band.reasons == ["high_warning"]
    band.wait(1).heart(140)
    assert band.reasons == ["high_warning", "high_urgent"]


def test_a_gap_breaks_it() -> None:
    band = Band()
    band.hearts(150, 4)
    band.wait(3.1)
    assert band.hearts(150, 4) == []
    assert band.wait(1).heart(150) != []


def test_a_gap_as_long_as_allowed_does_not() -> None:
    band = Band()
    band.hearts(150, 2)
    band.wait(3)
    assert band.heart(150) != []


@pytest.mark.parametrize("fields", [{"motion": "active"}, {"steps": 12}, {"motion": "rest", "steps": 3}])
def test_a_high_rate_counts_after_ten_minutes_without_movement(fields: dict[str, object]) -> None:
    band = Band()
    band.hearts(150, 30, **fields)
    assert band.reasons == []
    assert band.wait(1).hearts(150, 13, motion="rest", steps=0) == []
    band.wait(1).heart(150)
    assert band.reasons == ["high_urgent"]


def test_movement_seen_in_a_value_that_does_not_count_is_movement() -> None:
    band = Band()
    band.heart(0, motion="active")
    band.wait(1)
    assert band.hearts(150, 13) == []


def test_a_low_rate_counts_from_the_first_value_at_rest() -> None:
    band = Band()
    band.hearts(35, 10, motion="active")
    band.wait(1)
    assert [finding.reason for finding in band.hearts(35, 5)] == ["low_urgent"]


def test_moving_while_an_alarm_stands_breaks_what_was_going_on() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).heart(150, motion="active")
    band.wait(1)
    assert band.hearts(150, 27) == []  # ten minutes of rest, then five, but the cool-down is longer
    assert band.state.heart.high is not None
    assert band.state.heart.high.warning.since == (NOON + timedelta(minutes=16)).timestamp()


@pytest.mark.parametrize(
    "fields",
    [{"bpm": 0}, {"bpm": 24.9}, {"bpm": 221}, {"bpm": 150, "quality": 29}],
)
def test_what_is_no_heart_rate_says_nothing(fields: dict[str, float]) -> None:
    assert Band().hearts(**fields, minutes=30) == []  # type: ignore[arg-type]


def test_good_quality_counts() -> None:
    assert Band().hearts(150, 5, quality=30) != []


def test_values_that_are_none_neither_count_nor_break() -> None:
    band = Band()
    band.hearts(150, 2)
    band.wait(1).heart(0)
    band.wait(1).heart(300)
    band.wait(1).heart(150)
    assert band.reasons == ["high_urgent"]


def test_a_band_off_the_wrist_measures_nothing() -> None:
    band = Band()
    band.status(worn=False)
    assert band.hearts(150, 20) == []


def test_a_band_that_said_so_long_ago_is_believed_no_more() -> None:
    band = Band()
    band.status(worn=False)
    band.wait(46)
    assert [finding.reason for finding in band.hearts(150, 5)] == ["high_urgent"]


def test_it_is_over_when_well_inside_for_as_long_as_an_urgent_rate() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(107, 20)
    assert band.cleared == []
    band.wait(1).hearts(106, 4)
    assert band.cleared == []
    band.wait(1).heart(80)
    assert band.reasons == ["high_urgent", "high_over"]


def test_a_value_at_the_limit_starts_the_end_anew() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(90, 4)
    band.wait(1).heart(109)
    band.wait(1).hearts(90, 4)
    assert band.cleared == []
    band.wait(1).heart(90)
    assert band.reasons == ["high_urgent", "high_over"]


def test_movement_does_not_hinder_the_end() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(90, 5, motion="active")
    assert band.reasons == ["high_urgent", "high_over"]


def test_a_gap_starts_the_end_anew() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(90, 3)
    band.wait(4).hearts(90, 4)
    assert band.cleared == []
    band.wait(1).heart(90)
    assert band.reasons == ["high_urgent", "high_over"]


def test_what_lasts_is_said_again_after_the_cool_down() -> None:
    band = Band()
    band.hearts(150, 34)
    assert band.reasons == ["high_urgent"]
    band.wait(1).heart(150)
    assert band.reasons == ["high_urgent", "high_urgent"]


def test_the_cool_down_holds_when_it_was_over_meanwhile() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(80, 6)
    band.wait(1).hearts(150, 20)
    assert band.reasons == ["high_urgent", "high_over"]
    band.wait(1).hearts(150, 5)
    assert band.reasons == ["high_urgent", "high_over", "high_urgent"]


def test_after_the_cool_down_nothing_is_remembered() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(80, 40)
    assert band.state.heart.high is None


def test_a_warning_becomes_urgent_at_once() -> None:
    band = Band()
    band.hearts(120, 10)
    band.wait(1).hearts(140, 5)
    assert band.reasons == ["high_warning", "high_urgent"]


def test_an_urgent_one_is_no_warning_within_the_cool_down() -> None:
    band = Band()
    band.hearts(140, 5)
    band.wait(1).hearts(120, 28)
    assert band.reasons == ["high_urgent"]


def test_low_after_high_is_news() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(35, 5)
    assert band.reasons == ["high_urgent", "high_over", "low_urgent"]


def test_after_a_gap_it_is_still_known_what_stands() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(20).hearts(80, 5)
    assert band.reasons == ["high_urgent", "high_over"]


def test_after_a_gap_a_low_alarm_is_still_known_too() -> None:
    band = Band()
    band.hearts(35, 5)
    band.wait(20).hearts(80, 5)
    assert band.reasons == ["low_urgent", "low_over"]


def test_personal_limits_are_hers_alone() -> None:
    band = Band(who=profile({"hr_high_warning": 125, "hr_warning_s": 120}))
    assert band.hearts(124, 30) == []
    band.wait(1).hearts(125, 2)
    assert band.reasons == ["high_warning"]


def test_late_values_alarm_nobody_and_spoil_nothing() -> None:
    band = Band()
    before = band.state
    for _ in range(30):
        band.wait(1).heart(150, delay=601)
    assert band.said == []
    assert band.state is before


def test_values_ten_minutes_late_still_count() -> None:
    band = Band()
    for _ in range(6):
        band.wait(1).heart(150, delay=600)
    assert band.reasons == ["high_urgent"]


def test_a_band_whose_clock_runs_ahead_says_nothing() -> None:
    band = Band()
    before = band.state
    for _ in range(10):
        band.wait(1).heart(150, delay=-301)
    assert band.state is before


def test_a_frozen_clock_is_one_value() -> None:
    band = Band()
    for _ in range(30):
        band.heart(150)
    assert band.said == []


def test_disorder_changes_nothing() -> None:
    band = Band()
    band.hearts(150, 3)
    before = band.state
    band.now -= timedelta(minutes=2)
    band.heart(70, delay=120)
    assert band.state is before


def test_where_the_clock_was_set_back_the_rules_begin_anew() -> None:
    band = Band()
    band.hearts(150, 4)
    band.status(worn=True)
    band.fix(600)
    band.now -= timedelta(days=400)
    band.fix(0)
    assert band.state.zone.ts == band.now.timestamp()
    band.status(worn=True)
    band.hearts(150, 5)
    assert band.reasons == ["high_urgent"]


def test_away_nothing_is_said_and_nothing_goes_on() -> None:
    band = Band(who=profile(away_until=NOON + timedelta(hours=1)))
    assert band.hearts(150, 59) == []
    band.wait(1)
    assert band.hearts(150, 4) == []
    assert band.wait(1).heart(150) != []


def test_what_stood_before_she_went_is_over_when_she_is_back() -> None:
    band = Band()
    band.hearts(150, 5)
    band.profile = profile(away_until=band.now + timedelta(hours=2))
    band.wait(1).hearts(80, 60)
    assert band.reasons == ["high_urgent"]
    band.wait(62).hearts(80, 5)
    assert band.reasons == ["high_urgent", "high_over"]
