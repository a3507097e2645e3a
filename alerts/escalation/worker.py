"""Takes the next step of every incident that is due: claim, decide, write, send.

Two statements stand between the notice and the provider's request, each a transaction of its own. The claim brings
everything the decision needs, and holds nothing once it has. One statement writes what is decided. Its rows are born
leased, so that this very process sends them at once. It writes nothing of an incident that changed since it was read,
or that somebody holds. A few such incidents are waited for, for a moment and one at a time. For the others, whoever
changed them gives notice, or the poll comes to them.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import orjson
import psycopg
from psycopg.pq import TransactionStatus

from alerts.channels.base import Outgoing
from alerts.escalation import planner
from alerts.escalation.planner import (
    Contact,
    Decision,
    Message,
    Method,
    Notify,
    PlanningContext,
    Remind,
    Reopen,
    RingDesk,
    TellFamily,
    TellOwner,
)
from alerts.incidents import effects, store, unreadable
from alerts.incidents.case import Case
from alerts.incidents.feed import tell
from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.notifications import outbox, rows
from alerts.notifications.outbox import LEASE, Row
from alerts.notifications.sender import Sender
from alerts.policies.escalation_policy import Target
from alerts.texts import messages
from alerts.texts.context import MessageContext
from alerts.texts.load import MESSAGE_CONTEXT, to_context
from eldercare.platform import statements
from eldercare.platform.clock import NOW
from eldercare.platform.database import Connection, Numbered
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import SosState

SLICE = 50
"""How many incidents one look takes: of a thousand at once the first are rung before the last is read."""
AFTER_AN_ERROR = timedelta(seconds=30)
HELD_MS = 100
"""Milliseconds to wait for an incident that somebody holds: longer than a batch of presses takes."""
HELD_MOST = 3
"""How many such incidents one look waits for, one after the other."""

_REFUSED = (psycopg.DataError, psycopg.IntegrityError, TypeError, ValueError)
"""How the database, or what encodes the values for it, refuses what one incident's step would write."""

_TARGETS = {target.value: target for target in Target}

_log = logger(__name__)

_CONTACTS = """
    select json_agg(json_build_array(who.place, p.id, m.channel, m.position, m.id, p.language, who.target, m.address,
                                     called.at, called.round)) as list
    from (
        select person_id, role as target, 0 as place from person_role where role in ('duty', 'duty_lead', 'admin')
        union all
        select person_id, case position when 1 then 'grid' else 'grid_backup' end, position
        from grid_worker where grid_id = r.grid_id
        union all
        select person_id, case kind when 'family' then 'family' else 'clinic' end, position
        from resident_contact where resident_id = i.resident_id and kind in ('family', 'doctor')
        union all
        select unnest(i.added_ids || i.owner_id || i.previous_owner_id), null, 0
    ) who
    cross join lateral (
        select id, language from person where id = who.person_id and left_at is null offset 0
    ) p
    cross join lateral (
        select id, channel, address, position from contact_method where person_id = p.id and active offset 0
    ) m
    left join lateral (
        select max(n.created_at) filter (where n.created_at <= (select now from moment)) as at, max(n.round) as round
        from notification n
        where (i.next_step + i.round > 1 or i.called_again_at is not null)
          and n.incident_id = i.id and n.purpose = 'alarm' and n.status <> 'cancelled'
          and n.channel = m.channel and n.address = m.address
    ) called on true
"""
"""A row for each way to reach somebody and each reason to. Python groups them, which takes less time over so few.

"offset 0" keeps the order: from the few who are named to their rows, never through everybody there is.
"""


_BEING_TOLD = f"""
    i.press_count > i.presses_told and i.state <> 'open' and exists (
        select from notification n
        where n.incident_id = i.id and n.purpose = 'pressed_again' and n.channel = 'voice'
          and (n.status in ('queued', 'sending')
               and (select now from moment) between n.created_at and n.created_at + {outbox.RETRY_FOR_SQL}
           or n.status in ('sent', 'ringing', 'answered')
               and (select now from moment) between n.sent_at and n.sent_at + interval '2 minutes'))
"""  # noqa: S608  constants of ours
"""Whether a call tells the owner of a further press just now. A call whose end nobody reports is over after a while, as
is one that no channel takes."""


