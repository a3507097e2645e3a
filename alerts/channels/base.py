"""What every channel is: one `send`, and one error type that says whether another try can help."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from alerts.references import Reference
from eldercare.errors import EldercareError


@dataclass(frozen=True)
class Outgoing:
    """One message to one contact method or band: a row of `notification`, with its text as rendered in `content`.

    The addresses that the provider posts to name it by its `reference`; rows of the version before have none.
    """

    notification_id: int
    channel: str
    address: str
    language: str
    purpose: str
    content: dict[str, Any]
    reference: Reference | None = None


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


class Channel(Protocol):
    """A way of reaching somebody. `min_gap`: how long its carrier wants between two messages to one address."""

    @property
    def name(self) -> str:
        """As in `notification.channel`: voice, sms, band."""
        ...

    @property
    def min_gap(self) -> timedelta:
        """The shortest time between two messages to the same address that the carrier accepts; zero for none."""
        ...

    async def send(self, message: Outgoing) -> Sent:
        """Hand the message over. Raises TransportError."""
        ...

    async def hang_up(self, provider_id: str) -> None:
        """End what `send` started, where that is possible; nothing where it is over. Raises TransportError."""
        ...
