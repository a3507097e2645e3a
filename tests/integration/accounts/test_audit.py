"""The audit log: sealed without anybody waiting, verified, dropped by whole periods, and out of the services' reach."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import psycopg
import pytest

from eldercare.accounts import audit, audit_chain
from eldercare.accounts.viewers import Role, Viewer
from eldercare.platform.database import Connection, connect
from eldercare.platform.finding import Finding, Level
from eldercare.platform.migrate import KEY, SERVICE_ROLE, migrate
from eldercare.tools.doctor import keeping
from tests.conftest import MakeSettings

DUTY = Viewer(1, "李值班", frozenset({Role.DUTY}), Role.DUTY)
NOW = datetime.now(UTC)


@pytest.fixture
def service_url(database_url: str) -> str:
    """The same database as the services' role sees it."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "do $$ begin create role eldercare_service login password 'a'; exception when duplicate_object then null;"
            " when unique_violation then null; end $$"
        )
    assert SERVICE_ROLE == "eldercare_service"
    migrate(database_url)
    parts = urlsplit(database_url)
    return urlunsplit(parts._replace(netloc=f"{SERVICE_ROLE}:a@{parts.hostname}:{parts.port}"))


async def _write(conn: Connection, *what: str) -> None:
    for each in what:
        await audit.record(conn, DUTY, each, resident_id=1)
    await conn.commit()


async def _as_owner(conn: Connection, statement: str) -> None:
    await conn.execute("alter table audit disable trigger audit_is_append_only")
    await conn.execute("alter table audit_seal disable trigger audit_seal_is_append_only")
    await conn.execute(statement)
    await conn.execute("alter table audit enable trigger audit_is_append_only")
    await conn.execute("alter table audit_seal enable trigger audit_seal_is_append_only")
    await conn.commit()


async def test_a_seal_covers_what_is_committed_and_the_next_one_what_came_late(
    database_url: str, conn: Connection
) -> None:
    async with await connect(database_url) as slow:
        await audit.record(slow, DUTY, "first", resident_id=1)  # has its number, and is not committed
        await _write(conn, "second", "third")
        assert await audit_chain.seal(conn) == 2
        assert await audit_chain.seal(conn) == 0
        await slow.commit()
    await _write(conn, "fourth")
    assert await audit_chain.seal(conn) == 2
    found = await audit_chain.verify(conn)
    assert (found.seals, found.rows, found.broken, found.strays, found.waiting) == (2, 4, None, 0, 0)
    assert (await audit_chain.head(conn))[0] == 2


async def test_a_read_waits_for_no_sealing(database_url: str, conn: Connection) -> None:
    await _write(conn, "first")
    async with await connect(database_url) as sealing, await connect(database_url) as other:
        await sealing.execute("select audit_seal(10)")  # and holds what it holds
        await conn.execute("set lock_timeout = '1s'")
        await _write(conn, "second")
        assert await audit_chain.seal(other) == 0  # one at a time, and nobody queues
        await sealing.commit()
    assert await audit_chain.seal(conn) == 1


@pytest.mark.parametrize(
    ("tampering", "broken", "strays"),
    [
        ("update audit set viewer_id = 2 where id = 2", 1, 0),
        ("""update audit set detail = '{"a": 1}' where id = 4""", 2, 0),
        ("update audit set residents = '{[9,9]}' where id = 1", 1, 0),
        ("delete from audit where id = 3", 2, 0),
        ("delete from audit_seal where id = 2", 3, 2),
        ("update audit_seal set count = 3 where id = 1", 1, 0),
        ("delete from audit where id in (3, 4); delete from audit_seal where id = 2", 3, 0),
        (
            "insert into audit (id, viewer_id, role, action, what) overriding system value"
            " values (0, 1, 'duty', 'read', 'forged')",
            None,
            1,
        ),
    ],
)
async def test_what_was_changed_is_found(conn: Connection, tampering: str, broken: int | None, strays: int) -> None:
    for pair in (("a", "b"), ("c", "d"), ("e", "f")):
        await _write(conn, *pair)
        assert await audit_chain.seal(conn) == 2
    assert (await audit_chain.verify(conn)).broken is None
    # Two hours on: the seals no longer look for what comes late.
    await _as_owner(conn, "update audit_seal set sealed_at = sealed_at - interval '2 hours'")
    for statement in tampering.split("; "):
        await _as_owner(conn, statement)
    await audit_chain.seal(conn)
    found = await audit_chain.verify(conn)
    assert (found.broken, found.strays) == (broken, strays)


