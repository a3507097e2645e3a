"""What providers post to us and what we answer, in words of ours. Each provider's dialect is in its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from alerts.model import notification
from eldercare.platform.settings import Settings

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A call or a text went on. `event` is None for a word that says nothing about how it ends."""

    provider_id: str
    event: notification.Event | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key pressed in a call; `digit` is empty where there was none. `caller` is the person's number, whoever rang
    whom. `incoming`: they rang us."""

    provider_id: str
    digit: str
    caller: str
    incoming: bool = False


@dataclass(frozen=True, slots=True)
class IncomingText:
    """A text message from `sender`, E.164."""

    sender: str
    body: str
    provider_id: str = ""

    @property
    def name(self) -> str:
        """A name of this text and no other, the same where the provider hands it in again. Empty where it has none."""
        if not self.provider_id:
            return ""
        return sha256(f"{self.provider_id} {self.sender} {self.body}".encode(errors="replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """Somebody rings us from `caller`; empty where the number is withheld."""

    provider_id: str
    caller: str


class Dialect(Protocol):
    """How a provider posts, and what its calls are told. Text in, text out: no database, no network.

    A method that reads a form raises InvalidInput with the name of the field that is missing or wrong.
    """

    media_type: str
    """The media type of every answer with a body."""

    def authenticate(self, settings: Settings, url: str, form: Form, headers: Mapping[str, str]) -> None:
        """Check that the provider itself posted this form to exactly this address. Raises Forbidden.

        `url` is PUBLIC_URL with path and query as they came, letter by letter.
        """
        ...

    def call_status(self, form: Form) -> StatusChange:
        """How a call went on."""
        ...

    def answered_by(self, form: Form) -> StatusChange:
        """Whether a machine answered it."""
        ...

    def message_status(self, form: Form) -> StatusChange:
        """How a text went on."""
        ...

    def key(self, form: Form, digit: str | None = None) -> Key:
        """The key pressed, or `digit` where the address carries it."""
        ...

    def incoming_text(self, form: Form) -> IncomingText:
        """A text somebody sent us."""
        ...

    def incoming_call(self, form: Form) -> IncomingCall:
        """A call somebody makes to us."""
        ...

    def announcement(self, content: Mapping[str, Any], language: str, action: str | None) -> str:
        """What happened and which keys there are; `content` as in `alerts.texts.messages`, rendered for voice.

        `action` is where a pressed key is posted, None for a call that asks nothing.
        """
        ...

    def question(self, lines: Sequence[str], prompt: str, goodbye: str, language: str, action: str) -> str:
        """The answer to a key that leaves the call open."""
        ...

    def farewell(self, lines: Sequence[str], language: str) -> str:
        """The last thing a call is told."""
        ...

    def wait_and_ask(self, action: str, seconds: int) -> str:
        """Pause for `seconds`, and then have the same key handed in again."""
        ...

    def reply(self, text: str | None) -> str:
        """The answer to an incoming text; None answers nothing."""
        ...
