"""Server-sent events: a hint that an incident changed, for everybody who may know of it."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, cast

import orjson
from fastapi import APIRouter, Depends, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.deps import CurrentSession, credentials
from api.problems import documented
from api.stream import Changes
from api.visitors import Visitor, visitor_of
from eldercare.platform.errors import Unauthenticated
from eldercare.platform.log import logger

router = APIRouter(tags=["events"])

_log = logger(__name__)
_EXAMPLE = 'id: 4711\nevent: incident\ndata: {"id":12}\n\nid: 4711\nevent: ping\ndata: {}\n\n'


@router.get(
    "/events",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "`incident`: read this one again. `ping`: still here, every few seconds."
            " `away`: the database does not answer; what changes now is not known."
            " `session`: it ends at `ends_at`, however much it is used; with `renews`, `POST /session/renew` begins"
            " another.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **documented(401, 422, 429, 503),
    },
)
async def events(
    request: Request,
    session: CurrentSession,
    token: Annotated[str, Depends(credentials)],
    last_event_id: Annotated[
        str | None, Header(max_length=40, description="the `id` heard last: what came after it is told first")
    ] = None,
) -> EventSourceResponse:
    """Incidents that change, as they change. The stream ends with the session. Each time it decides what the viewer may
    know."""
    changes = cast(Changes, request.app.state.changes)
    visitor = visitor_of(request)
    changes.require_room(visitor)
    since = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 19 else None
    return EventSourceResponse(_stream(changes, visitor, token, since), ping=3600)


async def _stream(changes: Changes, visitor: Visitor, token: str, since: int | None) -> AsyncIterator[ServerSentEvent]:
    # The pings of the library are comments, which a page's script never sees; ours are events.
    try:
        async with aclosing(changes.follow(visitor, token, since)) as followed:
            async for change in followed:
                number = str(change.last_event_id)
                for incident_id in change.incidents:
                    yield ServerSentEvent(data=orjson.dumps({"id": incident_id}).decode(), event="incident", id=number)
                if change.ends_at is not None:
                    ends = {"ends_at": change.ends_at, "renews": visitor.on_duty}
                    yield ServerSentEvent(data=orjson.dumps(ends).decode(), event="session", id=number)
                yield ServerSentEvent(data="{}", event="away" if change.away else "ping", id=number)
    except Unauthenticated:
        return
    except Exception as error:
        _log.warning("stream_ended", error=error)
