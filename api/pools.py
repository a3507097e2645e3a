"""Connections to the database, by purpose: a visitor who asks for much holds up only themselves.

What providers post, what people do about an incident, what duty reads and what everybody else reads have connections
of their own, so that no reading holds up a pressed key or an "I am going". Within each, people take turns.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

from api import fairness
from api.turns import Turns
from eldercare.platform import database
from eldercare.platform.database import SERVICE, URGENT, Connection, Limits, Pool
from eldercare.platform.settings import Settings

READS = {
    "duty": Limits(lock_ms=1_000, statement_ms=6_000, idle_ms=5_000),
    "others": Limits(lock_ms=1_000, statement_ms=4_000, idle_ms=5_000),
}
"""How long one statement of a read may take. A year of one band's heart rates by the hour takes some hundred
milliseconds; what takes longer holds a connection that others wait for."""
LOOK_UP = Limits(lock_ms=500, statement_ms=2_000, idle_ms=5_000)
"""Limits for looking up a session, or the hash of a password, which take a millisecond each."""
DOOR_SIZE = 2
EVERYBODY_SIZE = 3
"""Connections for who is not logged in: the login page, a login, `/readyz`. Each statement takes a millisecond."""


@dataclass(frozen=True)
class Way:
    """A pool, and the turns before it."""

    pool: Any
    turns: Turns

    @asynccontextmanager
    async def connection(self, key: Hashable, timeout: float | None = None) -> AsyncIterator[Connection]:  # noqa: ASYNC109
        """One transaction, when it is the turn of `key`. Raises TooManyRequests, Unavailable, PoolTimeout."""
        async with self.turns.turn(key), self.pool.connection(timeout) as conn:
            yield conn


@dataclass(frozen=True)
class Pools:
    """One way for each purpose."""

    webhooks: Way
    """Keys, replies, receipts: a telephone waits for the answer."""
    deeds: Way
    """What somebody who is logged in changes."""
    duty: Way
    """What duty reads."""
    others: Way
    """What everybody else reads."""
    door: Way
    """Looks up whose session it is."""
    everybody: Way
    """What is answered without a login."""

    async def open(self) -> None:
        """Open all without waiting for the database: `/readyz` says when it is there."""
        for way in self._ways():
            await way.pool.open(wait=False)

    async def close(self) -> None:
        """Close all."""
        await asyncio.gather(*(way.pool.close() for way in self._ways()))

    def through(self, wrap: Callable[[Pool], Any]) -> "Pools":
        """The same ways with each pool wrapped, for a test."""
        return replace(self, **{each.name: self._wrapped(each.name, wrap) for each in fields(self)})

    def _wrapped(self, name: str, wrap: Callable[[Pool], Any]) -> Way:
        way: Way = getattr(self, name)
        return replace(way, pool=wrap(way.pool))

    def _ways(self) -> list[Way]:
        return [getattr(self, each.name) for each in fields(self)]


def pools(settings: Settings) -> Pools:
    """The pools of one process, still to be opened."""

    def way(name: str, size: int, each: int, limits: Limits, queue: int = 64) -> Way:
        pool = database.pool(
            settings.required("database_url"),
            max_size=size,
            application_name=f"eldercare api {name}",
            limits=limits,
        )
        return Way(
            pool, Turns(fairness.Limits(at_once=size, each_at_once=each, each_waiting=queue, waiting=16 * queue))
        )

    duty, others, deeds = settings.api_pool_duty, settings.api_pool_others, settings.api_pool_deeds
    return Pools(
        # A telephone's callbacks belong to nobody in particular: they may take every connection, the rest queue.
        webhooks=way("webhooks", settings.api_pool_webhooks, settings.api_pool_webhooks, URGENT, queue=1000),
        deeds=way("deeds", deeds, _share(deeds), SERVICE),
        duty=way("duty", duty, _share(duty), READS["duty"]),
        others=way("others", others, _share(others), READS["others"]),
        door=way("door", DOOR_SIZE, DOOR_SIZE, LOOK_UP, queue=500),
        everybody=way("everybody", EVERYBODY_SIZE, EVERYBODY_SIZE - 1, LOOK_UP),
    )


def _share(size: int) -> int:
    """How many of so many connections one person may hold: never the last ones."""
    return max(1, size // 2)
