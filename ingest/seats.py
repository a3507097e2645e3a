"""Seats: which process of a lane reads which session of the broker. A seat is an advisory lock of the database.

Whoever holds a seat holds it by the very connection it writes with: without that connection it neither stores nor
leads. Telemetry has one seat, so that the order per band stays; the next process waits for it and inherits the session.
Of the SOS every process has a seat. Only the first one's session is kept by the broker, and somebody always sits there:
it hears every press, also those that come while no process runs, and no session of a process long gone piles up old
presses that would be raised again one day.
"""

from eldercare.database import Connection


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
