"""Whoever else uses a client id of ours takes a session, and no press with it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import aiomqtt
import pytest

from alerts.channels import band
from eldercare.demo.embedded import EmbeddedBroker
from eldercare.platform import tasks
from eldercare.platform.settings import Settings
from eldercare.tools.doctor import database as doctor
from eldercare.tools.doctor import network
from ingest.pipeline import leadership
from ingest.pipeline.pipelines import Sos
from ingest.transports.mqtt.packets import Published
from tests.conftest import MakeSettings
from tests.integration.ingesting import Database, asking, consuming, publisher, until
from tests.support.services.mosquitto import Mosquitto

SOS = "eldercare/v1/band-1/sos"
OPENED = "select sum(press_count) from incident"


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, clean_broker: Mosquitto) -> Settings:
    return make_settings(database_url=database_url, mqtt_url=clean_broker.url, batch_age_ms=20)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with asking(database_url) as database:
        await database.enroll("band-1")
        yield database


async def test_a_press_that_only_the_telemetry_pipeline_hears_is_raised(settings: Settings, database: Database) -> None:
    async with publisher(settings) as publish, consuming(settings, "telemetry") as telemetry:
        await publish(SOS, {"event_id": "e1"})
        await publish(SOS, b"")
        await until(lambda: database.value("select count(*) = 2 from sos_aside"), "the presses to be handed over")
        async with consuming(settings, "sos"):
            await until(lambda: database.value(f"{OPENED} having sum(press_count) = 2"), "both to be raised")
    assert telemetry.counters.handed_over == 2


async def test_a_press_that_both_pipelines_hear_counts_once(settings: Settings, database: Database) -> None:
    async with (
        publisher(settings) as publish,
        consuming(settings, "sos"),
        consuming(settings, "telemetry") as telemetry,
    ):
        for number in range(5):
            await publish(SOS, {"event_id": f"e{number}"})
        await publish(SOS, b"{}")
        await publish("eldercare/v1/band-1/status", {"ts": "2000-01-01T00:00:00Z"})

        async def read_on() -> bool:  # it counts when the presses that it heard are handed over, too
            return telemetry.counters.rejected == {"clock": 1}

        await until(read_on, "the pipeline to have read on")
        await until(lambda: database.value(f"{OPENED} having sum(press_count) >= 6"), "every press")
        await until(lambda: database.value("select count(*) = 0 from sos_aside"), "nothing to wait")
        assert await database.value(OPENED) == 6


def test_readings_that_reach_the_sos_pipeline_ring_nobody() -> None:
    taken = Sos().receive(Published(1, "eldercare/v1/band-1/heart_rate", b"{}", False, False), 0.0)
    assert taken is not None
    assert "SOS pipeline" in str(taken.message.press)


async def test_services_at_the_bands_listener_lose_no_press_and_are_named(
    make_settings: MakeSettings, settings: Settings, database: Database, clean_broker: Mosquitto
) -> None:
    """There the user name becomes the client id: both pipelines and alerts throw each other out."""
    wrong = make_settings(
        database_url=settings.database_url, batch_age_ms=20,
        mqtt_url=clean_broker.url.replace(f":{clean_broker.port}", f":{clean_broker.bands_port}"),
    )  # fmt: skip
    async with publisher(settings) as publish, consuming(wrong, "sos") as sos, consuming(wrong, "telemetry"):
        for number in range(15):
            await publish(SOS, {"event_id": f"e{number}"})
            await asyncio.sleep(0.1)
        await until(lambda: database.value(f"{OPENED} having sum(press_count) = 15"), "every press", 60)

        async def found() -> bool:
            findings = await doctor._taken(database.conn, "ingest.sos")
            findings += await doctor._taken(database.conn, "ingest.telemetry")
            return any("client id" in str(finding) for finding in findings)

        await until(found, "the doctor to see it")
        assert sos.counters.reconnects < 60


async def test_the_doctor_knows_the_bands_listener(make_settings: MakeSettings, clean_broker: Mosquitto) -> None:
    right = make_settings(mqtt_url=clean_broker.url)
    wrong = make_settings(mqtt_url=clean_broker.url.replace(f":{clean_broker.port}", f":{clean_broker.bands_port}"))
    assert "lets us in" in str(await network._broker(right))
    assert "the bands' listener" in str(await network._broker(wrong))


async def test_alerts_says_that_its_client_id_is_taken(make_settings: MakeSettings, clean_broker: Mosquitto) -> None:
    wrong = make_settings(mqtt_url=clean_broker.url.replace(f":{clean_broker.port}", f":{clean_broker.bands_port}"))
    async with asyncio.timeout(60), band.connected(wrong) as one, band.connected(wrong) as other:
        for _ in range(400):
            if one.client_id_taken or other.client_id_taken:
                break
            await asyncio.sleep(0.1)
        assert one.client_id_taken or other.client_id_taken


async def test_a_band_cannot_guess_the_session_of_the_presses_at_a_broker_that_lets_it_choose(
    make_settings: MakeSettings, database: Database, database_url: str, tmp_path: Path
) -> None:
    """The embedded broker does: a clean session under our client id would delete what waits for us."""
    broker = EmbeddedBroker(tmp_path / "broker", port=0)
    broker.start({"band-1": "secret"})
    try:
        settings = make_settings(database_url=database_url, mqtt_url=broker.url)
        async with consuming(settings, "sos") as sos:
            for guess in ("eldercare-sos-1", "eldercare-sos", "eldercare"):
                async with aiomqtt.Client(
                    "127.0.0.1", broker.port, username="band-1", password="secret", identifier=guess,
                    clean_session=True, protocol=aiomqtt.ProtocolVersion.V311,
                ) as band:  # fmt: skip
                    await band.publish(SOS, json.dumps({"event_id": guess}), qos=1)
            await until(lambda: database.value(f"{OPENED} having sum(press_count) = 3"), "every press")
            assert sos.counters.reconnects == 0
    finally:
        broker.stop()


async def test_two_deployments_have_sessions_of_their_own(database: Database) -> None:
    ours = await leadership.session_name(database.conn, "sos", 1)
    assert len(ours) > 40
    assert ours == await leadership.session_name(database.conn, "sos", 1)
    await database.conn.execute("delete from meta where key = 'client_ids'")
    [migration] = (files("eldercare.platform") / "migrations").glob("*_client_ids.sql")  # type: ignore[attr-defined]
    statement = migration.read_text().partition("insert into")[2]
    await database.conn.execute(f"insert into {statement}")  # where there are bands already
    assert await leadership.session_name(database.conn, "sos", 1) == "eldercare-sos-1"


async def test_a_stranger_with_the_client_id_of_the_presses_is_named(settings: Settings, database: Database) -> None:
    async def steal() -> None:
        address = settings.mqtt
        with contextlib.suppress(aiomqtt.MqttError):
            async with aiomqtt.Client(
                address.host, address.port, username=address.username, password=address.password,
                identifier=str(await database.value("select detail ->> 'client_id' from heartbeat limit 1")),
                clean_session=False,
            ) as thief:  # fmt: skip
                async for _ in thief.messages:
                    pass

    async with consuming(settings, "sos"):
        await until(lambda: database.value("select detail ->> 'client_id' from heartbeat"), "a heartbeat")
        stealing = tasks.start(tasks.forever("thief", steal, 0.05), "thief")
        await until(
            lambda: database.value("select count(*) > 0 from heartbeat where detail @> '{\"client_id_taken\": true}'"),
            "the heartbeat to say so",
        )
        await tasks.end(stealing)
