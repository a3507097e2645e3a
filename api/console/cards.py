"""One incident as people see it on a card: in words, with what they can do about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts import wording
from alerts.facts import Facts
from alerts.geodesy import bearing_deg, distance_m
from alerts.incident_views import Incident, Notification
from alerts.kinds import SEVERITY_ORDER, IncidentKind, IncidentState, Severity
from alerts.rights import Deed
from api.console import calls, people_words
from api.console.calls import Call
from api.console.screen import Screen
from eldercare.people import Contact
from eldercare.residents import Door, File

ICONS = {
    "sos": "siren", "heart_rate": "heart", "wandering": "pin", "silent": "signal-off", "off_wrist": "watch-off",
    "no_heart_rate": "heart", "low_battery": "battery", "network": "network",
}  # fmt: skip
LOUD = (Severity.SOS, Severity.URGENT)
"""What the siren sounds for while nobody has it."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do about an incident. `dialog`: asks something first."""

    name: str
    label: str
    icon: str
    key: str
    style: str = ""
    dialog: bool = False


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who can open the door."""

    name: str
    relation: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """Everything a card says. None and empty are left out of it. `since` is when it began to wait,
    `calls_again` when the next are called, while no telephone rings. `seen` comes back with what is done about it."""

    id: int
    severity: str
    state: str
    state_words: str
    icon: str
    title: str
    name: str
    age_and_gender: str
    flags: list[str]
    resident_id: int | None
    since: datetime
    opened_at: datetime
    late: str | None
    said: str | None
    press_count: int
    round: int
    address: str | None
    phone: str | None
    entry: str | None
    only_door: bool
    keys: list[KeyHolder]
    medical: list[tuple[str, str]]
    position: str | None
    position_known: bool
    position_at: datetime | None
    lat: float | None
    lon: float | None
    home_lat: float | None
    home_lon: float | None
    heart: str | None
    heart_at: datetime | None
    owner: str | None
    handler: str | None
    outcome: str | None
    ask_120: bool
    calls: list[Call]
    nobody_to_call: bool
    calls_again: datetime | None
    actions: list[Action]
    alarm_key: str | None
    seen: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """What still waits for somebody. `key` changes with every press and round, so that a silenced one sounds again."""

    key: str
    severity: str
    handled: bool = False
    """Somebody at the desk deals with it: it waits, and makes no sound."""


_LOOKS = {
    Deed.HANDLE: ("headset", "a", False),
    Deed.ACCEPT: ("walk", "g", False),
    Deed.SEND: ("user", "d", True),
    Deed.ADD: ("plus", "+", True),
    Deed.TAKE_BACK: ("undo", "b", True),
    Deed.CALL_AGAIN: ("phone", "c", False),
    Deed.EN_ROUTE: ("walk", "w", False),
    Deed.ARRIVE: ("flag", "t", False),
    Deed.RESOLVE: ("check", "r", True),
    Deed.HAND_TO_120: ("ambulance", "h", True),
    Deed.PASS: ("hand", "p", False),
    Deed.REOPEN: ("siren", "e", False),
}
"""Icon, key, and whether a dialog asks first."""
_POSSIBLE = {
    IncidentState.OPEN: (
        Deed.HANDLE, Deed.ACCEPT, Deed.SEND, Deed.RESOLVE, Deed.HAND_TO_120, Deed.CALL_AGAIN, Deed.ADD, Deed.PASS,
    ),
    IncidentState.ACCEPTED: (
        Deed.EN_ROUTE, Deed.ARRIVE, Deed.RESOLVE, Deed.HAND_TO_120, Deed.ADD, Deed.TAKE_BACK, Deed.PASS,
    ),
    IncidentState.EN_ROUTE: (Deed.ARRIVE, Deed.RESOLVE, Deed.HAND_TO_120, Deed.ADD, Deed.TAKE_BACK, Deed.PASS),
    IncidentState.ON_SITE: (Deed.RESOLVE, Deed.HAND_TO_120, Deed.ADD, Deed.TAKE_BACK),
    IncidentState.HANDED_TO_120: (Deed.ARRIVE, Deed.RESOLVE, Deed.ACCEPT, Deed.SEND, Deed.ADD),
    IncidentState.RESOLVED: (Deed.REOPEN,),
}  # fmt: skip
"""What the state allows, what is most likely wanted next first."""


def in_order(incidents: Sequence[Incident]) -> list[Incident]:
    """What nobody has yet before what somebody has, tasks after both; then the gravest, and what has waited longest."""
    return sorted(
        incidents,
        key=lambda incident: (
            incident.severity == Severity.TASK,
            incident.state != IncidentState.OPEN,
            SEVERITY_ORDER.index(Severity(incident.severity)),
            incident.opened_at,
            incident.id,
        ),
    )


def alarm_key(incident: Incident) -> str:
    """The name under which the siren is silenced."""
    return f"{incident.id}:{incident.round}:{incident.press_count}"


def alarms(incidents: Sequence[Incident]) -> list[Alarm]:
    """What the siren sounds for: grave, and nobody has it."""
    return [
        Alarm(alarm_key(incident), incident.severity, incident.handler_id is not None)
        for incident in in_order(incidents)
        if incident.state == IncidentState.OPEN and incident.severity in LOUD
    ]


def card(
    screen: Screen,
    incident: Incident,
    file: File | None = None,
    contacts: Sequence[Contact] = (),
    told: Sequence[Notification] = (),
    deeds: frozenset[Deed] = frozenset(),
    door: Door | None = None,
) -> Card:
    """The card of one incident; `file`, `contacts` and `told` as far as the viewer may see them, `deeds` what they
    may do; `door` for somebody who is called and sees no file."""
    t, resident = screen.t, file.resident if file else None
    known = facts(screen, incident, file)
    spot = wording.whereabouts(known, screen.language)
    return Card(
        id=incident.id,
        severity=incident.severity,
        state=incident.state,
        state_words=_state(screen, incident),
        icon=ICONS[incident.kind],
        title=title(screen, incident),
        name=name(screen, incident),
        age_and_gender=people_words.age_and_gender(t, resident, screen.when.now, screen.when.zone) if resident else "",
        flags=people_words.flags(resident) if resident else [],
        resident_id=incident.resident_id if resident else None,
        since=incident.opened_at,
        opened_at=incident.opened_at,
        late=_late(screen, incident),
        said=str((incident.detail or {}).get("said", "")) or None,
        press_count=incident.press_count,
        round=incident.round,
        address=incident.address,
        phone=resident.phone if resident else None,
        entry=file.entry if file else door.entry if door else None,
        only_door=file is None and door is not None,
        keys=[_key_holder(screen, contact) for contact in contacts if contact.holds_key],
        medical=_medical(file) if file else [],
        position=_position(screen, incident, spot),
        position_known=spot is not None,
        position_at=incident.position_at if spot else None,
        lat=incident.lat,
        lon=incident.lon,
        home_lat=resident.home_lat if resident else None,
        home_lon=resident.home_lon if resident else None,
        heart=t("card.heart", bpm=incident.bpm) if incident.bpm else None,
        heart_at=_heart_at(incident),
        owner=_owner(screen, incident),
        handler=_handler(screen, incident),
        outcome=_outcome(screen, incident),
        ask_120=incident.ask_120 and incident.state == IncidentState.OPEN,
        calls=calls.present(t, told),
        nobody_to_call=screen.on_duty and _nobody_to_call(incident, told),
        calls_again=_calls_again(screen, incident, told),
        actions=actions(screen, incident, deeds),
        alarm_key=alarm_key(incident) if any(not alarm.handled for alarm in alarms([incident])) else None,
        seen=seen(incident),
    )


def title(screen: Screen, incident: Incident) -> str:
    """What happened, in two or three words."""
    by_source = f"kind.{incident.kind}_{incident.source}"
    return screen.t(by_source if screen.t.known(by_source) else f"kind.{incident.kind}")


def name(screen: Screen, incident: Incident) -> str:
    """Whom it is about."""
    if incident.resident_name:
        return incident.resident_name
    if incident.device_id:
        return screen.t("card.unknown_band", device=incident.device_id)
    return screen.t("card.network")


def actions(screen: Screen, incident: Incident, deeds: frozenset[Deed]) -> list[Action]:
    """What this viewer can do in this state; the first is what is most likely wanted next."""
    found: list[Action] = []
    for deed in _POSSIBLE[IncidentState(incident.state)]:
        if deed not in deeds or _pointless(deed, screen, incident):
            continue
        icon, key, dialog = _LOOKS[deed]
        label = said(screen, "action", deed, incident)
        found.append(Action(slug(deed), label, icon, key, _style(deed, incident, found), dialog))
    return found


def seen(incident: Incident) -> str:
    """What somebody who does something about it has before their eyes: which incident, how far it is, whose it is."""
    return f"{incident.id}:{incident.state}:{incident.owner_id or 0}"


def _pointless(deed: Deed, screen: Screen, incident: Incident) -> bool:
    if incident.severity == Severity.TASK and deed in _FOR_ALARMS:
        return True
    if deed is Deed.PASS:
        return incident.owner_id not in (None, screen.viewer.person_id if screen.viewer else None)
    return deed in (Deed.ACCEPT, Deed.SEND) and incident.owner_id is not None


_FOR_ALARMS = (Deed.HANDLE, Deed.SEND, Deed.ADD, Deed.CALL_AGAIN, Deed.TAKE_BACK)
"""A task calls nobody."""


def said(screen: Screen, table: str, deed: Deed, incident: Incident) -> str:
    """A deed in words of `table` (`action`, `done`): duty notes an owner's or 120's way, and must not read "I"."""
    viewer_id = screen.viewer.person_id if screen.viewer else None
    if deed is Deed.HANDLE and incident.handler_id is not None:
        return screen.t(f"{table}.handle_still" if incident.handler_id == viewer_id else f"{table}.handle_over")
    if deed is Deed.ARRIVE and incident.accepted_at is None and incident.state == IncidentState.HANDED_TO_120:
        return screen.t(f"{table}.arrive_120")
    if deed in (Deed.EN_ROUTE, Deed.ARRIVE) and incident.owner_name and incident.owner_id != viewer_id:
        return screen.t(f"{table}.{deed}_owner", name=incident.owner_name)
    return screen.t(f"{table}.{deed}")


def slug(deed: Deed) -> str:
    """A deed as the last part of its address."""
    return deed.replace("_", "-")


def _style(deed: Deed, incident: Incident, before: Sequence[Action]) -> str:
    if before or deed is Deed.REOPEN:
        return ""
    return "sos" if deed is Deed.ACCEPT and incident.severity in LOUD else "primary"


def facts(screen: Screen, incident: Incident, file: File | None) -> Facts:
    """The facts that `alerts.wording` speaks of, as far as this viewer knows them."""
    home = (file.resident.home_lat, file.resident.home_lon) if file else (None, None)
    distance = bearing = None
    if incident.lat is not None and incident.lon is not None and home[0] is not None and home[1] is not None:
        distance = distance_m(home[0], home[1], incident.lat, incident.lon)
        bearing = bearing_deg(home[0], home[1], incident.lat, incident.lon)
    return Facts(
        incident_id=incident.id,
        kind=IncidentKind(incident.kind),
        severity=Severity(incident.severity),
        reason=incident.source,
        occurred_at=incident.occurred_at,
        zone=screen.when.zone,
        resident_name=incident.resident_name,
        address=incident.address,
        lat=incident.lat,
        lon=incident.lon,
        accuracy_m=incident.accuracy_m,
        distance_m=distance,
        bearing_deg=bearing,
    )


def _key_holder(screen: Screen, contact: Contact) -> KeyHolder:
    return KeyHolder(contact.name, people_words.relation(screen.t, contact), contact.phone)


def _medical(file: File) -> list[tuple[str, str]]:
    """What whoever goes there should know, by name; what is not recorded, or not theirs to know, is left out."""
    known = {
        "conditions": file.conditions,
        "medicines": file.medicines,
        "allergies": file.allergies,
        "mobility": file.mobility,
        "needs": file.resident.needs,
    }
    return [(name, value) for name, value in known.items() if value]


def _late(screen: Screen, incident: Incident) -> str | None:
    if not incident.late:
        return None
    from_to: timedelta = incident.opened_at - incident.occurred_at
    return screen.t("card.late", span=screen.when.span(from_to))


def _position(screen: Screen, incident: Incident, spot: str | None) -> str | None:
    if not incident.sees_location or incident.kind == IncidentKind.NETWORK:
        return None
    if spot is None:
        return screen.t("card.position_unknown" if incident.address else "card.position_unknown_no_home")
    if incident.accuracy_m is None:
        return spot
    return screen.t("card.accuracy", where=spot, n=round(incident.accuracy_m))


def _heart_at(incident: Incident) -> datetime | None:
    at = (incident.detail or {}).get("bpm_at")
    return datetime.fromisoformat(at) if isinstance(at, str) and incident.bpm else None


def _owner(screen: Screen, incident: Incident) -> str | None:
    t, due = screen.t, incident.arrival_due_at
    if incident.state == IncidentState.HANDED_TO_120 and due:
        return t("card.handed_until", time=screen.when.short(due))
    if incident.owner_name is None or incident.state == IncidentState.RESOLVED:
        return None
    if incident.state == IncidentState.ON_SITE and incident.accepted_at is None:
        return t("card.on_site_120")
    words = {IncidentState.EN_ROUTE: "card.owner_en_route", IncidentState.ON_SITE: "card.owner_on_site"}
    owner = t(words.get(IncidentState(incident.state), "card.owner"), name=incident.owner_name)
    return t("card.owner_until", owner=owner, time=screen.when.short(due)) if due else owner


def _handler(screen: Screen, incident: Incident) -> str | None:
    if incident.handler_name is None or incident.state == IncidentState.RESOLVED:
        return None
    if incident.state != IncidentState.OPEN or incident.handling_until is None:
        return screen.t("card.handler_going", name=incident.handler_name)
    time = screen.when.short(incident.handling_until)
    return screen.t("card.handler", name=incident.handler_name, time=time)


def _nobody_to_call(incident: Incident, told: Sequence[Notification]) -> bool:
    """The ladder has stepped, and there was nobody: whoever reads this is the only one who knows."""
    return incident.state == IncidentState.OPEN and incident.severity in LOUD and incident.next_step > 0 and not told


def _calls_again(screen: Screen, incident: Incident, told: Sequence[Notification]) -> datetime | None:
    """Of an SOS alone it is known: its ladder never ends, while another's next step may call nobody."""
    if incident.kind != IncidentKind.SOS or incident.state != IncidentState.OPEN or incident.due_at is None:
        return None
    if not told or any(calls.may_ring(notification) for notification in told):
        return None
    return incident.due_at if incident.due_at > screen.when.now else None


def _outcome(screen: Screen, incident: Incident) -> str | None:
    if incident.disposition is None:
        return None
    disposition = screen.t(f"disposition.{incident.disposition}")
    if incident.note:
        return screen.t("card.outcome_note", disposition=disposition, note=incident.note)
    return screen.t("card.outcome", disposition=disposition)


def _state(screen: Screen, incident: Incident) -> str:
    if incident.state == IncidentState.RESOLVED and incident.disposition:
        return screen.t(f"disposition.{incident.disposition}")
    return screen.t(f"state.{incident.state}")
