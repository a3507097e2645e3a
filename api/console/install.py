"""Puts the pages into the application: routes, static files, errors as pages."""

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.console import api_docs, board, deeds, entrance, incidents_pages, residents_pages
from api.console.errors import error_page
from api.console.render import STATIC
from eldercare.log import logger

_log = logger(__name__)


class Static(StaticFiles):
    """Files that a browser keeps, and asks about again: scripts import each other by plain names."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or that it has not changed."""
        response = await super().get_response(path, scope)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


def install(app: FastAPI) -> None:
    """Serve the console at `/`."""
    if not (STATIC / "vendor").is_dir():
        _log.warning("console_without_scripts", remedy="run `npm ci` in the project's folder")
    app.state.error_page = error_page
    app.mount("/static", Static(directory=STATIC), name="static")
    for pages in (entrance, board, residents_pages, incidents_pages, deeds, api_docs):
        app.include_router(pages.router)
