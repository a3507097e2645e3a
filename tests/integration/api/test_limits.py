"""Whoever asks for much waits for themselves: duty, deeds and the telephone's keys go on meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from api import pools, responses, stream, visitors
from api.app import create_app
from eldercare.platform.database import Connection, Limits, connect
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import USERS, AtWork

TOKEN = "secret-of-the-test"
PUBLIC = "https://care.example"


@dataclass
class Desk:
    client: httpx.AsyncClient
    here: AtWork
    tokens: dict[str, str]
    database_url: str

    def as_(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    async def get(self, who: str, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", params=query, headers=self.as_(who))

    @asynccontextmanager
    async def nothing_of(self, table: str) -> AsyncIterator[None]:
        """Whoever reads `table` waits."""
        async with await connect(self.database_url, limits=Limits(lock_ms=0, statement_ms=0, idle_ms=0)) as holding:
            await holding.execute(f"lock table {table} in access exclusive mode")
            yield
            await holding.rollback()


@pytest.fixture
async def desk(
    conn: Connection, database_url: str, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Whoever waits here, waits until the test lets go: nothing is decided by how fast this machine is."""
    patient = Limits(lock_ms=0, statement_ms=0, idle_ms=0)
    monkeypatch.setattr(pools, "READS", {"duty": patient, "others": patient})
    built = await community.at_work(conn)
    tokens = await community.log_in(conn, *USERS)
    await conn.commit()
    app = create_app(make_settings(database_url=database_url, public_url=PUBLIC, twilio_auth_token=TOKEN))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client,
    ):
        yield Desk(client, built, tokens, database_url)


async def _taken(conn: Connection, name: str) -> int:
    """How many connections of the pool wait for a lock."""
    row = await (
        await conn.execute(
            "select count(*) from pg_stat_activity where application_name = %s and wait_event_type = 'Lock'"
            " and datname = current_database()",
            (f"eldercare api {name}",),
        )
    ).fetchone()
    await conn.rollback()
    assert row is not None
    return int(row[0])


async def _until_taken(conn: Connection, name: str, number: int) -> None:
    async with asyncio.timeout(60):
        while await _taken(conn, name) != number:  # noqa: ASYNC110  the database only tells who waits
            await asyncio.sleep(0.02)


async def test_reads_of_family_and_doctor_hold_up_neither_duty_nor_a_deed_nor_a_key(
    desk: Desk, conn: Connection
) -> None:
    chart = f"/residents/{desk.here.wang}/heart-rate"
    async with desk.nothing_of("heart_rate"):
        wide = [
            asyncio.create_task(desk.get(who, chart))
            for _ in range(visitors.MOST_OF_ANOTHER)
            for who in ("daughter", "doctor")
        ]
        await _until_taken(conn, "others", 4)
        for path in ("/incidents", "/residents", "/devices"):
            assert (await desk.get("duty", path)).status_code == 200, path
        accepted = await desk.client.post(f"/api/v1/incidents/{desk.here.opened}/accept", headers=desk.as_("duty"))
        assert accepted.status_code == 200
        form = {"CallSid": "CA1", "Digits": "1", "From": "+99900000000", "To": "+99900000001"}
        signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}/webhooks/twilio/voice", form)
        key = await desk.client.post("/webhooks/twilio/voice", data=form, headers={"X-Twilio-Signature": signature})
        assert (key.status_code, "Redirect" in key.text) == (200, False)
        assert await _taken(conn, "others") == 4
    assert {task.status_code for task in await asyncio.gather(*wide)} <= {200, 503}


async def test_one_duty_officer_leaves_another_half_of_the_connections(desk: Desk, conn: Connection) -> None:
    await conn.execute("insert into person_role (person_id, role) values (%s, 'duty')", (desk.here.admin,))
    await conn.commit()
    chart = f"/residents/{desk.here.wang}/heart-rate"
    async with desk.nothing_of("heart_rate"):
        wide = [asyncio.create_task(desk.get("duty", chart)) for _ in range(20)]
        await _until_taken(conn, "duty", 3)
        assert (await desk.get("admin", "/incidents")).status_code == 200
    await asyncio.gather(*wide)


async def test_more_at_a_time_than_one_persons_share_is_refused_and_says_when_to_come_again(
    desk: Desk, conn: Connection
) -> None:
    assert (await desk.get("daughter", "/incidents")).status_code == 200  # known from then on, each counts at once
    async with desk.nothing_of("heart_rate"):
        reads = [
            asyncio.create_task(desk.get("daughter", f"/residents/{desk.here.wang}/heart-rate"))
            for _ in range(visitors.MOST_OF_ANOTHER)
        ]
        await _until_taken(conn, "others", 2)
        refused = await desk.get("daughter", "/incidents")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert refused.json()["type"] == "urn:eldercare:problem:too-many-requests"
        assert (await desk.get("doctor", "/incidents")).status_code == 200
        login = desk.client.get("/login", headers={"Accept": "text/html"})
        assert (await login).status_code == 200
    await asyncio.gather(*reads)
    assert (await desk.get("daughter", "/incidents")).status_code == 200


