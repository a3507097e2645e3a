"""A child process that lives as long as this one: it is started again when it dies, and ends when this process ends."""

import asyncio
import contextlib
import signal
import sys

from eldercare.platform import tasks
from eldercare.platform.log import logger
from eldercare.platform.processes import with_parent

RESTART_AFTER_S = 1.0
END_TIMEOUT_S = 20.0

_log = logger(__name__)


async def keep_running(module: str, arguments: tuple[str, ...], stopping: asyncio.Event) -> None:
    """Run `python -m MODULE ARGUMENTS` until `stopping` is set, then let it end in its own way.

    When this process is killed, the operating system tells the child to end.
    """
    while not stopping.is_set():
        try:
            command = with_parent([sys.executable, "-m", module, *arguments], signal.SIGTERM)
            child = await asyncio.create_subprocess_exec(*command)
        except OSError as error:
            # Memory or processes have run out for now. This process goes on with its own pipeline.
            _log.error("child_not_started", arguments=arguments, error=error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESTART_AFTER_S):
                    await stopping.wait()
            continue
        stopped = tasks.brief(stopping.wait(), "stopping")
        ended = tasks.brief(child.wait(), "child")
        await asyncio.wait((stopped, ended), return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            _log.error("child_ended", arguments=arguments, status=child.returncode)
            await asyncio.wait((stopped,), timeout=RESTART_AFTER_S)
        else:
            await _end(child)
        stopped.cancel()
        await ended


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            await child.wait()
    except TimeoutError:
        child.kill()
