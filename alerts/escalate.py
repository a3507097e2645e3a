"""Take the next step of every incident that is due: claim, decide, write, commit, send.

Two statements and one commit stand between the notice and the provider's request, all sent without waiting for one
another where they can be. The claim brings everything the decision needs; what it decides is written as one statement,
with the rows of this step born leased, so that this very process sends them as soon as they are committed.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg

from alerts import case_store, escalation, messages
from alerts.case import Case
from alerts.deliver import Sender
from alerts.escalation import Contact, Decision, Message, Method, Notify, Outside, Remind, Reopen, TellFamily, TellOwner
from alerts.facts import Facts
from alerts.incident_facts import FACTS, to_facts
from alerts.kinds import IncidentKind
from alerts.ladder import Target
from alerts.outbox import LEASE, Leased
from eldercare.database import Connection
from eldercare.log import logger

SLICE = 50
"""Incidents of one transaction: of a thousand at once the first are rung before the last is read."""
AFTER_AN_ERROR = timedelta(seconds=30)

_log = logger(__name__)

_CONTACTS = """
    select jsonb_agg(jsonb_build_array(p.id, p.language, who.targets, m.channel, m.address, called.at, called.round)
                     order by who.place, p.id, m.channel desc, m.position, m.id) as list
    from (
        select person_id, array_remove(array_agg(target), null) as targets, min(place) as place
        from (
            select person_id, role as target, 0 as place from person_role where role in ('duty', 'duty_lead', 'admin')
            union all
            select person_id, case position when 1 then 'grid' else 'grid_backup' end, position
            from grid_worker where grid_id = r.grid_id
            union all
            select person_id, case kind when 'family' then 'family' else 'clinic' end, position
            from resident_contact where resident_id = i.resident_id and kind in ('family', 'doctor')
            union all
            select i.owner_id, null, 0
            union all
            select i.previous_owner_id, null, 0
        ) named group by person_id
    ) who
    -- "offset 0" keeps the order: from the few who are named to their rows, never through everybody there is.
    cross join lateral (
        select id, language from person where id = who.person_id and left_at is null offset 0
    ) p
    cross join lateral (
        select id, channel, address, position from contact_method where person_id = p.id and active offset 0
    ) m
    left join lateral (
        select max(n.created_at) as at, max(n.round) as round
        from notification n
        where i.next_step + i.round > 1 and n.incident_id = i.id and n.purpose = 'alarm' and n.status <> 'cancelled'
          and n.channel = m.channel and n.address = m.address
    ) called on true
"""

# What an SOS needs goes before everything else; among equals, what has been due the longest.
_CLAIM = f"""
with moment as materialized (select coalesce(%(now)s::timestamptz, eldercare_now()) as now),
sos as materialized (
    select * from incident where state <> 'resolved' and severity = 'sos' and due_at <= (select now from moment)
    order by due_at limit %(limit)s for no key update skip locked
),
other as materialized (
    select * from incident where state <> 'resolved' and severity <> 'sos' and due_at <= (select now from moment)
    order by due_at limit %(limit)s - (select count(*) from sos) for no key update skip locked
)
select (select now from moment), {case_store.LADDER}, {FACTS}, contact.list, {case_store.COLUMNS}
from (select * from sos union all select * from other) i
left join resident r on r.id = i.resident_id
left join lateral ({_CONTACTS}) contact on true
"""  # noqa: S608  constants of ours

_BEFORE_CASE = 4
"""Values of a claimed row before those of the case."""

_CARRY_OUT = f"""
with moved as (
    update incident i set {case_store.ASSIGNMENTS}
    from jsonb_populate_recordset(null::incident, %(cases)s) c where i.id = c.id
    returning i.id
),
told as (
    insert into incident_event (incident_id, at, kind, via, detail)
    select incident_id, %(now)s, kind, 'ladder', detail
    from jsonb_to_recordset(%(events)s) as e (incident_id bigint, kind text, detail jsonb)
    returning incident_id
),
written as (
    insert into notification (incident_id, person_id, channel, address, purpose, round, step, language, content, status,
        attempts, send_after, leased_until, created_at)
    select incident_id, person_id, channel, address, purpose, round, step, language, content,
           case when leased then 'sending' else 'queued' end, leased::int, %(now)s,
           case when leased then %(now)s + %(lease)s end, %(now)s
    from jsonb_to_recordset(%(rows)s) as n (incident_id bigint, person_id bigint, channel text, address text,
        purpose text, round int, step int, language text, content jsonb, leased boolean)
    returning id, incident_id, channel, address, language, purpose, content, attempts, status
)
select id, incident_id, channel, address, language, purpose, content, attempts from written where status = 'sending'
union all
select null, incident_id, pg_notify('incident', incident_id::text)::text, null, null, null, null, null
from (select distinct incident_id from told) changed
"""  # noqa: S608  constants of ours


@dataclass(frozen=True, slots=True)
class _Claimed:
    """An incident that is due, held, with everything the decision needs."""

    case: Case
    ladder: str | None
    facts: Facts
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is written for it."""

    case: Case
    events: list[tuple[str, dict[str, Any]]]
    rows: list[dict[str, Any]]


