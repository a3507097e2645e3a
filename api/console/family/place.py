"""How far from home she is. Pure."""

from datetime import datetime, timedelta

from alerts.model.geo import distance_m
from eldercare.community.resident_schema import Resident

HOME_M = 150.0
"""Metres from home, beyond the fix's own accuracy, from which on she is out."""
FIX_STANDS = timedelta(hours=6)
"""An older fix says nothing of where she is; a band that is indoors may have none for hours."""


def from_home_m(resident: Resident) -> float | None:
    """Metres from her home to the newest fix; None where either is not known, or not the viewer's to know."""
    r = resident
    if r.lat is None or r.lon is None or r.home_lat is None or r.home_lon is None or r.location_ts is None:
        return None
    return distance_m(r.home_lat, r.home_lon, r.lat, r.lon)


def is_out(resident: Resident, metres: float) -> bool:
    """Whether a fix so many metres from her home is away from it."""
    return metres - (resident.accuracy_m or 0) > HOME_M


def out_at(resident: Resident, now: datetime) -> datetime | None:
    """When her newest fix was taken, where it still stands and is away from home; else None."""
    metres, at = from_home_m(resident), resident.location_ts
    if metres is None or at is None or now - at > FIX_STANDS or not is_out(resident, metres):
        return None
    return at
