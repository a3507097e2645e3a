"""The outside monitor hears from us only while the line works."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from alerts.monitoring import deadman
from alerts.monitoring.health import Health
from eldercare.platform import heartbeats
from eldercare.platform.database import Connection


class Monitor:
    """Counts pings and answers as told."""

    def __init__(self) -> None:
        self.url = ""
        self.pings = 0
        self.status = 200

    async def handle(self, _: web.Request) -> web.Response:
        self.pings += 1
        return web.Response(status=self.status)


@pytest.fixture
async def monitor() -> AsyncIterator[Monitor]:
    made = Monitor()
    app = web.Application()
    app.router.add_get("/ping", made.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping"
    yield made
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def health(conn: Connection) -> Health:
    """Everything works."""
    for service in deadman.SERVICES:
        await heartbeats.beat(conn, f"{service}@test", service, {})
    health = Health()
    health.tick("line", steps=1)
    health.tick("watch")
    return health


async def test_it_is_pinged_while_everything_works(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    assert await deadman.run_once(conn, health, session, monitor.url) == []
    assert monitor.pings == 1
    assert health.detail() == {"steps": 1, "pings": 1, "late_timers": 0}


async def test_a_loop_that_stands_still_keeps_us_silent(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    health.ticked_at["line"] -= deadman.LOOP_LIMIT_S + 1
    assert await deadman.run_once(conn, health, session, monitor.url) == ["line_stands_still"]
    assert monitor.pings == 0


async def test_no_telephone_to_call_with_keeps_us_silent(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    health.telephones = False
    assert await deadman.run_once(conn, health, session, monitor.url) == ["no_telephones"]
    assert monitor.pings == 0


async def test_a_loop_that_never_went_round_keeps_us_silent(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    fresh = Health()
    assert await deadman.faults(conn, fresh) == []
    fresh.ticked_at = {loop: at - deadman.LOOP_LIMIT_S - 1 for loop, at in fresh.ticked_at.items()}
    fresh.tick("watch")
    assert await deadman.run_once(conn, fresh, session, monitor.url) == ["line_stands_still"]


async def test_the_time_since_the_last_ping_keeps_nobody_silent(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    for pings in (1, 2):
        assert await deadman.run_once(conn, health, session, monitor.url) == []
        assert monitor.pings == pings
        health.ticked_at = {loop: at - deadman.LOOP_LIMIT_S - 1 for loop, at in health.ticked_at.items()}
        health.tick("line")
        health.tick("watch")


@pytest.mark.parametrize("service", deadman.SERVICES)
async def test_a_consumer_that_is_dead_keeps_us_silent(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession, service: str
) -> None:
    await conn.execute("update heartbeat set beat_at = beat_at - interval '1 minute' where service = %s", (service,))
    assert await deadman.run_once(conn, health, session, monitor.url) == [f"{service}_is_silent"]
    assert monitor.pings == 0


async def test_a_provider_that_is_away_keeps_us_silent_until_it_is_back(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    health.asked = frozenset({"one"})
    health.provider("two", answers=False)  # which stands behind the one, and is not asked
    health.provider("one", answers=False)
    assert await deadman.run_once(conn, health, session, monitor.url) == ["provider_is_away"]
    assert monitor.pings == 0
    health.provider("one", answers=True)
    assert await deadman.run_once(conn, health, session, monitor.url) == []
    assert monitor.pings == 1


async def test_late_timers_keep_us_silent(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    health.late_timers = 2
    assert await deadman.run_once(conn, health, session, monitor.url) == ["timers_are_late"]
    assert monitor.pings == 0


async def test_a_monitor_that_refuses_or_is_away_is_said(
    conn: Connection, health: Health, monitor: Monitor, session: aiohttp.ClientSession
) -> None:
    monitor.status = 500
    assert await deadman.run_once(conn, health, session, monitor.url) == ["monitor_unreachable"]
    assert await deadman.run_once(conn, health, session, "http://127.0.0.1:1/") == ["monitor_unreachable"]
