"""A band's minute: what it measures by the rhythm and under each scenario."""

import math
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

from device_sim.bands.band import BandState, Reading, begin, calmed, new_state, press, step
from device_sim.bands.places import METRES_PER_DEGREE
from device_sim.bands.rhythm import Activity, span_at, wearer
from device_sim.bands.scenarios import FLAT_PCT, Scenario, episode
from eldercare.protocol.mqtt_v1 import HeartRate, Kind, Location, Sos, Status

ZONE = ZoneInfo("Asia/Shanghai")
HOME = (31.2304, 121.4737)
WHO = wearer("band-0007", HOME)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=ZONE)
MINUTE = timedelta(minutes=1)


def run(state: BandState, start: datetime, minutes: int) -> tuple[BandState, list[Reading]]:
    """Everything a band measures in a stretch of time."""
    rng, readings = Random(5), []
    for i in range(minutes):
        state, new = step(rng, WHO, state, start + i * MINUTE, ZONE)
        readings += new
    return state, readings


def distance_m(fix: Location) -> float:
    north = (fix.lat - HOME[0]) * METRES_PER_DEGREE
    east = (fix.lon - HOME[1]) * METRES_PER_DEGREE * math.cos(math.radians(HOME[0]))
    return math.hypot(north, east)


def of(readings: list[Reading], model: type) -> list:
    return [reading.message for reading in readings if isinstance(reading.message, model)]


@pytest.fixture(scope="module")
def whole_day() -> list[Reading]:
    return run(new_state(Random(1)), MIDNIGHT, 24 * 60)[1]


def test_a_day_has_the_volume_of_a_real_band(whole_day: list[Reading]) -> None:
    count = Counter(reading.kind for reading in whole_day)
    assert 1_340 < count[Kind.HEART_RATE] < 1_440
    assert 140 < count[Kind.LOCATION] < 300
    assert 96 <= count[Kind.STATUS] < 110


def test_the_heart_is_slower_asleep_than_on_a_walk(whole_day: list[Reading]) -> None:
    by_activity: dict[Activity, list[float]] = {}
    for beat in of(whole_day, HeartRate):
        if beat.bpm:
            by_activity.setdefault(span_at(WHO, beat.ts, ZONE).activity, []).append(beat.bpm)
    assert mean(by_activity[Activity.SLEEP]) + 20 < mean(by_activity[Activity.WALK])


def test_an_ordinary_day_would_alarm_nobody(whole_day: list[Reading]) -> None:
    resting = [beat.bpm for beat in of(whole_day, HeartRate) if beat.bpm and beat.motion == "rest"]
    sustained = [min(resting[i : i + 5]) for i in range(len(resting) - 5)]
    assert max(sustained) <= 110
    assert min(max(resting[i : i + 5]) for i in range(len(resting) - 5)) > 40
    good = [fix for fix in of(whole_day, Location) if fix.accuracy_m <= 100]
    assert sum(distance_m(fix) - fix.accuracy_m > 500 for fix in good) == 0


def test_some_minutes_have_no_pulse_and_some_fixes_are_poor(whole_day: list[Reading]) -> None:
    beats = of(whole_day, HeartRate)
    assert 0.005 < sum(beat.bpm == 0 for beat in beats) / len(beats) < 0.05
    assert any(fix.accuracy_m > 100 and fix.source == "cell" for fix in of(whole_day, Location))


def test_on_the_charger_it_measures_nothing_and_says_so(whole_day: list[Reading]) -> None:
    charging = [status for status in of(whole_day, Status) if status.charging]
    assert charging
    assert not any(status.worn for status in charging)
    assert charging[-1].battery_pct > charging[0].battery_pct
    during = [beat for beat in of(whole_day, HeartRate) if span_at(WHO, beat.ts, ZONE).activity is Activity.CHARGING]
    assert during == []


@pytest.mark.parametrize("hour", [3, 8, 14, 19])
def test_a_racing_and_a_slow_heart_are_seen_at_any_hour(hour: int) -> None:
    start = MIDNIGHT + timedelta(hours=hour, minutes=15)
    for scenario, low, high in ((Scenario.RACING_HEART, 131, 165), (Scenario.SLOW_HEART, 25, 40)):
        state = begin(new_state(Random(1)), episode(scenario, start, 10))
        beats = [beat for beat in of(run(state, start, 10)[1], HeartRate) if beat.bpm]
        assert len(beats) >= 8
        assert all(low <= beat.bpm <= high and beat.motion == "rest" for beat in beats)


def test_a_wanderer_leaves_the_zone_and_is_home_in_the_end() -> None:
    start = MIDNIGHT + timedelta(hours=10)
    state = begin(new_state(Random(1)), episode(Scenario.WANDERING, start))
    state, readings = run(state, start, 45)
    fixes = [fix for fix in of(readings, Location) if fix.accuracy_m <= 100]
    assert len(fixes) >= 40
    assert distance_m(fixes[-1]) > 1_500
    _, later = run(state, start + timedelta(minutes=46), 11)
    assert all(distance_m(fix) < 300 for fix in of(later, Location) if fix.accuracy_m <= 100)


def test_a_band_taken_off_says_so_at_once_and_measures_nothing() -> None:
    start = MIDNIGHT + timedelta(hours=10)
    state, _ = run(new_state(Random(1)), start, 2)
    _, readings = run(begin(state, episode(Scenario.BAND_OFF, start)), start + 2 * MINUTE, 30)
    assert of(readings, Status)[0].worn is False
    assert of(readings, HeartRate) == []


def test_a_flat_battery_is_told_at_once_and_ends_in_silence() -> None:
    start = MIDNIGHT + timedelta(hours=10)
    state, _ = run(new_state(Random(1)), start, 2)
    state = begin(state, episode(Scenario.FLAT_BATTERY, start + 2 * MINUTE, 600))
    state, readings = run(state, start + 2 * MINUTE, 1)
    assert of(readings, Status)[0].battery_pct <= FLAT_PCT
    assert run(replace(state, battery_pct=0.001), start + 3 * MINUTE, 30)[1] == []


def test_back_to_normal() -> None:
    start = MIDNIGHT + timedelta(hours=10)
    state = new_state(Random(1))
    for scenario in (Scenario.BAND_OFF, Scenario.FLAT_BATTERY):
        state = begin(state, episode(scenario, start))
    state = calmed(state, start + MINUTE)
    _, readings = run(state, start + MINUTE, 3)
    assert of(readings, Status)[0].worn
    assert of(readings, Status)[0].battery_pct > 75
    assert of(readings, HeartRate)


def test_a_new_heart_scenario_replaces_the_other() -> None:
    state = begin(new_state(Random(1)), episode(Scenario.RACING_HEART, MIDNIGHT))
    state = begin(state, episode(Scenario.SLOW_HEART, MIDNIGHT))
    assert [one.scenario for one in state.episodes] == [Scenario.SLOW_HEART]


def test_a_press_names_itself_and_says_where() -> None:
    start = MIDNIGHT + timedelta(hours=10)
    sos = press(Random(1), WHO, new_state(Random(1)), start, ZONE, "e-1")
    assert isinstance(sos, Sos)
    assert (sos.event_id, sos.ts) == ("e-1", start)
    assert sos.lat is not None
    assert press(Random(1), WHO, replace(new_state(Random(1)), worn=False), start, ZONE, "e-2").bpm is None


def test_the_same_chance_gives_the_same_day() -> None:
    assert run(new_state(Random(1)), MIDNIGHT, 120) == run(new_state(Random(1)), MIDNIGHT, 120)
