"""An installation with full tables is brought up to date while everybody goes on writing."""

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from yoyo import read_migrations

from eldercare.platform import migrate as migrations
from eldercare.platform.errors import Unavailable
from eldercare.platform.migrate import migrate
from tests.support import schema
from tests.support.services.processes import wait_until

AGREED = Path(schema.__file__).with_name("schema.txt").read_text(encoding="utf-8")
BATCH = 500

WATCH = """
create table watched as
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    and relname !~ 'yoyo';
create table seen (what text, locked text[], rows bigint);
create function locked() returns text[] language sql as $$
    select coalesce(array_agg(distinct relation::regclass::text), '{}') from pg_locks
    where pid = pg_backend_pid() and relation::regclass::text in (select name from watched)
    and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
$$;
create function see_statement() returns event_trigger language plpgsql as $$
begin
    insert into seen select tg_tag, locked(), 0;
end $$;
create function see_rows() returns trigger language plpgsql as $$
begin
    insert into seen select tg_op || ' ' || tg_table_name, locked(), (select count(*) from changed);
    return null;
end $$;
do $$ declare noun text; begin
    for noun in select name from watched where name not in ('heart_rate', 'location', 'device_status') loop
        execute format('create trigger see_rows after update on %I referencing new table as changed'
                       ' for each statement execute function see_rows()', noun);
    end loop;
end $$;
create event trigger see_statement on ddl_command_end execute function see_statement();
"""
UNWATCH = """
drop event trigger see_statement;
drop function see_rows cascade;
drop function see_statement, locked;
drop table seen, watched;
"""
FILLED = """
insert into device (id, retired_at) select 'band-' || i, case when i % 10 = 0 then now() end
    from generate_series(1, 1700) i;
insert into resident (name, address, away_until) select '王' || i, '1 号', now() + interval '1 year'
    from generate_series(1, 1700) i;
insert into assignment (device_id, resident_id, period)
    select 'band-' || i, i, tstzrange(now() - interval '1 day', case when i % 3 = 0 then now() - interval '1 hour' end)
    from generate_series(1, 1700) i where i % 2 = 0 and i % 10 <> 0;
insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)
    values ('network', 'network', 'urgent', 'rule', now(), now(), now(), now());
"""


@pytest.fixture
def before_url(empty_database_url: str) -> str:
    """A database of the release before, with bands and residents in it."""
    _stop_before(empty_database_url, "0006")
    with psycopg.connect(empty_database_url) as conn:
        conn.execute(FILLED)
    return empty_database_url


def test_no_migration_does_anything_long_while_it_holds_a_table(before_url: str) -> None:
    with psycopg.connect(before_url) as conn:
        conn.execute(WATCH)
    migrate(before_url)
    with psycopg.connect(before_url) as conn:
        seen = conn.execute("select what, locked, rows from seen").fetchall()
        conn.execute(UNWATCH)
    assert len(seen) > 50
    assert [row for row in seen if row[0] == "CREATE INDEX" and row[1]] == []
    assert [row for row in seen if row[0].startswith("UPDATE ") and (row[1] or row[2] > BATCH)] == []
    assert [row for row in seen if len(row[1]) > 2] == []  # an older foreign key takes two
    assert sum(rows for _, _, rows in seen) > BATCH
    assert schema.describe(before_url) == AGREED


def test_bands_are_where_they_were(before_url: str) -> None:
    migrate(before_url)
    with psycopg.connect(before_url) as conn:
        states = dict(conn.execute("select state, count(*) from device group by state").fetchall())
        wrong = conn.execute(
            "select count(*) from device d where state <> case when retired_at is not null then 'retired'"
            " when exists (select from assignment where device_id = d.id and period @> now()) then 'worn'"
            " else 'in_stock' end"
        ).fetchone()
        retired = conn.execute("select count(*) from device where retired_at is not null").fetchone()
    assert wrong == (0,)
    assert set(states) == {"retired", "worn", "in_stock"}
    assert retired == (states["retired"],) == (170,)


