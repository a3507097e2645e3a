"""Logging in and out, and what a request must bring along."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from api.app import create_app
from api.deps import COOKIE, MOST_WAITING_LOGINS
from eldercare import sessions, throttle
from eldercare.database import Connection, connect
from eldercare.settings import Settings
from tests.conftest import MakeSettings

PASSWORD = "a long password"
LOGIN = {"username": "duty", "password": PASSWORD}


@pytest.fixture
async def person(database_url: str) -> None:
    conn = await connect(database_url)
    person = await (
        await conn.execute(
            "insert into person (name, username, password_hash) values ('李伟', 'duty', %s) returning id",
            (sessions.hash_password(PASSWORD),),
        )
    ).fetchone()
    assert person is not None
    await conn.execute("insert into person_role (person_id, role) values (%s, 'duty')", person)
    await conn.commit()
    await conn.close()


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        # Raised anew for the server's log, after it was answered, a mistake of ours would hide that answer.
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://desk.example"
        ) as found,
    ):
        yield found


@pytest.fixture
async def client(person: None, database_url: str, make_settings: MakeSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with served(make_settings(database_url=database_url)) as found:
        yield found


async def test_a_login_sets_a_cookie_and_tells_the_token_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/session", json=LOGIN)
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    me = await client.get("/api/v1/session")
    assert me.status_code == 200
    assert me.json()["name"] == "李伟"
    assert "token" not in me.json()
    client.cookies.clear()
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert (await client.get("/api/v1/session", headers=bearer)).status_code == 200


async def test_nobody_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/session")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["type"] == "urn:eldercare:problem:unauthenticated"


async def test_a_wrong_password_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/session", json=LOGIN | {"password": "not the password"})
    assert answer.status_code == 401
    assert COOKIE not in client.cookies


async def test_who_guesses_has_to_wait_and_the_usual_browser_has_not(
    client: httpx.AsyncClient, conn: Connection
) -> None:
    assert (await client.post("/api/v1/session", json=LOGIN)).status_code == 201
    usual = {name: value for name, value in client.cookies.items() if name != COOKIE}
    forged = {name: f"{value[:-1]}{'0' if value[-1] != '0' else '1'}" for name, value in usual.items()}
    client.cookies.clear()
    for cookies in ({}, forged):
        client.cookies.update(cookies)
        wrong = await client.post("/api/v1/session", json=LOGIN | {"password": "guessed"})
        assert wrong.status_code == 401
    assert await _failures(conn) == [2]
    await conn.execute("update login_failure set failures = 50")
    await conn.commit()
    refused = await client.post("/api/v1/session", json=LOGIN)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= throttle.LONGEST.total_seconds()
    assert refused.json()["type"] == "urn:eldercare:problem:too-many-attempts"
    client.cookies.update(usual)
    assert (await client.post("/api/v1/session", json=LOGIN | {"password": "mistyped"})).status_code == 401
    assert await _failures(conn) == [1, 50]
    assert (await client.post("/api/v1/session", json=LOGIN | {"username": "Duty "})).status_code == 201
    assert await _failures(conn) == [50]


async def _failures(conn: Connection) -> list[int]:
    rows = await (await conn.execute("select failures from login_failure order by failures")).fetchall()
    await conn.commit()
    return [row[0] for row in rows]


async def test_a_write_by_cookie_needs_our_own_origin(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/session", json=LOGIN)
    assert (await client.delete("/api/v1/session")).status_code == 403
    foreign = await client.delete("/api/v1/session", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    own = await client.delete("/api/v1/session", headers={"Origin": "http://desk.example"})
    assert own.status_code == 204
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_wrong_body_names_its_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/session", json={"username": "duty"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "body.password", "reason": "Field required"}]


async def test_a_body_without_end_is_cut_off(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/session", content=b"x" * 1_000_000)
    assert answer.status_code == 413


async def test_health_and_readiness(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_not_ready_while_the_database_is_away(make_settings: MakeSettings) -> None:
    async with served(make_settings(database_url="postgresql://nobody@127.0.0.1:1/none")) as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/readyz")
        assert (await client.get("/metrics")).text.endswith("eldercare_database_up 0.0\n")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_not_ready_before_the_migrations(empty_database_url: str, make_settings: MakeSettings) -> None:
    async with served(make_settings(database_url=empty_database_url)) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert "eldercare migrate" in answer.json()["detail"]


async def test_behind_https_the_cookie_is_secure_and_its_origin_is_ours(
    person: None, database_url: str, make_settings: MakeSettings
) -> None:
    public = "https://care.example"
    async with served(make_settings(database_url=database_url, public_url=public)) as client:
        answer = await client.post("/api/v1/session", json=LOGIN, headers={"Origin": public})
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        cookie = f"{COOKIE}={answer.json()['token']}"
        gone = await client.delete("/api/v1/session", headers={"Origin": public, "Cookie": cookie})
        assert gone.status_code == 204


async def test_nobody_is_logged_in_from_another_origin(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/session", json=LOGIN, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert COOKIE not in client.cookies


async def test_every_answer_is_kept_from_frames_and_caches(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/api/v1/session", "/nowhere"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


async def test_the_answer_to_a_mistake_of_ours_is_kept_from_them_too(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sessions, "login", broken)
    answer = await client.post("/api/v1/session", json=LOGIN)
    assert (answer.status_code, answer.json()["title"] != "") == (500, True)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_crowd_at_the_door_waits_without_the_database(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "FREE", 1000)
    wrong = LOGIN | {"password": "guessed"}
    answers = await asyncio.gather(
        *(client.post("/api/v1/session", json=wrong) for _ in range(MOST_WAITING_LOGINS + 10)), client.get("/readyz")
    )
    statuses = Counter(answer.status_code for answer in answers[:-1])
    assert statuses == {401: MOST_WAITING_LOGINS, 503: 10}
    assert answers[-1].status_code == 200
    assert (await client.post("/api/v1/session", json=LOGIN)).status_code == 201
