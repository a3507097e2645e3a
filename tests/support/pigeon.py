"""A second, tiny provider: one folder's worth of it, as somebody who adds one would write it.

Its callbacks are forms with fields of its own; whoever posts them brings the token. Calls are told plain text. It keeps
what it is given.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hmac import compare_digest
from typing import Any, ClassVar

from pydantic import SecretStr

from alerts.channels.base import Outgoing, Route, Sent
from alerts.channels.callbacks import Dialect, Form, IncomingCall, IncomingText, Key, StatusChange
from alerts.channels.provider import Answers
from alerts.model.notification import Event, Status
from eldercare.platform.errors import Forbidden, InvalidInput
from eldercare.platform.finding import Finding, error, note, ok
from eldercare.platform.settings import Section, Settings

_WORDS = {"cooing": Event(Status.RINGING), "eaten": Event(Status.FAILED, "busy")}


class PigeonSettings(Section):
    """The token that stands for the account, and whether the pigeons fly."""

    SECRETS: ClassVar[tuple[str, ...]] = ("pigeon_token",)

    pigeon_token: SecretStr | None = None
    pigeon_flies: bool = False


@dataclass
class Loft:
    """Voice by pigeon."""

    sent: list[Outgoing] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    min_gap: timedelta = timedelta(minutes=1)

    async def send(self, message: Outgoing) -> Sent:
        """It takes everything."""
        self.sent.append(message)
        return Sent(f"coo-{len(self.sent)}", "released")

    async def hang_up(self, provider_id: str) -> None:
        """It is called back."""
        self.ended.append(provider_id)


class _Coos:
    media_type = "text/plain"

    def authenticate(self, settings: Settings, url: str, form: Form, headers: Mapping[str, str]) -> None:
        token = settings.section(PigeonSettings).pigeon_token
        if token is None or not compare_digest(headers.get("X-Pigeon", ""), token.get_secret_value()):
            raise Forbidden("no pigeon of ours")

    def call_status(self, form: Form) -> StatusChange:
        return StatusChange(_needed(form, "ring"), _WORDS.get(form.get("word", "")))

    answered_by = message_status = call_status

    def key(self, form: Form, digit: str | None = None) -> Key:
        return Key(_needed(form, "ring"), form.get("pecks", "") if digit is None else digit, form.get("perch", ""))

    def incoming_text(self, form: Form) -> IncomingText:
        return IncomingText(_needed(form, "perch"), form.get("note", ""))

    def incoming_call(self, form: Form) -> IncomingCall:
        return IncomingCall(_needed(form, "ring"), form.get("perch", ""))

    def announcement(self, content: Mapping[str, Any], language: str, action: str | None) -> str:
        return " ".join(content["say"])

    def question(self, lines: Sequence[str], prompt: str, goodbye: str, language: str, action: str) -> str:
        return " ".join([*lines, prompt])

    def farewell(self, lines: Sequence[str], language: str) -> str:
        return " ".join(lines)

    def wait_and_ask(self, action: str, seconds: int) -> str:
        return f"wait {seconds} {action}"

    def reply(self, text: str | None) -> str:
        return text or ""


def _needed(form: Form, name: str) -> str:
    if not form.get(name):
        raise InvalidInput(name, "is missing")
    return form[name]


class Pigeon:
    """The provider."""

    name = "pigeon"
    section: type[Section] = PigeonSettings
    channels = ("voice",)

    def __init__(self) -> None:
        self.loft = Loft()

    def is_set_up(self, settings: Settings) -> bool:
        """With a token."""
        return settings.section(PigeonSettings).pigeon_token is not None

    def is_real(self, settings: Settings) -> bool:
        """Where they fly."""
        return settings.section(PigeonSettings).pigeon_flies

    @asynccontextmanager
    async def routes(self, settings: Settings, answers: Answers) -> AsyncIterator[Mapping[str, Route]]:
        """Voice alone."""
        answers(True)
        yield {"voice": self.loft}

    def dialect(self) -> Dialect:
        """Its own."""
        return _Coos()

    def examine(self, settings: Settings) -> list[Finding]:
        """Whether there is a token."""
        return [note("鸽子 · pigeons")] if self.is_set_up(settings) else [error("ELDERCARE_PIGEON_TOKEN", "set it")]

    async def probe(self, settings: Settings) -> list[Finding]:
        """They always answer."""
        return [ok("咕 · coo")]

    def unreachable(self, numbers: Sequence[tuple[str, str, str]]) -> list[Finding]:
        """None."""
        return []
