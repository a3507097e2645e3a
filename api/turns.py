"""Waiting for one's turn: the places of `fairness`, for tasks."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from api.fairness import Fair, Limits, Ticket
from eldercare.platform.errors import TooManyRequests, Unavailable

PATIENCE_S = 5.0
"""How many seconds anybody waits for a turn at most."""
RETRY_AFTER_S = 2


class Turns:
    """Lets a few in at a time, the keys in turn."""

    def __init__(self, limits: Limits) -> None:
        self._fair = Fair(limits)
        self._calls: dict[Ticket, asyncio.Future[bool]] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """A place, given back at the end. Raises TooManyRequests where too many of this key are there, Unavailable
        where its turn has not come in time."""
        asked = self._fair.ask(key)
        if asked.displaced is not None:
            self._tell(asked.displaced, False)
        if asked.ticket is None:
            raise TooManyRequests(RETRY_AFTER_S)
        try:
            if not asked.ticket.called:
                await self._called(asked.ticket)
            yield
        finally:
            for following in self._fair.done(asked.ticket):
                self._tell(following, True)

    async def _called(self, ticket: Ticket) -> None:
        call: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._calls[ticket] = call
        try:
            async with asyncio.timeout(PATIENCE_S):
                called = await call
        except TimeoutError as error:
            raise Unavailable("too much is going on; try again in a moment") from error
        finally:
            del self._calls[ticket]
        if not called:
            raise TooManyRequests(RETRY_AFTER_S)

    def _tell(self, ticket: Ticket, called: bool) -> None:
        call = self._calls.get(ticket)
        if call is not None and not call.done():
            call.set_result(called)
