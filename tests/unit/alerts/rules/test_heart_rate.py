"""Too high, too low: at rest, for long enough, once."""

from datetime import datetime, timedelta

import pytest

from alerts.model.incident import IncidentKind, Severity
from alerts.rules.minutes import LONGEST_KEPT_MIN
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
    assert band.hearts(bpm, minutes - 2) == []
    [finding] = band.wait(1).heart(bpm)
    assert (finding.kind, finding.reason) == (IncidentKind.HEART_RATE, reason)
    assert band.findings[0].severity is severity
    # Each value stands for its minute.
    assert finding.at == NOON + timedelta(minutes=minutes - 1)
    assert band.findings[0].detail["duration_s"] == (minutes - 1) * 60
    assert band.findings[0].detail["values"] == minutes
    assert band.findings[0].episode_at == NOON


@pytest.mark.parametrize("bpm", [51, 75, 110])
def test_a_rate_within_the_limits_says_nothing(bpm: float) -> None:
    assert Band().hearts(bpm, 120) == []


def test_the_detail_says_what_was_seen_and_which_limit_that_broke() -> None:
    band = Band()
    for bpm in (132, 150, 140, 133, 131, 135):
        band.heart(bpm)
        band.wait(1)
    assert band.findings[0].detail == {
        "bpm": 131,
        "mean_bpm": 137,
        "limit_bpm": 131,
        "duration_s": 240,
        "values": 5,
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


@pytest.mark.parametrize("minutes", [3, 4, 5, 10, 30])
def test_a_band_that_measures_seldom_needs_three_values(minutes: float) -> None:
    band = Band()
    for _ in range(8):
        band.heart(70)
        band.wait(minutes)
    band.heart(150)
    assert band.wait(minutes).heart(150) == []
    [finding] = band.wait(minutes).heart(150)
    assert finding.reason == "high_urgent"
    assert band.findings[0].detail["duration_s"] == 2 * minutes * 60


def test_a_rate_of_which_half_is_within_the_limits_is_not_beyond_them() -> None:
    band = Band()
    for _ in range(20):
        for bpm in (112, 100):
            band.heart(bpm)
            band.wait(1)
    assert band.said == []


def test_one_that_a_noisy_wrist_may_explain_does_not_break_it() -> None:
    band = Band()
    for bpm in (38, 35, 44, 37):
        assert band.heart(bpm) == []
        band.wait(1)
    band.heart(36)
    assert band.reasons == ["low_urgent"]
    assert (band.findings[0].detail["mean_bpm"], band.findings[0].detail["values"]) == (38, 5)


def test_a_value_within_the_limits_is_no_alarm_itself() -> None:
    band = Band()
    band.hearts(150, 3)
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
    band.hearts(132, 2)
    band.wait(1).heart(60)
    band.wait(1)
    assert band.hearts(132, 1) == []


def test_urgent_must_last_by_itself() -> None:
    band = Band()
    band.hearts(140, 3)
    band.wait(1).hearts(112, 4)
    band.wait(1).heart(140)
    assert band.reasons == ["high_warning"]
    band.wait(1).hearts(140, 2)
    assert band.reasons == ["high_warning"]
    band.wait(1).heart(140)
    assert band.reasons == ["high_warning", "high_urgent"]


def test_a_stretch_half_of_which_was_not_measured_proves_nothing() -> None:
    band = Band()
    band.hearts(60, 10)
    band.wait(1).hearts(150, 1)
    assert band.wait(5).heart(150) == []


def test_a_pause_of_two_minutes_does_not_break_it() -> None:
    band = Band()
    band.hearts(60, 10)
    band.wait(1).hearts(150, 2)
    assert [finding.reason for finding in band.wait(3).heart(150)] == ["high_urgent"]


def test_a_fast_heart_after_exertion_counts_after_ten_minutes_of_rest() -> None:
    band = Band()
    band.hearts(150, 30, motion="active", steps=90)
    assert band.reasons == []
    assert band.wait(1).hearts(150, 12, motion="rest", steps=0) == []
    band.wait(1).heart(150, motion="rest", steps=0)
    assert band.reasons == ["high_urgent"]


@pytest.mark.parametrize("fields", [{"motion": "active"}, {"steps": 80}, {"motion": "active", "steps": 100}])
def test_a_heart_that_walking_did_not_make_fast_counts_as_soon_as_she_sits(fields: dict[str, object]) -> None:
    band = Band()
    band.hearts(90, 30, **fields)
    band.wait(1).hearts(150, 4, motion="rest", steps=0)
    assert band.reasons == ["high_urgent"]


def test_a_minute_with_steps_now_and_then_hides_nothing() -> None:
    band = Band()
    for minute in range(30):
        band.heart(125, motion="rest", steps=20 if minute % 8 == 0 else 0)
        band.wait(1)
    assert band.reasons == ["high_warning"]


def test_steps_told_for_many_minutes_are_movement_for_as_many_of_them() -> None:
    few, many = Band(), Band()
    for _ in range(6):
        few.heart(150, steps=40)
        many.heart(150, steps=400)
        few.wait(5)
        many.wait(5)
    assert (few.reasons, many.reasons) == (["high_urgent"], [])


def test_movement_seen_in_a_value_that_does_not_count_is_movement() -> None:
    band = Band()
    band.hearts(150, 20, motion="active")
    assert band.reasons == []
    band.wait(1).hearts(0, 3, motion="active")
    band.wait(1)
    assert band.hearts(150, 11, motion="rest") == []


def test_asleep_95_for_half_an_hour_is_a_warning() -> None:
    band = Band(MIDNIGHT)
    band.hearts(60, 40, motion="rest")
    band.wait(1).hearts(100, 28, motion="rest")
    assert band.reasons == []
    band.wait(1).heart(100, motion="rest")
    assert band.reasons == ["asleep_high_warning"]
    band.wait(1).hearts(80, 15, motion="rest")
    assert band.reasons == ["asleep_high_warning", "asleep_high_over"]


@pytest.mark.parametrize("start", [NOON, MIDNIGHT])
def test_awake_95_is_nothing(start: datetime) -> None:
    band = Band(start)
    for minute in range(120):
        moves = start == MIDNIGHT and minute % 20 == 0
        band.heart(100, motion="active" if moves else "rest")
        band.wait(1)
    assert band.reasons == []


def test_whoever_sleeps_on_in_the_morning_has_the_limits_of_the_night() -> None:
    band = Band(MIDNIGHT + timedelta(hours=4))
    band.heart(60, motion="active")
    band.wait(1).hearts(60, 60, motion="rest")
    band.wait(1).hearts(48, 150, motion="rest")  # until 7:02, and no frozen value
    assert band.reasons == []
    band.wait(1).hearts(48, 3, motion="active")
    band.wait(1).hearts(48, 12, motion="rest")
    assert band.reasons == ["low_warning"]


def test_whoever_sits_still_by_day_keeps_the_limits_of_the_day() -> None:
    band = Band(NOON)
    band.heart(60, motion="active")
    band.wait(1).hearts(60, 180, motion="rest")
    band.wait(1).hearts(45, 12, motion="rest")
    assert band.of_heart == ["low_warning"]


def on_a_table(band: Band, minutes: int, bpm: float) -> None:
    """Values that jump by 10 from minute to minute, and nobody moves."""
    for minute in range(minutes):
        band.wait(1).heart(bpm + 10 * (minute % 2), motion="rest", steps=0)


def test_what_jumps_for_hours_while_nobody_moves_is_no_heart_and_told_once_a_day() -> None:
    band = Band(NOON)
    band.heart(80, motion="active", steps=50)
    on_a_table(band, 150, 70)
    on_a_table(band, 300, 115)
    assert band.of_heart == ["values_of_no_heart"]
    band.wait(1).heart(70, motion="active")
    assert band.of_heart == ["values_of_no_heart", "measured_again"]
    on_a_table(band, 150, 70)
    on_a_table(band, 300, 115)
    assert band.of_heart == ["values_of_no_heart", "measured_again"]


def test_a_heart_that_jumps_is_still_urgent_in_somebody_who_lies_still_for_hours() -> None:
    """As in atrial fibrillation: nothing that may be a racing heart is told as a fault of the band."""
    band = Band(NOON)
    band.heart(80, motion="active", steps=50)
    on_a_table(band, 150, 70)
    on_a_table(band, 20, 140)
    assert "high_urgent" in band.reasons


def test_whoever_may_have_moved_has_a_heart_however_it_jumps() -> None:
    """A band that tells nothing of movement any more."""
    band = Band(NOON)
    band.heart(80, motion="active", steps=50)
    for minute in range(180):
        band.wait(1).heart(115 + 10 * (minute % 2) if minute > 150 else 70)
    assert band.reasons == ["high_warning"]


def test_one_value_over_and_over_is_no_heart() -> None:
    band = Band(NOON)
    band.heart(80, motion="active", steps=50)
    band.wait(1).hearts(110, 130, motion="rest", steps=0)
    band.profile = profile({"hr_high_warning": 105})
    band.wait(1).hearts(110, 20, motion="rest", steps=0)
    assert band.reasons == ["values_of_no_heart"]


def test_whoever_moves_has_a_heart_however_it_jumps() -> None:
    band = Band(NOON)
    for minute in range(60):
        band.heart((140, 152, 138, 149, 160)[minute % 5], motion="active" if minute == 20 else "rest")
        band.wait(1)
    assert "high_urgent" in band.reasons


def test_a_low_rate_counts_from_the_first_value_at_rest() -> None:
    band = Band()
    band.hearts(35, 10, motion="active")
    band.wait(1)
    assert [finding.reason for finding in band.hearts(35, 4)] == ["low_urgent"]


def test_whatever_is_said_of_an_episode_says_when_it_began() -> None:
    band = Band()
    band.hearts(120, 20)
    band.wait(1).heart(150, motion="active")
    band.wait(1).hearts(140, 60)
    assert band.reasons == ["high_warning", "high_urgent", "high_urgent"]
    assert {finding.episode_at for finding in band.findings} == {NOON}


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


def test_it_is_over_when_well_inside_for_ten_minutes() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(107, 20)
    assert band.cleared == []
    band.wait(1).hearts(106, 8)
    assert band.cleared == []
    band.wait(1).heart(80)
    assert band.reasons == ["high_urgent", "high_over"]


def test_one_value_at_the_limit_does_not_hinder_the_end_and_three_do() -> None:
    band, other = Band(), Band()
    for each, at_limit in ((band, 1), (other, 3)):
        each.hearts(150, 5)
        for minute in range(10):
            each.wait(1).heart(109 if minute in range(3, 3 + at_limit) else 90)
    assert band.reasons == ["high_urgent", "high_over"]
    assert other.reasons == ["high_urgent"]


def test_movement_does_not_hinder_the_end() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(90, 10, motion="active")
    assert band.reasons == ["high_urgent", "high_over"]


def test_a_band_that_measures_seldom_ends_with_three_values() -> None:
    band = Band()
    for bpm in (150, 150, 150, 80, 80):
        band.heart(bpm)
        band.wait(10)
    assert band.reasons == ["high_urgent"]
    band.heart(80)
    assert band.reasons == ["high_urgent", "high_over"]


def test_what_lasts_is_said_again_after_the_cool_down() -> None:
    band = Band()
    band.hearts(150, 33)
    assert band.reasons == ["high_urgent"]
    band.wait(1).heart(150)
    assert band.reasons == ["high_urgent", "high_urgent"]


def test_the_cool_down_begins_when_it_is_over() -> None:
    band = Band()
    band.hearts(150, 4)
    band.wait(1).hearts(80, 9)
    assert band.reasons == ["high_urgent", "high_over"]
    band.wait(1).hearts(150, 28)
    assert band.reasons == ["high_urgent", "high_over"]
    band.wait(1).heart(150)
    assert band.reasons == ["high_urgent", "high_over", "high_urgent"]


def test_after_all_that_is_kept_nothing_is_remembered() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(80, 9)
    band.wait(1).hearts(80, LONGEST_KEPT_MIN, motion="rest")
    band.wait(1).heart(150, motion="rest")
    assert band.state.heart.high is None


@pytest.mark.parametrize("minutes", [10, 20, 30])
def test_what_was_over_is_no_part_of_what_comes_after_it(minutes: int) -> None:
    band = Band()
    for bpm in [75] * 10 + [125] * 3 + [100] * 4 + [125] * 6:
        band.heart(bpm, motion="rest", steps=0)
        band.wait(minutes)
    assert [reason for reason in band.of_heart if reason != "high_warning"] == ["high_over"]
    of_heart = [finding for finding in band.findings if finding.kind is IncidentKind.HEART_RATE]
    first, *_, last = (finding.episode_at for finding in of_heart)
    assert first == NOON + timedelta(minutes=10 * minutes)
    assert last is not None
    assert last >= NOON + timedelta(minutes=16 * minutes)


@pytest.mark.parametrize(("first", "second"), [(0, 180), (100, 180), (250, 180)])
def test_a_value_shortly_after_another_reading_counts(first: float, second: float) -> None:
    band = Band()
    for _ in range(20):
        band.heart(first)
        band.wait(1 / 30).heart(second)
        band.wait(29 / 30)
    assert "high_urgent" in band.reasons


def test_a_band_that_measures_in_bursts_is_watched() -> None:
    band = Band()
    for _ in range(6):
        band.hearts(150, 2)
        band.wait(8)
    assert band.reasons[0] == "high_urgent"


@pytest.mark.parametrize("slow", [5, 10, 30])
def test_three_values_on_demand_are_no_ten_minutes(slow: int) -> None:
    band = Band()
    for _ in range(10):
        band.heart(75)
        band.wait(slow)
    assert band.hearts(140, 2) == []


@pytest.mark.parametrize("slow", [5, 10, 30])
def test_a_band_that_begins_to_measure_less_often_is_watched(slow: int) -> None:
    band = Band()
    band.hearts(75, 60)
    for _ in range(5):
        band.wait(slow).heart(150)
    assert "high_urgent" in band.reasons


@pytest.mark.parametrize("least", [1, 3, 5, 10])
@pytest.mark.parametrize("minutes", [1, 3, 5, 6, 10, 30])
def test_however_many_values_somebody_wants_it_is_found_and_ends(least: int, minutes: int) -> None:
    band = Band(who=profile({"hr_min_samples": least}))
    for _ in range(14):
        band.heart(150)
        band.wait(minutes)
    assert band.reasons[:1] == ["high_urgent"]
    for _ in range(14):
        band.heart(75)
        band.wait(minutes)
    assert band.reasons[-1] == "high_over"


def test_a_hand_that_trembles_hides_nothing() -> None:
    for bpm, reason in ((180, "high_urgent"), (30, "low_urgent")):
        band = Band()
        band.hearts(bpm, 10, steps=1)
        assert band.reasons == [reason]


def test_who_wakes_up_is_no_longer_high_for_somebody_asleep() -> None:
    band = Band(MIDNIGHT)
    band.heart(60, motion="active")
    band.wait(1).hearts(60, 70, motion="rest")
    band.wait(1).hearts(97, 40, motion="rest")
    assert band.reasons == ["asleep_high_warning"]
    band.wait(1).heart(97, motion="active")
    assert band.reasons == ["asleep_high_warning", "asleep_high_over"]


def test_after_a_time_away_or_without_a_value_it_is_another_episode() -> None:
    began = []
    for away in (True, False):
        band = Band()
        band.hearts(150, 10, motion="rest")
        if away:
            band.profile = profile(away_until=band.now + timedelta(hours=1))
            band.wait(30).heart(75)
            band.wait(30)
        else:
            band.wait(125)
        band.profile = profile()
        band.hearts(150, 10, motion="rest")
        began += [finding.episode_at for finding in band.findings]
        assert band.reasons == ["high_urgent", "high_urgent"]
    assert len(set(began)) == 3  # both began alike


def test_a_warning_becomes_urgent_at_once() -> None:
    band = Band()
    band.hearts(120, 10)
    band.wait(1).hearts(140, 5)
    assert band.reasons == ["high_warning", "high_urgent"]


def test_an_urgent_one_is_no_warning_within_the_cool_down() -> None:
    band = Band()
    band.hearts(140, 5)
    band.wait(1).hearts(120, 27)
    assert band.reasons == ["high_urgent"]


def test_low_after_high_is_news() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(1).hearts(35, 20)
    # Both are one incident: the first ends in silence while the second stands.
    assert band.reasons == ["high_urgent", "low_urgent"]
    band.wait(1).hearts(80, 10)
    assert band.reasons == ["high_urgent", "low_urgent", "low_over"]


def test_after_a_gap_it_is_still_known_what_stands() -> None:
    band = Band()
    band.hearts(150, 5)
    band.wait(20).hearts(80, 10)
    assert band.reasons == ["high_urgent", "high_over"]


def test_after_a_gap_a_low_alarm_is_still_known_too() -> None:
    band = Band()
    band.hearts(35, 5)
    band.wait(20).hearts(80, 10)
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
    band.hearts(150, 3)
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
    assert band.hearts(150, 3) == []
    assert band.wait(1).heart(150) != []


def test_what_stood_before_she_went_is_over_when_she_is_back() -> None:
    band = Band()
    band.hearts(150, 5)
    band.profile = profile(away_until=band.now + timedelta(hours=2))
    band.wait(1).hearts(80, 60)
    assert band.reasons == ["high_urgent"]
    band.wait(62).hearts(80, 10)
    assert band.reasons == ["high_urgent", "high_over"]
