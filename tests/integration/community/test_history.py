"""What was written of somebody's health keeps what stood before, whichever way the change came in."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from eldercare.accounts import audit
from eldercare.accounts.viewers import COMMAND_LINE, Role, Viewer
from eldercare.community import consents, people, resident_changes, resident_history, resident_schema, residents
from eldercare.community.consents import Purpose
from eldercare.community.resident_history import Change, MedicalFact
from eldercare.community.resident_import.check import Entry
from eldercare.community.resident_import.columns import Column
from eldercare.community.resident_import.store import store
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection, connect
from eldercare.platform.errors import Forbidden, InvalidInput, NotFound
from eldercare.platform.migrate import migrate
from eldercare.tools.seed import fill
from tests.support.community import NOW, resident, viewer

TODAY = NOW.date()
LOW = {"hr_low_urgent": 38}


@pytest.fixture(autouse=True)
async def _now(conn: Connection) -> None:
    await set_clock(conn, NOW, 0, real=False)


@pytest.fixture
async def duty(conn: Connection) -> Viewer:
    return await viewer(conn, Role.DUTY)


async def changes(conn: Connection, who: Viewer, old: int, fact: MedicalFact | None = None) -> list[Change]:
    return (await resident_history.listing(conn, who, old, fact=fact)).items


async def told(conn: Connection, who: Viewer, old: int) -> list[tuple[Any, ...]]:
    """Fact, who, before and after, the oldest first."""
    found = await changes(conn, who, old)
    return [(each.fact, each.by_id, each.before, each.after) for each in reversed(found)]


def test_every_medical_fact_has_a_history() -> None:
    assert set(MedicalFact) == resident_schema.MEDICAL | {"limits_signature", "emergency_note"}


async def test_a_change_keeps_what_stood_before_who_changed_it_and_when(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn, medicines="氨氯地平")
    later = NOW + timedelta(hours=1)
    await set_clock(conn, later, 0, real=False)
    await residents.update(conn, duty, old, {"medicines": "华法林", "needs": "助餐"}, TODAY)
    change = (await changes(conn, duty, old, MedicalFact.MEDICINES))[0]
    row = await (await conn.execute("select name from person where id = %s", (duty.person_id,))).fetchone()
    assert row is not None
    assert (change.by_id, change.by_name, change.at) == (duty.person_id, row[0], later)
    assert (change.before, change.after) == ("氨氯地平", "华法林")
    assert {each.fact for each in await changes(conn, duty, old) if each.at == later} == {"medicines"}


async def test_what_was_unchanged_writes_nothing(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn, mobility="拄拐")
    await residents.update(conn, duty, old, {"rule_overrides": LOW, "limits_reason": "一向偏低"}, TODAY)
    before = await told(conn, duty, old)
    again = {"mobility": "拄拐", "notes": "听力差", "rule_overrides": LOW, "limits_reason": "一向偏低"}
    await residents.update(conn, duty, old, again, TODAY)
    assert await told(conn, duty, old) == before


async def test_an_empty_text_is_nothing_written(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn, conditions="", medicines="", allergies="", notes="")
    assert await told(conn, duty, old) == []
    await residents.update(conn, duty, old, {"allergies": "青霉素"}, TODAY)
    await residents.update(conn, duty, old, {"allergies": ""}, TODAY)
    who = duty.person_id
    assert await told(conn, duty, old) == [("allergies", who, None, "青霉素"), ("allergies", who, "青霉素", None)]


async def test_limits_keep_their_reason_and_their_signature(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn, conditions="", medicines="", allergies="", notes="")
    who = duty.person_id
    await residents.update(conn, duty, old, {"rule_overrides": LOW, "limits_reason": "一向偏低"}, TODAY)
    first = await told(conn, duty, old)
    assert [(fact, by, before) for fact, by, before, _ in first] == [
        ("limits_reason", who, None), ("limits_signature", who, None), ("rule_overrides", who, None),
    ]  # fmt: skip
    assert first[0][3] == "一向偏低"
    assert first[1][3]["person_id"] == who
    assert first[2][3] == LOW
    # The version before changes them and signs nothing, which ends the signature that stood.
    await resident_history.writes(conn, None)
    await conn.execute("update resident set rule_overrides = '{\"hr_low_urgent\": 35}' where id = %s", (old,))
    assert [(fact, by, after) for fact, by, _, after in (await told(conn, duty, old))[3:]] == [
        ("limits_signature", None, None), ("rule_overrides", None, {"hr_low_urgent": 35}),
    ]  # fmt: skip
    await residents.update(conn, duty, old, {"rule_overrides": {}}, TODAY)
    assert (await changes(conn, duty, old, MedicalFact.RULE_OVERRIDES))[0].after is None


async def test_every_way_in_is_kept(conn: Connection, duty: Viewer) -> None:
    typed = {"name": "新来的", "address": "梧桐路9号", "conditions": "高血压"}
    added = await resident_changes.add(conn, duty, typed, TODAY)
    assert await told(conn, duty, added) == [("conditions", duty.person_id, None, "高血压")]
    by_hand = await resident_changes.add(conn, COMMAND_LINE, {"name": "李", "address": "梧桐路10号"}, TODAY)
    assert await told(conn, duty, by_hand) == []
    named = ("name", "address", "medicines", "conditions")
    columns = {name: Column(0, name, "", name) for name in named}
    values = [{**typed, "conditions": "糖尿病"}, {"name": "赵", "address": "梧桐路11号", "medicines": "二甲双胍"}]
    stored = await store(conn, [Entry(row, each, columns) for row, each in enumerate(values)], NOW)
    assert (stored.bad, stored.created, stored.updated) == ([], 1, 1)
    assert (await told(conn, duty, added))[1:] == [("conditions", 0, "高血压", "糖尿病")]
    (last,) = await changes(conn, duty, await _newest(conn))
    assert (last.by_id, last.by_name, last.before, last.after) == (0, COMMAND_LINE.name, None, "二甲双胍")


async def _newest(conn: Connection) -> int:
    row = await (await conn.execute("select max(id) from resident")).fetchone()
    assert row is not None
    return int(row[0])


async def test_the_seed_is_a_way_in_too(conn: Connection) -> None:
    await fill.seed(conn, 12)
    rows = await (await conn.execute("select distinct by_id, before::text from resident_history")).fetchall()
    assert rows == [(0, None)]


async def test_the_version_before_goes_on_writing_and_nobody_is_named_for_it(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn, mobility="")
    await conn.commit()
    await conn.execute("update resident set mobility = '轮椅' where id = %s", (old,))
    assert (await told(conn, duty, old))[-1] == ("mobility", None, None, "轮椅")


async def test_who_writes_is_known_for_the_transaction_alone(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn)
    await residents.update(conn, duty, old, {"mobility": "拄拐"}, TODAY)
    await conn.commit()
    await conn.execute("update resident set mobility = '轮椅' where id = %s", (old,))
    assert [by for fact, by, _, _ in await told(conn, duty, old) if fact == "mobility"] == [duty.person_id, None]


async def test_whoever_sees_her_health_reads_it_until_the_consent_is_withdrawn(conn: Connection) -> None:
    old, doctor = await resident(conn), await viewer(conn, Role.DOCTOR)
    family = await viewer(conn, Role.FAMILY)
    await people.link(conn, old, doctor.person_id, "doctor")
    await people.link(conn, old, family.person_id, "family")
    for who, purpose in ((doctor, Purpose.CLINIC), (family, Purpose.FAMILY_HEALTH)):
        with pytest.raises(NotFound):
            await changes(conn, who, old)
        await consents.give(conn, old, purpose, given_by="本人", now=NOW)
        assert await changes(conn, who, old) != []
        await consents.withdraw(conn, old, purpose, NOW)
        with pytest.raises(NotFound):
            await changes(conn, who, old)
    with pytest.raises(Forbidden):
        await changes(conn, await viewer(conn, Role.ADMIN), old)
    entries = (await audit.listing(conn, await viewer(conn, Role.ADMIN), resident_id=old)).items
    assert [(each.viewer_id, each.what, each.action) for each in reversed(entries)] == [
        (doctor.person_id, "history", "read"), (family.person_id, "history", "read"),
    ]  # fmt: skip


async def test_pages_go_on_where_the_one_before_ended(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn, mobility="0")
    for number in range(1, 5):
        await residents.update(conn, duty, old, {"mobility": str(number)}, TODAY)
    about = {"fact": MedicalFact.MOBILITY, "limit": 2}
    seen, cursor = [], None
    while True:
        page = await resident_history.listing(conn, duty, old, cursor=cursor, **about)  # type: ignore[arg-type]
        seen += [each.after for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]
    with pytest.raises(InvalidInput, match="cursor"):
        await resident_history.listing(conn, duty, old, cursor="x")


@pytest.mark.parametrize(
    "statement",
    ["update resident_history set after = '1'", "delete from resident_history", "truncate resident_history"],
)
async def test_not_even_the_owner_changes_it_and_it_goes_with_the_resident(conn: Connection, statement: str) -> None:
    old = await resident(conn)
    await conn.commit()
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
        await conn.execute(statement.encode())
    await conn.rollback()
    await conn.execute("delete from resident where id = %s", (old,))
    row = await (await conn.execute("select count(*) from resident_history")).fetchone()
    assert row == (0,)


@pytest.fixture
def service_url(database_url: str) -> str:
    """The same database as the services' role sees it."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "do $$ begin create role eldercare_service login password 'a'; exception when duplicate_object then null;"
            " when unique_violation then null; end $$"
        )
    migrate(database_url)
    parts = urlsplit(database_url)
    return urlunsplit(parts._replace(netloc=f"eldercare_service:a@{parts.hostname}:{parts.port}"))


