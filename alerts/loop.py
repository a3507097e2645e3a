"""The loop that calls people: a notice wakes it, and a poll as the net under it; it escalates, then delivers.

It keeps nothing in memory: it waits for a database that is away, and then does what was due meanwhile. It waits for no
incident that somebody holds. A task beside it does, on a connection of its own, and no first call stands behind that.
"""

import asyncio
from collections.abc import Sequence

import psycopg

from alerts.escalation import worker
from alerts.escalation.situation import PlanningContext
from alerts.incidents.case import Case
from alerts.monitoring.health import Health
from alerts.notifications import outbox, sender
from alerts.notifications.sender import Sender
from eldercare.platform import tasks
from eldercare.platform.database import URGENT, Connection, connect
from eldercare.platform.listen import INCIDENT_CHANNEL
from eldercare.platform.log import logger

POLL_S = 0.5
"""Seconds. Timers are met within this, and so is whatever no notice came for."""
AWAY_S = 1.0

_log = logger(__name__)


class EscalationLoop:
    """One process's part in calling people."""

    def __init__(self, url: str, sender: Sender, planning: PlanningContext, health: Health) -> None:
        self._url = url
        self._sender = sender
        self._planning = planning
        self._health = health
        self._failures = 0
        self._waiting: asyncio.Task[None] | None = None
        self._beside: Connection | None = None

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            await self._run()
        finally:
            if self._waiting is not None:
                self._waiting.cancel()
            await self._leave()

    async def _run(self) -> None:
        while True:
            try:
                await self._work()
            except psycopg.OperationalError as error:
                _log.warning("line_waits", error=error)
            except Exception:
                # Whatever it is, the next turn may still ring a telephone. The dead man's switch sees it fail.
                _log.exception("line_failed")
            self._failures += 1
            await asyncio.sleep(min(AWAY_S, sender.pause_s(self._failures)))

    async def turn(self, conn: Connection) -> None:
        """Do everything that is due now."""
        while True:
            taken = await worker.take(conn, self._sender, self._planning)
            due = taken.moved
            if due:
                await sender.let_leave()  # the telephone first, then whatever else there may be to send
            if taken.held and self._waiting is None:
                self._waiting = tasks.brief(self._wait_for(taken.held), "waiting for the held")
            leased = await sender.run_once(conn, self._sender)
            self._health.tick("line", steps=due, leased=leased)
            if due < worker.SLICE and not leased:
                return

    async def _wait_for(self, held: Sequence[Case]) -> None:
        """Wait beside the turns, one task at a time. What is held now is found again by the next one."""
        try:
            if self._beside is None or self._beside.closed:
                self._beside = await self._connect("alerts held")
            if await worker.wait_for(self._beside, held, self._sender, self._planning):
                self._sender.more.set()
        except psycopg.Error as error:
            _log.warning("held_not_waited_for", error=error)
            await self._leave()
        finally:
            self._waiting = None

    async def _leave(self) -> None:
        if self._beside is not None:
            await self._beside.close()
            self._beside = None

    async def _connect(self, name: str) -> Connection:
        return await connect(self._url, autocommit=True, application_name=name, options=outbox.SESSION, limits=URGENT)

    async def _work(self) -> None:
        more = self._sender.more
        conn = await self._connect("alerts")
        async with conn:
            conn.add_notify_handler(lambda notice: more.set() if notice.pid != conn.info.backend_pid else None)
            await conn.execute(f"listen {INCIDENT_CHANNEL}")
            await warm(conn)
            while True:
                more.clear()
                try:
                    await self.turn(conn)
                    self._failures = 0
                except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled) as error:
                    # Somebody holds a table, or something that is not skipped; the connection is as good as before.
                    _log.warning("turn_cut_short", error=error)
                if not notified(conn):
                    await until_heard(conn, more, POLL_S)
                    notified(conn)  # the coming turn looks at these; later they would be taken for news


def notified(conn: Connection) -> bool:
    """Read what an idle connection has been told; returns whether there was a notice of somebody else.

    The handler hears what comes along with the answer of a statement, and not what follows it in the same piece. Raises
    OperationalError where the connection is lost.
    """
    conn.pgconn.consume_input()
    notified = False
    while notice := conn.pgconn.notifies():
        notified |= notice.be_pid != conn.info.backend_pid
    return notified


async def until_heard(conn: Connection, more: asyncio.Event, seconds: float) -> None:
    """Wait until the database says anything on an idle connection (be it goodbye), `more` is set, or the time is
    over."""
    loop, socket = asyncio.get_running_loop(), conn.fileno()
    loop.add_reader(socket, more.set)
    try:
        async with asyncio.timeout(seconds):
            await more.wait()
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(socket)


async def warm(conn: Connection) -> None:
    """Let the database plan the statements of the first press before it comes."""
    await worker.warm(conn)
    await outbox.lease(conn, None, ["voice"], 0)
