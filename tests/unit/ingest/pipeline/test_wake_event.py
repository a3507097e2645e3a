"""Waiting for a ring or the time."""

import asyncio

from ingest.pipeline.wake_event import WakeEvent


async def test_a_ring_wakes_whoever_waits() -> None:
    wake = WakeEvent()
    waiting = asyncio.create_task(wake.wait(60))
    await asyncio.sleep(0)
    wake.ring()
    wake.ring()
    assert await waiting


async def test_a_ring_before_the_wait_is_heard_once() -> None:
    wake = WakeEvent()
    wake.ring()
    assert await wake.wait(60)
    assert not await wake.wait(0)


async def test_the_time_passes_without_a_ring() -> None:
    assert not await WakeEvent().wait(0.001)


async def test_a_ring_after_the_time_counts_for_the_next_wait() -> None:
    wake = WakeEvent()
    assert not await wake.wait(0.001)
    wake.ring()
    assert await wake.wait(60)
