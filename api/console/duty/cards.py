"""One incident as people see it on a card: in words, with what they can do about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.incidents.actions import Action
from alerts.incidents.detail import Incident, Notification
from alerts.model.geo import bearing_deg, distance_m
from alerts.model.incident import SEVERITY_ORDER, IncidentKind, IncidentState, Severity
from alerts.texts import phrases
from alerts.texts.context import MessageContext
from api.console.committee import labels
from api.console.duty import calls
from api.console.duty.calls import Call
from api.console.shell.screen import Screen
from eldercare.community.people import Contact
from eldercare.community.resident_schema import File
from eldercare.community.residents import Door

ICONS = {
    "sos": "siren", "heart_rate": "heart", "wandering": "pin", "silent": "signal-off", "off_wrist": "watch-off",
    "no_heart_rate": "heart", "low_battery": "battery", "network": "network",
    "stillness": "heart", "resting_rate": "heart", "spot_value": "heart",
}  # fmt: skip
LOUD = (Severity.SOS, Severity.URGENT)
"""Severities for which the siren sounds while nobody has the incident."""


@dataclass(frozen=True, slots=True)
class Button:
    """Something to do about an incident. With `dialog` it asks something first."""

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
    """Everything a card says; it leaves out what is None or empty. `since` is when it began to wait. `asking` says that
    the wearer is asked first, or what they answered. `calls_again` is when the next are called, while no telephone
    rings. `seen` comes back with each action."""

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
    asking: str | None
    outcome: str | None
    ask_120: bool
    calls: list[Call]
    nobody_to_call: bool
    calls_again: datetime | None
    actions: list[Button]
    alarm_key: str | None
    seen: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """What still waits for somebody. `key` changes with every press and round, so that a silenced one sounds again."""

    key: str
    severity: str
    handled: bool = False
    """Whether somebody at the desk deals with it, or the wearer is asked first: then it waits, and makes no sound."""


_LOOKS = {
    Action.HANDLE: ("headset", "a", False),
    Action.ACCEPT: ("walk", "g", False),
    Action.SEND: ("user", "d", True),
    Action.ADD: ("plus", "+", True),
    Action.TAKE_BACK: ("undo", "b", True),
    Action.CALL_AGAIN: ("phone", "c", False),
    Action.EN_ROUTE: ("walk", "w", False),
    Action.ARRIVE: ("flag", "t", False),
    Action.RESOLVE: ("check", "r", True),
    Action.HAND_TO_120: ("ambulance", "h", True),
    Action.DECLINE: ("hand", "p", False),
    Action.REOPEN: ("siren", "e", False),
}
"""Icon, key, and whether a dialog asks first."""
_POSSIBLE = {
    IncidentState.OPEN: (
        Action.HANDLE, Action.ACCEPT, Action.SEND, Action.RESOLVE,
        Action.HAND_TO_120, Action.CALL_AGAIN, Action.ADD, Action.DECLINE,
    ),
    IncidentState.ACCEPTED: (
        Action.EN_ROUTE, Action.ARRIVE, Action.RESOLVE,
        Action.HAND_TO_120, Action.ADD, Action.TAKE_BACK, Action.DECLINE,
    ),
    IncidentState.EN_ROUTE: (
        Action.ARRIVE, Action.RESOLVE, Action.HAND_TO_120, Action.ADD, Action.TAKE_BACK, Action.DECLINE,
    ),
    IncidentState.ON_SITE: (Action.RESOLVE, Action.HAND_TO_120, Action.ADD, Action.TAKE_BACK),
    IncidentState.HANDED_TO_120: (Action.ARRIVE, Action.RESOLVE, Action.ACCEPT, Action.SEND, Action.ADD),
    IncidentState.RESOLVED: (Action.REOPEN,),
}  # fmt: skip
"""The actions that a state allows, the one most likely wanted next first."""


def known(incident: Incident) -> Incident:
    """The incident in words of this version. What a newer one names otherwise looks like an SOS, and stops no page."""
    if incident.kind in ICONS and incident.severity in SEVERITY_ORDER and incident.state in _POSSIBLE:
        return incident
    return replace(
        incident,
        kind=incident.kind if incident.kind in ICONS else IncidentKind.SOS,
        severity=incident.severity if incident.severity in SEVERITY_ORDER else Severity.SOS,
        state=incident.state if incident.state in _POSSIBLE else IncidentState.OPEN,
    )


def in_order(incidents: Sequence[Incident]) -> list[Incident]:
    """Sort what nobody has first, then what somebody has, tasks last; within these the gravest, then the oldest."""
    return sorted(
        [known(incident) for incident in incidents],
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
        Alarm(
            alarm_key(incident), incident.severity, incident.handler_id is not None or incident.asking_until is not None
        )
        for incident in in_order(incidents)
        if incident.state == IncidentState.OPEN and incident.severity in LOUD
    ]


def card(
    screen: Screen,
    incident: Incident,
    file: File | None = None,
    contacts: Sequence[Contact] = (),
    told: Sequence[Notification] = (),
    allowed_actions: frozenset[Action] = frozenset(),
    door: Door | None = None,
) -> Card:
    """The card of one incident; `file`, `contacts` and `told` as far as the viewer may see them.

    `allowed_actions` are what they may do. `door` is for somebody who is called and sees no file.
    """
    t, resident = screen.t, file.resident if file else None
    incident = known(incident)
    spot = phrases.whereabouts(facts(screen, incident, file), screen.language)
    return Card(
        id=incident.id,
        severity=incident.severity,
        state=incident.state,
        state_words=_state(screen, incident),
        icon=ICONS[incident.kind],
        title=title(screen, incident),
        name=name(screen, incident),
        age_and_gender=labels.age_and_gender(t, resident, screen.when.now, screen.when.zone) if resident else "",
        flags=labels.flags(resident) if resident else [],
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
        asking=_asking(screen, incident),
        outcome=_outcome(screen, incident),
        ask_120=incident.ask_120 and incident.state == IncidentState.OPEN,
        calls=calls.present(t, told),
        nobody_to_call=screen.on_duty and _nobody_to_call(incident, told),
        calls_again=_calls_again(screen, incident, told),
        actions=actions(screen, incident, allowed_actions),
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


def actions(screen: Screen, incident: Incident, allowed_actions: frozenset[Action]) -> list[Button]:
    """What this viewer can do in this state; the first is what is most likely wanted next."""
    found: list[Button] = []
    for action in _POSSIBLE[IncidentState(incident.state)]:
        if action not in allowed_actions or _pointless(action, screen, incident):
            continue
        icon, key, dialog = _LOOKS[action]
        label = said(screen, "action", action, incident)
        found.append(Button(slug(action), label, icon, key, _style(action, incident, found), dialog))
    return found


def seen(incident: Incident) -> str:
    """What a person sees when they act: which incident, how far it is, whose it is."""
    return f"{incident.id}:{incident.state}:{incident.owner_id or 0}"


def _pointless(action: Action, screen: Screen, incident: Incident) -> bool:
    if incident.severity == Severity.TASK and action in _FOR_ALARMS:
        return True
    if action is Action.DECLINE:
        return incident.owner_id not in (None, screen.viewer.person_id if screen.viewer else None)
    return action in (Action.ACCEPT, Action.SEND) and incident.owner_id is not None


_FOR_ALARMS = (Action.HANDLE, Action.SEND, Action.ADD, Action.CALL_AGAIN, Action.TAKE_BACK)
"""Actions for alarms alone, as a task calls nobody."""


def said(screen: Screen, table: str, action: Action, incident: Incident) -> str:
    """An action in words of `table` (`action`, `done`). Duty notes an owner's or 120's way, and must not read "I"."""
    viewer_id = screen.viewer.person_id if screen.viewer else None
    if action is Action.HANDLE and incident.handler_id is not None:
        return screen.t(f"{table}.handle_still" if incident.handler_id == viewer_id else f"{table}.handle_over")
    if action is Action.ARRIVE and incident.accepted_at is None and incident.state == IncidentState.HANDED_TO_120:
        return screen.t(f"{table}.arrive_120")
    if action in (Action.EN_ROUTE, Action.ARRIVE) and incident.owner_name and incident.owner_id != viewer_id:
        return screen.t(f"{table}.{action}_owner", name=incident.owner_name)
    return screen.t(f"{table}.{action}")


def slug(action: Action) -> str:
    """An action as the last part of its address."""
    return action.replace("_", "-")


def _style(action: Action, incident: Incident, before: Sequence[Button]) -> str:
    if before or action is Action.REOPEN:
        return ""
    return "sos" if action is Action.ACCEPT and incident.severity in LOUD else "primary"


def facts(screen: Screen, incident: Incident, file: File | None) -> MessageContext:
    """The facts that `alerts.texts.phrases` speaks of, as far as this viewer knows them."""
    home = (file.resident.home_lat, file.resident.home_lon) if file else (None, None)
    distance = bearing = None
    if incident.lat is not None and incident.lon is not None and home[0] is not None and home[1] is not None:
        distance = distance_m(home[0], home[1], incident.lat, incident.lon)
        bearing = bearing_deg(home[0], home[1], incident.lat, incident.lon)
    return MessageContext(
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
    return KeyHolder(contact.name, labels.relation(screen.t, contact), contact.phone)


def _medical(file: File) -> list[tuple[str, str]]:
    """What a person who goes there should know, by name, without what is not recorded or not theirs to know."""
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


def _asking(screen: Screen, incident: Incident) -> str | None:
    """Since when the wearer is asked, and when people are called; or what they answered, while it is open."""
    asked_at, until, said_at = incident.wearer_asked_at, incident.asking_until, incident.wearer_said_at
    if incident.state != IncidentState.OPEN or asked_at is None:
        return None
    if until is not None:
        return screen.t("card.asking", since=screen.when.short(asked_at), time=screen.when.short(until, seconds=True))
    if said_at is not None and screen.t.known(f"card.wearer_{incident.wearer_said}"):
        return screen.t(f"card.wearer_{incident.wearer_said}", time=screen.when.short(said_at))
    return None


def _nobody_to_call(incident: Incident, told: Sequence[Notification]) -> bool:
    """Whether the policy has stepped and found nobody: then the person who reads this is the only one who knows."""
    return incident.state == IncidentState.OPEN and incident.severity in LOUD and incident.next_step > 0 and not told


def _calls_again(screen: Screen, incident: Incident, told: Sequence[Notification]) -> datetime | None:
    """When the next are called, of an SOS alone: its policy never ends, while another's next step may call nobody."""
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
