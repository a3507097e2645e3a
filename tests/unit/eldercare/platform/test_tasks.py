"""No task dies unseen: it survives, or says so, or ends the process."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eldercare.platform import tasks

ROOT = Path(__file__).parents[4]
PACKAGES = ("eldercare", "ingest", "alerts", "api", "device_sim")


def test_tasks_are_made_in_one_place() -> None:
    # A group of tasks may make its own: a failure in it is raised where the group is.
    makes = re.compile(r"(asyncio|loop|loop\(\))\.create_task|ensure_future|\bThread(PoolExecutor)?\(|run_in_executor")
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if makes.search(line)
    }
    # While it waits, `migrate` looks from a thread who is in its way: with that thread only their names are lost.
    assert {line.partition(":")[0] for line in found} == {
        "eldercare/platform/tasks.py",
        "eldercare/platform/migrate.py",
    }


async def test_what_goes_on_for_ever_survives_everything(capsys: pytest.CaptureFixture[str]) -> None:
    turns: list[int] = []
    enough = asyncio.Event()

    async def turn() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise ConnectionError("the broker is away")
        if len(turns) == 2:
            raise FileNotFoundError("ca.crt")
        if len(turns) == 3:
            raise asyncio.InvalidStateError
        enough.set()

    task = tasks.start(tasks.forever("bands", turn, 0, away=(ConnectionError,)), "bands")
    async with asyncio.timeout(60):
        await enough.wait()
    await tasks.end(task)
    told = capsys.readouterr().out
    assert told.count("[error") == 2
    assert told.count("[warning") == 1


async def test_what_is_brief_says_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails() -> int:
        raise ValueError("no such number")

    async def works() -> int:
        return 7

    failed, worked = tasks.brief(fails(), "one"), tasks.brief(works(), "two")
    await asyncio.wait({failed, worked})
    assert worked.result() == 7
    assert isinstance(failed.exception(), ValueError)
    told = capsys.readouterr().out
    assert "no such number" in told
    assert "two" not in told


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    lost = 0

    async def loses_some() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    stubborn, ready = tasks.start(loses_some(), "stubborn"), tasks.start(asyncio.sleep(0), "over", may_end=True)
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await tasks.end(stubborn, ready, again_s=0.01)
    assert stubborn.cancelled()
    assert lost == 3


PROGRAM = """
import asyncio, sys
from eldercare.platform import tasks

async def dies():
    await asyncio.sleep(0)
    {how}

async def main():
    tasks.start(dies(), "the line", may_end={may_end})
    await asyncio.sleep({for_s})

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("how", "may_end", "status"),
    [("raise ValueError('a mistake')", False, 70), ("return", False, 70), ("return", True, 0),
     ("raise ValueError('a mistake')", True, 70)],
)  # fmt: skip
def test_a_task_that_dies_takes_the_process_with_it(how: str, may_end: bool, status: int) -> None:
    program = PROGRAM.format(how=how, may_end=may_end, for_s=60 if status else 0.1)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == status, ended.stderr
    assert ("the line" in ended.stdout + ended.stderr) == bool(status)
    assert ("a mistake" in ended.stdout + ended.stderr) == ("mistake" in how)


def test_it_ends_a_web_service_too() -> None:
    program = """
import asyncio, contextlib, uvicorn
from eldercare.platform import tasks

async def dies():
    raise ValueError("a mistake")

@contextlib.asynccontextmanager
async def lifespan(app):
    tasks.start(dies(), "beats")
    yield

async def app(scope, receive, send):
    async with lifespan(app):
        await asyncio.sleep(60)

uvicorn.run(app, port=0, lifespan="on", log_level="error")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 70, ended.stderr
    assert "a mistake" in ended.stdout + ended.stderr
