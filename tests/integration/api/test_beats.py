"""`api` gives signs of life while it runs, and takes them along when it leaves."""

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from api.app import create_app
from eldercare.platform import heartbeats
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings


async def test_it_beats_through_trouble_and_is_missed_by_nobody_once_it_has_left(
    conn: Connection, database_url: str, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = iter([psycopg.OperationalError("away"), ZeroDivisionError(), None, None])
    beat, third = heartbeats.beat, asyncio.Event()

    async def troubled(on: Connection, instance: str, service: str, detail: Mapping[str, Any], *more: Any) -> None:
        trouble = next(troubles, "over")
        if isinstance(trouble, Exception):
            raise trouble
        await beat(on, instance, service, detail, *more)
        if trouble == "over":  # the ones before are committed
            third.set()

    monkeypatch.setattr(heartbeats, "beat", troubled)
    monkeypatch.setattr(heartbeats, "INTERVAL_S", 0)
    monkeypatch.setattr("api.beats.LEAVE_S", 60.0)
    app = create_app(make_settings(database_url=database_url))
    async with app.router.lifespan_context(app), asyncio.timeout(60):
        await third.wait()
        assert [found.service for found in await heartbeats.listing(conn)] == ["api"]
        await conn.commit()
    assert await heartbeats.listing(conn) == []
