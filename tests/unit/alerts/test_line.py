"""The loop that calls people goes on whatever fails around it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts import line
from alerts.deliver import Sender
from alerts.escalation import Outside
from alerts.line import Line
from alerts.pulse import Pulse


async def test_hints_that_fail_by_a_mistake_of_ours_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def wakeups(*_: object, **__: object) -> AsyncIterator[str]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("a mistake of ours")
        yield ""
        await asyncio.Event().wait()

    monkeypatch.setattr(line, "wakeups", wakeups)
    monkeypatch.setattr(line, "AWAY_S", 0)
    sender = Sender("", {})
    outside = Outside({"voice": timedelta(0)}, ZoneInfo("Asia/Shanghai"))
    hints = asyncio.create_task(Line("", sender, outside, Pulse())._hear_hints())
    async with asyncio.timeout(10):
        await sender.more.wait()
    hints.cancel()
    assert tries == 2
