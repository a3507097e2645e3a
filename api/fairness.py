"""Who is next for one of few places: all take turns, so that a crowd waits for itself and nobody else. Pure.

Everybody asks under a key: a person, a network. The keys of those who wait take turns, whatever the length of their
queues. Past the limits the longest queue is shortened, so that somebody who comes alone is always let in.
"""

from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """How many have a place at once and how many wait: of one key, and of all."""

    at_once: int
    each_at_once: int
    each_waiting: int
    waiting: int


@dataclass(eq=False)
class Ticket:
    """One who asked. A `called` one has a place. One that is neither `called` nor waiting is turned away."""

    key: Hashable
    called: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking. `ticket` is None where too many of this key wait. `displaced` is one of the longest queue,
    whose place in it went to this one."""

    ticket: Ticket | None
    displaced: Ticket | None = None


@dataclass
class Fair:
    """The places and the queues before them."""

    limits: Limits
    _queues: dict[Hashable, deque[Ticket]] = field(default_factory=dict)
    _inside: Counter[Hashable] = field(default_factory=Counter)
    _at_once: int = 0
    _waiting: int = 0

    def ask(self, key: Hashable) -> Asked:
        """Take a place, or a place in the queue, or neither."""
        ticket = Ticket(key)
        if self._fits(key) and key not in self._queues:
            self._enter(ticket)
            return Asked(ticket)
        own = len(self._queues.get(key, ()))
        if own >= self.limits.each_waiting:
            return Asked(None)
        displaced = None
        if self._waiting >= self.limits.waiting:
            longest = max(self._queues.values(), key=len)
            if len(longest) <= own + 1:
                return Asked(None)
            displaced = longest[-1]
            self._drop(displaced)
        self._queues.setdefault(key, deque()).append(ticket)
        self._waiting += 1
        return Asked(ticket, displaced)

    def done(self, ticket: Ticket) -> list[Ticket]:
        """Give back a place, or one in the queue; returns those whom that calls."""
        if ticket.called:
            self._at_once -= 1
            self._inside[ticket.key] -= 1
            if not self._inside[ticket.key]:
                del self._inside[ticket.key]
            ticket.called = False
        elif ticket in self._queues.get(ticket.key, ()):
            self._drop(ticket)
        called = []
        while (following := self._following()) is not None:
            called.append(following)
        return called

    def _following(self) -> Ticket | None:
        for key, queue in self._queues.items():
            if self._fits(key):
                ticket = queue[0]
                self._drop(ticket)
                if queue:  # behind the others until its next turn
                    self._queues[key] = self._queues.pop(key)
                self._enter(ticket)
                return ticket
        return None

    def _fits(self, key: Hashable) -> bool:
        return self._at_once < self.limits.at_once and self._inside[key] < self.limits.each_at_once

    def _enter(self, ticket: Ticket) -> None:
        ticket.called = True
        self._at_once += 1
        self._inside[ticket.key] += 1

    def _drop(self, ticket: Ticket) -> None:
        queue = self._queues[ticket.key]
        queue.remove(ticket)
        self._waiting -= 1
        if not queue:
            del self._queues[ticket.key]
