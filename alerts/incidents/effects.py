"""What others hear of a change: calls are hung up, people stood down, the band told. The caller holds the incident."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from alerts.incidents.case import Case
from alerts.model import references
from alerts.model.incident import IncidentState
from alerts.model.notification import Status
from alerts.notifications import hang_ups, outbox, rows
from alerts.notifications.outbox import Row
from alerts.texts import messages
from alerts.texts.context import MessageContext
from alerts.texts.load import message_context
from eldercare.platform.database import Connection
from eldercare.protocol.mqtt_v1 import SosState

_ARRIVED = (Status.SENT, Status.RINGING, Status.ANSWERED, Status.DELIVERED)
_GOES = ("accepted", "already_yours", "joined")
"""Reasons of a message whose reader said that they go."""
_EXPECTED = (Status.QUEUED, *_ARRIVED)


@dataclass(frozen=True, slots=True)
class Talking:
    """The call on which somebody hears our answer, and which must go on: the provider's id of it. Where that is not
    known, none of the calls to `person_id` is ended. Where they answer by another way than a call (both None), their
    own telephone stops ringing too. The wearer is no person: the call that asks them is known by `call` alone."""

    call: str | None = None
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoodDown:
    """The names of those who hear it, and the context of what they were told; None where nobody was."""

    names: tuple[str, ...]
    context: MessageContext | None


# A row may have several calls: a call is placed once more where the provider's answer was lost. `attempt` has them all.
_LIVE = """
live as materialized (
    select n.id, call.provider, call.provider_id from notification n join incident i on i.id = n.incident_id
    cross join lateral (
        select n.provider, n.provider_id where n.status in ('sending', 'sent', 'ringing', 'answered')
        union
        select a.provider, a.provider_id from attempt a
        where a.notification_id = n.id and a.provider_id <> n.provider_id
    ) call
    where incident_id = %(id)s and purpose in ('alarm', 'ask', 'second', 'pressed_again') and channel = 'voice'
      and call.provider_id is not null
      and case when purpose = 'ask' then call.provider_id is distinct from %(call)s
                   -- While the wearer talks to us their 9 counts, also when it is over.
                   and (n.status <> 'answered' or i.state <> 'resolved')
               else person_id is distinct from %(talking)s or call.provider_id <> %(call)s end
      and (%(only)s::bigint is null or person_id = %(only)s)
    -- A message that somebody holds keeps nobody from answering; its call is ended when it is next heard of.
    for key share of n skip locked
)
"""
_HANG_UP = f"with {_LIVE} {hang_ups.queue('live')}"
_STOP = f"""
with unsent as (
    update notification set status = 'cancelled', reason = %(reason)s, finished_at = %(now)s, leased_until = null
    where id in (select id from notification
                 where incident_id = %(id)s and status = 'queued'
                   and purpose in ('alarm', 'ask', 'command', 'second', 'pressed_again')
                 for update skip locked)
),
{_LIVE}
{hang_ups.queue("live")}
"""  # noqa: S608  constants of ours


async def stop_calling(conn: Connection, incident_id: int, talking: Talking, reason: str, now: datetime) -> None:
    """Cancel what was not sent, and queue the end of every call that lives, except the one on which we are talking.

    A row that is just being sent is not touched: its sender looks again afterwards, and hangs up.
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
    zone: tzinfo = UTC,
    spare: Sequence[int] = (),
    only: int | None = None,
    once: bool = False,
    round: int | None = None,
) -> StoodDown:
    """Text those who were called in this round that somebody goes, or that it is over.

    `zone` is for whoever reads on in the returned context: a stand-down itself names no time. `spare` are persons who
    know. `only` is one person to text alone, who just answered. `once` leaves out those who were told before, as `only`
    does. `round` is the round in which they were called, where that is not the case's own.
    """
    values = {
        "id": case.id,
        "round": round or case.round,
        "spare": list(spare),
        "only": only,
        "once": once or only is not None,
    }
    called = await (await conn.execute(_CALLED, values)).fetchall()
    known = await message_context(conn, case.id, now, zone) if called else None
    if known is not None:
        texts = [
            Row(case.id, person_id, "sms", address, "stand_down", language, messages.stand_down(known, language, "sms"))
            for person_id, _, language, address in called
        ]
        await outbox.queue(conn, texts, now)
    return StoodDown(tuple(name for _, name, _, _ in called), known)


_TEXTED_AT = """
select p.language, m.address from person p join contact_method m on m.person_id = p.id
where p.id = %s and m.channel = 'sms' and m.active order by m.position, m.id limit 1
"""


