"""The other side of the broker: what bands say, and what they hear."""

from collections.abc import AsyncIterator

import aiomqtt
import pytest

from eldercare.platform.settings import Settings
from tests.integration.ingesting import Publish, listener, publisher
from tests.support.patience import patience
from tests.support.services.mosquitto import Mosquitto

__all__ = ["patience"]


@pytest.fixture
async def publish(settings: Settings) -> AsyncIterator[Publish]:
    """`await publish(topic, body)` to the broker that `settings` name."""
    async with publisher(settings) as publish:
        yield publish


@pytest.fixture
async def bands(clean_broker: Mosquitto) -> AsyncIterator[aiomqtt.Client]:
    """Hears what any band hears."""
    async with listener(clean_broker.url, "eldercare/v1/+/sos_state") as client:
        yield client
