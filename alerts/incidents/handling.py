"""What people do with incidents. Each function is one transaction, which the caller commits, once.

Each function locks the incident first, asks `alerts.incidents.case` for the change, writes it down with a row in the
timeline (who, when, by which way) and queues what others have to hear. Conflict names the state that forbids a change.
A caller who has locked the incident in this transaction, and changed nothing of it, may hand it in (`held`).
"""

from datetime import UTC, datetime, timedelta, tzinfo

import psycopg
from psycopg.types.json import Jsonb

from alerts.incidents import case as cases
from alerts.incidents import effects, known, store, unreadable
from alerts.incidents.case import Case, Disposition
from alerts.incidents.effects import Talking
from alerts.incidents.feed import event, name_of
from alerts.incidents.feed import note as noted_text
from alerts.incidents.outcomes import (
    Accepted,
    AcceptOutcome,
    AlreadyOwned,
    AlreadyYours,
    Answer,
    Declined,
    Joined,
    Over,
)
from alerts.incidents.store import Held
from alerts.incidents.views import called_from, get, listing, notifications_of
from alerts.model.incident import IncidentKind, IncidentState
from alerts.policies.escalation_policy import EscalationPolicy
from alerts.texts.load import message_context, message_contexts
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput, NotFound
from eldercare.protocol.mqtt_v1 import SosState

__all__ = [
    "AcceptOutcome",
    "Accepted",
    "AlreadyOwned",
    "AlreadyYours",
    "Declined",
    "Disposition",
    "Joined",
    "Over",
    "accept",
    "add_note",
    "answer",
    "arrive",
    "called_from",
    "decline",
    "en_route",
    "get",
    "hand_to_120",
    "listing",
    "message_context",
    "message_contexts",
    "notifications_of",
    "open_by_telephone",
    "reopen",
    "resolve",
]


async def accept(
    conn: Connection, incident_id: int, person_id: int, via: str, now: datetime, call: str | None = None
) -> AcceptOutcome:
    """`person_id` says "I am going" by `via` (voice, sms, console, api), on `call` (the provider's id) where they speak
    to us. One of any number at once becomes the owner.

    What was not sent is cancelled, calls that still ring are hung up, whoever was called hears who goes, the band hears
    `accepted`, and the deadline for being there is set. Somebody who answers too late hears who goes as well. By
    whichever way they answer, what they were sent counts as answered. Raises NotFound.
    """
    return (await answer(conn, incident_id, person_id, via, now, call)).outcome


async def answer(
    conn: Connection,
    incident_id: int,
    person_id: int,
    via: str,
    now: datetime,
    call: str | None = None,
    zone: tzinfo = UTC,
    held: Held | None = None,
) -> Answer:
    """Do as `accept` does, for a caller who has more to say to them: returns the message context too, for readers in
    `zone`."""
    case, policy = held or await store.lock(conn, incident_id)
    name = await name_of(conn, person_id)
    if case.state is IncidentState.RESOLVED or case.owner_id is not None:
        late = await _too_late(conn, case, person_id, via, now, zone)
        if not isinstance(late.outcome, AlreadyYours):  # else only a call about a further press may ring, which goes on
            await effects.stop_ringing(conn, case.id, person_id, _talking(person_id, via, call), now)
            await effects.mark_answered(conn, case.id, person_id, late.outcome.reason, now)
        return late
    case = cases.accept(case, policy, person_id, via, now, call)
    await store.save(conn, case)
    await effects.stop_calling(conn, case.id, _talking(person_id, via, call), "accepted", now)
    await effects.mark_answered(conn, case.id, person_id, "accepted", now)
    told = await effects.stand_down(conn, case, now, zone=zone, spare=[person_id])
    await effects.tell_band(conn, case.id, SosState.ACCEPTED, now)
    detail = {"arrival_due_at": case.arrival_due_at, "told": list(told.names)}
    await event(conn, case.id, "accepted", person_id, via, now, **detail)
    return Answer(Accepted(case.id, person_id, name, case.arrival_due_at, told.names), told.context)


async def _too_late(conn: Connection, case: Case, person_id: int, via: str, now: datetime, zone: tzinfo) -> Answer:
    if case.owner_id == person_id and case.state is not IncidentState.RESOLVED:
        return Answer(AlreadyYours(case.id, person_id))
    if case.owned and case.owner_id is not None and person_id in case.added_ids:
        await event(conn, case.id, "joined", person_id, via, now)
        return Answer(Joined(case.id, case.owner_id, await name_of(conn, case.owner_id)))
    told = await effects.stand_down(conn, case, now, zone=zone, only=person_id)
    await event(conn, case.id, "answered_late", person_id, via, now)
    if case.owner_id is None or case.state is IncidentState.RESOLVED:
        return Answer(Over(case.id, case.disposition), told.context)
    return Answer(AlreadyOwned(case.id, case.owner_id, await name_of(conn, case.owner_id)), told.context)


