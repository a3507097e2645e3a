"""The one clock, which may be set while nobody real can be called, and what wakes the services."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from eldercare.platform import clock, heartbeats
from eldercare.platform.database import Connection, connect
from eldercare.platform.errors import Conflict
from eldercare.platform.listen import INCIDENT_CHANNEL, wakeups
from tests.conftest import MakeSettings
from tests.support.services.timescale import Timescale

THEN = datetime(2020, 2, 29, 8, tzinfo=UTC)


async def test_a_clock_that_stands_still(conn: Connection, make_settings: MakeSettings) -> None:
    await clock.set_clock(conn, THEN, 0, real=False)
    assert await clock.now(conn) == THEN
    assert await clock.reading(conn) == (THEN, 0)
    await clock.reset_clock(conn)
    assert await clock.now(conn) > datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_clock_runs_as_fast_as_it_was_told(conn: Connection, make_settings: MakeSettings) -> None:
    await clock.set_clock(conn, THEN, 3600, real=False)
    await conn.execute("update clock set started_at = statement_timestamp() - interval '2 seconds'")
    await conn.commit()
    ran = await clock.now(conn) - THEN
    assert timedelta(hours=2) <= ran < timedelta(days=30)


@pytest.mark.parametrize("speed", [None, 0, 1, 3600])
async def test_the_clock_in_a_statement_is_the_one_of_the_function(
    conn: Connection, make_settings: MakeSettings, speed: float | None
) -> None:
    if speed is not None:
        await clock.set_clock(conn, THEN, speed, real=False)
    row = await (await conn.execute(f"select eldercare_now(), {clock.NOW}")).fetchone()
    assert row is not None
    assert row[0] == row[1]


async def test_it_is_not_set_while_a_channel_is_real(conn: Connection, make_settings: MakeSettings) -> None:
    with pytest.raises(Conflict, match="real telephone provider"):
        await clock.set_clock(conn, THEN, real=True)
    await heartbeats.beat(conn, "alerts on another machine", "alerts", {"real_channel": True})
    with pytest.raises(Conflict, match="alerts on another machine"):
        await clock.set_clock(conn, THEN, real=False)
    await conn.execute("update heartbeat set beat_at = clock_timestamp() - interval '6 minutes'")
    await clock.set_clock(conn, THEN, real=False)


async def test_heartbeats_live_on_the_walls_clock(conn: Connection, make_settings: MakeSettings) -> None:
    await clock.set_clock(conn, THEN, 1000, real=False)
    assert not await heartbeats.fresh(conn, "alerts")
    await heartbeats.beat(conn, "a", "alerts", {"sent": 1})
    await heartbeats.beat(conn, "a", "alerts", {"sent": 2})
    await heartbeats.beat(conn, "b", "alerts", {})
    assert await heartbeats.fresh(conn, "alerts")
    found = await heartbeats.listing(conn)
    assert [(beat.instance, beat.service, beat.detail) for beat in found] == [
        ("a", "alerts", {"sent": 2}),
        ("b", "alerts", {}),
    ]
    assert 0 <= found[0].age_s < 60
    await heartbeats.end(conn, "b")
    await conn.execute("update heartbeat set beat_at = clock_timestamp() - interval '1 minute'")
    assert not await heartbeats.fresh(conn, "alerts")
    assert await heartbeats.forget(conn, older_than_s=30) == 1
    assert await heartbeats.listing(conn) == []


async def test_a_notice_wakes_with_its_payload(database_url: str, conn: Connection) -> None:
    waking = wakeups(database_url, INCIDENT_CHANNEL, 60)
    assert await asyncio.wait_for(anext(waking), 60) == ""
    await conn.execute("select pg_notify(%s, '7')", (INCIDENT_CHANNEL,))
    waiting = asyncio.create_task(anext(waking))
    await conn.commit()
    assert await asyncio.wait_for(waiting, 60) == "7"
    await waking.aclose()


async def test_quiet_wakes_at_the_polls_pace(database_url: str) -> None:
    waking = wakeups(database_url, INCIDENT_CHANNEL, 0.05)
    assert [await asyncio.wait_for(anext(waking), 60) for _ in range(3)] == ["", "", ""]
    await waking.aclose()


async def test_a_lost_database_is_listened_to_again(timescale_server: Timescale) -> None:
    with timescale_server.database(migrated=False) as url:
        waking = wakeups(url, INCIDENT_CHANNEL, 3600)
        assert await asyncio.wait_for(anext(waking), 60) == ""
        again = asyncio.create_task(anext(waking))
        # Not in a thread: the server ends with the thread that started it.
        timescale_server.stop()
        timescale_server.start()
        assert await asyncio.wait_for(again, 60) == ""
        async with await connect(url, autocommit=True) as conn:
            notice = asyncio.create_task(anext(waking))
            await conn.execute("select pg_notify(%s, '8')", (INCIDENT_CHANNEL,))
            assert await asyncio.wait_for(notice, 60) == "8"
        await waking.aclose()
