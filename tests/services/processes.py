"""Start a server on loopback, wait till it is really there, and end exactly it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.02


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float = 30) -> None:
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

    def start(self, timeout_s: float = 30) -> None:
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
