"""Reads what the family's page says of one resident: through the nouns, with the viewer's rights, and no SQL here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.detection import habits
from alerts.incidents import handling, permissions
from alerts.incidents.detail import Incident, IncidentDetail
from alerts.model.incident import IncidentKind, Severity
from alerts.policies import store
from alerts.policies.escalation_policy import Target
from alerts.rules import minutes as window
from alerts.rules.stillness import Usual
from api.console.duty import cards
from api.console.duty.cards import Button
from api.console.family import day, place, story
from api.console.family.day import Morning, Point
from api.console.family.state import Alarm, Band, Called, Facts, was_met
from api.console.shell.screen import Screen
from eldercare.accounts.viewers import Viewer
from eldercare.community import devices, hours, people, relatives, residents
from eldercare.community.hour import Hour
from eldercare.community.relatives import Ward
from eldercare.community.resident_schema import Resident
from eldercare.community.residents import Door
from eldercare.platform.database import Connection

HISTORY = 30
"""Incidents of each severity that are looked through for the last two weeks."""
CALLING = (Severity.SOS, Severity.URGENT, Severity.WARNING)
"""Severities for which people are called; of a task only what is not over is told."""
OPEN_AT_MOST = 500
"""Incidents of one resident that are not over; one of a kind may be open, so there are never so many."""
TOLD_FOR = timedelta(hours=12)
"""How long the story of what is over stays on the page."""
AHEAD = timedelta(minutes=5)
"""A band's clock may be so far ahead; what it has just measured is measured now."""
EVENING = timedelta(hours=6)
"""Movement is read from so long before midnight on: a night's rest begins in the evening."""


@dataclass(frozen=True, slots=True)
class Episode:
    """An incident whose story the page tells: as it stands, with its timeline, what the viewer can do about it, and
    the number of whoever goes, where the viewer may ring it."""

    whole: IncidentDetail
    alarm: Alarm
    actions: list[Button]
    goer_phone: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """All that the page knows of one resident; what the viewer may not know is None or empty."""

    ward: Ward
    facts: Facts
    resident: Resident | None = None
    door: Door | None = None
    episodes: list[Episode] = field(default_factory=list)
    hours: list[Hour] = field(default_factory=list)
    chart: list[Point] = field(default_factory=list)
    morning: Morning = field(default_factory=lambda: Morning(None, False))
    usual: Usual | None = None
    medicines: str | None = None
    allergies: str | None = None


async def gather(conn: Connection, screen: Screen, viewer: Viewer, ward: Ward) -> Known:
    """What is known now. The caller audits."""
    now, zone = screen.when.now, screen.when.zone
    incidents = await _incidents(conn, viewer, ward)
    episodes = [await _episode(conn, screen, viewer, each) for each in incidents if _is_told(each, now)]
    told = {each.whole.incident.id: each.alarm for each in episodes}
    alarms = [told.get(each.id) or _alarm(each, None, viewer) for each in incidents]
    files = await residents.files(conn, viewer, [ward.id])
    doors = await residents.doors(conn, viewer, [ward.id])
    file = files.get(ward.id)
    own = await _own(conn, viewer, ward, now, zone) if ward.sees_health else _NOTHING
    heart_at = _newest([each.heart_at for each in own.hours], now)
    facts = Facts(
        sees_health=ward.sees_health,
        sees_location=ward.sees_location,
        called=await _called(conn, viewer, ward.id),
        alarms=alarms,
        away_until=file.resident.away_until if file else None,
        away_reason=file.resident.away_reason if file else None,
        band=await _band(conn, viewer, file.resident, now) if file else None,
        service_heard_at=await devices.last_heard(conn),
        heart_at=heart_at,
        moved_at=_newest([each.moved_at for each in own.hours], now),
        heart=day.heart(own.chart, heart_at, now),
        days_known=day.days_known(own.hours, zone),
        in_bed=own.morning.in_bed,
        up_usual=_today(own.usual.up if own.usual else None, now, zone),
        up_to=_today(own.usual.up_to if own.usual else None, now, zone),
        asleep=day.rests(now, zone, own.usual.up if own.usual else None, own.usual.bed if own.usual else None),
        night_began=day.night_began(now, zone, own.usual.bed if own.usual else None),
        out_at_night=_out_at_night(file.resident if file else None, ward, now, zone),
        quiet_after=timedelta(seconds=own.usual.sits_s) if own.usual and own.usual.sits_s else None,
    )
    return Known(
        ward=ward,
        facts=facts,
        resident=file.resident if file else None,
        door=doors.get(ward.id),
        episodes=episodes,
        hours=own.hours,
        chart=own.chart,
        morning=own.morning,
        usual=own.usual,
        medicines=file.medicines if file else None,
        allergies=file.allergies if file else None,
    )


