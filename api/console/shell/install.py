"""Puts the pages into the application: routes, static files, errors as pages."""

import re

from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.console.clinic import page as clinic
from api.console.committee import residents
from api.console.duty import actions, board, incidents
from api.console.family import page as family
from api.console.shell import api_docs, login
from api.console.shell.errors import error_page
from api.console.shell.render import STATIC, static_version
from eldercare.platform.log import logger

_log = logger(__name__)


FOR_GOOD = "public, max-age=31536000, immutable"
_VERSION = re.compile(r"v-[0-9a-f]{10}/")


class Static(StaticFiles):
    """Static files. A browser keeps a file for good under the address of its version, and else asks about it again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or that it has not changed. A page of another version, still open, gets what there is now."""
        version = _VERSION.match(path)
        response = await super().get_response(path[version.end() :] if version else path, scope)
        present = version is not None and version[0] == f"{static_version()}/"
        response.headers.setdefault("Cache-Control", FOR_GOOD if present and response.status_code < 400 else "no-cache")
        return response


def install(app: FastAPI) -> None:
    """Let `app` show errors as pages."""
    if not (STATIC / "vendor").is_dir():
        _log.warning("console_without_scripts", remedy="run `npm ci` in the project's folder")
    app.state.error_page = error_page


def serve(router: APIRouter) -> None:
    """Put the console at `/` of `router`: the static files and every page."""
    router.mount("/static", Static(directory=STATIC), name="static")
    for pages in (login, board, family, clinic, residents, incidents, actions, api_docs):
        router.include_router(pages.router)