async def run_once(
    conn: Connection, sender: Sender, outside: Outside, now: datetime | None = None, limit: int = SLICE
) -> int:
    """Take the next step of up to `limit` incidents that are due at `now` (None: the database's clock).

    Commits, and hands what is to be sent at once to `sender`. Returns how many were due; the caller comes back until
    that is fewer than `limit`. `conn` must not be in a transaction.
    """
    try:
        written: list[tuple[Any, ...]] = []
        cursor = await conn.execute(_CLAIM, {"now": now, "limit": limit}, prepare=True)
        due = await cursor.fetchall()
        if due:
            moment: datetime = due[0][0]
            plans = [_plan(row, outside, moment) for row in due]
            cursor = await conn.execute(_CARRY_OUT, _parameters(plans, sender, moment), prepare=True)
            written = await cursor.fetchall()
        await conn.commit()
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            await conn.rollback()
        raise
    sender.take(_leased(written))
    return len(due)


def _claimed(case: Case, row: Sequence[Any], outside: Outside) -> _Claimed:
    now, ladder, known, contacts = row[:_BEFORE_CASE]
    return _Claimed(case, ladder, to_facts(known, now, outside.zone), tuple(_contacts(contacts or [])))


def _contacts(rows: Iterable[list[Any]]) -> Iterable[Contact]:
    people: dict[int, tuple[str, list[str], list[Method]]] = {}
    for person_id, language, targets, channel, address, called_at, called_round in rows:
        _, _, methods = people.setdefault(person_id, (language, targets, []))
        at = datetime.fromisoformat(called_at) if called_at else None
        methods.append(Method(channel, address, at, called_round or 0))
    for person_id, (language, targets, methods) in people.items():
        yield Contact(person_id, language, frozenset(Target(target) for target in targets), tuple(methods))


def _plan(row: Sequence[Any], outside: Outside, now: datetime) -> _Plan:
    case = case_store.from_row(tuple(row[_BEFORE_CASE:]))
    try:
        return _decide(_claimed(case, row, outside), outside, now)
    except Exception:
        # One incident that cannot be planned must not keep the others waiting; it is tried again, and says so.
        _log.exception("step_failed", incident=case.id)
        later = escalation.after(case, escalation.Wait(now + AFTER_AN_ERROR, "error"), now)
        return _Plan(later, [("step_failed", {"retry_s": AFTER_AN_ERROR.seconds})], [])


