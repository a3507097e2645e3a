"""What a provider is to the rest: a folder whose `provider` module has one object of this shape."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from alerts.channels.base import Route
from alerts.channels.callbacks import Dialect
from eldercare.platform.finding import Finding
from eldercare.platform.settings import Section, Settings

RESERVED = "+999"
"""Numbers under this country code are assigned to nobody: seeded people have them, and they are never really rung."""

Answers = Callable[[bool], None]
"""Called with whether the provider answers, at the start and from time to time."""


class Provider(Protocol):
    """Somebody who carries calls or texts. Importing its module loads nothing that costs memory: every service imports
    it."""

    @property
    def name(self) -> str:
        """As in `notification.provider`, and in the addresses that it posts to: /webhooks/`name`."""
        ...

    @property
    def section(self) -> type[Section]:
        """Its settings."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """What it carries: voice, sms."""
        ...

    def is_set_up(self, settings: Settings) -> bool:
        """Whether its account is named. Raises ConfigurationError for a setting that is wrong."""
        ...

    def is_real(self, settings: Settings) -> bool:
        """Whether a message it is given now could reach a person. Not to be asked of one that is not set up."""
        ...

    def routes(self, settings: Settings, answers: Answers) -> AbstractAsyncContextManager[Mapping[str, Route]]:
        """How it reaches people, by channel (voice, sms), with its connections open. Raises ConfigurationError where it
        is only half set up."""
        ...

    def dialect(self) -> Dialect:
        """How it posts to us."""
        ...

    def examine(self, settings: Settings) -> list[Finding]:
        """What `doctor` finds in its settings."""
        ...

    async def probe(self, settings: Settings) -> list[Finding]:
        """What `doctor` finds when it asks the provider."""
        ...

    def unreachable(self, numbers: Sequence[tuple[str, str, str]]) -> list[Finding]:
        """Those of `numbers` (name, channel, number in E.164), which it has to reach, that it never will; for
        `doctor`."""
        ...
