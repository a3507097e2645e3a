"""The outbox: one row of `notification` for each message to one contact method or band.

The sender leases a row. A row whose lease expired is sent again, because two calls are better than none. Statuses only
rise (`alerts.model.notification.RANK`). Whoever changes rows of an incident locks the incident first.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg

from alerts.channels.base import Outgoing
from alerts.model import references
from alerts.model.incident import ACCEPTABLE, BAND_STATES, IncidentState
from alerts.model.notification import Status
from alerts.model.references import Reference
from alerts.notifications import hang_ups, rows
from eldercare.platform import statements
from eldercare.platform.database import LOOKUPS, Connection
from eldercare.protocol.mqtt_v1 import SosState

LEASE = timedelta(seconds=15)
"""How long a sender may take. Longer than `sender.SEND_TIMEOUT_S`, so that nobody sends what another is still
sending."""
RETRY_FOR = timedelta(minutes=5)
"""How long a message is tried again after passing trouble of a provider; by then the policy writes new rows anyway."""
RETRY_FOR_SQL = f"interval '{RETRY_FOR.total_seconds():.0f} seconds'"
LONGEST_BACK_OFF = timedelta(seconds=10)
"""The longest pause between two tries, after 1, 2, 4 and 8 s."""
LONGEST_SILENCE = timedelta(minutes=10)
"""The longest pause between a word to the wearer and the same again, after 2, 4, 8, … s."""
TAKEN_WITHIN = timedelta(days=1)
"""A message that no process has taken for so long never will be: no channel for it is set up."""
TELL_BAND_FOR = timedelta(hours=24)
"""How long a word to the wearer is tried while it is true: as long as the press is known. No policy says it again."""
PATIENCE = 3
"""After so many failed tries the policy no longer waits for a row, though it goes on being tried."""
REPEAT_WAITS = timedelta(seconds=10)
"""How long a call that tells of a further press may wait at the provider before the next of them may join it."""
MOST_CHARS = 200
"""How many characters of what a provider says are kept in a row."""
HELD_S = 0.01
"""Seconds before an incident that somebody else holds is looked at again."""
HELD_TRIES = 5
"""How often it is looked at. Then its outcomes go back to the caller, who has those of other incidents to write."""
SESSION = {**LOOKUPS, "synchronous_commit": "off"}
"""Settings of the connections of `alerts`: a crash may repeat a call."""


_TRUE_WORDS = {str(state): [word] for state, word in BAND_STATES.items()}
_TRUE_WORDS[IncidentState.HANDED_TO_120].append(SosState.ARRIVING)  # who was on the way still is
TRUE_WORDS = orjson.dumps(_TRUE_WORDS).decode()
"""What may be said to the wearer in each state of the incident, as JSON."""


@dataclass(frozen=True, slots=True)
class Row:
    """A message to write, to be sent as soon as it is committed. `round` and `step` are those of the policy that it
    belongs to; `leased`: the process that writes it sends it at once."""

    incident_id: int
    person_id: int | None
    channel: str
    address: str
    purpose: str
    language: str
    content: dict[str, Any]
    round: int | None = None
    step: int | None = None
    leased: bool = False
    reference: Reference = field(default_factory=references.new)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended: `sent` with the provider's id, or an error and whether another try can help.

    `provider` is who was asked. It is of the row with this number and this reference: the number alone may be another
    row's by now.
    """

    notification_id: int
    attempts: int
    provider_id: str | None = None
    provider_status: str | None = None
    error: str | None = None
    permanent: bool = False
    reference: Reference | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """`more`: there is something new to send. `left` are outcomes that are not written, because somebody holds their
    incidents or rows all the time. `unmoved` are incidents that could not be made due, for the same reason."""

    more: bool
    left: tuple[Outcome, ...] = ()
    unmoved: frozenset[int] = frozenset()


_QUEUE = rows.write("""(
    select queued.*, coalesce((select round from incident where id = incident_id), 1) as round
    from jsonb_to_recordset(%(rows)s) as queued (reference text, incident_id bigint, person_id bigint, channel text,
        address text, purpose text, language text, content jsonb)
)""")


async def queue(conn: Connection, messages: Sequence[Row], now: datetime) -> None:
    """Write rows that the sender sends as soon as it wakes; the caller holds the incident and notifies."""
    if messages:
        await conn.execute(_QUEUE, {"rows": orjson.dumps(list(messages)).decode(), "now": now})


_LEASE = statements.load("alerts.notifications", "lease")


