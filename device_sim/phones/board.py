"""What the page sees, live: every open page is told which phones changed, several changes at once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from device_sim.phones.lines import Phone

GATHER_S = 0.03
"""Real seconds within which changes reach a page together."""
KEEPALIVE_S = 15.0


class Board:
    """Who is looking, and what each has not yet been told."""

    def __init__(self) -> None:
        self._viewers: dict[asyncio.Event, set[str]] = {}
        self._closing = False

    def changed(self, phone: Phone) -> None:
        """Tell every viewer soon."""
        for event, dirty in self._viewers.items():
            dirty.add(phone.number)
            event.set()

    def close(self) -> None:
        """End every stream, because the server stops."""
        self._closing = True
        for event in self._viewers:
            event.set()

    async def changes(self) -> AsyncGenerator[set[str], None]:
        """Numbers of phones that changed since the last answer; an empty set is a sign of life."""
        event, dirty = asyncio.Event(), set[str]()
        self._viewers[event] = dirty
        try:
            while not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(KEEPALIVE_S):
                        await event.wait()
                if event.is_set():
                    await asyncio.sleep(GATHER_S)
                event.clear()
                told = set(dirty)
                dirty.clear()
                yield told
        finally:
            del self._viewers[event]
