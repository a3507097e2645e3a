"""Migrations: plain SQL files in the folder `migrations`, run by yoyo, forward only, giving way to everybody else.

A statement that wants a table for itself queues behind the table's readers, and everybody who comes later queues behind
it. A migration that waits for somebody's report would hold up every press. So it waits for less time than a press does,
lets go of everything, says who is in its way, and tries again.

What takes long takes no lock that anybody waits for: indexes are built `concurrently`, rows are filled in by and by.
Such a migration says `-- transactional: false`; each of its statements is committed by itself, and can be run again.
"""

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from eldercare.platform.errors import Unavailable

SERVICE_ROLE = "eldercare_service"
"""The role of the services, where an installation has given them one beside the owner's (docs/roles.md)."""
LOCK_MS = 40
"""Milliseconds that a migration waits for a lock, twice as long for two tables at once. That is less than a press waits
(`database.URGENT`), so that none is set aside."""
QUIET_LOCK_S = 10
"""Seconds that it waits for a lock that only other migrations and VACUUM want: longer than PostgreSQL lets autovacuum
be in anybody's way (`deadlock_timeout`, 1 s)."""
PATIENCE_S = 600.0
"""Seconds for which it goes on trying."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
SAY_EVERY_S = 10.0
LOOK_S = 0.02
"""Seconds between two looks at who is in the way."""
_PROMPT = "60s"
KEY = (1635083369, 2)
"""Key of the advisory lock under which migrations run. `audit_seal()` has 1 in the second place."""

_GRANT = "select grant_services(rolname) from pg_roles where rolname = %s"
_IN_THE_WAY = """
select b.pid, b.usename, b.application_name, b.state, extract(epoch from clock_timestamp() - b.xact_start),
       left(regexp_replace(b.query, '\\s+', ' ', 'g'), 80)
from pg_stat_activity m
cross join lateral unnest(pg_blocking_pids(m.pid)) as blocker (pid)
join pg_stat_activity b on b.pid = blocker.pid
where m.application_name = %s
"""

_BESIDE_WRITERS = re.compile(
    r"^(?:create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists|drop\s+index\s+concurrently\s+if\s+exists)"
    r"\s+(\w+)",
    re.I | re.M,
)
_ALTERS = re.compile(
    r"^(?:alter\s+table\s+(?:if\s+exists\s+)?|create\s+(?:or\s+replace\s+)?trigger\s[^;]*?\son\s+)(\w+)", re.I | re.M
)
_HALF_MADE = "select from pg_index where indexrelid = to_regclass(%s) and not indisvalid"

Say = Callable[[str], None]


def migrate(database_url: str, *, say: Say | None = None, patience_s: float = PATIENCE_S) -> list[str]:
    """Apply what is not applied yet, in order, one process at a time; returns the names applied now.

    Where there is a role for the services, it gets what they need of every table, and no more of the audit log. The URL
    may name several hosts; the one that takes writes is found. `say` hears, now and then, who is in the way
    (default: a line on stderr). Raises Unavailable after `patience_s` seconds in which somebody was.
    """
    url, name = _for_writing(database_url), f"eldercare migrate {os.getpid()}.{threading.get_ident()}"
    tell, applied = say or _say, list[str]()
    until = time.monotonic() + patience_s
    how = {"url": url, "name": name, "until": until}
    backend = _Backend(DatabaseURI("", None, None, None, None, None, how), "_yoyo_migration")
    try:
        with _looking(url, name, tell) as in_the_way:
            tries = _Tries(until, tell, in_the_way)
            tries.until_done(lambda: _take_turn(backend))
            backend.init_database()
            with as_file(files("eldercare.platform") / "migrations") as folder:
                for migration in backend.to_apply(read_migrations(str(folder))):
                    tries.until_done(lambda migration=migration: backend.apply_one(migration))  # type: ignore[misc]
                    applied.append(migration.id)
            tries.until_done(lambda: backend.connection.execute(_GRANT, (SERVICE_ROLE,)))
            tries.until_done(lambda: _bound_prompts(backend.connection))
        return applied
    finally:
        backend.connection.close()


class _Connection(psycopg.Connection[Any]):
    """Knows when patience ends, by the clock of `time.monotonic`."""

    until: float

    def left_ms(self) -> int:
        """Milliseconds that are left of the patience; never less than the wait for any lock."""
        return max(LOCK_MS, 1 + int(1000 * (self.until - time.monotonic())))


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's, with libpq's own reading of the URL, limits on waiting, and a lock that ends with the process."""

    def connect(self, dburi: DatabaseURI) -> Any:
        """A connection that hardly waits for any lock."""
        options = f"-c lock_timeout={LOCK_MS} -c idle_in_transaction_session_timeout=60000"
        conn = _Connection.connect(
            dburi.args["url"],
            autocommit=True,
            application_name=dburi.args["name"],
            options=options,
            cursor_factory=_Cursor,
            connect_timeout=5,
            keepalives_idle=15,
            keepalives_interval=10,
            keepalives_count=3,
        )
        conn.until = dburi.args["until"]
        return conn

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Take no lock: `migrate` has the turn. yoyo's own lock, a row, outlives a process that is killed."""
        yield


