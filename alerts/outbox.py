"""The outbox: one row of `notification` for each message to one contact method or band.

A row is leased by who sends it; an expired lease is sent again, because two calls are better than none. Statuses only
rise (`alerts.states.RANK`). Whoever changes rows of an incident locks the incident first.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg

from alerts import references
from alerts.kinds import IncidentState
from alerts.openings import BAND_STATES
from alerts.references import Reference
from alerts.states import Status
from eldercare.database import LOOKUPS, Connection
from eldercare.wire import SosState

LEASE = timedelta(seconds=15)
"""How long whoever sends may take. Longer than `deliver.SEND_TIMEOUT_S`, so that nobody sends what another still is."""
RETRY_FOR = timedelta(minutes=5)
"""How long a provider's passing trouble is tried again; by then the ladder writes new rows anyway."""
TELL_BAND_FOR = timedelta(hours=24)
"""How long a word to the wearer is tried while it is true: as long as the press is known. No ladder says it again."""
PATIENCE = 3
"""After so many failed tries the ladder no longer waits for a row, though it goes on being tried."""
REPEAT_WAITS = timedelta(seconds=10)
"""How long a call that tells of a further press may wait at the provider before the next of them may join it."""
MOST_CHARS = 200
"""Of what a provider says, kept in a row."""
HELD_S = 0.01
"""How soon an incident that somebody else holds is looked at again, seconds."""
HELD_TRIES = 5
"""How often; then its outcomes go back to the caller, who has those of other incidents to write."""
SESSION = {**LOOKUPS, "synchronous_commit": "off"}
"""Of the connections of `alerts`: a crash may repeat a call."""


_TRUE_WORDS = {str(state): [word] for state, word in BAND_STATES.items()}
_TRUE_WORDS[IncidentState.HANDED_TO_120].append(SosState.ARRIVING)  # who was on the way still is
TRUE_WORDS = orjson.dumps(_TRUE_WORDS).decode()
"""What may be said to the wearer in each state of the incident, as JSON."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to write, to be sent as soon as it is committed."""

    incident_id: int
    person_id: int | None
    channel: str
    address: str
    purpose: str
    language: str
    content: dict[str, Any]
    ends_id: int | None = None
    reference: Reference = field(default_factory=references.new)


@dataclass(frozen=True, slots=True)
class Leased:
    """A row that is this process's to send. `ends_provider_id`: for `hang_up`, the call to end. Without a `reference`
    it was written by the version before."""

    id: int
    reference: Reference | None
    incident_id: int | None
    channel: str
    address: str
    language: str
    purpose: str
    content: dict[str, Any]
    attempts: int
    ends_provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended: `sent` with the provider's id, or an error and whether another try can help.

    Of the row with this number and this reference: the number alone may be another row's by now.
    """

    notification_id: int
    attempts: int
    provider_id: str | None = None
    provider_status: str | None = None
    error: str | None = None
    permanent: bool = False
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """`more`: there is something new to send. `left` is not written: somebody holds these incidents or rows all the
    time. `unmoved`: incidents that could not be made due, for the same reason."""

    more: bool
    left: tuple[Outcome, ...] = ()
    unmoved: frozenset[int] = frozenset()


_QUEUE = """
insert into notification (reference, incident_id, person_id, channel, address, purpose, round, language, content,
    ends_id, send_after, created_at)
select reference, incident_id, person_id, channel, address, purpose,
       coalesce((select round from incident where id = incident_id), 1), language, content, ends_id, %(now)s, %(now)s
from jsonb_to_recordset(%(rows)s) as row (reference text, incident_id bigint, person_id bigint, channel text,
    address text, purpose text, language text, content jsonb, ends_id bigint)
"""


async def queue(conn: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Write rows that `deliver` sends as soon as it wakes; the caller holds the incident and notifies."""
    if rows:
        await conn.execute(_QUEUE, {"rows": orjson.dumps(list(rows)).decode(), "now": now})


