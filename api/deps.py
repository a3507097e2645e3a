"""What routes ask for: one transaction, the time, who is there.

One request is one transaction. It commits when the route has returned and before the answer leaves, and rolls back when
the route raises.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Path, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api.pools import Pools
from api.visitors import COOKIE as COOKIE
from api.visitors import SAFE_METHODS as SAFE_METHODS
from api.visitors import visitor_of
from eldercare.accounts import sessions
from eldercare.accounts.sessions import Session
from eldercare.accounts.viewers import Viewer
from eldercare.platform import clock, origins
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, Unauthenticated
from eldercare.platform.settings import Settings

_bearer = HTTPBearer(auto_error=False, description="`token` of `POST /api/v1/session`")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="set by `POST /api/v1/session`")


def settings_of(request: Request) -> Settings:
    """The settings this process was started with."""
    return cast(Settings, request.app.state.settings)


def pools_of(request: Request) -> Pools:
    """The pools, for what must not hold a connection as long as the request lasts."""
    return cast(Pools, request.app.state.pools)


async def _transaction(request: Request) -> AsyncIterator[Connection]:
    visitor, pools = visitor_of(request), pools_of(request)
    if visitor.person_id is None:
        way = pools.everybody
    elif request.method not in SAFE_METHODS:
        way = pools.deeds
    else:
        way = pools.duty if visitor.on_duty else pools.others
    async with way.connection(visitor.key) as conn:
        yield conn


Db = Annotated[Connection, Depends(_transaction, scope="function")]


async def _now(conn: Db) -> datetime:
    return await clock.now(conn)


Now = Annotated[datetime, Depends(_now, scope="function")]


def credentials(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    cookie: Annotated[str | None, Security(_cookie)] = None,
) -> str:
    """The token of this request, from the header or else the cookie. Raises Unauthenticated without one, Forbidden
    where a cookie comes with a write from another origin."""
    if bearer is not None:
        return bearer.credentials
    if cookie is None:
        raise Unauthenticated("nobody is logged in")
    if request.method not in SAFE_METHODS:
        require_same_origin(request)
    return cookie


async def _session(conn: Db, token: Annotated[str, Depends(credentials)]) -> Session:
    return await sessions.resume(conn, token)


CurrentSession = Annotated[Session, Depends(_session, scope="function")]


def _viewer(session: CurrentSession) -> Viewer:
    return session.viewer


CurrentViewer = Annotated[Viewer, Depends(_viewer, scope="function")]
SettingsOf = Annotated[Settings, Depends(settings_of)]
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
DeviceId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def require_same_origin(request: Request) -> None:
    """Raise Forbidden unless the browser says that our own page sent this.

    Our own origin is the one that the browser addressed, or PUBLIC_URL where a proxy stands in between. A request
    without `Origin` passes when `Sec-Fetch-Site` says the same; every browser sends one of the two with a write.
    """
    origin = request.headers.get("origin")
    if origin is None:
        if request.headers.get("sec-fetch-site") == "same-origin":
            return
        raise Forbidden("a write with a cookie needs the header Origin")
    if origins.origin(origin) not in own_origins(request):
        raise Forbidden("a write with a cookie must come from the console itself")


def own_origins(request: Request) -> set[str]:
    """Origins under which this service's own pages are served, as browsers write them."""
    public_url = settings_of(request).public_url
    own = [f"{request.url.scheme}://{request.url.netloc}", *([public_url] if public_url else [])]
    return {found for each in own if (found := origins.origin(each)) is not None}


def over_https(request: Request) -> bool:
    """Whether browsers reach this service by https, directly or through a proxy at PUBLIC_URL."""
    return request.url.scheme == "https" or (settings_of(request).public_url or "").startswith("https://")
