"""Reads what the doctor's pages say: through the nouns, with the viewer's rights, and no SQL here."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median

from alerts.detection import habits
from alerts.incidents import handling
from alerts.incidents.detail import Incident
from alerts.model.incident import IncidentKind, Severity
from alerts.rules.profile import Profile
from alerts.rules.resting_rate import Nights
from api.console.clinic import reasons, reckoning
from api.console.clinic.reasons import Look, Reason
from api.console.clinic.reckoning import PERIOD_DAYS, REPORT_DAYS, Away, Reckoned
from api.console.clinic.since import NOTHING, OF_THE_BAND, Event
from api.console.shell.screen import Screen
from eldercare.accounts import access
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import patients, recorded, residents
from eldercare.community.minute import DayOfYear
from eldercare.community.patients import Patient, Patients
from eldercare.community.resident_schema import File, Resident
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden

MOST_INCIDENTS = 500
"""Incidents that are looked through, the newest first."""
CLINICS = (IncidentKind.RESTING_RATE, IncidentKind.SPOT_VALUE)
"""Kinds whose tasks are the clinic's; those about a band are the desk's."""
YEAR_DAYS = 365


class Window(StrEnum):
    """How much of the past the chart shows."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Person:
    """All that the page of one person knows. `year` is read for that window alone."""

    file: File
    profile: Profile
    reckoned: Reckoned
    events: list[Event]
    year: list[DayOfYear]


@dataclass(frozen=True, slots=True)
class Row:
    """One patient of the list, with the reasons to look, the worst first."""

    patient: Patient
    reasons: list[Reason]


async def gather(conn: Connection, screen: Screen, viewer: Viewer, resident_id: int, window: Window) -> Person:
    """What is known of one person now. Raises Forbidden for whoever is no doctor and not of the desk, NotFound for a
    doctor to whose seeing her she has not agreed, and Forbidden where that doctor knows of her otherwise, as her family
    or called to her. The caller audits."""
    access.require_role(viewer, Role.DOCTOR, Role.DUTY)
    now, zone = screen.when.now, screen.when.zone
    file = await residents.file(conn, viewer, resident_id)
    await access.require_clinic(conn, viewer, resident_id)
    profile = await habits.profile_of(conn, viewer, resident_id, zone)
    if profile is None:
        raise Forbidden(f"the health of resident {resident_id} is not yours to see")
    limits = profile.thresholds
    bounds = (limits.hr_min_bpm, limits.hr_max_bpm, limits.hr_min_quality)
    told = await recorded.stretch(conn, viewer, resident_id, reckoning.begins(now, zone), now, bounds)
    days = []
    if window is Window.YEAR:
        days = await recorded.days(conn, viewer, resident_id, now - timedelta(days=YEAR_DAYS), now, zone)
    found = await handling.listing(conn, viewer, resident_id=resident_id, limit=MOST_INCIDENTS)
    # Beside the event loop: others wait for their pages.
    reckoned = await asyncio.to_thread(reckoning.reckon, told, profile, _away(file.resident), now, zone)
    return Person(file, profile, reckoned, [event(each) for each in found.items if _is_of_her(each)], days)


def _away(resident: Resident) -> Away | None:
    if resident.away_until is None or resident.away_set_at is None:
        return None
    return Away(*(int(each.timestamp() // 60) for each in (resident.away_set_at, resident.away_until)))


def _is_of_her(incident: Incident) -> bool:
    return incident.kind not in OF_THE_BAND


def event(incident: Incident) -> Event:
    """An incident as these pages tell it."""
    arrived = incident.arrived_at
    return Event(
        id=incident.id,
        at=incident.occurred_at,
        kind=incident.kind,
        source=incident.source,
        severity=incident.severity,
        outcome=incident.disposition,
        found=incident.note,
        who=incident.owner_name,
        to_door_min=None if arrived is None else max(0, round((arrived - incident.opened_at).total_seconds() / 60)),
        bpm=incident.bpm,
    )


async def listing(conn: Connection, screen: Screen, viewer: Viewer) -> tuple[Patients, list[Row]]:
    """The viewer's patients and why to look at each, the worst first. Raises Forbidden. The caller audits."""
    now = screen.when.now
    found = await patients.listing(conn, viewer, now - timedelta(days=REPORT_DAYS), now)
    ids = [each.id for each in found.seen]
    known = await habits.nights(conn, viewer, ids)
    open_ = await handling.listing(conn, viewer, states=["unresolved"], limit=MOST_INCIDENTS)
    grave = await handling.listing(conn, viewer, severities=[Severity.SOS, Severity.URGENT], limit=MOST_INCIDENTS)
    own: dict[int | None, list[Incident]] = {}
    for each in {each.id: each for each in (*open_.items, *grave.items) if _is_of_her(each)}.values():
        own.setdefault(each.resident_id, []).append(each)
    rows = [Row(each, reasons.why(look(each, known.get(each.id), own.get(each.id, ()), now))) for each in found.seen]
    return found, sorted(rows, key=lambda row: (reasons.order(row.reasons), row.patient.id))


def look(patient: Patient, nights: Nights | None, own: Sequence[Incident], now: datetime) -> Look:
    """A patient at a glance, of what the rule knows of the nights and the patient's incidents."""
    recent = [each for each in own if now - each.occurred_at < timedelta(days=PERIOD_DAYS)]
    calls = [each for each in recent if each.severity == Severity.SOS and each.disposition not in NOTHING]
    urgent = [each for each in recent if each.severity == Severity.URGENT and each.disposition not in NOTHING]
    valued_h = 24 * patient.hours / patient.had_band_h if patient.had_band_h > 0 else 0.0
    return Look(
        calls=len(calls),
        last_call=max((each.occurred_at for each in calls), default=None),
        calls_now=any(each.resolved_at is None for each in own if each.severity == Severity.SOS),
        urgent=len(urgent),
        tasks=sum(each.resolved_at is None and each.severity == Severity.TASK and each.kind in CLINICS for each in own),
        side=nights.side if nights else 0,
        rate=nights.rate if nights else 0.0,
        usual=median(nights.usual) if nights and nights.usual else 0.0,
        night=date.fromordinal(nights.last) if nights and nights.last else None,
        valued_h=min(24.0, valued_h) if patient.has_band else None,
    )
