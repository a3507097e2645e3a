"""Cases in the table `incident`: how one is read, held and written back."""

from dataclasses import fields
from enum import StrEnum
from typing import Any

import orjson
import psycopg

from alerts.incidents.case import Case
from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.policies.escalation_policy import LAST_RESORT, EscalationPolicy, Target, parse
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, NotFound

COLUMNS = ", ".join(f"i.{field.name}" for field in fields(Case))
"""What `from_row` reads, over the alias `i`."""

POLICY = """
    (select p.ladder::text from policy p
     where p.kind = i.kind and p.severity = i.severity and (p.resident_id = i.resident_id or p.resident_id is null)
     order by p.resident_id nulls last limit 1)
"""
"""SQL: the policy as text, the resident's own before the community's, over the alias `i`."""

ASKS_FIRST = f"""coalesce({POLICY}::jsonb #> '{{steps,0,targets}}' ? '{Target.RESIDENT}', false)"""
"""SQL: whether its policy begins with asking the wearer, over the alias `i`."""

ASSIGNMENTS = """
    severity = c.severity, state = c.state, round = c.round, round_started_at = c.round_started_at,
    next_step = c.next_step,
    stepped_at = c.stepped_at, due_at = c.due_at, presses_told = c.presses_told, owner_id = c.owner_id,
    previous_owner_id = c.previous_owner_id, declined_id = c.declined_id, accepted_at = c.accepted_at,
    accepted_via = c.accepted_via, arrival_due_at = c.arrival_due_at, arrived_at = c.arrived_at,
    resolved_at = c.resolved_at, disposition = c.disposition, times_told = c.times_told, tell_after = c.tell_after,
    handler_id = c.handler_id, handled_at = c.handled_at, handled_via = c.handled_via,
    handling_until = c.handling_until, taken_off_id = c.taken_off_id, called_again_at = c.called_again_at,
    added_ids = c.added_ids, accepted_call = c.accepted_call,
    wearer_asked_at = c.wearer_asked_at, wearer_said = c.wearer_said, wearer_said_at = c.wearer_said_at
"""
"""What handling may change, from the alias `c`, a record of type `incident`."""

Held = tuple[Case, EscalationPolicy]
"""What `lock` has read: it holds until the transaction ends, or until that same transaction saves the case."""

UNREADABLE = (psycopg.DataError, psycopg.InternalError, TypeError, ValueError, ArithmeticError, LookupError)
"""How a row shows that it cannot be read: in the database, on the way from it, or where it becomes a case."""


class Unreadable(Conflict):
    """The incident, which is held all the same, cannot be read by this version."""


def _any_of(words: type[StrEnum]) -> str:
    return ", ".join(f"'{word}'" for word in words)


KNOWN = f"""(i.kind in ({_any_of(IncidentKind)}) and i.severity in ({_any_of(Severity)})
    and i.state in ({_any_of(IncidentState)}))"""
"""SQL: whether its words are ones of this version, over the alias `i`."""

_LOCK = f"select {COLUMNS}, {POLICY} from incident i where i.id = %s for no key update of i"  # noqa: S608
_SAVE = f"update incident i set {ASSIGNMENTS} from jsonb_populate_record(null::incident, %s::jsonb) c where i.id = c.id"  # noqa: S608


def from_row(row: tuple[Any, ...]) -> Case:
    """The case in the values of `COLUMNS`."""
    return Case(row[0], IncidentKind(row[1]), Severity(row[2]), IncidentState(row[3]), *row[4:])


def policy_of(text: str | None) -> EscalationPolicy:
    """The policy in its text; where none can be read, the one that must never be missing."""
    return parse(text) or LAST_RESORT


async def lock(conn: Connection, incident_id: int) -> Held:
    """Hold the case until the transaction ends; returns it and the policy that it follows. Raises NotFound,
    Unreadable."""
    try:
        row = await (await conn.execute(_LOCK, (incident_id,))).fetchone()
        if row is None:
            raise NotFound("incident", incident_id)
        return from_row(row[:-1]), policy_of(row[-1])
    except UNREADABLE as error:
        raise Unreadable(f"incident {incident_id} cannot be read by this version, see to it by hand") from error


async def save(conn: Connection, case: Case) -> None:
    """Write a case back that this transaction holds."""
    await conn.execute(_SAVE, (orjson.dumps(case).decode(),))
