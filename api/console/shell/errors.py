"""Errors as pages, in words: what `api.errors` shows instead of problem details to somebody who reads HTML."""

from datetime import UTC, datetime
from urllib.parse import quote

from fastapi import Request, Response, status
from fastapi.responses import RedirectResponse

from api.console.duty import queries
from api.console.duty.cards import Alarm
from api.console.shell import render
from api.console.shell.screen import Screen, plain
from api.deps import COOKIE, SAFE_METHODS, pools_of, settings_of
from api.problems import Problem
from eldercare.accounts import sessions
from eldercare.platform import clock
from eldercare.platform.errors import Unauthenticated
from eldercare.platform.log import logger

NAMES = {
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    429: "busy",
    503: "unavailable",
}
"""Which text each status shows; every other 4xx reads as invalid, every other 5xx as internal."""
PATIENCE_S = 1.0
"""Seconds that the page waits for a connection to the database; after that it comes without the navigation."""

_log = logger(__name__)


async def error_page(request: Request, problem: Problem) -> Response:
    """The problem in the reader's language, under the navigation of the person who is logged in. A person who has to
    log in goes to the login page, and comes back after."""
    if problem.status == status.HTTP_401_UNAUTHORIZED:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = wanted if request.method in SAFE_METHODS else "/"
        return RedirectResponse(f"/login?next={quote(back)}", status_code=status.HTTP_303_SEE_OTHER)
    screen, alarms = await _seen_by_somebody(request, problem) or (_seen_by_anybody(request), [])
    name = NAMES.get(problem.status, "invalid" if problem.status < 500 else "internal")
    title, text = screen.t(f"error.{name}"), screen.t(f"error.{name}_text")
    return render.page(request, screen, "error.html", problem.status, title=title, text=text, home="/", alarms=alarms)


def _seen_by_anybody(request: Request) -> Screen:
    # The wall's clock: the database may be what is away, and nothing on this page depends on the time.
    return plain(request, datetime.now(UTC), 1, settings_of(request).zone, None)


async def _seen_by_somebody(request: Request, problem: Problem) -> tuple[Screen, list[Alarm]] | None:
    """The screen and what waits for somebody; None where nobody is logged in, or that cannot be found out now."""
    token = request.cookies.get(COOKIE)
    if token is None or problem.status in (status.HTTP_429_TOO_MANY_REQUESTS, status.HTTP_503_SERVICE_UNAVAILABLE):
        return None
    try:
        async with pools_of(request).everybody.connection("error page", timeout=PATIENCE_S) as conn:
            viewer = (await sessions.resume(conn, token)).viewer
            screen = plain(request, *await clock.reading(conn), settings_of(request).zone, viewer)
            return screen, await queries.alarms(conn, screen)
    except Unauthenticated:
        return None
    except Exception:
        # The page has to be shown whatever this is, perhaps the very mistake that it is about.
        _log.exception("error_page_without_navigation", path=request.url.path)
        return None
