"""Distances and directions on the sphere, against what anybody can work out."""

from math import pi

import pytest

from alerts.model.geo import EARTH_RADIUS_M, bearing_deg, distance_m


def test_a_degree_of_a_great_circle_is_the_360th_part_of_it() -> None:
    degree = 2 * pi * EARTH_RADIUS_M / 360
    assert distance_m(31, 121, 32, 121) == pytest.approx(degree)
    assert distance_m(0, 121, 0, 122) == pytest.approx(degree)
    assert distance_m(60, 121, 60, 122) == pytest.approx(degree / 2, rel=1e-4)
    assert distance_m(31, 121, 31, 121) == 0


def test_the_other_side_of_the_earth_is_half_way_round() -> None:
    assert distance_m(31, 121, -31, -59) == pytest.approx(pi * EARTH_RADIUS_M)


@pytest.mark.parametrize(
    ("to_lat", "to_lon", "bearing"), [(1, 0, 0), (0, 1, 90), (-1, 0, 180), (0, -1, 270), (1, -1e-12, 360)]
)
def test_a_bearing_is_clockwise_from_north(to_lat: float, to_lon: float, bearing: float) -> None:
    assert bearing_deg(0, 0, to_lat, to_lon) == pytest.approx(bearing)
    assert 0 <= bearing_deg(0, 0, to_lat, to_lon) < 360
