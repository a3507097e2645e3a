"""What was written of a resident's health: what stood before, what after, who changed it and when.

The database keeps it (migration 0024), whichever way a change comes in, and rows are only added. Whoever changes
somebody's row says before who it is: `writes`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import COMMAND_LINE, Scope, Viewer
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.pagination import Page


class MedicalFact(StrEnum):
    """What has a history. `limits_signature` is who signed `rule_overrides` as they stood, and when."""

    CONDITIONS = "conditions"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    MOBILITY = "mobility"
    NOTES = "notes"
    EMERGENCY_NOTE = "emergency_note"
    RULE_OVERRIDES = "rule_overrides"
    LIMITS_REASON = "limits_reason"
    LIMITS_SIGNATURE = "limits_signature"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one fact at `at` (aware). What was changed at once has the same time.

    `before` and `after` are a text, or an object for `rule_overrides` (the limits) and `limits_signature` (`person_id`,
    `at`); None: nothing was written there. `by_id` 0 is the command line, None: whoever it was did not say.
    """

    id: int
    fact: str
    at: datetime
    by_id: int | None
    by_name: str | None
    before: Any
    after: Any


async def writes(conn: Connection, person_id: int | None) -> None:
    """What this transaction writes of residents from now on is written by that person; None: by nobody known."""
    name = "" if person_id is None else str(person_id)
    await conn.execute("select set_config('eldercare.writer', %s, true)", (name,))


_LISTING = sql.SQL(
    """
    select h.id, h.fact, h.at, h.by_id, case when h.by_id = {server} then {server_name} else p.name end as by_name,
           h.before, h.after
    from resident_history h left join person p on p.id = h.by_id
    where h.resident_id = {resident} and {condition}
    order by h.id desc limit {limit}
    """
)


async def listing(
    conn: Connection,
    viewer: Viewer,
    resident_id: int,
    *,
    fact: MedicalFact | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Change]:
    """The changes, the newest first, for whoever sees the resident's health; leaves a row in the audit log.

    Raises NotFound, Forbidden, InvalidInput for a wrong cursor or limit.
    """
    await access.require(conn, viewer, resident_id, Scope.HEALTH)
    pagination.check_limit(limit, 1000)
    after = pagination.decode("history", cursor, (int,))
    conditions: list[sql.Composable] = [access.TRUE]
    if fact is not None:
        conditions.append(sql.SQL("h.fact = {}").format(sql.Literal(str(fact))))
    if after is not None:
        conditions.append(sql.SQL("h.id < {}").format(sql.Literal(after[0])))
    query = _LISTING.format(
        server=sql.Literal(COMMAND_LINE.person_id),
        server_name=sql.Literal(COMMAND_LINE.name),
        resident=sql.Literal(resident_id),
        condition=sql.SQL(" and ").join(conditions),
        limit=sql.Literal(limit + 1),
    )
    async with conn.cursor(row_factory=class_row(Change)) as cursor_:
        found = await (await cursor_.execute(query)).fetchall()
    await audit.record(conn, viewer, "history", resident_id=resident_id)
    return pagination.page("history", found, limit, lambda change: (change.id,))
