"""A heart that is fast for her alone, and how her own weeks say what that is."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model.incident import Finding, IncidentKind, Severity, Verdict
from alerts.rules import Profile, envelope, registry
from alerts.rules.envelope import Level, Levels, learn, rates_of, take
from alerts.rules.rule import Day
from eldercare.protocol.mqtt_v1 import HeartRate
from tests.unit.alerts.rules import test_disorder as disorder
from tests.unit.alerts.rules.band import MIDNIGHT, NOON, Band, profile

# 70 is high for her awake, 60 asleep: from 85 and 75 on it is told of.
KNOWN = Levels(Level(high=70.0), Level(high=60.0), least=60.0)


def knowing(levels: Levels = KNOWN, overrides: dict[str, Any] | None = None, **values: Any) -> Profile:
    return profile(overrides, learnt={"envelope": levels}, **values)


def sits(band: Band, bpm: float, minutes: int) -> list[Verdict]:
    """A value now and one after each minute, about this rate on average; returns what was said meanwhile."""
    before = len(band.said)
    for minute in range(minutes + 1):
        if minute:
            band.wait(1)
        band.heart(bpm + (0, 1, -1)[minute % 3], motion="rest", steps=0)
    return band.said[before:]


def rested(who: Profile | None = None, start: datetime = NOON) -> Band:
    """Somebody who has walked, and has sat for half an hour."""
    band = Band(start - timedelta(minutes=30), who or knowing())
    band.heart(75, motion="active", steps=60)
    sits(band.wait(1), 64, 28)
    return band.wait(1)


def asleep(who: Profile | None = None) -> Band:
    """Somebody who has slept since ten in the evening, at midnight."""
    band = Band(MIDNIGHT - timedelta(hours=2), who or knowing())
    band.heart(75, motion="active", steps=60)
    sits(band.wait(1), 55, 118)
    return band.wait(1)


def test_a_rate_that_is_high_for_her_alone_is_told_of_after_half_an_hour() -> None:
    band = rested()
    assert sits(band, 100, 28) == []
    band.wait(1).heart(100, motion="rest", steps=0)
    finding = band.findings[-1]
    assert (finding.kind, finding.severity, finding.reason) == (
        IncidentKind.HEART_RATE,
        Severity.WARNING,
        "above_usual_warning",
    )
    assert finding.detail == {"bpm": 100, "mean_bpm": 100, "limit_bpm": 85.0, "duration_s": 1740, "values": 30}
    assert finding.episode_at == NOON


def test_nothing_is_told_at_the_edge_before() -> None:
    assert sits(rested(), 83, 90) == []


def test_of_whom_nothing_is_known_nothing_is_told() -> None:
    assert sits(rested(profile()), 100, 60) == []
    assert rested(knowing(Levels(asleep=Level(high=60.0), least=60.0))).hearts(100, 60, motion="rest", steps=0) == []


@pytest.mark.parametrize("every", [2, 5, 10])
def test_a_band_that_measures_less_often_finds_it_as_well(every: int) -> None:
    band = Band(NOON, knowing())
    band.heart(75, motion="active", steps=60)
    for bpm in [64] * 6 + [100] * (60 // every):
        band.wait(every).heart(bpm, motion="rest", steps=0)
    assert band.of_heart[:1] == ["above_usual_warning"]


def test_steps_now_and_then_hide_nothing() -> None:
    band = rested()
    for minute in range(60):
        band.heart(100, motion="active" if minute % 8 == 0 else "rest", steps=20 if minute % 8 == 0 else 0)
        band.wait(1)
    assert band.of_heart[:1] == ["above_usual_warning"]


def test_walking_and_what_follows_it_is_no_rest() -> None:
    band = rested()
    for _ in range(8):
        band.hearts(100, 4, motion="active", steps=80)
        sits(band.wait(1), 95, 7)
        band.wait(1)
    assert band.of_heart == []


def test_asleep_her_limit_is_that_of_her_nights() -> None:
    band = asleep()
    sits(band, 78, 29)
    assert band.of_heart == ["above_usual_asleep_warning"]
    # The same by day is nothing.
    assert sits(rested(), 78, 60) == []


def test_it_is_told_again_after_half_an_hour_and_ends_inside_for_ten_minutes() -> None:
    band = rested()
    sits(band, 100, 62)
    assert band.of_heart == ["above_usual_warning", "above_usual_warning"]
    assert band.findings[1].episode_at == band.findings[0].episode_at
    sits(band.wait(1), 79, 12)
    assert band.of_heart[2:] == ["above_usual_over"]
    # What comes back within half an hour is still the same, and afterwards it is another one.
    sits(band.wait(1), 100, 25)
    assert len(band.of_heart) == 3
    sits(band.wait(1), 100, 20)
    assert band.of_heart[3:] == ["above_usual_warning"]
    again = band.findings[-1].episode_at
    assert again is not None
    assert again > band.cleared[0].at


def test_a_rate_just_inside_ends_nothing() -> None:
    band = rested()
    sits(band, 100, 30)
    sits(band.wait(1), 82, 25)
    assert band.cleared == []


def test_where_the_limits_of_everybody_speak_it_keeps_quiet() -> None:
    band = rested()
    sits(band, 120, 35)
    assert band.of_heart == ["high_warning"]
    sits(band.wait(1), 100, 25)
    assert band.of_heart == ["high_warning", "high_over"]
    # What goes on for half an hour after that is told of.
    sits(band.wait(1), 100, 25)
    assert band.of_heart[2:] == ["above_usual_warning"]


def test_their_incident_ends_when_the_last_of_both_has() -> None:
    band = rested()
    sits(band, 100, 30)
    sits(band.wait(1), 120, 12)
    assert band.of_heart == ["above_usual_warning", "high_warning"]
    sits(band.wait(1), 100, 20)
    assert band.of_heart == ["above_usual_warning", "high_warning"]
    sits(band.wait(1), 70, 20)
    assert band.of_heart[2:] == ["above_usual_over"]


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"hr_high_warning": 120}, False),
        ({"hr_high_warning": 105}, True),
        ({"hr_asleep_high": 110}, True),
        ({"envelope_over": 31}, False),
        ({"hr_high_warning": 90, "envelope_over": 20}, False),
    ],
)
def test_a_limit_that_somebody_signed_stands_over_it(overrides: dict[str, float], told: bool) -> None:
    band = rested(knowing(overrides=overrides))
    sits(band, 100, 35)
    assert ("above_usual_warning" in band.of_heart) is told


def test_a_signed_limit_asleep_stands_over_it_asleep() -> None:
    band = asleep(knowing(overrides={"hr_asleep_high": 110}))
    assert sits(band, 90, 60) == []


def test_awake_a_band_that_tells_nothing_of_movement_has_none() -> None:
    band = Band(NOON, knowing())
    band.hearts(64, 60)
    assert band.wait(1).hearts(105, 60) == []


def test_at_night_a_band_that_tells_nothing_of_movement_goes_by_the_clock() -> None:
    band = Band(MIDNIGHT, knowing())
    band.hearts(55, 30)
    band.wait(1).hearts(80, 35)
    assert band.of_heart == ["above_usual_asleep_warning"]


def test_whoever_wakes_up_is_no_longer_too_high_for_somebody_asleep() -> None:
    band = asleep()
    sits(band, 80, 30)
    band.wait(1).heart(80, motion="active", steps=30)
    sits(band.wait(1), 78, 12)
    assert band.of_heart == ["above_usual_asleep_warning", "above_usual_over"]


def test_what_is_known_no_more_is_over() -> None:
    band = rested()
    sits(band, 100, 30)
    band.profile = profile()
    band.wait(1).heart(100, motion="rest", steps=0)
    assert band.of_heart == ["above_usual_warning", "above_usual_over"]


@pytest.mark.parametrize("since", ["away", "a pause"])
def test_after_a_time_away_or_without_a_value_it_is_another_episode(since: str) -> None:
    band = rested()
    sits(band, 100, 30)
    band.wait(180)
    if since == "away":
        band.profile = knowing(away_until=band.now)
    began = band.now
    sits(band, 100, 40)
    told = band.findings[-1]
    assert told.reason == "above_usual_warning"
    assert told.episode_at is not None
    assert told.episode_at >= began


def test_while_she_is_away_nothing_is_told() -> None:
    band = rested(knowing(away_until=NOON + timedelta(hours=1)))
    assert sits(band, 100, 50) == []
    assert band.watched(band.now) == []


def test_values_of_no_heart_are_not_compared() -> None:
    band = Band(NOON, knowing())
    band.heart(75, motion="active", steps=60)
    for minute in range(240):
        band.wait(1).heart(88 if minute % 2 else 104, motion="rest", steps=0)
    assert band.of_heart == ["above_usual_warning"] * 3  # before nobody had moved for two hours
    other = Band(NOON, knowing())
    other.heart(75, motion="active", steps=60)
    for minute in range(240):
        bpm = 70 + minute % 2 if minute < 125 else 88 if minute % 2 else 104
        other.wait(1).heart(bpm, motion="rest", steps=0)
    assert "above_usual_warning" not in other.of_heart


def test_a_single_value_is_compared_while_it_is_fresh_and_not_again() -> None:
    band = rested()
    sits(band, 100, 20)
    band.wait(8).heart(0, motion="rest", steps=0)
    band.wait(6).status(worn=True)
    assert band.of_heart == []


@given(st.permutations(range(9)), st.data())
@settings(max_examples=30)
def test_it_is_found_in_any_order(order: Sequence[int], data: st.DataObject) -> None:
    before = [disorder.heart(75, 7260, motion="active", steps=60)]
    before += [disorder.heart(98 + each % 3, 60.0 * each) for each in range(34, 8, -1)]
    last = [disorder.heart(98 + each % 3, 60.0 * each) for each in range(8, -1, -1)]
    after = [disorder.heart(100 if each < 3 else 70, -60.0 * each) for each in range(1, 19)]
    line = disorder.in_order(disorder.Line(learnt={"envelope": KNOWN}), before)
    begin = 0
    while begin < len(order):
        count = data.draw(st.integers(1, 4))
        line.hand_in([last[each] for each in order[begin : begin + count]], disorder.NOON)
        begin += count
    disorder.in_order(line, after)
    assert [each.reason for each in line.said] == ["above_usual_warning", "above_usual_over"]
    found = line.said[0]
    assert isinstance(found, Finding)
    assert found.episode_at == disorder.NOON - timedelta(minutes=34)


# What is learnt -------------------------------------------------------------------------------------------------


def day(
    number: int = 0,
    awake: float = 64,
    asleep: float = 55,
    *,
    every: int = 1,
    bpm: Callable[[int], float] | None = None,
    moves: bool = True,
) -> Day:
    """A day from noon to noon: she walks for half an hour at two, sits, and lies from ten to six."""
    noon = NOON + timedelta(days=number)

    def hearts() -> Iterator[HeartRate]:
        for minute in range(0, 1440, every):
            walks = 120 <= minute < 150 or 1080 <= minute < 1084
            rate = 110.0 if walks else asleep if 600 <= minute < 1080 else awake
            rate = bpm(minute) if bpm else rate + minute // every % 3
            told: dict[str, Any] = {"steps": 60 * every if walks else 0, "motion": "active" if walks else "rest"}
            yield HeartRate(ts=noon + timedelta(minutes=minute), bpm=rate, **(told if moves else {}))

    return Day.ending((noon + timedelta(days=1)).astimezone(profile().zone), hearts())


def weeks(count: int, levels: Levels = Levels(), first: int = 0, **values: Any) -> Levels:
    for number in range(count):
        levels, said = learn(levels, day(first + number, **values), profile())
        assert said == ()
    return levels


def test_a_day_has_a_high_rate_awake_and_one_asleep() -> None:
    # The first hours, before she has moved, tell nothing; walking and what follows it is no rest.
    assert rates_of(day(), profile()) == (65, 56)


def test_a_band_that_tells_nothing_of_movement_teaches_its_nights_alone() -> None:
    assert rates_of(day(moves=False), profile()) == (None, 56)


@pytest.mark.parametrize("every", [5, 10, 30])
def test_bands_that_measure_less_often_teach_the_same(every: int) -> None:
    awake, asleep = rates_of(day(every=every), profile())
    assert awake == pytest.approx(65, abs=1)
    assert asleep == pytest.approx(56, abs=1)


def test_too_little_or_no_heart_teaches_nothing() -> None:
    assert rates_of(day(every=120), profile()) == (None, None)
    assert rates_of(day(bpm=lambda minute: 70), profile()) == (None, None)
    assert rates_of(day(bpm=lambda minute: 60 + minute % 2 * 30), profile()) == (None, None)
    assert rates_of(day(bpm=lambda minute: 0), profile()) == (None, None)


def test_what_came_twice_counts_once() -> None:
    once = day()
    twice = once._replace(hearts=sorted([*once.hearts, *once.hearts], key=lambda each: each.ts))
    assert rates_of(twice, profile()) == rates_of(once, profile())


def test_days_away_are_not_learnt() -> None:
    away = profile(away_until=NOON + timedelta(days=3))
    assert learn(Levels(), day(), away)[0] == Levels()
    part = profile(away_until=NOON + timedelta(hours=22))  # she came home at ten
    assert rates_of(day(), part) == (None, None)


def test_with_seven_days_it_is_known_what_is_high_for_her() -> None:
    levels = weeks(6)
    assert (levels.awake.high, levels.asleep.high, levels.least) == (None, None, None)
    levels = weeks(1, levels, 6)
    assert (levels.awake.high, levels.asleep.high, levels.least) == (65, 56, 56)
    # The same day once more changes nothing.
    assert learn(levels, day(6, awake=90), profile())[0] is levels


def test_days_of_an_illness_are_not_learnt_until_they_have_lasted_three_weeks() -> None:
    levels = weeks(20, weeks(14), 14, awake=80)
    assert levels.awake.high == 65
    assert levels.asleep.high == 56
    assert weeks(1, levels, 34, awake=80).awake.high == 81
    # One usual day, and they are counted from the beginning.
    levels = weeks(20, weeks(1, levels, 34), 35, awake=80)
    assert levels.awake.high == 65


def test_what_changes_little_by_little_is_followed() -> None:
    levels = weeks(10)
    for number in range(60):
        levels = weeks(1, levels, 10 + number, awake=64 + number / 4)
    assert levels.awake.high is not None
    assert 72 < levels.awake.high < 82
    assert len(levels.awake.usual) == 28


def test_a_quarter_of_her_days_may_be_higher() -> None:
    level, rates = Level(), [66.0, 66.0, 66.0, 74.0] * 7
    for number, rate in enumerate(rates):
        level = take(level, 1000 + number, rate)
    assert level.high == 66
    for number in range(4):
        level = take(level, 1028 + number, 74.0)
    assert level.high == 74


def test_after_four_weeks_without_a_day_that_counts_nothing_is_known() -> None:
    level = Level((66.0,) * 9, (), 1000, 66.0)
    assert take(level, 1028, None) == level
    assert take(level, 1029, None) == Level()
    assert take(level, 1029, 70.0) == Level((70.0,), (), 1029)


def test_what_is_learnt_of_her_is_small() -> None:
    ill = Level(tuple(100.1 + each for each in range(28)), (120.1,) * 20, 739000, 120.5)
    text = registry.write_learnt({"envelope": Levels(ill, ill, 739000, 120.5)})
    assert len(text) < 900
    assert registry.read_learnt(text)[0] == {"envelope": Levels(ill, ill, 739000, 120.5)}


def test_what_is_remembered_of_a_band_is_small() -> None:
    band = rested()
    sits(band, 100, 30)
    assert len(json.dumps(json.loads(band.state.to_json())["slots"]["envelope"])) < 120
    assert envelope.stands(band.state.slots["envelope"])  # type: ignore[arg-type]
    assert band.findings[0].at.tzinfo is UTC
