"""Logging in and out, and what a request must bring along."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import create_app
from api.deps import COOKIE
from eldercare import sessions
from eldercare.database import connect
from tests.conftest import MakeSettings

PASSWORD = "a long password"
LOGIN = {"username": "duty", "password": PASSWORD}


@pytest.fixture
async def client(database_url: str, make_settings: MakeSettings) -> AsyncIterator[httpx.AsyncClient]:
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
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as found,
    ):
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
    app = create_app(make_settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client,
    ):
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
