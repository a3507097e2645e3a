"""What the migrations make is what was agreed, on TimescaleDB and on plain PostgreSQL."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from yoyo import read_migrations

from alerts.incidents.opening import raise_sos
from alerts.model.incident import Press
from eldercare.demo.embedded import EmbeddedPostgres
from eldercare.platform import migrate as migrations
from eldercare.platform.database import COMMAND, URGENT, connect
from eldercare.platform.errors import Unavailable
from eldercare.platform.migrate import migrate
from tests.support import schema

AGREED = Path(schema.__file__).with_name("schema.txt")
HOW = "if the change is meant: python -m tests.support.schema URL > tests/support/schema.txt"


@pytest.fixture
def plain_url(open_folder: Path) -> Iterator[str]:
    """A plain PostgreSQL without any extension, as `make demo` starts it."""
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    yield server.url
    server.stop()


def test_the_migrations_make_the_agreed_schema_on_timescaledb(empty_database_url: str) -> None:
    applied = migrate(empty_database_url)
    assert applied == sorted(applied)
    assert schema.describe(empty_database_url) == AGREED.read_text(encoding="utf-8"), HOW


def test_the_migrations_make_the_same_schema_on_plain_postgresql(plain_url: str) -> None:
    migrate(plain_url)
    assert schema.describe(plain_url) == AGREED.read_text(encoding="utf-8"), HOW


def test_a_second_run_has_nothing_to_do(database_url: str) -> None:
    assert migrate(database_url) == []


def test_two_runs_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    applied: list[str] = []
    runs = [threading.Thread(target=lambda: applied.extend(migrate(empty_database_url))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(applied) == len(set(applied)) > 0
    assert schema.describe(empty_database_url) == AGREED.read_text(encoding="utf-8")


def test_readings_are_hypertables_with_chunks_of_a_week_that_vacuum_visits_often(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        tables = conn.execute(
            "select hypertable_name::text, time_interval from timescaledb_information.dimensions order by 1"
        ).fetchall()
        conn.execute("insert into heart_rate (device_id, ts, received_at, bpm) values ('a', now(), now(), 60)")
        options = conn.execute(
            "select c.reloptions from show_chunks('heart_rate') s (chunk) join pg_class c on c.oid = s.chunk"
        ).fetchone()
    assert [(name, interval.days) for name, interval in tables] == [
        ("device_status", 7),
        ("heart_rate", 7),
        ("location", 7),
    ]
    assert options is not None
    assert "autovacuum_vacuum_insert_scale_factor=0.02" in options[0]


def test_every_open_incident_is_due(database_url: str) -> None:
    with psycopg.connect(database_url) as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at)"
            " values ('network', 'network', 'urgent', 'rule', now(), now(), now())"
        )


def test_a_subject_has_one_open_incident_of_a_kind(database_url: str) -> None:
    insert = (
        "insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)"
        " values ('network', 'network', 'urgent', 'rule', now(), now(), now(), now())"
    )
    with psycopg.connect(database_url) as conn:
        conn.execute(insert)
        conn.execute("update incident set state = 'resolved', due_at = null")
        conn.execute(insert)
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute(insert)


@pytest.mark.parametrize("statement", ["update audit set what = 'nothing'", "delete from audit", "truncate audit"])
def test_the_audit_log_is_never_changed(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("insert into audit (viewer_id, role, action, what) values (1, 'duty', 'read', 'file')")
        conn.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
            conn.execute(statement)  # type: ignore[arg-type]
        conn.rollback()
        assert conn.execute("select what from audit").fetchall() == [("file",)]


def test_no_foreign_key_stands_between_a_press_and_a_call(database_url: str) -> None:
    """Each would wait for whoever holds the row that it names."""
    with psycopg.connect(database_url) as conn:
        keys = conn.execute(
            "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'"
            " and conrelid = any(%s::regclass[])",
            (["incident", "incident_event", "sos_press", "sos_aside", "notification", "attempt", "device_state"],),
        ).fetchall()
    assert {named for _, named in keys} <= {"incident", "notification"}


@pytest.mark.parametrize("table", ["resident", "person"])
def test_whom_an_incident_names_is_never_deleted(database_url: str, table: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("insert into resident (name, address) values ('王', '1 号'), ('李', '2 号')")
        conn.execute("insert into person (name) values ('张'), ('赵')")
        conn.execute(
            "insert into incident (subject, kind, severity, source, resident_id, owner_id, occurred_at, opened_at,"
            " round_started_at, due_at) values ('r', 'sos', 'sos', 'button', 1, 1, now(), now(), now(), now())"
        )
        conn.commit()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            conn.execute(f"delete from {table} where id = 1")  # type: ignore[arg-type]
        conn.rollback()
        assert conn.execute(f"delete from {table} where id = 2").rowcount == 1  # type: ignore[arg-type]


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A migration that wants the table of incidents for itself."""
    (tmp_path / "9999_more.sql").write_text("alter table incident add column more integer;")
    monkeypatch.setattr(migrations, "read_migrations", lambda _: read_migrations(str(tmp_path)))


