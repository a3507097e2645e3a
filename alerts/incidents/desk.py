"""What the desk does with an incident while others go, or do not: deal with it, ask one person by name, take it back.

Each function is one transaction, which the caller commits, once. Dealing with it stops no call: only the desk itself is
not rung meanwhile. Conflict names the state that forbids a change.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from psycopg.rows import class_row

from alerts.incidents import case as cases
from alerts.incidents import effects, store
from alerts.incidents.case import Case
from alerts.incidents.feed import event, name_of, note
from alerts.incidents.outcomes import AlreadyHandled, Asked, HandleOutcome, Handling, Over
from alerts.incidents.store import Held
from alerts.model.incident import IncidentState
from alerts.notifications import outbox
from alerts.notifications.outbox import Row
from alerts.policies.escalation_policy import EscalationPolicy
from alerts.texts import messages
from alerts.texts.load import message_context
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput
from eldercare.protocol.mqtt_v1 import SosState


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody the desk may ask to go. `kind` is what they are to the resident (`family`, `grid`, `duty`, …);
    `called`: in this incident, however it ended; `reachable`: by telephone or text."""

    person_id: int
    name: str
    kind: str
    relation: str
    holds_key: bool
    reachable: bool
    called: bool
    place: int


ASK_AGAIN = timedelta(minutes=1)
"""Somebody who was asked by name within this, and may still answer or goes, is not asked once more: a second click
rings nobody a second time."""
ANSWERS = ("voice", "sms")
"""Ways on which "I am handling it" answers a call; said by any other way, it takes over from a colleague."""


async def handle(
    conn: Connection, incident_id: int, person_id: int, via: str, now: datetime, held: Held | None = None
) -> HandleOutcome:
    """`person_id` says "I am handling it, keep calling". The band hears nothing: nobody goes yet.

    Their word stands for `cases.HANDLING`, and longer with everything they do about it. `held` is what the caller has
    locked in this transaction. Raises NotFound.
    """
    case, policy = held or await store.lock(conn, incident_id)
    name = await name_of(conn, person_id)
    if case.state is IncidentState.RESOLVED:
        return Over(case.id, case.disposition)
    other = case.handler_id if case.handler_id != person_id and _stands(case, now) else None
    if other is not None and via in ANSWERS:
        return AlreadyHandled(case.id, other, await name_of(conn, other))
    renewed = case.handler_id == person_id and _stands(case, now)
    instead_of = None if other is None else await name_of(conn, other)
    case = cases.handle(case, policy, person_id, via, now)
    await store.save(conn, case)
    if not renewed:
        await event(conn, case.id, "handling", person_id, via, now, until=case.handling_until, instead_of=instead_of)
    return Handling(case.id, person_id, name, case.handling_until, instead_of, renewed)


async def leave(conn: Connection, person_id: int, now: datetime) -> list[int]:
    """`person_id` has logged out. Unless they are still logged in elsewhere, the desk is rung again, at once, for
    whatever they handled and nobody goes to.

    Returns the incidents, which are locked in the order of their numbers.
    """
    rows = await (await conn.execute(_HANDLED_BY, (person_id,))).fetchall()
    left = []
    for (incident_id,) in rows:
        case, _ = await store.lock(conn, incident_id)
        if case.handler_id != person_id:
            continue
        await store.save(conn, cases.let_go(case, now))
        await event(conn, incident_id, "left_desk", person_id, "console", now)
        left.append(int(incident_id))
    return left


async def send(conn: Connection, incident_id: int, by: int, person_id: int, via: str, now: datetime) -> Asked:
    """`by` asks `person_id` by name to go. They are called and texted at once, everybody else goes on being called, and
    they own the incident when they say yes. Asked once more within `ASK_AGAIN` they are called a second time only where
    the first call failed, or they said no.

    Raises NotFound, Conflict where somebody goes already, InvalidInput for somebody who cannot be reached.
    """
    case, policy = await store.lock(conn, incident_id)
    return await _ask(conn, cases.send(case), policy, by, person_id, "sent", via, now)


async def add(conn: Connection, incident_id: int, by: int, person_id: int, via: str, now: datetime) -> Asked:
    """`by` adds `person_id` to those who are called: at once, and whenever everybody is.

    Where there is an owner, they are asked to go as well, and the owner stays the owner. Raises NotFound, Conflict for
    a resolved one, InvalidInput for somebody who cannot be reached, or who is the owner.
    """
    case, policy = await store.lock(conn, incident_id)
    if person_id == case.owner_id:
        raise InvalidInput("person_id", "goes already")
    joins = person_id not in case.added_ids
    return await _ask(conn, cases.add(case, person_id), policy, by, person_id, "added", via, now, joins=joins)


async def take_back(conn: Connection, incident_id: int, by: int, via: str, reason: str | None, now: datetime) -> Case:
    """`by` says that the owner does not go any more. The policy starts again without them, and they hear so; the band
    hears `received`. Raises NotFound, Conflict where nobody goes, InvalidInput for too long a reason."""
    before, policy = await store.lock(conn, incident_id)
    case = cases.take_back(before, now)
    if before.handler_id == by:
        case = cases.handle(case, policy, by, before.handled_via or via, now)
    await store.save(conn, case)
    assert before.owner_id is not None  # noqa: S101  a case that can be taken back has an owner
    await effects.take_off(conn, case, before.owner_id, now)
    await effects.tell_band(conn, case.id, SosState.RECEIVED, now)
    name = await name_of(conn, before.owner_id)
    said = note(reason) if reason else None
    await event(conn, case.id, "taken_back", by, via, now, owner=name, owner_id=before.owner_id, note=said)
    return case


