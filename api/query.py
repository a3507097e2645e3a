"""Parameters that many routes share."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from eldercare.platform.errors import TooLarge
from eldercare.platform.validation.moments import Moment

EXAMPLE = "2026-11-24T08:00:00+08:00"

From = Annotated[
    Moment | None, Query(alias="from", description="included; a day before `to` when absent", examples=[EXAMPLE])
]
To = Annotated[Moment | None, Query(alias="to", description="excluded; now when absent", examples=[EXAMPLE])]
Cursor = Annotated[
    str | None,
    Query(max_length=400, description="`next_cursor` of the page before", examples=["WyJyZXNpZGVudHMiLDEyXQ"]),
]


async def known_only(request: Request) -> None:
    """Raise RequestValidationError naming the parameters of the query that the route does not know. A misspelt filter
    that was ignored would be answered with everything."""
    names = _known(request.scope["route"])
    unknown = sorted({name for name in request.query_params if name not in names})
    if unknown:
        known = f"; known are {', '.join(sorted(names))}" if names else ""
        reason = f"is no parameter of this address{known}"
        raise RequestValidationError(
            [{"loc": ("query", name), "msg": reason, "type": "extra"} for name in unknown[:10]]
        )


_names: dict[Callable[..., Any], frozenset[str]] = {}
"""The parameters of a route's query, by the route's function."""


def _known(route: APIRoute) -> frozenset[str]:
    if route.endpoint not in _names:
        asked = get_flat_params(route.dependant)
        _names[route.endpoint] = frozenset(each.alias for each in asked if isinstance(each.field_info, params.Query))
    return _names[route.endpoint]


MONTH = timedelta(days=35)
SEASON = timedelta(days=100)
YEAR = timedelta(days=400)
"""The longest spans that anybody may ask for, each with some days to spare."""


def span(
    start: datetime | None, end: datetime | None, now: datetime, most: timedelta = YEAR
) -> tuple[datetime, datetime]:
    """`from` and `to` with their defaults: until now, from a day before. Raises TooLarge for more than `most`."""
    last = end or now
    first = start or last - timedelta(days=1)
    if last - first > most:
        raise TooLarge(f"from {first.isoformat()} to {last.isoformat()} is more than {most.days} days; ask for less")
    return first, last
