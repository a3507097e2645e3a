"""The demo as a person meets it: it starts, shows a press that is answered, ends with nothing left, keeps its data."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.integration.tools.test_cli import eldercare
from tests.support.services.demo import Demo
from tests.support.services.processes import wait_until


@pytest.fixture
def own_demo(open_folder: Path) -> Iterator[Demo]:
    demo = Demo(open_folder, ELDERCARE_TWILIO_ACCOUNT_SID="AC-real", ELDERCARE_DEADMAN_URL="https://real.example.org")
    yield demo
    demo.stop(signal.SIGKILL)


class Caller:
    """A client of the API, logged in with a login of demo.json."""

    def __init__(self, known: dict[str, Any], role: str) -> None:
        self._base = known["urls"]["api"]
        self._headers = {"Content-Type": "application/json"}
        user = next(user for user in known["users"] if user["role"] == role)
        login = {"username": user["username"], "password": user["password"]}
        self._headers["Authorization"] = f"Bearer {self._ask('/session', login)['token']}"

    def get(self, path: str) -> Any:
        """The JSON answer."""
        return self._ask(path)

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self._base + path, data, self._headers), timeout=60) as response:  # noqa: S310
            return json.load(response)


def addresses(demo: Demo) -> list[str]:
    """Every address that the demo prints for a visitor to click."""
    return re.findall(r"http://[0-9.:]+/\S*", demo.output)


def press_is_answered(demo: Demo) -> None:
    """Wait for what the demo tells of its press, from the ringing to the person who goes."""
    wait_until(lambda: "求助 · SOS: " in demo.output, "the press", 60)
    wait_until(lambda: "已接单 · Accepted" in demo.output, "somebody to accept", 60)


def test_it_shows_a_press_from_the_button_to_the_person_and_ends_with_nothing_left(own_demo: Demo) -> None:
    own_demo.start()
    press_is_answered(own_demo)
    assert len(addresses(own_demo)) >= 3
    for address in addresses(own_demo):
        asked = Request(address, headers={"Accept": "text/html"})  # noqa: S310  loopback
        with urlopen(asked, timeout=60) as answer:  # noqa: S310
            assert answer.status == 200, address
    caller = Caller(own_demo.known, "duty")
    [incident] = [one for one in caller.get("/incidents")["items"] if one["kind"] == "sos"]
    assert incident["state"] == "accepted"
    ports = [own_demo.known["urls"][part].rsplit(":", 1)[1] for part in ("mqtt", "sim")]
    assert ports == own_demo.chosen_ports
    shown = eldercare("clock", "show", cwd=own_demo.folder.parent, data_dir=own_demo.folder)
    assert (shown.returncode, shown.stdout[:2]) == (0, "20")
    assert "using the demo's database" in shown.stderr
    left = eldercare("person", "remove", "1000000", cwd=own_demo.folder.parent, data_dir=own_demo.folder)
    assert left.stderr.count("using the demo's database") == 1, left.stderr
    assert eldercare("enroll", cwd=own_demo.folder.parent, data_dir=own_demo.folder).returncode == 0
    pressed = eldercare("sim", "scenario", "sos", cwd=own_demo.folder.parent, data_dir=own_demo.folder)
    assert pressed.returncode == 0, pressed.stderr
    residents, processes = own_demo.known["residents"], own_demo.processes
    assert own_demo.stop(signal.SIGINT) == 0
    assert [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []

    own_demo.start()
    assert own_demo.known["residents"] == residents
    kept = Caller(own_demo.known, "duty").get(f"/incidents/{incident['id']}")["incident"]
    assert kept["opened_at"] == incident["opened_at"]
    assert own_demo.stop(signal.SIGTERM) == 0


def test_a_killed_service_comes_back_and_kill_9_leaves_nothing(own_demo: Demo) -> None:
    own_demo.start()
    alerts = next(process for process in own_demo.processes if process.cmdline()[-2:] == ["-m", "alerts"])
    alerts.kill()
    wait_until(lambda: "alerts ended with -9" in own_demo.output, "the news of it", 30)
    press_is_answered(own_demo)
    processes = own_demo.processes
    own_demo.stop(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=30)
    assert [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
