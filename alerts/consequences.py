"""What others have to hear of a change: calls hung up, people stood down, the band told. The incident is held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alerts import messages, outbox, references
from alerts.case import Case
from alerts.incident_facts import facts
from alerts.kinds import IncidentState
from alerts.outbox import Row
from alerts.states import Status
from eldercare.database import Connection
from eldercare.wire import SosState

_EXPECTED = (Status.QUEUED, Status.SENT, Status.RINGING, Status.ANSWERED, Status.DELIVERED)


@dataclass(frozen=True, slots=True)
class Talking:
    """Who hears our answer on a call that must go on: the provider's id of it. Where that is not known, none of the
    calls to `person_id` is ended; by any other way than a call (both None) one's own telephone stops ringing too."""

    call: str | None = None
    person_id: int | None = None


# A row may have several calls: one of which the provider's answer was lost is placed once more. `attempt` has them all.
_HANG_UP = f"""
insert into notification (reference, incident_id, person_id, channel, address, purpose, round, language, content,
    ends_id, send_after, created_at)
select {references.NEW}, incident_id, person_id, channel, address, 'hang_up', round, language,
       jsonb_build_object('provider_id', call.provider_id), id, %(now)s, %(now)s
from notification n
cross join lateral (
    select n.provider_id where n.status in ('sending', 'sent', 'ringing', 'answered')
    union
    select a.provider_id from attempt a where a.notification_id = n.id and a.provider_id <> n.provider_id
) call
where incident_id = %(id)s and purpose in ('alarm', 'second', 'pressed_again') and channel = 'voice'
  and call.provider_id is not null
  and (person_id is distinct from %(talking)s or call.provider_id <> %(call)s)
  and person_id = coalesce(%(only)s, person_id)
  and not exists (select from notification h where h.ends_id = n.id
                  and h.content ->> 'provider_id' = call.provider_id)
"""  # noqa: S608  constants of ours
_STOP = f"""
with unsent as (
    update notification set status = 'cancelled', reason = %(reason)s, finished_at = %(now)s, leased_until = null
    where incident_id = %(id)s and status = 'queued' and purpose in ('alarm', 'second', 'pressed_again')
)
{_HANG_UP}
"""  # noqa: S608  constants of ours


async def stop_calling(conn: Connection, incident_id: int, talking: Talking, reason: str, now: datetime) -> None:
    """Cancel what was not sent, and queue the end of every call that lives, but for the one on which we are talking.

    A row that is just being sent is not touched: whoever sends it looks again afterwards, and hangs up.
    """
    await conn.execute(_STOP, {**_parties(talking), "id": incident_id, "only": None, "reason": reason, "now": now})


_CALLED = """
select distinct on (p.id) p.id, p.name, p.language, m.address
from person p join contact_method m on m.person_id = p.id and m.channel = 'sms' and m.active
where case when %(only)s::bigint is null
    then exists (select from notification n where n.incident_id = %(id)s and n.person_id = p.id and n.round = %(round)s
                 and n.purpose in ('alarm', 'second') and (n.sent_at is not null or n.status = 'sending'))
    else p.id = %(only)s end
  and p.id <> all(%(spare)s::bigint[])
  and not (%(once)s and exists (select from notification n where n.incident_id = %(id)s and n.person_id = p.id
                                and n.round = %(round)s and n.purpose = 'stand_down' and n.status <> 'cancelled'))
order by p.id, m.position, m.id
"""


async def stand_down(
    conn: Connection,
    case: Case,
    now: datetime,
    *,
    spare: Sequence[int] = (),
    only: int | None = None,
    once: bool = False,
) -> tuple[str, ...]:
    """Text those who were called in this round that somebody goes, or that it is over; returns their names.

    `spare`: persons who know. `only`: this person alone, who just answered. `once`: not those who were told before;
    somebody who just answered is told once too.
    """
    values = {"id": case.id, "round": case.round, "spare": list(spare), "only": only, "once": once or only is not None}
    called = await (await conn.execute(_CALLED, values)).fetchall()
    if called:
        known = await facts(conn, case.id, now, UTC)  # the zone is not told: a stand-down names no time
        rows = [
            Row(case.id, person_id, "sms", address, "stand_down", language, messages.stand_down(known, language, "sms"))
            for person_id, _, language, address in called
        ]
        await outbox.queue(conn, rows, now)
    return tuple(name for _, name, _, _ in called)


