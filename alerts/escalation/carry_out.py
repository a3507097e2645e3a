"""Writes down what was planned, of many incidents at once: one statement, whose messages are leased to this process."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from psycopg.pq import TransactionStatus

from alerts.channels.base import Outgoing
from alerts.escalation.plan import Plan
from alerts.incidents import store
from alerts.incidents.feed import tell
from alerts.notifications import rows
from alerts.notifications.outbox import LEASE
from alerts.notifications.sender import Sender
from eldercare.platform import statements
from eldercare.platform.database import Connection
from eldercare.platform.log import logger

REFUSED = (psycopg.DataError, psycopg.IntegrityError, TypeError, ValueError)
"""How the database, or what encodes the values for it, refuses what one incident's step would write."""

_log = logger(__name__)

_CARRY_OUT = statements.load(
    "alerts.escalation",
    "carry_out",
    assignments=store.ASSIGNMENTS,
    tell=tell("happened"),
    write=rows.write(
        "message",
        step="step",
        status="case when leased then 'sending' else 'queued' end",
        attempts="leased::int",
        leased_until="case when leased then %(now)s + %(lease)s end",
    ),
)


@dataclass(frozen=True, slots=True)
class Written:
    """Whose step was taken (`moved`), and the messages to send at once, in the order of the plans."""

    moved: frozenset[int]
    messages: tuple[Outgoing, ...]


async def carry_out(
    conn: Connection, versions: Sequence[str], plans: Sequence[Plan], sender: Sender, now: datetime
) -> Written:
    """Write these plans, but of no incident that is not as it was read (`versions`), or that somebody holds.

    One of several that the database refuses is left due, and keeps none of the others waiting. Within a transaction of
    the caller, who holds no more than one, the refusal is raised: one of `REFUSED`.
    """
    rows = await _write(conn, versions, plans, sender, now)
    place = {plan.case.id: at for at, plan in enumerate(plans)}
    messages = [Outgoing(*row) for row in rows if row[0] is not None]
    messages.sort(key=lambda row: (place[row.incident_id or 0], row.id))
    return Written(frozenset(row[2] for row in rows if row[0] is None), tuple(messages))


async def _write(
    conn: Connection, versions: Sequence[str], plans: Sequence[Plan], sender: Sender, now: datetime
) -> list[tuple[Any, ...]]:
    try:
        values = _parameters(versions, plans, sender, now)
        return await (await conn.execute(_CARRY_OUT, values, prepare=True)).fetchall()
    except REFUSED as error:
        if conn.info.transaction_status != TransactionStatus.IDLE:
            raise
        if len(plans) == 1:
            _log.warning("step_refused", incident=plans[0].case.id, error=error)
            return []
        half = len(plans) // 2
        first = await _write(conn, versions[:half], plans[:half], sender, now)
        return [*first, *await _write(conn, versions[half:], plans[half:], sender, now)]


def _parameters(versions: Sequence[str], plans: Sequence[Plan], sender: Sender, now: datetime) -> dict[str, Any]:
    room = sender.room()
    messages = []
    for row in (row for plan in plans for row in plan.rows):
        # What this process has no room for now is left for one that has. A further press goes through the outbox too,
        # which brings it after everybody's first call.
        leased = row.purpose in ("alarm", "ask") and room.get(row.channel, 0) > 0
        room[row.channel] = room.get(row.channel, 0) - leased
        messages.append(replace(row, leased=leased))
    events = [
        {"incident_id": plan.case.id, "kind": kind, "detail": detail} for plan in plans for kind, detail in plan.events
    ]
    seen = [{"id": plan.case.id, "version": version} for version, plan in zip(versions, plans, strict=True)]
    return {
        "seen": orjson.dumps(seen).decode(),
        "cases": orjson.dumps([plan.case for plan in plans]).decode(),
        "events": orjson.dumps(events).decode(),
        "rows": orjson.dumps(messages).decode(),
        "now": now,
        "lease": LEASE,
    }


async def warm(conn: Connection) -> None:
    """Prepare the statement; nothing is written."""
    nothing = {"seen": "[]", "cases": "[]", "events": "[]", "rows": "[]", "now": datetime.now(UTC), "lease": LEASE}
    await conn.execute(_CARRY_OUT, nothing, prepare=True)
