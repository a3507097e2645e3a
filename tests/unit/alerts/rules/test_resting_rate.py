"""The resting rate of the nights: told when it leaves what is usual for her, once, and when it is usual again."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.incident import Finding, IncidentKind, Severity, Verdict
from alerts.rules import registry, resting_rate
from alerts.rules.playback import Playback
from alerts.rules.profile import Profile
from alerts.rules.resting_rate import ACCEPTED_NIGHTS, LEAST_NIGHTS, TOLD_AGAIN_DAYS, Nights
from alerts.rules.rule import Day
from benchmarks import recordings, trends
from eldercare.protocol.mqtt_v1 import HeartRate
from tests.unit.alerts.rules.band import NOON, profile

SHANGHAI = ZoneInfo("Asia/Shanghai")
USUAL = [60, 61, 59, 60, 62, 60, 58]
"""Seven nights of which nobody would say a word."""


def reading(hour: float, bpm: float, **fields: Any) -> HeartRate:
    """A value so many hours after noon."""
    return HeartRate(ts=NOON + timedelta(hours=hour), bpm=bpm, **fields)


def night(
    bpm: float = 60, rhythm_s: float = 60, begin: float = 10, end: float = 18, **fields: Any
) -> Iterator[HeartRate]:
    """Values from 22 to 6 that swing by 2 bpm."""
    count = int((end - begin) * 3600 / rhythm_s)
    return (reading(begin + number * rhythm_s / 3600, bpm + number % 3, **fields) for number in range(count))


def rate_of(readings: Iterable[HeartRate], who: Profile | None = None) -> float | None:
    noon = (NOON + timedelta(days=1)).astimezone(SHANGHAI)
    return resting_rate.night_rate(Day.ending(noon, readings), who or profile())


class Weeks:
    """Nights one after the other, and what was said at the noons after them."""

    def __init__(self, rates: Sequence[float | None] = (), change: float = 4.5) -> None:
        self.known = Nights()
        self.change = change
        self.today = date(2026, 3, 1).toordinal()
        self.said: list[Verdict] = []
        self.sleep(*rates)

    def sleep(self, *rates: float | None) -> list[str]:
        """So many nights; None is one that does not count. Returns what was said of them."""
        before = len(self.said)
        for rate in rates:
            self.today += 1
            if rate is not None:
                self.known, said = resting_rate.take(self.known, self.today, rate, self.at, self.change)
                self.said += said
        return [each.reason for each in self.said[before:]]

    @property
    def at(self) -> datetime:
        return datetime.combine(date.fromordinal(self.today), datetime.min.time(), UTC)


# The rate of a night --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rhythm_s", [10, 60, 300, 600, 1800])
@pytest.mark.parametrize("fields", [{}, {"motion": "rest", "steps": 0}])
def test_a_night_has_a_rate_in_any_rhythm_with_and_without_movement(rhythm_s: float, fields: dict[str, Any]) -> None:
    rate = rate_of(night(60, rhythm_s, **fields))
    assert rate is not None
    assert 60 <= rate <= 62


@pytest.mark.parametrize("change", [-10, 8, 15])
def test_it_rises_by_what_every_value_rises(change: float) -> None:
    plain, changed = rate_of(night(60)), rate_of(night(60 + change))
    assert plain is not None
    assert changed == plain + change


def test_who_lies_awake_or_is_ill_for_an_hour_has_the_same() -> None:
    assert rate_of([*night(60, end=15), *night(95, begin=15, end=18)]) == pytest.approx(rate_of(night(60)), abs=1)


def test_a_few_wrong_values_change_nothing() -> None:
    chance = random.Random(1)
    wrong = [each if chance.random() > 0.1 else reading(10, 35) for each in night(60)]
    assert rate_of(wrong) == pytest.approx(rate_of(night(60)), abs=1)


@pytest.mark.parametrize(
    ("rhythm_s", "begin", "end", "counts"),
    [(60, 10, 11.9, False), (60, 10, 12.1, True), (1800, 10, 12.5, False), (1800, 10, 13, True)],
)
def test_a_night_with_too_little_rest_does_not_count(rhythm_s: float, begin: float, end: float, counts: bool) -> None:
    assert (rate_of(night(60, rhythm_s, begin, end)) is not None) is counts


def test_pauses_are_covered_by_nothing() -> None:
    pieces = [each for hour in (10, 12, 14, 16) for each in night(60, 60, hour, hour + 0.1)]
    assert rate_of(pieces) is None


def test_by_the_clock_only_the_night_counts() -> None:
    assert rate_of(night(60, begin=0, end=9.9)) is None
    assert rate_of(night(60, begin=18, end=23.9)) is None


def test_where_movement_is_known_she_may_sleep_into_the_morning() -> None:
    rest = {"motion": "rest", "steps": 0}
    up_late = [*night(80, begin=8, end=17, motion="active", steps=40), *night(60, begin=17, end=22, **rest)]
    assert rate_of(up_late) == pytest.approx(60, abs=2)


def test_sitting_still_after_the_night_is_no_sleep() -> None:
    sitting = [*night(80, begin=10, end=19, motion="active", steps=40), *night(60, begin=19, end=23, motion="rest")]
    assert rate_of(sitting) is None


def test_a_hand_that_trembles_moves_nobody() -> None:
    assert rate_of(night(60, steps=3, motion="active")) is not None
    assert rate_of(night(60, steps=12, motion="active")) is None


def test_without_any_movement_the_clock_says_what_is_night() -> None:
    assert rate_of(night(60, motion="rest", steps=0)) is not None
    assert rate_of(night(60, begin=0, end=9.9, motion="rest", steps=0)) is None


@pytest.mark.parametrize("fields", [{"bpm": 0}, {"bpm": 20}, {"bpm": 240}, {"bpm": 60, "quality": 10}])
def test_what_is_no_heart_rate_does_not_count(fields: dict[str, Any]) -> None:
    assert rate_of(reading(10 + minute / 60, **fields) for minute in range(400)) is None


def test_one_value_all_night_is_no_heart() -> None:
    assert rate_of(reading(10 + minute / 60, 60) for minute in range(400)) is None


def test_nothing_at_all_is_no_night() -> None:
    assert rate_of([]) is None


def test_what_was_measured_away_does_not_count() -> None:
    back = NOON + timedelta(hours=17)
    assert rate_of(night(60), profile(away_until=back)) is None
    assert rate_of(night(60), profile(away_until=NOON + timedelta(hours=12))) is not None


# What is usual --------------------------------------------------------------------------------------------------


def test_two_nights_in_a_row_above_are_told_once() -> None:
    weeks = Weeks(USUAL)
    assert weeks.sleep(68) == []
    assert weeks.sleep(68) == ["resting_rate_higher"]
    [finding] = weeks.said
    assert isinstance(finding, Finding)
    assert (finding.kind, finding.severity, finding.at) == (IncidentKind.RESTING_RATE, Severity.TASK, weeks.at)
    assert finding.detail == {"resting_bpm": 68, "usual_bpm": 60, "nights": 7}
    assert weeks.sleep(69, 67, 70, 68) == []


def test_a_rise_over_two_days_is_found_on_the_third() -> None:
    assert Weeks(USUAL).sleep(64, 68, 68) == ["resting_rate_higher"]


def test_a_fall_is_told_and_has_to_be_larger() -> None:
    assert Weeks(USUAL).sleep(55, 55, 55) == []
    assert Weeks(USUAL).sleep(65, 65) == ["resting_rate_higher"]
    assert Weeks(USUAL).sleep(52, 52) == ["resting_rate_lower"]


@pytest.mark.parametrize("rates", [[64, 64, 64], [75, 60, 75, 60], [75, 61], [80, 62, 80], [68, 52, 68, 52]])
def test_what_is_near_or_alone_says_nothing(rates: list[float]) -> None:
    assert Weeks(USUAL).sleep(*rates) == []


def test_nobody_is_known_before_seven_nights() -> None:
    assert LEAST_NIGHTS == 7
    assert Weeks(USUAL[:5]).sleep(68, 68) == []
    weeks = Weeks(USUAL[:6])
    assert weeks.sleep(80) == []
    assert weeks.sleep(61, 80, 80) == ["resting_rate_higher"]


def test_nights_that_do_not_count_may_lie_between() -> None:
    assert Weeks(USUAL).sleep(68, None, None, 68) == ["resting_rate_higher"]
    assert Weeks(USUAL).sleep(68, None, None, None, 68) == []


def test_a_person_whose_nights_differ_needs_more() -> None:
    restless = [60, 68, 54, 66, 58, 70, 60, 55, 67, 61]
    assert Weeks(restless).sleep(69, 69) == []
    assert Weeks(restless).sleep(80, 80) == ["resting_rate_higher"]


def test_a_resident_has_a_change_of_her_own() -> None:
    assert Weeks(USUAL, change=10).sleep(68, 68, 68) == []


def test_two_usual_nights_end_it_and_one_does_not() -> None:
    weeks = Weeks(USUAL)
    weeks.sleep(68, 68)
    assert weeks.sleep(60, 68, 60) == []
    assert weeks.sleep(61) == ["resting_rate_usual"]
    assert weeks.known.usual[-2:] == (60, 61)
    assert weeks.sleep(68, 68) == ["resting_rate_higher"]


def test_what_goes_to_the_other_side_is_told_anew() -> None:
    weeks = Weeks(USUAL)
    weeks.sleep(70, 70)
    assert weeks.sleep(48) == []
    assert weeks.sleep(48) == ["resting_rate_lower"]


def test_what_lasts_is_told_again_after_two_weeks() -> None:
    weeks = Weeks(USUAL)
    assert weeks.sleep(68, 68) == ["resting_rate_higher"]
    assert weeks.sleep(*[68] * (TOLD_AGAIN_DAYS - 1)) == []
    assert weeks.sleep(68) == ["resting_rate_higher"]


def test_after_a_pause_two_nights_tell_it_again() -> None:
    weeks = Weeks(USUAL)
    weeks.sleep(68, 68, *[None] * TOLD_AGAIN_DAYS)
    assert weeks.sleep(71) == []
    assert weeks.sleep(71) == ["resting_rate_higher"]
    assert isinstance(weeks.said[-1], Finding)
    assert weeks.said[-1].detail["resting_bpm"] == 71


def test_it_is_not_told_again_on_a_night_that_is_as_usual() -> None:
    weeks = Weeks(USUAL)
    weeks.sleep(68, 68, *[None] * (TOLD_AGAIN_DAYS - 1))
    assert weeks.sleep(60) == []


def test_where_no_night_counts_for_weeks_nothing_is_known_any_more() -> None:
    weeks = Weeks(USUAL)
    weeks.sleep(68, 68)
    known, said = weeks.known, []
    for days in range(1, 40):
        day = Day(date.fromordinal(weeks.today + days), 0, 86400, [], [])
        known, verdicts = resting_rate.learn(known, day, profile())
        said += verdicts
    assert [each.reason for each in said] == ["resting_rate_unknown"]
    assert known.usual == ()


def test_a_band_on_a_table_has_no_nights() -> None:
    jumping = [reading(minute / 60, 60 + 30 * (minute % 2)) for minute in range(10 * 60, 18 * 60)]
    assert rate_of(jumping) is None


def test_a_level_that_lasts_is_accepted() -> None:
    weeks = Weeks(USUAL)
    said = weeks.sleep(*[68] * ACCEPTED_NIGHTS)
    assert said == ["resting_rate_higher", "resting_rate_higher", "resting_rate_accepted"]
    assert weeks.known.usual == (68,) * ACCEPTED_NIGHTS
    assert weeks.sleep(*[68] * 30) == []
    assert weeks.sleep(60, 60) == ["resting_rate_lower"]


def test_single_nights_that_last_are_accepted_without_a_word() -> None:
    weeks = Weeks(USUAL)
    assert weeks.sleep(*[66, None, None, None] * 6) == []
    assert weeks.sleep(*[66, None, None, None] * (ACCEPTED_NIGHTS - 6)) == []
    assert weeks.known.usual == (66,) * ACCEPTED_NIGHTS


def test_ill_nights_are_not_learnt() -> None:
    weeks = Weeks(USUAL)
    weeks.sleep(68, 68, 69, 70)
    assert weeks.known.usual == tuple(USUAL)
    weeks.sleep(60, 60, 80, 61)
    assert 80 not in weeks.known.usual


def test_a_drift_over_months_says_nothing() -> None:
    assert Weeks([60 + day / 20 for day in range(300)]).said == []


def test_four_weeks_are_kept() -> None:
    weeks = Weeks([60 + day % 3 for day in range(60)])
    assert len(weeks.known.usual) == resting_rate.KEPT_NIGHTS


def test_after_a_month_without_a_night_nobody_is_known() -> None:
    weeks = Weeks(USUAL)
    assert weeks.sleep(*[None] * 28, 80) == []
    assert weeks.known.usual == (80,)


def test_what_stood_before_such_a_month_is_over() -> None:
    weeks = Weeks(USUAL)
    weeks.sleep(68, 68)
    assert weeks.sleep(*[None] * 28, 68) == ["resting_rate_unknown"]
    assert weeks.known.side == 0


# Days -----------------------------------------------------------------------------------------------------------


def day(number: int, bpm: float) -> Day:
    """The day that ends so many days after the first noon."""
    noon = (NOON + timedelta(days=number)).astimezone(SHANGHAI)
    moved = timedelta(days=number - 1)
    return Day.ending(noon, [HeartRate(ts=each.ts + moved, bpm=each.bpm) for each in night(bpm, 300)])


def learnt_of(rates: Iterable[float], who: Profile, first: int = 1) -> tuple[Nights, list[Verdict]]:
    known, said = Nights(), list[Verdict]()
    for number, bpm in enumerate(rates, start=first):
        known, verdicts = resting_rate.learn(known, day(number, bpm), who)
        said += verdicts
    return known, said


def test_it_is_learnt_and_told_at_noon() -> None:
    known, said = learnt_of([*USUAL, 68, 68], profile())
    assert [(each.reason, each.at) for each in said] == [("resting_rate_higher", NOON + timedelta(days=9))]
    assert len(known.usual) == 7
    _, said = learnt_of([*USUAL, 68, 68], profile({"resting_change": 12}))
    assert said == []


def test_a_day_that_is_learnt_twice_or_too_late_changes_nothing() -> None:
    who = profile()
    known, _ = learnt_of([*USUAL, 68, 68], who)
    for number in (3, 9):
        assert resting_rate.learn(known, day(number, 90), who) == (known, ())


def test_a_night_that_does_not_count_changes_nothing() -> None:
    known, _ = learnt_of(USUAL, profile())
    empty = Day.ending((NOON + timedelta(days=8)).astimezone(SHANGHAI), [])
    assert resting_rate.learn(known, empty, profile()) == (known, ())


def test_away_says_nothing_and_learns_nothing() -> None:
    known, _ = learnt_of([*USUAL, 68], profile())
    away = profile(away_until=NOON + timedelta(days=9, hours=1))
    assert resting_rate.learn(known, day(9, 68), away) == (known, ())


def test_what_is_learnt_survives_a_restart_and_is_small() -> None:
    known, _ = learnt_of([*USUAL, 68, 68], profile())
    assert registry.read_learnt(registry.write_learnt({"resting_rate": known})) == ({"resting_rate": known}, [])
    full = Nights((63.5,) * 28, (71.5,) * 20, 739678, 71.5, -1, 739678, 1)
    assert len(registry.write_learnt({"resting_rate": full})) < 400


def test_playback_tells_it_as_a_task_and_a_late_backlog_says_nothing_more() -> None:
    playback = Playback(profile())
    rates = [*USUAL, 68, 68, 60, 60, 60]
    for number, bpm in enumerate(rates, start=1):
        for each in day(number, bpm).hearts:
            playback.receive(each, each.ts)
    last = NOON + timedelta(days=len(rates) + 1)
    for each in day(3, 95).hearts:
        playback.receive(HeartRate(ts=each.ts + timedelta(seconds=1), bpm=95), last)
    found = [each for each in playback.episodes if each.kind is IncidentKind.RESTING_RATE]
    assert [(each.reason, each.opened_as, each.ended_at is not None) for each in found] == [
        ("resting_rate_higher", Severity.TASK, True)
    ]


# Properties -----------------------------------------------------------------------------------------------------

_RATES = st.lists(st.one_of(st.none(), st.integers(40, 110), st.integers(58, 62)), max_size=120)


@given(_RATES)
def test_findings_and_ends_take_turns_and_what_is_kept_is_bounded(rates: list[float | None]) -> None:
    weeks, standing = Weeks(), False
    for rate in rates:
        before = len(weeks.said)
        weeks.sleep(rate)
        for each in weeks.said[before:]:
            assert isinstance(each, Finding) or standing
            standing = isinstance(each, Finding)
        assert standing is bool(weeks.known.side)
        assert len(weeks.known.usual) <= 28
        assert len(weeks.known.others) < ACCEPTED_NIGHTS


@given(_RATES, st.integers(-20, 20))
def test_only_the_change_counts_and_not_the_rate(rates: list[float | None], change: int) -> None:
    moved = [None if each is None else each + change for each in rates]
    assert [each.reason for each in Weeks(rates).said] == [each.reason for each in Weeks(moved).said]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_and_repetition_of_the_values_make_no_difference(seed: int) -> None:
    chance, values = random.Random(seed), list(night(60, 120, motion="rest"))
    shuffled = values + [each for each in values if chance.random() < 0.5]
    chance.shuffle(shuffled)
    assert rate_of(shuffled) == rate_of(values)


# Recordings -----------------------------------------------------------------------------------------------------


@pytest.mark.recordings
def test_drifts_are_found_and_few_other_nights_are_told_of() -> None:
    people = {who: trends.read_as(values, None, moves=True) for who, values in recordings.stanford_steps().items()}
    nights = {who: trends.rates(values, None, None, random.Random(1)) for who, values in people.items()}
    change = profile().thresholds.resting_change
    told = [trends.tell(own, change) for own in nights.values() if len(own) >= trends.FEWEST_NIGHTS]
    assert sum(each.nights for each in told) >= 250
    assert trends.per_night(told) <= 0.02
    assert trends.share(told, "+8") >= 0.85
    assert trends.share(told, "+15") >= 0.98
    assert trends.share(told, "-15") >= 0.95
