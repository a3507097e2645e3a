"""Reads what is due, with everything that the decisions need. What has been read is not held."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.escalation.situation import Contact, Method, PlanningContext, Wearer
from alerts.incidents import store
from alerts.incidents.case import Case
from alerts.notifications import outbox
from alerts.policies.escalation_policy import Target
from alerts.texts.context import MessageContext
from alerts.texts.load import MESSAGE_CONTEXT, to_context
from eldercare.platform.clock import NOW
from eldercare.platform.database import Connection, Numbered

_TARGETS = {target.value: target for target in Target}

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

SOMEBODY_ELSES = """
    exists (select from contact_method m join person p on p.id = m.person_id and p.left_at is null
            where m.active and m.address = r.phone)
"""
"""SQL: whether the number in the file of the resident `r` is one at which somebody else is called."""
_WEARER = f"""
    case when i.severity <> 'sos' and i.next_step = 0 and i.wearer_asked_at is null and r.left_at is null then
        json_build_array(r.language, case when not {SOMEBODY_ELSES} then r.phone end, (
            select a.device_id from assignment a join device d on d.id = a.device_id and d.retired_at is null
            where a.resident_id = r.id and a.period @> (select now from moment)
            order by a.device_id = i.device_id desc, lower(a.period) desc limit 1)) end
"""  # noqa: S608  constants of ours
"""How the wearer may be asked, before a first step of anything but an SOS: in an SOS nothing is read for it. On a
number at which somebody else is called, a 1 means "I am going", so that nobody is asked there."""


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
select (select now from moment), {store.POLICY}, {MESSAGE_CONTEXT}, contact.list, i.version, {_BEING_TOLD}, {_WEARER},
       {store.COLUMNS}
from (select * from sos union all select * from other) i
left join resident r on r.id = i.resident_id
left join lateral ({_CONTACTS}) contact on true
""")  # noqa: S608  constants of ours


CLAIM = _claim("id <> all(%(ids)s)")
CLAIM_THESE = _claim("id = any(%(ids)s)")
_DUE = f"""
select i.id from incident i
where state <> 'resolved' and due_at <= coalesce(%(now)s::timestamptz, {NOW}) and id <> all(%(ids)s)
  and {store.KNOWN}
order by severity <> 'sos', due_at limit %(limit)s
"""  # noqa: S608  constants of ours

_POLICY, _CONTEXT, _WAYS, _VERSION, _TOLD, _ASKED, _CASE = range(1, 8)
"""Places in a row, after the moment at which it was read: the policy, what texts are made of, the ways to people, the
version (`xmin`, the transaction that wrote the row as it was read), whether the owner is being told of a further press,
how the wearer may be asked, and the values of the case from here on."""


@dataclass(frozen=True, slots=True)
class Due:
    """An incident that is due at `now`, of which the case is read and the rest is not yet."""

    case: Case
    version: str
    now: datetime
    row: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Claimed:
    """An incident that is due, with everything the decision needs."""

    case: Case
    policy: str | None
    context: MessageContext
    contacts: tuple[Contact, ...]
    being_told: bool
    wearer: Wearer | None = None


@dataclass(slots=True)
class _Person:
    """A contact while its rows are gathered."""

    place: int
    language: str
    targets: set[Target] = field(default_factory=set)
    methods: dict[int, tuple[bool, int, int, Method]] = field(default_factory=dict)


async def read(conn: Connection, claim: Numbered, ids: Sequence[int], now: datetime | None, limit: int) -> list[Due]:
    """What is due by `claim`, an SOS before the rest. `ids` are those that it leaves out, or the only ones that it
    looks at. Raises one of `store.UNREADABLE` where a case cannot be read."""
    rows = await claim.rows(conn, {"now": now, "limit": limit, "ids": list(ids)})
    return [Due(store.from_row(tuple(row[_CASE:])), row[_VERSION], row[0], row) for row in rows]


async def due_ids(conn: Connection, but: Sequence[int], now: datetime | None, limit: int) -> list[int]:
    """The numbers of what is due, in the same order, without these; nothing else of them is read."""
    rows = await (await conn.execute(_DUE, {"now": now, "ids": list(but), "limit": limit})).fetchall()
    return [row[0] for row in rows]


def claimed(due: Due, planning: PlanningContext) -> Claimed:
    """All that the decision needs. Raises whatever shows that something of it cannot be read."""
    row = due.row
    context = to_context(row[_CONTEXT], due.now, planning.zone)
    wearer = Wearer(*row[_ASKED]) if row[_ASKED] and row[_ASKED][0] else None
    return Claimed(due.case, row[_POLICY], context, tuple(_contacts(row[_WAYS] or [])), row[_TOLD], wearer)


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


async def warm(conn: Connection) -> None:
    """Prepare the statements; nothing is read."""
    for claim in (CLAIM, CLAIM_THESE):
        await claim.rows(conn, {"now": None, "limit": 0, "ids": []})
