"""Policies in the database: the defaults, a resident's own, and what is refused."""

import json
import re
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from alerts.model.incident import IncidentKind, Severity
from alerts.policies import store
from alerts.policies.defaults import DEFAULTS
from alerts.policies.escalation_policy import EscalationPolicy
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput, NotFound
from tests.support import community

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
LADDER = EscalationPolicy.model_validate({"steps": [{"targets": ["family"], "channels": ["voice"]}], "repeat_s": 120})


async def test_a_fresh_database_has_a_ladder_for_every_kind_that_can_be_read(conn: Connection) -> None:
    found = await store.listing(conn)
    assert {policy.kind for policy in found} == set(IncidentKind)
    for policy in found:
        assert store.read_policy(IncidentKind(policy.kind), policy.ladder)


async def test_a_resident_can_have_a_ladder_of_their_own_and_lose_it_again(conn: Connection) -> None:
    people = await community.settle(conn)
    own = await store.put(conn, IncidentKind.SOS, Severity.SOS, people.wang, LADDER, people.admin, NOW)
    assert (own.resident_id, own.updated_by, own.updated_at) == (people.wang, people.admin, NOW)
    assert store.read_policy(IncidentKind.SOS, own.ladder) == LADDER
    assert own in await store.listing(conn, people.wang)
    assert own not in await store.listing(conn, people.li)
    again = await store.put(conn, IncidentKind.SOS, Severity.SOS, people.wang, LADDER, people.duty, NOW)
    assert (again.id, again.updated_by) == (own.id, people.duty)
    await store.remove(conn, own.id)
    with pytest.raises(NotFound):
        await store.get(conn, own.id)


async def test_a_default_can_be_changed_but_not_removed(conn: Connection) -> None:
    [default] = [policy for policy in await store.listing(conn) if policy.kind == "sos"]
    changed = await store.put(conn, IncidentKind.SOS, Severity.SOS, None, LADDER, None, NOW)
    assert changed.id == default.id
    with pytest.raises(InvalidInput, match="not removed"):
        await store.remove(conn, default.id)


async def test_what_breaks_the_promise_or_names_nobody_is_refused(conn: Connection) -> None:
    ends = LADDER.model_copy(update={"repeat_s": None})
    with pytest.raises(InvalidInput, match="repeat_s"):
        await store.put(conn, IncidentKind.SOS, Severity.SOS, None, ends, None, NOW)
    with pytest.raises(NotFound):
        await store.put(conn, IncidentKind.SOS, Severity.SOS, 999, LADDER, None, NOW)


async def test_a_fresh_database_holds_the_policies_that_are_written_down_as_defaults(conn: Connection) -> None:
    found = {(each.kind, each.severity): each.ladder for each in await store.listing(conn)}
    assert {key: EscalationPolicy.model_validate(ladder) for key, ladder in found.items()} == DEFAULTS


MIGRATIONS = files("eldercare.platform") / "migrations"


def ladder_before_asking(kind: str) -> dict[str, Any]:
    """The ladder of what is urgent of this kind, as it was delivered before it asked."""
    text = (MIGRATIONS / "0019_kinds.sql").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(re.findall(rf"'{kind}', 'urgent', '(.*?)'\)", text, re.DOTALL)[0])
    return found


async def learn_to_ask(conn: Connection) -> None:
    """What the migration does to ladders."""
    for statement in (MIGRATIONS / "0020_asked.sql").read_text(encoding="utf-8").split(";"):
        if "update policy" in statement:
            await conn.execute(statement.encode())


@pytest.mark.parametrize("kind", ["no_heart_rate", "stillness"])
@pytest.mark.parametrize("edited", [False, True])
async def test_a_ladder_that_a_community_has_edited_stays_when_the_others_learn_to_ask(
    conn: Connection, kind: str, edited: bool
) -> None:
    before = ladder_before_asking(kind) | ({"repeat_s": 600} if edited else {})
    mine = "kind = %s and severity = 'urgent'"
    await conn.execute(f"update policy set ladder = %s where {mine}", (Jsonb(before), kind))
    await learn_to_ask(conn)
    row = await (await conn.execute(f"select ladder from policy where {mine}", (kind,))).fetchone()
    assert row is not None
    asks = EscalationPolicy.model_validate(row[0]).steps[0].asks
    assert (row[0] == before, asks) == (edited, not edited)


async def incident_at(conn: Connection, resident_id: int, kind: str, next_step: int) -> int:
    """An open incident of which the steps before this one were taken."""
    insert = (
        "insert into incident (subject, kind, severity, resident_id, source, occurred_at, opened_at, round_started_at,"
        " due_at, next_step)"
        " values ('resident:' || %(resident)s, %(kind)s, 'urgent', %(resident)s, 'rule', %(now)s, %(now)s, %(now)s,"
        " %(now)s, %(step)s) returning id"
    )
    values = {"kind": kind, "resident": resident_id, "now": NOW, "step": next_step}
    row = await (await conn.execute(insert, values)).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("kind", ["no_heart_rate", "stillness"])
@pytest.mark.parametrize(("own", "edited"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("taken", [0, 1, 3])
async def test_what_is_under_way_goes_on_where_it_was_when_its_ladder_learns_to_ask(
    conn: Connection, kind: str, own: bool, edited: bool, taken: int
) -> None:
    people = await community.settle(conn)
    before = ladder_before_asking(kind) | ({"repeat_s": 600} if edited else {})
    await conn.execute("update policy set ladder = %s where kind = %s and severity = 'urgent'", (Jsonb(before), kind))
    if own:
        await conn.execute(
            "insert into policy (kind, severity, resident_id, ladder, updated_at) values (%s, 'urgent', %s, %s, %s)",
            (kind, people.wang, Jsonb(before), NOW),
        )
    incident = await incident_at(conn, people.wang, kind, taken)
    for _ in range(2):  # it may be cut off, and is run again
        await learn_to_ask(conn)
        row = await (await conn.execute("select next_step from incident where id = %s", (incident,))).fetchone()
        assert row == (taken + (taken > 0 and not own and not edited),)