def _claim(which: str) -> Numbered:
    # What an SOS needs goes before everything else; among equals, what has been due the longest.
    return Numbered(f"""
with moment as materialized (select coalesce(%(now)s::timestamptz, {NOW}) as now),
sos as materialized (
    select *, xmin as version from incident i
    where state <> 'resolved' and severity = 'sos' and due_at <= (select now from moment) and {which}
      and {store.KNOWN}
    order by due_at limit %(limit)s
),
other as materialized (
    select *, xmin as version from incident i
    where state <> 'resolved' and severity <> 'sos' and due_at <= (select now from moment) and {which}
      and {store.KNOWN}
    order by due_at limit %(limit)s - (select count(*) from sos)
)
select (select now from moment), {store.POLICY}, {MESSAGE_CONTEXT}, contact.list, i.version, {_BEING_TOLD},
       {store.COLUMNS}
from (select * from sos union all select * from other) i
left join resident r on r.id = i.resident_id
left join lateral ({_CONTACTS}) contact on true
""")  # noqa: S608  constants of ours


_CLAIM = _claim("id <> all(%(ids)s)")
_CLAIM_THESE = _claim("id = any(%(ids)s)")
_DUE = f"""
select i.id from incident i
where state <> 'resolved' and due_at <= coalesce(%(now)s::timestamptz, {NOW}) and id <> all(%(ids)s)
  and {store.KNOWN}
order by severity <> 'sos', due_at limit %(limit)s
"""  # noqa: S608  constants of ours
_HOLD = "select from incident where id = %s for no key update"

_VERSION = 4
"""Place of the version in a claimed row: `xmin`, the transaction that wrote the row as it was read."""
_TOLD = 5
"""Place of whether the owner is being told of a further press."""
_CASE = 6
"""Place at which the values of its case begin."""

_CARRY_OUT = statements.load(
    "alerts.escalation",
    "carry_out",
    assignments=store.ASSIGNMENTS,
    tell=tell("happened"),
    write=rows.write(
        "message",
        step="step",
        status="case when leased then 'sending' else 'queued' end",
        attempts="leased::int",
        leased_until="case when leased then %(now)s + %(lease)s end",
    ),
)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """An incident that is due, with everything the decision needs."""

    case: Case
    policy: str | None
    context: MessageContext
    contacts: tuple[Contact, ...]
    being_told: bool


