"""The stories' own check: a call or a text that a story does not tell fails it, and so does one that never came."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.stories.ringing import Ringing, ringing
from tests.stories.story import Story, telling
from tests.support import community

FIRST = ["voice duty", "sms duty", "voice grid", "sms grid"]
BeginStory = Callable[[], AbstractAsyncContextManager[Story]]
BeginRinging = Callable[[], AbstractAsyncContextManager[Ringing]]


@pytest.fixture
async def begin(conn: Connection, database_url: str, make_settings: MakeSettings) -> BeginStory:
    """A story that the test itself begins and ends."""
    people = await community.settle(conn)
    return lambda: telling(Story(conn, database_url, make_settings(), people))


@pytest.fixture
async def begin_ringing(conn: Connection, database_url: str, make_settings: MakeSettings) -> BeginRinging:
    """The same with simulated telephones."""
    people = await community.settle(conn)
    return lambda: ringing(conn, database_url, make_settings, people)


async def test_what_is_not_told_of_fails_where_the_story_looks(begin: BeginStory) -> None:
    async with begin() as story:
        await story.press()
        with pytest.raises(AssertionError, match=r"unexpected \{\('voice', 'duty', 'alarm'\): 1\}, missing \{\}"):
            story.expect("sms duty", "voice grid", "sms grid")


async def test_what_is_not_told_of_fails_at_the_end_at_the_latest(begin: BeginStory) -> None:
    async def untold() -> None:
        async with begin() as story:
            await story.press()
            story.expect(*FIRST)
            await story.advance(minutes=1)

    with pytest.raises(AssertionError, match=r"unexpected .*'sms', 'lead', 'alarm'"):
        await untold()


async def test_a_second_call_to_the_same_telephone_is_not_the_first(begin: BeginStory) -> None:
    async with begin() as story:
        await story.press()
        story.expect(*FIRST)
        with pytest.raises(AssertionError, match=r"missing .*'voice', 'duty', 'alarm'"):
            story.expect("voice duty")


async def test_a_message_for_another_purpose_is_another_message(begin: BeginStory) -> None:
    async with begin() as story:
        await story.press()
        with pytest.raises(AssertionError, match=r"unexpected .*'alarm'.*missing .*'stand_down'"):
            story.expect("voice duty", "sms duty stand_down", "voice grid", "sms grid")


async def test_telephones_that_ring_untold_of_fail_the_story_too(begin_ringing: BeginRinging) -> None:
    async def untold() -> None:
        async with begin_ringing() as town:
            await town.press()

    with pytest.raises(AssertionError, match=r"unexpected .*'voice', 'grid', 'alarm'"):
        await untold()
