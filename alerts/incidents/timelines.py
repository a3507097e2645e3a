"""The timelines of all incidents taken together: what changed since."""

from collections.abc import Sequence

from psycopg import sql

from eldercare.accounts import access
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.platform.database import Connection

MARGIN = 50
"""A reader who comes back after a while looks so many rows back: rows get their numbers before they are committed, so
one may appear behind a newer one."""
MOST = 500
"""Whoever missed more than this many incidents reads the whole list anyway."""


async def newest(conn: Connection) -> int:
    """The number of the newest row; 0 without any."""
    row = await (await conn.execute("select coalesce(max(id), 0) from incident_event")).fetchone()
    return int(row[0]) if row else 0


async def changed(conn: Connection, viewer: Viewer, since: int, named: Sequence[int] = ()) -> list[int]:
    """The incidents that `viewer` may know of, among `named` and those with a row after `since`; newest first, at most
    500."""
    query = sql.SQL(
        "select i.id from incident i where (i.id = any({named}) or i.id in"
        " (select e.incident_id from incident_event e where e.id > {since})) and {seen} order by i.id desc limit {most}"
    ).format(
        named=sql.Literal(list(named)),
        since=sql.Literal(since),
        seen=access.incident(viewer, Scope.CONTACT),
        most=sql.Literal(MOST),
    )
    return [int(row[0]) for row in await (await conn.execute(query)).fetchall()]
