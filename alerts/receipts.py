"""What providers say of a message after they took it: how a call or a text went on. Many are written down at once.

Statuses only rise (`alerts.states.RANK`). A receipt names its message by the reference in the address it was posted to,
and its call by the provider's own id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from alerts import references
from alerts.outbox import fall_through, not_needed
from alerts.references import Reference
from alerts.states import FINAL, RANK, Event, Status, hung_up
from eldercare.database import Connection
from eldercare.errors import NotFound
from eldercare.wakeup import INCIDENT_CHANNEL

_LIVE = (Status.SENT, Status.RINGING, Status.ANSWERED)


@dataclass(frozen=True, slots=True)
class About:
    """Which message a callback is about: by its `reference`, or by its `number`, as the version before wrote it.

    A number counts only for a row without a reference, and only together with the call that the row has.
    """

    reference: Reference | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`event` is what the provider now says of the call or text `provider_id` of a message."""

    about: About
    provider_id: str | None
    event: Event


@dataclass(frozen=True, slots=True)
class Written:
    """What became of receipts, by their place in the list: `moved` a status, `unknown` to us, or `left`, because
    somebody holds the incident at this moment."""

    moved: frozenset[int] = frozenset()
    unknown: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()


_WRITE = f"""
with receipt as materialized (
    select * from jsonb_to_recordset(%(receipts)s) as r (place int, reference text, number bigint, provider_id text,
        status text, lower text[], reason text, hung_up text, provider_status text, final boolean, live boolean)
),
known as materialized (
    select receipt.*, n.id, n.incident_id from receipt join notification n on n.reference = receipt.reference
    union all
    select receipt.*, n.id, n.incident_id from receipt join notification n on n.id = receipt.number
    where receipt.reference is null and n.reference is null
      and (n.provider_id is null or receipt.provider_id is null or n.provider_id = receipt.provider_id)
),
held as materialized (
    select i.id, i.state, i.owner_id, i.accepted_via, i.accepted_call from incident i
    where i.id in (select incident_id from known) order by i.id for no key update skip locked
),
had as materialized (
    select n.id from notification n
    where n.id in (select id from known) order by n.id for no key update of n skip locked
),
mine as materialized (
    select known.*, case when ended.id is null then reason else hung_up end as why
    from known
    left join lateral (
        select h.id from notification h
        where h.ends_id = known.id and h.content ->> 'provider_id' = known.provider_id limit 1
    ) ended on true
    where known.id in (select id from had) and (incident_id is null or incident_id in (select id from held))
),
-- Of one call the furthest word counts, whatever the order in which they came.
furthest as (
    select distinct on (id, provider_id) * from mine order by id, provider_id, cardinality(lower) desc, place
),
moved as (
    update notification n set status = f.status, reason = coalesce(f.why, n.reason),
        provider_id = coalesce(n.provider_id, f.provider_id), provider_status = f.provider_status,
        leased_until = null, sent_at = coalesce(n.sent_at, %(now)s),
        finished_at = case when f.final then coalesce(n.finished_at, %(now)s) else n.finished_at end
    from furthest f
    where n.id = f.id and n.status = any(f.lower)
      and (n.provider_id is null or f.provider_id is null or n.provider_id = f.provider_id)
    returning n.id, n.provider_id, n.incident_id, f.final, f.place
),
another as (
    -- A call of the row that nobody told us of: the provider's answer to its request was lost.
    insert into attempt (notification_id, started_at, provider_id)
    select distinct mine.id, %(now)s::timestamptz, mine.provider_id from mine join notification n on n.id = mine.id
    where mine.provider_id <> coalesce(n.provider_id, (select m.provider_id from moved m where m.id = n.id limit 1))
      and not exists (select from attempt a where a.notification_id = n.id and a.provider_id = mine.provider_id)
),
ended as (
    insert into notification (reference, incident_id, person_id, channel, address, purpose, round, language, content,
        ends_id, send_after, created_at)
    select {references.NEW}, n.incident_id, n.person_id, n.channel, n.address, 'hang_up', n.round, n.language,
           jsonb_build_object('provider_id', f.provider_id), n.id, %(now)s, %(now)s
    from furthest f join notification n on n.id = f.id join held i on i.id = n.incident_id
    where f.live and f.provider_id is not null and {not_needed("f.provider_id")}
      and not exists (select from notification h where h.ends_id = n.id
                      and h.content ->> 'provider_id' = f.provider_id)
    returning incident_id
)
select place, incident_id,
       case when place not in (select place from mine) then 'left'
            when place in (select place from moved) then 'moved' else 'noted' end,
       place in (select place from moved where final), incident_id in (select incident_id from ended)
from known
"""  # noqa: S608  constants of ours


async def write(conn: Connection, receipts: Sequence[Receipt], now: datetime) -> Written:
    """Write down what providers say, of many messages at once; waits for nobody who holds an incident.

    The end of a call that we hung up is nobody's failure. A status never moves backwards, and a word about another call
    than the row's own changes nothing but that the call is known from now on. A failure that leaves nobody who may
    answer makes the incident due; a call that lives although nobody needs it is hung up.
    """
    values = {"receipts": orjson.dumps([_row(place, each) for place, each in enumerate(receipts)]).decode(), "now": now}
    rows = await (await conn.execute(_WRITE, values)).fetchall()
    found: dict[str, set[int]] = {"left": set(), "moved": set(), "noted": set()}
    for place, _, outcome, _, _ in rows:
        found[outcome].add(place)
    for incident_id in sorted({row[1] for row in rows if row[1] is not None and (row[2] == "moved" or row[4])}):
        await conn.execute("select pg_notify(%s, %s)", (INCIDENT_CHANNEL, str(incident_id)))
    for incident_id in sorted({row[1] for row in rows if row[1] is not None and row[3]}):
        await fall_through(conn, incident_id, now)
    unknown = set(range(len(receipts))).difference(row[0] for row in rows)
    return Written(frozenset(found["moved"]), frozenset(unknown), frozenset(found["left"]))


_HOLD = """
select from incident where id = (select n.incident_id from notification n where n.id = %s) for no key update
"""


async def record_status(
    conn: Connection, notification_id: int, provider_id: str | None, event: Event, now: datetime
) -> bool:
    """Write down what is known of one row of ours; True if that moved its status. Waits for its incident.

    Raises NotFound.
    """
    await conn.execute(_HOLD, (notification_id,))
    row = await (await conn.execute("select reference from notification where id = %s", (notification_id,))).fetchone()
    about = About(row[0], notification_id) if row else About(number=notification_id)
    written = await write(conn, [Receipt(about, provider_id, event)], now)
    if row is None or (written.unknown and about.reference is not None):
        raise NotFound("notification", notification_id)
    return bool(written.moved)


def _row(place: int, receipt: Receipt) -> dict[str, Any]:
    event, ended = receipt.event, hung_up(receipt.event)
    return {
        "place": place,
        "reference": receipt.about.reference,
        "number": receipt.about.number,
        "provider_id": receipt.provider_id,
        "status": event.status,
        "lower": [status for status, rank in RANK.items() if rank < RANK[event.status]],
        "reason": event.reason,
        "hung_up": ended.reason,
        "provider_status": event.provider_status or None,
        "final": event.status in FINAL,
        "live": event.status in _LIVE,
    }
