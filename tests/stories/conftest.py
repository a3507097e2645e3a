"""Fixtures of the stories."""

from collections.abc import AsyncIterator

import pytest

from eldercare.database import Connection
from tests.conftest import MakeSettings
from tests.stories.story import Story, tell


@pytest.fixture
async def story(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Story]:
    """Noon in the community; nobody has pressed yet."""
    async with tell(conn, database_url, make_settings()) as told:
        yield told
