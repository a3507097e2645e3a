"""Positions near a home. Pure."""

import math

METRES_PER_DEGREE = 111_195.0
"""One degree of latitude on a sphere of 6,371 km; at walking distance the flat picture is right to a centimetre."""


def moved(lat: float, lon: float, north_m: float, east_m: float) -> tuple[float, float]:
    """The position `north_m` and `east_m` metres from (`lat`, `lon`), degrees."""
    return lat + north_m / METRES_PER_DEGREE, lon + east_m / (METRES_PER_DEGREE * math.cos(math.radians(lat)))


def loop(fraction: float, reach_m: float, bearing: float) -> tuple[float, float]:
    """Metres north and east along a walk that leaves home, is `reach_m` away half-way, and comes back another way."""
    along = reach_m * math.sin(math.pi * fraction)
    aside = 0.35 * reach_m * math.sin(2 * math.pi * fraction)
    return along * math.cos(bearing) - aside * math.sin(bearing), along * math.sin(bearing) + aside * math.cos(bearing)
