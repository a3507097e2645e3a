"""Leader slots: which process of a pipeline reads which session of the broker. A slot is an advisory lock.

A process holds its slot by the very connection that it writes with: without that connection it neither stores nor
leads. Telemetry has one slot, so that the order per band stays; the next process waits for it and inherits the session.
Every SOS process has a slot. The broker keeps the first slot's session only, and some process always holds that slot:
it hears every press, also those that came while no process ran. No session of a process long gone piles up old presses
that would be raised again one day.
"""

from datetime import datetime

from eldercare.platform.database import Connection

END_MS = 1000
"""Milliseconds to wait for the end of our former session."""
Backend = tuple[int, datetime]
"""A session of the database server: its process id, and when it began (aware)."""


async def take(conn: Connection, pipeline: str, slots: int) -> int | None:
    """Take the lowest free slot of `pipeline`, from 1 to `slots`, for as long as the connection; None while all are
    taken."""
    for slot in range(1, slots + 1):
        if await _try(conn, pipeline, slot):
            return slot
    return None


async def session_name(conn: Connection, pipeline: str, slot: int) -> str:
    """The client id of this slot's session, which nobody can guess, and which no other deployment has."""
    row = await (await conn.execute("select value ->> 'suffix' from meta where key = 'client_ids'")).fetchone()
    return f"eldercare-{pipeline}-{slot}{row[0] if row else ''}"


async def succeed(conn: Connection, former: Backend | None) -> Backend:
    """End `former`, the session that this process had before; returns the one of `conn`.

    We closed its socket because nothing was heard of it. Where the network swallows that too, the server would keep it,
    and the slot, for as long as its keepalives take; and what waits for us in the broker's session would wait as long.
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


async def move_to_first(conn: Connection, pipeline: str, slot: int) -> bool:
    """Leave `slot` for the first one if that has become free; returns whether it had."""
    if slot == 1 or not await _try(conn, pipeline, 1):
        return False
    await conn.execute("select pg_advisory_unlock(hashtext(%s), %s)", (_name(pipeline), slot))
    return True


async def _try(conn: Connection, pipeline: str, slot: int) -> bool:
    row = await (
        await conn.execute("select pg_try_advisory_lock(hashtext(%s), %s)", (_name(pipeline), slot))
    ).fetchone()
    return bool(row and row[0])


def _name(pipeline: str) -> str:
    return f"eldercare.ingest.{pipeline}"