async def test_a_migration_that_waits_for_a_reader_holds_up_no_press_and_says_who_is_in_its_way(
    database_url: str, one_more: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(migrations, "SAY_EVERY_S", 0)
    # So nobody's press waits in vain; here it may take longer, on a machine that is busy.
    assert URGENT.lock_ms > migrations.LOCK_MS
    reader = await connect(database_url, application_name="a report", limits=COMMAND)
    line = await connect(database_url, autocommit=True, limits=replace(URGENT, lock_ms=1_000))
    async with reader, line:
        await reader.execute("select count(*) from incident")
        running = asyncio.create_task(asyncio.to_thread(migrate, database_url, say=said.append))
        async with asyncio.timeout(60):
            # Who is in the way of one try may be gone before it could be seen.
            while not any("a report" in each for each in said):  # noqa: ASYNC110  it runs in a thread
                await asyncio.sleep(0.01)
        for number in range(30):
            press = Press("band-1", b"", "digest", event_id=f"e{number}")
            assert (await raise_sos(line, press)).incident_id
            await asyncio.sleep(0.02)
        assert not running.done()
        await reader.rollback()
        assert await running == ["9999_more"]
    assert "select count(*) from incident" in next(each for each in said if "a report" in each)


def test_a_migration_that_never_gets_its_turn_is_given_up_with_the_reason(
    database_url: str, one_more: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_MS", 1_000)  # long enough to be seen waiting
    with psycopg.connect(database_url, application_name="a report") as reader:
        reader.execute("select count(*) from incident")
        with pytest.raises(Unavailable, match=r"in its way: .*a report"):
            migrate(database_url, say=lambda _: None, patience_s=0)
    assert migrate(database_url) == ["9999_more"]


def test_a_migration_whose_process_was_killed_leaves_no_lock_behind(database_url: str, one_more: None) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("insert into yoyo_lock (locked, ctime, pid) values (1, now(), 1)")
    assert migrate(database_url) == ["9999_more"]


@pytest.mark.parametrize("more", ["", "?target_session_attrs=read-write&connect_timeout=2"])
def test_the_url_may_name_several_hosts_as_for_the_services(empty_database_url: str, more: str) -> None:
    parts = urlsplit(empty_database_url)
    hosts = f"{parts.username}@127.0.0.1:1,127.0.0.1:{parts.port}"
    assert migrate(f"postgresql://{hosts}{parts.path}{more}")
    assert migrate(empty_database_url) == []


def test_a_prompt_that_somebody_forgot_is_ended_unless_somebody_wants_it_otherwise(empty_database_url: str) -> None:
    def limit() -> object:
        with psycopg.connect(empty_database_url) as conn:
            return conn.execute("show idle_in_transaction_session_timeout").fetchone()

    migrate(empty_database_url)
    assert limit() == ("1min",)
    name = sql.Identifier(urlsplit(empty_database_url).path[1:])
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute(sql.SQL("alter database {} set idle_in_transaction_session_timeout = '2h'").format(name))
    migrate(empty_database_url)
    assert limit() == ("2h",)