_TEXTED_AT = """
select p.language, m.address from person p join contact_method m on m.person_id = p.id
where p.id = %s and m.channel = 'sms' and m.active order by m.position, m.id limit 1
"""


async def take_off(conn: Connection, case: Case, person_id: int, now: datetime) -> None:
    """The desk took this person off: what was to be sent to them is not, their telephone stops, a text says so."""
    values = {**_parties(Talking()), "id": case.id, "only": person_id, "now": now}
    await conn.execute(_HANG_UP, values)
    await conn.execute(
        "update notification set status = 'cancelled', reason = 'taken_back', finished_at = %(now)s"
        " where incident_id = %(id)s and person_id = %(only)s and status = 'queued'"
        " and purpose in ('alarm', 'second', 'pressed_again')",
        values,
    )
    known = await facts(conn, case.id, now, UTC)
    await _text(conn, case, person_id, "stand_down", lambda language: messages.taken_off(known, language), now)


async def tell_owner(conn: Connection, case: Case, name: str, now: datetime) -> None:
    """Text the owner that the desk asks `name` to go as well."""
    known = await facts(conn, case.id, now, UTC)
    if case.owner_id is not None:
        await _text(conn, case, case.owner_id, "second", lambda language: messages.second(known, language, name), now)


async def _text(
    conn: Connection, case: Case, person_id: int, purpose: str, write: Callable[[str], dict[str, Any]], now: datetime
) -> None:
    found = await (await conn.execute(_TEXTED_AT, (person_id,))).fetchone()
    if found is not None:
        language, address = found
        row = Row(case.id, person_id, "sms", address, purpose, language, write(language))
        await outbox.queue(conn, [row], now)


_BAND = f"""
with true_now as (
    select from incident where id = %(id)s and (%(only_while)s::text is null or state = %(only_while)s)
),
stale as (
    update notification set say_again_at = null, reason = 'superseded', finished_at = %(now)s,
        status = case when said > 0 then 'sent' else 'cancelled' end
    where incident_id = %(id)s and purpose = 'sos_state' and exists (select from true_now)
      and (status = 'queued' or say_again_at is not null)
)
insert into notification (reference, incident_id, channel, address, purpose, content, send_after, created_at)
select {references.NEW}, %(id)s, 'band', device_id, 'sos_state',
       jsonb_build_object('event_id', event_id, 'state', %(state)s::text, 'id', 'word-' || gen_random_uuid())
           || jsonb_strip_nulls(jsonb_build_object('echo', echo)),
       %(now)s, %(now)s
from (select device_id, event_id, echo from (
          select * from sos_press where incident_id = %(id)s order by received_at desc limit 100) newest
      group by device_id, event_id, echo order by max(received_at) desc limit 10) press
where exists (select from true_now)
"""  # noqa: S608  constants of ours


async def tell_band(
    conn: Connection, incident_id: int, state: SosState, now: datetime, *, only_while: IncidentState | None = None
) -> None:
    """Tell the wearer, for each press the band named, until the band has heard it (`alerts.words`); an older word that
    still waits, or would be said again, is dropped.

    `only_while`: nothing where the incident is in another state by now, for callers that do not hold it.
    """
    await conn.execute(_BAND, {"id": incident_id, "state": state, "now": now, "only_while": only_while})


async def mark_passed(conn: Connection, incident_id: int, person_id: int, now: datetime, talking: Talking) -> None:
    """Nothing more is expected of what this person was sent, and what waits is not sent.

    Their telephones stop ringing, but for the one on which they are talking to us. A call that is just being placed is
    hung up by whoever writes down that it was.
    """
    values = {**_parties(talking), "id": incident_id, "person_id": person_id, "only": person_id, "now": now}
    await conn.execute(_HANG_UP, values)
    await conn.execute(
        "update notification set status = 'done', reason = 'passed', finished_at = coalesce(finished_at, %(now)s),"
        " leased_until = null"
        " where incident_id = %(id)s and person_id = %(person_id)s and purpose = 'alarm'"
        " and (status = any(%(statuses)s) or status = 'done' and reason = 'accepted')"
        # What they pressed on the call makes its row `done`.
        " and (%(call)s::text is null or provider_id is distinct from %(call)s)",
        # Where the call on which they talk is not known, it may be one that has not been written down yet.
        {**values, "statuses": [*_EXPECTED, *([] if talking.person_id and not talking.call else [Status.SENDING])]},
    )


def _parties(talking: Talking) -> dict[str, object]:
    return {"call": talking.call, "talking": talking.person_id}
