"""What weeks show: where she sleeps, when she is out, how far she goes, and whether her band is always heard."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts.rules import Profile, registry
from alerts.rules.places_learnt import (
    NOTHING_LEARNT,
    PlacesLearnt,
    fastest_s,
    home,
    known,
    learn,
    never_out,
    rhythm_s,
)
from alerts.rules.rule import Day, Reading
from alerts.rules.whereabouts import METRES_PER_DEGREE
from eldercare.protocol.mqtt_v1 import HeartRate, Location
from tests.unit.alerts.rules.band import HOME, profile

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 12, tzinfo=ZONE)
UNKNOWN = profile(home_lat=None, home_lon=None)
Metres = Callable[[float], float | None]


def at_home(_: float) -> float:
    return 0.0


def fixes(number: int, metres: Metres, every_min: float = 20, accuracy_m: float = 10) -> list[Reading]:
    """A day from noon to noon; `metres` north of home by the hour of the clock, None for no fix."""
    out: list[Reading] = []
    for step in range(int(24 * 60 / every_min)):
        ts = NOON + timedelta(days=number - 1, minutes=step * every_min)
        off = metres(ts.hour + ts.minute / 60)
        if off is not None:
            lat = HOME[0] + off / METRES_PER_DEGREE
            out.append(Location(ts=ts, lat=lat, lon=HOME[1], accuracy_m=accuracy_m))
    return out


def weeks(who: Profile, *days: Metres, **fields: Any) -> PlacesLearnt:
    learnt = NOTHING_LEARNT
    for number, metres in enumerate(days):
        day = Day.ending(NOON + timedelta(days=number), fixes(number, metres, **fields))
        learnt, said = learn(learnt, day, who)
        assert said == ()
    return learnt


def lives(learnt: PlacesLearnt, who: Profile = UNKNOWN) -> float | None:
    """Metres north of HOME."""
    place = home(replace(who, learnt={"places": learnt}))
    return None if place is None else (place[0] - HOME[0]) * METRES_PER_DEGREE


def test_one_night_shows_where_she_sleeps() -> None:
    assert lives(weeks(UNKNOWN, at_home)) == pytest.approx(0, abs=2)
    assert lives(weeks(UNKNOWN, lambda hour: 0.0 if hour % 2 < 0.3 else None)) == pytest.approx(0, abs=2)


def test_a_night_on_the_train_or_with_two_fixes_shows_nothing() -> None:
    assert lives(weeks(UNKNOWN, lambda hour: 3000 * hour)) is None
    assert lives(weeks(UNKNOWN, lambda hour: 0.0 if 23 <= hour < 23.5 else None)) is None
    assert lives(weeks(UNKNOWN, lambda hour: 0.0 if 9 <= hour < 20 else None)) is None
    assert lives(weeks(UNKNOWN, at_home, accuracy_m=150)) is None


def test_one_strange_night_changes_nothing_and_the_latest_of_two_counts() -> None:
    def elsewhere(_: float) -> float:
        return 5000.0

    assert lives(weeks(UNKNOWN, at_home, at_home, elsewhere)) == pytest.approx(0, abs=2)
    assert lives(weeks(UNKNOWN, at_home, elsewhere)) == pytest.approx(5000, abs=2)


def test_home_as_given_is_made_exact_by_nights_nearby_alone() -> None:
    near, far = weeks(profile(), lambda _: 120.0), weeks(profile(), lambda _: 2000.0)
    assert lives(near, profile()) == pytest.approx(120, abs=2)
    assert lives(far, profile()) == pytest.approx(0, abs=2)
    assert lives(NOTHING_LEARNT) is None
    assert known(profile()) is NOTHING_LEARNT


@pytest.mark.parametrize("metres", [350.0, 500.0])
def test_five_nights_that_agree_know_better_than_an_address(metres: float) -> None:
    given = profile()
    assert lives(weeks(given, *[lambda _: metres] * 4), given) == pytest.approx(0, abs=2)
    assert lives(weeks(given, *[lambda _: metres] * 5), given) == pytest.approx(metres, abs=2)
    assert lives(weeks(given, at_home, *[lambda _: metres] * 6), given) == pytest.approx(0, abs=2)


def test_whoever_works_at_night_lives_where_she_sleeps_by_day() -> None:
    given = profile()
    assert lives(weeks(given, *[lambda hour: 900.0 * (hour >= 22 or hour < 5)] * 9), given) == pytest.approx(0, abs=2)


def test_a_night_that_was_learnt_before_puts_no_address_right() -> None:
    before = msgspec.json.decode(b'{"nights":[[1,2,3,4]]}', type=PlacesLearnt)
    assert before.nights[0].at_given


def test_the_drift_of_her_nights_is_known() -> None:
    drifting = weeks(UNKNOWN, lambda hour: 90.0 if int(hour * 3) % 3 == 0 else 0.0)
    assert drifting.spread_m == pytest.approx(90, abs=2)
    assert weeks(UNKNOWN, at_home).spread_m == 0


def usual_hours(learnt: PlacesLearnt) -> set[int]:
    return {hour for hour in range(24) if learnt.usual >> hour & 1}


def test_hours_at_which_she_is_usually_out() -> None:
    def market(hour: float) -> float:
        return 900.0 if 6 <= hour < 8 else 0.0

    def shift(hour: float) -> float:
        return 900.0 if hour >= 22 or hour < 5 else 0.0

    given = profile()
    assert usual_hours(weeks(given, *[market] * 4)) == set()
    assert usual_hours(weeks(given, *[market] * 5)) == {6, 7}
    assert usual_hours(weeks(given, *[market] * 3, *[at_home] * 9)) == set()
    assert usual_hours(weeks(given, *[shift] * 6)) == {22, 23, 0, 4}
    assert usual_hours(weeks(given, *[shift] * 7)) == {22, 23, 0, 1, 2, 3, 4}
    assert usual_hours(weeks(given, *[shift] * 7, *[at_home] * 7)) == {22, 23, 0, 4}


def test_the_furthest_needs_a_week_and_two_fixes() -> None:
    def town(hour: float) -> float:
        return 4000.0 if 9 <= hour < 11 else 0.0

    def jump(hour: float) -> float:
        return 90_000.0 if hour == 15 else 0.0

    given = profile()
    assert weeks(given, town, *[at_home] * 5).far_m is None
    assert weeks(given, town, *[at_home] * 6).far_m == pytest.approx(4000, abs=10)
    assert weeks(given, jump, *[at_home] * 6).far_m == 0


def test_whether_her_band_is_heard_while_she_is_out() -> None:
    def out(hour: float) -> float:
        return 900.0 if 9 <= hour < 12 else 0.0

    def hidden(hour: float) -> float | None:
        return None if 10 <= hour < 11 else out(hour)

    given = profile()
    assert not weeks(given, *[out] * 6).heard
    assert weeks(given, *[out] * 7).heard
    assert not weeks(given, *[out] * 6, hidden).heard

    def stray(hour: float) -> float | None:
        return None if 20.4 <= hour < 21.1 else 400.0 if 20.2 < hour < 20.4 else out(hour)

    assert weeks(given, *[out] * 6, stray).heard
    learnt = NOTHING_LEARNT
    for number in range(7):
        values = [HeartRate(ts=NOON + timedelta(days=number - 1, minutes=m), bpm=70) for m in range(0, 1440, 15)]
        day = Day.ending(NOON + timedelta(days=number), [*fixes(number, hidden), *values])
        learnt, _ = learn(learnt, day, given)
    assert learnt.heard


def test_days_away_and_days_without_a_fix_teach_nothing() -> None:
    away = profile(away_until=NOON + timedelta(days=9))
    assert weeks(away, at_home) == NOTHING_LEARNT
    assert weeks(profile(), lambda _: None) == NOTHING_LEARNT


def test_weeks_are_small_and_a_day_told_again_counts_once() -> None:
    learnt = weeks(profile(), *[lambda hour: 5000.0 * (9 <= hour < 12)] * 40)
    assert (len(learnt.nights), len(learnt.outings)) == (14, 28)
    assert len(msgspec.json.encode(learnt)) < 2000
    again, _ = learn(learnt, Day.ending(NOON + timedelta(days=39), fixes(39, at_home)), profile())
    assert (len(again.nights), len(again.outings)) == (14, 28)
    assert registry.read_learnt(registry.write_learnt({"places": learnt})) == ({"places": learnt}, [])


def test_a_day_out_shows_how_often_the_band_tells_a_position_then() -> None:
    day = fixes(0, lambda hour: None if 8 <= hour < 9 else 0.0)
    out = [
        Location(ts=NOON - timedelta(hours=3, minutes=each), lat=HOME[0] + 0.01, lon=HOME[1], accuracy_m=10)
        for each in range(2, 60, 2)
    ]
    learnt, _ = learn(NOTHING_LEARNT, Day.ending(NOON, [*day, *out]), profile())
    assert [each.rhythm_s for each in learnt.outings] == [120]
    assert rhythm_s(replace(profile(), learnt={"places": learnt})) == 120
    indoors, _ = learn(learnt, Day.ending(NOON + timedelta(days=1), fixes(1, at_home)), profile())
    assert [each.rhythm_s for each in indoors.outings] == [120, 1200]
    assert rhythm_s(replace(profile(), learnt={"places": indoors})) == 120
    assert rhythm_s(profile()) is None


@pytest.mark.parametrize(
    ("times", "rhythm"),
    [([], None), ([0], None), ([0, 60], None), ([0, 60, 660], 600), ([0, 600, 660, 720, 780, 2000], 60),
     ([0, 60, 660, 720, 1320], 600)],
)  # fmt: skip
def test_a_rhythm_is_that_of_three_times_in_a_row(times: list[float], rhythm: float | None) -> None:
    assert fastest_s(times) == rhythm


def test_a_day_that_the_version_before_learnt_has_no_rhythm() -> None:
    before = msgspec.json.decode(b'{"outings":[[739000,3,1,900,false]]}', type=PlacesLearnt)
    assert [each.rhythm_s for each in before.outings] == [0]
    assert rhythm_s(replace(profile(), learnt={"places": before})) is None


def never(learnt: PlacesLearnt) -> set[int]:
    return {hour for hour in range(24) if learnt.never >> hour & 1}


def evening_out(hour: float) -> float:
    return 900.0 if 20 <= hour < 21 else 0.0


def test_hours_at_the_edges_of_the_day_at_which_she_never_is_out() -> None:
    given = profile()
    assert never(weeks(given, *[at_home] * 13)) == set()
    assert never(weeks(given, *[at_home] * 14)) == {5, 6, 20, 21, 22}
    # Seen outside once in an hour, she is not never out in it, nor in those beside it; for four weeks.
    once = [*[at_home] * 14, evening_out]
    assert never(weeks(given, *once)) == {5, 6, 22}
    assert never(weeks(given, *once, *[at_home] * 27)) == {5, 6, 22}
    assert never(weeks(given, *once, *[at_home] * 28)) == {5, 6, 20, 21, 22}
    # Two fixes of a walk across the hour tell of both.
    assert never(weeks(given, *[at_home] * 14, lambda hour: 900.0 if 19.8 <= hour < 20.1 else 0.0, every_min=10)) == {
        5, 6, 22,
    }  # fmt: skip


def test_a_single_fix_outside_is_drift_and_an_hour_of_which_little_is_known_is_none() -> None:
    given = profile()
    stray = [lambda hour: 900.0 if hour == 21 else 0.0]
    assert never(weeks(given, *[at_home] * 14, *stray)) == {5, 6, 20, 21, 22}
    half = [lambda hour: None if hour >= 20 else 0.0]
    assert never(weeks(given, *[at_home] * 14, *half * 3)) == {5, 6, 20, 21, 22}
    assert never(weeks(given, *[at_home] * 14, *half * 4)) == {5, 6}


def test_days_that_were_learnt_before_tell_of_no_hour_at_which_she_never_is_out() -> None:
    before = msgspec.json.decode(b'{"outings":[[1,16777215,0,900,false]]}', type=PlacesLearnt)
    assert never_out(before.outings * 28) == 0
