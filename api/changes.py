"""Which incidents changed, told live: one LISTEN for the whole process, any number of streams.

A stream carries ids only, and only those its viewer may know of, decided in SQL at that moment. It is a hint: whoever
hears it reads the incident again. `id:` of an event is the newest row of the timelines, so a browser that was away
for a moment hears what it missed.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from alerts import timelines
from eldercare import sessions
from eldercare.access import Viewer
from eldercare.database import Pool
from eldercare.log import logger
from eldercare.wakeup import INCIDENT_CHANNEL, wakeups

POLL_S = 10.0
"""Quiet after which every stream looks for itself, and says that it is alive."""
GATHER_S = 0.02
"""Changes within this time are told together: one press makes several."""
MOST_STREAMS = 1000
AGAIN_S = 1.0
"""Before listening anew, when it failed for another reason than a lost connection, which `wakeups` sees to itself."""

_log = logger(__name__)


@dataclass(eq=False)
class _Stream:
    ids: set[int] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Change:
    """`incidents` of the viewer that changed, and the newest row of the timelines then. None at all is a keep-alive."""

    incidents: list[int]
    last_event_id: int


class Changes:
    """Hears of changes and tells the streams; `run` is its background task."""

    def __init__(self, database_url: str, pool: Pool) -> None:
        self._url = database_url
        self._pool = pool
        self._streams: set[_Stream] = set()
        self._closing = False

    async def run(self) -> None:
        """Listen until cancelled, through lost connections and whatever else may happen."""
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
                stream.woken.set()

    def close(self) -> None:
        """End every stream."""
        self._closing = True
        for stream in self._streams:
            stream.woken.set()

    async def follow(self, token: str, since: int | None) -> AsyncGenerator[Change, None]:
        """Changes for whoever holds the session `token`, from now or from row `since` of the timelines on.

        Ends when the session does. Raises Unauthenticated at the first step where it never began.
        """
        stream = _Stream()
        self._streams.add(stream)
        try:
            first = await self._look(token, None if since is None else max(0, since - timelines.MARGIN))
            yield first
            last = first.last_event_id
            while not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await stream.woken.wait()
                        await asyncio.sleep(GATHER_S)
                stream.woken.clear()
                named = sorted(stream.ids)
                stream.ids.clear()
                change = await self._look(token, last, named)
                last = change.last_event_id
                yield change
        finally:
            self._streams.discard(stream)

    @property
    def full(self) -> bool:
        """Whether no more streams are taken."""
        return len(self._streams) >= MOST_STREAMS

    async def _look(self, token: str, since: int | None, named: Sequence[int] = ()) -> Change:
        async with self._pool.connection() as conn:
            viewer: Viewer = (await sessions.resume(conn, token)).viewer
            newest = await timelines.newest(conn)
            if since is None:
                return Change([], newest)
            return Change(await timelines.changed(conn, viewer, since, named), max(newest, since))
