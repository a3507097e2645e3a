"""How routes answer: the noun's own dataclasses as JSON, documented with an example.

orjson writes answers straight from the dataclasses. Validating each value a second time on the way out would
cost more than the query of a chart; the tests compare every answer with its documented schema instead.
"""

from typing import Any

import orjson
from starlette.responses import Response

from api.problems import documented
from eldercare.platform.errors import TooLarge

MOST_BYTES = 16 * 1024 * 1024
"""The largest answer, which is held until its reader has taken it. A page of 50,000 fixes has half of this."""
NULL = "__null__"
"""Stands for null in examples: FastAPI drops every None from the document, and `api.openapi` puts them back."""


class Json(Response):
    """A JSON body made of dataclasses, enums, aware times (RFC 3339) and plain values."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes. A subclass of str that is an enum is written as its value. Raises TooLarge."""
        body = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
        if len(body) > MOST_BYTES:
            raise TooLarge(f"the answer has {len(body)} bytes, {MOST_BYTES} are the most; ask for less")
        return body


def answers(example: Any, *statuses: int, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route: its example, and the problems it may answer with.

    Everybody may meet 401, 429 and 503, so these are always there; a body that may be too large may also be unreadable.
    """
    always = {401, 429, 503} | ({400} if 413 in statuses else set())
    return {
        status: {"content": {"application/json": {"example": _with_words(example)}}},
        **documented(*sorted({*always, *statuses})),
    }


def _with_words(value: Any) -> Any:
    match value:
        case None:
            return NULL
        case dict():
            return {name: _with_words(each) for name, each in value.items()}
        case list():
            return [_with_words(each) for each in value]
        case _:
            return value
