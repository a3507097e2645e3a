"""One table from errors to answers."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import psycopg
import psycopg_pool
import pytest
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from api import errors
from api.problems import Problem, respond
from eldercare.platform.errors import (
    ConfigurationError,
    Conflict,
    EldercareError,
    Forbidden,
    InvalidInput,
    NotFound,
    Outdated,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)


@dataclass
class Thing:
    """What may be changed."""

    version: int
    saved_at: datetime


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (InvalidInput("phone", "is empty"), 422, "invalid-input"),
        (NotFound("resident", 12), 404, "not-found"),
        (Forbidden("no"), 403, "forbidden"),
        (Unauthenticated("no"), 401, "unauthenticated"),
        (TooManyAttempts(7), 429, "too-many-attempts"),
        (Conflict("resolved"), 409, "conflict"),
        (Outdated("saved elsewhere", {"version": 2}), 409, "outdated"),
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


async def test_what_stands_now_is_told_with_what_is_outdated_and_with_nothing_else() -> None:
    stands = Thing(7, datetime(2026, 11, 24, 6, 0, tzinfo=UTC))
    body = json.loads(bytes(respond(errors.problem_of(Outdated("saved elsewhere", stands))).body))
    assert body["stands"] == {"version": 7, "saved_at": "2026-11-24T06:00:00+00:00"}
    assert "stands" not in json.loads(bytes(respond(errors.problem_of(Conflict("resolved"))).body))


def test_half_a_character_that_somebody_sent_is_no_reason_not_to_answer() -> None:
    body = bytes(respond(errors.problem_of(InvalidInput("\ud800", "is no threshold: 阈值"))).body)
    assert json.loads(body)["errors"] == [{"field": "?", "reason": "is no threshold: 阈值"}]


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
