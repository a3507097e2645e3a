"""Connections as every service opens them."""

import asyncio
from urllib.parse import urlsplit

import psycopg
import psycopg_pool
import pytest
from psycopg import sql

from eldercare import database
from eldercare.database import connect, pool


async def test_a_peer_that_vanishes_is_noticed_within_half_a_minute(database_url: str) -> None:
    found = []
    async with await connect(database_url) as conn:
        found.append(conn.info.get_parameters())
    async with pool(database_url) as opened, opened.connection() as conn:
        found.append(conn.info.get_parameters())
    for parameters in found:
        quiet_s = int(parameters["keepalives_idle"]) + int(parameters["keepalives_interval"])
        assert quiet_s <= 30
        # While a statement is under way, which keepalives do not watch; milliseconds.
        assert int(parameters["tcp_user_timeout"]) <= 30_000


async def test_whoever_waits_for_a_row_sees_what_it_holds_then_whatever_the_database_would_rather(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        name = sql.Identifier(urlsplit(database_url).path[1:])
        admin.execute(sql.SQL("alter database {} set default_transaction_isolation = serializable").format(name))
        admin.execute("insert into meta (key, value) values ('counted', '0')")
    count = "update meta set value = to_jsonb((value #>> '{}')::int + 1) where key = 'counted' returning value"
    async with await connect(database_url) as first, pool(database_url) as opened, opened.connection() as second:
        assert (await (await second.execute("show transaction_isolation")).fetchone()) == ("read committed",)
        assert (await (await first.execute(count)).fetchone()) == (1,)
        waiting = asyncio.create_task(second.execute(count))
        await first.commit()
        assert (await (await waiting).fetchone()) == (2,)


async def test_a_pool_tries_at_once_when_it_is_asked_however_long_the_database_was_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "AWAY_S", 0.2)
    tries = 0

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        writer.close()

    async with asyncio.timeout(60), await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with pool(f"postgresql://nobody@127.0.0.1:{port}/none") as away:
            for _ in range(3):
                while away.get_stats()["pool_size"]:  # noqa: ASYNC110  it says nothing when it gives up
                    await asyncio.sleep(0.01)
                before = tries
                with pytest.raises(psycopg_pool.PoolTimeout):
                    async with away.connection():
                        pass
                assert tries > before
