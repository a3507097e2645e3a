"""Connections to the database. Functions of the nouns take a connection and never commit; the edge does, once."""

from collections.abc import Mapping
from typing import Any

import orjson
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, tuple_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

set_json_loads(orjson.loads)  # everywhere: what a telephone waits for is read from JSON

_DEAD_PEER: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A peer that is gone without a word is noticed while nothing is said (s), and while a statement is under way (ms):
keepalives alone would leave that one to the kernel's retransmissions, some 15 minutes."""

_SESSION = {
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "idle_in_transaction_session_timeout": "60000",
}
"""The same seen from the server, which would wait two hours for a host that lost its power, with the seat and the
incidents that it held; and nobody may hold a row for a minute without a word (ms). Whoever waited for a row has to see
what it holds now: where a database or a role asks for more isolation, that would fail instead."""


AWAY_S = 5.0
"""How long a pool tries to reach a database that is away before it says so. Whoever asks next lets it try anew at once;
trying on by itself it would pause twice as long each time, and come back as late again as the database was away."""


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
"""Of a session that only ever looks up a few rows by their keys: plans are made once, while tables may still be empty,
and must not read whole tables or indexes when these have filled."""


async def connect(
    url: str, *, autocommit: bool = False, application_name: str = "eldercare", options: Mapping[str, str] | None = None
) -> Connection:
    """One connection, in UTC, that notices a dead peer within half a minute.

    `options` are settings of the session, such as `{"synchronous_commit": "off"}`.
    """
    return await AsyncConnection.connect(
        url,
        autocommit=autocommit,
        application_name=application_name,
        row_factory=tuple_row,
        options=_options(options or {}),
        **_DEAD_PEER,
    )


def pool(url: str, *, min_size: int = 1, max_size: int = 8, application_name: str = "eldercare") -> Pool:
    """A pool of connections that still has to be opened; `async with pool.connection()` is one transaction."""
    return AsyncConnectionPool(
        url,
        min_size=min_size,
        max_size=max_size,
        open=False,
        timeout=AWAY_S,
        reconnect_timeout=AWAY_S,
        check=AsyncConnectionPool.check_connection,
        kwargs={
            "application_name": application_name,
            "options": _options({}),
            **_DEAD_PEER,
        },
    )


def one_line(statement: str) -> str:
    """The statement without its line breaks; it must have no comments in it, nor two blanks in a text.

    psycopg finds the parameters of a statement once only if that has at most 4,096 characters, else each time.
    """
    return " ".join(statement.split())
