"""Waking up: LISTEN on a connection of its own, with reconnect, and a poll as the net under it.

A notice is a hint. Whoever wakes re-reads the rows; nothing is decided from the payload.
"""

import asyncio
from collections.abc import AsyncIterator

import psycopg

from eldercare.platform.database import connect
from eldercare.platform.log import logger

INCIDENT_CHANNEL = "incident"
"""The only channel: NOTIFY serialises commits, so only changes of incidents send one, with the incident's id."""

_log = logger(__name__)


async def wakeups(url: str, channel: str, poll_s: float, *, application_name: str = "eldercare") -> AsyncIterator[str]:
    """Yield the payload of each notice, and "" at start, after every reconnect and every `poll_s` seconds of quiet.

    Never ends by itself: a lost database is logged once and tried again every second; nothing is yielded meanwhile.
    """
    away = False
    while True:
        try:
            conn = await connect(url, autocommit=True, application_name=f"{application_name} listen")
        except psycopg.OperationalError as error:
            if not away:
                _log.warning("database_away", error=error)
                away = True
            await asyncio.sleep(1)
            continue
        try:
            await conn.execute(f"listen {channel}")
            if away:
                _log.info("database_back")
                away = False
            yield ""
            while True:
                quiet = True
                async for notice in conn.notifies(timeout=poll_s, stop_after=1):
                    quiet = False
                    yield notice.payload
                if quiet:
                    # A frozen database is as quiet as an idle one, until it is asked.
                    await conn.execute("")
                    yield ""
        except psycopg.OperationalError as error:
            _log.warning("database_away", error=error)
            away = True
        finally:
            await conn.close()
