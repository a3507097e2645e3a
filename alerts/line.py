"""The loop that calls people: woken by a notice, and by a poll as the net under it; escalate, then deliver.

It keeps nothing: a database that is away is waited for, and what was due meanwhile is done then.
"""

import asyncio
from contextlib import suppress

import psycopg

from alerts import deliver, escalate, outbox
from alerts.deliver import Sender
from alerts.escalation import Outside
from alerts.pulse import Pulse
from eldercare.database import Connection, connect
from eldercare.log import logger
from eldercare.wakeup import INCIDENT_CHANNEL, wakeups

POLL_S = 0.5
"""Timers are met within this, and so is whatever no notice came for."""
LISTEN_S = 30.0
"""How often the listener makes sure that it still hears."""
AWAY_S = 1.0

_log = logger(__name__)


class Line:
    """One process's part in calling people."""

    def __init__(self, url: str, sender: Sender, outside: Outside, pulse: Pulse) -> None:
        self._url = url
        self._sender = sender
        self._outside = outside
        self._pulse = pulse
        self._own: set[int] = set()
        """The server process of our connection: what it tells of is what we have just done."""

    async def run(self) -> None:
        """Until cancelled."""
        hints = asyncio.create_task(self._hear_hints(), name="hints")
        try:
            while True:
                try:
                    await self._work()
                except psycopg.OperationalError as error:
                    _log.warning("line_waits", error=str(error).strip())
                except Exception:
                    # Whatever it is, the next turn may still ring a telephone; the dead man's switch sees it fail.
                    _log.exception("line_failed")
                await asyncio.sleep(AWAY_S)
        finally:
            hints.cancel()
            with suppress(asyncio.CancelledError):
                await hints

    async def turn(self, conn: Connection) -> None:
        """Do everything that is due now."""
        while True:
            due = await escalate.run_once(conn, self._sender, self._outside)
            if due:
                await deliver.let_leave()  # the telephone first, then whatever else there may be to send
            leased = await deliver.run_once(conn, self._sender)
            self._pulse.turn("line", steps=due, leased=leased)
            if due < escalate.SLICE and not leased:
                return

    async def _work(self) -> None:
        conn = await connect(self._url, application_name="alerts", options=outbox.SESSION)
        async with conn:
            self._own.clear()
            self._own.add(conn.info.backend_pid)
            await warm(conn)
            while True:
                await self.turn(conn)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._sender.more.wait()
                self._sender.more.clear()

    async def _hear_hints(self) -> None:
        while True:
            try:
                hints = wakeups(self._url, INCIDENT_CHANNEL, LISTEN_S, application_name="alerts", deaf_to=self._own)
                async for _ in hints:
                    self._sender.more.set()
            except Exception:
                # The poll goes on without them, only later.
                _log.exception("hints_failed")
                await asyncio.sleep(AWAY_S)


async def warm(conn: Connection) -> None:
    """Let the database plan the statements of the first press before it comes."""
    await escalate.warm(conn)
    await outbox.lease(conn, None, ["voice"], 0)
    await conn.commit()
