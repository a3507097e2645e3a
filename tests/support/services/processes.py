"""Start a server on loopback, wait till it is really there, and end exactly it."""

import functools
import itertools
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.02
PATIENCE_S = 90.0
"""How long a test waits for what takes a moment on an idle machine: no measure of speed, but the end of hoping."""
FIRST_PORT, BLOCK, BLOCKS = 20000, 250, 49
"""Below the ports that Linux gives by itself to whoever asks for any (from 32768)."""


class Ports:
    """A block of TCP ports that this process alone gives out, each in its turn.

    A port that was only found free can be taken by somebody else before the server that is meant to have it listens.
    So each process of the tests, a worker or another run on this machine, keeps the first port of a block bound as long
    as it lives, and gives out the others.
    """

    def __init__(self) -> None:
        self._guard, first = self._claim()
        self._turn = itertools.cycle(range(first + 1, first + BLOCK))

    @staticmethod
    def _claim() -> tuple[socket.socket, int]:
        for block in range(BLOCKS):
            first = FIRST_PORT + block * BLOCK
            guard = socket.socket()
            try:
                guard.bind(("127.0.0.1", first))
            except OSError:
                guard.close()
            else:
                return guard, first
        raise RuntimeError(f"every block of ports from {FIRST_PORT} on is taken")

    def next(self) -> int:
        """A port of the block that nobody has now."""
        for port in itertools.islice(self._turn, BLOCK - 1):
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port
        raise RuntimeError("every port of the block is taken")


@functools.cache
def _ports() -> Ports:
    return Ports()


def free_port() -> int:
    """A TCP port of loopback that nobody has now and no other process of the tests gives out."""
    return _ports().next()


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Poll until `ready()` holds. Raises TimeoutError naming `what` was waited for."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(POLL_S)


def listens(port: int) -> bool:
    """Whether something accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def dies_with_parent(signal_name: str) -> list[str]:
    """A command prefix with which the server ends when this process is killed. Empty where there is no setpriv."""
    return ["setpriv", f"--pdeathsig={signal_name}"] if shutil.which("setpriv") else []


class Server:
    """A child process in a folder of its own, with its output in `log`; `is_ready` says when it serves."""

    def __init__(self, name: str, command: list[str], cwd: Path, log: Path, is_ready: Callable[[], bool]) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._cwd = cwd
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_s: float = PATIENCE_S) -> None:
        """Start it and return when it serves. Raises RuntimeError with the end of its log when it does not."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command, cwd=self._cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        try:
            wait_until(lambda: not self.running or self._is_ready(), self.name, timeout_s)
        except TimeoutError as error:
            self.signal_and_wait(9)
            raise RuntimeError(f"{error}\n{self.tail()}") from error
        if not self.running:
            raise RuntimeError(f"{self.name} ended at its start\n{self.tail()}")

    def signal_and_wait(self, signal_number: int, timeout_s: float = 30) -> int:
        """Send the signal, SIGKILL if it lives after `timeout_s`; returns the exit status (0: never ran)."""
        if self._process is None:
            return 0
        if self.running:
            self._process.send_signal(signal_number)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def tail(self, lines: int = 20) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
