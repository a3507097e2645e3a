"""Seats: which process of a lane reads which session of the broker. A seat is an advisory lock of the database.

Whoever holds a seat holds it by the very connection it writes with: without that connection it neither stores nor
leads. Telemetry has one seat, so that the order per band stays; the next process waits for it and inherits the session.
Of the SOS every process has a seat. Only the first one's session is kept by the broker, and somebody always sits there:
it hears every press, also those that come while no process runs, and no session of a process long gone piles up old
presses that would be raised again one day.
"""

from datetime import datetime

from eldercare.platform.database import Connection

END_MS = 1000
"""How long the end of our former session is waited for."""
Backend = tuple[int, datetime]
"""A session of the server: its process, and when that began."""


async def take(conn: Connection, lane: str, seats: int) -> int | None:
    """The lowest free seat of `lane`, from 1 to `seats`, held as long as the connection; None while all are taken."""
    for seat in range(1, seats + 1):
        if await _try(conn, lane, seat):
            return seat
    return None


async def session_name(conn: Connection, lane: str, seat: int) -> str:
    """The client id of this seat's session, which nobody can guess, and which no other deployment has."""
    row = await (await conn.execute("select value ->> 'suffix' from meta where key = 'client_ids'")).fetchone()
    return f"eldercare-{lane}-{seat}{row[0] if row else ''}"


async def succeed(conn: Connection, former: Backend | None) -> Backend:
    """End `former`, the session that this process had before; returns the one of `conn`.

    We closed its socket because nothing was heard of it. Where the network swallows that too, the server would keep it,
    and the seat, for as long as its keepalives take, and what waits for us in the broker's session with it.
    """
    if former is not None:
        await conn.execute(
            "select pg_terminate_backend(pid, %s) from pg_stat_activity where pid = %s and backend_start = %s",
            (END_MS, *former),
        )
    query = "select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()"
    row = await (await conn.execute(query)).fetchone()
    assert row is not None  # noqa: S101  the session that asks
    return row[0], row[1]


async def move_to_first(conn: Connection, lane: str, seat: int) -> bool:
    """Leave `seat` for the first one if that has become free."""
    if seat == 1 or not await _try(conn, lane, 1):
        return False
    await conn.execute("select pg_advisory_unlock(hashtext(%s), %s)", (_name(lane), seat))
    return True


async def _try(conn: Connection, lane: str, seat: int) -> bool:
    row = await (await conn.execute("select pg_try_advisory_lock(hashtext(%s), %s)", (_name(lane), seat))).fetchone()
    return bool(row and row[0])


def _name(lane: str) -> str:
    return f"eldercare.ingest.{lane}"
