"""What providers say of a message after they took it: how a call or a text went on. Many are written down at once.

Statuses only rise (`alerts.model.notification.RANK`). A receipt names its message by the reference in the address it
was posted to, and its call by the provider's own id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from alerts.model.notification import FINAL, RANK, Event, Status, hung_up
from alerts.model.references import Reference
from alerts.notifications import hang_ups
from alerts.notifications.outbox import fall_through
from eldercare.platform import statements
from eldercare.platform.database import Connection
from eldercare.platform.errors import NotFound
from eldercare.platform.listen import INCIDENT_CHANNEL

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
    """`event` is what the `provider` (None: one of ours) now says of the call or text `provider_id` of a message."""

    about: About
    provider_id: str | None
    event: Event
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of receipts, by their place in the list: `moved` a status, `unknown` to us, or `left`, because
    somebody holds the incident at this moment."""

    moved: frozenset[int] = frozenset()
    unknown: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()


_WRITE = statements.load(
    "alerts.notifications",
    "receive",
    not_needed=hang_ups.not_needed("f.provider_id"),
    queue_ends=hang_ups.queue("unneeded"),
)


async def write(conn: Connection, receipts: Sequence[Receipt], now: datetime) -> Written:
    """Write down what providers say, of many messages at once; waits for nobody who holds an incident.

    The end of a call that we hung up is nobody's failure. A status never moves backwards. A word about another call
    than the row's own only makes that call known. A failure that leaves nobody who may answer makes the incident due; a
    call that lives although nobody needs it is hung up.
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


async def record_status(
    conn: Connection,
    notification_id: int,
    provider_id: str | None,
    event: Event,
    now: datetime,
    provider: str | None = None,
) -> bool:
    """Write down what is known of one row of ours; True if that moved its status. The caller holds its incident: where
    somebody else does, nothing is written.

    Raises NotFound.
    """
    row = await (await conn.execute("select reference from notification where id = %s", (notification_id,))).fetchone()
    about = About(row[0], notification_id) if row else About(number=notification_id)
    written = await write(conn, [Receipt(about, provider_id, event, provider)], now)
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
        "provider": receipt.provider,
    }
