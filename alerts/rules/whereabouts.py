"""What the rules about whereabouts share: which fix is believed, and the few fixes that are remembered of an hour.

A remembered fix is a number of 48 bits: the fixes of an hour are 272 characters of JSON at most, in any rhythm.
"""

from collections.abc import Sequence
from math import cos, hypot, radians
from struct import Struct
from typing import Any, NamedTuple

from alerts.model.geo import EARTH_RADIUS_M, distance_m
from alerts.rules.state import Memory, State
from alerts.rules.thresholds import Thresholds
from eldercare.protocol.mqtt_v1 import Location

SLOT = "places"
"""The name under which the rule without a circle remembers and learns; the one with a circle asks what it found."""
METRES_PER_DEGREE = radians(EARTH_RADIUS_M)
"""Metres per degree of a great circle."""
SLOT_S = 60
"""Seconds in which one fix is remembered, the first."""
KEPT = 34
"""Fixes that are remembered at most, the newest."""
HORIZON = 62
"""Slots before the newest in which a fix is remembered. Its time is kept modulo 4096 s."""
FLAT_M = 100_000.0
"""Metres within which a flat map is good to 1 %."""

_STEPS_PER_DEGREE = 46_603
"""A remembered position is rounded to 2.4 m, and kept modulo 2^17 of these steps, which are 310 km."""
_STEP_M = METRES_PER_DEGREE / _STEPS_PER_DEGREE
_SPAN = 1 << 17
_BYTES = 6
_WORD = Struct(">HI")
_CLASSES_M = (0.0, 20.0, 50.0, 100.0)
"""Accuracies that are told apart, metres; the first is one that was not said."""


class Fix(NamedTuple):
    """One fix: seconds since the epoch, metres east and north of a reference, accuracy in metres (0: not said)."""

    ts: int
    east: float
    north: float
    accuracy_m: float


class Track(Memory, frozen=True, rename={"newest": "t", "fixes": "f"}):
    """The fixes of the last hour, the first of each minute. It depends on what was heard alone, not on its order.

    `newest` is the time of the newest of them, `lat` and `lon` its position in steps of 1/46603 degree (WGS-84).
    """

    newest: int = 0
    lat: int = 0
    lon: int = 0
    fixes: bytes = b""

    def position(self) -> tuple[float, float]:
        """Where the newest fix lies, degrees in WGS-84."""
        return round(self.lat / _STEPS_PER_DEGREE, 6), round(self.lon / _STEPS_PER_DEGREE, 6)


def told_without_circle(state: State) -> int:
    """When the rule without a circle told anything last, seconds since the epoch; 0 is never."""
    memory: Any = state.slots.get(SLOT)
    return memory.told if memory is not None else 0


def accuracy_of(reading: Location, limits: Thresholds) -> float | None:
    """The accuracy that a fix is taken for, metres; None where the fix is not to be believed at all."""
    accuracy = reading.accuracy_m or limits.zone_assumed_accuracy_m  # bands that do not know send 0
    if accuracy > limits.zone_max_accuracy_m or (reading.lat == 0 and reading.lon == 0):
        return None
    return accuracy


def possible_m(seconds: float, accuracies_m: float, limits: Thresholds) -> float:
    """Metres that lie at most between two fixes, given the sum of their accuracies; what is further is a jump."""
    return limits.zone_max_speed_kmh / 3.6 * seconds + accuracies_m


def metres_off(lat: float, lon: float, from_lat: float, from_lon: float) -> float:
    """Metres from one WGS-84 position to another, good to 1 %."""
    north = (lat - from_lat) * METRES_PER_DEGREE
    east = (lon - from_lon) * METRES_PER_DEGREE * cos(radians(from_lat))
    way = hypot(east, north)
    return way if way < FLAT_M else distance_m(lat, lon, from_lat, from_lon)


def remember(track: Track, reading: Location, ts: int) -> Track:
    """The track with one fix more; the same object where that adds nothing."""
    lat, lon = round(reading.lat * _STEPS_PER_DEGREE), round(reading.lon * _STEPS_PER_DEGREE)
    word = (ts % 4096 << 36 | _class(reading.accuracy_m) << 34 | lat % _SPAN << 17 | lon % _SPAN).to_bytes(
        _BYTES, "big"
    )
    slot, newest, fixes = ts // SLOT_S, track.newest // SLOT_S, track.fixes
    if slot > newest or not fixes:
        begin = max(0, len(fixes) - _BYTES * (KEPT - 1))
        while begin < len(fixes) and _time(fixes, begin, track.newest) // SLOT_S < slot - HORIZON:
            begin += _BYTES
        return Track(ts, lat, lon, fixes[begin:] + word)
    if slot < newest - HORIZON or (slot == newest and ts >= track.newest):
        return track
    return _insert(track, word, ts, (lat, lon))


