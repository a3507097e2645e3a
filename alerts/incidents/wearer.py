"""Repeats what the wearer is told until the band has shown that it hears.

A broker may acknowledge, die within the second and forget; a band without a session is told nothing while it is away.
So the newest word about an incident is said again after 2, 4, 8, … s, at most ten minutes, for a day at the most. It is
heard when the band says so (a `command_result` with the word's `id`), or else when the band speaks twice after it. The
first message shows that it is there, and it is told once more at once. The second, a moment later and with no break of
the connection to the broker between, shows that it was there for that. A newer word takes the place of an older one.
"""

from datetime import datetime, timedelta

import psycopg

from alerts.incidents import effects
from alerts.model.incident import BAND_STATES, IncidentState
from alerts.notifications import outbox
from eldercare.platform.database import Connection

SURE_AFTER = timedelta(seconds=2)
"""The broker writes down what it has taken every second; a message that comes later than this shows that it lived."""

_HEARD = """
select n.id, s.last_seen_at > n.sent_at as spoken, n.answered and s.last_seen_at > n.sent_at + %(sure_after)s as sure,
       n.sent_at < %(since)s as broken, n.say_again_at <= %(now)s as due
from notification n left join device_state s on s.device_id = n.address
where n.say_again_at is not null and n.status = 'sent'
"""
_SAY_AGAIN = f"""
with word as materialized ({_HEARD}),
held as materialized (
    select n.id, spoken, sure and not broken as heard, broken
    from notification n join word on word.id = n.id
    where n.say_again_at is not null and n.status = 'sent'
      and (coalesce(sure, false) or coalesce(spoken and not answered, false) or broken or due)
    for update of n skip locked
)
update notification n set
    status = case when heard then 'delivered' else 'queued' end,
    finished_at = case when heard then %(now)s end,
    send_after = case when heard then n.send_after else %(now)s end,
    say_again_at = null,
    answered = not broken and (n.answered or coalesce(spoken, false))
from held where n.id = held.id
returning n.status = 'queued'
"""  # noqa: S608  constants of ours


async def say_again(conn: Connection, now: datetime, unbroken: timedelta) -> int:
    """Queue what is to be said again at `now`, note what was heard; returns how many are queued. The caller commits.

    `unbroken`: how long our connection to the broker has lasted, in the time of `now`. What was said before it may be
    forgotten.
    """
    values = {"now": now, "since": now - unbroken, "sure_after": SURE_AFTER}
    rows = await (await conn.execute(_SAY_AGAIN, values)).fetchall()
    return sum(queued for (queued,) in rows)


_UNTRUE = """
select i.id, i.state from incident i
cross join lateral (
    select content ->> 'state' as word, created_at from notification n
    where n.incident_id = i.id and n.purpose = 'sos_state' order by n.id desc limit 1
) newest
where i.state <> 'resolved' and i.severity = 'sos' and not (%(words)s::jsonb -> i.state) ? word
  and created_at < %(now)s - interval '5 seconds'
order by i.id
"""


async def set_right(conn: Connection, now: datetime) -> int:
    """Say what is true where the newest word is not: a process changed the incident and died before it told the band.

    Returns how many incidents; one whose messages somebody holds is left to the next look. Commits, one by one.
    """
    rows = await (await conn.execute(_UNTRUE, {"words": outbox.TRUE_WORDS, "now": now})).fetchall()
    await conn.commit()
    told = 0
    for incident_id, state in rows:
        state = IncidentState(state)
        try:
            await effects.tell_band(conn, incident_id, BAND_STATES[state], now, only_while=state)
            told += 1
        except psycopg.errors.LockNotAvailable:
            await conn.rollback()
        await conn.commit()
    return told


async def heard(conn: Connection, device_id: str, word_id: str, now: datetime) -> bool:
    """Note that the band confirms a word by its `id`. Returns False where none of that name was ever for this band."""
    confirmed = await conn.execute(
        "update notification set status = case when status in ('failed', 'cancelled') then status else 'delivered' end,"
        " finished_at = coalesce(finished_at, %(now)s), say_again_at = null, leased_until = null"
        " where content ->> 'id' = %(id)s and purpose = 'sos_state' and channel = 'band' and address = %(device_id)s",
        {"id": word_id, "device_id": device_id, "now": now},
    )
    return bool(confirmed.rowcount)