async def _incidents(conn: Connection, viewer: Viewer, ward: Ward) -> list[Incident]:
    """What is not over, all of it, and what is, the newest of each severity: the many push none of the grave out. The
    newest first."""
    found = await handling.listing(conn, viewer, resident_id=ward.id, states=["unresolved"], limit=OPEN_AT_MOST)
    rows = [*found.items]
    for severity in CALLING:
        over = await handling.listing(
            conn, viewer, resident_id=ward.id, states=["resolved"], severities=[severity], limit=HISTORY
        )
        rows += over.items
    return sorted(rows, key=lambda each: (each.opened_at, each.id), reverse=True)


@dataclass(frozen=True, slots=True)
class _Own:
    """What her band has told, for those to whom it is open."""

    hours: list[Hour]
    chart: list[Point]
    morning: Morning
    usual: Usual | None


_NOTHING = _Own([], [], Morning(None, False), None)


async def _own(conn: Connection, viewer: Viewer, ward: Ward, now: datetime, zone: ZoneInfo) -> _Own:
    began = day.midnight(now, zone)
    start = began - timedelta(days=day.PAST_DAYS)
    few = window.FEW_STEPS
    end = now + AHEAD
    found = await hours.listing(conn, viewer, ward.id, start, end, zone=zone, few_steps=few)
    moved = await hours.moved(conn, viewer, ward.id, began - EVENING, end, few_steps=few)
    usual = await habits.usual(conn, viewer, ward.id, zone)
    return _Own(found, day.chart(found, now, zone), day.morning(moved, now, zone, usual.up if usual else None), usual)


def _newest(moments: Iterable[datetime | None], now: datetime) -> datetime | None:
    newest = max((each for each in moments if each is not None), default=None)
    return None if newest is None else min(newest, now)


def _today(minute: int | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    return None if minute is None else day.midnight(now, zone) + timedelta(minutes=minute)


def _out_at_night(resident: Resident | None, ward: Ward, now: datetime, zone: ZoneInfo) -> datetime | None:
    if resident is None or not ward.sees_location or not day.is_deep_night(now, zone):
        return None
    return place.out_at(resident, now)


async def _band(conn: Connection, viewer: Viewer, resident: Resident, now: datetime) -> Band | None:
    if resident.device_id is None:
        return None
    off = None
    if resident.worn is False:
        off = await hours.off_since(conn, viewer, resident.id, resident.device_id, now)
    return Band(resident.last_seen_at, resident.worn, resident.charging, resident.battery_pct, resident.status_ts, off)


async def _called(conn: Connection, viewer: Viewer, resident_id: int) -> Called:
    """How the viewer is reached when she presses: by her own policy or everybody's, in a way that is there."""
    policies = [
        each
        for each in await store.listing(conn, resident_id)
        if each.kind == IncidentKind.SOS and each.severity == Severity.SOS
    ]
    if not policies:
        return Called.NO
    # Her own comes last, and goes before everybody's.
    steps = policies[-1].ladder.get("steps", [])
    named = {
        channel for step in steps if Target.FAMILY in step.get("targets", ()) for channel in step.get("channels", ())
    }
    ways = named & {each.channel for each in await people.contact_methods(conn, [viewer.person_id])}
    if "voice" in ways:
        return Called.RUNG
    return Called.TEXTED if "sms" in ways else Called.NO


def _is_told(incident: Incident, now: datetime) -> bool:
    """Whether the page tells its story: somebody was called for, and it goes on or is over since a short while."""
    if incident.severity == Severity.TASK:
        return False
    return incident.resolved_at is None or now - incident.resolved_at < TOLD_FOR


async def _episode(conn: Connection, screen: Screen, viewer: Viewer, incident: Incident) -> Episode:
    whole = await handling.get(conn, viewer, incident.id)
    known = cards.known(whole.incident)
    allowed = permissions.allowed(viewer, whole) if incident.resolved_at is None else frozenset()
    return Episode(
        whole,
        _alarm(whole.incident, story.late(whole.timeline), viewer),
        cards.actions(screen, known, allowed),
        await relatives.number_of_who_goes(conn, viewer, incident.id),
    )


def _alarm(incident: Incident, late: str | None, viewer: Viewer) -> Alarm:
    known = cards.known(incident)
    return Alarm(
        at=known.occurred_at,
        kind=known.kind,
        severity=known.severity,
        state=known.state,
        source=known.source,
        goer=known.owner_name,
        mine=known.owner_id == viewer.person_id,
        due=known.arrival_due_at,
        late=late,
        desk=known.handler_name,
        ambulance=known.state == "on_site" and known.accepted_at is None,
        ended=known.resolved_at,
        outcome=known.disposition,
        note=known.note,
        met=was_met(known.disposition, known.arrived_at is not None),
        arrived=known.arrived_at,
    )