@pytest.mark.parametrize(
    "statement",
    [
        "update resident_history set after = '1'",
        "delete from resident_history",
        "truncate resident_history",
        "insert into resident_history (resident_id, fact, after, at) select id, 'notes', '1', now() from resident",
        "alter table resident disable trigger all",
    ],
)
async def test_the_services_role_adds_and_reads_and_does_nothing_else(service_url: str, statement: str) -> None:
    async with await connect(service_url) as conn:
        duty, old = await viewer(conn, Role.DUTY), await resident(conn)
        await residents.update(conn, duty, old, {"mobility": "拄拐"}, TODAY)
        assert (await changes(conn, duty, old))[0].after == "拄拐"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement.encode())


async def test_a_temporary_table_stands_before_none_of_ours(service_url: str) -> None:
    async with await connect(service_url) as conn:
        duty, old = await viewer(conn, Role.DUTY), await resident(conn, mobility="")
        await conn.execute("create temporary table resident_history (like public.resident_history)")
        await conn.execute("update public.resident set mobility = '拄拐' where id = %s", (old,))
        await conn.execute("drop table pg_temp.resident_history")
        assert (await changes(conn, duty, old))[0].after == "拄拐"


async def test_every_trigger_looks_in_our_tables_alone(conn: Connection) -> None:
    rows = await conn.execute(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace and prorettype = 'trigger'::regtype"
        " and 'search_path=public, pg_temp' <> all(coalesce(proconfig, '{}'))"
        " and not exists (select from pg_depend d where d.objid = pg_proc.oid and d.deptype = 'e')"
    )
    assert await rows.fetchall() == []
