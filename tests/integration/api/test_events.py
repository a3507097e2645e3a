"""Live: who hears of which incident, and what somebody hears who was away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
import uvicorn

from api import stream
from api.app import create_app
from eldercare.accounts import sessions
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import NOW, USERS, AtWork
from tests.support.services.processes import free_port


@dataclass
class Desk:
    """A running service, and the sessions of its users."""

    url: str
    here: AtWork
    tokens: dict[str, str]
    conn: Connection

    async def change(self, incident_id: int) -> int:
        """Something happens to an incident; returns the row of its timeline."""
        row = await (
            await self.conn.execute(
                "insert into incident_event (incident_id, at, kind, via) values (%s, %s, 'note', 'api') returning id",
                (incident_id, NOW),
            )
        ).fetchone()
        await self.conn.execute("select pg_notify('incident', %s)", (str(incident_id),))
        await self.conn.commit()
        assert row is not None
        return int(row[0])

    @asynccontextmanager
    async def listening(self, who: str, **headers: str) -> AsyncIterator["Listener"]:
        """A stream of this user, past its first word."""
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=30) as client,
            client.stream(
                "GET", "/api/v1/events", headers={"Authorization": f"Bearer {self.tokens[who]}", **headers}
            ) as response,
        ):
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Listener(response)


class Listener:
    """Reads events one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, Any, str]:
        """Name, data and id of the next event."""
        found: dict[str, str] = {}
        async with asyncio.timeout(60):
            async for line in self._lines:
                if not line and found:
                    return found["event"], orjson.loads(found["data"]), found["id"]
                name, _, value = line.partition(":")
                if name:
                    found[name] = value.strip()
        raise AssertionError("the stream ended")

    async def incidents(self) -> list[int]:
        """The incidents named until the next ping."""
        named: list[int] = []
        while (event := await self.next())[0] == "incident":
            named.append(event[1]["id"])
        return named

    async def ended(self) -> bool:
        """Whether the stream ends, past what is still on its way."""
        async with asyncio.timeout(60):
            async for _ in self._lines:
                pass
        return True


@pytest.fixture
async def desk(
    request: pytest.FixtureRequest,
    conn: Connection,
    database_url: str,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Desk]:
    """The parameter, if any: how long the streams wait before they look for themselves, seconds."""
    monkeypatch.setattr(stream, "POLL_S", getattr(request, "param", 0.5))
    built = await community.at_work(conn)
    tokens = await community.log_in(conn, *USERS)
    await conn.commit()
    port = free_port()
    app = create_app(make_settings(database_url=database_url))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    yield Desk(f"http://127.0.0.1:{port}", built, tokens, conn)
    server.should_exit = True
    await serving


async def test_duty_hears_of_every_incident_and_the_others_of_theirs(desk: Desk) -> None:
    async with desk.listening("duty") as duty, desk.listening("daughter") as daughter, desk.listening("admin") as admin:
        for listener in (duty, daughter, admin):
            assert await listener.incidents() == []
        await desk.change(desk.here.accepted)
        await desk.change(desk.here.opened)
        assert await _until(duty, {desk.here.accepted, desk.here.opened})
        assert await _until(daughter, {desk.here.accepted})
        for listener in (daughter, admin):
            assert desk.here.opened not in await listener.incidents()


@pytest.mark.parametrize("desk", [3600], indirect=True)
async def test_a_notice_is_enough_and_nobody_waits_for_a_look(desk: Desk) -> None:
    async with desk.listening("duty") as listener:
        assert (await listener.next())[0] == "ping"
        for _ in range(3):
            await desk.change(desk.here.opened)
            while (event := await listener.next())[0] == "ping":
                pass
            assert event[:2] == ("incident", {"id": desk.here.opened})


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first listening fails, and not for a lost connection."""
    listen, failures = stream.wakeups, iter([RuntimeError("a mistake of ours")])

    async def wakeups(*arguments: Any, **more: Any) -> AsyncIterator[str]:
        for failure in failures:
            raise failure
        async for payload in listen(*arguments, **more):
            yield payload

    monkeypatch.setattr(stream, "wakeups", wakeups)


@pytest.mark.parametrize("desk", [3600], indirect=True)
async def test_listening_that_failed_begins_anew(broken: None, desk: Desk) -> None:
    async with desk.listening("duty") as listener:
        assert (await listener.next())[0] == "ping"
        await desk.change(desk.here.opened)
        while (event := await listener.next())[0] == "ping":
            pass
        assert event[:2] == ("incident", {"id": desk.here.opened})


async def test_who_was_away_hears_what_was_missed(desk: Desk) -> None:
    async with desk.listening("duty") as listener:
        _, _, last = await listener.next()
    await desk.change(desk.here.opened)
    async with desk.listening("duty", **{"Last-Event-ID": last}) as listener:
        assert desk.here.opened in await listener.incidents()


async def test_an_event_names_the_row_of_the_timeline(desk: Desk) -> None:
    async with desk.listening("duty") as listener:
        await listener.incidents()
        row = await desk.change(desk.here.accepted)
        event = await listener.next()
        # A look that was under way tells it under the row before, and the next one tells it again.
        while event[0] == "ping" or event[2] != str(row):
            event = await listener.next()
        assert event == ("incident", {"id": desk.here.accepted}, str(row))


async def test_a_stream_ends_with_its_session(desk: Desk) -> None:
    async with desk.listening("duty") as listener:
        await listener.incidents()
        await sessions.end_all(desk.conn, desk.here.duty)
        await desk.conn.commit()
        assert await listener.ended()


async def test_consent_withdrawn_is_silence_at_the_next_change(desk: Desk) -> None:
    async with desk.listening("doctor") as listener:
        await listener.incidents()
        await desk.conn.execute("update consent set withdrawn_at = %s where purpose = 'clinic'", (NOW,))
        await desk.change(desk.here.accepted)
        for _ in range(2):
            assert await listener.incidents() == []


async def test_nobody_hears_nothing(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url=desk.url, timeout=60) as client:
        answer = await client.get("/api/v1/events")
    assert answer.status_code == 401


async def _until(listener: Listener, wanted: set[int]) -> bool:
    heard: set[int] = set()
    async with asyncio.timeout(60):
        while not wanted <= heard:
            heard |= set(await listener.incidents())
    return heard == wanted
