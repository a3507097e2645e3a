"""The fixes of an hour, remembered in a few bytes and in any order."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.geo import distance_m
from alerts.rules import whereabouts
from alerts.rules.thresholds import Thresholds
from alerts.rules.whereabouts import KEPT, Fix, Track, believed, recall, remember
from eldercare.protocol.mqtt_v1 import Location

BEGIN = 1_772_424_000
HOME = (31.2304, 121.4737)
LIMITS = Thresholds()


def location(ts: float, lat: float = HOME[0], lon: float = HOME[1], accuracy_m: float | None = 10) -> Location:
    return Location(ts=datetime.fromtimestamp(ts, UTC), lat=lat, lon=lon, accuracy_m=accuracy_m)


def track_of(*seconds: float) -> Track:
    track = Track()
    for each in seconds:
        track = remember(track, location(BEGIN + each), int(BEGIN + each))
    return track


def test_the_newest_alone_is_as_it_is_among_all() -> None:
    track = track_of(0, 60, 200)
    fix, before = whereabouts.newest(track, *HOME)
    last = recall(track, *HOME)[-1]
    assert (fix.ts, fix.accuracy_m) == (last.ts, last.accuracy_m)
    assert (fix.east, fix.north) == pytest.approx((last.east, last.north), abs=1e-3)
    assert before == BEGIN + 60
    assert whereabouts.newest(track_of(5), *HOME)[1] == 0


@pytest.mark.parametrize("at", [HOME, (-33.9, 151.2), (51.5, -0.1), (0.0, 179.9999), (64.1, -21.9)])
def test_a_fix_comes_back_where_and_when_it_was(at: tuple[float, float]) -> None:
    track = Track()
    for number, (north, accuracy) in enumerate([(0.0, None), (0.001, 15), (0.5, 40), (-0.3, 90)]):
        ts = BEGIN + 60 * number
        track = remember(track, location(ts, at[0] + north, at[1], accuracy), ts)
    fixes = recall(track, *at)
    assert [fix.ts - BEGIN for fix in fixes] == [0, 60, 120, 180]
    assert [fix.north for fix in fixes] == pytest.approx([0, 111.2, 55_597, -33_358], abs=3)
    assert [fix.east for fix in fixes] == pytest.approx([0, 0, 0, 0], abs=3)
    assert [fix.accuracy_m for fix in fixes] == [0, 20, 50, 100]
    assert track.position() == pytest.approx((at[0] - 0.3, at[1]), abs=3e-5)
    assert recall(track, *at, since=BEGIN + 100) == fixes[2:]
    assert recall(track, *at, last=1) == fixes[3:]


def test_the_first_of_each_minute_is_kept() -> None:
    assert [fix.ts - BEGIN for fix in recall(track_of(0, 20, 59, 61, 130), *HOME)] == [0, 61, 130]
    assert [fix.ts - BEGIN for fix in recall(track_of(59, 20, 0), *HOME)] == [0]
    track = track_of(0, 60)
    assert remember(track, location(BEGIN + 70), BEGIN + 70) is track
    assert remember(track, location(BEGIN + 10), BEGIN + 10) is track
    assert remember(track, location(BEGIN - 9000), BEGIN - 9000) is track


def test_what_is_older_than_an_hour_or_more_than_enough_is_forgotten() -> None:
    assert [fix.ts - BEGIN for fix in recall(track_of(0, 1800, 7200), *HOME)] == [7200]
    assert [fix.ts - BEGIN for fix in recall(track_of(0, 1800, 3600), *HOME)] == [0, 1800, 3600]
    assert [fix.ts - BEGIN for fix in recall(track_of(0, 3 * 86400), *HOME)] == [3 * 86400]
    assert len(recall(track_of(*range(0, 6000, 60)), *HOME)) == KEPT
    assert len(track_of(*range(0, 6000, 60)).fixes) == 6 * KEPT


_SECONDS = st.lists(st.integers(0, 5000), min_size=1, max_size=60, unique=True)


@given(_SECONDS.flatmap(lambda seconds: st.tuples(st.just(sorted(seconds)), st.permutations(seconds))))
def test_the_order_and_doubles_make_no_difference(orders: tuple[list[int], list[int]]) -> None:
    ordered, shuffled = (track_of(*each) for each in orders)
    again = track_of(*orders[1], *orders[1])
    assert ordered == shuffled == again


@given(_SECONDS)
def test_it_travels_as_json(seconds: list[int]) -> None:
    track = track_of(*seconds)
    text = msgspec.json.encode(track)
    assert msgspec.json.decode(text, type=Track) == track
    assert len(text) < 350


def test_distances_are_those_of_the_map() -> None:
    for other in ((31.24, 121.48), (31.0, 121.0), (39.9, 116.4)):
        assert whereabouts.metres_off(*other, *HOME) == pytest.approx(distance_m(*other, *HOME), rel=0.01)


@pytest.mark.parametrize(
    ("fields", "accuracy"),
    [
        ({}, 10),
        ({"accuracy_m": None}, 50),
        ({"accuracy_m": 0}, 50),
        ({"accuracy_m": 101}, None),
        ({"lat": 0, "lon": 0}, None),
    ],
)
def test_what_is_no_fix_is_not_believed(fields: dict[str, Any], accuracy: float | None) -> None:
    assert whereabouts.accuracy_of(location(BEGIN, **fields), LIMITS) == accuracy


def test_a_jump_is_left_out_and_three_of_them_are_travel() -> None:
    at = [0, 10, 9000, 20, 9000, 9010, 9020, 9030]
    fixes = [Fix(BEGIN + 60 * number, metres, 0, 20) for number, metres in enumerate(at)]
    assert [fix.east for fix in believed(fixes, LIMITS)] == [0, 10, 20, 9020, 9030]


def test_a_fast_step_that_poor_accuracies_explain_is_no_jump() -> None:
    here, there = Fix(0, 0, 0, 100), Fix(2, 200, 0, 100)
    assert believed([here, there], LIMITS) == [here, there]
    assert believed([here, Fix(2, 300, 0, 100)], LIMITS) == [here]