async def take_off(conn: Connection, case: Case, person_id: int, now: datetime) -> None:
    """Take this person off, as the desk said: cancel what waits for them, stop their telephone, and text them so."""
    await stop_ringing(conn, case.id, person_id, Talking(), now)
    await conn.execute(
        "update notification set status = 'cancelled', reason = 'taken_back', finished_at = %(now)s"
        " where id in (select id from notification"
        " where incident_id = %(id)s and person_id = %(person_id)s and status = 'queued'"
        " and purpose in ('alarm', 'second', 'pressed_again') for update skip locked)",
        {"id": case.id, "person_id": person_id, "now": now},
    )
    known = await message_context(conn, case.id, now, UTC)
    await _text(conn, case, person_id, "stand_down", lambda language: messages.taken_off(known, language), now)


async def tell_owner(conn: Connection, case: Case, name: str, now: datetime) -> None:
    """Text the owner that the desk asks `name` to go as well."""
    known = await message_context(conn, case.id, now, UTC)
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


_WORDS = rows.write(f"""(
    select {references.NEW} as reference, %(id)s::bigint as incident_id, null::bigint as person_id, 'band' as channel,
           device_id as address, 'sos_state' as purpose, 1 as round, 'zh' as language,
           jsonb_build_object('event_id', event_id, 'state', %(state)s::text, 'id', 'word-' || gen_random_uuid())
               || jsonb_strip_nulls(jsonb_build_object('echo', echo)) as content
    from (select device_id, event_id, echo from (
              select * from sos_press where incident_id = %(id)s order by received_at desc limit 100) newest
          group by device_id, event_id, echo order by max(received_at) desc limit 10) press
    where exists (select from true_now)
)""")  # noqa: S608  constants of ours
_BAND = f"""
with true_now as (
    select from incident where id = %(id)s and (%(only_while)s::text is null or state = %(only_while)s)
),
stale as (
    update notification set say_again_at = null, reason = 'superseded', finished_at = %(now)s,
        status = case when said > 0 then 'sent' else 'cancelled' end
    where id in (select id from notification where incident_id = %(id)s and purpose = 'sos_state'
                   and exists (select from true_now) and (status = 'queued' or say_again_at is not null)
                 for update skip locked)
)
{_WORDS}
"""  # noqa: S608  constants of ours


async def tell_band(
    conn: Connection, incident_id: int, state: SosState, now: datetime, *, only_while: IncidentState | None = None
) -> None:
    """Tell the wearer, for each press the band named, until the band has heard it (`alerts.incidents.wearer`). An older
    word that still waits, or would be said again, is dropped.

    `only_while` is for callers that do not hold the incident: nothing is told where it is in another state by now.
    """
    await conn.execute(_BAND, {"id": incident_id, "state": state, "now": now, "only_while": only_while})


async def stop_ringing(conn: Connection, incident_id: int, person_id: int, talking: Talking, now: datetime) -> None:
    """Queue the end of every call to this person that lives, except the one on which they are talking to us.

    It comes before their messages are marked: what is done lives no more.
    """
    await conn.execute(_HANG_UP, {**_parties(talking), "id": incident_id, "only": person_id, "now": now})


async def mark_answered(conn: Connection, incident_id: int, person_id: int, reason: str, now: datetime) -> None:
    """This person has answered, by whichever way: mark the alarms that were sent to them and arrived.

    A message that somebody holds, or that is just being sent, is left as it is.
    """
    await conn.execute(
        "update notification set status = 'done', reason = %(reason)s, finished_at = coalesce(finished_at, %(now)s)"
        " where id in (select id from notification where incident_id = %(id)s and person_id = %(person_id)s"
        " and purpose in ('alarm', 'second') and status = any(%(arrived)s) for update skip locked)",
        {"id": incident_id, "person_id": person_id, "reason": reason, "now": now, "arrived": list(_ARRIVED)},
    )


async def mark_declined(conn: Connection, incident_id: int, person_id: int, now: datetime, talking: Talking) -> None:
    """Expect nothing more of what this person was sent, and send nothing that waits for them.

    Their telephones stop ringing, except the one on which they are talking to us. A call that is just being placed is
    hung up when its outcome is written down.
    """
    await stop_ringing(conn, incident_id, person_id, talking, now)
    # Where the call on which they talk is not known, it may be one that has not been written down yet.
    placing = [] if talking.person_id and not talking.call else [Status.SENDING]
    await conn.execute(
        "update notification set status = 'done', reason = 'passed', finished_at = coalesce(finished_at, %(now)s),"
        " leased_until = null"
        " where id in (select id from notification"
        " where incident_id = %(id)s and person_id = %(person_id)s and purpose in ('alarm', 'second')"
        " and (status = 'done' and reason = any(%(goes)s)"
        # What they press on the call makes its row `done`.
        " or status = any(%(statuses)s) and (%(call)s::text is null or provider_id is distinct from %(call)s))"
        " for update skip locked)",
        {
            "id": incident_id,
            "person_id": person_id,
            "call": talking.call,
            "goes": list(_GOES),
            "statuses": [*_EXPECTED, *placing],
            "now": now,
        },
    )


def _parties(talking: Talking) -> dict[str, object]:
    return {"call": talking.call, "talking": talking.person_id}
