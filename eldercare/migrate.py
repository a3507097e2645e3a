"""Migrations: plain SQL files in `eldercare/migrations`, run by yoyo, forward only, giving way to everybody else.

Whoever wants a table for itself stands in a queue behind its readers, and everybody who comes later stands behind it: a
migration that waits for somebody's report would hold up every press. So it waits for less time than a press does, lets
go of everything, says who is in its way, and tries again.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from eldercare.errors import Unavailable

SERVICE_ROLE = "eldercare_service"
"""The role of the services, where an installation has given them one beside the owner's (docs/roles.md)."""
LOCK_MS = 80
"""How long a migration waits for a lock: less than a press does (`database.URGENT`), so that none is set aside."""
PATIENCE_S = 600.0
"""How long it goes on trying."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
SAY_EVERY_S = 10.0
LOOK_S = 0.02
"""How often it is looked who is in the way."""
_PROMPT = "60s"
_KEY = (1635083369, 1)
"""Of the advisory lock under which migrations run."""

_GRANT = "select grant_services(rolname) from pg_roles where rolname = %s"
_IN_THE_WAY = """
select b.pid, b.usename, b.application_name, b.state, extract(epoch from clock_timestamp() - b.xact_start),
       left(regexp_replace(b.query, '\\s+', ' ', 'g'), 80)
from pg_stat_activity m
cross join lateral unnest(pg_blocking_pids(m.pid)) as blocker (pid)
join pg_stat_activity b on b.pid = blocker.pid
where m.application_name = %s
"""

Say = Callable[[str], None]


def migrate(database_url: str, *, say: Say | None = None, patience_s: float = PATIENCE_S) -> list[str]:
    """Apply what is not applied yet, in order, one process at a time; returns the names applied now.

    Where there is a role for the services, it gets what they need of every table, and no more of the audit log. The URL
    may name several hosts; the one that takes writes is found. `say` hears, now and then, who is in the way
    (default: a line on stderr). Raises Unavailable after `patience_s` seconds in which somebody was.
    """
    url, name = _for_writing(database_url), f"eldercare migrate {os.getpid()}.{threading.get_ident()}"
    tell, applied = say or _say, list[str]()
    backend = _Backend(DatabaseURI("", None, None, None, None, None, {"url": url, "name": name}), "_yoyo_migration")
    try:
        with _looking(url, name) as in_the_way:
            tries = _Tries(patience_s, tell, in_the_way)
            tries.until_done(lambda: _take_turn(backend))
            backend.init_database()
            with as_file(files("eldercare") / "migrations") as folder:
                for migration in backend.to_apply(read_migrations(str(folder))):
                    tries.until_done(lambda migration=migration: backend.apply_one(migration))  # type: ignore[misc]
                    applied.append(migration.id)
            tries.until_done(lambda: backend.connection.execute(_GRANT, (SERVICE_ROLE,)))
            _bound_prompts(backend.connection)
        return applied
    finally:
        backend.connection.close()


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's, with libpq's own reading of the URL, limits on waiting, and a lock that ends with the process."""

    def connect(self, dburi: DatabaseURI) -> Any:
        """A connection that waits hardly for any lock."""
        options = f"-c lock_timeout={LOCK_MS} -c idle_in_transaction_session_timeout=60000"
        return psycopg.connect(
            dburi.args["url"],
            autocommit=True,
            application_name=dburi.args["name"],
            options=options,
            connect_timeout=5,
            keepalives_idle=15,
            keepalives_interval=10,
            keepalives_count=3,
        )

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Nothing more: `migrate` has the turn. yoyo's own lock, a row, outlives a process that is killed."""
        yield


class _Tries:
    """Trying again what somebody is in the way of."""

    def __init__(self, patience_s: float, say: Say, in_the_way: Callable[[], str]) -> None:
        self._until = time.monotonic() + patience_s
        self._say = say
        self._in_the_way = in_the_way
        self._say_at = 0.0

    def until_done(self, work: Callable[[], object]) -> None:
        """Raises Unavailable when patience ends."""
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
    """Raises psycopg.errors.LockNotAvailable while another process migrates."""
    backend.connection.execute("select pg_advisory_lock(%s, %s)", _KEY)


@contextmanager
def _looking(url: str, name: str) -> Iterator[Callable[[], str]]:
    """Who is in the way of the sessions called `name`, seen from a connection of its own; the answer is the latest."""
    seen, done = [""], threading.Event()

    def look() -> None:
        options = {"application_name": "eldercare look", "connect_timeout": 5}
        with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, **options) as conn:  # type: ignore[arg-type]
            while not done.wait(LOOK_S):
                found = conn.execute(_IN_THE_WAY, (name,)).fetchall()
                if found:
                    seen[0] = "; ".join(_described(*row) for row in found)

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
    """Nobody at a prompt keeps an incident for longer than a minute by forgetting a transaction.

    Sessions of the services say so themselves. Where an administrator has set another limit for this database, or the
    role may not set any, that stands.
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
    """The URL; of several hosts the one that takes writes is meant."""
    values = conninfo_to_dict(url)
    if "," not in str(values.get("host") or "") or values.get("target_session_attrs"):
        return url
    return make_conninfo(url, target_session_attrs="read-write")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
