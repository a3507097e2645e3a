"""The SOS pipeline: every press is raised, each once, and the band hears of it; whatever else happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiomqtt
import psycopg
import pytest

from eldercare.platform.database import Connection
from eldercare.platform.errors import Unavailable
from eldercare.platform.settings import Settings
from ingest.pipeline import pipelines
from ingest.pipeline.pipelines import Sos
from ingest.transports.mqtt.session import Session
from tests.conftest import MakeSettings
from tests.integration.ingesting import Database, Publish, asking, consuming, publisher, until
from tests.support.services.mosquitto import Mosquitto

SOS = "eldercare/v1/band-1/sos"


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, clean_broker: Mosquitto) -> Settings:
    return make_settings(database_url=database_url, mqtt_url=clean_broker.url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with asking(database_url) as database:
        await database.enroll("band-1", "band-2")
        yield database


async def heard(bands: aiomqtt.Client) -> tuple[str, Any]:
    message = await asyncio.wait_for(anext(bands.messages), 60)
    return str(message.topic).split("/")[2], json.loads(bytes(message.payload))  # type: ignore[arg-type]


async def test_a_press_becomes_an_incident_and_the_band_hears_it(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos") as consumer:
        await publish(SOS, {"event_id": "e1", "trigger": "fall"})
        assert await heard(bands) == ("band-1", {"event_id": "e1", "state": "received"})
    assert await database.rows("select kind, source, device_id, resident_id is not null from incident") == [
        ("sos", "fall", "band-1", True)
    ]
    assert (consumer.counters.messages, consumer.counters.opened) == (1, 1)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x00\xff", b"[]", b"[1, 2]", b"true", b"{" * 3000, b"x" * 300_000, b'{"event_id": NaN}'],
    ids=lambda payload: repr(payload)[:20],
)
async def test_anything_at_all_is_a_press(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client, payload: bytes
) -> None:
    async with consuming(settings, "sos"):
        await publish(SOS, payload)
        assert await heard(bands) == ("band-1", {"event_id": None, "state": "received"})
    assert await database.value("select count(*) from incident") == 1
    assert await database.value("select payload from sos_press") == payload[:1024]


async def test_a_repeated_press_hears_how_far_help_is(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos") as consumer:
        await publish(SOS, {"event_id": "e1"})
        await heard(bands)
        await database.conn.execute("insert into person (name) values ('张伟')")
        await database.conn.execute("update incident set state = 'en_route', owner_id = (select id from person)")
        await publish(SOS, {"event_id": "e1"})
        assert await heard(bands) == ("band-1", {"event_id": "e1", "state": "arriving"})
        await database.conn.execute("update incident set state = 'resolved'")
        await publish(SOS, {"event_id": "e1"})
        assert await heard(bands) == ("band-1", {"event_id": "e1", "state": "closed"})
    assert (consumer.counters.opened, consumer.counters.duplicates) == (1, 2)


@pytest.mark.parametrize(
    ("payload", "echo"),
    [
        (b'{"event_id": "e1", "lat": NaN}', "e1"),
        (b'{"event_id": "e1"}\0', "e1"),
        (b'{"event_id": 1.50}', 1.5),
        (b'{"event_id": 36893488147419103232}', 36893488147419103232),
        (b'{"event_id": {"at": [1, "\\u0000"]}}', {"at": [1, "\0"]}),
        (json.dumps({"event_id": "x" * 1000}).encode(), "x" * 1000),
        (b'{"event_id": "\\ud800"}', "\ud800"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_a_band_hears_its_number_as_it_sent_it_and_each_repeat_is_the_same_press(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client, payload: bytes, echo: Any
) -> None:
    async with consuming(settings, "sos") as consumer:
        for _ in range(3):
            await publish(SOS, payload)
            assert await heard(bands) == ("band-1", {"event_id": echo, "state": "received"})
    assert (consumer.counters.opened, consumer.counters.duplicates) == (1, 2)
    assert await database.value("select press_count from incident") == 1


async def test_the_same_unreadable_bytes_are_one_press(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        for _ in range(3):
            await publish(SOS, b"\x7e\x02\x00\x26")
            assert await heard(bands) == ("band-1", {"event_id": None, "state": "received"})
    assert await database.value("select press_count from incident") == 1


async def test_a_press_without_a_name_counts_once_with_two_processes(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"), consuming(settings, "sos"):
        for _ in range(2):
            await publish(SOS, {})
            await heard(bands)
            await heard(bands)
    assert await database.value("select press_count from incident") == 2


async def test_what_is_not_acknowledged_comes_again_and_is_the_same_press(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A counter that began anew rings again; what the broker hands out twice does not."""
    with monkeypatch.context() as patched:
        patched.setattr(Session, "acknowledge", lambda *_: None)
        async with consuming(settings, "sos"):
            await publish(SOS, {"event_id": "1"})
            await heard(bands)
    await database.conn.execute("update incident set state = 'resolved', resolved_at = now() - interval '11 minutes'")
    async with consuming(settings, "sos") as consumer:
        assert await heard(bands) == ("band-1", {"event_id": "1", "state": "closed"})
        assert (consumer.counters.opened, consumer.counters.duplicates) == (0, 1)
        await publish(SOS, {"event_id": "1"})
        assert await heard(bands) == ("band-1", {"event_id": "1", "state": "received"})
    assert await database.value("select count(*) from incident") == 2


