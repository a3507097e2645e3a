"""How time passes for the telephones: ringing, speech, patience. Real, faster, or only when a test says so."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from typing import Protocol


class Timers(Protocol):
    """Lets a caller wait until time has passed."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of the telephones' time."""


class WallTimers:
    """The real time, `scale` times as fast."""

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError("scale: must be above 0")
        self._scale = scale

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds / scale` real seconds."""
        await asyncio.sleep(max(0.0, seconds) / self._scale)


class HandTimers:
    """Time that stands still until `advance` moves it, so that a story of minutes takes no time at all."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    async def sleep(self, seconds: float) -> None:
        """Return when the time has been moved `seconds` further; at once for 0."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._order), future))
        await future

    def due_in(self) -> float | None:
        """Seconds until the next sleeper wakes; None when nobody sleeps."""
        waiting = [due for due, _, future in self._waiting if not future.done()]
        return min(waiting) - self.now if waiting else None

    async def advance(self, seconds: float, settle: Callable[[], Awaitable[None]]) -> None:
        """Move the time by `seconds`, waking sleepers in order; `settle` lets each do its work before the next."""
        end = self.now + seconds
        await settle()
        while self._waiting and self._waiting[0][0] <= end:
            due, _, future = heapq.heappop(self._waiting)
            if future.done():
                continue
            self.now = due
            future.set_result(None)
            await settle()
        self.now = end