class _Cursor(psycopg.Cursor[Any]):
    """Runs each statement of a migration so that nobody is held up by what it waits for."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        """Run a statement. The build of an index may take its time, and waits for others while patience lasts. Whatever
        else wants a table for itself hardly waits."""
        alone = isinstance(query, str) and self.connection.info.transaction_status == TransactionStatus.IDLE
        if alone and (index := _BESIDE_WRITERS.search(query)):
            return self._beside_writers(query, index[1])
        if alone and (table := _ALTERS.search(query)):
            with self.connection.transaction():
                # This sends autovacuum away before the statement wants the table for itself: nobody else waits behind
                # this lock.
                super().execute(f"set local lock_timeout = '{QUIET_LOCK_S}s'")
                super().execute(f'lock table "{table[1]}" in share update exclusive mode'.encode())
                super().execute(f"set local lock_timeout = {LOCK_MS}")
                return super().execute(query, params, **how)
        return super().execute(query, params, **how)

    def _beside_writers(self, query: Any, name: str) -> Self:
        """Build an index. What a killed build has left behind is no index, and yet in the way of one: it goes first."""
        try:
            self._wait_as_long_as_patience_lasts()
            if super().execute(_HALF_MADE, (name,)).fetchone() is not None:
                super().execute(f'drop index concurrently "{name}"'.encode())
                self._wait_as_long_as_patience_lasts()
            return super().execute(query)
        finally:
            if not self.connection.closed:
                super().execute(f"set lock_timeout = {LOCK_MS}")

    def _wait_as_long_as_patience_lasts(self) -> None:
        """Let the next statement wait while patience lasts. Nobody queues behind it: it waits for transactions and old
        snapshots, which are locks too."""
        assert isinstance(self.connection, _Connection)  # noqa: S101  as `_Backend.connect` makes it
        super().execute(f"set lock_timeout = {self.connection.left_ms()}".encode())


class _Tries:
    """Tries again what somebody is in the way of."""

    def __init__(self, until: float, say: Say, in_the_way: Callable[[], str]) -> None:
        self._until = until
        self._say = say
        self._in_the_way = in_the_way
        self._say_at = 0.0

    def until_done(self, work: Callable[[], object]) -> None:
        """Try `work` until it is done. Raises Unavailable when patience ends."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                work()
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                self._wait(error, pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                return

    def _wait(self, error: psycopg.Error, pause: float) -> None:
        now, who = time.monotonic(), self._in_the_way() or "somebody who was gone before it could be seen"
        if now >= self._until:
            raise Unavailable(f"the migration was given up, in its way: {who}") from error
        if now >= self._say_at:
            self._say_at = now + SAY_EVERY_S
            self._say(f"等待 · waits for {who}")
        time.sleep(pause)


def _take_turn(backend: _Backend) -> None:
    """Take the turn to migrate. Raises psycopg.errors.LockNotAvailable while another process migrates."""
    backend.connection.execute("select pg_advisory_lock(%s, %s)", KEY)


@contextmanager
def _looking(url: str, name: str, say: Say) -> Iterator[Callable[[], str]]:
    """Who is in the way of the sessions called `name`, seen from a connection of its own; the answer is the latest.

    `say` hears of a wait that is long because nobody queues behind it."""
    seen, done = [""], threading.Event()

    def look() -> None:
        options = {"application_name": "eldercare look", "connect_timeout": 5}
        with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, **options) as conn:  # type: ignore[arg-type]
            since = time.monotonic()
            while not done.wait(LOOK_S):
                found = conn.execute(_IN_THE_WAY, (name,)).fetchall()
                if not found:
                    since = time.monotonic()
                    continue
                seen[0] = "; ".join(_described(*row) for row in found)
                if time.monotonic() - since > SAY_EVERY_S:
                    since = time.monotonic()
                    say(f"等待 · waits for {seen[0]}")

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look)
        try:
            yield lambda: seen[0]
        finally:
            done.set()
    looking.result()


def _described(pid: int, user: str, application: str, state: str, seconds: float | None, query: str) -> str:
    since = "" if seconds is None else f", {seconds:.0f} s"
    return f"{user or '?'} ({application or '?'}, pid {pid}, {state}{since}): {query}"


def _bound_prompts(conn: Any) -> None:
    """Let nobody at a prompt keep an incident for longer than a minute by forgetting a transaction.

    Sessions of the services say so themselves. A limit that an administrator has set for this database stands. Nothing
    changes where the role may not set any.
    """
    conn.execute(
        f"""
do $$
begin
    if not exists (
        select from pg_db_role_setting, unnest(setconfig) as each
        where setdatabase = (select oid from pg_database where datname = current_database()) and setrole = 0
          and each like 'idle_in_transaction_session_timeout=%'
    ) then
        execute format(
            'alter database %I set idle_in_transaction_session_timeout = ''{_PROMPT}''', current_database());
    end if;
exception when insufficient_privilege then
    null;
end $$"""  # noqa: S608  a constant of ours
    )


def _for_writing(url: str) -> str:
    """The URL; where it names several hosts, it means the one that takes writes."""
    values = conninfo_to_dict(url)
    if "," not in str(values.get("host") or "") or values.get("target_session_attrs"):
        return url
    return make_conninfo(url, target_session_attrs="read-write")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
