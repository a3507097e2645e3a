"""Leaving the safe zone around the home: several fixes, surely beyond its edge, for some minutes."""

from datetime import datetime
from math import radians

from msgspec.structs import replace

from alerts.model.geo import EARTH_RADIUS_M, distance_m
from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules.profile import Profile
from alerts.rules.state import State, Zone
from alerts.rules.thresholds import Thresholds
from eldercare.protocol.mqtt_v1 import Location

METRES_PER_DEGREE = radians(EARTH_RADIUS_M)
"""Metres per degree of a great circle."""


def evaluate(state: State, reading: Location, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate one fix in WGS-84, newer than all before. `ts` is its time in seconds since the epoch."""
    zone, verdicts = _follow(state.zone, reading, profile, ts)
    return State(state.heard, state.heart, zone, state.wear, state.silent), verdicts


def _follow(zone: Zone, reading: Location, profile: Profile, ts: float) -> tuple[Zone, tuple[Verdict, ...]]:
    limits, lat, lon = profile.thresholds, reading.lat, reading.lon
    accuracy = reading.accuracy_m or limits.zone_assumed_accuracy_m  # bands that do not know send 0
    if accuracy > limits.zone_max_accuracy_m or (lat == 0 and lon == 0):
        return replace(zone, newest=ts), ()
    # Several in a row that all "jump" are travel, or prove the fix before them wrong.
    if zone.jumps + 1 < limits.zone_jumps and _is_jump(zone, reading, accuracy, ts, limits):
        return replace(zone, newest=ts, jumps=zone.jumps + 1), ()
    out_since, out_fixes = zone.out_since, zone.out_fixes
    if out_fixes and zone.ts is not None and ts - zone.ts > limits.zone_gap_s:
        out_since, out_fixes = 0.0, 0
    zone = Zone(ts, ts, lat, lon, accuracy, 0, out_since, out_fixes, zone.alarmed, zone.stands, zone.returned)
    if profile.home_lat is None or profile.home_lon is None:
        return zone, ()
    return _compare(zone, distance_m(profile.home_lat, profile.home_lon, lat, lon), profile, reading.ts, ts)


def _is_jump(zone: Zone, reading: Location, accuracy: float, ts: float, limits: Thresholds) -> bool:
    """Whether getting here from the last believed fix, at best, takes more than the highest speed."""
    if zone.ts is None:
        return False
    possible = limits.zone_max_speed_kmh / 3.6 * (ts - zone.ts) + zone.accuracy_m + accuracy
    # The way along the meridian and then the equator is never shorter, and nearly always enough to know.
    if (abs(reading.lat - zone.lat) + abs(reading.lon - zone.lon)) * METRES_PER_DEGREE <= possible:
        return False
    return distance_m(zone.lat, zone.lon, reading.lat, reading.lon) > possible


def _compare(
    zone: Zone, distance: float, profile: Profile, at: datetime, ts: float
) -> tuple[Zone, tuple[Verdict, ...]]:
    radius, accuracy = profile.safe_radius_m, zone.accuracy_m
    if distance - accuracy > radius:
        return _outside(zone, distance, profile, at, ts)
    # Between the two circles nobody knows, so a fix there neither counts nor ends anything.
    if distance > radius:
        return zone, ()
    if zone.out_fixes:
        zone = replace(zone, out_since=0.0, out_fixes=0)
    # With a small zone and poor fixes half the radius must do, or nobody would ever return.
    if not zone.stands or distance + min(accuracy, radius / 2) > radius:
        return zone, ()
    return replace(zone, stands=False, returned=zone.ts), (Cleared(IncidentKind.WANDERING, "returned", at),)


def _outside(
    zone: Zone, distance: float, profile: Profile, at: datetime, ts: float
) -> tuple[Zone, tuple[Verdict, ...]]:
    limits = profile.thresholds
    since, fixes = (zone.out_since, zone.out_fixes + 1) if zone.out_fixes else (ts, 1)
    zone = replace(zone, out_since=since, out_fixes=fixes)
    if fixes < limits.zone_fixes or ts - since < limits.zone_dwell_s:
        return zone, ()
    pause = limits.zone_repeat_s if zone.stands else limits.cool_down_s
    if zone.alarmed is not None and ts - zone.alarmed < pause:
        return zone, ()
    detail = {
        "distance_m": round(distance),
        "accuracy_m": round(zone.accuracy_m),
        "radius_m": profile.safe_radius_m,
        "duration_s": round(ts - since),
        "fixes": fixes,
        "lat": zone.lat,
        "lon": zone.lon,
    }
    finding = Finding(IncidentKind.WANDERING, Severity.WARNING, "left_zone", at, detail)
    return replace(zone, alarmed=ts, stands=True), (finding,)
