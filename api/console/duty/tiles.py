"""The tiles of the duty board: one resident with a band each, the worst first. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model.geo import distance_m
from alerts.model.incident import SEVERITY_ORDER, Severity
from alerts.rules.thresholds import Thresholds
from eldercare.community.resident_schema import Resident

NEAR_HOME_M = 100.0
"""A fix this close to the door, or within its own accuracy of it, needs no pin of its own on the map."""
OLD_POSITION = timedelta(hours=1)
"""A fix older than this is drawn as an old one."""
REMINDED = timedelta(days=1)
"""How long before and after the end of an absence the board reminds of it."""
OLD_HEART_RATE = timedelta(minutes=30)
"""A value older than this is no present heart rate: it is shown with its age, and weaker."""

_DEFAULTS = Thresholds()
SILENT = timedelta(seconds=_DEFAULTS.silent_s)

LEVELS = (*SEVERITY_ORDER, "attention", "ok", "away")
"""Worst first: an open incident's severity, something to look after, nothing, not at home."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One resident at a glance. `troubles` name what to look after; `level` is one of LEVELS; `blind` are the names of
    the rules that cannot watch them, which is no alarm and changes no level."""

    resident: Resident
    level: str
    troubles: tuple[str, ...]
    search: str
    away_from_home: bool
    position_old: bool
    heart_old: bool
    away_ends: bool = False
    blind: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, int, int]:
        """Sorts the worst first, then by how many troubles, then always the same way."""
        return LEVELS.index(self.level), -len(self.troubles), self.resident.id


def tiles(
    residents: Iterable[Resident],
    severities: Mapping[int, Severity],
    now: datetime,
    blind: Mapping[int, Sequence[str]] | None = None,
) -> list[Tile]:
    """The tiles in their order; `severities` has the gravest open incident of each resident who has one, `blind` the
    names of the rules that cannot watch them."""
    known = blind or {}
    found = [
        _tile(resident, severities.get(resident.id), now, tuple(known.get(resident.id, ()))) for resident in residents
    ]
    return sorted(found, key=lambda tile: tile.rank)


def gravest(incidents: Iterable[tuple[int | None, str]]) -> dict[int, Severity]:
    """The gravest severity of each resident, of pairs (resident's id, severity)."""
    found: dict[int, Severity] = {}
    for resident_id, word in incidents:
        severity = Severity(word)
        if resident_id is None:
            continue
        known = found.get(resident_id)
        if known is None or SEVERITY_ORDER.index(severity) < SEVERITY_ORDER.index(known):
            found[resident_id] = severity
    return found


def is_away(resident: Resident, now: datetime) -> bool:
    """Whether the resident is known to be somewhere else: in hospital, on a visit."""
    return resident.away_until is not None and resident.away_until > now


def away_ends(resident: Resident, now: datetime) -> bool:
    """Whether they come back within a day, or came back within the last. The rules speak again then, so somebody has to
    know whether they are at home."""
    until = resident.away_until
    return until is not None and now - REMINDED <= until <= now + REMINDED


def troubles_of(resident: Resident, now: datetime) -> tuple[str, ...]:
    """What is not as it should be with the band: `never_seen`, `silent`, `off_wrist`, `battery_low`."""
    if resident.last_seen_at is None:
        return ("never_seen",)
    found = []
    if now - resident.last_seen_at > SILENT:
        found.append("silent")
    if resident.worn is False and not resident.charging:
        found.append("off_wrist")
    if resident.battery_pct is not None and resident.battery_pct <= _DEFAULTS.battery_low_pct:
        found.append("battery_low")
    return tuple(found)


def is_away_from_home(resident: Resident) -> bool:
    """Whether the last fix is surely not at the door; with no home known, any fix counts."""
    if resident.lat is None or resident.lon is None:
        return False
    if resident.home_lat is None or resident.home_lon is None:
        return True
    distance = distance_m(resident.home_lat, resident.home_lon, resident.lat, resident.lon)
    return distance > max(NEAR_HOME_M, resident.accuracy_m or 0.0)


def _tile(resident: Resident, severity: Severity | None, now: datetime, blind: tuple[str, ...]) -> Tile:
    away = is_away(resident, now)
    troubles = () if away else troubles_of(resident, now)
    return Tile(
        resident=resident,
        level=_level(severity, away, troubles),
        troubles=troubles,
        search=" ".join(filter(None, _words(resident))).lower(),
        away_from_home=is_away_from_home(resident),
        position_old=resident.location_ts is None or now - resident.location_ts > OLD_POSITION,
        heart_old=resident.bpm_ts is None or now - resident.bpm_ts > OLD_HEART_RATE,
        away_ends=away_ends(resident, now),
        blind=() if away else blind,
    )


def _level(severity: Severity | None, away: bool, troubles: Sequence[str]) -> str:
    if severity is not None:
        return str(severity)
    if away:
        return "away"
    return "attention" if troubles else "ok"


def _words(resident: Resident) -> tuple[str | None, ...]:
    return resident.name, resident.address, resident.phone, resident.device_id, resident.external_id
