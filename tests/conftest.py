"""Fixtures for every test: real services of the session, and data that no two tests share."""

import logging
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from argon2 import PasswordHasher
from coverage import Coverage
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from benchmarks import recordings
from eldercare.accounts import sessions
from eldercare.demo.embedded import EmbeddedPostgres
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.settings import PREFIX, Settings
from tests.support.services import mosquitto, timescale
from tests.support.services.databases import DatabaseServer
from tests.support.services.demo import Demo
from tests.support.services.missing import missing
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.timescale import Timescale
from tests.support.workers import ByParts, longest_first, tell_apart

# No test asserts how long anything takes, not even how long hypothesis takes to make its examples.
hypothesis_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("untimed")

MakeSettings = Callable[..., Settings]

UNIT = Path(__file__).parent / "unit"
OF_THE_TESTS = {
    f"{PREFIX}{name}" for name in ("TEST_DATABASE_URL", "TIMESCALE_ROOT", "REQUIRE_SERVICES", "SHARED_DATA")
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Each reason for skipping once, with how many tests it stands for."""
    skipped = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ()))
    if skipped:
        terminalreporter.section("skipped")
    for reason, count in skipped.most_common():
        terminalreporter.line(f"{count} tests: {reason.removeprefix('Skipped: ')}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tell_apart(items)
    if not recordings.found():
        for item in items:
            if item.get_closest_marker("recordings"):
                item.add_marker(pytest.mark.skip(reason=recordings.HOW))
    if hasattr(config, "workerinput"):
        longest_first(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """With --cov the pure modules are measured: what decides is tested by itself, not by the way of a broker.

    Elsewhere the fixtures are not measured either, which makes some of them take twice as long. Nor are recordings:
    millions of values would take three times as long, and reach no line that examples do not.
    """
    is_measured = UNIT in item.path.parents and not item.get_closest_marker("recordings")
    measuring = None if is_measured else Coverage.current()
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByParts:
    """How `-n` shares the tests among its workers."""
    return ByParts(config, log)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test must never see the settings of whoever runs it, least of all a real provider's account."""
    for name in os.environ:
        if name.startswith(PREFIX) and name not in OF_THE_TESTS:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords take a thousandth of the work. test_sessions.py keeps what they cost and holds it fast."""
    monkeypatch.setattr(sessions, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(autouse=True, scope="session")
def _plain_tracebacks() -> None:
    """What fails on purpose is logged as Python writes it. Coloured source for each of its frames takes longer than
    the test."""
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback


@pytest.fixture
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging as in a process of its own, whatever servers other tests have set up; it is put back at the end."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        for setting, value in (("handlers", []), ("propagate", True), ("level", logging.NOTSET)):
            monkeypatch.setattr(logging.getLogger(name), setting, value)
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _migrate(url: str) -> None:
    from eldercare.platform.migrate import migrate

    migrate(url)


@pytest.fixture(scope="session")
def _timescale() -> Iterator[DatabaseServer | None]:
    server = timescale.start(_migrate, in_memory=True)
    yield server
    if server:
        server.close()


@pytest.fixture
def database_server(_timescale: DatabaseServer | None) -> DatabaseServer:
    """Real TimescaleDB, maybe not ours to stop. Its `database()` gives further fresh databases."""
    return _timescale or missing("TimescaleDB", timescale.HOW)


@pytest.fixture
def timescale_server(database_server: DatabaseServer) -> Iterator[Timescale]:
    """Real TimescaleDB that the test may stop, kill and start; it runs again afterwards."""
    if not isinstance(database_server, Timescale):
        missing("a TimescaleDB that tests may stop", "unset ELDERCARE_TEST_DATABASE_URL and run `make test` as root")
    yield database_server
    if not database_server.running:
        database_server.start()


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    """A fresh, migrated TimescaleDB database of this test."""
    with database_server.database() as url:
        yield url


@pytest.fixture
def empty_database_url(database_server: DatabaseServer) -> Iterator[str]:
    """A fresh TimescaleDB database with nothing in it, for tests of the migrations."""
    with database_server.database(migrated=False) as url:
        yield url


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    """A connection to `database_url`, inside a transaction as soon as it is used; what is not committed is lost."""
    connection = await connect(database_url, application_name="test", limits=COMMAND)
    yield connection
    await connection.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for what runs as another user when we are root: pytest closes its own to others."""
    with tempfile.TemporaryDirectory(prefix="eldercare-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def _embedded_postgres() -> Iterator[DatabaseServer]:
    with tempfile.TemporaryDirectory(prefix="eldercare-postgres-") as folder:
        embedded = EmbeddedPostgres(Path(folder))
        embedded.start()
        server = DatabaseServer(embedded.admin_url)
        server.prepare(_migrate)
        yield server
        server.hang_up()
        embedded.stop()


@pytest.fixture
def plain_database_url(_embedded_postgres: DatabaseServer) -> Iterator[str]:
    """A fresh, migrated database of the embedded PostgreSQL, which has no TimescaleDB; for a handful of smoke tests."""
    with _embedded_postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def _mosquitto() -> Iterator[Mosquitto | None]:
    server = Mosquitto() if mosquitto.found() else None
    if server:
        server.start()
    yield server
    if server:
        server.close()


@pytest.fixture
def broker(_mosquitto: Mosquitto | None) -> Iterator[Mosquitto]:
    """Real Mosquitto with deploy's configuration. The test may stop, kill and start it; it runs again afterwards.

    Sessions and retained messages outlive a test: use client ids and device ids of the test's own and listen to
    those alone, or use `clean_broker`.
    """
    server = _mosquitto or missing("Mosquitto", mosquitto.HOW)
    yield server
    if not server.running:
        server.start()


@pytest.fixture
def clean_broker(broker: Mosquitto) -> Mosquitto:
    """The same broker with no session, queued or retained message.

    It is for tests that use the services' client ids or listen to all bands.
    """
    broker.forget()
    return broker


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """A running `eldercare demo`, shared by the tests that only watch it; it presses an SOS by itself."""
    with tempfile.TemporaryDirectory(prefix="eldercare-demo-") as folder:
        running = Demo(Path(folder))
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Settings with a data folder of the test's own and nothing from the environment or `.env`."""

    def make(**values: Any) -> Settings:
        return Settings(_env_file=None, **{"data_dir": tmp_path / "data", **values})

    return make


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, broker: Mosquitto) -> Settings:
    """Settings that name this test's database and the broker."""
    return make_settings(
        database_url=database_url,
        mqtt_url=broker.url,
        broker_passwords=broker.passwords,
        broker_pid_file=broker.pid_file,
    )
