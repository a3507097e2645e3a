"""Fixtures of the stories."""

from collections.abc import AsyncIterator

import pytest

from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.stories.ringing import Ringing, ringing
from tests.stories.story import Story, telling
from tests.support import community
from tests.support.patience import patience

__all__ = ["patience"]


@pytest.fixture
async def story(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Story]:
    """Noon in the community; nobody has pressed yet."""
    people = await community.settle(conn)
    async with telling(Story(conn, database_url, make_settings(), people)) as told:
        yield told


@pytest.fixture
async def town(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Ringing]:
    """The same with real channels, simulated telephones and our own web service between them."""
    people = await community.settle(conn)
    async with ringing(conn, database_url, make_settings, people) as told:
        yield told