async def decline(
    conn: Connection,
    incident_id: int,
    person_id: int,
    via: str,
    now: datetime,
    call: str | None = None,
    held: Held | None = None,
) -> Declined:
    """`person_id` cannot go: the next step comes at once. An owner hands the case back, and it starts again.

    Then the band, which heard that somebody comes, hears `received`: people are being called, and nobody goes yet.
    Raises NotFound, Conflict.
    """
    before, _ = held or await store.lock(conn, incident_id)
    await name_of(conn, person_id)
    case = cases.decline(before, person_id, now)
    await store.save(conn, case)
    await effects.mark_declined(conn, case.id, person_id, now, _talking(person_id, via, call))
    handed_back = before.owner_id is not None and case.owner_id is None
    if handed_back:
        await effects.tell_band(conn, case.id, SosState.RECEIVED, now)
    await event(conn, case.id, "handed_back" if handed_back else "passed", person_id, via, now)
    if handed_back:
        return Declined(case.id, "handed_back")
    return Declined(case.id, "moved_on" if case.open else "noted")


async def en_route(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> Case:
    """The owner has left. Raises NotFound, Conflict."""
    case, policy = await store.lock(conn, incident_id)
    case = _attended(cases.en_route(case), policy, person_id, now)
    await store.save(conn, case)
    await effects.tell_band(conn, case.id, SosState.ARRIVING, now)
    await event(conn, case.id, "en_route", person_id, via, now, owner=await _for_owner(conn, case, person_id))
    return case


async def arrive(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> Case:
    """Somebody is there. Where nobody said "I am going", it is 120, and `person_id` noted it. Raises NotFound,
    Conflict."""
    before, policy = await store.lock(conn, incident_id)
    case = _attended(cases.arrive(before, policy, person_id, now), policy, person_id, now)
    await store.save(conn, case)
    if before.state is not IncidentState.EN_ROUTE:
        await effects.tell_band(conn, case.id, SosState.ARRIVING, now)
    with_120 = True if case.accepted_at is None else None
    owner = await _for_owner(conn, case, person_id)
    await event(conn, case.id, "arrived", person_id, via, now, owner=owner, with_120=with_120)
    return case


async def hand_to_120(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> Case:
    """120 was called. The policy tells the family at the same time. The band hears that help comes, where nobody had
    said so before. Raises NotFound, Conflict."""
    before, policy = await store.lock(conn, incident_id)
    case = _attended(cases.hand_to_120(before, policy, now), policy, person_id, now)
    await store.save(conn, case)
    if before.open:
        await effects.tell_band(conn, case.id, SosState.ACCEPTED, now)
    await event(conn, case.id, "handed_to_120", person_id, via, now, confirm_by=case.arrival_due_at)
    return case


async def resolve(
    conn: Connection,
    incident_id: int,
    person_id: int,
    via: str,
    disposition: str,
    note: str | None,
    now: datetime,
    known_for: datetime | timedelta | None = None,
) -> None:
    """It is over: calls stop, those who were called and heard of nobody going hear so, the band hears `closed`.

    `known_for` is how long, or until when, whoever resolves it knows of an episode that goes on (None: as long as
    `alerts.incidents.known` says). An incident that cannot be read is ended too, and then nobody is texted. Raises
    NotFound, Conflict, InvalidInput for a disposition that is none of `Disposition`, or for a time that `known.until`
    refuses.
    """
    if disposition not in set(Disposition):
        raise InvalidInput("disposition", f"{disposition[:40]!r} is none of {', '.join(Disposition)}")
    try:
        case, _ = await store.lock(conn, incident_id)
    except store.Unreadable:
        said = noted_text(note) if note else None
        await unreadable.end(conn, incident_id, person_id, via, disposition, said, now)
        return
    if disposition == Disposition.FOUND and case.kind is not IncidentKind.WANDERING:
        raise InvalidInput("disposition", "'found' is how somebody who wandered off is found")
    case = cases.resolve(case, Disposition(disposition), now)
    await store.save(conn, case)
    known_until = await _know(conn, case, known_for, now)
    if note:
        await conn.execute("update incident set note = %s where id = %s", (noted_text(note), case.id))
    await effects.stop_calling(conn, case.id, _talking(person_id, via, None), "resolved", now)
    spare = [person_id] if case.owner_id is None else [person_id, case.owner_id]
    await effects.stand_down(conn, case, now, spare=spare, once=True)
    await effects.tell_band(conn, case.id, SosState.CLOSED, now)
    await event(
        conn, case.id, "resolved", person_id, via, now,
        disposition=disposition, note=note or None, known_until=known_until,
    )  # fmt: skip


async def _know(conn: Connection, case: Case, known_for: datetime | timedelta | None, now: datetime) -> datetime | None:
    """Write down until when whoever resolved it knows of it; returns that, None where nobody said."""
    row = await (await conn.execute("select detail from incident where id = %s", (case.id,))).fetchone()
    detail = row[0] if row else {}
    until = known.until(known.gravest(case.severity, case.wearer_said), detail, known_for, now)
    await conn.execute("update incident set known_until = %s where id = %s", (until, case.id))
    return until


async def reopen(conn: Connection, incident_id: int, person_id: int, via: str, note: str | None, now: datetime) -> Case:
    """Start again at the first step, whatever was said before; the band hears `received` again.

    Raises NotFound, and Conflict where it is open or where a newer incident of the same subject and kind is.
    """
    before, _ = await store.lock(conn, incident_id)
    case = cases.reopen(before, now)
    try:
        async with conn.transaction():
            await store.save(conn, case)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"incident {incident_id} is resolved, and a newer one of the same kind is open") from error
    await effects.tell_band(conn, case.id, SosState.RECEIVED, now)
    await event(conn, case.id, "reopened", person_id, via, now, reason=note or "asked_for", was=before.state)
    return case


async def add_note(conn: Connection, incident_id: int, person_id: int, via: str, text: str, now: datetime) -> None:
    """Write a note into the timeline. Raises NotFound, InvalidInput for an empty or very long one."""
    case, policy = await store.lock(conn, incident_id)
    if case.handler_id == person_id:
        await store.save(conn, _attended(case, policy, person_id, now))
    await event(conn, incident_id, "note", person_id, via, now, text=noted_text(text))


_OPEN_BY_TELEPHONE = """
insert into incident (subject, kind, severity, resident_id, device_id, source, occurred_at, opened_at, round_started_at,
    due_at, lat, lon, accuracy_m, position_at, detail)
select 'resident:' || r.id, 'sos', 'sos', r.id, a.device_id, 'telephone', %(now)s, %(now)s, %(now)s, %(now)s,
       s.lat, s.lon, s.accuracy_m, s.location_ts, %(detail)s
from resident r
left join assignment a on a.resident_id = r.id and a.period @> %(now)s::timestamptz
left join device_state s on s.device_id = a.device_id
where r.id = %(resident_id)s limit 1
on conflict (subject, kind) where state <> 'resolved' do update set
    press_count = incident.press_count + 1,
    due_at = due_when_pressed(incident, excluded.due_at),
    detail = incident.detail || (excluded.detail - 'reason')
returning id, press_count
"""


async def open_by_telephone(conn: Connection, resident_id: int, person_id: int, note: str, now: datetime) -> int:
    """Open an SOS for an emergency that came by telephone, like any other, or merge into the open one; returns its id.

    `note` is what the caller said, for the card and the timeline. Raises NotFound for an unknown resident.
    """
    said = {"said": noted_text(note)} if note else {}
    values = {"resident_id": resident_id, "now": now, "detail": Jsonb({"reason": "telephone", **said})}
    row = await (await conn.execute(_OPEN_BY_TELEPHONE, values)).fetchone()
    if row is None:
        raise NotFound("resident", resident_id)
    incident_id, presses = row
    kind = "opened" if presses == 1 else "pressed_again"
    await event(conn, incident_id, kind, person_id, "telephone", now, note=noted_text(note) if note else None)
    return int(incident_id)


def _talking(person_id: int, via: str, call: str | None) -> Talking:
    return Talking(call, person_id) if via == "voice" else Talking()


def _attended(case: Case, policy: EscalationPolicy, person_id: int, now: datetime) -> Case:
    """The case with its handler's word renewed where the handler acted; what others do changes nothing of it."""
    return cases.attend(case, policy, now) if case.handler_id == person_id else case


async def _for_owner(conn: Connection, case: Case, person_id: int) -> str | None:
    """The owner's name where somebody else, such as duty on the telephone, notes the owner's way."""
    return None if case.owner_id in (None, person_id) else await name_of(conn, case.owner_id)
