"""What the database says about a row stays out of logs and answers: only what rule of which table it is."""

import io
import json
import sys
import threading

import httpx
import psycopg
import pytest
import uvicorn

from api.app import create_app
from api.deps import Db
from eldercare.platform import log, redaction
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.support.services.processes import free_port

NAME, PHONE = "王秀英", "+99910000077"


async def refused(conn: Connection, statement: str, *values: object) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        async with conn.transaction():
            await conn.execute(statement, values)
    return caught.value


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("insert into grid (name, community) values (%s, ''), ('x', '')", "UniqueViolation 23505"),
        ("insert into person (name, phone, language) values (%s, 'abc', 'zz')", "CheckViolation 23514"),
        ("insert into person (name) values (nullif(%s, '王秀英'))", "NotNullViolation 23502"),
        ("select %s::text::int", "InvalidTextRepresentation 22P02"),
        ("select %s::text::timestamptz", "InvalidDatetimeFormat 22007"),
        ("do $$ begin raise exception 'not 王秀英'; end $$ -- %s", "RaiseException P0001"),
    ],
)
async def test_an_error_names_the_rule_and_no_value(conn: Connection, statement: str, told: str) -> None:
    await conn.execute("insert into grid (name, community) values ('x', '')")
    error = (
        await refused(conn, statement, NAME)
        if "$$" not in statement
        else await refused(conn, statement.split(" -- ")[0])
    )
    assert redaction.told(error).startswith(told)
    assert NAME not in redaction.told(error)
    assert NAME not in redaction.traceback_of(error)
    assert NAME not in redaction.redacted(str(error)) or "23" not in told  # the net below, of what was made a text


async def test_what_the_client_itself_says_of_data_is_not_told(conn: Connection) -> None:
    error = await refused(conn, "select %s::text", f"{NAME}\0")
    assert redaction.told(error) == "DataError"
    away = psycopg.OperationalError("connection to postgresql://u:secret@h refused")
    assert redaction.told(away) == "OperationalError connection to postgresql://…@h refused"


@pytest.fixture
def logged(own_logging: None, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.configure("info", "api")
    return out


async def test_a_collision_is_a_conflict_and_a_mistake_of_ours_is_logged_without_the_row(
    database_url: str, make_settings: MakeSettings, logged: io.StringIO
) -> None:
    app = create_app(make_settings(database_url=database_url))

    async def collide(conn: Db) -> None:
        await conn.execute("insert into grid (name, community) values (%s, '')", (NAME,))
        await conn.execute("insert into grid (name, community) values (%s, '')", (NAME,))

    async def lack(conn: Db) -> None:
        await conn.execute("insert into person (name, language) values (%s, 'zz')", (NAME,))

    async def mistake(conn: Db) -> None:
        try:
            await collide(conn)
        except psycopg.Error as error:
            raise RuntimeError(f"no way on: {error}") from error

    for name, route in (("collide", collide), ("lack", lack), ("mistake", mistake)):
        app.add_api_route(f"/api/v1/{name}", route)
    config = uvicorn.Config(app, port=free_port(), log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        through = httpx.AsyncHTTPTransport(retries=50)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{config.port}", transport=through, timeout=30
        ) as client:
            answers = [await client.get(f"/api/v1/{name}") for name in ("collide", "lack", "mistake")]
    finally:
        server.should_exit = True
        thread.join()
    assert [answer.status_code for answer in answers] == [409, 422, 500]
    assert answers[0].json() == {
        "type": "urn:eldercare:problem:conflict", "title": "与现状冲突 / Conflict", "status": 409,
        "detail": "this collides with what is there already: grid, grid_name_key",
    }  # fmt: skip
    assert "person_language_check" in answers[1].json()["detail"]
    assert NAME not in "".join(answer.text for answer in answers)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert NAME not in json.dumps(lines, ensure_ascii=False)
    found = {line["event"].strip(): line for line in lines}
    assert found["request_refused_by_database"]["error"].startswith("CheckViolation 23514")
    assert found["request_failed"]["error"].startswith("RuntimeError: no way on: duplicate key")
    assert "UniqueViolation 23505" in found["Exception in ASGI application"]["exception"]
