"""Child processes end with whoever started them, however that one ends."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from eldercare.platform.processes import with_parent
from tests.support.services.processes import wait_until

PARENT = """
import signal, subprocess, sys, time
from eldercare.platform.processes import with_parent
child = subprocess.Popen(with_parent(["sleep", "600"], signal.SIGTERM))
print(child.pid, flush=True)
time.sleep(600)
"""


def _command(pid: int) -> str | None:
    """What a process runs; None where there is none, or only its exit status is left."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip() or None
    except FileNotFoundError:
        return None


def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: _command(child) == f"{shutil.which('sleep')} 600", "the child to be what it was started as")
        parent.kill()
        wait_until(lambda: _command(child) is None, "the child to end")


def test_a_child_whose_parent_is_gone_before_it_begins_does_not_run(tmp_path: Path) -> None:
    command = with_parent(["touch", str(tmp_path / "began")], signal.SIGTERM)
    command[command.index(str(os.getpid()))] = "1"  # as if this process had ended meanwhile
    assert subprocess.run(command, check=False).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_it_may_run_as_somebody_else_where_we_are_root() -> None:
    own = (os.getuid(), os.getgid())
    user, group = (65534, 65534) if own[0] == 0 else own
    command = with_parent(["sh", "-c", "id -u; id -g; id -G"], signal.SIGTERM, user, group)
    if own[0] != 0:
        command = with_parent(["sh", "-c", "id -u; id -g; id -g"], signal.SIGTERM)
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert said == [str(user), str(group), str(group)]
