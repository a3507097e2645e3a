"""One table from errors to answers."""

import httpx
import psycopg
import psycopg_pool
import pytest
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from api import errors
from api.problems import Problem
from eldercare.platform.errors import (
    ConfigurationError,
    Conflict,
    EldercareError,
    Forbidden,
    InvalidInput,
    NotFound,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (InvalidInput("phone", "is empty"), 422, "invalid-input"),
        (NotFound("resident", 12), 404, "not-found"),
        (Forbidden("no"), 403, "forbidden"),
        (Unauthenticated("no"), 401, "unauthenticated"),
        (TooManyAttempts(7), 429, "too-many-attempts"),
        (Conflict("resolved"), 409, "conflict"),
        (Unavailable("away"), 503, "unavailable"),
        (HTTPException(405), 405, "method-not-allowed"),
        (HTTPException(418), 418, "http"),
        (psycopg.errors.UntranslatableCharacter("nul"), 422, "invalid-input"),
        (psycopg.OperationalError("gone"), 503, "unavailable"),
        (psycopg.errors.AdminShutdown("gone"), 503, "unavailable"),
        (psycopg_pool.PoolTimeout("slow"), 503, "unavailable"),
        (psycopg.errors.UndefinedTable("?"), 500, "internal"),
        (ConfigurationError("?"), 500, "internal"),
        (ZeroDivisionError("secret value"), 500, "internal"),
    ],
)
def test_the_table(error: Exception, status: int, name: str) -> None:
    found = errors.problem_of(error)
    assert (found.status, found.type) == (status, f"urn:eldercare:problem:{name}")
    assert "secret" not in found.detail
    assert " / " in found.title


def test_every_error_of_the_domain_has_its_row() -> None:
    answered = {kind for kind in EldercareError.__subclasses__() if kind.__module__ == "eldercare.platform.errors"}
    assert answered - {ConfigurationError} == set(errors.TABLE)


def test_a_wrong_value_names_its_field() -> None:
    found = errors.problem_of(InvalidInput("phone", "is empty"))
    assert [(each.field, each.reason) for each in found.errors] == [("phone", "is empty")]


async def _answers(accept: str, path: str) -> httpx.Response:
    app = FastAPI()
    errors.install(app)

    async def page(request: Request, found: Problem) -> Response:
        return Response(f"<h1>{found.title}</h1>", status_code=found.status, media_type="text/html")

    app.state.error_page = page

    @app.get("/{rest:path}")
    async def fail(rest: str) -> None:
        raise Conflict("it is over")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client:
        return await client.get(path, headers={"Accept": accept})


async def test_people_see_a_page_and_programs_a_problem() -> None:
    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    assert (await _answers(browser, "/residents/1")).headers["content-type"].startswith("text/html")
    for accept, path in ((browser, "/api/v1/residents/1"), ("*/*", "/residents/1"), (browser, "/metrics")):
        answer = await _answers(accept, path)
        assert answer.status_code == 409
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "urn:eldercare:problem:conflict",
            "title": "与现状冲突 / Conflict",
            "status": 409,
            "detail": "it is over",
        }
