"""The one table from an error of the domain to an HTTP answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
import psycopg
import psycopg_pool
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.problems import FieldError, Problem, problem, respond
from eldercare.platform.errors import (
    Conflict,
    EldercareError,
    Forbidden,
    InvalidInput,
    NotFound,
    Outdated,
    TooLarge,
    TooManyAttempts,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from eldercare.platform.log import logger

_log = logger(__name__)

ErrorPage = Callable[[Request, Problem], Awaitable[Response]]
"""Shows a problem to a person: what the console sets as `app.state.error_page`."""

TABLE: dict[type[EldercareError], tuple[int, str, str]] = {
    InvalidInput: (422, "invalid-input", "内容有误 / Invalid input"),
    NotFound: (404, "not-found", "没有找到 / Not found"),
    Forbidden: (403, "forbidden", "没有权限 / Forbidden"),
    Unauthenticated: (401, "unauthenticated", "请先登录 / Nobody is logged in"),
    TooManyAttempts: (429, "too-many-attempts", "错误次数太多，请稍后再试 / Too many attempts, try again later"),
    TooManyRequests: (429, "too-many-requests", "请求过多，请稍后再试 / Too many requests, try again later"),
    TooLarge: (413, "answer-too-large", "查询范围过大 / The answer would be too large"),
    Conflict: (409, "conflict", "与现状冲突 / Conflict"),
    Outdated: (409, "outdated", "已在别处改过，请看现在的内容 / Changed elsewhere meanwhile"),
    Unavailable: (503, "unavailable", "暂时无法服务，请稍后再试 / Unavailable, try again"),
}
_HTTP = {
    400: ("bad-request", "请求有误 / Bad request"),
    404: ("not-found", "没有找到 / Not found"),
    408: ("too-slow", "请求没有及时传完 / The request did not arrive in time"),
    405: ("method-not-allowed", "不支持这种操作 / Method not allowed"),
    413: ("too-large", "内容过大 / Too large"),
}
RETRY_AFTER_S = "5"


def problem_of(error: Exception) -> Problem:
    """The problem that answers an error; an error that nobody foresaw tells nothing of itself."""
    match error:
        case InvalidInput(field=field, reason=reason):
            return _from_table(error, [FieldError(field=field, reason=reason)])
        case Outdated(stands=stands):
            return _from_table(error).model_copy(update={"stands": orjson.loads(orjson.dumps(stands))})
        case EldercareError() if type(error) in TABLE:
            return _from_table(error)
        case RequestValidationError():
            found = field_errors(error.errors())
            detail = "; ".join(f"{each.field}: {each.reason}" for each in found[:3])
            return problem(422, *TABLE[InvalidInput][1:], detail, found)
        case HTTPException():
            name, title = _HTTP.get(error.status_code, ("http", "请求无法完成 / Not possible"))
            return problem(error.status_code, name, title, str(error.detail))
        case psycopg.errors.NotNullViolation() | psycopg.errors.CheckViolation():
            detail = f"the database does not take this value{_about(error)}"
            return problem(422, *TABLE[InvalidInput][1:], detail)
        case psycopg.IntegrityError():
            detail = f"this collides with what is there already{_about(error)}"
            return problem(409, *TABLE[Conflict][1:], detail)
        case psycopg.errors.DataError():
            # A value PostgreSQL cannot hold, such as a NUL in a text; its message does not name the field.
            return problem(422, *TABLE[InvalidInput][1:], "a value cannot be stored")
        case psycopg.errors.QueryCanceled():
            detail = "the database took too long; ask for less, or try again later"
            return problem(503, *TABLE[Unavailable][1:], detail)
        case psycopg.errors.LockNotAvailable():
            detail = "somebody else is just changing the same; try again in a moment"
            return problem(503, *TABLE[Unavailable][1:], detail)
        case psycopg.errors.IdleInTransactionSessionTimeout():
            return problem(503, *TABLE[Unavailable][1:], "this service was stopped in between; nothing was changed")
        case psycopg.OperationalError() | psycopg_pool.PoolTimeout() | psycopg.InterfaceError():
            return problem(503, *TABLE[Unavailable][1:], "the database is away")
        case _:
            return problem(500, "internal", "内部错误 / Internal error")


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """Pydantic's findings as field and reason."""
    return [
        FieldError(field=".".join(str(part) for part in each["loc"]), reason=each["msg"].removeprefix("Value error, "))
        for each in errors
    ]


def install(app: FastAPI) -> None:
    """Answer every error from the table: as problem details, or as a page where the console set one."""

    for kind in (EldercareError, RequestValidationError, HTTPException, psycopg.Error, psycopg_pool.PoolTimeout):
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(Exception, answer)


async def answer(request: Request, error: Exception) -> Response:
    """The response that answers an error: problem details, or a page for somebody who reads HTML."""
    found = problem_of(error)
    if found.status >= 500:
        _log.error("request_failed", path=request.url.path, status=found.status, error=error)
    elif isinstance(error, psycopg.Error):
        _log.warning("request_refused_by_database", path=request.url.path, status=found.status, error=error)
    headers = dict(getattr(error, "headers", None) or {})
    if found.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if found.status == 503:
        headers["Retry-After"] = RETRY_AFTER_S
    if isinstance(error, TooManyAttempts | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    page: ErrorPage | None = getattr(request.app.state, "error_page", None)
    if page is not None and _wants_page(request):
        response = await page(request, found)
        if "Retry-After" in headers:
            response.headers["Retry-After"] = headers["Retry-After"]
        return response
    return respond(found, headers)


def _about(error: psycopg.Error) -> str:
    """Which rule of which table an error is about, by their names in the schema; never the values."""
    said = error.diag
    names = [name for name in (said.table_name, said.column_name, said.constraint_name) if name]
    return f": {', '.join(names)}" if names else ""


def _from_table(error: EldercareError, errors: list[FieldError] | None = None) -> Problem:
    status, name, title = TABLE[type(error)]
    return problem(status, name, title, str(error), errors)


def _wants_page(request: Request) -> bool:
    machine = request.url.path.startswith(("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics"))
    return not machine and "text/html" in request.headers.get("accept", "")