def _insert(track: Track, word: bytes, ts: int, at: tuple[int, int]) -> Track:
    """The track with a fix that is older than the newest, or earlier in the newest slot."""
    first = {ts // SLOT_S: (ts, word)}
    for begin in range(0, len(track.fixes), _BYTES):
        other = _time(track.fixes, begin, track.newest), track.fixes[begin : begin + _BYTES]
        slot = other[0] // SLOT_S
        first[slot] = min(first.get(slot, other), other)
    fixes = b"".join(first[slot][1] for slot in sorted(first)[-KEPT:])
    if fixes == track.fixes:
        return track
    is_newest = ts // SLOT_S == track.newest // SLOT_S
    newest, (lat, lon) = (ts, at) if is_newest else (track.newest, (track.lat, track.lon))
    return Track(newest, lat, lon, fixes)


def recall(track: Track, from_lat: float, from_lon: float, since: float = 0.0, last: int = KEPT) -> list[Fix]:
    """The `last` remembered fixes from `since` (seconds since the epoch) on, in their order, in metres from a WGS-84
    position."""
    half, east_m = _SPAN // 2, _STEP_M * cos(radians(from_lat))
    off_lat = track.lat - from_lat * _STEPS_PER_DEGREE - half
    off_lon = track.lon - from_lon * _STEPS_PER_DEGREE - half
    from_north, from_east, newest_ts = half - track.lat, half - track.lon, track.newest
    out = []
    for high, low in _WORD.iter_unpack(track.fixes[-_BYTES * last :]):
        ts = newest_ts - (newest_ts - (high >> 4)) % 4096
        if ts >= since:
            north = off_lat + ((high << 15) + (low >> 17) + from_north) % _SPAN
            east = off_lon + (low + from_east) % _SPAN
            out.append(Fix(ts, east * east_m, north * _STEP_M, _CLASSES_M[high >> 2 & 3]))
    return out


def newest(track: Track, from_lat: float, from_lon: float) -> tuple[Fix, int]:
    """The newest remembered fix, in metres from a WGS-84 position, and the time of the one before it (0: none)."""
    off_lat, off_lon = track.lat - from_lat * _STEPS_PER_DEGREE, track.lon - from_lon * _STEPS_PER_DEGREE
    last = len(track.fixes) - _BYTES
    accuracy = _CLASSES_M[track.fixes[last + 1] >> 2 & 3]
    fix = Fix(track.newest, off_lon * _STEP_M * cos(radians(from_lat)), off_lat * _STEP_M, accuracy)
    return fix, _time(track.fixes, last - _BYTES, track.newest) if last else 0


def believed(fixes: Sequence[Fix], limits: Thresholds) -> list[Fix]:
    """Without the jumps: a fix that cannot be reached from the last believed one, unless `zone_jumps` in a row are."""
    out: list[Fix] = []
    jumps, most, mps = 0, limits.zone_jumps, limits.zone_max_speed_kmh / 3.6
    for fix in fixes:
        if out and jumps + 1 < most:
            last = out[-1]
            seconds = fix.ts - last.ts
            # The way along the meridian and then the parallel is never shorter, and nearly always enough to know.
            if abs(fix.east - last.east) + abs(fix.north - last.north) > mps * seconds:
                accuracies = sure_m(last, limits) + sure_m(fix, limits)
                if way_m(last, fix) > possible_m(seconds, accuracies, limits):
                    jumps += 1
                    continue
        jumps = 0
        out.append(fix)
    return out


def way_m(one: Fix, other: Fix) -> float:
    """Metres from one fix to another."""
    return hypot(other.east - one.east, other.north - one.north)


def sure_m(fix: Fix, limits: Thresholds) -> float:
    """The accuracy that a remembered fix is taken for, metres."""
    return fix.accuracy_m or limits.zone_assumed_accuracy_m


def _class(accuracy_m: float | None) -> int:
    if not accuracy_m:
        return 0
    return 1 if accuracy_m <= _CLASSES_M[1] else 2 if accuracy_m <= _CLASSES_M[2] else 3


def _time(fixes: bytes, begin: int, newest: int) -> int:
    return newest - (newest - int.from_bytes(fixes[begin : begin + _BYTES], "big") // (1 << 36)) % 4096
