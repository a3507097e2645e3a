"""Connections to the database, and how long each may wait. Functions of the nouns take a connection and never commit.
The edge commits, once.

Nothing shared waits without a limit. The server ends a wait for a lock, a statement and a transaction in which nothing
is said (`Limits`). Where the server itself says nothing any more, frozen but with an open socket, the client's deadline
closes that socket: asking such a server to cancel only waits longer.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import _WaitTimeout
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, tuple_row
from psycopg.types.json import set_json_loads
from psycopg.waiting import wait_async
from psycopg_pool import AsyncConnectionPool

T = TypeVar("T")

set_json_loads(orjson.loads)  # everywhere: what a telephone waits for is read from JSON

CONNECT_S = 3
"""Seconds that one address may take to answer; then the next of the URL is asked."""
NAMES_S = 3.0
"""Seconds that looking up names may take besides."""
CHECK_S = 2.0
"""Seconds that a pooled connection may take to show that it lives."""
GRACE_S = 1.0
"""Seconds after which a statement that the server should have ended shows that no server is there."""

_DEAD_PEER: dict[str, Any] = {
    "connect_timeout": CONNECT_S,
    "keepalives_idle": 15,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""These notice a peer that is gone without a word, while nothing is said (s) and while a statement is under way (ms).
Keepalives alone would leave the latter to the kernel's retransmissions, some 15 minutes."""

_SESSION = {
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "client_connection_check_interval": "1000",
}
"""The same seen from the server. It would wait two hours for a host that lost its power, and keep the leader slot and
the incidents which that host held. A statement whose client has closed the socket ends within a second (ms). Whoever
waited for a row has to see what it holds now; under more isolation, which a database or a role may ask for, that would
fail."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session may wait, milliseconds: for a lock, for a statement, and in a transaction without a word.

    A lock that is not to be had raises psycopg.errors.LockNotAvailable, a statement that takes too long
    psycopg.errors.QueryCanceled; both leave the connection as it is. Zero is no limit.
    """

    lock_ms: int
    statement_ms: int
    idle_ms: int

    @property
    def deadline_s(self) -> float | None:
        """Seconds after which the client gives up the connection itself; the server has had its turn before."""
        return self.statement_ms / 1000 + GRACE_S if self.statement_ms else None

    def options(self) -> dict[str, str]:
        """The settings of the session."""
        return {
            "lock_timeout": str(self.lock_ms),
            "statement_timeout": str(self.statement_ms),
            "idle_in_transaction_session_timeout": str(self.idle_ms),
        }


URGENT = Limits(lock_ms=100, statement_ms=3_000, idle_ms=5_000)
"""What a press or a telephone waits for. A lock takes as long as somebody's transaction, a few milliseconds; who holds
one for longer is slow, stopped or a person at a prompt, and the others go first. The statements take a millisecond."""
BULK = Limits(lock_ms=100, statement_ms=20_000, idle_ms=5_000)
"""Telemetry: a batch is one statement over thousands of rows, on a busy disk."""
SERVICE = Limits(lock_ms=1_000, statement_ms=10_000, idle_ms=5_000)
"""What people wait for in front of a page, and what a service looks after by itself."""
COMMAND = Limits(lock_ms=5_000, statement_ms=60_000, idle_ms=60_000)
"""A command of an operator, which may read a long file or ask a question in between."""


class Overdue(psycopg.OperationalError):
    """The server said nothing until the client's deadline; the connection is closed, what became of it is unknown."""


class Limited(AsyncConnection[TupleRow]):
    """A connection with a deadline for each statement, commit and rollback, past which its socket is closed.

    A statement that is cancelled from outside closes it at once. A pool replaces such a connection, a loop connects
    anew; the server ends what it was doing and gives up its locks within a second of noticing.
    """

    deadline_s: float | None = None

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109
        """Wait until the deadline, then close the socket; psycopg itself asks the server to cancel and waits up to ten
        seconds for that. Raises Overdue.

        With a `timeout` of the caller's (listening for notices), silence is no fault.
        """
        limit = self.deadline_s if timeout is None else timeout
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=limit)
        except _WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise Overdue(f"the database said nothing for {limit:g} s") from None
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[Limited]

AWAY_S = 5.0
"""Seconds for which a pool tries to reach a database that is away before it says so. Whoever asks next makes it try
anew at once. If it tried on by itself, it would pause twice as long each time, and come back as late again as the
database was away."""


def _options(more: Mapping[str, str]) -> str:
    settings = {**_SESSION, **more}
    return " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())


