"""The one clock: the database's, read through the SQL function `eldercare_now()`.

Replay, stories and the demo may set it (an origin and a speed); every loop takes `now` as an argument.
"""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from eldercare.platform.errors import Conflict, InvalidInput
from eldercare.platform.validation import fields

Connection = AsyncConnection[Any]

FASTEST = 1_000_000
"""The highest speed, in multiples of the wall's clock."""
NOW = "coalesce((select origin + (statement_timestamp() - started_at) * speed from clock), statement_timestamp())"
"""What `eldercare_now()` returns, for the statements an SOS waits for: PostgreSQL inlines no function that reads."""


async def now(conn: Connection) -> datetime:
    """The current time, aware, UTC. Inside one statement it stands still."""
    row = await (await conn.execute("select eldercare_now()")).fetchone()
    assert row is not None  # noqa: S101  the function returns one row always
    moment: datetime = row[0]
    return moment


async def reading(conn: Connection) -> tuple[datetime, float]:
    """The current time, and how many times as fast as the wall's clock it runs: 1 unless it was set."""
    row = await (await conn.execute("select eldercare_now(), coalesce((select speed from clock), 1)")).fetchone()
    assert row is not None  # noqa: S101  the function returns one row always
    return row[0], row[1]


async def wall(conn: Connection) -> datetime:
    """The real time, aware, UTC, whatever the settable clock says: what logins and sessions live on."""
    row = await (await conn.execute("select clock_timestamp()")).fetchone()
    assert row is not None  # noqa: S101  a select of a value
    moment: datetime = row[0]
    return moment


async def set_clock(conn: Connection, origin: datetime, speed: float = 1.0, *, real: bool) -> None:
    """Let the clock start at `origin` (aware) now and run `speed` times as fast; 0 stands still.

    Raises Conflict while any channel is real: here (`real`), or in a running service's heartbeat; InvalidInput for a
    time at the ends of the calendar, and for a speed that is no number or too large for it.
    """
    fields.moment("origin", origin)
    if not 0 <= speed <= FASTEST:
        raise InvalidInput("speed", f"{speed} is not 0 to {FASTEST:,}")
    if real:
        raise Conflict("the clock cannot be set while a real telephone provider is configured")
    row = await (
        await conn.execute(
            "select instance from heartbeat where detail @> '{\"real_channel\": true}'"
            " and beat_at > clock_timestamp() - interval '5 minutes' limit 1"
        )
    ).fetchone()
    if row is not None:
        raise Conflict(f"the clock cannot be set while {row[0]} runs with a real telephone provider")
    await conn.execute(
        "insert into clock (origin, started_at, speed) values (%s, clock_timestamp(), %s)"
        " on conflict (singleton) do update"
        " set origin = excluded.origin, started_at = excluded.started_at, speed = excluded.speed",
        (origin, speed),
    )


async def is_set(conn: Connection) -> bool:
    """Whether the time is anything but the real one."""
    return await (await conn.execute("select from clock")).fetchone() is not None


async def reset_clock(conn: Connection) -> None:
    """Go back to the real time."""
    await conn.execute("delete from clock")