async def call_again(conn: Connection, incident_id: int, by: int, via: str, now: datetime) -> Case:
    """Start the policy from its first step, now. Raises NotFound, Conflict where it is not open."""
    case, policy = await store.lock(conn, incident_id)
    case = cases.call_again(case, now)
    if case.handler_id == by:
        case = cases.attend(case, policy, now)
    await store.save(conn, case)
    await event(conn, case.id, "called_out_again", by, via, now)
    return case


def _stands(case: Case, now: datetime) -> bool:
    return case.handled(now) or (not case.open and case.handler_id is not None)


async def _ask(
    conn: Connection,
    case: Case,
    policy: EscalationPolicy,
    by: int,
    person_id: int,
    kind: Literal["sent", "added"],
    via: str,
    now: datetime,
    *,
    joins: bool = False,
) -> Asked:
    """Ask `person_id`, unless they were asked lately. `joins`: from now on they are called whenever everybody is, which
    the timeline says even where nobody is rung."""
    found = await (await conn.execute(_REACHED, (person_id,))).fetchall()
    if not found:
        raise InvalidInput("person_id", "is nobody who can be asked")
    name, language = found[0][:2]
    ways = [(channel, address) for _, _, channel, address in found if channel is not None]
    if not ways:
        raise InvalidInput("person_id", f"{name} has no number to be called or texted at")
    if case.handler_id == by:
        case = cases.attend(case, policy, now)
    await store.save(conn, case)
    asked = Asked(case.id, person_id, name, tuple(dict.fromkeys(channel for channel, _ in ways)))
    purpose = "second" if case.owned else "alarm"
    if await _asked_lately(conn, case, person_id, purpose, asked.channels[0], now):
        if joins:
            await event(conn, case.id, kind, by, via, now, person=name)
        return asked
    known = await message_context(conn, case.id, now, UTC)
    rows = [
        Row(
            case.id, person_id, channel, address, purpose, language,
            messages.alarm(known, language, channel, named=True) | {"named": True},
        )
        for channel, address in ways
    ]  # fmt: skip
    await outbox.queue(conn, rows, now)
    if purpose == "second":
        await effects.tell_owner(conn, case, name, now)
    await event(conn, case.id, kind, by, via, now, person=name)
    return asked


async def _asked_lately(
    conn: Connection, case: Case, person_id: int, purpose: str, channel: str, now: datetime
) -> bool:
    """Whether they were asked just that within `ASK_AGAIN`, and may still answer or have said that they go. `channel`
    is their best way: a text that was sent stands for no call that failed."""
    values = {"id": case.id, "person_id": person_id, "round": case.round, "now": now, "again": ASK_AGAIN}
    values |= {"purpose": purpose, "channel": channel}
    return await (await conn.execute(_ASKED_LATELY, values)).fetchone() is not None


async def candidates(conn: Connection, incident_id: int) -> list[Candidate]:
    """Those whom the desk may ask: who holds a key first, then the resident's own people, the grid's and the desk's."""
    async with conn.cursor(row_factory=class_row(Candidate)) as rows:
        await rows.execute(_CANDIDATES, {"id": incident_id})
        return await rows.fetchall()


_ASKED_LATELY = """
select from notification
where incident_id = %(id)s and person_id = %(person_id)s and round = %(round)s and content ? 'named'
  and purpose = %(purpose)s and channel = %(channel)s
  and (status in ('queued', 'sending', 'sent', 'ringing', 'answered', 'delivered')
       or status = 'done' and reason in ('accepted', 'already_yours', 'joined'))
  and created_at between %(now)s - %(again)s::interval and %(now)s
limit 1
"""

_CANDIDATES = """
select * from (
    select distinct on (p.id) p.id as person_id, p.name, who.kind, who.relation, who.holds_key,
           exists (select from contact_method m where m.person_id = p.id and m.active) as reachable,
           exists (select from notification n where n.incident_id = i.id and n.person_id = p.id
                   and n.purpose in ('alarm', 'second')) as called,
           who.place
    from incident i left join resident r on r.id = i.resident_id
    cross join lateral (
        select person_id, kind, relation, holds_key, position + case when holds_key then 0 else 20 end as place
        from resident_contact where resident_id = r.id
        union all
        select person_id, 'grid', '', false, 10 + position from grid_worker where grid_id = r.grid_id
        union all
        select person_id, 'duty', '', false, 40 from person_role where role in ('duty', 'duty_lead')
    ) who
    join person p on p.id = who.person_id and p.left_at is null
    where i.id = %(id)s
    order by p.id, who.place
) found order by reachable desc, place, person_id
"""

_HANDLED_BY = """
select i.id from incident i
where i.handler_id = %s and i.state <> 'resolved'
  and not exists (select from session s where s.person_id = i.handler_id and s.expires_at > clock_timestamp())
order by i.id
"""

_REACHED = """
select p.name, p.language, m.channel, m.address
from person p left join contact_method m on m.person_id = p.id and m.active and m.channel in ('voice', 'sms')
where p.id = %s and p.left_at is null
order by m.channel desc, m.position, m.id
"""
"""A person, the language they are spoken to, and every way to reach them: calls before texts."""
