"""Tells live which incidents changed: one LISTEN for the whole process, any number of streams.

A stream carries ids only, and only those its viewer may know of, decided in SQL at that moment. It is a hint: a client
that hears it reads the incident again. `id:` of an event is the newest row of the timelines, so a browser that was away
for a moment hears what it missed.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import psycopg_pool

from alerts.incidents import timelines
from api.pools import Pools
from api.visitors import Visitor
from eldercare.accounts import sessions
from eldercare.platform import tasks
from eldercare.platform.errors import TooManyRequests, Unavailable
from eldercare.platform.listen import INCIDENT_CHANNEL, wakeups
from eldercare.platform.log import logger

POLL_S = 10.0
"""Seconds of quiet after which every stream looks for itself."""
PULSE_S = 2.5
"""Seconds between two signs of whether the database answers. A page that hears none for twice as long says so."""
GATHER_S = 0.02
"""Changes within so many seconds are told together, because one press makes several."""
MOST_STREAMS = 1000
MOST_OF_OTHERS = 700
"""How many of these may belong to all who are not on duty."""
MOST_OF_DUTY = 30
"""Streams of one duty officer: a browser needs one for all its windows, and several desks may share a login."""
MOST_OF_ANOTHER = 8
AGAIN_S = 1.0
"""Seconds before listening anew after any failure but a lost connection, which `wakeups` sees to itself."""
RETRY_AFTER_S = 5

_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg_pool.PoolTimeout, Unavailable, TooManyRequests)

_log = logger(__name__)


@dataclass(eq=False)
class _Stream:
    visitor: Visitor
    ids: set[int] = field(default_factory=set)
    looks: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Change:
    """`incidents` of the viewer that changed, and the newest row of the timelines then. An empty list is a sign of
    life. With `away` the database does not answer, and nothing is known."""

    incidents: list[int]
    last_event_id: int
    away: bool = False
    ends_at: datetime | None = None
    """When the session ends for good, where that is near."""


class Changes:
    """Hears of changes and tells the streams; `run` is its background task."""

    def __init__(self, database_url: str, pools: Pools) -> None:
        self._url = database_url
        self._pools = pools
        self._streams: set[_Stream] = set()
        self._of_each: Counter[object] = Counter()
        self._closing = False
        self._away = False

    async def run(self) -> None:
        """Listen until cancelled, through lost connections and whatever else may happen."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._hear(), name="changes: listening")
            both.create_task(self._feel(), name="changes: pulse")

    async def _hear(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception:
                # The streams go on at the pace of their poll meanwhile; the first word of a new listening wakes all.
                _log.exception("listening_failed")
            await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        async for payload in wakeups(self._url, INCIDENT_CHANNEL, POLL_S, application_name="eldercare api"):
            for stream in self._streams:
                if payload.isdecimal():
                    stream.ids.add(int(payload))
                # Without a name something may have been missed: the stream looks at the timelines itself.
                stream.looks = True
                stream.woken.set()

    async def _feel(self) -> None:
        while True:
            await asyncio.sleep(PULSE_S)
            asking = tasks.brief(self._answers(), "pulse")
            done, _ = await asyncio.wait([asking], timeout=PULSE_S)
            asking.cancel()  # nobody waits for it: a frozen database lets go of nothing
            away = not (done and not asking.cancelled() and asking.result())
            if away != self._away:
                _log.warning("database_away" if away else "database_back", streams=len(self._streams))
            self._away = away
            for stream in self._streams:
                stream.woken.set()

    async def _answers(self) -> bool:
        try:
            async with self._pools.door.connection("pulse", timeout=PULSE_S) as conn:
                await conn.execute("select 1")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            _log.debug("no_pulse", error=error)
            return False
        return True

    def close(self) -> None:
        """End every stream."""
        self._closing = True
        for stream in self._streams:
            stream.woken.set()

    async def follow(self, visitor: Visitor, token: str, since: int | None) -> AsyncGenerator[Change, None]:
        """Changes for the holder of the session `token`, from now or from row `since` of the timelines on.

        They end when the session does. Raises Unauthenticated at the first step where the session never began.
        """
        with self.streaming(visitor) as stream:
            first = await self._look(stream, token, None if since is None else max(0, since - timelines.MARGIN))
            yield first
            last = first.last_event_id
            loop = asyncio.get_running_loop()
            looked_at = loop.time()
            while not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, looked_at + POLL_S - loop.time())):
                        await stream.woken.wait()
                        await asyncio.sleep(GATHER_S)
                stream.woken.clear()
                if self._away or not (stream.looks or loop.time() >= looked_at + POLL_S):
                    yield Change([], last, away=self._away)
                    continue
                looked_at = loop.time()
                change = await self._look_on(stream, token, last)
                last = change.last_event_id
                yield change

    @contextlib.contextmanager
    def streaming(self, visitor: Visitor) -> Iterator[_Stream]:
        """One more stream, counted as this visitor's while it lasts."""
        stream = _Stream(visitor)
        self._streams.add(stream)
        self._of_each[visitor.key] += 1
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            self._of_each[visitor.key] -= 1
            if not self._of_each[visitor.key]:
                del self._of_each[visitor.key]

    def require_room(self, visitor: Visitor) -> None:
        """Raise TooManyRequests where this visitor has too many streams, Unavailable where all are too many."""
        if self._of_each[visitor.key] >= (MOST_OF_DUTY if visitor.on_duty else MOST_OF_ANOTHER):
            raise TooManyRequests(RETRY_AFTER_S)
        of_others = sum(not stream.visitor.on_duty for stream in self._streams)
        if len(self._streams) >= MOST_STREAMS or (not visitor.on_duty and of_others >= MOST_OF_OTHERS):
            raise Unavailable("too many streams are open")

    async def _look_on(self, stream: _Stream, token: str, last: int) -> Change:
        named, stream.looks = sorted(stream.ids), False
        stream.ids.clear()
        try:
            return await self._look(stream, token, last, named)
        except _AWAY as error:
            _log.warning("stream_waits", error=error)
            stream.ids.update(named)
            stream.looks = True
            return Change([], last, away=not isinstance(error, TooManyRequests | Unavailable))

    async def _look(self, stream: _Stream, token: str, since: int | None, named: Sequence[int] = ()) -> Change:
        way = self._pools.duty if stream.visitor.on_duty else self._pools.others
        async with way.connection(("stream", stream.visitor.key)) as conn:
            session = await sessions.resume(conn, token)
            newest = await timelines.newest(conn)
            if since is None:
                return Change([], newest, ends_at=session.ends_at)
            changed = await timelines.changed(conn, session.viewer, since, named)
            return Change(changed, max(newest, since), ends_at=session.ends_at)