_LEASE = """
with moment as (select coalesce(%(now)s::timestamptz, eldercare_now()) as now),
-- A provider takes calls one by one: of those that say "pressed again" one at a time stands there before anybody's
-- first call. One of which nothing more is heard stands there no longer than this.
repeat as materialized (
    select id from notification
    where purpose = 'pressed_again' and channel = 'voice' and status in ('queued', 'sending')
      and coalesce(leased_until, send_after) <= (select now from moment)
      and not exists (select from notification other
                      where other.purpose = 'pressed_again' and other.channel = 'voice'
                        and (other.status = 'sending' and other.leased_until > (select now from moment)
                             or other.status = 'sent' and (select now from moment)
                                between other.sent_at and other.sent_at + %(repeat_for)s))
    order by coalesce(leased_until, send_after), id limit 1
),
candidate as materialized (
    select n.id, n.incident_id, n.person_id, n.purpose, n.content
    from notification n left join incident i on i.id = n.incident_id
    where n.status in ('queued', 'sending') and n.id <> all(%(mine)s)
      and case when n.purpose = 'hang_up' then %(hang_ups)s else n.channel = any(%(channels)s) end
      and coalesce(n.leased_until, n.send_after) <= (select now from moment)
      and (n.purpose <> 'pressed_again' or n.channel <> 'voice' or n.id = (select id from repeat))
    order by n.purpose = 'pressed_again', i.severity is distinct from 'sos', n.channel <> 'voice',
        coalesce(n.leased_until, n.send_after)
    limit %(limit)s
    for update of n skip locked
),
judged as (
    select candidate.id,
           coalesce(case candidate.purpose
               when 'alarm' then i.state not in ('open', 'handed_to_120')
               when 'pressed_again' then i.state = 'resolved' or candidate.person_id is distinct from i.owner_id
               when 'sos_state' then not (%(words)s::jsonb -> i.state) ? (content ->> 'state') end, false) as pointless,
           case candidate.purpose when 'alarm' then 'not_open' when 'pressed_again' then 'not_the_owner'
                                  else 'superseded' end as why
    from candidate left join incident i on i.id = candidate.incident_id
)
update notification n set
    status = case when not pointless then 'sending' when n.said > 0 then 'sent' else 'cancelled' end,
    reason = case when pointless then why end,
    finished_at = case when pointless then now end,
    leased_until = case when pointless then null else now + %(lease)s end,
    attempts = n.attempts + (not pointless)::int
from judged, moment
where n.id = judged.id
returning n.id, n.reference, n.incident_id, n.channel, n.address, n.language, n.purpose, n.content, n.attempts,
    n.content ->> 'provider_id', n.status
"""


async def lease(
    conn: Connection,
    now: datetime | None,
    channels: Sequence[str],
    limit: int,
    lease: timedelta = LEASE,
    hang_ups: bool | None = None,
    mine: Sequence[int] = (),
) -> list[Leased]:
    """Rows of these channels that wait, or whose lease has run out: an SOS first, calls before texts, then the oldest;
    now this process's.

    `hang_ups`: whether ends of calls are among them, None: where calls are. Not those of `mine`, which this process has
    in hand or has sent: their outcome is only not written yet.

    Last come those that tell an owner of a further press, of their calls one at a time. Cancelled instead are alarms of
    an incident that is not open any more, further presses for whoever is not the owner, and words to the wearer that
    its state has overtaken. `now` None is the database's clock.
    """
    values = {
        "now": now,
        "channels": list(channels),
        "limit": limit,
        "lease": lease,
        "words": TRUE_WORDS,
        "repeat_for": REPEAT_WAITS,
        "hang_ups": "voice" in channels if hang_ups is None else hang_ups,
        "mine": list(mine),
    }
    rows = await (await conn.execute(_LEASE, values)).fetchall()
    return [Leased(*row[:-1]) for row in rows if row[-1] == Status.SENDING]


_RENEW = """
with moment as (select coalesce(%(now)s::timestamptz, eldercare_now()) as now),
mine as materialized (
    select n.id from notification n join jsonb_to_recordset(%(rows)s) as m (id bigint, reference text)
      on n.id = m.id and n.reference is not distinct from m.reference
    where n.status = 'sending' for no key update of n skip locked
)
update notification n set leased_until = moment.now + %(lease)s from mine, moment where n.id = mine.id
"""


