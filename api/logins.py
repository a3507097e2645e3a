"""Logging in, so that nobody's guesses keep somebody else out.

Verifying a password takes 20 ms of a processor and 19 MiB, so few are verified at a time. Three queues lead to it:
browsers that the person has logged in with before, names that belong to somebody, and names that belong to nobody. Each
queue has a place of its own; the work and the answers are the same in all.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import Request, Response

from api.deps import over_https, pools_of
from api.fairness import Limits
from api.turns import Turns
from api.visitors import COOKIE, browser_cookie, network_of
from eldercare.accounts import sessions, throttle
from eldercare.accounts.sessions import Login, Standing
from eldercare.accounts.throttle import Spread
from eldercare.platform import clock

BROWSER_KNOWN = timedelta(days=365)

QUEUE = Limits(at_once=1, each_at_once=1, each_waiting=20, waiting=50)
"""The limits of each queue: a second of work. Keys are names for those who have one, networks for the others."""

BY_NETWORK = {True: (100, timedelta(seconds=2)), False: (60, timedelta(seconds=2))}
"""Guesses from one network at names that belong to somebody (True) or nobody: so many at once, then one each time."""
BY_NAME = (30, timedelta(seconds=5))
"""Guesses at one name, wherever they come from."""
OF_ALL = {True: (1000, timedelta(milliseconds=200)), False: (300, timedelta(milliseconds=200))}
"""Guesses spread over names and networks. Names that belong to nobody get less than a tenth of a processor."""


class Logins:
    """The queues of one process."""

    def __init__(self) -> None:
        self._queues = {standing: Turns(QUEUE) for standing in Standing}

    @asynccontextmanager
    async def turn(self, standing: Standing, username: str, network: str) -> AsyncIterator[None]:
        """A place for one login. Raises TooManyRequests and Unavailable, as `Turns`."""
        key = network if standing is Standing.NOBODY else username.strip().lower()
        async with self._queues[standing].turn(key):
            yield


async def begin(request: Request, username: str, password: str) -> Login:
    """Begin a session. Raises Unauthenticated, TooManyAttempts where too many of these came before, TooManyRequests
    where too many come now.

    It takes three transactions, so that the failure counts though the login fails, and no row is held while the
    password is verified.
    """
    pools, network = pools_of(request), network_of(request)
    browser = request.cookies.get(browser_cookie(username))
    async with pools.door.connection(("login", network)) as conn:
        standing = await sessions.standing(conn, username, browser)
    async with _logins(request).turn(standing, username, network):
        source = f"browser {browser}" if standing is Standing.BROWSER else f"network {network}"
        spread = _spread(standing, username, network)
        key = ("login", standing)
        async with pools.everybody.connection(key) as conn:
            now = await clock.wall(conn)
            await throttle.take_spread(conn, spread, now)
            await throttle.take(conn, username, source, now)
        async with pools.everybody.connection(key) as conn:
            login = await sessions.login(conn, username, password, request.headers.get("user-agent"))
            await throttle.clear(conn, username, source)
            await throttle.give_back(conn, spread)
    return login


def set_cookies(request: Request, response: Response, username: str, login: Login) -> None:
    """Give the browser the token, out of reach of scripts and of other sites' posts. Give it also the mark of a known
    browser, for each person at this desk, until long after the session."""
    set_session_cookie(request, response, login)
    _set(request, response, browser_cookie(username), login.browser, BROWSER_KNOWN)


def set_session_cookie(request: Request, response: Response, login: Login) -> None:
    """Give the browser the token alone, as when a session is renewed."""
    _set(request, response, COOKIE, login.token, sessions.LONGEST)


def _set(request: Request, response: Response, name: str, value: str, lasts: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=over_https(request),
    )


def _spread(standing: Standing, username: str, network: str) -> list[Spread]:
    """Under what to count guesses that are spread over names or networks; a known browser's are not counted."""
    if standing is Standing.BROWSER:
        return []
    real = standing is Standing.NAME
    return [
        Spread(f"name {username.strip().lower()}", *BY_NAME),
        Spread(f"network {network} {real}", *BY_NETWORK[real]),
        Spread(f"all {real}", *OF_ALL[real]),
    ]


def _logins(request: Request) -> Logins:
    logins: Logins = request.app.state.logins
    return logins
