"""Coming in and going out: the login page, logging out, language and theme."""

from contextlib import suppress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Cookie, Form, Request, Response, status
from fastapi.responses import RedirectResponse

from alerts.incidents import desk
from api.console.shell import render
from api.console.shell.i18n import LANGUAGES
from api.console.shell.screen import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, AnonymousScreen, Screen
from api.deps import COOKIE, Db, over_https, pools_of, require_same_origin
from api.logins import begin, set_cookies
from api.visitors import network_of
from eldercare.accounts import sessions
from eldercare.platform import clock
from eldercare.platform.errors import TooManyAttempts, Unauthenticated

router = APIRouter(include_in_schema=False)

YEAR_S = 365 * 24 * 3600


def local_path(path: str) -> str:
    """`path` where it leads to a page of our own, else the first page: no link sends anybody elsewhere."""
    parts = urlsplit(path)
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return path if local and path.isprintable() else "/"


def see(path: str) -> RedirectResponse:
    """Show that page after a form was sent."""
    return RedirectResponse(local_path(path), status_code=status.HTTP_303_SEE_OTHER)


@router.get("/login")
async def login_page(
    request: Request,
    screen: AnonymousScreen,
    next: str = "/",
    cookie: Annotated[str | None, Cookie(alias=COOKIE)] = None,
) -> Response:
    """The form; a person who is logged in already goes on."""
    if cookie is not None:
        with suppress(Unauthenticated):
            async with pools_of(request).everybody.connection(network_of(request)) as conn:
                await sessions.resume(conn, cookie)
            return see(next)
    return render.page(request, screen, "login.html", next=local_path(next), username="", error=None)


@router.post("/login")
async def login(
    request: Request,
    screen: AnonymousScreen,
    username: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=sessions.MAX_PASSWORD_CHARS)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Begin a session and go where the person wanted to; a wrong password says so in words."""
    require_same_origin(request)
    try:
        begun = await begin(request, username, password)
    except Unauthenticated:
        return _again(request, screen, 401, next, username, screen.t("login.wrong"))
    except TooManyAttempts as error:
        words = screen.t("login.too_many", seconds=error.retry_after_s)
        response = _again(request, screen, 429, next, username, words)
        response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    response = see(next)
    set_cookies(request, response, username, begun)
    return response


def _again(request: Request, screen: Screen, status_code: int, next: str, username: str, error: str) -> Response:
    return render.page(
        request, screen, "login.html", status_code, next=local_path(next), username=username, error=error
    )


@router.post("/logout")
async def logout(request: Request, conn: Db, cookie: Annotated[str | None, Cookie(alias=COOKIE)] = None) -> Response:
    """End the session; doing it twice is harmless."""
    require_same_origin(request)
    if cookie is not None:
        with suppress(Unauthenticated):
            session = await sessions.resume(conn, cookie)
            await sessions.end(conn, session.key)
            await desk.leave(conn, session.viewer.person_id, await clock.now(conn))
    response = see("/login")
    response.delete_cookie(COOKIE, path="/")
    return response


@router.post("/preferences")
async def preferences(
    request: Request,
    language: Annotated[Literal["zh", "en"] | None, Form()] = None,
    theme: Annotated[Literal["auto", "light", "dark"] | None, Form()] = None,
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Remember language or theme in this browser, and show the same page again."""
    require_same_origin(request)
    response = see(back)
    for name, value in ((LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)):
        if value in (*LANGUAGES, *THEMES):
            response.set_cookie(
                name, value, max_age=YEAR_S, httponly=True, secure=over_https(request), samesite="lax", path="/"
            )
    return response
