"""Child processes that end with this one, however it ends."""

import os
import shutil
import sys
from collections.abc import Sequence

_PROGRAM = """
import ctypes, os, sys
signal, parent, user, group = map(int, sys.argv[1:5])
if user >= 0:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
ctypes.CDLL(None).prctl(1, signal)  # PR_SET_PDEATHSIG, which lasts through the exec; a change of user would undo it
if os.getppid() != parent:
    sys.exit(1)
os.execv(sys.argv[5], sys.argv[5:])
"""


def with_parent(command: Sequence[str], signal_number: int, user: int = -1, group: int = -1) -> list[str]:
    """The command in a wrapper that has the kernel send it this signal when we die, even by SIGKILL. On other systems
    than Linux it is the command alone.

    `user` and `group` are the numbers of whom it runs as, where we are root (-1: as we do). The child sets all that
    itself once it is a program of its own: Python code between fork and exec can stand still for ever in a process that
    has threads, and so does whoever started it. The signal comes when the thread that started the child ends.
    """
    if not sys.platform.startswith("linux"):
        return list(command)
    given = (signal_number, os.getpid(), user, group)
    program = shutil.which(command[0]) or command[0]
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, *map(str, given), program, *command[1:]]
