"""Leaving the circle that somebody drew around the home: several fixes, surely beyond its edge, for some minutes."""

from datetime import datetime

from msgspec.structs import replace

from alerts.model.geo import distance_m
from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules.profile import Profile
from alerts.rules.rule import Needs
from alerts.rules.state import State, Zone
from alerts.rules.thresholds import Thresholds
from alerts.rules.whereabouts import (
    METRES_PER_DEGREE,
    accuracy_of,
    possible_m,
    told_without_circle,
)
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import Location

SLOWEST_FIX_S = 2700.0
"""Seconds from one fix to the next; a longer time begins anew (`zone_gap_s`)."""
NEEDS = (Needs("left_zone", Scope.LOCATION, fix_every_s=SLOWEST_FIX_S, home=True, circle=True),)
RETURNED = "returned"
"""The name of the end of what this rule found."""


def evaluate(state: State, reading: Location, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate one fix in WGS-84, newer than all before. `ts` is its time in seconds since the epoch."""
    zone, verdicts = _follow(state, reading, profile, ts)
    return State(state.heard, state.heart, zone, state.wear, state.silent, state.slots, state.looked), verdicts


def _follow(state: State, reading: Location, profile: Profile, ts: float) -> tuple[Zone, tuple[Verdict, ...]]:
    zone, limits, lat, lon = state.zone, profile.thresholds, reading.lat, reading.lon
    accuracy = accuracy_of(reading, limits)
    if accuracy is None:
        return replace(zone, newest=ts), ()
    # Several in a row that all "jump" are travel, or prove the fix before them wrong.
    if zone.jumps + 1 < limits.zone_jumps and _is_jump(zone, reading, accuracy, ts, limits):
        return replace(zone, newest=ts, jumps=zone.jumps + 1), ()
    out_since, out_fixes = zone.out_since, zone.out_fixes
    if out_fixes and zone.ts is not None and ts - zone.ts > limits.zone_gap_s:
        out_since, out_fixes = 0.0, 0
    zone = Zone(ts, ts, lat, lon, accuracy, 0, out_since, out_fixes, zone.alarmed, zone.stands, zone.returned)
    if profile.home_lat is None or profile.home_lon is None or profile.safe_radius_m is None:
        return _over(zone, reading.ts)  # nobody watches a circle any more
    distance = distance_m(profile.home_lat, profile.home_lon, lat, lon)
    if distance - accuracy > profile.safe_radius_m:
        return _outside(state, zone, distance, profile, reading.ts)
    # Between the two circles nobody knows, so a fix there neither counts nor ends anything.
    if distance > profile.safe_radius_m:
        return zone, ()
    if zone.out_fixes:
        zone = replace(zone, out_since=0.0, out_fixes=0)
    # With a small zone and poor fixes half the radius must do, or nobody would ever return.
    if distance + min(accuracy, profile.safe_radius_m / 2) > profile.safe_radius_m:
        return zone, ()
    return _over(zone, reading.ts)


def _is_jump(zone: Zone, reading: Location, accuracy: float, ts: float, limits: Thresholds) -> bool:
    """Whether getting here from the last believed fix, at best, takes more than the highest speed."""
    if zone.ts is None:
        return False
    possible = possible_m(ts - zone.ts, zone.accuracy_m + accuracy, limits)
    # The way along the meridian and then the equator is never shorter, and nearly always enough to know.
    if (abs(reading.lat - zone.lat) + abs(reading.lon - zone.lon)) * METRES_PER_DEGREE <= possible:
        return False
    return distance_m(zone.lat, zone.lon, reading.lat, reading.lon) > possible


def _over(zone: Zone, at: datetime) -> tuple[Zone, tuple[Verdict, ...]]:
    """What stood is over."""
    if not zone.stands:
        return zone, ()
    return replace(zone, stands=False, returned=zone.ts), (Cleared(IncidentKind.WANDERING, RETURNED, at),)


def _outside(
    state: State, zone: Zone, distance: float, profile: Profile, at: datetime
) -> tuple[Zone, tuple[Verdict, ...]]:
    ts, limits = at.timestamp(), profile.thresholds
    since, fixes = (zone.out_since, zone.out_fixes + 1) if zone.out_fixes else (ts, 1)
    zone = replace(zone, out_since=since, out_fixes=fixes)
    if fixes < limits.zone_fixes or ts - since < limits.zone_dwell_s:
        return zone, ()
    pause = limits.zone_repeat_s if zone.stands else limits.cool_down_s
    if zone.alarmed is not None and ts - zone.alarmed < pause:
        return zone, ()
    if ts - told_without_circle(state) < limits.cool_down_s:
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
