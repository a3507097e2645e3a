"""Twilio as a provider. Its library, which takes its time and memory, is loaded where it is used."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from alerts.channels.base import Route
from alerts.channels.callbacks import Dialect
from alerts.channels.provider import Answers
from alerts.channels.twilio import checks
from alerts.channels.twilio.settings import TwilioSettings
from eldercare.platform.finding import Finding
from eldercare.platform.settings import Section, Settings


class Twilio:
    """Calls and texts through Twilio's API."""

    name = "twilio"
    section: type[Section] = TwilioSettings
    channels = ("voice", "sms")

    def is_set_up(self, settings: Settings) -> bool:
        """Whether its account is named. Raises ConfigurationError."""
        return settings.section(TwilioSettings).twilio_account_sid is not None

    def is_real(self, settings: Settings) -> bool:
        """Whether it is not the simulated telephones of this machine."""
        return not settings.section(TwilioSettings).simulated

    @asynccontextmanager
    async def routes(self, settings: Settings, answers: Answers) -> AsyncIterator[Mapping[str, Route]]:
        """Voice and sms. Raises ConfigurationError: TWILIO_AUTH_TOKEN, TWILIO_FROM or PUBLIC_URL missing."""
        from alerts.channels.twilio.channels import Sms, Voice
        from alerts.channels.twilio.client import connections, provider

        async with AsyncExitStack() as stack:
            # New calls have connections of their own, so that nothing that hangs, nor many at once, stands before them.
            calls = await stack.enter_async_context(provider(settings, answers))
            others = await stack.enter_async_context(connections(settings))
            yield {"voice": Voice(calls, settings, others), "sms": Sms(others, settings)}

    def dialect(self) -> Dialect:
        """Signed forms in, TwiML out."""
        from alerts.channels.twilio.dialect import DIALECT

        return DIALECT

    def examine(self, settings: Settings) -> list[Finding]:
        """What is missing or wrong in its settings."""
        return checks.settings(settings.section(TwilioSettings))

    async def probe(self, settings: Settings) -> list[Finding]:
        """Whether it answers."""
        return await checks.account(settings.section(TwilioSettings))

    def unreachable(self, numbers: Sequence[tuple[str, str, str]]) -> list[Finding]:
        """It has no voice to mainland China."""
        return checks.unreachable(numbers)


TWILIO = Twilio()
