"""Connections as every service opens them."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import psycopg
import psycopg_pool
import pytest
from psycopg import sql

from eldercare.platform import database
from eldercare.platform.database import BULK, COMMAND, SERVICE, URGENT, Limits, Overdue, connect, pool
from tests.support.services.proxy import Proxy


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
    monkeypatch.setattr(database, "AWAY_S", 1.0)
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


SHORT = Limits(lock_ms=50, statement_ms=500, idle_ms=500)


async def _frozen(conn: psycopg.AsyncConnection[Any], way: Proxy) -> None:
    """Nothing passes any more, as the connection notices at its next statement."""
    way.freeze()
    with pytest.raises(Overdue):
        await conn.execute("select 1")
    assert conn.closed


async def test_a_statement_that_a_frozen_database_never_answers_closes_the_socket(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "GRACE_S", 0.1)
    with Proxy(urlsplit(database_url).port or 0) as way:
        conn = await connect(way.through(database_url), autocommit=True, limits=SHORT)
        await _frozen(conn, way)
        with pytest.raises(psycopg.OperationalError):
            await conn.execute("select 1")
        await conn.close()


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_the_end_of_a_transaction_that_is_never_answered_has_a_deadline_too(
    database_url: str, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(database, "GRACE_S", 0.1)
    with Proxy(urlsplit(database_url).port or 0) as way:
        conn = await connect(way.through(database_url), limits=SHORT)
        await conn.execute("select 1")
        way.freeze()
        with pytest.raises(Overdue):
            await getattr(conn, ending)()
        assert conn.closed


async def test_what_is_cancelled_while_the_database_is_frozen_ends_at_once_and_closes_the_socket(
    database_url: str,
) -> None:
    with Proxy(urlsplit(database_url).port or 0) as way:
        conn = await connect(way.through(database_url), limits=Limits(0, 0, 0))
        way.freeze()
        asked = asyncio.create_task(conn.execute("select 1"))
        await asyncio.sleep(0)
        asked.cancel()
        done, _ = await asyncio.wait([asked], timeout=5)  # psycopg by itself would wait for ten
        assert done
        assert conn.closed


async def test_the_server_ends_what_was_cancelled_and_gives_up_its_locks(database_url: str) -> None:
    held, other = await connect(database_url, limits=COMMAND), await connect(database_url, autocommit=True)
    async with other:
        await held.execute("select pg_advisory_xact_lock(7)")
        asked = asyncio.create_task(held.execute("select pg_sleep(60)"))
        await asyncio.sleep(0.05)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        async with asyncio.timeout(30):
            while not (await (await other.execute("select pg_try_advisory_lock(7)")).fetchone())[0]:  # type: ignore[index]  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_listening_in_silence_is_no_fault(database_url: str) -> None:
    async with await connect(database_url, autocommit=True) as conn:
        conn.deadline_s = 0.01
        async for _ in conn.notifies(timeout=0.1):
            pass
        assert not conn.closed


async def test_a_frozen_first_address_is_passed_over_and_asked_last_from_then_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_DEAD_PEER", {"connect_timeout": 2})
    parts = urlsplit(database_url)
    with Proxy(parts.port or 0) as frozen, Proxy(parts.port or 0) as well:
        frozen.freeze()
        hosts = f"{parts.username}@127.0.0.1:{frozen.port},127.0.0.1:{well.port}"
        url = f"postgresql://{hosts}{parts.path}?target_session_attrs=read-write"
        async with await connect(url) as conn:
            assert conn.info.port == well.port
        assert frozen.taken == 1
        async with await connect(url) as conn, pool(url) as opened, opened.connection() as other:
            assert (conn.info.port, other.info.port) == (well.port, well.port)
        assert frozen.taken == 1


async def test_a_pool_hands_out_no_connection_to_a_frozen_database_and_recovers(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECK_S", 0.1)
    with Proxy(urlsplit(database_url).port or 0) as way:
        async with pool(way.through(database_url), max_size=2) as opened:
            async with opened.connection() as conn:
                await conn.execute("select 1")
            way.freeze()
            with pytest.raises((psycopg_pool.PoolTimeout, psycopg.OperationalError)):
                async with opened.connection(timeout=1) as conn:
                    await conn.execute("select 1")
            way.thaw()
            async with opened.connection(timeout=30) as conn:
                await conn.execute("select 1")


async def test_a_database_that_takes_connections_and_never_answers_is_given_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "NAMES_S", -database.CONNECT_S * 2 + 0.2)
    with Proxy(urlsplit(database_url).port or 0) as way:
        way.freeze()
        with pytest.raises(psycopg.OperationalError, match="no connection within"):
            await connect(way.through(database_url))


async def _sessions(conn: psycopg.AsyncConnection[Any], pid: int) -> int:
    row = await (await conn.execute("select count(*) from pg_stat_activity where pid = %s", (pid,))).fetchone()
    await conn.rollback()  # a transaction goes on seeing what it saw first
    assert row is not None
    return int(row[0])


async def test_a_session_waits_neither_for_a_lock_nor_for_words_without_a_limit(database_url: str) -> None:
    first, second = await connect(database_url, limits=COMMAND), await connect(database_url, limits=SHORT)
    async with first, second:
        await first.execute("insert into meta (key, value) values ('held', '1')")
        await first.commit()
        await first.execute("select from meta for update")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await second.execute("update meta set value = '2'")
        await second.rollback()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await second.execute("select pg_sleep(30)")
        await second.rollback()
        await first.rollback()
        await second.execute("select 1")
        async with asyncio.timeout(30):
            while await _sessions(first, second.info.backend_pid):  # noqa: ASYNC110  the server says it to nobody else
                await asyncio.sleep(0.05)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            await second.execute("select 1")


@pytest.mark.parametrize("limits", [URGENT, BULK, SERVICE, COMMAND])
async def test_every_kind_of_session_has_limits_and_the_client_is_the_last_to_give_up(
    database_url: str, limits: Limits
) -> None:
    names = ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"]
    alone, opened = await connect(database_url, limits=limits), pool(database_url, limits=limits)
    async with alone, opened, opened.connection() as pooled:
        for conn in (alone, pooled):
            query = "select name, setting::int from pg_settings where name = any(%s)"
            shown = dict(await (await conn.execute(query, (names,))).fetchall())
            assert [shown[name] for name in names] == [limits.lock_ms, limits.statement_ms, limits.idle_ms]
            assert all(shown.values())
            assert conn.deadline_s is not None
            assert conn.deadline_s * 1000 > limits.statement_ms > limits.lock_ms
