"""The whole line as real processes on loopback: ingest, alerts, api and the simulated telephones."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import psycopg

from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import Server, dies_with_parent, free_port, listens, wait_until

ROOT = Path(__file__).parents[2]
CONSUMERS = ("ingest.sos", "ingest.telemetry")


class Line:
    """Starts, kills and restarts the services of one database and one broker; ends what it started."""

    def __init__(self, database_url: str, broker: Mosquitto, folder: Path) -> None:
        self.database_url = database_url
        self.folder = folder
        self.phones_port, self.api_port = free_port(), free_port()
        self._ends = ExitStack()
        self._connection: psycopg.Connection | None = None
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ELDERCARE_")},
            "ELDERCARE_DATABASE_URL": database_url,
            "ELDERCARE_MQTT_URL": broker.url,
            "ELDERCARE_BROKER_PASSWORDS": str(broker.passwords),
            "ELDERCARE_BROKER_PID_FILE": str(broker.pid_file),
            "ELDERCARE_DATA_DIR": str(folder / "data"),
            "ELDERCARE_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
            "ELDERCARE_TWILIO_AUTH_TOKEN": "of-the-test",
            "ELDERCARE_TWILIO_FROM": "+99900000000",
            "ELDERCARE_TWILIO_API_URL": f"http://127.0.0.1:{self.phones_port}",
            "ELDERCARE_PHONES_PORT": str(self.phones_port),
            "ELDERCARE_PUBLIC_URL": f"http://127.0.0.1:{self.api_port}",
            "ELDERCARE_API_PORT": str(self.api_port),
        }

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()
        if self._connection:
            self._connection.close()

    def start(self, module: str, *arguments: str, is_ready: Callable[[], bool] = lambda: True) -> Server:
        """`python -m MODULE ARGUMENTS` with this line's settings."""
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        server = Server(
            module,
            [*dies_with_parent("KILL"), "env", "-i", *settings, sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            log=self.folder / f"{module}-{free_port()}.log",
            is_ready=is_ready,
        )
        server.start()
        self._ends.callback(server.signal_and_wait, signal.SIGTERM)
        return server

    def run(self, module: str, *arguments: str) -> str:
        """`python -m MODULE ARGUMENTS` to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_phones(self, *arguments: str) -> Server:
        """The simulated telephones, ready to be called."""
        return self.start("device_sim", "phones", *arguments, is_ready=lambda: listens(self.phones_port))

    def start_api(self) -> Server:
        """The HTTP service, ready to take the telephones' callbacks."""
        return self.start("api", is_ready=lambda: listens(self.api_port))

    def start_ingest(self) -> Server:
        """Both pipelines, subscribed."""
        return self.start("ingest", is_ready=self._beats_since(*CONSUMERS))

    def start_lane(self, lane: str) -> Server:
        """One lane of ingest, as in a unit of its own: subscribed, or standing by while another has its seat."""
        ready = [self._beats_since(f"ingest.{lane}"), self._beats_since("ingest.standby")]
        return self.start("ingest", "--lane", lane, is_ready=lambda: any(holds() for holds in ready))

    def start_alerts(self) -> Server:
        """The loops that call people."""
        return self.start("alerts", is_ready=self._beats_since("alerts"))

    def value(self, statement: str, *arguments: object) -> Any:
        """First column of the first row."""
        try:
            row = self._asking().execute(statement, arguments).fetchone()
        except psycopg.OperationalError:  # the database was stopped since the last question
            row = self._asking().execute(statement, arguments).fetchone()
        return row[0] if row else None

    def _asking(self) -> psycopg.Connection:
        """A connection that is kept: whoever waits asks fifty times a second, and each new one costs the database."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.database_url, autocommit=True)
        return self._connection

    def let_pass(self, time: timedelta) -> None:
        """The clock of the line jumps ahead by so much."""
        with psycopg.connect(self.database_url) as conn:
            conn.execute(
                "insert into clock (origin, started_at, speed) values (eldercare_now() + %s, clock_timestamp(), 1)"
                " on conflict (singleton) do update set origin = excluded.origin, started_at = excluded.started_at",
                (time,),
            )

    def phones(self, method: str, path: str, body: object = None) -> Any:
        """Call the telephones' control interface, `/sim/…`."""
        request = Request(
            f"http://127.0.0.1:{self.phones_port}/sim/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=60) as answer:  # noqa: S310  loopback
            text = answer.read()
            return json.loads(text) if text else None

    def called_notifications(self) -> set[str]:
        """References of the notifications that the telephones' own log has a call for."""
        entries = self.phones("GET", "log?kind=call")["entries"]
        return {parse_qs(urlsplit(entry["callback_url"]).query)["r"][0] for entry in entries}

    def _beats_since(self, *services: str) -> Callable[[], bool]:
        before = self.value("select clock_timestamp()")
        return lambda: all(
            self.value("select exists (select from heartbeat where service = %s and started_at > %s)", service, before)
            for service in services
        )


__all__ = ["Line", "wait_until"]