async def renew(
    conn: Connection, rows: Sequence[Leased], now: datetime | None = None, lease: timedelta = LEASE
) -> None:
    """These are this process's for another `lease`: their outcomes are known, or will be, and only not written yet.

    It holds no incident, so that nobody who does is waited for.
    """
    named = orjson.dumps([{"id": row.id, "reference": row.reference} for row in rows]).decode()
    await conn.execute(_RENEW, {"rows": named, "now": now, "lease": lease})


def plain(outcome: Outcome) -> Outcome:
    """The same in characters that every database can keep, and few of them."""

    def kept(text: str | None) -> str | None:
        return None if text is None else text.replace("\0", "\ufffd").encode(errors="replace").decode()[:MOST_CHARS]

    return replace(
        outcome,
        provider_id=kept(outcome.provider_id),
        provider_status=kept(outcome.provider_status),
        error=kept(outcome.error),
    )


def not_needed(call: str) -> str:
    """SQL: whether nobody needs the call `call` (the provider's id) of the row `n` of the incident `i` any more.

    Somebody goes, and this is not the call on which they said so; or whoever it asks has answered on another one.
    """
    answered = f"n.status = 'done' and n.provider_id is distinct from {call}"
    return f"""(n.channel = 'voice' and case n.purpose
        when 'alarm' then {answered} or i.state not in ('open', 'handed_to_120')
            and (n.person_id is distinct from i.owner_id or i.accepted_via is distinct from 'voice'
                 -- The version before does not write down which call it was.
                 or {call} <> i.accepted_call)
        when 'second' then {answered} or i.state = 'resolved'
        when 'pressed_again' then i.state = 'resolved' or n.person_id is distinct from i.owner_id
        else false end)"""


_RECORD = f"""
with moment as (select coalesce(%(now)s::timestamptz, eldercare_now()) as now),
outcome as materialized (
    select o.*, n.incident_id, n.purpose, n.created_at + case n.purpose when 'sos_state' then %(tell_band_for)s
                                                               else %(retry_for)s end as give_up_at
    from jsonb_to_recordset(%(outcomes)s) as o (notification_id bigint, reference text, attempts int, provider_id text,
        provider_status text, error text, permanent boolean)
    join notification n on n.id = o.notification_id and n.reference is not distinct from o.reference
),
held as materialized (
    select i.id, i.state, i.owner_id, i.accepted_via, i.accepted_call from incident i
    where i.id in (select incident_id from outcome) order by i.id for share of i skip locked
),
had as materialized (
    select n.id from notification n
    where n.id in (select notification_id from outcome) order by n.id for no key update of n skip locked
),
judged as materialized (
    select outcome.*, now, make_interval(secs => least(10, power(2, attempts - 1))) as back_off
    from outcome cross join moment left join held on held.id = outcome.incident_id
    where notification_id in (select id from had) and (outcome.incident_id is null or held.id is not null)
),
tried as (
    insert into attempt (notification_id, started_at, ended_at, provider_id, error)
    select notification_id, now, now, provider_id, error from judged
),
recorded as (
    update notification n set
        status = case when error is null then case n.purpose when 'hang_up' then 'done' else 'sent' end
                      when permanent or now + back_off > give_up_at
                      then case when n.said > 0 then 'sent' else 'failed' end
                      else 'queued' end,
        reason = error,
        provider_id = coalesce(judged.provider_id, n.provider_id),
        provider_status = coalesce(judged.provider_status, n.provider_status),
        send_after = now + back_off,
        leased_until = null,
        sent_at = case when error is null then now else n.sent_at end,
        said = n.said + (error is null and n.purpose = 'sos_state')::int,
        -- After 2, 4, 8, … s, at most ten minutes, for as long as a word may still help.
        say_again_at = case when error is null and n.purpose = 'sos_state' and now < give_up_at
                            then now + make_interval(secs => least(600, power(2, least(n.said + 1, 12)))) end,
        finished_at = case when permanent or n.purpose = 'hang_up' and error is null
                           or error is not null and now + back_off > give_up_at then now end
    from judged
    -- A failure counts only while nobody else has taken the row up again, a success always.
    where n.id = judged.notification_id and n.status in ('queued', 'sending')
      and (error is null or n.attempts = judged.attempts)
    returning n.id, n.status
),
ended as (
    -- Whatever the row's status is by now: this call was just started, and nobody needs it any more.
    insert into notification (reference, incident_id, person_id, channel, address, purpose, round, language, content,
        ends_id, send_after, created_at)
    select {references.NEW}, n.incident_id, n.person_id, n.channel, n.address, 'hang_up', n.round, n.language,
           jsonb_build_object('provider_id', judged.provider_id), n.id, now, now
    from judged join notification n on n.id = judged.notification_id join held i on i.id = n.incident_id
    where judged.provider_id is not null and {not_needed("judged.provider_id")}
      and not exists (select from notification h where h.ends_id = n.id
                      and h.content ->> 'provider_id' = judged.provider_id)
    returning id
)
select incident_id, bool_or(error is not null) and bool_or(purpose = 'alarm'), (select count(*) from ended), null
from judged where incident_id is not null group by incident_id
union all
select null, false, 0, array_agg(notification_id)
from outcome where notification_id not in (select notification_id from judged)
"""  # noqa: S608  constants of ours