async def test_an_unknown_band_is_raised_as_such(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        await publish("eldercare/v1/stranger/sos", {})
        assert await heard(bands) == ("stranger", {"event_id": None, "state": "received"})
    assert await database.rows("select subject, resident_id from incident") == [("device:stranger", None)]


async def test_a_topic_that_names_no_band_is_rejected(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos") as consumer:
        await publish("eldercare/v1/no band/sos", {})
        await publish(SOS, {})
        assert (await heard(bands))[0] == "band-1"
    assert await database.rejects() == {"topic": 1}
    assert dict(consumer.counters.rejected) == {"topic": 1}


async def test_a_retained_press_is_raised_once_however_often_it_is_handed_out(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    await publish(SOS, {}, retain=True)
    for _ in range(3):
        async with consuming(settings, "sos"):
            assert (await heard(bands))[1]["state"] == "received"
    assert await database.rows("select press_count from incident") == [(1,)]


async def test_a_press_that_nobody_sends_again_outlives_the_connections_it_came_by(
    settings: Settings, database: Database, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, broker_away = 0, True
    store, connected = Sos._store, Session.connect

    async def breaks(self: Sos, conn: Connection, messages: Any) -> Any:
        nonlocal broken
        broken += 1
        if broken <= 2:
            with suppress(psycopg.Error):
                await conn.execute("select pg_terminate_backend(pg_backend_pid())")
        return await store(self, conn, messages)

    async def connect(self: Session) -> None:
        if broken and broker_away:
            raise Unavailable("away") from OSError()
        await connected(self)

    monkeypatch.setattr(Sos, "_store", breaks)
    monkeypatch.setattr(Session, "connect", connect)
    async with consuming(settings, "sos") as consumer:
        await publish("eldercare/v1/band-1/sos", {"event_id": "once"}, qos=0)

        async def raised() -> bool:
            return bool(await database.value("select count(*) from incident"))

        # The database was away twice, and by now the broker is.
        await until(raised, "the press")
        assert not consumer.connected
        broker_away = False
    assert broken == 3
    assert await database.rows("select device_id, press_count from incident") == [("band-1", 1)]


async def test_presses_wait_for_an_absent_service(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        pass
    for number in range(100):
        await publish(f"eldercare/v1/gone-{number}/sos", {"event_id": "e1"})
    async with consuming(settings, "sos"):
        names = {(await heard(bands))[0] for _ in range(100)}
    assert names == {f"gone-{number}" for number in range(100)}
    assert await database.value("select count(*) from incident") == 100


async def test_two_processes_hear_every_press_and_raise_it_once(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos") as one, consuming(settings, "sos") as other:
        for number in range(100):
            await publish(f"eldercare/v1/pair-{number}/sos", {"event_id": "e1"})
        for _ in range(200):
            await heard(bands)
    assert (one.counters.messages, other.counters.messages) == (100, 100)
    assert one.counters.opened + other.counters.opened == 100
    assert one.counters.duplicates + other.counters.duplicates == 100
    assert await database.value("select count(*) from incident where press_count = 1") == 100


async def test_the_second_process_takes_the_first_slot_when_it_is_free(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eldercare.platform.heartbeats.INTERVAL_S", 0.05)
    async with consuming(settings, "sos") as first, consuming(settings, "sos"):
        first.stop()

        async def moved() -> bool:
            slots = await database.rows("select detail ->> 'seat' from heartbeat where service = 'ingest.sos'")
            return slots == [("1",)]

        await until(moved, "the second to take the first slot")
        await publish(SOS, {"event_id": "e1"})
        assert (await heard(bands))[0] == "band-1"


async def test_a_press_that_the_database_dislikes_is_raised_bare(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    await database.conn.execute("alter table incident add constraint dislike check (bpm is distinct from 99)")
    await database.conn.execute("alter table sos_press add constraint hate check (device_id <> 'band-2')")
    async with consuming(settings, "sos") as consumer:
        await publish("eldercare/v1/band-2/sos", {})
        await publish(SOS, {"event_id": "e1", "bpm": 99})
        assert await heard(bands) == ("band-1", {"event_id": "e1", "state": "received"})
    assert await database.rows("select device_id, bpm from incident") == [("band-1", None)]
    assert await database.rejects() == {"database": 1}
    assert (consumer.counters.opened, dict(consumer.counters.rejected)) == (1, {"database": 1})


async def test_no_telemetry_stands_before_a_press(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    await database.conn.execute("insert into device_state (device_id) values ('band-1')")
    async with consuming(settings, "sos"), database.conn.transaction():
        await database.conn.execute("select from device_state for update")
        await publish(SOS, {"event_id": "e1"})
        assert (await heard(bands))[1]["state"] == "received"


async def test_a_flood_of_one_band_stands_before_nobody_elses_first_press(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        pass
    for number in range(400):
        await publish(SOS, {"event_id": str(number)})
    await publish("eldercare/v1/band-2/sos", {"event_id": "help"})
    async with consuming(settings, "sos"):
        before = 0
        while (await heard(bands))[0] != "band-2":
            before += 1
        assert before <= 2 * pipelines.Sos.share
        for _ in range(400 - before):
            assert (await heard(bands))[0] == "band-1"
    assert await database.rows("select device_id, press_count from incident order by device_id") == [
        ("band-1", 400),
        ("band-2", 1),
    ]


async def test_a_flood_of_repeats_is_written_once_and_all_of_it_is_acknowledged(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        pass
    for _ in range(300):
        await publish(SOS, {"event_id": "e1"})
    async with consuming(settings, "sos") as consumer:
        await heard(bands)

        async def counted() -> bool:
            return consumer.counters.opened + consumer.counters.duplicates == 300

        await until(counted, "all of them")
    async with consuming(settings, "sos") as consumer:
        await publish("eldercare/v1/band-2/sos", {"event_id": "e2"})
        while (await heard(bands))[0] != "band-2":
            pass
        assert consumer.counters.messages == 1


async def test_a_press_of_a_mebibyte_is_heard_and_of_more_is_refused_and_counted(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client, clean_broker: Mosquitto
) -> None:
    url = clean_broker.band_url("band-2", clean_broker.add_band("band-2"))
    async with consuming(settings, "sos"), consuming(settings, "telemetry"):
        await publish(SOS, b"x" * 2**20)
        assert await heard(bands) == ("band-1", {"event_id": None, "state": "received"})
        with pytest.raises(aiomqtt.MqttError):
            async with publisher(settings.model_copy(update={"mqtt_url": url})) as refused:
                await refused("eldercare/v1/band-2/sos", b"x" * (2**20 + 2048))

        async def counted() -> bool:
            return await database.rejects() == {"packet": 1}

        await until(counted, "the refusal")
    assert await database.value("select topic from rejected where reason = 'packet'") == "eldercare/v1/band-2/"
    assert await database.value("select length(payload) from sos_press") == 1024


@pytest.mark.parametrize(
    "ts",
    [
        "9999-12-31T23:59:59-20:00",
        "0001-01-01T00:00:00+20:00",
        "9999-12-31T23:59:59Z",
        "infinity",
        "1970-01-01T00:00:00Z",
    ],
)
async def test_a_press_with_a_time_at_the_ends_of_the_calendar_is_raised_as_of_now(
    settings: Settings, database: Database, publish: Publish, bands: aiomqtt.Client, ts: str
) -> None:
    async with consuming(settings, "sos"):
        await publish(SOS, {"event_id": "e1", "ts": ts})
        assert await heard(bands) == ("band-1", {"event_id": "e1", "state": "received"})
    rows = await database.rows("select opened_at = occurred_at, late from incident")
    assert rows == [(True, False)]
    told = await database.value("select detail ->> 'event_id' from incident_event where kind = 'opened'")
    assert told == "e1"
