"""Whoever is slow is not waited for: heads, bodies, answers and readers that take for ever, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from api import connections, pace, pools
from api.app import create_app
from eldercare.accounts import sessions
from eldercare.platform.database import Connection, Limits, connect
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.services.processes import free_port


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[uvicorn.Server]:
    """The application as `python -m api` serves it."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=free_port(), log_level="error", http=connections.Protocol, lifespan="auto"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    yield server
    server.should_exit = True
    await task


@pytest.fixture
async def server(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[uvicorn.Server]:
    await community.at_work(conn)
    await conn.commit()
    async with serving(create_app(make_settings(database_url=database_url))) as running:
        yield running


async def _said(server: uvicorn.Server, *pieces: bytes) -> bytes:
    """What the server says to these bytes until it ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("head", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_come_ends_the_connection(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    assert await _said(server, head) == b""


async def test_a_second_head_that_does_not_come_ends_the_connection_too(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    first = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert (await _said(server, first + b"GET /hea")).startswith(b"HTTP/1.1 200")


async def test_where_all_connections_are_taken_the_one_that_says_nothing_goes(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 5)
    idle = [await asyncio.open_connection("127.0.0.1", server.config.port) for _ in range(5)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.config.port}", timeout=60) as client:
        assert (await client.get("/healthz")).status_code == 200
    async with asyncio.timeout(60):
        assert await idle[0][0].read() == b""
    for _, writer in idle:
        writer.close()


async def test_a_head_without_end_is_refused(server: uvicorn.Server) -> None:
    flood = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-More: and more\r\n" * 10_000
    assert (await _said(server, flood))[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")


@pytest.mark.parametrize("path", ["/api/v1/session", "/login", "/webhooks/twilio/sms"])
async def test_a_body_that_trickles_in_is_refused(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(pace, "BODY_S", 0.2)
    kind = b"application/json" if path.startswith("/api") else b"application/x-www-form-urlencoded"
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n" % (path.encode(), kind)
    answer = await _said(server, head, b"{")
    assert answer.startswith(b"HTTP/1.1 408"), answer[:200]


@pytest.mark.parametrize("bomb", [b"[" * 200_000, b'{"a":' * 40_000, b'{"username": ' + b"9" * 200_000 + b"}"])
async def test_a_body_that_is_nested_without_end_is_refused(server: uvicorn.Server, bomb: bytes) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.config.port}", timeout=60) as client:
        answer = await client.post("/api/v1/session", content=bomb, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422)
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/v1/session", "/login", "/logout", "/preferences", "/webhooks/twilio/sms", "/incidents/1/notes"]
)
async def test_no_body_is_larger_than_any_real_one(server: uvicorn.Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.config.port}", timeout=60) as client:
        answer = await client.post(path, content=b"a=" + b"x" * 1_000_000, headers={
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"
        })  # fmt: skip
        assert answer.status_code in (401, 413), (path, answer.status_code)


async def test_an_answer_that_does_not_come_is_said_to_be_late(
    server: uvicorn.Server, conn: Connection, database_url: str, make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    patient = Limits(lock_ms=0, statement_ms=0, idle_ms=0)
    monkeypatch.setattr(pools, "READS", {"duty": patient, "others": patient})
    monkeypatch.setattr(pace, "ANSWER_S", 1.0)
    token = (await sessions.login(conn, "duty", community.PASSWORD)).token
    await conn.commit()
    async with (
        serving(create_app(make_settings(database_url=database_url))) as running,
        await connect(database_url, limits=patient) as holding,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.config.port}", timeout=20) as client,
    ):
        await holding.execute("lock table resident in access exclusive mode")
        problem = await client.get("/api/v1/residents", headers={"Authorization": f"Bearer {token}"})
        assert (problem.status_code, problem.json()["detail"]) == (503, "the answer took too long")
        headers = {"Accept": "text/html", "Cookie": f"eldercare_session={token}"}
        page = await client.get("/residents", headers=headers)
        assert (page.status_code, "暂时连不上" in page.text) == (503, True)
        await holding.rollback()
        monkeypatch.setattr(pace, "ANSWER_S", 60.0)
        assert (await client.get("/api/v1/residents", headers=headers)).status_code == 200


def _large(sent: asyncio.Event) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 50_000_000})
        sent.set()

    return app


async def test_who_stops_reading_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PIECE_S", 0.3)
    sent = asyncio.Event()
    async with serving(pace.Pace(_large(sent))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(60):
            await sent.wait()
            while server.server_state.connections:  # noqa: ASYNC110  uvicorn only keeps a set
                await asyncio.sleep(0.01)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(50_000_000)
        writer.close()


async def test_who_reads_on_gets_all_of_it() -> None:
    async with (
        serving(pace.Pace(_large(asyncio.Event()))) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.config.port}", timeout=60) as client,
    ):
        assert len((await client.get("/")).content) == 50_000_000
