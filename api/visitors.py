"""Finds out first of all who sent a request, and bounds how much one visitor may ask for at a time.

This only says whose turn it is. The request's own transaction decides anew what they may do, so what is remembered of a
session may be a minute old.
"""

import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import psycopg
import psycopg_pool
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors
from api.pools import Pools
from eldercare.accounts import sessions, throttle
from eldercare.platform.errors import EldercareError, TooManyRequests, Unavailable

COOKIE = "eldercare_session"
BROWSER_COOKIES = "eldercare_browser_"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UNCOUNTED = ("/static/", "/webhooks/", "/healthz", "/readyz", "/metrics")
"""Paths below which nobody is asked who they are."""
STREAMS = "/api/v1/events"
"""Streams last; `api.stream` counts them."""

MOST_OF_DUTY = 64
"""Requests of one duty officer that are under way at a time: several desks may share a login."""
MOST_OF_ANOTHER = 16
"""Requests of anybody else: a browser opens six connections, a program may open some more. Each may hold an answer of
some MiB until its reader has taken it."""
MOST_OF_A_NETWORK = 256
"""Requests of all who are not logged in from one network, which may be a proxy's or a whole housing estate's."""
REMEMBERED_S = 60.0
MOST_REMEMBERED = 10_000
RETRY_AFTER_S = 2

_SCOPE = "eldercare.visitor"


@dataclass(frozen=True, slots=True)
class Visitor:
    """`key` is whose turn it is; `person_id` is None where nobody is logged in."""

    key: Hashable
    person_id: int | None = None
    on_duty: bool = False

    @property
    def most(self) -> int:
        """How many requests of this visitor may be under way."""
        if self.person_id is None:
            return MOST_OF_A_NETWORK
        return MOST_OF_DUTY if self.on_duty else MOST_OF_ANOTHER


def visitor_of(request: Request) -> Visitor:
    """Who sent this request."""
    return cast(Visitor, request.scope[_SCOPE])


def network_of(request: Request) -> str:
    """The network that this request comes from; behind a trusted proxy, the one that the proxy names."""
    return throttle.network(request.client.host if request.client else "")


def browser_cookie(username: str) -> str:
    """The cookie that marks a browser as known for this person."""
    return f"{BROWSER_COOKIES}{username.strip().lower()}"


def _nobody(request: Request) -> Visitor:
    # A visitor with the mark of a known browser, a true one or not, does not wait behind those without any mark.
    marked = any(name.startswith(BROWSER_COOKIES) for name in request.cookies)
    return Visitor(("browsers" if marked else "network", network_of(request)))


class Visitors:
    """ASGI middleware: says whose request it is, and lets so many of each in at a time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way: Counter[Hashable] = Counter()
        self._remembered: OrderedDict[bytes, tuple[float, Visitor]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that it is too much."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        nobody = _nobody(request)
        scope[_SCOPE] = nobody
        if scope["path"].startswith(UNCOUNTED):
            await self._app(scope, receive, send)
            return
        try:
            visitor = await self._visitor(request) or nobody
            scope[_SCOPE] = visitor
            with self._counted(visitor, scope["path"]):
                await self._app(scope, receive, send)
        except EldercareError as error:
            # Only errors raised here arrive: the application answers its own.
            await (await errors.answer(request, error))(scope, receive, send)

    @contextmanager
    def _counted(self, visitor: Visitor, path: str) -> Iterator[None]:
        if path == STREAMS:
            yield
            return
        if self._under_way[visitor.key] >= visitor.most:
            raise TooManyRequests(RETRY_AFTER_S)
        self._under_way[visitor.key] += 1
        try:
            yield
        finally:
            self._under_way[visitor.key] -= 1
            if not self._under_way[visitor.key]:
                del self._under_way[visitor.key]

    async def _visitor(self, request: Request) -> Visitor | None:
        token = _token(request)
        if token is None:
            return None
        key = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        until, visitor = self._remembered.get(key, (0.0, None))
        if visitor is not None and time.monotonic() < until:
            return visitor
        self._remembered.pop(key, None)
        found = await self._look_up(request, token)
        if found is not None:
            self._remembered[key] = (time.monotonic() + REMEMBERED_S, found)
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    async def _look_up(self, request: Request, token: str) -> Visitor | None:
        pools = cast(Pools, request.app.state.pools)
        try:
            async with pools.door.connection(network_of(request)) as conn:
                holder = await sessions.holder(conn, token)
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg_pool.PoolTimeout) as error:
            raise Unavailable("the database is away") from error
        if holder is None:
            return None
        return Visitor(("person", holder.person_id), holder.person_id, holder.on_duty)


def _token(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return credentials.strip()
    return request.cookies.get(COOKIE)
