"""The services that the tests run on are the real ones, with the settings that the promise needs."""

import asyncio
import contextlib

import aiomqtt
import pytest

from eldercare.platform.database import Connection
from eldercare.platform.settings import parse_mqtt_url
from eldercare.protocol.mqtt_v1 import Kind, topic
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.timescale import Timescale


def client(url: str, **options: object) -> aiomqtt.Client:
    mqtt = parse_mqtt_url(url)
    return aiomqtt.Client(
        mqtt.host,
        mqtt.port,
        username=mqtt.username,
        password=mqtt.password,
        **options,  # type: ignore[arg-type]
    )


async def test_the_database_is_timescaledb_with_durable_commits(conn: Connection) -> None:
    rows = await (
        await conn.execute(
            "select current_setting('fsync'), current_setting('synchronous_commit'),"
            " (select count(*) from pg_extension where extname = 'timescaledb'),"
            " (select count(*) from timescaledb_information.hypertables)"
        )
    ).fetchone()
    assert rows is not None
    assert rows[:3] == ("on", "on", 1)
    assert rows[3] >= 3


def test_what_is_committed_survives_kill_9_of_the_database(timescale_server: Timescale) -> None:
    import psycopg

    with timescale_server.database(migrated=False) as url:
        with psycopg.connect(url) as conn:
            conn.execute("create table kept (n integer)")
            conn.execute("insert into kept values (1)")
        timescale_server.kill9()
        timescale_server.start()
        with psycopg.connect(url) as conn:
            assert conn.execute("select n from kept").fetchall() == [(1,)]


async def test_a_band_publishes_under_its_own_name_only(clean_broker: Mosquitto) -> None:
    passwords = clean_broker.add_bands(["acl-own", "acl-other"])
    band_url = clean_broker.band_url("acl-own", passwords["acl-own"])
    async with client(clean_broker.url) as service:
        await service.subscribe("eldercare/v1/+/sos", qos=1)
        # Mosquitto 2.0.11 also drops the connection of the band that tried; newer ones only swallow the message.
        with contextlib.suppress(aiomqtt.MqttError):
            async with client(band_url) as band:
                await band.publish(topic("acl-other", Kind.SOS), "{}", qos=1)
        async with client(band_url) as band:
            await band.publish(topic("acl-own", Kind.SOS), "{}", qos=1)
        message = await asyncio.wait_for(anext(service.messages), 60)
        assert str(message.topic) == topic("acl-own", Kind.SOS)


async def test_a_band_hears_only_what_is_said_to_it(broker: Mosquitto) -> None:
    password = broker.add_band("acl-listener")
    async with client(broker.url) as service, client(broker.band_url("acl-listener", password)) as band:
        await band.subscribe("eldercare/v1/+/sos_state", qos=1)
        await band.subscribe(topic("acl-listener", Kind.SOS_STATE), qos=1)
        await service.publish(topic("acl-stranger", Kind.SOS_STATE), "stranger's", qos=1)
        await service.publish(topic("acl-listener", Kind.SOS_STATE), "its own", qos=1)
        message = await asyncio.wait_for(anext(band.messages), 60)
        assert message.payload == b"its own"


async def test_nobody_enters_without_a_password(broker: Mosquitto) -> None:
    for url in (f"mqtt://127.0.0.1:{broker.port}", broker.band_url("nobody", "guess")):
        with pytest.raises(aiomqtt.MqttError, match=r"(?i)not authori[sz]ed"):
            async with client(url):
                pass


async def test_a_band_cannot_take_over_a_session_of_the_service(clean_broker: Mosquitto) -> None:
    password = clean_broker.add_band("thief")
    async with client(clean_broker.url, identifier="takeover-target") as service:
        await service.subscribe("eldercare/v1/+/sos", qos=1)
        async with client(clean_broker.band_url("thief", password), identifier="takeover-target") as band:
            await band.publish(topic("thief", Kind.SOS), "{}", qos=1)
            message = await asyncio.wait_for(anext(service.messages), 60)
    assert str(message.topic) == topic("thief", Kind.SOS)


async def test_an_absent_session_keeps_thousands_of_messages_through_a_stop(broker: Mosquitto) -> None:
    url, identity = broker.url, {"identifier": "absent-consumer", "clean_session": False}
    async with client(url, **identity) as service:
        await service.subscribe("eldercare/v1/kept/status", qos=1)
    async with client(url) as publisher:
        for number in range(3000):
            await publisher.publish(topic("kept", Kind.STATUS), str(number), qos=1)
    broker.stop()
    broker.start()
    async with client(url, **identity) as service:
        heard = [int(bytes((await asyncio.wait_for(anext(service.messages), 60)).payload)) for _ in range(3000)]
        await service.unsubscribe("eldercare/v1/kept/status")
    assert heard == list(range(3000))
