"""Waiting for a ring or the time."""

import asyncio

from ingest.bell import Bell


async def test_a_ring_wakes_whoever_waits() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait(60))
    await asyncio.sleep(0)
    bell.ring()
    bell.ring()
    assert await waiting


async def test_a_ring_before_the_wait_is_heard_once() -> None:
    bell = Bell()
    bell.ring()
    assert await bell.wait(60)
    assert not await bell.wait(0)


async def test_the_time_passes_without_a_ring() -> None:
    assert not await Bell().wait(0.001)


async def test_a_ring_after_the_time_counts_for_the_next_wait() -> None:
    bell = Bell()
    assert not await bell.wait(0.001)
    bell.ring()
    assert await bell.wait(60)
