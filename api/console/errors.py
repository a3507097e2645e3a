"""Errors as pages, in words: what `api.errors` shows instead of problem details to somebody who reads HTML."""

from datetime import UTC, datetime
from urllib.parse import quote

from fastapi import Request, Response, status
from fastapi.responses import RedirectResponse

from api.console import render
from api.console.screen import plain
from api.deps import SAFE_METHODS, settings_of
from api.problems import Problem

NAMES = {403: "forbidden", 404: "not_found", 409: "conflict", 422: "invalid", 503: "unavailable"}
"""Which text says it; every other 4xx reads as invalid, every 5xx as internal."""


def error_page(request: Request, problem: Problem) -> Response:
    """The problem in the reader's language; whoever is not logged in goes to the login page and comes back after."""
    if problem.status == status.HTTP_401_UNAUTHORIZED:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = wanted if request.method in SAFE_METHODS else "/"
        return RedirectResponse(f"/login?next={quote(back)}", status_code=status.HTTP_303_SEE_OTHER)
    # The wall's clock: the database may be what is away, and nothing on this page depends on the time.
    screen = plain(request, datetime.now(UTC), 1, settings_of(request).zone, None)
    name = NAMES.get(problem.status, "invalid" if problem.status < 500 else "internal")
    title, text = screen.t(f"error.{name}"), screen.t(f"error.{name}_text")
    return render.page(request, screen, "error.html", problem.status, title=title, text=text, home="/")
