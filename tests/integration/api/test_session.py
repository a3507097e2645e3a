"""Logging in and out, and what a request must bring along."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from api import logins
from api.app import create_app
from api.deps import COOKIE
from eldercare.accounts import sessions, throttle
from eldercare.platform.database import Connection, connect
from eldercare.platform.settings import Settings
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
    await conn.execute("update login_failure set failures = 50 where failures > 0")
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
    rows = await (
        await conn.execute("select failures from login_failure where failures > 0 order by failures")
    ).fetchall()
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


async def _log_in(client: httpx.AsyncClient, **more: str) -> httpx.Response:
    return await client.post("/api/v1/session", json=LOGIN | more)


async def test_a_flood_of_made_up_names_keeps_nobody_out(client: httpx.AsyncClient) -> None:
    flood = [_log_in(client, username=f"nobody-{number}", password="guessed") for number in range(60)]
    *guesses, duty, ready = await asyncio.gather(*flood, _log_in(client), client.get("/readyz"))
    assert duty.status_code == 201
    assert ready.status_code == 200
    # One is looked at and as many as may wait, wait; the rest is told when to come again.
    statuses = Counter(answer.status_code for answer in guesses)
    assert set(statuses) == {401, 429}
    assert logins.QUEUE.each_waiting < statuses[401] < 60
    assert all("retry-after" in answer.headers for answer in guesses if answer.status_code == 429)


async def test_guesses_at_another_name_keep_nobody_out(client: httpx.AsyncClient, conn: Connection) -> None:
    await conn.execute(
        "insert into person (name, username, password_hash) select 'x', 'known-' || n, password_hash"
        " from person, generate_series(1, 3) n"
    )
    await conn.commit()
    flood = [_log_in(client, username=f"known-{number % 3 + 1}", password="guessed") for number in range(60)]
    *guesses, duty = await asyncio.gather(*flood, _log_in(client))
    assert duty.status_code == 201
    assert set(Counter(answer.status_code for answer in guesses)) <= {401, 429}


async def test_guesses_at_the_name_itself_do_not_keep_out_its_usual_browser(client: httpx.AsyncClient) -> None:
    assert (await _log_in(client)).status_code == 201
    usual = {name: value for name, value in client.cookies.items() if name != COOKIE}
    client.cookies.clear()
    flood = [_log_in(client, password="guessed") for _ in range(60)]
    own = client.post(
        "/api/v1/session", json=LOGIN, headers={"Cookie": "; ".join(f"{n}={v}" for n, v in usual.items())}
    )
    *guesses, duty = await asyncio.gather(*flood, own)
    assert duty.status_code == 201
    assert Counter(answer.status_code for answer in guesses)[401] == throttle.FREE


@pytest.mark.parametrize("real", [True, False])
async def test_guesses_from_one_network_spread_over_names_meet_a_limit(
    client: httpx.AsyncClient, conn: Connection, monkeypatch: pytest.MonkeyPatch, real: bool
) -> None:
    monkeypatch.setitem(logins.BY_NETWORK, real, (3, timedelta(hours=1)))
    if real:
        await conn.execute(
            "insert into person (name, username, password_hash) select 'x', 'name-' || n, password_hash"
            " from person, generate_series(0, 9) n"
        )
        await conn.commit()
    answers = [await _log_in(client, username=f"name-{number}", password="guessed") for number in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    elsewhere = {"X-Forwarded-For": "203.0.113.7"}
    guess = LOGIN | {"username": "name-7", "password": "guessed"}
    assert (await client.post("/api/v1/session", json=guess, headers=elsewhere)).status_code == 401


async def test_guesses_at_one_name_spread_over_networks_meet_a_limit(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await _log_in(client)).status_code == 201
    usual = {name: value for name, value in client.cookies.items() if name != COOKIE}
    client.cookies.clear()
    monkeypatch.setattr(logins, "BY_NAME", (3, timedelta(hours=1)))
    statuses = []
    for number in range(5):
        guess = LOGIN | {"password": "guessed"}
        answer = await client.post("/api/v1/session", json=guess, headers={"X-Forwarded-For": f"203.0.113.{number}"})
        statuses.append(answer.status_code)
    assert statuses == [401, 401, 401, 429, 429]
    client.cookies.update(usual)
    assert (await _log_in(client)).status_code == 201


async def test_a_right_password_is_no_guess(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "BY_NAME", (2, timedelta(hours=1)))
    for _ in range(5):
        client.cookies.clear()
        assert (await _log_in(client)).status_code == 201


async def test_only_our_own_proxy_says_where_somebody_comes_from(
    person: None, database_url: str, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(logins.BY_NETWORK, False, (1, timedelta(hours=1)))
    for trusted, expected in (("127.0.0.0/8", [401, 401]), ("10.1.2.3", [401, 429])):
        async with served(make_settings(database_url=database_url, trusted_proxies=trusted)) as client:
            statuses = [
                (
                    await client.post(
                        "/api/v1/session",
                        json={"username": f"nobody {trusted} {number}", "password": "guessed"},
                        headers={"X-Forwarded-For": f"198.51.100.{number}"},
                    )
                ).status_code
                for number in range(2)
            ]
        assert statuses == expected, trusted


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("HTTPS://Care.Example", "https://care.example"),
        ("https://care.example:443/", "https://care.example"),
        ("http://care.example:80", "http://care.example"),
        ("https://care.example:8443", "https://care.example:8443"),
        ("https://看护.example", "https://xn--3ru076b.example"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ],
)
async def test_whatever_public_url_is_written_like_its_pages_may_log_in(
    person: None, database_url: str, make_settings: MakeSettings, public_url: str, origin: str
) -> None:
    async with served(make_settings(database_url=database_url, public_url=public_url)) as client:
        form = {**LOGIN, "next": "/"}
        assert (await client.post("/login", data=form, headers={"Origin": origin})).status_code == 303
        for foreign in ("https://other.example", "null", "https://care.example.evil.example"):
            assert (await client.post("/login", data=form, headers={"Origin": foreign})).status_code == 403


async def test_behind_our_own_proxy_the_page_is_as_the_browser_sees_it(
    person: None, database_url: str, make_settings: MakeSettings
) -> None:
    async with served(make_settings(database_url=database_url)) as client:
        headers = {"Origin": "https://desk.example", "X-Forwarded-Proto": "https"}
        answer = await client.post("/login", data=LOGIN, headers=headers)
        assert answer.status_code == 303
        assert "Secure" in answer.headers["set-cookie"]


async def test_the_login_page_is_there_without_a_database(make_settings: MakeSettings) -> None:
    async with served(make_settings(database_url="postgresql://nobody@127.0.0.1:1/none")) as client:
        assert (await client.get("/login", headers={"Accept": "text/html"})).status_code == 200


@asynccontextmanager
async def metrics(settings: Settings) -> AsyncIterator[Callable[..., Awaitable[int]]]:
    """`await status(peer, header=value)`: how somebody at this address is answered. The database is away, which costs
    no metrics, but seconds at the end of the service."""
    app = create_app(settings)

    async def status(peer: str, **headers: str) -> int:
        through = httpx.ASGITransport(app, client=(peer, 40_000))
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=through, base_url="http://desk.example") as found:
            return (await found.get("/metrics", headers=names)).status_code

    async with app.router.lifespan_context(app):
        yield status


async def test_metrics_are_for_this_machine_or_for_who_has_their_token(make_settings: MakeSettings) -> None:
    async with metrics(make_settings(database_url="postgresql://nobody@127.0.0.1:1/none")) as status:
        assert await status("127.0.0.1") == 200
        assert await status("::1") == 200
        assert await status("192.0.2.7") == 404
        for name in ("x_forwarded_for", "forwarded", "x_real_ip", "via"):
            assert await status("127.0.0.1", **{name: "127.0.0.1"}) == 404, name
    token = "a token of the monitoring"
    told = make_settings(database_url="postgresql://nobody@127.0.0.1:1/none", metrics_token=token)
    async with metrics(told) as status:
        assert await status("192.0.2.7", authorization=f"Bearer {token}") == 200
        for wrong in ({}, {"authorization": f"Basic {token}"}, {"authorization": f"Bearer {token}x"}):
            assert await status("127.0.0.1", **wrong) == 401, wrong


async def test_the_document_of_the_api_is_for_who_is_logged_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/openapi.json")).status_code == 401
    await client.post("/api/v1/session", json=LOGIN)
    assert (await client.get("/api/v1/openapi.json")).json()["info"]["title"] == "eldercare"
