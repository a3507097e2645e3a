"""Time in our hands: sleepers wake in order, and what they start inside the same move is due too."""

import asyncio

import pytest

from device_sim.phones.timers import HandTimers, WallTimers


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_sleepers_wake_in_order_and_only_when_due() -> None:
    timers, woken = HandTimers(), []

    async def sleeper(seconds: float) -> None:
        await timers.sleep(seconds)
        woken.append((seconds, timers.now))

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (30, 5, 10)]
    await timers.advance(10, settle)
    assert woken == [(5, 5), (10, 10)]
    await timers.advance(20, settle)
    assert woken[-1] == (30, 30)
    await asyncio.gather(*tasks)


async def test_a_chain_of_sleeps_fits_into_one_move() -> None:
    timers, laps = HandTimers(), []

    async def runner() -> None:
        for _ in range(3):
            await timers.sleep(10)
            laps.append(timers.now)

    task = asyncio.create_task(runner())
    await timers.advance(30, settle)
    assert laps == [10, 20, 30]
    await task


async def test_a_cancelled_sleeper_holds_up_nobody() -> None:
    timers = HandTimers()
    task = asyncio.create_task(timers.sleep(5))
    await settle()
    task.cancel()
    await timers.advance(60, settle)
    assert timers.now == 60


async def test_no_time_passes_at_once() -> None:
    await HandTimers().sleep(0)
    await WallTimers(1000).sleep(-1)


def test_time_cannot_run_backwards() -> None:
    with pytest.raises(ValueError, match="scale"):
        WallTimers(0)
