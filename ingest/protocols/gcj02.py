"""GCJ-02, the shifted datum of Chinese maps, to WGS-84.

The shift is a published sum of sines over the Krasovsky 1940 ellipsoid; it has no closed inverse, so the inverse is
found by iteration: walk against the shift until the forward conversion meets the given point.
"""

from math import cos, pi, radians, sin, sqrt

_SEMI_MAJOR_AXIS_M = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_ITERATIONS = 4
"""Each gains at least two digits, and the shift is below 0.01 degrees."""


def _waves(value: float, *amplitudes_and_frequencies: tuple[float, float]) -> float:
    return sum(amplitude * sin(frequency * pi * value) for amplitude, frequency in amplitudes_and_frequencies) * 2 / 3


def _shift(lat: float, lon: float) -> tuple[float, float]:
    """How far GCJ-02 lies from a WGS-84 point, in degrees of latitude and longitude."""
    if not (_SOUTH <= lat <= _NORTH and _WEST <= lon <= _EAST):
        return 0.0, 0.0
    x, y = lon - 105.0, lat - 35.0
    ripple = _waves(x, (20.0, 6.0), (20.0, 2.0))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripple
    north += _waves(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripple
    east += _waves(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    flattening = 1 - _ECCENTRICITY_SQUARED * sin(radians(lat)) ** 2
    meridian_m = _SEMI_MAJOR_AXIS_M * (1 - _ECCENTRICITY_SQUARED) / (flattening * sqrt(flattening))
    parallel_m = _SEMI_MAJOR_AXIS_M / sqrt(flattening) * cos(radians(lat))
    return north / radians(meridian_m), east / radians(parallel_m)


def from_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """A WGS-84 point (degrees) in GCJ-02; the same point outside China's bounding box."""
    north, east = _shift(lat, lon)
    return lat + north, lon + east


def to_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """A GCJ-02 point (degrees) in WGS-84, exact to a tenth of a millimetre; the same point outside the bounding box."""
    guess_lat, guess_lon = lat, lon
    for _ in range(_ITERATIONS):
        there_lat, there_lon = from_wgs84(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat - (there_lat - lat), guess_lon - (there_lon - lon)
    return guess_lat, guess_lon
