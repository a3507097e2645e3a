"""A real TimescaleDB of the test session: found, started, and one fresh database per test."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg import sql

from tests.support.services.databases import DatabaseServer, answers
from tests.support.services.processes import Server, dies_with_parent, free_port

HOW = "run `make test` as root on Debian, or set ELDERCARE_TEST_DATABASE_URL to the address of an administrator"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_preload_libraries": "timescaledb",
    # One scheduler per database would hold on to the template. Nothing of ours needs jobs of the extension.
    "timescaledb.max_background_workers": "0",
    "timescaledb.telemetry_level": "off",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


@dataclass(frozen=True)
class Installation:
    """PostgreSQL with the extension: `root` is the folder it sees as `/`, `prefix` what its commands run under."""

    root: Path
    bin: str
    prefix: tuple[str, ...]

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line of one of PostgreSQL's programs; with the paths that it sees inside `root`."""
        return [*self.prefix, f"{self.bin}/{program}", *arguments]


def _programs(root: Path) -> str | None:
    """The folder with the newest PostgreSQL under `root` that has the extension, as seen from inside."""
    found = sorted(root.glob("usr/share/postgresql/*/extension/timescaledb.control"), reverse=True)
    for control in found:
        folder = root / "usr/lib/postgresql" / control.parts[-3] / "bin"
        if (folder / "postgres").exists():
            return "/" + str(folder.relative_to(root))
    return None


def chroot_folder() -> Path:
    """Where the Debian root with TimescaleDB is kept, for machines whose own packages have none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ELDERCARE_TIMESCALE_ROOT") or cache / "eldercare" / "timescaledb").resolve()


def find() -> Installation | None:
    """The machine's own PostgreSQL with TimescaleDB, else (root only) the one in the cache folder."""
    is_root = os.geteuid() == 0
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT"]
    if own := _programs(Path("/")):
        return Installation(Path("/"), own, tuple(as_postgres if is_root else dies_with_parent("INT")))
    folder = chroot_folder()
    if is_root and (inside := _programs(folder)):
        return Installation(folder, inside, ("chroot", str(folder), *as_postgres))
    return None


class Timescale(DatabaseServer):
    """A server of our own: the tests of faults may stop, kill and start it."""

    def __init__(self, installation: Installation, port: int) -> None:
        super().__init__(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        self._installation = installation
        self._folder = Path(tempfile.mkdtemp(prefix="eldercare-timescaledb-", dir=installation.root / "tmp"))
        self._folder.chmod(0o777)
        data = "/" + str((self._folder / "data").relative_to(installation.root))
        options = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(port)}.items()]
        self._initialise(data)
        self._server = Server(
            "TimescaleDB",
            installation.command("postgres", "-D", data, *options),
            cwd=Path("/"),
            log=self._folder / "log",
            is_ready=lambda: answers(self.admin_url),
        )

    def _initialise(self, data: str) -> None:
        command = self._installation.command(
            "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"
        )
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        subprocess.run(command, cwd="/", env=environment, check=True, capture_output=True)

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._server.pid

    @property
    def running(self) -> bool:
        """Whether the postmaster lives."""
        return self._server.running

    def start(self) -> None:
        """Start it, or start it again after `stop` or `kill9`."""
        self._server.start()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed is kept.

        By SIGINT: at SIGTERM PostgreSQL waits for every session to end by itself, and a pool of ours never would.
        """
        self._server.signal_and_wait(signal.SIGINT)

    def kill9(self) -> None:
        """Power failure of the server: it recovers from its log at the next start."""
        sessions = psutil.Process(self.pid).children()
        self._server.signal_and_wait(signal.SIGKILL)
        psutil.wait_procs(sessions, timeout=30)  # they end by themselves, and until then hold its shared memory

    def admin(self, *statements: sql.Composed) -> None:
        """As for every server; a failed test may have left this one stopped."""
        if not self.running:
            self.start()
        super().admin(*statements)

    def close(self) -> None:
        """End it and remove its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def start(migrate: Callable[[str], object]) -> DatabaseServer | None:
    """The database server of the session with its migrated template, or None where there is none to be had."""
    given = os.environ.get("ELDERCARE_TEST_DATABASE_URL")
    installation = None if given else find()
    if given:
        server = DatabaseServer(given)
    elif installation:
        server = Timescale(installation, free_port())
        server.start()
    else:
        return None
    try:
        server.prepare(migrate)
    except BaseException:
        server.close()
        raise
    return server
