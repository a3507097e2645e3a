"""Which question a key answers: the call it was pressed on, whom that asked, about which incident, in which round."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg.rows import class_row

from alerts.channels.callbacks import Key
from alerts.model.references import Reference
from alerts.notifications import hang_ups
from alerts.notifications.receipts import About
from eldercare.platform.database import Connection


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that asked somebody about an incident, in which round and language; `desk`: as somebody of the desk.
    `person_id` None: the wearer, whether they are well. `reference` None: written by the version before."""

    notification_id: int
    reference: Reference | None
    incident_id: int
    person_id: int | None
    language: str
    round: int
    desk: bool = False


_ASKED = """
select id as notification_id, reference, incident_id, person_id, language, round,
    coalesce((content ->> 'desk')::boolean, false) as desk
from notification n
where incident_id is not null and (person_id is not null or purpose = 'ask') and
"""
_BY_REFERENCE = _ASKED + "reference = %(reference)s and (not %(incoming)s or address = %(caller)s)"
# The number may be another row's by now, but the call it had names it without doubt.
_BY_NUMBER = _ASKED + (
    "id = %(number)s and reference is null and case when %(incoming)s or provider_id is null"
    " then address = %(caller)s else provider_id = %(call)s end"
)
_BY_INCIDENT = _ASKED + (
    "incident_id = %(incident)s and address = %(caller)s and reference is null"
    " and purpose in ('alarm', 'second', 'pressed_again') order by id desc limit 1"
)


async def find(conn: Connection, about: About, key: Key) -> Asked | None:
    """The question that `key` answers; None for one that is not known, or was another call's.

    Somebody who rang us was asked by whatever their number was called with.
    """
    query: LiteralString = _BY_NUMBER if about.reference is None else _BY_REFERENCE
    return await _first(conn, query, {**_values(key), "reference": about.reference, "number": about.number})


async def find_by_incident(conn: Connection, incident_id: int, key: Key) -> Asked | None:
    """The question that `key` answers, for somebody who rang the version before, whose addresses name the incident
    only."""
    return await _first(conn, _BY_INCIDENT, {**_values(key), "incident": incident_id})


ENDED_LATELY = timedelta(minutes=30)
"""How long after its end the wearer who calls back may still ask for help about it."""

_OF_WEARER = """
select n.id as notification_id, n.reference, n.incident_id, n.person_id, n.language, n.round, false as desk
from notification n join incident i on i.id = n.incident_id
where n.purpose = 'ask' and n.address = %(caller)s and (i.state <> 'resolved' or i.resolved_at > %(ended)s)
order by i.state <> 'open', i.state = 'resolved', n.id desc limit 1
"""


async def find_of_wearer(conn: Connection, caller: str, now: datetime) -> Asked | None:
    """What the resident at this number (E.164) was asked, and may still answer; for somebody who calls us back.

    What nobody has in hand comes first, then what somebody goes about, then what ended less than `ENDED_LATELY` ago.
    """
    return await _first(conn, _OF_WEARER, {"caller": caller, "ended": now - ENDED_LATELY})


_TAKE = f"""
with row as (
    select id, provider, provider_id from notification
    where id = %(id)s and status <> 'done' for no key update skip locked
),
other as (
    insert into attempt (notification_id, started_at, provider, provider_id)
    select id, %(now)s, provider, provider_id from row
    where provider_id <> %(call)s
      and not exists (select from attempt a where a.notification_id = row.id and a.provider_id = row.provider_id)
),
double as (
    select row.id, call.provider, call.provider_id from row
    cross join lateral (
        select row.provider, row.provider_id
        union
        select a.provider, a.provider_id from attempt a where a.notification_id = row.id
    ) call
    where call.provider_id <> %(call)s
),
ended as ({hang_ups.queue("double")})
update notification n set provider = %(provider)s, provider_id = %(call)s from row where n.id = row.id
"""  # noqa: S608  constants of ours


async def take(conn: Connection, asked: Asked, provider: str, call: str, now: datetime) -> None:
    """Note that this question is answered on `call` of `provider`.

    The other calls of its row are hung up, and kept as attempts. The caller holds the incident. Where somebody holds
    the row the answer counts all the same.
    """
    await conn.execute(_TAKE, {"id": asked.notification_id, "provider": provider, "call": call, "now": now})


def _values(key: Key) -> dict[str, Any]:
    return {"caller": key.caller, "call": key.provider_id, "incoming": key.incoming}


async def _first(conn: Connection, query: LiteralString, values: dict[str, Any]) -> Asked | None:
    async with conn.cursor(row_factory=class_row(Asked)) as cursor:
        await cursor.execute(query, values)
        found: Sequence[Asked] = await cursor.fetchall()
    return found[0] if found else None