@dataclass(slots=True)
class _Person:
    """A contact while its rows are gathered."""

    place: int
    language: str
    targets: set[Target] = field(default_factory=set)
    methods: dict[int, tuple[bool, int, int, Method]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is written for one incident."""

    case: Case
    events: list[tuple[str, dict[str, Any]]]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look came to: what was due, an SOS before the rest; whose step was taken (`moved`); what was written to
    be sent at once; which were reopened and when."""

    due: tuple[Case, ...] = ()
    moved: frozenset[int] = frozenset()
    written: tuple[Outgoing, ...] = ()
    reopened: tuple[tuple[int, datetime], ...] = ()
    since: float | None = None
    """A moment before it was written, in monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many steps were taken (`moved`), and which incidents changed or were held as they were looked at (`held`)."""

    moved: int
    held: tuple[Case, ...] = ()


async def run_once(
    conn: Connection, sender: Sender, planning: PlanningContext, now: datetime | None = None, limit: int = SLICE
) -> int:
    """Take the next step of up to `limit` incidents that are due at `now` (None: the database's clock), and wait for a
    few that somebody holds.

    `conn` commits by itself. What is to be sent at once is handed to `sender`. Returns how many steps were taken; the
    caller comes back until that is fewer than `limit`.
    """
    taken = await take(conn, sender, planning, now, limit)
    return taken.moved + await wait_for(conn, taken.held, sender, planning, now, limit - taken.moved)


async def take(
    conn: Connection, sender: Sender, planning: PlanningContext, now: datetime | None = None, limit: int = SLICE
) -> Taken:
    """Take steps as `run_once` does, but wait for no incident that somebody holds."""
    moved, left, unread = 0, list[Case](), list[int]()
    while True:
        asked = limit - moved
        # What somebody holds, or what cannot be read, would stand before the rest at every look.
        aside = [case.id for case in left] + unread
        try:
            look = await _look(conn, _CLAIM, aside, sender, planning, now, asked)
        except store.UNREADABLE as error:
            look, failed = await _one_by_one(conn, aside, error, sender, planning, now, asked)
        else:
            await _follow(conn, sender, look)
            failed = []
        moved += len(look.moved)
        missed = [case for case in look.due if case.id not in look.moved]
        left += missed
        unread += failed
        if not (missed or failed) or len(look.due) + len(failed) < asked:
            return Taken(moved, tuple(left))


async def wait_for(
    conn: Connection,
    held: Sequence[Case],
    sender: Sender,
    planning: PlanningContext,
    now: datetime | None = None,
    limit: int = SLICE,
) -> int:
    """Take the step of a few of these, one after the other, and wait for each at most `HELD_MS`; returns how many.

    `conn` is for this alone, so that no first call waits for it.
    """
    moved = 0
    for case in _worth_waiting_for(held)[:limit]:
        try:
            look = await _hold(conn, case.id, sender, planning, now)
        except store.UNREADABLE as error:
            await unreadable.look_after(conn, case.id, now, error)
            continue
        await _follow(conn, sender, look)
        moved += len(look.moved)
    return moved


async def _one_by_one(
    conn: Connection,
    aside: Sequence[int],
    why: Exception,
    sender: Sender,
    planning: PlanningContext,
    now: datetime | None,
    limit: int,
) -> tuple[_Look, list[int]]:
    """Look at one incident at a time, because one of them cannot be read; returns also which ones cannot."""
    unreadable.say("look", why)
    rows = await (await conn.execute(_DUE, {"now": now, "ids": list(aside), "limit": limit})).fetchall()
    due, moved, failed = list[Case](), set[int](), list[int]()
    for (incident_id,) in rows:
        try:
            look = await _look(conn, _CLAIM_THESE, [incident_id], sender, planning, now, 1)
        except store.UNREADABLE as error:
            failed.append(incident_id)
            await unreadable.look_after(conn, incident_id, now, error)
            continue
        await _follow(conn, sender, look)
        due += look.due
        moved |= look.moved
    return _Look(tuple(due), frozenset(moved)), failed


async def _look(
    conn: Connection,
    claim: Numbered,
    ids: Sequence[int],
    sender: Sender,
    planning: PlanningContext,
    now: datetime | None,
    limit: int,
    put_off: bool = False,
) -> _Look:
    """Read what is due, decide, write. `ids` are those that `claim` leaves out, or the only ones that it looks at.
    `put_off`: nothing is decided, and the timeline says that the step has failed."""
    due = await claim.rows(conn, {"now": now, "limit": limit, "ids": list(ids)})
    if not due:
        return _Look()
    moment: datetime = due[0][0]
    cases = [store.from_row(tuple(row[_CASE:])) for row in due]
    plans = [
        _later(case, moment) if put_off else _plan(case, row, planning, moment)
        for case, row in zip(cases, due, strict=True)
    ]
    since = monotonic()
    rows = await _carry_out(conn, [row[_VERSION] for row in due], plans, sender, moment)
    place = {plan.case.id: at for at, plan in enumerate(plans)}
    written = [Outgoing(*row) for row in rows if row[0] is not None]
    written.sort(key=lambda row: (place[row.incident_id or 0], row.id))
    moved = frozenset(row[2] for row in rows if row[0] is None)
    again = [plan.case.id for plan in plans if any(kind == "reopened" for kind, _ in plan.events)]
    return _Look(tuple(cases), moved, tuple(written), tuple((id, moment) for id in again if id in moved), since)


async def _carry_out(
    conn: Connection, versions: Sequence[str], plans: Sequence[_Plan], sender: Sender, now: datetime
) -> list[tuple[Any, ...]]:
    """Write these plans. One of several that the database refuses is left due, and keeps none of the others waiting.

    Within a transaction of the caller, who holds no more than one, it raises the refusal.
    """
    try:
        values = _parameters(versions, plans, sender, now)
        return await (await conn.execute(_CARRY_OUT, values, prepare=True)).fetchall()
    except _REFUSED as error:
        if conn.info.transaction_status != TransactionStatus.IDLE:
            raise
        if len(plans) == 1:
            _log.warning("step_refused", incident=plans[0].case.id, error=error)
            return []
        half = len(plans) // 2
        first = await _carry_out(conn, versions[:half], plans[:half], sender, now)
        return [*first, *await _carry_out(conn, versions[half:], plans[half:], sender, now)]


def _worth_waiting_for(left: Sequence[Case]) -> Sequence[Case]:
    """A few of the incidents that changed or were held as they were looked at, an SOS before the rest.

    They are chosen by chance. In any fixed order, some that stay held would keep waiting those behind them, whose bands
    only press without a pause.
    """
    wanted = [case for case in left if case.severity is Severity.SOS] or left
    return random.sample(wanted, min(len(wanted), HELD_MOST))


async def _hold(
    conn: Connection, incident_id: int, sender: Sender, planning: PlanningContext, now: datetime | None
) -> _Look:
    """Look at this incident alone, waiting for whoever holds it, but no longer than `HELD_MS`.

    A statement of its own reads it once it is held. The statement that waited would see nothing else of what was
    written meanwhile, such as who has just been called by another process.
    """
    try:
        async with conn.transaction():
            await conn.execute(f"set local lock_timeout = {HELD_MS}")
            await conn.execute(_HOLD, (incident_id,))
            return await _look(conn, _CLAIM_THESE, [incident_id], sender, planning, now, 1)
    except psycopg.errors.LockNotAvailable:
        return _Look()
    except _REFUSED:
        # It is refused even read anew and held. It is tried again later, and its timeline says so.
        _log.exception("step_failed", incident=incident_id)
        return await _look(conn, _CLAIM_THESE, [incident_id], sender, planning, now, 1, put_off=True)


async def _follow(conn: Connection, sender: Sender, look: _Look) -> None:
    """Do what comes after a look that is committed: the telephones first."""
    sender.take(look.written, look.since)
    for incident_id, at in look.reopened:
        # No telephone waits for this, and an acceptance meanwhile tells the band by itself.
        try:
            await effects.tell_band(conn, incident_id, SosState.RECEIVED, at, only_while=IncidentState.OPEN)
        except psycopg.errors.LockNotAvailable:
            _log.warning("word_waits", incident=incident_id)  # `wearer.set_right` says it


def _claimed(case: Case, row: Sequence[Any], planning: PlanningContext) -> _Claimed:
    now, policy, known, contacts = row[:_VERSION]
    return _Claimed(case, policy, to_context(known, now, planning.zone), tuple(_contacts(contacts or [])), row[_TOLD])


def _contacts(rows: Iterable[list[Any]]) -> Iterable[Contact]:
    """The people in order of place and id, their ways in order of channel (calls first), position and id."""
    found: dict[int, _Person] = {}
    for place, person_id, channel, position, method_id, language, target, address, called_at, called_round in rows:
        person = found.get(person_id)
        if person is None:
            person = found[person_id] = _Person(place, language)
        person.place = min(person.place, place)
        if target is not None:
            person.targets.add(_TARGETS[target])
        at = datetime.fromisoformat(called_at) if called_at else None
        person.methods[method_id] = (
            channel != "voice",
            position,
            method_id,
            Method(channel, address, at, called_round or 0),
        )
    for person_id in sorted(found, key=lambda person_id: (found[person_id].place, person_id)):
        person = found[person_id]
        methods = tuple(method for *_, method in sorted(person.methods.values()))
        yield Contact(person_id, person.language, frozenset(person.targets), methods)


def _plan(case: Case, row: Sequence[Any], planning: PlanningContext, now: datetime) -> _Plan:
    try:
        return _decide(_claimed(case, row, planning), planning, now)
    except Exception:
        # One incident that cannot be planned must not keep the others waiting; it is tried again, and says so.
        _log.exception("step_failed", incident=case.id)
        return _later(case, now)


def _later(case: Case, now: datetime) -> _Plan:
    later = planner.apply(case, planner.Wait(now + AFTER_AN_ERROR, "error"), now)
    return _Plan(later, [("step_failed", {"retry_s": AFTER_AN_ERROR.seconds})], [])


def _decide(claimed: _Claimed, planning: PlanningContext, now: datetime) -> _Plan:
    """Decide and render the next step. A reopened incident takes its first step in the same statement."""
    policy = store.policy_of(claimed.policy)
    decision = planner.next_step(claimed.case, policy, claimed.contacts, planning, now, claimed.being_told)
    case = planner.apply(claimed.case, decision, now)
    events, rows = _events(claimed.case, decision), _rows(claimed, decision)
    if not isinstance(decision, Reopen):
        return _Plan(case, events, rows)
    first = _decide(replace(claimed, case=case), planning, now)
    return _Plan(first.case, events + first.events, rows + first.rows)


def _events(case: Case, decision: Decision) -> list[tuple[str, dict[str, Any]]]:
    """The rows of the timeline, in the order in which things happened."""
    match decision:
        case Notify():
            events: list[tuple[str, dict[str, Any]]] = [
                ("fell_through", {"round": case.round, "step": skipped.step, "reason": skipped.reason})
                for skipped in decision.skipped
            ]
            if decision.handling_ends:
                events.append(("handling_ended", {"reason": "ladder_spent", "handler": case.handler_id}))
            if decision.ask_120:
                events.append(("ask_120", {"round": case.round}))
            if decision.reason.startswith("nobody"):
                return [*events, (decision.reason, {"round": case.round, "next_due": decision.next_due.isoformat()})]
            people = sorted({message.person_id for message in decision.messages})
            step = {"round": case.round, "step": decision.step, "reason": decision.reason, "people": people}
            return [*events, ("step", step)]
        case RingDesk():
            people = sorted({message.person_id for message in decision.messages})
            return [("handling_ended", {"reason": decision.reason, "handler": case.handler_id, "people": people})]
        case TellOwner():
            return [("told_owner", {"presses": case.press_count, "reason": decision.reason})]
        case TellFamily():
            return [("told_family", {"people": sorted({message.person_id for message in decision.messages})})]
        case Reopen():
            return [("reopened", {"reason": decision.reason, "was": case.state, "owner_id": case.owner_id})]
        case Remind():
            return [("still_open", {"reason": decision.reason})]
        case _:
            return []


def _rows(claimed: _Claimed, decision: Decision) -> list[Row]:
    match decision:
        case Notify():
            return _render(claimed, decision.messages, "alarm", decision.step)
        case TellFamily() | RingDesk():
            return _render(claimed, decision.messages, "alarm", None)
        case TellOwner():
            return _render(claimed, decision.messages, "pressed_again", None)
        case _:
            return []


def _render(claimed: _Claimed, to: Sequence[Message], purpose: str, step: int | None) -> list[Row]:
    """The rows of these messages, calls first. The text is the same for everybody of a language on a channel."""
    case, context = claimed.case, claimed.context
    # "Pressed again" is about a button. A warning that became urgent is told as the alarm it now is.
    again = purpose == "pressed_again" and context.kind is IncidentKind.SOS
    write = messages.pressed_again if again else messages.alarm
    texts: dict[tuple[str, str, bool], dict[str, Any]] = {}
    written = []
    for message in sorted(to, key=lambda message: message.channel != "voice"):
        desk = message.desk and not again and context.somebody_has_to_go
        key = (message.language, message.channel, desk)
        if key not in texts:
            others = texts.get((message.language, "voice", False))
            if not desk:
                texts[key] = write(context, *key[:2])
            elif message.channel == "voice" and others is not None:
                texts[key] = messages.to_the_desk(others, message.language)
            else:
                texts[key] = messages.alarm(context, *key[:2], desk=True)
        row = Row(case.id, message.person_id, message.channel, message.address, purpose, message.language, texts[key])
        written.append(replace(row, round=case.round, step=step))
    return written


def _parameters(versions: Sequence[str], plans: Sequence[_Plan], sender: Sender, now: datetime) -> dict[str, Any]:
    room = sender.room()
    messages = []
    for row in (row for plan in plans for row in plan.rows):
        # What this process has no room for now is left for one that has. A further press goes through the outbox too,
        # which brings it after everybody's first call.
        leased = row.purpose == "alarm" and room.get(row.channel, 0) > 0
        room[row.channel] = room.get(row.channel, 0) - leased
        messages.append(replace(row, leased=leased))
    events = [
        {"incident_id": plan.case.id, "kind": kind, "detail": detail} for plan in plans for kind, detail in plan.events
    ]
    seen = [{"id": plan.case.id, "version": version} for version, plan in zip(versions, plans, strict=True)]
    return {
        "seen": orjson.dumps(seen).decode(),
        "cases": orjson.dumps([plan.case for plan in plans]).decode(),
        "events": orjson.dumps(events).decode(),
        "rows": orjson.dumps(messages).decode(),
        "now": now,
        "lease": LEASE,
    }


async def warm(conn: Connection) -> None:
    """Prepare the statements; nothing is claimed and nothing written."""
    for claim in (_CLAIM, _CLAIM_THESE):
        await claim.rows(conn, {"now": None, "limit": 0, "ids": []})
    nothing = {"seen": "[]", "cases": "[]", "events": "[]", "rows": "[]", "now": datetime.now(UTC), "lease": LEASE}
    await conn.execute(_CARRY_OUT, nothing, prepare=True)
