"""The telemetry pipeline as a child of the SOS pipeline."""

import asyncio
from typing import Any

import pytest

from ingest import children


async def test_a_child_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, tries = asyncio.Event(), 0
    start = asyncio.create_subprocess_exec

    async def fails_at_first(program: str, *_: str, **options: Any) -> asyncio.subprocess.Process:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise BlockingIOError("no process to be had")
        stopping.set()
        return await start(program, "-c", "pass", **options)

    monkeypatch.setattr(children, "RESTART_AFTER_S", 0.01)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", fails_at_first)
    async with asyncio.timeout(60):
        await children.keep_running("ingest", (), stopping)
    assert tries == 2
