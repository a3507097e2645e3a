"""Logging in and out: a cookie for browsers, the same token as bearer for programs."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field

from alerts import desk
from api.deps import COOKIE, CurrentSession, Db, LoginSlot, Now, over_https, pools_of, require_same_origin
from api.problems import documented
from eldercare import clock, sessions, throttle
from eldercare.access import Viewer
from eldercare.database import Connection
from eldercare.sessions import Login

BROWSER_KNOWN = timedelta(days=365)

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
async def log_in(body: Credentials, request: Request, response: Response, _slot: LoginSlot) -> Started:
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


@router.delete("", status_code=status.HTTP_204_NO_CONTENT, responses=documented(401, 403, 429, 503))
async def log_out(session: CurrentSession, response: Response, conn: Db, now: Now) -> None:
    """End the session: the token is worth nothing from now on, and nobody is left at the desk to handle anything."""
    await sessions.end(conn, session.key)
    await desk.leave(conn, session.viewer.person_id, now)
    response.delete_cookie(COOKIE, path="/")


async def begin(request: Request, username: str, password: str) -> Login:
    """Begin a session. Raises Unauthenticated, and TooManyAttempts where too many of these came before.

    Two transactions: the failure is counted though the login fails, and no row is held while the password is verified.
    """
    async with pools_of(request).everybody.connection("login") as conn:
        source = await _source(conn, request, username)
        await throttle.take(conn, username, source, await clock.wall(conn))
    async with pools_of(request).everybody.connection("login") as conn:
        login = await sessions.login(conn, username, password, request.headers.get("user-agent"))
        await throttle.clear(conn, username, source)
    return login


def set_cookies(request: Request, response: Response, username: str, login: Login) -> None:
    """The browser keeps the token out of reach of scripts and of other sites' posts; and what makes it a known one,
    for each person at this desk, until long after the session."""
    for name, value, lasts in (
        (COOKIE, login.token, sessions.LONGEST),
        (_browser_cookie(username), login.browser, BROWSER_KNOWN),
    ):
        response.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=over_https(request),
        )


async def _source(conn: Connection, request: Request, username: str) -> str:
    """Whose failures these are: a known browser's own, else those of all who come from its network."""
    browser = request.cookies.get(_browser_cookie(username))
    if browser is not None and await sessions.knows(conn, username, browser):
        return f"browser {browser}"
    return f"network {throttle.network(request.client.host if request.client else '')}"


def _browser_cookie(username: str) -> str:
    return f"eldercare_browser_{username.strip().lower()}"


def _me(viewer: Viewer, expires_at: datetime) -> Me:
    return Me(
        person_id=viewer.person_id,
        name=viewer.name,
        role=viewer.role,
        roles=sorted(viewer.roles),
        language=viewer.language,
        expires_at=expires_at,
    )
