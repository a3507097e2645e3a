"""Mends times after the clock went back: they would wait for it to catch up, and nobody would be called.

The database remembers the newest time that it has shown. While time only goes forward that costs one row. The process
that looks first sees a step back. Then, and for a while after it (somebody may still write what they read before), it
brings back every time that lies further ahead than it may. A jump ahead needs nothing of the kind: what is due is done.
But nothing old is cleared away until the clock has been steady for a day.
"""

from datetime import datetime, timedelta

import psycopg

from alerts.escalation.bounds import LEASE_AHEAD, bounded
from alerts.escalation.situation import PlanningContext
from alerts.incidents import store, unreadable
from alerts.incidents.feed import event
from alerts.notifications.outbox import LEASE
from eldercare.platform.database import Connection
from eldercare.platform.log import logger

MEND_FOR = timedelta(minutes=1)
"""How long after a step back to look for what was written with the old time."""
JUMP = timedelta(hours=1)
"""The pause between two looks that counts as a jump ahead: perhaps nobody looked, which cannot be told from one."""
STEADY = timedelta(days=1)
"""How long the clock has to go on without either before anything is deleted for its age."""
HELD_MS = 500

_log = logger(__name__)

_SEEN = """
with before as materialized (
    select (value ->> 'seen')::timestamptz as seen, (value ->> 'back')::timestamptz as back,
           (value ->> 'steady')::timestamptz as steady
    from meta where key = 'clock'
),
written as (
    insert into meta (key, value) select 'clock', jsonb_build_object(
        'seen', %(now)s::timestamptz,
        'back', (select case when seen > %(now)s then %(now)s else back end from before),
        'steady', coalesce(
            (select steady from before where %(now)s between seen and seen + %(jump)s and steady <= %(now)s), %(now)s))
    on conflict (key) do update set value = excluded.value
    returning (value ->> 'back')::timestamptz as back
)
select written.back, before.seen - %(now)s from written left join before on true
"""

_OPEN = f"""
select {store.COLUMNS}, {store.POLICY} from incident i
where i.state <> 'resolved' and (%(id)s::bigint is null or i.id = %(id)s) order by i.severity <> 'sos', i.id
"""  # noqa: S608  constants of ours

_DUE_AT_ONCE = """
update incident i set due_at = %(now)s
from (select id from incident where id = any(%(ids)s) and state <> 'resolved' and due_at > %(now)s + %(again)s
      for no key update skip locked) ahead
where i.id = ahead.id
"""
"""An incident that cannot be read is made due: all that is known of it is that it must not wait for the clock."""

_MESSAGES = """
update notification n set
    leased_until = case when n.leased_until is not null then least(n.leased_until, %(now)s + %(lease)s) end,
    send_after = least(n.send_after, %(now)s), created_at = least(n.created_at, %(now)s)
from (select id from notification where status in ('queued', 'sending')
          and coalesce(leased_until, send_after) > %(now)s + %(ahead)s for update skip locked) ahead
where n.id = ahead.id
"""

_SIGNS_OF_LIFE = """
update device_state s set last_seen_at = %(now)s
from (select device_id from device_state where last_seen_at > %(now)s
      order by device_id for no key update skip locked) ahead
where s.device_id = ahead.device_id
"""


async def run_once(conn: Connection, planning: PlanningContext, now: datetime) -> int:
    """Remember that it is `now` (aware), and bring back what lies too far ahead of it; returns how many incidents.
    Commits.

    Incidents that somebody holds are left to the next look.
    """
    back, by = await _seen(conn, now)
    if by is not None and by > timedelta(0):
        _log.error("clock_went_back", seconds=by.total_seconds())
        await conn.execute(_SIGNS_OF_LIFE, {"now": now})
    if (await conn.execute(_MESSAGES, {"now": now, "lease": LEASE, "ahead": LEASE_AHEAD})).rowcount:
        _log.warning("messages_brought_back")
    await conn.commit()
    if back is None or not back <= now < back + MEND_FOR:
        return 0
    mended = 0
    for incident_id in await _too_far_ahead(conn, planning, now):
        # One by one: nobody waits for an incident while holding another.
        mended += await _mend(conn, incident_id, planning, now)
        await conn.commit()
    return mended


async def steady(conn: Connection, now: datetime) -> bool:
    """Whether for a day the clock was looked at and has gone on, neither back nor far ahead."""
    row = await (
        await conn.execute("select (value ->> 'steady')::timestamptz from meta where key = 'clock'")
    ).fetchone()
    return row is not None and row[0] is not None and row[0] + STEADY <= now


async def _seen(conn: Connection, now: datetime) -> tuple[datetime | None, timedelta | None]:
    row = await (await conn.execute(_SEEN, {"now": now, "jump": JUMP})).fetchone()
    assert row is not None  # noqa: S101  an upsert returns its row
    return row[0], row[1]


async def _too_far_ahead(conn: Connection, planning: PlanningContext, now: datetime) -> list[int]:
    """The incidents with a time that lies too far ahead, an SOS first. One that cannot be read is made due instead."""
    far, unread = await _far(conn, None, planning, now)
    if unread:
        rows = await (await conn.execute("select id from incident where state <> 'resolved' order by id")).fetchall()
        each = [(id, await _far(conn, id, planning, now)) for (id,) in rows]
        far = [id for id, (found, _) in each if found]
        failed = [id for id, (_, failed) in each if failed]
        await conn.execute(_DUE_AT_ONCE, {"ids": failed, "now": now, "again": unreadable.AGAIN})
        await conn.commit()
    return far


async def _far(
    conn: Connection, incident_id: int | None, planning: PlanningContext, now: datetime
) -> tuple[list[int], bool]:
    """Look at this one incident, or at all (None): which lie too far ahead, and whether any of them cannot be read."""
    try:
        rows = await (await conn.execute(_OPEN, {"id": incident_id})).fetchall()
        cases = [(store.from_row(row[:-1]), store.policy_of(row[-1])) for row in rows]
        return [case.id for case, policy in cases if bounded(case, policy, planning, now) != case], False
    except store.UNREADABLE as error:
        unreadable.say("clock" if incident_id is None else incident_id, error)
        return [], True
    finally:
        await conn.rollback()


async def _mend(conn: Connection, incident_id: int, planning: PlanningContext, now: datetime) -> int:
    try:
        async with conn.transaction():
            await conn.execute(f"set local lock_timeout = {HELD_MS}")
            case, policy = await store.lock(conn, incident_id)
            within = bounded(case, policy, planning, now)
            if within == case:
                return 0
            await store.save(conn, within)
            await event(conn, incident_id, "clock_went_back", None, "watch", now)
            return 1
    except psycopg.errors.LockNotAvailable:
        return 0
