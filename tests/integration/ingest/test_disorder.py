"""Readings that come out of order, through real Mosquitto into real TimescaleDB: on time, they alarm as in order."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

import ingest.pipeline.writer
from alerts.rules.disorder import StoredReading
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.settings import Settings
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from ingest.pipeline.evaluation import Again
from ingest.pipeline.recall import MOST, recall
from tests.conftest import MakeSettings
from tests.integration.ingesting import Database, Publish, asking, consuming, stored
from tests.support.services.mosquitto import Mosquitto

HEART = "eldercare/v1/band-1/heart_rate"


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, clean_broker: Mosquitto) -> Settings:
    return make_settings(database_url=database_url, mqtt_url=clean_broker.url, batch_age_ms=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with asking(database_url) as database:
        await database.enroll("band-1", "band-2")
        yield database


def nine_minutes(bpm: int = 140) -> list[dict[str, Any]]:
    """One value a minute, the newest first."""
    now = datetime.now(UTC)
    return [
        {"ts": (now - timedelta(seconds=60 * minute)).isoformat(), "bpm": bpm, "motion": "rest"} for minute in range(10)
    ]


INCIDENTS = "select kind, severity, device_id, detail ->> 'reason' from incident order by id"


async def test_nine_minutes_newest_first_are_one_incident(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as consumer:
        for number, each in enumerate(nine_minutes(), start=1):
            await publish(HEART, each)
            await stored(database, number)  # a batch of its own
    assert await database.rows(INCIDENTS) == [("heart_rate", "urgent", "band-1", "high_urgent")]
    assert consumer.counters.rule_errors == 0
    assert await database.value("select count(*) from incident_event where kind in ('opened', 'found_again')") == 1


async def test_on_the_wrist_and_away_from_home_newest_first(
    settings: Settings, database: Database, publish: Publish
) -> None:
    values = nine_minutes(35)
    ago = {minute: values[minute]["ts"] for minute in range(10)}
    async with consuming(settings, "telemetry"):
        await database.conn.execute("update resident set home_lat = 31.2, home_lon = 121.4, safe_radius_m = 400")
        await publish("eldercare/v1/band-1/status", {"ts": ago[9], "worn": False, "battery_pct": 80})
        await stored(database, 1, "device_status")
        for number, each in enumerate(values[:8], start=1):
            await publish(HEART, each)
            await publish("eldercare/v1/band-1/location", {"ts": each["ts"], "lat": 31.3, "lon": 121.4})
            await stored(database, number, "location")
        await stored(database, 8)
        assert await database.rows(INCIDENTS) == [("wandering", "warning", "band-1", "left_zone")]
        await publish("eldercare/v1/band-1/status", {"ts": ago[8], "worn": True})
        await stored(database, 2, "device_status")
    assert await database.rows(INCIDENTS) == [
        ("wandering", "warning", "band-1", "left_zone"),
        ("heart_rate", "urgent", "band-1", "low_urgent"),
    ]


async def test_what_dies_between_storing_and_judging_again_has_stored_nothing(
    settings: Settings, database: Database, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = 0

    async def dies(conn: Connection, again: Mapping[str, Again], now: datetime) -> dict[str, list[StoredReading]]:
        nonlocal deaths
        deaths += 1
        if deaths <= 3:
            with suppress(psycopg.Error):
                await conn.execute("select pg_terminate_backend(pg_backend_pid())")
        return await recall(conn, again, now)

    monkeypatch.setattr(ingest.pipeline.writer, "recall", dies)
    async with consuming(settings, "telemetry"):
        newest, *older = nine_minutes()
        await publish(HEART, newest)
        await stored(database, 1)  # by itself: what comes in one batch is put in order before it is judged
        for each in older:
            await publish(HEART, each)
        await stored(database, 10)
    assert deaths > 3
    assert await database.rows(INCIDENTS) == [("heart_rate", "urgent", "band-1", "high_urgent")]


async def test_what_is_read_back_is_bounded_and_of_these_bands_alone(
    plain_database_url: str, database_url: str
) -> None:
    now = datetime.now(UTC)
    begin = now - timedelta(hours=1)
    for url in (plain_database_url, database_url):
        async with await connect(url, autocommit=True, application_name="test", limits=COMMAND) as conn:
            for band in ("a", "b", "c"):
                await conn.execute(
                    "insert into heart_rate select %s, %s::timestamptz - each * interval '1 second', now(), 70, 90,"
                    " 'rest', 3 from generate_series(-400, 2000) each",
                    (band, now),
                )
            await conn.execute("insert into location values ('a', %s, %s, 1, 2, 3, null, null)", (now, now))
            await conn.execute("insert into device_status values ('a', %s, %s, 9, true, false)", (now, now))
            kinds: dict[Any, datetime] = {HeartRate: begin, Status: begin}
            again = {
                "a": Again(begin, begin, {**kinds, Location: begin}),
                "b": Again(now, None, {HeartRate: now - timedelta(seconds=9), Status: now}),
            }
            told = await recall(conn, again, now)
            assert await recall(conn, {"c": Again(None, begin, {Location: begin})}, now) == {"c": []}
        assert set(told) == {"a", "b"}
        assert max(each.reading.ts for each in told["a"]) == now + timedelta(minutes=5)
        assert len([each for each in told["a"] if isinstance(each.reading, HeartRate)]) == MOST
        assert len(told["b"]) == 310
        [fix] = [each.reading for each in told["a"] if isinstance(each.reading, Location)]
        [said] = [each.reading for each in told["a"] if isinstance(each.reading, Status)]
        assert (fix.ts, fix.lat, fix.lon, fix.accuracy_m) == (now, 1, 2, 3)
        assert (said.battery_pct, said.charging, said.worn) == (9, True, False)
