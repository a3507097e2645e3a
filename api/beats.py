"""The heartbeat of this process. Digits and replies come in here, so the dead man's switch notices when it stops."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import psycopg

from eldercare.platform import heartbeats
from eldercare.platform.database import Pool
from eldercare.platform.log import logger

SERVICE = "api"
LEAVE_S = 2.0
"""Seconds in which the heartbeat is withdrawn at the end."""

_log = logger(__name__)


async def run(pool: Pool, leaving: asyncio.Event) -> None:
    """Beat until `leaving`, whatever the database does. Cancelling is not enough: a pool may swallow it."""
    instance, started_at = heartbeats.instance_of(SERVICE), datetime.now(UTC)
    while not leaving.is_set():
        try:
            async with pool.connection() as conn:
                await heartbeats.beat(conn, instance, SERVICE, {}, started_at)
        except psycopg.OperationalError as error:
            _log.warning("beat_missed", error=error)
        except Exception:
            _log.exception("beat_failed")
        with suppress(TimeoutError):
            async with asyncio.timeout(heartbeats.INTERVAL_S):
                await leaving.wait()
    with suppress(psycopg.Error):
        async with pool.connection(timeout=LEAVE_S / 2) as conn:
            await heartbeats.end(conn, instance)
