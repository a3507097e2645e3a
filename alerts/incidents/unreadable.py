"""Incidents that this version cannot read: a kind or a state of a newer one, a time that no clock shows.

They keep nobody waiting, and are not silent either. Nobody here can know what they need, so the desk is told to look
and to act by hand, at once and again and again, until somebody there ends it. A process that can read them meanwhile
takes them as usual.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from time import monotonic

import psycopg

from alerts.incidents import effects, store
from alerts.incidents.effects import Talking
from alerts.incidents.feed import event, tell
from alerts.notifications import outbox
from alerts.notifications.outbox import Row
from alerts.texts import messages
from eldercare.platform.clock import NOW
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import SosState

LATE = timedelta(seconds=10)
"""How long an incident with words of a newer version is left to that version, which may run beside this one."""
AGAIN = timedelta(seconds=30)
"""How soon it is looked at again."""
TELL_EVERY = timedelta(minutes=5)
"""How often the desk is told: as with any alarm that nobody takes."""
TELL_AT_LEAST_EVERY = timedelta(hours=1)
"""The longest pause: from the third time on the pauses grow, until a further press."""
MOST = 50

_log = logger(__name__)


class Seldom:
    """Says when the same thing may be logged again: after half a minute, then after twice as long each time, at most an
    hour. By this process's own clock."""

    def __init__(self, first_s: float = 30.0, longest_s: float = 3600.0, most: int = 1000) -> None:
        self._first_s, self._longest_s, self._most = first_s, longest_s, most
        self._next: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def may(self, key: object, now: float | None = None) -> bool:
        """Whether it is time to speak of `key`; `now` in monotonic seconds."""
        at = monotonic() if now is None else now
        after, pause = self._next.get(key, (at, self._first_s))
        if at < after:
            return False
        self._next[key] = (at + pause, min(self._longest_s, 2 * pause))
        self._next.move_to_end(key)
        while len(self._next) > self._most:
            self._next.popitem(last=False)
        return True


_seldom = Seldom()


def say(about: str | int, error: Exception | str) -> None:
    """Log that an incident (or a look at several) cannot be read, but not at each look."""
    if _seldom.may(about):
        _log.error("incident_unreadable", incident=about, error=error)


def pause(times: int) -> timedelta:
    """How long the desk is left alone after it was told `times` times since the last press."""
    return min(TELL_AT_LEAST_EVERY, TELL_EVERY * (1 << min(10, max(0, times - 2))))


_OF_A_NEWER_VERSION = f"""
select i.id from incident i
where i.state <> 'resolved' and i.due_at <= %(now)s - %(late)s::interval and not ({store.KNOWN})
order by i.due_at limit %(most)s
"""  # noqa: S608  constants of ours

_PUT_OFF = f"""
with moment as materialized (select coalesce(%(now)s::timestamptz, {NOW}) as now),
held as materialized (
    select i.id from incident i, moment
    where i.id = %(id)s and i.state <> 'resolved' and i.due_at <= now for no key update of i skip locked
),
moved as (update incident i set due_at = now + %(again)s from held, moment where i.id = held.id),
happened as (
    select id as incident_id, now as at, 'step_failed' as kind, null::bigint as actor_id, 'ladder' as via,
           jsonb_build_object('retry_s', %(again_s)s::int, 'unreadable', true) as detail
    from held, moment
),
said as ({tell("happened")})
select now, told.last, told.times
from held, moment, lateral (
    select max(n.created_at) as last, count(distinct n.created_at) filter (where n.created_at > coalesce(
        (select max(e.at) from incident_event e
         where e.incident_id = held.id and e.kind in ('pressed_again', 'raised')), '-infinity')) as times
    from notification n where n.incident_id = held.id and n.content ? 'unreadable' and n.created_at <= now
) told
"""  # noqa: S608  constants of ours

_DESK = """
select distinct on (m.channel, m.address) p.id, p.language, m.channel, m.address
from person p join contact_method m on m.person_id = p.id and m.active and m.channel in ('voice', 'sms')
where p.left_at is null
  and exists (select from person_role r where r.person_id = p.id and r.role in ('duty', 'duty_lead', 'admin'))
order by m.channel, m.address, p.id
"""
"""Who sits at the desk, and who looks after the machines."""

_ABOUT = """
select coalesce(r.name, i.device_id, i.subject), r.address
from incident i left join resident r on r.id = i.resident_id where i.id = %s
"""


async def run_once(conn: Connection, now: datetime) -> int:
    """Look after those with words of a newer version that no such version has taken; returns how many. Commits."""
    values = {"now": now, "late": LATE, "most": MOST}
    rows = await (await conn.execute(_OF_A_NEWER_VERSION, values)).fetchall()
    await conn.commit()
    for (incident_id,) in rows:
        await look_after(conn, incident_id, now, "its words are of a newer version")
    return len(rows)


async def look_after(conn: Connection, incident_id: int, now: datetime | None, why: Exception | str) -> None:
    """Put one off that is due and cannot be read, and tell the desk. Commits; never raises for what is in its row.

    `now` None is the database's clock.
    """
    say(incident_id, why)
    try:
        async with conn.transaction():
            await _put_off(conn, incident_id, now)
        await conn.commit()
    except (*store.UNREADABLE, psycopg.IntegrityError) as error:
        # It stays due. That stops the dead man's switch, and somebody outside hears of it.
        say(f"{incident_id}, not put off", error)


_END = """
update incident set state = 'resolved', disposition = %(disposition)s, note = coalesce(%(note)s, note),
    resolved_at = %(now)s, due_at = null, arrival_due_at = null, presses_told = press_count,
    handler_id = null, handled_at = null, handled_via = null, handling_until = null
where id = %(id)s and state <> 'resolved'
"""


async def end(
    conn: Connection, incident_id: int, person_id: int, via: str, disposition: str, note: str | None, now: datetime
) -> None:
    """End an incident that cannot be read, and that somebody saw to by hand: nobody is told of it any more, calls stop,
    the band hears `closed`. The caller holds it. Raises Conflict for a resolved one."""
    values = {"id": incident_id, "disposition": disposition, "note": note, "now": now}
    if not (await conn.execute(_END, values)).rowcount:
        raise Conflict(f"incident {incident_id} is resolved")
    await effects.stop_calling(conn, incident_id, Talking(), "resolved", now)
    await effects.tell_band(conn, incident_id, SosState.CLOSED, now)
    await event(conn, incident_id, "resolved", person_id, via, now, disposition=disposition, note=note, unread=True)


async def _put_off(conn: Connection, incident_id: int, now: datetime | None) -> None:
    values = {"id": incident_id, "now": now, "again": AGAIN, "again_s": AGAIN.seconds}
    held = await (await conn.execute(_PUT_OFF, values)).fetchone()
    if held is None:
        return
    moment, last, times = held
    if last is not None and moment - last <= pause(times):
        return
    about = await (await conn.execute(_ABOUT, (incident_id,))).fetchone()
    name, address = about or (None, None)
    rows = [
        Row(
            incident_id, person_id, channel, to, "second", language,
            messages.by_hand(str(incident_id), name, address, language, channel) | {"unreadable": True},
        )
        for person_id, language, channel, to in await (await conn.execute(_DESK)).fetchall()
    ]  # fmt: skip
    # They count as asked beside others, so that ending the incident stops their telephones and tells them so.
    await outbox.queue(conn, rows, moment)
