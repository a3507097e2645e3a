"""The demo's processes: waited for, started again, and ended with everything they started."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from eldercare.demo.supervisor import Interrupt, Service, Stopped, Supervisor
from eldercare.platform.errors import ConfigurationError
from tests.support.services.processes import wait_until

WITH_A_GRANDCHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield Interrupt()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def supervisor(interrupt: Interrupt, tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(interrupt, {**os.environ, "WORD": "given"}, tmp_path, tmp_path / "logs")
    yield made
    made.stop()


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def started(supervisor: Supervisor, tmp_path: Path) -> int:
    """Start a service with a grandchild; returns the grandchild's process id."""
    told = tmp_path / "grandchild"
    service = Service("parent", python(WITH_A_GRANDCHILD, str(told)), lambda: told.exists() and told.read_text() != "")
    supervisor.start(service)
    return int(told.read_text())


def test_stop_ends_services_and_what_they_started(supervisor: Supervisor, tmp_path: Path) -> None:
    grandchild = started(supervisor, tmp_path)
    parent = supervisor.pids["parent"]
    assert lives(parent)
    supervisor.stop()
    assert not lives(parent)
    wait_until(lambda: not lives(grandchild), "the end of the grandchild")


def test_a_killed_service_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    grandchild = started(supervisor, tmp_path)
    first = supervisor.pids["parent"]
    os.kill(first, signal.SIGKILL)
    news: list[str] = []
    wait_until(lambda: bool(news.extend(supervisor.revive()) or supervisor.pids["parent"] != first), "a new process")
    assert news == ["parent ended with -9, starting it again"]
    assert not lives(grandchild)
    assert lives(supervisor.pids["parent"])


def test_a_service_that_does_not_start_is_named_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    service = Service("broken", python("raise SystemExit('the port is taken')"), lambda: False)
    with pytest.raises(ConfigurationError, match=r"broken did not start: .*the port is taken"):
        supervisor.start(service)


def test_a_command_gives_what_it_printed_and_leaves_no_copy(supervisor: Supervisor, tmp_path: Path) -> None:
    assert supervisor.run("word", python("import os; print(os.environ['WORD'])")) == "given\n"
    assert not (tmp_path / "logs" / "word.out").exists()


def test_a_command_that_fails_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(ConfigurationError, match=r"seed failed: .*no such column"):
        supervisor.run("seed", python("raise SystemExit('no such column')"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_wait(supervisor: Supervisor, interrupt: Interrupt, number: signal.Signals) -> None:
    never = Service("slow", python("import time; time.sleep(600)"), lambda: bool(os.kill(os.getpid(), number)))
    with pytest.raises(Stopped):
        supervisor.start(never)
    assert interrupt.came
