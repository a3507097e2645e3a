"""What was refused, kept with its reason: one bad message never stops the rest, and none disappears without a trace."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from eldercare import arrays
from eldercare.database import Connection
from ingest.decode import KEPT_BYTES, Rejected


class Refused(NamedTuple):
    """A refusal together with the message that it is about."""

    topic: str
    payload: bytes
    rejected: Rejected


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
            arrays.texts(_storable(each.topic) for each in refused),
            arrays.names(each.rejected.reason for each in refused),
            arrays.texts(_storable(each.rejected.detail) for each in refused),
            [each.payload[:KEPT_BYTES] for each in refused],
        ),
    )


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
