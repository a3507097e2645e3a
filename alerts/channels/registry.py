"""Which channels there are with these settings, and who stands behind them: a provider is a folder and a line here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from alerts.channels.base import Channel
from alerts.channels.provider import Provider
from alerts.channels.routed import Routed, Way
from alerts.channels.twilio.provider import TWILIO
from eldercare.platform.settings import Section, Settings

PROVIDERS: tuple[Provider, ...] = (TWILIO,)
"""In the order in which they are asked; one that is not set up is passed over."""


def set_up(settings: Settings) -> list[Provider]:
    """The providers of these settings, in order. Raises ConfigurationError for a setting of any that is wrong."""
    return [provider for provider in PROVIDERS if provider.is_set_up(settings)]


def sections() -> list[type[Section]]:
    """The settings of all providers."""
    return [provider.section for provider in PROVIDERS]


def is_real(settings: Settings) -> bool:
    """Whether a message sent now could reach a person outside: then the clock must not be set.

    Raises ConfigurationError.
    """
    return any(provider.is_real(settings) for provider in set_up(settings))


def first(settings: Settings, channel: str) -> Provider | None:
    """The provider that takes what is sent over this channel. Raises ConfigurationError."""
    return next((provider for provider in set_up(settings) if channel in provider.channels), None)


def named(name: str) -> Provider | None:
    """The provider of this name."""
    return next((provider for provider in PROVIDERS if provider.name == name), None)


@asynccontextmanager
async def channels(
    settings: Settings, provider_answers: Callable[[str, bool], None] = lambda provider, answers: None
) -> AsyncIterator[dict[str, Channel]]:
    """Every channel that is set up, by name, with its connections open.

    `provider_answers` is told, at the start and from time to time, which provider answers and which does not.

    Without a provider there is neither voice nor sms, without MQTT_URL no band. Raises ConfigurationError where a
    channel is only half set up.
    """
    ways: dict[str, list[Way]] = {}
    async with AsyncExitStack() as stack:
        for provider in set_up(settings):
            real = provider.is_real(settings)
            routes = await stack.enter_async_context(
                provider.routes(settings, partial(provider_answers, provider.name))
            )
            for name, route in routes.items():
                ways.setdefault(name, []).append(Way(provider.name, route, real))
        found: dict[str, Channel] = {name: Routed(name, behind, before=TWILIO.name) for name, behind in ways.items()}
        if settings.mqtt_url is not None:
            from alerts.channels import band  # a library that not every service needs

            found["band"] = await stack.enter_async_context(band.connected(settings))
        yield found
