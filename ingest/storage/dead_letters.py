"""Keeps what was refused, with its reason: one bad message never stops the rest, and none disappears without a
trace."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from eldercare.platform import pg_arrays
from eldercare.platform.database import Connection
from ingest.protocols.mqtt_v1 import Rejected
from ingest.transports.mqtt.packets import KEPT_BYTES


class Refused(NamedTuple):
    """A refusal and the message that it is about. `elements` counts what was refused in the message for this reason."""

    topic: str
    payload: bytes
    rejected: Rejected
    elements: int = 1


def of_message(topic: str, payload: bytes, rejected: Sequence[Rejected]) -> list[Refused]:
    """One refusal for each reason, so that an array of a thousand bad elements is not stored a thousand times.

    Each has the detail of its first element, and says how many more there were.
    """
    by_reason: dict[str, list[Rejected]] = {}
    for each in rejected:
        by_reason.setdefault(each.reason, []).append(each)
    refused = []
    for alike in by_reason.values():
        more = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
        first = Rejected(alike[0].reason, f"{alike[0].detail}{more}")
        refused.append(Refused(topic, payload, first, len(alike)))
    return refused


async def store(conn: Connection, refused: Sequence[Refused], now: datetime | None = None) -> None:
    """Write refusals as of `now` (aware; None: the database's own), each with the first KiB of its payload."""
    if not refused:
        return
    await conn.execute(
        "insert into rejected (received_at, topic, reason, detail, payload)"
        " select coalesce(%s::timestamptz, eldercare_now()), topic, reason, detail, payload"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::bytea[]) as new (topic, reason, detail, payload)",
        (
            now,
            pg_arrays.texts(_storable(each.topic) for each in refused),
            pg_arrays.names(each.rejected.reason for each in refused),
            pg_arrays.texts(_storable(each.rejected.detail) for each in refused),
            [each.payload[:KEPT_BYTES] for each in refused],
        ),
    )


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
