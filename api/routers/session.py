"""Logging in and out: a cookie for browsers, the same token as bearer for programs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field

from alerts.incidents import desk
from api.deps import COOKIE, CurrentSession, Db, Now, require_same_origin
from api.logins import begin, set_cookies, set_session_cookie
from api.problems import documented
from eldercare.accounts import sessions
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role, Viewer

router = APIRouter(prefix="/session", tags=["session"])


class Credentials(BaseModel):
    """What a person types."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(min_length=1, max_length=64, examples=["duty"])]
    password: Annotated[str, Field(min_length=1, max_length=sessions.MAX_PASSWORD_CHARS, examples=["correct horse"])]


class Me(BaseModel):
    """Who is logged in, until when (with no further request)."""

    person_id: Annotated[int, Field(examples=[7])]
    name: Annotated[str, Field(examples=["李伟"])]
    role: Annotated[str, Field(examples=["duty"])]
    roles: Annotated[list[str], Field(examples=[["duty", "duty_lead"]])]
    language: Annotated[str, Field(examples=["zh"])]
    expires_at: datetime


class Started(Me):
    """A new session. `token` is told this once."""

    token: Annotated[str, Field(examples=["PkSJ0h3..."])]


@router.post("", status_code=status.HTTP_201_CREATED, responses=documented(400, 401, 403, 413, 422, 429, 503))
async def log_in(body: Credentials, request: Request, response: Response) -> Started:
    """Begin a session: sets the cookie, and returns the same token for `Authorization: Bearer`."""
    if "origin" in request.headers:
        require_same_origin(request)
    login = await begin(request, body.username, body.password)
    set_cookies(request, response, body.username, login)
    return Started(**_me(login.viewer, login.expires_at).model_dump(), token=login.token)


@router.get("", responses=documented(401, 429, 503))
async def who_am_i(session: CurrentSession) -> Me:
    """Who is logged in."""
    return _me(session.viewer, session.expires_at)


@router.post("/renew", status_code=status.HTTP_201_CREATED, responses=documented(401, 403, 409, 429, 503))
async def renew(session: CurrentSession, request: Request, response: Response, conn: Db) -> Started:
    """Begin another session in the last day of this one, as a duty board does while it is in use."""
    require_role(session.viewer, Role.DUTY)
    login = await sessions.renew(conn, session, request.headers.get("user-agent"))
    set_session_cookie(request, response, login)
    return Started(**_me(login.viewer, login.expires_at).model_dump(), token=login.token)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT, responses=documented(401, 403, 429, 503))
async def log_out(session: CurrentSession, response: Response, conn: Db, now: Now) -> None:
    """End the session: the token is worth nothing from now on, and nobody is left at the desk to handle anything."""
    await sessions.end(conn, session.key)
    await desk.leave(conn, session.viewer.person_id, now)
    response.delete_cookie(COOKIE, path="/")


def _me(viewer: Viewer, expires_at: datetime) -> Me:
    return Me(
        person_id=viewer.person_id,
        name=viewer.name,
        role=viewer.role,
        roles=sorted(viewer.roles),
        language=viewer.language,
        expires_at=expires_at,
    )
