"""A band as detection sees it: who wears it, what the rules remember, and the newest of what it said. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from alerts.rules import Profile, State


@dataclass(slots=True)
class Device:
    """A locked band. `profile` is None while nobody wears it; `state` is what the rules remember.

    `last_seen_at` is when the service last heard anything of it; `worn_since` when the present assignment began.
    """

    device_id: str
    state: State
    profile: Profile | None
    last_seen_at: datetime | None
    worn_since: datetime | None


class Latest(NamedTuple):
    """The newest of a batch for one band; None leaves the stored value. Times are the band's, aware."""

    bpm: int | None = None
    bpm_ts: datetime | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    location_ts: datetime | None = None
    battery_pct: int | None = None
    charging: bool | None = None
    worn: bool | None = None
    signal_dbm: int | None = None
    firmware: str | None = None
    status_ts: datetime | None = None
