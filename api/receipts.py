"""Writes receipts of the provider together, on one connection, so that a burst of them keeps no key waiting.

Each request waits for its own. One that somebody holds at this moment, or that came while the database was away, is
tried again until the request's time is over.
"""

import asyncio
from collections.abc import Sequence

import psycopg
import psycopg_pool

from alerts.notifications import receipts
from alerts.notifications.receipts import Receipt
from api.pools import Way
from eldercare.platform import clock, tasks
from eldercare.platform.errors import NotFound, Unavailable
from eldercare.platform.log import logger

GROUP_S = 0.01
"""Seconds after the first receipt within which others are written together with it."""
MOST_AT_ONCE = 100
MOST_WAITING = 5000
AGAIN_S = 0.2
KEY = "receipts"
"""All of them take one turn, as one person would."""

_log = logger(__name__)
_Waiting = tuple[Receipt, asyncio.Future[None]]


class Receipts:
    """The receipts that wait. A task writes them as long as there are any; each new receipt makes sure that it runs."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, way: Way, receipt: Receipt, within_s: float) -> None:
        """Return when it is written. Raises NotFound where it is about nothing of ours, Unavailable after `within_s`
        seconds, or at once where too many wait already."""
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("too many callbacks at this moment")
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((receipt, written))
        if self._writing is None or self._writing.done():
            self._writing = tasks.brief(self._write_all(way), "receipts")
        try:
            async with asyncio.timeout(within_s):
                await written
        except TimeoutError as error:
            raise Unavailable("the database is away, or somebody holds the incident") from error

    async def _write_all(self, way: Way) -> None:
        await asyncio.sleep(GROUP_S)
        while True:
            self._waiting = [each for each in self._waiting if not each[1].done()]
            if not self._waiting:
                return
            batch = self._waiting[:MOST_AT_ONCE]
            left = await self._write(way, batch)
            # What is left goes behind the others, so that a held incident keeps no other waiting.
            self._waiting = [*self._waiting[len(batch) :], *left]
            if len(left) == len(batch):
                await asyncio.sleep(AGAIN_S)

    async def _write(self, way: Way, batch: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Write these; returns those that have to be tried again."""
        try:
            async with way.connection(KEY) as conn:
                written = await receipts.write(conn, [receipt for receipt, _ in batch], await clock.now(conn))
        except (psycopg.OperationalError, psycopg_pool.PoolTimeout, Unavailable) as error:
            _log.warning("receipts_wait", count=len(batch), error=error)
            return batch
        except Exception as error:
            if len(batch) == 1:
                _log.exception("receipt_refused", receipt=repr(batch[0][0])[:500])
                _end(batch[0][1], error)
                return ()
            # A receipt that cannot be written keeps none of the others waiting.
            half = len(batch) // 2
            return [*await self._write(way, batch[:half]), *await self._write(way, batch[half:])]
        for place, (_, future) in enumerate(batch):
            if place in written.unknown:
                _end(future, NotFound("message", "of this callback"))
            elif place not in written.left:
                _end(future)
        return [each for place, each in enumerate(batch) if place in written.left]


def _end(future: asyncio.Future[None], error: BaseException | None = None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