LOOKUPS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""Settings of a session that only ever looks up a few rows by their keys. Plans are made once, while tables may still
be empty, and must not read whole tables or indexes when these have filled."""


_answered_last: dict[str, tuple[str, str]] = {}
"""Host and port that took the last connection, by URL."""


def _addresses(url: str) -> list[tuple[str, str]]:
    """The hosts of a URL with their ports, as libpq reads it; a single port counts for all."""
    values = conninfo_to_dict(url)
    hosts = str(values.get("host") or "").split(",")
    ports = str(values.get("port") or "").split(",")
    return list(zip(hosts, ports if len(ports) == len(hosts) else ports[:1] * len(hosts), strict=True))


def ordered(url: str) -> str:
    """The same database, with the address first that answered last: a frozen one takes its time at every connection."""
    addresses = _addresses(url)
    last = _answered_last.get(url)
    if len(addresses) < 2 or last not in addresses:
        return url
    hosts, ports = zip(*sorted(addresses, key=lambda each: each != last), strict=True)
    return make_conninfo(url, host=",".join(hosts), port=",".join(ports))


def _remember(url: str, conn: AsyncConnection[Any]) -> None:
    addresses = _addresses(url)
    if len(addresses) > 1:
        port = str(conn.info.port)
        _answered_last[url] = next(
            (each for each in addresses if each[0] == conn.info.host and each[1] in ("", port)), addresses[0]
        )


async def connect(
    url: str,
    *,
    autocommit: bool = False,
    application_name: str = "eldercare",
    options: Mapping[str, str] | None = None,
    limits: Limits = SERVICE,
) -> Limited:
    """One connection, in UTC, that notices a dead peer within half a minute and a frozen one by its `limits`.

    `options` are settings of the session, such as `{"synchronous_commit": "off"}`. Raises psycopg.OperationalError,
    also where looking up the name or connecting takes too long.
    """
    longest_s = NAMES_S + 2 * CONNECT_S * len(_addresses(url))  # a name may stand for two addresses
    try:
        async with asyncio.timeout(longest_s):
            conn = await Limited.connect(
                ordered(url),
                autocommit=autocommit,
                application_name=application_name,
                row_factory=tuple_row,
                options=_options({**limits.options(), **(options or {})}),
                **_DEAD_PEER,
            )
    except TimeoutError:
        raise psycopg.OperationalError(f"no connection within {longest_s:g} s") from None
    conn.deadline_s = limits.deadline_s
    _remember(url, conn)
    return conn


def pool(
    url: str,
    *,
    min_size: int = 1,
    max_size: int = 8,
    application_name: str = "eldercare",
    options: Mapping[str, str] | None = None,
    limits: Limits = SERVICE,
) -> Pool:
    """A pool of connections that still has to be opened; `async with pool.connection()` is one transaction."""

    async def configure(conn: Limited) -> None:
        conn.deadline_s = limits.deadline_s
        _remember(url, conn)

    async def address() -> str:
        return ordered(url)

    return AsyncConnectionPool(
        address,
        connection_class=Limited,
        min_size=min_size,
        max_size=max_size,
        open=False,
        timeout=AWAY_S,
        reconnect_timeout=AWAY_S,
        configure=configure,
        check=_answers,
        kwargs={
            "application_name": application_name,
            "options": _options({**limits.options(), **(options or {})}),
            **_DEAD_PEER,
        },
    )


async def _answers(conn: Limited) -> None:
    """Check that a connection is fit to be handed out. Raises psycopg.OperationalError where it is not."""
    usual, conn.deadline_s = conn.deadline_s, CHECK_S
    try:
        await AsyncConnectionPool.check_connection(conn)
    finally:
        conn.deadline_s = usual


_PARAMETER = re.compile(r"%\((\w+)\)s")
_COMMENT = re.compile(r"--[^\n]*")


class Numbered:
    """A statement with its parameters numbered, so that psycopg need not look for them at each call.

    psycopg looks only once for statements of at most 4,096 characters.
    """

    def __init__(self, statement: str) -> None:
        """`statement` with parameters such as `%(now)s`; no text in it has two hyphens or two blanks."""
        self.statement = statement
        self._names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, start=1)}
        bare = " ".join(_COMMENT.sub("", statement).split())
        self._text = _PARAMETER.sub(lambda found: numbers[found[1]], bare).encode()

    async def row(self, conn: Connection, parameters: Mapping[str, Any]) -> Any:
        """The first row, or None; prepared on this connection."""
        return await (await self._executed(conn, parameters)).fetchone()

    async def rows(self, conn: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """All rows; prepared on this connection."""
        return await (await self._executed(conn, parameters)).fetchall()

    async def _executed(self, conn: Connection, parameters: Mapping[str, Any]) -> AsyncRawCursor[Any]:
        cursor = AsyncRawCursor(conn)
        await cursor.execute(self._text, [parameters[name] for name in self._names], prepare=True)
        return cursor
