"""Who read what sensitive data of whom, and when. The table is append-only; the database refuses anything else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from eldercare.accounts.viewers import Role, Viewer
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden
from eldercare.platform.pagination import Page


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: `viewer_id` under `role` did `action` with `what` (file, heart_rate, ...) of these residents.

    `resident_id` is set where it was one.
    """

    id: int
    at: datetime
    viewer_id: int
    role: str
    action: str
    what: str
    resident_id: int | None
    detail: dict[str, Any]
    resident_ids: list[int]


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


async def shown(
    conn: Connection, viewer: Viewer, what: str, residents: Iterable[int | None], *, action: str = "read"
) -> None:
    """Write the one row of a read that showed health or whereabouts of these residents; nothing where it showed none.

    A board shows hundreds at each look, so they are kept as runs of ids.
    """
    ids = sorted({resident_id for resident_id in residents if resident_id is not None})
    if not ids:
        return
    if len(ids) == 1:
        await record(conn, viewer, what, resident_id=ids[0], action=action)
        return
    await conn.execute(
        "insert into audit (viewer_id, role, action, what, residents) values (%s, %s, %s, %s, %s::int8multirange)",
        (viewer.person_id, viewer.role, action, what, runs(ids)),
    )


def runs(ids: Sequence[int]) -> str:
    """Ascending ids as PostgreSQL's multirange of their runs: 1, 2, 3, 7 is `{[1,3],[7,7]}`."""
    found: list[list[int]] = []
    for number in ids:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return "{" + ",".join(f"[{first},{last}]" for first, last in found) + "}"


async def listing(
    conn: Connection, viewer: Viewer, *, resident_id: int | None = None, cursor: str | None = None, limit: int = 100
) -> Page[Entry]:
    """The rows, newest first, for the admin only. Raises Forbidden for everybody else, InvalidInput for a wrong
    cursor."""
    if not viewer.has(Role.ADMIN):
        raise Forbidden("the audit log is the admin's to read")
    pagination.check_limit(limit, 1000)
    after = pagination.decode("audit", cursor, (int,))
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if resident_id is not None:
        conditions.append(sql.SQL("(resident_id = {0} or residents @> {0}::bigint)").format(sql.Literal(resident_id)))
    if after:
        conditions.append(sql.SQL("id < {}").format(sql.Literal(after[0])))
    rows: Sequence[Any] = await (
        await conn.execute(
            sql.SQL(
                "select id, at, viewer_id, role, action, what, resident_id, detail,"
                " case when residents is null then array_remove(array[resident_id], null) else array("
                "  select generate_series(lower(run), upper(run) - 1) from unnest(residents) run) end from audit"
                " where {} order by id desc limit {}"
            ).format(sql.SQL(" and ").join(conditions), sql.Literal(limit + 1))
        )
    ).fetchall()
    return pagination.page("audit", [Entry(*row) for row in rows], limit, lambda entry: (entry.id,))
