"""Wrong passwords in a row, counted in the database for all processes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from eldercare.accounts import throttle
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.errors import TooManyAttempts

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


async def fail(conn: Connection, times: int, username: str = "duty", source: str = "here") -> datetime:
    """So many wrong passwords, each as soon as it is taken; returns when the next one is."""
    at = NOW
    for number in range(times):
        at += throttle.wait(number)
        await throttle.take(conn, username, source, at)
    return at + throttle.wait(times)


@pytest.mark.parametrize("failures", [throttle.FREE, throttle.FREE + 3, throttle.FREE + 9])
async def test_the_next_try_is_taken_when_its_time_has_come(conn: Connection, failures: int) -> None:
    then = await fail(conn, failures)
    for _ in range(3):  # knocking does not make it longer
        with pytest.raises(TooManyAttempts) as refused:
            await throttle.take(conn, "duty", "here", then - MOMENT)
        assert refused.value.retry_after_s == 1
    await throttle.take(conn, "duty", "here", then)
    with pytest.raises(TooManyAttempts) as refused:
        await throttle.take(conn, "duty", "here", then)
    assert refused.value.retry_after_s == throttle.wait(failures + 1).total_seconds()


async def test_nobody_else_waits(conn: Connection) -> None:
    await fail(conn, throttle.FREE)
    await throttle.take(conn, "duty", "elsewhere", NOW)
    await throttle.take(conn, "another", "here", NOW)
    with pytest.raises(TooManyAttempts):
        await throttle.take(conn, " Duty ", "here", NOW)


async def test_an_older_try_that_had_to_wait_for_the_row_waits_no_longer(conn: Connection) -> None:
    for earlier in range(throttle.FREE):
        await throttle.take(conn, "duty", "here", NOW - earlier * MOMENT)
    with pytest.raises(TooManyAttempts):
        await throttle.take(conn, "duty", "here", NOW + throttle.wait(throttle.FREE) - MOMENT)


async def test_a_right_password_and_time_make_it_forgotten(conn: Connection) -> None:
    await fail(conn, throttle.FREE)
    await throttle.clear(conn, "Duty", "here")
    await throttle.take(conn, "duty", "here", NOW)
    last = await fail(conn, throttle.FREE, "another") - throttle.wait(throttle.FREE)
    for _ in range(throttle.FREE):
        await throttle.take(conn, "another", "here", last + throttle.FORGOTTEN + MOMENT)
    rows = await (await conn.execute("select failures from login_failure")).fetchall()
    assert rows == [(throttle.FREE,)]  # nothing is left of those who stopped


@pytest.mark.parametrize("username", ["duty\0", "\ud800", "x" * 100_000])
async def test_whatever_is_typed_is_counted(conn: Connection, username: str) -> None:
    await fail(conn, throttle.FREE, username)
    with pytest.raises(TooManyAttempts):
        await throttle.take(conn, username, "here", NOW)


async def test_tries_at_the_same_time_are_all_counted(database_url: str) -> None:
    async def one() -> bool:
        async with await connect(database_url, limits=COMMAND) as conn:
            try:
                await throttle.take(conn, "duty", "here", NOW)
            except TooManyAttempts:
                return False
            return True

    await one()  # from then on they wait for each other at its row
    assert sum(await asyncio.gather(*(one() for _ in range(12)))) == throttle.FREE - 1
