"""Which channels there are with these settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from alerts.channels import band, twilio
from alerts.channels.base import Channel
from alerts.channels.provider import connections, provider
from eldercare.settings import Settings


@asynccontextmanager
async def channels(
    settings: Settings, provider_answers: Callable[[bool], None] = lambda answers: None
) -> AsyncIterator[dict[str, Channel]]:
    """Every channel that is set up, by name, with its connections open.

    `provider_answers` is told, at the start and from time to time, whether the telephone provider answers.

    Without TWILIO_ACCOUNT_SID there is neither voice nor sms, without MQTT_URL no band. Raises ConfigurationError
    where a channel is set up by half: TWILIO_AUTH_TOKEN, TWILIO_FROM or PUBLIC_URL missing.
    """
    found: dict[str, Channel] = {}
    async with AsyncExitStack() as stack:
        if settings.twilio_account_sid is not None:
            # New calls have connections of their own: nothing that hangs, nor many at once, stands before them.
            calls = await stack.enter_async_context(provider(settings, provider_answers))
            others = await stack.enter_async_context(connections(settings))
            found["voice"] = twilio.Voice(calls, settings, others)
            found["sms"] = twilio.Sms(others, settings)
        if settings.mqtt_url is not None:
            found["band"] = await stack.enter_async_context(band.connected(settings))
        yield found
