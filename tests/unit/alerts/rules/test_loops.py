"""Circles and pacing are told from drift, errands and rides by their geometry alone."""

from collections.abc import Callable
from math import cos, pi, sin
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import loops
from alerts.rules.whereabouts import Fix

Way = Callable[[float], tuple[float, float]]


def circle(radius_m: float, kmh: float = 3.5) -> Way:
    def way(second: float) -> tuple[float, float]:
        angle = second * kmh / 3.6 / radius_m
        return radius_m * cos(angle), radius_m * sin(angle)

    return way


def pacing(length_m: float, kmh: float = 3.5) -> Way:
    def way(second: float) -> tuple[float, float]:
        return abs(second * kmh / 3.6 % (2 * length_m) - length_m), 0.0

    return way


def fixes(
    way: Way, minutes: float = 46, rhythm_s: int = 60, error_m: float = 6, accuracy_m: float = 0, seed: int = 1
) -> list[Fix]:
    chance = Random(seed)
    out = []
    for second in range(0, int(minutes * 60) + 1, rhythm_s):
        east, north = way(second)
        out.append(Fix(second, east + chance.gauss(0, error_m), north + chance.gauss(0, error_m), accuracy_m))
    return out[-34:]


@pytest.mark.parametrize("radius_m", [60, 100, 200, 300])
@pytest.mark.parametrize("rhythm_s", [60, 120, 180])
def test_circles_are_found_with_their_width(radius_m: float, rhythm_s: int) -> None:
    found = loops.find(fixes(circle(radius_m), rhythm_s=rhythm_s))
    assert found is not None
    assert found.width_m == pytest.approx(2 * radius_m, rel=0.2)


@pytest.mark.parametrize(("length_m", "rhythm_s"), [(80, 60), (120, 60), (300, 60), (150, 120), (300, 120), (300, 300)])
def test_pacing_is_found_with_its_length_and_way(length_m: float, rhythm_s: int) -> None:
    found = loops.find(fixes(pacing(length_m, 3.5 if rhythm_s == 300 else 3.3), rhythm_s=rhythm_s))
    assert found is not None
    assert found.width_m == pytest.approx(length_m, rel=0.4)
    assert found.path_m > 2 * length_m


@pytest.mark.parametrize(("length_m", "rhythm_s"), [(80, 120), (80, 180), (120, 180)])
def test_steps_show_that_a_short_line_is_no_drift(length_m: float, rhythm_s: int) -> None:
    walk = fixes(pacing(length_m, 3.3), rhythm_s=rhythm_s)
    assert loops.find(walk) is None
    found = loops.find(walk, 1500.0)
    assert found is not None
    assert found.width_m == pytest.approx(length_m, rel=0.4)
    assert found.path_m >= 1500


def test_steps_alone_show_no_line() -> None:
    chance = Random(4)
    cloud = [Fix(n * 120, chance.uniform(-90, 90), chance.uniform(-90, 90), 0) for n in range(22)]
    assert loops.find(cloud, 1500.0) is None
    assert loops.find(fixes(lambda second: (second * 0.9, 0.0)), 1500.0) is None
    assert loops.find(fixes(pacing(900, 4), rhythm_s=120), 1500.0) is None
    walk = fixes(pacing(120))
    assert loops.find([*walk[:12], *walk[18:]], 1500.0) is None


def test_one_bad_fix_hides_no_circle() -> None:
    walk = fixes(circle(150))
    walk[7] = walk[7]._replace(east=900.0)
    assert loops.find(walk) is not None


def test_a_walk_of_half_an_hour_is_none() -> None:
    assert loops.find(fixes(circle(100), minutes=30)) is None
    assert loops.find(fixes(circle(100), minutes=36, rhythm_s=120)) is None
    assert loops.find(fixes(circle(100), minutes=30, rhythm_s=300)) is None


def test_a_straight_walk_is_none() -> None:
    assert loops.find(fixes(lambda second: (second * 0.9, 0.0))) is None
    assert loops.find(fixes(lambda second: (second * 0.9, 0.0), error_m=0)) is None


def test_a_walk_out_and_back_is_none() -> None:
    assert loops.find(fixes(pacing(900, 4), rhythm_s=120)) is None
    assert loops.find(fixes(pacing(350, 2.5), minutes=33)) is None


def test_a_walk_with_a_stay_at_its_end_is_none() -> None:
    def shop(second: float) -> tuple[float, float]:
        minute = second / 60
        return (min(minute, 6, max(0.0, 46 - minute)) * 50, 0.0)

    assert loops.find(fixes(shop, rhythm_s=120, error_m=20)) is None


