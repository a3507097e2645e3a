"""What every channel is: one `send`, and one error type that says whether another try can help."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from alerts.model.references import Reference
from eldercare.platform.errors import EldercareError


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one contact method or band, leased to the process that sends it: a row of `notification`.

    `content` is its text as rendered. The addresses that the provider posts to name it by its `reference`; rows of the
    version before have none. A `hang_up` ends the call that `ends_provider` knows as `ends_provider_id`.
    """

    id: int
    reference: Reference | None
    incident_id: int | None
    channel: str
    address: str
    language: str
    purpose: str
    content: dict[str, Any]
    attempts: int
    ends_provider: str | None = None
    ends_provider_id: str | None = None


@dataclass(frozen=True)
class Sent:
    """What the provider took: its own id for the message or call, and the status it gave at once."""

    provider_id: str
    provider_status: str


class TransportError(EldercareError):
    """A message could not be handed over. `permanent`: trying the same again cannot help. `reason` is a short name."""

    def __init__(self, reason: str, message: str, *, permanent: bool) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.permanent = permanent


class Route(Protocol):
    """How one provider reaches somebody. `min_gap` is how long it wants between two messages to one address."""

    min_gap: timedelta

    async def send(self, message: Outgoing) -> Sent:
        """Hand the message over. Raises TransportError."""
        ...

    async def hang_up(self, provider_id: str) -> None:
        """End what `send` started, where that is possible; do nothing where it is over. Raises TransportError."""
        ...


class Channel(Protocol):
    """A way of reaching somebody, whoever stands behind it."""

    @property
    def name(self) -> str:
        """As in `notification.channel`: voice, sms, band."""
        ...

    @property
    def provider(self) -> str | None:
        """Who takes the next message, as in `notification.provider`; None where no provider stands between."""
        ...

    @property
    def min_gap(self) -> timedelta:
        """The shortest time between two messages to the same address that is accepted; zero for none."""
        ...

    async def send(self, message: Outgoing) -> Sent:
        """Hand the message over. Raises TransportError."""
        ...

    async def hang_up(self, provider_id: str, provider: str | None) -> None:
        """End what this provider started by this id, where that is possible; do nothing where it is over.

        `provider` None stands for that of the version before, which named none. Raises TransportError.
        """
        ...