async def record(
    conn: Connection, outcomes: Sequence[Outcome], now: datetime | None = None, unmoved: Iterable[int] = ()
) -> Recorded:
    """Write down how tries ended, with the incidents held: one accepted meanwhile gets its call hung up.

    A row that is `sent` already or further never moves back. Passing trouble is tried again after 1, 2, 4, 8, 10 s, …
    within `RETRY_FOR` (a word to the wearer within `TELL_BAND_FOR`), then failed. Incidents whose step has nobody left
    who may answer are due at once. Whoever calls hands in again what is left, and what is `unmoved`.
    """
    waiting, more, fallen = list(outcomes), False, set(unmoved)
    for tried in range(HELD_TRIES):
        if not waiting:
            break
        if tried:
            await asyncio.sleep(HELD_S)
        values = {
            "outcomes": orjson.dumps(waiting).decode(),
            "now": now,
            "retry_for": RETRY_FOR,
            "tell_band_for": TELL_BAND_FOR,
        }
        rows = await (await conn.execute(_RECORD, values)).fetchall()
        fallen |= {row[0] for row in rows if row[1]}
        more = more or any(row[2] for row in rows)
        elsewhere = {each for row in rows for each in row[3] or ()}
        waiting = [outcome for outcome in waiting if outcome.notification_id in elsewhere]
    return Recorded(more, tuple(waiting), frozenset(await _fall_through_each(conn, fallen, now)))


async def _fall_through_each(conn: Connection, incident_ids: Iterable[int], now: datetime | None) -> set[int]:
    """One by one, never waiting for one incident with another in hand; returns those that somebody holds."""
    held = set[int]()
    for incident_id in sorted(incident_ids):
        try:
            await fall_through(conn, incident_id, now)
        except psycopg.errors.LockNotAvailable:
            held.add(incident_id)
    return held


_FALL_THROUGH = """
with moment as (select coalesce(%(now)s::timestamptz, eldercare_now()) as now),
held as materialized (
    select i.id, i.round, i.next_step from incident i, moment
    where i.id = %(incident)s and i.state = 'open' and i.due_at > now
    for no key update of i nowait
),
asked as (
    select held.id, n.channel, bool_or(
        case when n.status = 'queued' then n.attempts < %(patience)s
             when n.channel = 'voice' then n.status in ('sending', 'sent', 'ringing', 'answered')
             else n.status in ('sending', 'sent', 'delivered') end) as may_answer
    from held join notification n
      on n.incident_id = held.id and n.round = held.round and n.step = held.next_step - 1 and n.purpose = 'alarm'
    group by held.id, n.channel
),
exhausted as (
    -- Where a step calls, its calls count; a text is waited for only where a step sends nothing but texts.
    select id from asked group by id
    having not coalesce(bool_or(may_answer) filter (where channel = 'voice'), bool_or(may_answer))
),
moved as (
    update incident set due_at = now from exhausted, moment where incident.id = exhausted.id returning incident.id
)
select id, pg_notify('incident', id::text) from moved
"""


async def fall_through(conn: Connection, incident_id: int, now: datetime | None) -> bool:
    """Make it due at once where its newest step has nobody left who may answer; says whether it was.

    Raises psycopg.errors.LockNotAvailable where somebody else holds it.
    """
    moved = await conn.execute(_FALL_THROUGH, {"incident": incident_id, "now": now, "patience": PATIENCE})
    return bool(moved.rowcount)
