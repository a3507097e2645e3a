"""Policies in the database: the defaults, a resident's own, and what is refused."""

import json
import re
from datetime import UTC, datetime
from importlib.resources import files

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


@pytest.mark.parametrize("kind", ["no_heart_rate", "stillness"])
@pytest.mark.parametrize("edited", [False, True])
async def test_a_ladder_that_a_community_has_edited_stays_when_the_others_learn_to_ask(
    conn: Connection, kind: str, edited: bool
) -> None:
    migrations = files("eldercare.platform") / "migrations"
    written = re.findall(
        rf"'{kind}', 'urgent', '(.*?)'\)", (migrations / "0019_kinds.sql").read_text(encoding="utf-8"), re.DOTALL
    )
    before = json.loads(written[0]) | ({"repeat_s": 600} if edited else {})
    mine = "kind = %s and severity = 'urgent'"
    await conn.execute(f"update policy set ladder = %s where {mine}", (Jsonb(before), kind))
    for statement in (migrations / "0020_asked.sql").read_text(encoding="utf-8").split(";"):
        if "update policy" in statement:
            await conn.execute(statement.encode())
    row = await (await conn.execute(f"select ladder from policy where {mine}", (kind,))).fetchone()
    assert row is not None
    asks = EscalationPolicy.model_validate(row[0]).steps[0].asks
    assert (row[0] == before, asks) == (edited, not edited)
