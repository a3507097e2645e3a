"""A real TimescaleDB of the test session: found, started, and one fresh database per test."""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
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


MEMORY = Path("/dev/shm")
ROOM = 1024**3
"""Bytes. A server of the tests needs a third of it; a container often has 64 MB in all."""
UNLOCKED_S = 60.0
"""Seconds after which a folder that nobody holds is left over, and not one that is just being made."""
_NAME = "eldercare-timescaledb-"
# In a mount namespace of its own, which ends with the process: the machine never sees the mount.
_CHROOT_WITH_MEMORY = ("unshare", "--mount", "sh", "-c", f'mount --bind {MEMORY} "$0{MEMORY}" && exec chroot "$0" "$@"')

IN_MEMORY = {
    "max_wal_size": "128MB",
    # Its own shared memory goes to the data folder as well, and with it when the server was killed.
    "dynamic_shared_memory_type": "mmap",
}


@dataclass(frozen=True)
class Installation:
    """PostgreSQL with the extension: its commands run under `prefix` and see the paths of `root` without it.

    Data goes to folders in `parent`.
    """

    root: Path
    bin: str
    prefix: tuple[str, ...]
    parent: Path

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


def find(*, in_memory: bool = False) -> Installation | None:
    """The machine's own PostgreSQL with TimescaleDB, else (root only) the one in the cache folder.

    `in_memory` keeps the data there, where the machine has room. A database is some 600 files, and to make them costs
    ext4 many times what it costs memory, most of all where as many were removed within the last minutes.
    """
    is_root = os.geteuid() == 0
    in_memory = in_memory and _has_room()
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT"]
    if own := _programs(Path("/")):
        prefix = tuple(as_postgres if is_root else dies_with_parent("INT"))
        return Installation(Path("/"), own, prefix, MEMORY if in_memory else Path("/tmp"))
    folder = chroot_folder()
    if is_root and (inside := _programs(folder)):
        with_memory = (*_CHROOT_WITH_MEMORY, str(folder))
        if in_memory and shutil.which("unshare") and _succeeds([*with_memory, "true"]):
            return Installation(Path("/"), inside, (*with_memory, *as_postgres), MEMORY)
        return Installation(folder, inside, ("chroot", str(folder), *as_postgres), folder / "tmp")
    return None


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _has_room() -> bool:
    """Whether memory holds the data of as many servers as this run starts, without what killed tests have left there.

    Whoever has a folder locks it for as long as they live, so that other runs leave it alone whatever they see of us.
    """
    for left in MEMORY.glob(f"{_NAME}*"):
        if (lock := _lock(left)) is not None:
            if time.time() - os.fstat(lock).st_mtime > UNLOCKED_S:
                shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
    need = ROOM * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return MEMORY.is_dir() and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) > need


def _lock(folder: Path, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> int | None:
    """Hold a folder; None where somebody else does, or where it is gone. It is given back when this process ends."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(held, how)
    except OSError:
        os.close(held)
        return None
    return held


class Timescale(DatabaseServer):
    """A server of our own: the tests of faults may stop, kill and start it."""

    def __init__(self, installation: Installation, port: int) -> None:
        in_memory = installation.parent == MEMORY
        super().__init__(f"postgresql://postgres@127.0.0.1:{port}/postgres", copies_files=in_memory)
        self._installation = installation
        self._folder = Path(tempfile.mkdtemp(prefix=_NAME, dir=installation.parent))
        self._held = _lock(self._folder, fcntl.LOCK_EX)
        self._folder.chmod(0o777)
        data = "/" + str((self._folder / "data").relative_to(installation.root))
        settings = {**SETTINGS, **(IN_MEMORY if in_memory else {}), "port": str(port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
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
        self.hang_up()
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)


def start(migrate: Callable[[str], object], *, in_memory: bool = False) -> DatabaseServer | None:
    """The database server of the session with its migrated template, or None where there is none to be had."""
    given = os.environ.get("ELDERCARE_TEST_DATABASE_URL")
    installation = None if given else find(in_memory=in_memory)
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
