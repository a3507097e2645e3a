"""Distances and directions on the sphere. Pure; good to 0.5 %, far finer than the accuracy of a band's fix."""

from math import asin, atan2, cos, degrees, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of WGS-84, as IUGG gives it."""


def distance_m(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Great-circle distance between two WGS-84 positions, in metres (haversine)."""
    half_lat, half_lon = radians(to_lat - lat) / 2, radians(to_lon - lon) / 2
    h = sin(half_lat) ** 2 + cos(radians(lat)) * cos(radians(to_lat)) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, h)))


def bearing_deg(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Initial bearing from one WGS-84 position to another, degrees clockwise from north, 0 to below 360."""
    a, b, turn = radians(lat), radians(to_lat), radians(to_lon - lon)
    return degrees(atan2(sin(turn) * cos(b), cos(a) * sin(b) - sin(a) * cos(b) * cos(turn))) % 360
