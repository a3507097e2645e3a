"""A stage for measurements: real TimescaleDB, real Mosquitto as deployed, real service processes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from eldercare.platform.migrate import migrate
from tests.support.services import mosquitto, timescale
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import Server, dies_with_parent, free_port, wait_until

ROOT = Path(__file__).parents[1]
BARE_LOOP = ROOT.parent / "shared" / "bin" / "bare_loop.py"


@dataclass
class Stage:
    """Addresses of what runs, and the environment in which a service finds it."""

    database_url: str
    broker: Mosquitto
    folder: Path
    environment: dict[str, str]
    running: ExitStack = field(default_factory=ExitStack)

    def command(self, *arguments: str) -> str:
        """Run `eldercare ARGUMENTS` to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "eldercare", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"eldercare {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def seed(self, residents: int) -> dict[str, Any]:
        """Fill the database with invented residents and make the broker know their bands."""
        seeded: dict[str, Any] = json.loads(self.command("seed", "--residents", str(residents), "--json"))
        return seeded

    def start(self, module: str, *arguments: str, services: tuple[str, ...] = (), **extra: str) -> Server:
        """Start `python -m MODULE`; ready when each of `services` has a heartbeat younger than the process."""
        before = self.value("select clock_timestamp()")
        server = Server(
            module,
            [*dies_with_parent("KILL"), "env", *(f"{k}={v}" for k, v in {**self.environment, **extra}.items()),
             sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            log=self.folder / f"{module}-{free_port()}.log",
            is_ready=lambda: all(
                self.value("select exists (select from heartbeat where service = %s and beat_at > %s)", service, before)
                for service in services
            ),
        )  # fmt: skip
        server.start()
        self.running.callback(server.signal_and_wait, 15)
        return server

    def value(self, statement: str, *arguments: object) -> Any:
        """The first column of the first row, on a connection of its own."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            row = conn.execute(statement, arguments).fetchone()
            return row[0] if row else None


@contextmanager
def stage() -> Iterator[Stage]:
    """Start the database and the broker; end them and every service started on the stage at the end."""
    with ExitStack() as stack:
        server = timescale.start(migrate)
        if server is None:
            raise SystemExit(f"bench: TimescaleDB is missing: {timescale.HOW}")
        stack.callback(server.close)
        if not mosquitto.found():
            raise SystemExit(f"bench: Mosquitto is missing: {mosquitto.HOW}")
        broker = Mosquitto()
        stack.callback(broker.close)
        broker.start()
        database_url = stack.enter_context(server.database())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eldercare-bench-")))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ELDERCARE_")},
            "ELDERCARE_DATABASE_URL": database_url,
            "ELDERCARE_MQTT_URL": broker.url,
            "ELDERCARE_BROKER_PASSWORDS": str(broker.passwords),
            "ELDERCARE_BROKER_PID_FILE": str(broker.pid_file),
            "ELDERCARE_DATA_DIR": str(folder / "data"),
            "ELDERCARE_LOG_LEVEL": "warning",
        }
        made = Stage(database_url, broker, folder, environment)
        stack.enter_context(made.running)
        yield made


__all__ = ["BARE_LOOP", "ROOT", "Stage", "free_port", "stage", "wait_until"]
