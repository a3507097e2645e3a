"""Tasks beside the main one. None dies unseen: each survives whatever happens, says what went wrong, or takes the
process with it, for whoever supervises it to start it again.

Nothing else in the services makes a task.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from eldercare.platform.log import logger

T = TypeVar("T")
EXIT_STATUS = 70
"""Exit status of a process whose task has ended by a mistake of ours (`EX_SOFTWARE`)."""

_log = logger(__name__)
_kept: set[asyncio.Task[Any]] = set()
"""The event loop itself holds tasks by weak references only."""


def start(work: Coroutine[Any, Any, None], name: str, *, may_end: bool = False) -> asyncio.Task[None]:
    """Start a task for the life of the process. When it fails, the process ends with `EXIT_STATUS`. The same happens
    when it only ends, unless it `may_end`, as one may that is told to leave."""
    task = asyncio.create_task(work, name=name)
    _kept.add(task)

    def ended(task: asyncio.Task[None]) -> None:
        _kept.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None and may_end:
            return
        _log.critical("task_died", task=name, exc_info=error)
        # Out of the loop's callback this leaves the loop, whatever else it runs.
        raise SystemExit(EXIT_STATUS)

    task.add_done_callback(ended)
    return task


def brief(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Start a task for something that ends soon. What goes wrong in it is logged, whether or not anybody waits for
    it."""
    task = asyncio.create_task(work, name=name)
    _kept.add(task)

    def ended(task: asyncio.Task[T]) -> None:
        _kept.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("task_failed", task=name, exc_info=error)

    task.add_done_callback(ended)
    return task


async def forever(
    name: str, once: Callable[[], Awaitable[None]], pause_s: float, away: tuple[type[Exception], ...] = ()
) -> None:
    """Call `once` again and again until cancelled, `pause_s` seconds after it has ended in whichever way.

    It logs errors of `away` (a database, a broker) in one line, all others with where they came from.
    """
    while True:
        try:
            await once()
        except away as error:
            _log.warning("turn_missed", task=name, error=error)
        except Exception:
            _log.exception("turn_failed", task=name)
        await asyncio.sleep(pause_s)


async def end(*ending: asyncio.Task[Any], again_s: float = 2.0) -> None:
    """Cancel these until all have ended, again after each `again_s` seconds, in which they may tidy up. Whoever made
    them tells what they failed with.

    Once is not enough: on Python 3.11 `asyncio.wait_for`, which aiomqtt waits with, loses a cancellation that comes
    together with its result. The task goes on then, and whoever waits for it would wait for ever.
    """
    while running := {task for task in ending if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_s)
    for task in ending:
        if not task.cancelled():
            task.exception()  # seen