def test_whoever_holds_rows_for_long_is_waited_for_beside_everybodys_writing(before_url: str) -> None:
    said: list[str] = []
    with (
        psycopg.connect(before_url, application_name="a slow one") as holder,
        psycopg.connect(before_url, autocommit=True) as writer,
        psycopg.connect(before_url, autocommit=True) as looking,
    ):
        writer.execute("set lock_timeout = '1s'")
        _stop_before(before_url, "0010")
        _write(holder)  # and does not commit
        done: list[Any] = []
        running = threading.Thread(target=lambda: done.append(migrate(before_url, say=said.append)))
        running.start()
        wait_until(lambda: _builds(looking), "an index to wait for who writes")
        for _ in range(20):
            _write(writer)
        assert running.is_alive()
        holder.commit()
        running.join()
    assert done
    assert schema.describe(before_url) == AGREED
    assert _invalid(before_url) == []


@pytest.mark.parametrize("held", ["rows", "a snapshot"])
def test_an_index_waits_for_nobody_longer_than_patience_lasts_and_is_made_anew(before_url: str, held: str) -> None:
    _stop_before(before_url, "0010")
    given_up: list[str] = []

    def run() -> None:
        with pytest.raises(Unavailable) as error:
            migrate(before_url, say=lambda _: None, patience_s=10)
        given_up.append(str(error.value))

    with (
        psycopg.connect(before_url, application_name="a slow one") as holder,
        psycopg.connect(before_url, autocommit=True) as looking,
    ):
        if held == "rows":
            _write(holder)
        else:
            holder.execute("set transaction isolation level repeatable read")
            holder.execute("select 1")
        running = threading.Thread(target=run)
        running.start()
        try:
            wait_until(lambda: _builds(looking), "an index to wait")
            wait_until(lambda: bool(given_up), "patience to end")
        finally:
            holder.rollback()
            running.join()
    assert "a slow one" in given_up[0]
    assert _invalid(before_url) != []
    migrate(before_url)
    assert schema.describe(before_url) == AGREED
    assert _invalid(before_url) == []


def test_an_index_that_was_left_half_made_is_made_anew(before_url: str) -> None:
    with psycopg.connect(before_url) as conn:
        conn.execute("create index notification_address on notification (id)")  # a wrong one, so that it is known again
        conn.execute("create unique index notification_repeats on notification (id)")
        conn.execute(
            "update pg_index set indisvalid = false where indexrelid in ('notification_address'::regclass,"
            " 'notification_repeats'::regclass)"
        )
    migrate(before_url)
    assert schema.describe(before_url) == AGREED
    assert _invalid(before_url) == []


def test_a_migration_that_was_cut_off_after_any_statement_is_run_again(
    before_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutOff(migrations._Cursor):
        def execute(self, query: Any, params: Any = None, **how: Any) -> "CutOff":
            super().execute(query, params, **how)
            if isinstance(query, str) and params is None and "yoyo" not in query and query not in cut:
                cut.add(query)
                raise psycopg.errors.LockNotAvailable("cut off")
            return self

    cut: set[str] = set()
    monkeypatch.setattr(migrations, "_Cursor", CutOff)
    monkeypatch.setattr(migrations, "FIRST_PAUSE_S", 0)
    migrate(before_url, say=lambda _: None)
    assert len(cut) > 50
    assert schema.describe(before_url) == AGREED


def _stop_before(url: str, name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        earlier = lambda folder: read_migrations(folder).filter(lambda migration: migration.id < name)  # noqa: E731
        patch.setattr(migrations, "read_migrations", earlier)
        patch.setattr(migrations, "_GRANT", "select %s")  # what it calls comes later
        migrate(url)


def _write(conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        "insert into notification (incident_id, channel, address, purpose, content, send_after, created_at)"
        " values (1, 'voice', '+99910000001', 'alarm', '{}', now(), now())"
    )
    conn.execute("update incident set press_count = press_count + 1 where id = 1 and press_count < 0")


def _builds(conn: psycopg.Connection[Any]) -> bool:
    return (
        conn.execute(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            " and query ilike 'create index concurrently%'"
        ).fetchone()
        is not None
    )


def _invalid(url: str) -> list[Any]:
    with psycopg.connect(url) as conn:
        return conn.execute("select indexrelid::regclass::text from pg_index where not indisvalid").fetchall()
