"""Keeps callbacks that name nothing we know among what was rejected, so that somebody sees that answers were lost."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from eldercare.platform.database import Connection
from eldercare.platform.log import logger

KEPT_BYTES = 1024
REASON = "unmatched"

_log = logger(__name__)


async def keep(conn: Connection, path: str, detail: str, form: Mapping[str, str], now: datetime) -> None:
    """Write down a callback to `path` (with its query) that names no message of ours; `detail` says what it was."""
    _log.error("answer_unmatched", path=path.partition("?")[0], detail=detail)
    payload = urlencode(form).encode()[:KEPT_BYTES]
    await conn.execute(
        "insert into rejected (received_at, topic, reason, detail, payload) values (%s, %s, %s, %s, %s)",
        (now, path[:500], REASON, detail, payload),
    )
