"""Processes of the demo: started, waited for, started again when they die, ended with everything they started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eldercare.platform.errors import ConfigurationError
from eldercare.platform.processes import with_parent

POLL_S = 0.1
END_TIMEOUT_S = 15
RESTART_AFTER_S = 1.0


class Stopped(Exception):
    """Ctrl-C or SIGTERM came while something was waited for."""


class Interrupt:
    """Ctrl-C and SIGTERM as a flag: everything is then ended in order, however often they come."""

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        self.came = True

    def pause(self, seconds: float) -> None:
        """Sleep. Raises Stopped as soon as the flag is set."""
        end = time.monotonic() + seconds
        while not self.came and (left := end - time.monotonic()) > 0:
            time.sleep(min(POLL_S, left))
        if self.came:
            raise Stopped


@dataclass(frozen=True)
class Service:
    """What to run, and how to see that it really serves."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]


@dataclass
class _Running:
    service: Service
    process: subprocess.Popen[bytes]
    ended_at: float | None = None


class Supervisor:
    """Runs services as children, each in a process group of its own, with its output in `logs/NAME.log`."""

    def __init__(self, interrupt: Interrupt, environment: Mapping[str, str], cwd: Path, logs: Path) -> None:
        self._interrupt = interrupt
        self.environment = dict(environment)
        """The environment that a service started from now on gets."""
        self._cwd = cwd
        self._logs = logs
        self._running: list[_Running] = []
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def pids(self) -> dict[str, int]:
        """Process id of each service."""
        return {running.service.name: running.process.pid for running in self._running}

    def start(self, service: Service, timeout_s: float = 60) -> None:
        """Start it and return when it is ready. Raises ConfigurationError with the end of its log, or Stopped."""
        running = _Running(service, self._spawn(service.name, service.command))
        self._running.append(running)
        deadline = time.monotonic() + timeout_s
        while not service.ready():
            if running.process.poll() is not None or time.monotonic() > deadline:
                raise ConfigurationError(f"{service.name} did not start: {self._tail(service.name)}")
            self._interrupt.pause(POLL_S)

    def run(self, name: str, command: tuple[str, ...]) -> str:
        """Run a command to its end and return what it printed. Raises ConfigurationError, or Stopped."""
        process = self._spawn(name, command, stdout=self._logs / f"{name}.out")
        running = _Running(Service(name, command, lambda: True), process)
        self._running.append(running)
        while process.poll() is None:
            self._interrupt.pause(POLL_S)
        self._running.remove(running)
        if process.returncode:
            raise ConfigurationError(f"{name} failed: {self._tail(name)}")
        output = self._logs / f"{name}.out"
        text = output.read_text(encoding="utf-8")
        output.unlink()  # it may hold passwords
        return text

    def revive(self) -> list[str]:
        """Start again what has died, a second after it did; returns a line for each that did."""
        news = []
        for running in self._running:
            if running.process.poll() is None:
                continue
            if running.ended_at is None:
                running.ended_at = time.monotonic()
                _kill_group(running.process)
                how = running.process.returncode
                news.append(f"{running.service.name} ended with {how}, starting it again")
            elif time.monotonic() - running.ended_at > RESTART_AFTER_S:
                running.process = self._spawn(running.service.name, running.service.command)
                running.ended_at = None
        return news

    def stop(self) -> None:
        """Send SIGTERM to all in the reverse order, then SIGKILL to whatever is left of their groups."""
        for running in reversed(self._running):
            running.process.terminate()
        deadline = time.monotonic() + END_TIMEOUT_S
        for running in reversed(self._running):
            try:
                running.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
            _kill_group(running.process)
        self._running.clear()

    def _spawn(self, name: str, command: tuple[str, ...], stdout: Path | None = None) -> subprocess.Popen[bytes]:
        with (self._logs / f"{name}.log").open("ab") as log:
            out = os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if stdout else None
            try:
                return subprocess.Popen(
                    with_parent(command, signal.SIGTERM),
                    cwd=self._cwd,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log if out is None else out,
                    stderr=log,
                    start_new_session=True,
                )
            finally:
                if out is not None:
                    os.close(out)

    def _tail(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-5:]
        return f"{path} ends with: {' / '.join(lines)}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to what an ended leader has left behind in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
