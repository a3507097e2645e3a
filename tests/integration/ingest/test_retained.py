"""What bands leave with the broker (retained) is removed once it is stored, and no press is lost or made by that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from eldercare.platform.settings import Settings
from ingest.pipeline import clearing, consumer
from ingest.pipeline.clearing import CLEARED, KNOWS
from ingest.pipeline.pipelines import Telemetry
from tests.conftest import MakeSettings
from tests.integration.ingesting import Database, asking, consuming, listener, publisher, until
from tests.support.services.mosquitto import Mosquitto

SOS = "eldercare/v1/band-1/sos"
HEART = "eldercare/v1/band-1/heart_rate"
BEAT = {"ts": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "bpm": 70}


@pytest.fixture
def settings(
    make_settings: MakeSettings, database_url: str, clean_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setattr(clearing, "AGAIN_S", 0.2)
    return make_settings(database_url=database_url, mqtt_url=clean_broker.url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with asking(database_url) as database:
        await database.enroll("band-1", "band-2")
        yield database


async def kept(broker: Mosquitto) -> list[tuple[str, bytes]]:
    """What a new subscriber is handed out."""
    found: list[tuple[str, bytes]] = []
    async with listener(broker.url, "eldercare/#") as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                async for message in client.messages:
                    said = (str(message.topic), bytes(message.payload))  # type: ignore[arg-type]
                    found += [said] if message.retain else []
    return found


async def nothing_is_kept(broker: Mosquitto) -> None:
    async def forgotten() -> bool:
        return not await kept(broker)

    await until(forgotten, "the broker to forget")


async def presses(database: Database) -> list[Any]:
    return await database.rows("select device_id, press_count from incident order by device_id")


async def test_copies_are_removed_once_they_are_stored_and_nobody_takes_that_for_a_press(
    settings: Settings, database: Database, clean_broker: Mosquitto
) -> None:
    async with publisher(settings) as publish:
        await publish(SOS, {"event_id": "e"}, retain=True)
        await publish("eldercare/v1/band-2/sos", b"", retain=True)  # MQTT keeps nothing of it
        await publish("eldercare/v1/band-2/sos", b" ", qos=0, retain=True)
        await publish(HEART, BEAT, retain=True)
        await publish("eldercare/v1/band-2/heart_rate", b"no json", retain=True)
        assert len(await kept(clean_broker)) == 4
        async with (
            consuming(settings, "sos") as first,
            consuming(settings, "sos"),
            consuming(settings, "telemetry") as telemetry,
        ):
            await nothing_is_kept(clean_broker)
            await publish(SOS, {"event_id": "later"})
            await until(lambda: database.value("select sum(press_count) >= 3 from incident"), "the later press")
            assert first.counters.messages == 3
        assert telemetry.counters.rejected == {"json": 1}
    assert await presses(database) == [("band-1", 2), ("band-2", 1)]
    assert await database.rejects() == {"json": 1}


async def test_copies_made_later_are_found_and_a_retained_press_rings(
    settings: Settings, database: Database, clean_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Telemetry, "kept_again_s", 0.0)
    monkeypatch.setattr(consumer.heartbeats, "INTERVAL_S", 0.1)
    async with (
        consuming(settings, "sos"),
        consuming(settings, "telemetry"),
        publisher(settings) as publish,
    ):
        for number in range(3):
            await publish(SOS, {"event_id": f"e{number}"}, retain=True)
            await publish(HEART, BEAT, retain=True)
            await nothing_is_kept(clean_broker)
        await until(lambda: database.value("select sum(press_count) >= 3 from incident"), "every press")
    assert await presses(database) == [("band-1", 3)]


async def test_nothing_is_removed_while_a_process_listens_that_would_ring_for_it(
    settings: Settings, database: Database, clean_broker: Mosquitto
) -> None:
    await database.conn.execute(
        "insert into heartbeat (instance, service, beat_at) values ('before', 'ingest.sos', now() + interval '9 s')"
    )
    async with publisher(settings) as publish:
        await publish(SOS, {"event_id": "e"}, retain=True)
    looked, is_for_older = asyncio.Event(), clearing._is_for_older

    async def looks(url: str) -> bool:
        older = await is_for_older(url)
        looked.set()
        return older

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clearing, "_is_for_older", looks)
        async with consuming(settings, "telemetry"):
            await asyncio.wait_for(looked.wait(), 30)
            assert await kept(clean_broker) == [(SOS, b'{"event_id": "e"}')]
            await database.conn.execute("update heartbeat set detail = %s", (f'{{"{KNOWS}": true}}',))
            await nothing_is_kept(clean_broker)


async def test_our_word_with_a_packet_id_is_not_ours(
    settings: Settings, database: Database, clean_broker: Mosquitto
) -> None:
    async with consuming(settings, "sos"), publisher(settings) as publish:
        await publish(SOS, CLEARED)
        await until(lambda: database.value("select count(*) = 1 from incident"), "the press")


async def test_a_copy_that_the_database_refuses_is_removed_as_well(
    settings: Settings, database: Database, clean_broker: Mosquitto
) -> None:
    await database.conn.execute("alter table heart_rate add constraint for_this_test check (bpm <> 71) not valid")
    try:
        async with publisher(settings) as publish:
            await publish(HEART, {**BEAT, "ts": datetime.now(UTC).isoformat(), "bpm": 71}, retain=True)
        async with consuming(settings, "telemetry"):
            await nothing_is_kept(clean_broker)
    finally:
        await database.conn.execute("alter table heart_rate drop constraint for_this_test")
    assert await database.rejects() == {"database": 1}


async def test_a_copy_that_the_broker_does_not_let_us_remove_is_told_as_that(
    settings: Settings, database: Database, clean_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Telemetry, "kept_again_s", 0.0)
    monkeypatch.setattr(consumer.heartbeats, "INTERVAL_S", 0.1)
    access = clean_broker.folder / "acl"
    allowed = access.read_text()
    async with publisher(settings) as publish:
        await publish(HEART, BEAT, retain=True)
    access.write_text(allowed.replace("topic readwrite eldercare/#", "topic read eldercare/#"))
    clean_broker.reload()
    try:
        with capture_logs() as lines:

            async def told() -> bool:
                return said(lines).count("retained_still_there") >= 2

            async with consuming(settings, "telemetry"):
                await until(told, "the log to tell it")
                assert said(lines).count("retained_cleared") == 1
                access.write_text(allowed)
                clean_broker.reload()
                await nothing_is_kept(clean_broker)
    finally:
        access.write_text(allowed)
        clean_broker.reload()
    assert said(lines).count("retained_cleared") == 1


def said(lines: list[Any]) -> list[str]:
    """What the log says of retained copies."""
    return [line["event"] for line in lines if line["event"].startswith("retained_")]


def test_the_pause_before_a_copy_is_tried_again_grows_to_a_day(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(clearing.time, "monotonic", lambda: now)
    monkeypatch.setattr(clearing, "AGAIN_S", 60.0)
    removes, pauses = clearing.Clearing(settings), []
    for _ in range(8):
        removes.add([(HEART, b"same")])
        assert removes._topics == {HEART: b"same"}
        removes._note(HEART, b"same")
        pauses.append(removes._removed[HEART].again_at - now)
        now += pauses[-1] - 1
        removes.add([(HEART, b"same")])
        assert not removes._topics
        now += 1
    assert pauses == [60, 240, 960, 3840, 15360, 61440, 86400, 86400]
    removes._note(HEART, b"same")
    removes.add([(HEART, b"another")])
    assert removes._topics == {HEART: b"another"}
    assert not removes._note(HEART, b"another")
