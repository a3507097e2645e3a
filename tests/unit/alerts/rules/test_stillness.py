"""Nobody moves in hours in which she is usually up."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts.model.incident import IncidentKind, Severity
from alerts.rules import stillness
from alerts.rules.rule import Day
from alerts.rules.stillness import DAYS, Habit, Seen
from eldercare.protocol.mqtt_v1 import HeartRate
from tests.unit.alerts.rules.band import MIDNIGHT, NOON, Band, profile

MORNING = MIDNIGHT + timedelta(hours=7)
"""When somebody of whom nothing is known is up."""
EARLY_RISER = Habit(tuple(Seen(up=330, sat=100) for _ in range(7)))
SITTER = Habit(tuple(Seen(up=480, sat=sat) for sat in (100, 200, 210, 220) * 4))


def learnt(habit: Habit, **values: Any) -> Band:
    return Band(MIDNIGHT + timedelta(hours=8), profile(learnt={"stillness": habit}, **values))


def still(band: Band, minutes: int, every: int = 1, bpm: float = 72, **fields: Any) -> Band:
    """She does not move; a value after each of `every` minutes."""
    for _ in range(minutes // every):
        band.heart(bpm, **({"motion": "rest", "steps": 0} | fields))
        band.wait(every)
    return band


def walked(band: Band) -> Band:
    band.heart(80, motion="active", steps=40)
    return band.wait(1)


def test_nearly_three_hours_without_a_step_by_day_call_somebody() -> None:
    band = still(walked(Band(NOON)), 180)
    (finding,) = band.findings
    assert (finding.kind, finding.severity, finding.reason) == (IncidentKind.STILLNESS, Severity.URGENT, "still")
    assert finding.detail == {"duration_s": 10500, "waking_s": 10500, "limit_s": 10500}
    assert finding.episode_at == NOON
    assert finding.at == NOON + timedelta(minutes=175)


def test_a_few_minutes_less_say_nothing() -> None:
    assert still(walked(Band(NOON)), 174).reasons == []


def test_a_step_between_begins_anew() -> None:
    assert still(walked(still(walked(Band(NOON)), 120)), 120).reasons == []


@pytest.mark.parametrize("every", [2, 5, 10, 30])
def test_a_band_of_any_rhythm_is_enough(every: int) -> None:
    band = still(walked(Band(NOON)), 240, every)
    assert band.reasons[0] == "still"
    assert band.findings[0].at <= NOON + timedelta(minutes=175 + every)


def test_a_night_is_no_stillness() -> None:
    band = Band(MIDNIGHT - timedelta(hours=2))
    assert still(walked(band), 11 * 60).reasons == []


def test_not_up_in_the_morning() -> None:
    band = still(walked(Band(MIDNIGHT)), 11 * 60)
    (finding,) = band.findings
    assert finding.reason == "not_up"
    assert finding.at == MORNING + timedelta(minutes=165)
    assert finding.detail["duration_s"] == 7 * 3600 + 9900


def test_her_own_hour_of_getting_up_is_learnt() -> None:
    band = Band(MIDNIGHT, profile(learnt={"stillness": EARLY_RISER}))
    still(walked(band), 9 * 60)
    (finding,) = band.findings
    assert finding.at == MIDNIGHT + timedelta(minutes=330 + 165)


@pytest.mark.parametrize(
    ("ups", "holds"),
    [
        ((300,), 420),
        ((500,), 500),
        ((300, 330), 330),
        ((300, 540), 420),
        ((300, 310, 320), 320),
        ((300, 310, 320, 330), 320),
        ((300,) * 28, 300),
    ],
)
def test_her_own_mornings_stand_beside_one_of_anybody(ups: tuple[int, ...], holds: int) -> None:
    band = Band(MIDNIGHT, profile(learnt={"stillness": Habit(tuple(Seen(up) for up in ups))}))
    still(walked(band), 12 * 60)
    assert band.findings[0].at == MIDNIGHT + timedelta(minutes=holds + 165)


@pytest.mark.parametrize(
    ("beds", "holds"),
    [((1140,), 1320), ((1140, 1200), 1200), ((1140, 1290, 1290), 1290), ((1140,) * 28, 1140)],
)
def test_one_early_evening_alone_is_no_habit(beds: tuple[int, ...], holds: int) -> None:
    habit = Habit(tuple(Seen(420, 100, bed) for bed in beds))
    assert stillness.usual(profile(learnt={"stillness": habit})).bed == holds


def test_a_fall_in_the_evening_goes_on_in_the_morning() -> None:
    band = Band(MIDNIGHT - timedelta(hours=4))
    still(walked(band), 13 * 60)
    (finding,) = band.findings
    # Two hours of the evening, and 55 minutes of the morning.
    assert finding.at == MORNING + timedelta(minutes=55)


def test_whoever_sits_longer_on_many_days_is_given_longer() -> None:
    band = still(walked(learnt(SITTER)), 300)
    (finding,) = band.findings
    assert finding.detail["limit_s"] == round(220 * 60 * 1.15)


def test_whoever_sits_longer_on_few_days_is_not() -> None:
    seldom = Habit((*(Seen(480, 100) for _ in range(15)), Seen(480, 250)))
    assert still(walked(learnt(seldom)), 180).reasons == ["still"]


def test_nobody_may_sit_for_ever() -> None:
    band = still(walked(learnt(Habit((Seen(480, 700),) * 20))), 6 * 60)
    assert band.findings[0].detail["limit_s"] == 5 * 3600


def test_a_limit_of_her_own_holds() -> None:
    band = Band(NOON, profile({"still_s": 3600}))
    assert still(walked(band), 61).reasons == ["still"]


@pytest.mark.parametrize("said", [{"worn": False}, {"worn": True, "charging": True}])
def test_who_wears_no_band_does_not_lie_still_in_it(said: dict[str, bool]) -> None:
    band = walked(Band(NOON))
    band.status(**said)
    assert "still" not in still(band, 200).reasons


def test_a_band_without_values_is_not_worn() -> None:
    band = walked(Band(NOON))
    for minute in range(200):
        # Some values at the beginning and at the end, none between.
        band.heart(72 if minute < 20 or minute > 160 else 0, motion="rest", steps=0, quality=90)
        band.wait(1)
    assert "still" not in band.reasons


def test_a_band_on_no_wrist_that_finds_a_heart_now_and_then_is_not_worn() -> None:
    band = still(walked(Band(NOON)), 10)
    for minute in range(290):
        if minute % 75 == 74:
            band.heart(72, motion="rest", steps=0)
        band.wait(1)
    assert "still" not in band.reasons


def test_a_band_that_has_fallen_silent_tells_nothing_of_now() -> None:
    band = still(walked(Band(NOON)), 150)
    last = band.now
    for _ in range(40):
        band.wait(1).watched(last)
    assert "still" not in band.reasons


def test_a_band_that_tells_nothing_of_movement_cannot_find_stillness() -> None:
    assert still(Band(NOON), 240, motion=None, steps=None).reasons == []


def test_a_band_that_has_never_told_of_a_step_is_still_since_it_was_heard() -> None:
    band = still(Band(NOON), 200)
    assert band.reasons == ["still"]
    assert band.findings[0].detail["duration_s"] == pytest.approx(10500, abs=600)


def test_values_that_jump_as_no_heart_does_are_told_more_quietly() -> None:
    band = walked(Band(NOON))
    for minute in range(200):
        band.heart(60 if minute % 2 else 75, motion="rest", steps=0)
        band.wait(1)
    (finding,) = band.findings
    assert (finding.reason, finding.severity) == ("still_or_not_worn", Severity.WARNING)


def test_a_band_that_repeats_one_value_keeps_nobody_on_the_floor() -> None:
    assert still(walked(Band(NOON)), 180, bpm=72).findings[0].severity is Severity.URGENT


def test_it_is_over_when_she_moves_and_a_new_one_is_a_new_episode() -> None:
    band = still(walked(Band(NOON)), 180)
    walked(band)
    assert band.reasons == ["still", "moved_again"]
    still(band, 180)
    first, second = band.findings
    assert first.episode_at != second.episode_at


def test_it_is_over_when_the_band_is_taken_off() -> None:
    band = still(walked(Band(NOON)), 180)
    band.status(worn=False)
    assert band.reasons == ["still", "taken_off"]


def test_what_lasts_is_said_again_after_hours_in_which_she_is_up() -> None:
    band = still(walked(Band(NOON)), 20 * 60)
    assert [each.at for each in band.findings] == [
        NOON + timedelta(minutes=minutes) for minutes in (175, 295, 415, 535, 1140)
    ]
    assert len({each.episode_at for each in band.findings}) == 1


def test_whoever_comes_back_is_given_the_time_anew() -> None:
    band = Band(NOON, profile(away_until=NOON + timedelta(hours=2)))
    assert still(walked(band), 4 * 60).reasons == []
    still(band, 60)
    assert band.reasons == ["still"]


def test_nothing_is_said_of_somebody_who_is_away() -> None:
    band = Band(NOON, profile(away_until=NOON + timedelta(hours=24)))
    walked(still(band, 10))
    assert still(band, 240).reasons == []
    assert band.watched(band.now) == []


def day(*stretches: tuple[int, int, int], begin: Any = NOON, every: int = 1) -> Day:
    """From noon: (minutes, steps in each, beats per minute)."""
    told, now = [], begin
    for minutes, steps, bpm in stretches:
        for _ in range(minutes // every):
            told.append(HeartRate(ts=now, bpm=bpm, steps=steps, motion="active" if steps else "rest"))
            now += timedelta(minutes=every)
    return Day.ending((begin + timedelta(days=1)).astimezone(ZoneInfo("Asia/Shanghai")), told)


def test_a_day_shows_when_she_got_up_and_how_long_she_sat() -> None:
    # Up until 21:00 but for 100 minutes in the afternoon; to the bathroom at 03:00; up at 06:30.
    ordinary = day((60, 20, 80), (100, 0, 70), (380, 20, 80), (360, 0, 60), (2, 10, 70), (208, 0, 60), (330, 20, 80))
    habit, said = stillness.learn(Habit(), ordinary, profile())
    assert said == ()
    assert habit.days == (Seen(up=390, sat=101, bed=1259),)


@pytest.mark.parametrize(("by_day", "asleep"), [(1, 10), (1, 20), (5, 20), (5, 30), (10, 30)])
def test_a_band_that_measures_less_often_while_she_sleeps_is_worn_at_night(by_day: int, asleep: int) -> None:
    stretches = ((600, 20, by_day), (30, 0, by_day), (480, 0, asleep), (330, 20, by_day))
    told, now = [], NOON
    for minutes, steps, every in stretches:
        for _ in range(minutes // every):
            told.append(HeartRate(ts=now, bpm=70, steps=steps))
            now += timedelta(minutes=every)
    day_of_it = Day.ending((NOON + timedelta(days=1)).astimezone(ZoneInfo("Asia/Shanghai")), told)
    habit, _ = stillness.learn(Habit(), day_of_it, profile())
    [seen] = habit.days
    assert seen.up == 390
    assert seen.bed == 22 * 60 - by_day


def test_a_band_that_counts_nothing_for_days_is_told_once_and_cannot_find_it() -> None:
    habit, said = Habit(), []
    for _ in range(7):
        habit, verdicts = stillness.learn(habit, day((1440, 0, 70)), profile())
        said += verdicts
    assert [(each.reason, each.kind) for each in said] == [("counts_no_steps", IncidentKind.STILLNESS)]
    band = Band(NOON, profile(learnt={"stillness": habit}))
    assert still(walked(band), 240).reasons == []
    _, verdicts = stillness.learn(habit, day((1440, 20, 70)), profile())
    assert [each.reason for each in verdicts] == ["counts_steps"]


def test_a_day_on_which_the_band_was_hardly_worn_is_not_learnt() -> None:
    assert stillness.learn(Habit(), day((300, 0, 70)), profile()) == (Habit(), ())


def test_a_day_away_is_not_learnt() -> None:
    who = profile(away_until=NOON + timedelta(hours=1))
    assert stillness.learn(Habit((Seen(400),), 5.0), day((1440, 20, 70)), who) == (Habit((Seen(400),)), ())


def test_a_rest_across_noon_is_learnt() -> None:
    """From half past eleven to a quarter to three, each day."""
    habit = Habit()
    for number in range(3):
        begin = NOON + timedelta(days=number)
        habit, _ = stillness.learn(habit, day((165, 0, 70), (1250, 20, 70), (25, 0, 70), begin=begin), profile())
    assert [each.sat for each in habit.days] == [1, 191, 191]


def test_whoever_goes_to_bed_early_is_not_still_in_the_evening() -> None:
    early = Habit(tuple(Seen(up=420, sat=100, bed=19 * 60) for _ in range(7)))
    band = Band(MIDNIGHT - timedelta(hours=5, minutes=10), profile(learnt={"stillness": early}))
    assert still(walked(band), 12 * 60).reasons == []


def test_a_band_off_the_wrist_sits_nowhere() -> None:
    habit, _ = stillness.learn(Habit(), day((60, 20, 80), (200, 0, 0), (1180, 20, 80)), profile())
    assert [(each.up, each.sat) for each in habit.days] == [(None, 1)]


def test_a_band_that_is_taken_off_goes_to_no_bed() -> None:
    """Off from 14:00 until 21:30, when she goes to bed with it on; up at 06:30."""
    worn = ((120, 20, 80), (450, 0, 0), (10, 20, 80), (530, 0, 60), (330, 20, 80))
    assert stillness.learn(Habit(), day(*worn), profile())[0].days[0].bed == 21 * 60 + 39
    # Off from 14:00 until the next morning.
    away = ((120, 20, 80), (990, 0, 0), (330, 20, 80))
    (seen,) = stillness.learn(Habit(), day(*away), profile())[0].days
    assert (seen.bed, seen.up) == (None, None)


def test_a_band_that_is_put_on_in_the_morning_does_not_say_when_she_got_up() -> None:
    # To bed at 21:00, up at 03:00, when she takes it off until 09:00.
    off = ((540, 20, 80), (360, 0, 60), (5, 20, 80), (355, 0, 0), (180, 20, 80))
    (seen,) = stillness.learn(Habit(), day(*off), profile())[0].days
    assert (seen.bed, seen.up) == (20 * 60 + 59, None)


def test_a_slow_band_shows_how_long_she_sat() -> None:
    habit, _ = stillness.learn(Habit(), day((60, 20, 80), (240, 0, 70), (1140, 20, 80), every=30), profile())
    assert habit.days[0].sat == 270


def test_a_single_value_teaches_nothing_of_sitting() -> None:
    first = HeartRate(ts=NOON, bpm=70, steps=19)
    last = HeartRate(ts=NOON + timedelta(hours=3), bpm=0, steps=19)
    ended = Day.ending((NOON + timedelta(days=1)).astimezone(ZoneInfo("Asia/Shanghai")), [last, first])
    assert stillness.learn(Habit(), ended, profile())[0].days == (Seen(up=None, sat=0),)


def test_a_hand_that_is_moved_is_no_walk() -> None:
    band = walked(Band(NOON))
    for minute in range(180):
        band.heart(70 + minute % 2, steps=2 if minute % 60 == 59 else 0)
        band.wait(1)
    assert band.reasons == ["still"]


def test_whoever_had_the_band_off_is_given_the_time_anew() -> None:
    band = still(walked(Band(NOON)), 60)
    band.status(worn=False)
    band.wait(60).status(worn=True)
    assert still(band, 170).reasons == []
    assert still(band, 10).reasons == ["still"]


def test_a_contact_that_flaps_gives_nobody_more_time() -> None:
    band = still(walked(Band(NOON)), 120)
    band.status(worn=False)
    band.wait(2).status(worn=True)
    assert still(band, 56).reasons == ["still"]


def test_the_last_weeks_are_kept_in_few_bytes() -> None:
    habit = Habit()
    ordinary = day((540, 20, 80), (540, 0, 60), (360, 20, 80))
    for _ in range(DAYS + 3):
        habit, _ = stillness.learn(habit, ordinary, profile())
    assert len(habit.days) == DAYS
    assert len(msgspec.json.encode(habit)) < 500


def test_a_night_that_begins_after_midnight_leaves_the_whole_evening() -> None:
    band = Band(MIDNIGHT - timedelta(hours=3), profile({"night_from_h": 0}))
    assert still(walked(band), 179).reasons == ["still"]


def test_the_order_in_which_it_is_told_changes_nothing() -> None:
    who = profile()
    told = [HeartRate(ts=NOON + timedelta(minutes=7 * each), bpm=70, steps=19 * (each == 3)) for each in range(40)]
    forth, back = stillness.Stillness(), stillness.Stillness()
    for each in told:
        forth = stillness.hear(forth, each, who, each.ts.timestamp())
    for each in [*reversed(told), *told]:
        back = stillness.hear(back, each, who, each.ts.timestamp())
    assert forth == back


def test_what_is_older_than_what_is_kept_is_forgotten() -> None:
    who = profile()
    memory = stillness.hear(stillness.Stillness(), HeartRate(ts=NOON, bpm=70, steps=0), who, NOON.timestamp())
    long_ago = NOON - timedelta(hours=9)
    assert stillness.hear(memory, HeartRate(ts=long_ago, bpm=70, steps=0), who, long_ago.timestamp()) is memory


def test_what_is_usual_is_what_the_rule_takes() -> None:
    ups = Habit(tuple(Seen(up=up, sat=100, bed=21 * 60) for up in (300, *[400 + 10 * each for each in range(9)], 700)))
    usual = stillness.usual(profile(learnt={"stillness": ups}))
    assert usual == stillness.Usual(400, 440, 480, 21 * 60, 10500)
    assert stillness.usual(profile(learnt={"stillness": SITTER})).sits_s == pytest.approx(220 * 60 * 1.15)


def test_nothing_is_usual_of_whom_few_days_are_known() -> None:
    assert stillness.usual(profile()) == stillness.Usual(None, None, None, 22 * 60, 10500)
    few = Habit(tuple(Seen(up=400) for _ in range(4)))
    assert stillness.usual(profile(learnt={"stillness": few})).up is None


def test_how_long_she_sits_is_not_known_of_a_band_that_counts_no_steps() -> None:
    none = Habit(tuple(Seen(None, stillness.NEVER_MOVED) for _ in range(7)))
    assert stillness.usual(profile(learnt={"stillness": none})).sits_s is None
