"""A channel with its providers in order, and the rule that stands above them all: made-up numbers are never rung."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.channels.base import Outgoing, Route, Sent, TransportError
from alerts.channels.provider import RESERVED


@dataclass(frozen=True, slots=True)
class Way:
    """The route of one provider; `real`: a message it is given could reach a person."""

    provider: str
    route: Route
    real: bool


class Routed:
    """One channel over one or more providers. The first takes what is sent; each ends what it has started."""

    def __init__(self, name: str, ways: Sequence[Way], *, before: str) -> None:
        """`ways` are one or more. `before` is the only provider of the version that named none in its rows."""
        self.name = name
        self._before = before
        self._ways = {way.provider: way for way in ways}
        self._first = ways[0]

    @property
    def provider(self) -> str:
        """Who takes the next message."""
        return self._first.provider

    @property
    def min_gap(self) -> timedelta:
        """The gap of the provider that takes the next message."""
        return self._first.route.min_gap

    async def send(self, message: Outgoing) -> Sent:
        """Hand the message over. Raises TransportError."""
        way = self._first
        if way.real and message.address.startswith(RESERVED):
            raise TransportError(
                "reserved_number", f"{message.address} is a made-up number, not for a real channel", permanent=True
            )
        return await way.route.send(message)

    async def hang_up(self, provider_id: str, provider: str | None) -> None:
        """End what `provider` started. Raises TransportError, also where it is not set up any more."""
        way = self._ways.get(provider or self._before)
        if way is None:
            raise TransportError("no_such_provider", f"{provider} is not set up: its call goes on", permanent=True)
        await way.route.hang_up(provider_id)
