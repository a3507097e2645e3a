"""Who read what sensitive data of whom, and when. The table is append-only; the database refuses anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from eldercare import pages
from eldercare.access import Role, Viewer
from eldercare.database import Connection
from eldercare.errors import Forbidden
from eldercare.pages import Page
from eldercare.sessions import Session


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: `viewer_id` under `role` did `action` with `what` (file, heart_rate, ...) of a resident."""

    id: int
    at: datetime
    viewer_id: int
    role: str
    action: str
    what: str
    resident_id: int | None
    detail: dict[str, Any]


async def record(
    conn: Connection,
    viewer: Viewer,
    what: str,
    *,
    resident_id: int | None = None,
    action: str = "read",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write the one row of a request that reads health or whereabouts. `what` names the data, several with commas."""
    await conn.execute(
        "insert into audit (viewer_id, role, action, what, resident_id, detail) values (%s, %s, %s, %s, %s, %s)",
        (viewer.person_id, viewer.role, action, what, resident_id, Jsonb(dict(detail or {}))),
    )


async def board(conn: Connection, session: Session) -> bool:
    """Write one row for the whole sitting at the duty board: at its first read in this session; says whether now."""
    seated = await conn.execute(
        "update session set board_at = clock_timestamp() where token_hash = %s and board_at is null", (session.key,)
    )
    if seated.rowcount:
        await record(conn, session.viewer, "board", action="board")
    return bool(seated.rowcount)


async def listing(
    conn: Connection, viewer: Viewer, *, resident_id: int | None = None, cursor: str | None = None, limit: int = 100
) -> Page[Entry]:
    """Newest first, for the admin only. Raises Forbidden for everybody else, InvalidInput for a wrong cursor."""
    if not viewer.has(Role.ADMIN):
        raise Forbidden("the audit log is the admin's to read")
    pages.check_limit(limit, 1000)
    after = pages.decode("audit", cursor, (int,))
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if resident_id is not None:
        conditions.append(sql.SQL("resident_id = {}").format(sql.Literal(resident_id)))
    if after:
        conditions.append(sql.SQL("id < {}").format(sql.Literal(after[0])))
    rows: Sequence[Any] = await (
        await conn.execute(
            sql.SQL(
                "select id, at, viewer_id, role, action, what, resident_id, detail from audit"
                " where {} order by id desc limit {}"
            ).format(sql.SQL(" and ").join(conditions), sql.Literal(limit + 1))
        )
    ).fetchall()
    return pages.page("audit", [Entry(*row) for row in rows], limit, lambda entry: (entry.id,))