async def test_old_periods_are_dropped_and_the_chain_goes_on(conn: Connection) -> None:
    for days in (900, 700, 300, 1):
        await conn.execute(
            "insert into audit (at, viewer_id, role, action, what) values (%s, 1, 'duty', 'read', 'file')",
            (NOW - timedelta(days=days),),
        )
        await conn.commit()
        assert await audit_chain.seal(conn) == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="180 days"):
        await audit_chain.drop(conn, NOW - timedelta(days=170), 10)
    await conn.rollback()
    assert await audit_chain.drop(conn, NOW - timedelta(days=365), 1) == 1
    assert await audit_chain.drop(conn, NOW - timedelta(days=365), 10) == 1
    assert await audit_chain.drop(conn, NOW - timedelta(days=365), 10) == 0
    await conn.commit()
    found = await audit_chain.verify(conn)
    assert (found.seals, found.rows, found.broken, found.strays) == (2, 2, None, 0)
    kept = await (await conn.execute("select through, rows from audit_checkpoint order by through")).fetchall()
    assert kept == [(1, 1), (2, 1)]
    await _write(conn, "file")
    assert await audit_chain.seal(conn) == 1
    assert (await audit_chain.verify(conn)).broken is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
        await conn.execute("delete from audit")


FORBIDDEN = (
    "update audit set what = 'nothing'",
    "delete from audit",
    "truncate audit",
    "alter table audit disable trigger all",
    "drop table audit",
    "drop trigger audit_is_append_only on audit",
    "insert into audit (at, viewer_id, role, action, what) values (now(), 1, 'duty', 'read', 'file')",
    "insert into audit (id, viewer_id, role, action, what) overriding system value values (0, 1, 'a', 'b', 'c')",
    "delete from audit_seal",
    "insert into audit_seal values (9, now(), '{}', 0, 0, now(), '', '')",
    "update audit_checkpoint set hash = ''",
    "select grant_services('eldercare_service')",
    "create or replace function audit_seal(most integer) returns bigint language sql as 'select 0::bigint'",
    "update _yoyo_migration set migration_id = ''",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_services_role_cannot_alter_the_log(service_url: str, statement: str) -> None:
    async with await connect(service_url) as conn:
        await _write(conn, "file")
        await conn.execute("select set_config('eldercare.audit_drop', 'on', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement.encode())


async def test_the_services_role_does_what_the_services_do(service_url: str, database_url: str) -> None:
    async with await connect(service_url) as conn:
        await _write(conn, "file")
        await audit.shown(conn, DUTY, "board", [1, 2, 3, 7], action="board")
        assert await audit_chain.seal(conn) == 2
        found = await audit_chain.verify(conn)
        assert (found.broken, found.rows) == (None, 2)
        assert await audit_chain.drop(conn, NOW - timedelta(days=400), 10) == 0
        assert not (await audit_chain.protection(conn)).alters
        for noun in ("heart_rate", "location", "device_status"):
            assert (await (await conn.execute("select drop_readings(%s, %s, 10)", (noun, NOW - timedelta(days=40)))
                           ).fetchone()) == (0,)  # fmt: skip
        await conn.execute("insert into heart_rate (device_id, ts, received_at, bpm) values ('a', now(), now(), 60)")
        await conn.execute("update heart_rate set bpm = 61")
        assert await (await conn.execute("select bpm from heart_rate")).fetchall() == [(61,)]
    async with await connect(database_url) as conn:
        assert (await audit_chain.protection(conn)).alters
        rights = await (
            await conn.execute(
                "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in"
                " ('r', 'p') and c.relname !~ 'yoyo' and not has_table_privilege('eldercare_service', c.oid,"
                " 'insert') order by 1"
            )
        ).fetchall()
        assert [name for (name,) in rights] == [
            "audit", "audit_checkpoint", "audit_seal", "consultation_amendment", "resident_history",
        ]  # fmt: skip


async def test_the_chain_holds_on_plain_postgresql(plain_database_url: str) -> None:
    async with await connect(plain_database_url) as conn:
        await _write(conn, "a", "b")
        assert await audit_chain.seal(conn) == 2
        assert (await audit_chain.verify(conn)).broken is None


def test_ids_are_kept_as_runs() -> None:
    assert audit.runs([1, 2, 3, 7]) == "{[1,3],[7,7]}"


async def _doctor(url: str, make_settings: MakeSettings, **values: Any) -> list[Finding]:
    settings = make_settings(**values)
    async with await connect(url) as conn:
        return await keeping.examine(conn, settings)


async def test_the_doctor_says_which_protection_is_in_force(
    service_url: str, database_url: str, make_settings: MakeSettings
) -> None:
    real = {"twilio_account_sid": "AC1"}
    found = [
        (await _doctor(url, make_settings, **values))[0]
        for url, values in ((service_url, real), (database_url, {}), (database_url, real))
    ]
    assert [finding.level for finding in found] == [Level.OK, Level.NOTE, Level.WARNING]
    assert "eldercare_service can only append" in found[0].what
    assert "only its chain of hashes would show" in found[2].what


async def test_the_doctor_finds_what_was_altered_and_what_was_written_afterwards(
    conn: Connection, database_url: str, make_settings: MakeSettings
) -> None:
    await _write(conn, "a", "b")
    whole = (await _doctor(database_url, make_settings))[1]
    assert (whole.level, "2 行，1 个封印" in whole.what) == (Level.OK, True)
    await _as_owner(conn, "update audit_seal set sealed_at = sealed_at - interval '2 hours'")
    await conn.execute(
        "insert into audit (id, viewer_id, role, action, what) overriding system value values (0, 1, 'a', 'b', 'c')"
    )
    await conn.commit()
    assert "written afterwards: 1" in (await _doctor(database_url, make_settings))[1].what
    await _as_owner(conn, "update audit set what = 'x' where id = 1")
    altered = (await _doctor(database_url, make_settings))[1]
    assert (altered.level, "seal 1 does not fit" in altered.what) == (Level.ERROR, True)


async def test_the_doctor_shows_how_long_is_kept_and_misses_a_retention_that_does_not_run(
    conn: Connection, database_url: str, make_settings: MakeSettings
) -> None:
    await conn.execute(
        "insert into rejected (received_at, topic, reason, detail, payload) values (%s, 't', 'json', 'd', '')",
        (NOW - timedelta(days=37),),
    )
    await conn.commit()
    shown = (await _doctor(database_url, make_settings, keep_positions_days=60))[2:]
    assert [finding.level for finding in shown] == [Level.NOTE]
    assert "positions 60 天" in shown[0].what
    oldest = (NOW - timedelta(days=37)).astimezone(ZoneInfo("Asia/Shanghai"))
    assert f"rejected messages 30 天 days（最早 oldest {oldest:%Y-}" in shown[0].what
    late = (await _doctor(database_url, make_settings, keep_rejected_days=28))[3]
    assert (late.level, "rejected messages" in late.what, "audit" in late.what) == (Level.ERROR, True, False)


async def test_the_log_is_sealed_while_a_migration_has_the_turn_and_the_other_way_round(
    conn: Connection, database_url: str
) -> None:
    await _write(conn, "first")
    async with await connect(database_url, autocommit=True) as migration:
        await migration.execute("select pg_advisory_lock(%s, %s)", KEY)
        assert await audit_chain.seal(conn) == 1
    await _write(conn, "second")
    async with await connect(database_url) as sealing:
        assert (await (await sealing.execute("select audit_seal(10)")).fetchone()) == (1,)  # not committed yet
        assert migrate(database_url, say=lambda _: None, patience_s=0) == []
