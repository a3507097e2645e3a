"""Problem details (RFC 9457): the one shape of every error of the JSON API."""

import json
from typing import Annotated, Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:eldercare:problem:"


class FieldError(BaseModel):
    """One value that cannot be used. `field` is its path, with dots."""

    field: Annotated[str, Field(examples=["body.phone"])]
    reason: Annotated[str, Field(examples=["must not be empty"])]


class Problem(BaseModel):
    """What went wrong: `type` for programs, `title` for people in Chinese and English, `detail` for this one time."""

    type: Annotated[str, Field(examples=["urn:eldercare:problem:not-found"])]
    title: Annotated[str, Field(examples=["没有找到 / Not found"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(examples=["resident 12 not found"])] = ""
    errors: list[FieldError] = []
    stands: Annotated[
        dict[str, Any] | None, Field(description="what stands now, where it was changed since it was read")
    ] = None


class ProblemResponse(JSONResponse):
    """A problem, as a response. It repeats what was sent, where half a character becomes a question mark."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


def problem(status: int, name: str, title: str, detail: str = "", errors: list[FieldError] | None = None) -> Problem:
    """A problem whose type is `name`, a word with dashes."""
    return Problem(type=_TYPE_PREFIX + name, title=title, status=status, detail=detail, errors=errors or [])


def respond(found: Problem, headers: dict[str, str] | None = None) -> ProblemResponse:
    """The response of a problem."""
    content = found.model_dump(exclude={name for name in ("errors", "stands") if not getattr(found, name)})
    return ProblemResponse(content, status_code=found.status, headers=headers)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that may answer with these statuses; the schema is `Problem`."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses
    }


_MEANINGS = {
    400: "无法读取 / The body cannot be read",
    401: "没有登录 / Nobody is logged in",
    403: "没有权限 / Not allowed",
    404: "没有找到 / Not found",
    409: "与现状冲突 / In conflict with the present state",
    408: "没有及时传完 / The request did not arrive in time",
    413: "内容过大 / The request, or the answer, would be too large",
    422: "内容有误 / Invalid input, field by field",
    429: "请求过多 / Too many requests, or wrong passwords; Retry-After says when to try again",
    503: "暂时无法服务 / The database is away",
}