def test_whoever_rides_round_is_not_walking() -> None:
    assert loops.find(fixes(circle(300, 15))) is None


def test_a_pause_in_the_fixes_hides_what_she_did() -> None:
    walk = fixes(circle(150))
    assert loops.find([*walk[:12], *walk[18:]]) is None


def test_rings_and_lines_larger_and_smaller_than_those_are_none() -> None:
    assert loops.find(fixes(circle(500, 4.5))) is None
    assert loops.find(fixes(pacing(600, 4.5))) is None
    assert loops._ring(fixes(circle(20))) is None
    assert loops._line(fixes(pacing(30)), 1e6) is None


def test_a_ring_half_of_which_was_walked_is_none() -> None:
    def half(second: float) -> tuple[float, float]:
        angle = abs(second * 3.5 / 3.6 / 200 % (2 * pi) - pi)
        return 200 * cos(angle), 200 * sin(angle)

    assert loops._ring(fixes(half)) is None


def test_whoever_is_mostly_in_one_place_of_the_ring_walks_no_ring() -> None:
    ring = [Fix(200 * n, 100 * cos(n), 100 * sin(n), 0) for n in range(13)]
    assert loops._ring(ring) is not None
    stay = [Fix(2600 + n, 100 + n % 3, float(n % 5), 0) for n in range(13)]
    assert loops._ring([*ring, *stay]) is None


def test_the_way_to_a_ring_is_no_part_of_it() -> None:
    walk = fixes(circle(120), minutes=45, rhythm_s=120)
    there = [fix._replace(east=900.0 - 100 * n, north=0.0) for n, fix in enumerate(walk[:4])]
    assert loops._ring(walk) is not None
    assert loops._ring([*there, *walk[4:]]) is None
    walk = fixes(pacing(200), minutes=45, rhythm_s=120)
    assert loops._line(walk, 1e6) is not None
    there = [fix._replace(east=100.0, north=70.0) for fix in walk[:4]]
    assert loops._line([*there, *walk[4:]], 1e6) is None


def test_a_line_that_is_seen_at_its_ends_alone_is_not_walked_evenly() -> None:
    ends = [Fix(n, 5.0 * (n % 7) if n < 26 else 200.0, 0.0, 0) for n in range(34)]
    assert loops._line(ends, 1e6) is None


def test_fixes_on_one_line_have_no_ring() -> None:
    assert loops._ring([Fix(n, 40.0 * (n % 5), 0.0, 0) for n in range(20)]) is None


def test_a_wide_cloud_is_neither() -> None:
    chance = Random(4)
    cloud = [Fix(n * 120, chance.uniform(-90, 90), chance.uniform(-90, 90), 0) for n in range(22)]
    assert loops.find(cloud) is None


def test_a_line_seen_at_both_ends_is_not_walked_evenly() -> None:
    stays = [Fix(n * 60, 10.0 * n if n % 17 < 3 else 0.0, 0.0, 0) for n in range(34)]
    assert loops._line(stays, 1e6) is None


def test_uneven_steps_are_drift() -> None:
    walk = [fix._replace(east=fix.east + 400 * (n % 4 == 0)) for n, fix in enumerate(fixes(circle(60, 3)))]
    assert loops.find(walk) is None


def test_poor_fixes_need_longer_steps() -> None:
    assert loops.least_step_m(60, 0) == loops.least_step_m(30, 20) == 32
    assert loops.least_step_m(120, 0) == 55
    assert loops.least_step_m(300, 0) == loops.least_step_m(900, 0) == 65
    assert loops.least_step_m(60, 100) == 72
    assert loops.find(fixes(pacing(80), accuracy_m=100)) is None


@given(st.integers(0, 10_000), st.sampled_from([60, 120, 300]), st.floats(1, 15))
def test_whoever_stands_still_goes_in_no_circles(seed: int, rhythm_s: int, error_m: float) -> None:
    assert loops.find(fixes(lambda _: (0.0, 0.0), rhythm_s=rhythm_s, error_m=error_m, seed=seed)) is None


@given(st.floats(80, 150), st.floats(2.8, 4.2), st.floats(0, 2 * pi), st.integers(0, 1000))
def test_a_circle_is_found_wherever_it_begins(radius_m: float, kmh: float, phase: float, seed: int) -> None:
    way = circle(radius_m, kmh)
    assert loops.find(fixes(lambda second: way(second + phase * 3600), minutes=50, seed=seed)) is not None
