"""The web application, put together by hand: pool, errors, headers, routers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import beats, errors
from api.console.shell import install as console
from api.headers import SecurityHeaders
from api.heads import Heads
from api.logins import Logins
from api.openapi import answer, document
from api.pace import Pace
from api.pools import pools
from api.query import known_only
from api.receipts import Receipts
from api.routers import (
    audits,
    clinic,
    clinic_sessions,
    consultations,
    devices,
    events,
    grids,
    health,
    incidents,
    limits_preview,
    people,
    policies,
    readings,
    rejected,
    residents,
    session,
    webhooks,
)
from api.stream import Changes
from api.visitors import Visitors
from eldercare.platform import tasks
from eldercare.platform.settings import Settings

PREFIX = "/api/v1"
OPENAPI_URL = f"{PREFIX}/openapi.json"
MAX_BODY_BYTES = 256 * 1024
"""Largest body of a request. The longest real one is a note or a policy of a few KiB."""

_DESCRIPTION = """The eldercare service: residents, bands, readings, incidents.

Log in with `POST /api/v1/session`; it sets a cookie for browsers and returns a `token` for `Authorization: Bearer`.
Times are RFC 3339, positions WGS-84 degrees. Lists are pages: pass `next_cursor` back as `cursor`. Errors are problem
details (RFC 9457). What a viewer may not know of does not exist for them (404); what they may not see of somebody
they know is absent or refused (403)."""


class _Compressed(GZipMiddleware):
    """Compresses answers, but none to a provider: they are short, and a telephone waits. Streams stay as they are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        compressed = not scope.get("path", "").startswith("/webhooks/")
        await (super().__call__ if compressed else self.app)(scope, receive, send)


class _App(FastAPI):
    """Sets the headers around everything, because no middleware sees the answer to a mistake of ours."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: Settings = self.state.settings
        https = (settings.public_url or "").startswith("https://")
        stack: ASGIApp = _Compressed(super().build_middleware_stack(), minimum_size=1024, compresslevel=5)
        stack = SecurityHeaders(Visitors(Pace(stack)), https=https, tile_url=settings.map_tile_url)
        return Heads(ProxyHeadersMiddleware(stack, settings.trusted_networks))  # type: ignore[arg-type]


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; it reaches its database when it starts."""
    app = _App(
        title="eldercare",
        version="1",
        description=_DESCRIPTION,
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.settings = settings
    app.state.logins = Logins()
    app.state.receipts = Receipts()
    app.state.trials = limits_preview.one_at_a_time()
    errors.install(app)
    console.install(app)
    document(app, OPENAPI_URL)
    app.router.routes.extend(_routes())
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Everything that is served. A route reaches what belongs to its application by the request, so that all
    applications of a process share what FastAPI found out about it, which takes longer than anything else they do to
    start."""
    router = APIRouter(max_body_size=MAX_BODY_BYTES)
    router.include_router(health.router)
    router.include_router(webhooks.router)
    for noun in (
        session,
        residents,
        clinic,
        clinic_sessions,
        consultations,
        limits_preview,
        readings,
        devices,
        people,
        grids,
        incidents,
        policies,
        events,
        audits,
        rejected,
    ):
        router.include_router(noun.router, prefix=PREFIX, dependencies=[Depends(known_only)])
    console.serve(router)
    router.add_api_route(OPENAPI_URL, answer, include_in_schema=False, dependencies=[Depends(known_only)])
    return tuple(router.routes)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the pool without waiting for the database: `/readyz` says when it is there."""
    settings: Settings = app.state.settings
    app.state.pools = pools(settings)
    await app.state.pools.open()
    app.state.changes = Changes(settings.required("database_url"), app.state.pools)
    listening = tasks.start(app.state.changes.run(), "changes")
    leaving = asyncio.Event()
    beating = tasks.start(beats.run(app.state.pools.webhooks.pool, leaving), "beats", may_end=True)
    try:
        yield
    finally:
        app.state.changes.close()
        await tasks.end(listening)
        leaving.set()
        await asyncio.wait([beating], timeout=beats.LEAVE_S)
        beating.cancel()
        await app.state.pools.close()