async def lease(
    conn: Connection,
    now: datetime | None,
    channels: Sequence[str],
    limit: int,
    lease: timedelta = LEASE,
    hang_ups: bool | None = None,
    mine: Sequence[int] = (),
) -> list[Outgoing]:
    """Lease rows of these channels that wait, or whose lease has run out: an SOS first, calls before texts, then the
    oldest.

    `hang_ups` says whether ends of calls are among them, None: where calls are. Those of `mine` are left out: this
    process has them in hand or has sent them, and only their outcome is not written yet.

    Messages that tell an owner of a further press come last, their calls one at a time. Some rows are cancelled
    instead: alarms of an incident that is not open any more, what asks somebody beside others once it is resolved,
    further presses for whoever is not the owner, and words to the wearer that its state has overtaken. `now` None is
    the database's clock.
    """
    values = {
        "now": now,
        "channels": list(channels),
        "limit": limit,
        "lease": lease,
        "words": TRUE_WORDS,
        "acceptable": list(ACCEPTABLE),
        "repeat_for": REPEAT_WAITS,
        "hang_ups": "voice" in channels if hang_ups is None else hang_ups,
        "mine": list(mine),
    }
    rows = await (await conn.execute(_LEASE, values)).fetchall()
    return [Outgoing(*row[:-1]) for row in rows if row[-1] == Status.SENDING]


_GIVE_UP = """
update notification n set status = 'failed', reason = 'no_channel', finished_at = %(now)s
from (select id from notification
      where status = 'queued' and channel <> 'band' and attempts = 0
        and coalesce(leased_until, send_after) < %(now)s - %(within)s::interval
      for update skip locked) old
where n.id = old.id
"""


async def give_up(conn: Connection, now: datetime) -> int:
    """End what waits for a channel that nobody has set up; returns how many messages. The caller commits.

    While they wait, every look for the next message reads past all of them.
    """
    return (await conn.execute(_GIVE_UP, {"now": now, "within": TAKEN_WITHIN})).rowcount


_SETTLE = """
with moment as (select coalesce(%(now)s::timestamptz, eldercare_now()) as now)
update notification n set status = case when %(failed)s then 'failed' else 'sent' end, reason = 'outcome_refused',
    leased_until = null, sent_at = case when %(failed)s then sent_at else now end,
    finished_at = case when %(failed)s then now end
from moment
where n.id = %(id)s and n.reference is not distinct from %(reference)s and n.status = 'sending'
"""


async def settle(conn: Connection, outcome: Outcome, now: datetime | None = None) -> None:
    """Write down only that the message was sent, or was not: for an outcome that can be written in no form."""
    values = {"id": outcome.notification_id, "reference": outcome.reference, "failed": outcome.error is not None}
    await conn.execute(_SETTLE, {**values, "now": now})


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
    conn: Connection, rows: Sequence[Outgoing], now: datetime | None = None, lease: timedelta = LEASE
) -> None:
    """Lease these rows to this process for another `lease`: their outcomes are known, or will be, and only not written
    yet.

    It holds no incident, so that it waits for nobody who does.
    """
    named = orjson.dumps([{"id": row.id, "reference": row.reference} for row in rows]).decode()
    await conn.execute(_RENEW, {"rows": named, "now": now, "lease": lease})


def plain(outcome: Outcome) -> Outcome:
    """The outcome in characters that every database can keep, and few of them."""

    def kept(text: str | None) -> str | None:
        return None if text is None else text.replace("\0", "\ufffd").encode(errors="replace").decode()[:MOST_CHARS]

    return replace(
        outcome,
        provider_id=kept(outcome.provider_id),
        provider_status=kept(outcome.provider_status),
        error=kept(outcome.error),
    )


_RECORD = statements.load(
    "alerts.notifications",
    "record",
    not_needed=hang_ups.not_needed("evaluated.provider_id"),
    queue_ends=hang_ups.queue("unneeded", "call.now"),
)


async def record(
    conn: Connection, outcomes: Sequence[Outcome], now: datetime | None = None, unmoved: Iterable[int] = ()
) -> Recorded:
    """Write down how tries ended, with their incidents held. A call whose incident was accepted meanwhile is hung up.

    A row that is `sent` already or further never moves back. Passing trouble is tried again after 1, 2, 4, 8, 10 s, …
    within `RETRY_FOR` (a word to the wearer within `TELL_BAND_FOR`), then failed. Incidents whose step has nobody left
    who may answer are due at once. The caller hands in again what is `left`, and what is `unmoved`.
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
            "longest_back_off_s": LONGEST_BACK_OFF.total_seconds(),
            "longest_silence_s": LONGEST_SILENCE.total_seconds(),
        }
        rows = await (await conn.execute(_RECORD, values)).fetchall()
        fallen |= {row[0] for row in rows if row[1]}
        more = more or any(row[2] for row in rows)
        elsewhere = {each for row in rows for each in row[3] or ()}
        waiting = [outcome for outcome in waiting if outcome.notification_id in elsewhere]
    return Recorded(more, tuple(waiting), frozenset(await _fall_through_each(conn, fallen, now)))


async def _fall_through_each(conn: Connection, incident_ids: Iterable[int], now: datetime | None) -> set[int]:
    """Make incidents due one by one, never waiting for one while holding another; returns those that somebody holds."""
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
      on n.incident_id = held.id and n.round = held.round and n.step = held.next_step - 1
      and n.purpose in ('alarm', 'ask')
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
    """Make an incident due at once where its newest step has nobody left who may answer; returns whether it was.

    Raises psycopg.errors.LockNotAvailable where somebody else holds it.
    """
    moved = await conn.execute(_FALL_THROUGH, {"incident": incident_id, "now": now, "patience": PATIENCE})
    return bool(moved.rowcount)
