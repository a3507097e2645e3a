"""Remembers texts that were acted upon: the same one handed in again is answered the same, and nothing is done."""

from dataclasses import dataclass
from datetime import datetime

from eldercare.platform.database import Connection


@dataclass(frozen=True, slots=True)
class Before:
    """What a text was answered the first time; None: nothing."""

    answer: str | None


async def again(conn: Connection, name: str, now: datetime) -> Before | None:
    """The answer that this text got (`name`, the provider's id with a digest); None for a new one, which is now
    remembered.

    Waits for another transaction that is acting upon the same text.
    """
    new = await conn.execute(
        "insert into heard_text (name, heard_at) values (%s, %s) on conflict do nothing", (name, now)
    )
    if new.rowcount:
        return None
    row = await (await conn.execute("select answer from heard_text where name = %s", (name,))).fetchone()
    return Before(row[0] if row else None)


async def answered(conn: Connection, name: str, answer: str) -> None:
    """Keep what was answered to a text that was new to `again`."""
    await conn.execute("update heard_text set answer = %s where name = %s", (answer, name))
