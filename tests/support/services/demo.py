"""`eldercare demo` as a person starts it: a process of its own with a folder of its own."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil

from tests.support.services.processes import Server, dies_with_parent, free_port

ROOT = Path(__file__).parents[3]
READY = "Ctrl-C 结束"
"""The last line of what it prints when everything runs."""


class Demo:
    """Starts and ends the demo; a second start in the same folder keeps its data."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder / "data"
        self._starts = 0
        self.chosen_ports = [str(free_port()), str(free_port())]
        """Where its broker and the control of its bands are to listen: several demos may run side by side."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith("ELDERCARE_")}
        settings = {**outside, "PYTHONPATH": str(ROOT), "ELDERCARE_DATA_DIR": str(self.folder), **environment}
        # What the demo looks for by itself it would bind only seconds later, when another run may have it.
        settings |= {f"ELDERCARE_{name}_PORT": str(free_port()) for name in ("API", "PHONES")}
        settings |= zip(("ELDERCARE_DEMO_MQTT_PORT", "ELDERCARE_DEMO_SIM_PORT"), self.chosen_ports, strict=True)
        assignments = [f"{name}={value}" for name, value in settings.items()]
        self._server = Server(
            "the demo",
            [*dies_with_parent("TERM"), "env", "-i", *assignments, sys.executable, "-m", "eldercare", "demo"],
            cwd=folder,
            log=folder / "output",
            is_ready=lambda: self.output.count(READY) == self._starts,
        )

    @property
    def output(self) -> str:
        """Everything it has printed, over all its starts."""
        return self._server.log.read_text(encoding="utf-8", errors="replace")

    @property
    def known(self) -> dict[str, Any]:
        """What demo.json holds: residents, users, people, urls."""
        loaded: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        return loaded

    @property
    def processes(self) -> list[psutil.Process]:
        """It, and everything it has started."""
        leader = psutil.Process(self._server.pid)
        return [leader, *leader.children(recursive=True)]

    def start(self) -> None:
        """Start it and return when it says that everything runs."""
        self._starts += 1
        self._server.start(timeout_s=120)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by this signal; returns its exit status."""
        return self._server.signal_and_wait(number, timeout_s=60)