def _decide(claimed: _Claimed, outside: Outside, now: datetime) -> _Plan:
    """What is reopened takes its first step in the same transaction."""
    ladder = case_store.ladder_of(claimed.ladder)
    decision = escalation.next_step(claimed.case, ladder, claimed.contacts, outside, now)
    case = escalation.after(claimed.case, decision, now)
    events, rows = _events(claimed.case, decision), _rows(claimed, decision)
    if not isinstance(decision, Reopen):
        return _Plan(case, events, rows)
    first = _decide(replace(claimed, case=case), outside, now)
    return _Plan(first.case, events + first.events, rows + first.rows)


def _events(case: Case, decision: Decision) -> list[tuple[str, dict[str, Any]]]:
    """The rows of the timeline, in the order in which it happened."""
    match decision:
        case Notify():
            events: list[tuple[str, dict[str, Any]]] = [
                ("fell_through", {"round": case.round, "step": skipped.step, "reason": skipped.reason})
                for skipped in decision.skipped
            ]
            if decision.ask_120:
                events.append(("ask_120", {"round": case.round}))
            if decision.reason.startswith("nobody"):
                return [*events, (decision.reason, {"round": case.round, "next_due": decision.next_due.isoformat()})]
            people = sorted({message.person_id for message in decision.messages})
            step = {"round": case.round, "step": decision.step, "reason": decision.reason, "people": people}
            return [*events, ("step", step)]
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


def _rows(claimed: _Claimed, decision: Decision) -> list[dict[str, Any]]:
    match decision:
        case Notify():
            return _render(claimed, decision.messages, "alarm", decision.step)
        case TellFamily():
            return _render(claimed, decision.messages, "alarm", None)
        case TellOwner():
            return _render(claimed, decision.messages, "pressed_again", None)
        case _:
            return []


def _render(claimed: _Claimed, to: Sequence[Message], purpose: str, step: int | None) -> list[dict[str, Any]]:
    """The rows of these messages, calls first. The text is the same for everybody of a language on a channel."""
    case, facts = claimed.case, claimed.facts
    # "Pressed again" is about a button; that a warning became urgent is told as the alarm it now is.
    again = purpose == "pressed_again" and facts.kind is IncidentKind.SOS
    write = messages.pressed_again if again else messages.alarm
    texts: dict[tuple[str, str], dict[str, Any]] = {}
    rows = []
    for message in sorted(to, key=lambda message: message.channel != "voice"):
        key = (message.language, message.channel)
        if key not in texts:
            texts[key] = write(facts, *key)
        rows.append(
            {
                "incident_id": case.id,
                "person_id": message.person_id,
                "channel": message.channel,
                "address": message.address,
                "purpose": purpose,
                "round": case.round,
                "step": step,
                "language": message.language,
                "content": texts[key],
            }
        )
    return rows


def _parameters(plans: Sequence[_Plan], sender: Sender, now: datetime) -> dict[str, Any]:
    rows = [row for plan in plans for row in plan.rows]
    room = sender.room()
    for row in rows:
        # What this process has no hands for now is left for whoever has.
        row["leased"] = room.get(row["channel"], 0) > 0
        room[row["channel"]] = room.get(row["channel"], 0) - 1
    events = [
        {"incident_id": plan.case.id, "kind": kind, "detail": detail} for plan in plans for kind, detail in plan.events
    ]
    return {
        "cases": orjson.dumps([plan.case for plan in plans]).decode(),
        "events": orjson.dumps(events).decode(),
        "rows": orjson.dumps(rows).decode(),
        "now": now,
        "lease": LEASE,
    }


def _leased(rows: Iterable[Sequence[Any]]) -> list[Leased]:
    return [Leased(*row) for row in rows if row[0] is not None]


async def warm(conn: Connection) -> None:
    """Prepare both statements; nothing is claimed and nothing written. Commits."""
    await conn.execute(_CLAIM, {"now": None, "limit": 0}, prepare=True)
    nothing = {"cases": "[]", "events": "[]", "rows": "[]", "now": datetime.now(UTC), "lease": LEASE}
    await conn.execute(_CARRY_OUT, nothing, prepare=True)
    await conn.commit()