async def test_several_sessions_of_one_person_are_one_person(desk: Desk, conn: Connection) -> None:
    tokens = [(await community.log_in(conn, "daughter"))["daughter"] for _ in range(4)]
    await conn.commit()
    path = f"/api/v1/residents/{desk.here.wang}/heart-rate"
    async with desk.nothing_of("heart_rate"):
        wide = [
            asyncio.create_task(desk.client.get(path, headers={"Authorization": f"Bearer {token}"}))
            for token in tokens
            for _ in range(8)
        ]
        await _until_taken(conn, "others", 2)
        assert (await desk.get("doctor", "/incidents")).status_code == 200
    statuses = Counter(answer.status_code for answer in await asyncio.gather(*wide))
    assert statuses[429] == 4 * 8 - visitors.MOST_OF_ANOTHER


async def test_a_read_that_takes_too_long_is_ended_and_says_so(
    desk: Desk, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pools.READS, "others", Limits(lock_ms=0, statement_ms=1_000, idle_ms=0))
    app = create_app(make_settings(database_url=desk.database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client,
        desk.nothing_of("heart_rate"),
    ):
        path = f"/api/v1/residents/{desk.here.wang}/heart-rate"
        answer = await client.get(path, headers=desk.as_("daughter"))
        assert answer.status_code == 503
        assert "ask for less" in answer.json()["detail"]
        assert answer.headers["retry-after"] == "5"
        assert (await client.get("/api/v1/incidents", headers=desk.as_("daughter"))).status_code == 200


@pytest.mark.parametrize(
    ("path", "bucket", "start", "status"),
    [
        ("heart-rate", "raw", "2026-10-24T00:00:00Z", 200),
        ("heart-rate", "raw", "2026-10-04T00:00:00Z", 413),
        ("heart-rate", "5m", "2026-06-01T00:00:00Z", 413),
        ("heart-rate", "1h", "2025-11-24T00:00:00Z", 200),
        ("heart-rate", "1d", "2001-01-01T00:00:00Z", 413),
        ("locations", None, "2026-06-01T00:00:00Z", 413),
        ("status", None, "2026-06-01T00:00:00Z", 413),
    ],
)
async def test_more_than_one_answer_holds_is_refused_with_what_to_ask_for(
    desk: Desk, path: str, bucket: str | None, start: str, status: int
) -> None:
    query = {"from": start, "to": "2026-11-24T00:00:00Z"} | ({"bucket": bucket} if bucket else {})
    answer = await desk.get(
        "daughter" if path != "locations" else "duty", f"/residents/{desk.here.wang}/{path}", **query
    )
    assert answer.status_code == status
    if status == 413:
        assert answer.headers["content-type"] == "application/problem+json"
        assert "days; ask for less" in answer.json()["detail"]


async def test_an_answer_that_is_too_large_is_a_problem(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "MOST_BYTES", 100)
    answer = await desk.get("duty", "/residents")
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:eldercare:problem:answer-too-large")


async def test_streams_of_one_person_are_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_OF_ANOTHER", 2)
    listening = stream.Changes(desk.database_url, None)  # type: ignore[arg-type]  # nothing is looked up
    family = visitors.Visitor(("person", 3), 3)
    duty = visitors.Visitor(("person", 1), 1, True)
    with listening.streaming(family), listening.streaming(family):
        with pytest.raises(stream.TooManyRequests):
            listening.require_room(family)
        listening.require_room(duty)
        listening.require_room(visitors.Visitor(("person", 4), 4))
    listening.require_room(family)


async def test_a_thousand_streams_of_others_leave_room_for_duty(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_OF_OTHERS", 3)
    monkeypatch.setattr(stream, "MOST_STREAMS", 4)
    listening = stream.Changes(desk.database_url, None)  # type: ignore[arg-type]  # nothing is looked up
    async with AsyncExitStack() as stack:
        for number in range(3):
            stack.enter_context(listening.streaming(visitors.Visitor(("person", number), number)))
        with pytest.raises(stream.Unavailable):
            listening.require_room(visitors.Visitor(("person", 9), 9))
        duty = visitors.Visitor(("person", 1), 1, True)
        listening.require_room(duty)
        stack.enter_context(listening.streaming(duty))
        with pytest.raises(stream.Unavailable):
            listening.require_room(duty)
