"""Stored policies: which one an incident follows, by kind and severity, with overrides for single residents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from alerts.model.incident import IncidentKind, Severity
from alerts.policies.escalation_policy import EscalationPolicy, Hours, Step, Target, check
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput, NotFound

__all__ = ["EscalationPolicy", "Hours", "Policy", "Step", "Target", "get", "listing", "put", "read_policy", "remove"]


@dataclass(frozen=True, slots=True)
class Policy:
    """A stored escalation policy, as JSON in `ladder`; `resident_id` None is the community's default."""

    id: int
    kind: str
    severity: str
    resident_id: int | None
    ladder: dict[str, Any]
    updated_at: datetime
    updated_by: int | None


async def listing(conn: Connection, resident_id: int | None = None) -> list[Policy]:
    """The community's policies and, where a resident is named, that resident's overrides."""
    async with conn.cursor(row_factory=class_row(Policy)) as cursor:
        await cursor.execute(
            "select * from policy where resident_id is null or resident_id = %s"
            " order by kind, severity, resident_id nulls first",
            (resident_id,),
        )
        return await cursor.fetchall()


async def get(conn: Connection, policy_id: int) -> Policy:
    """One policy. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Policy)) as cursor:
        await cursor.execute("select * from policy where id = %s", (policy_id,))
        policy = await cursor.fetchone()
    if policy is None:
        raise NotFound("policy", policy_id)
    return policy


async def put(
    conn: Connection,
    kind: IncidentKind,
    severity: Severity,
    resident_id: int | None,
    policy: EscalationPolicy,
    person_id: int | None,
    now: datetime,
) -> Policy:
    """Store the policy for a kind and severity, for everybody or for one resident; open incidents follow it at their
    next step. Raises InvalidInput for a policy that breaks the kind's promise, NotFound for an unknown resident."""
    check(kind, policy, severity)
    try:
        async with conn.transaction(), conn.cursor(row_factory=class_row(Policy)) as cursor:
            await cursor.execute(
                "insert into policy (kind, severity, resident_id, ladder, updated_at, updated_by)"
                " values (%s, %s, %s, %s, %s, %s) on conflict (kind, severity, (coalesce(resident_id, 0))) do update"
                " set ladder = excluded.ladder, updated_at = excluded.updated_at, updated_by = excluded.updated_by"
                " returning *",
                (kind, severity, resident_id, Jsonb(policy.model_dump(mode="json")), now, person_id),
            )
            stored = await cursor.fetchone()
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound("resident", resident_id) from error
    assert stored is not None  # noqa: S101  an upsert returns its row
    return stored


async def remove(conn: Connection, policy_id: int) -> None:
    """Drop a resident's override. Raises NotFound, and InvalidInput for a default, which can only be changed."""
    policy = await get(conn, policy_id)
    if policy.resident_id is None:
        raise InvalidInput("policy", "a default of the community can be changed, not removed")
    await conn.execute("delete from policy where id = %s", (policy_id,))


def read_policy(kind: IncidentKind, data: object) -> EscalationPolicy:
    """A policy from somebody's JSON. Raises InvalidInput naming the first wrong field."""
    try:
        policy = EscalationPolicy.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("ladder", *first["loc"]))
        raise InvalidInput(where, first["msg"].removeprefix("Value error, ")) from error
    check(kind, policy)
    return policy
