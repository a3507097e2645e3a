"""The embedded pair keeps the promises that the demo stands on: a handful of smoke tests."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from eldercare.demo.embedded import EmbeddedBroker, EmbeddedPostgres
from eldercare.platform.settings import parse_mqtt_url
from eldercare.protocol.mqtt_v1 import Kind, topic
from tests.support.services.processes import wait_until

BANDS = {"band-1": "one", "band-2": "two"}


@pytest.fixture
def pair_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(tmp_path / "broker", port=0, ack_wait_s=1)
    broker.start(BANDS)
    yield broker
    broker.stop()


def client(broker: EmbeddedBroker, user: str = "", **options: object) -> aiomqtt.Client:
    mqtt = parse_mqtt_url(broker.url)
    return aiomqtt.Client(
        mqtt.host,
        broker.port,
        protocol=aiomqtt.ProtocolVersion.V311,
        username=user or mqtt.username,
        password=BANDS.get(user, mqtt.password),
        **options,  # type: ignore[arg-type]
    )


class ManualConsumer:
    """A consumer like ingest's: a persistent session that acknowledges when it is told to."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        mqtt = parse_mqtt_url(broker.url)
        self.heard: list[paho.MQTTMessage] = []
        self.subscribed = False
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="consumer", clean_session=False, manual_ack=True
        )
        self.client.username_pw_set(mqtt.username, mqtt.password)
        self.client.on_message = lambda _client, _data, message: self.heard.append(message)
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.client.connect(mqtt.host, broker.port)
        self.client.subscribe("eldercare/v1/+/sos", qos=1)
        self.client.loop_start()
        wait_until(lambda: self.subscribed, "the subscription")

    @property
    def payloads(self) -> set[bytes]:
        """What was heard, once or more often."""
        return {bytes(message.payload) for message in list(self.heard)}

    def leave(self) -> None:
        """Go away without acknowledging anything more."""
        self.client.loop_stop()
        socket = self.client.socket()
        if socket is not None:
            socket.close()


def test_migrations_run_on_plain_postgresql(plain_database_url: str) -> None:
    with psycopg.connect(plain_database_url) as conn:
        row = conn.execute(
            "select current_setting('server_version_num')::int / 10000, to_regclass('heart_rate') is not null,"
            " (select count(*) from pg_extension where extname = 'timescaledb')"
        ).fetchone()
    assert row == (18, True, 0)


def test_the_embedded_database_keeps_its_data(open_folder: Path) -> None:
    for expected in ([], [(1,)]):
        server = EmbeddedPostgres(open_folder / "postgres")
        server.start()
        try:
            with psycopg.connect(server.url) as conn:
                conn.execute("create table if not exists kept (n integer)")
                assert conn.execute("select n from kept").fetchall() == expected
                conn.execute("insert into kept values (1)")
        finally:
            server.stop()


async def test_what_was_not_acknowledged_comes_again_after_kill_9_of_the_broker(pair_broker: EmbeddedBroker) -> None:
    consumer = ManualConsumer(pair_broker)
    async with client(pair_broker, "band-1") as band:
        for number in range(20):
            await band.publish(topic("band-1", Kind.SOS), str(number), qos=1)
    await asyncio.to_thread(wait_until, lambda: len(consumer.payloads) == 20, "20 messages")
    for message in consumer.heard[:5]:
        consumer.client.ack(message.mid, message.qos)
    # The last ack has been read by the broker once it has answered a later message of the same connection.
    consumer.client.publish("eldercare/v1/band-1/status", "{}", qos=1).wait_for_publish(10)
    consumer.leave()
    await asyncio.to_thread(pair_broker.kill9)
    await asyncio.to_thread(pair_broker.start, BANDS)
    again = ManualConsumer(pair_broker)
    not_acknowledged = {str(n).encode() for n in range(20)} - {bytes(message.payload) for message in consumer.heard[:5]}
    try:
        await asyncio.to_thread(wait_until, lambda: again.payloads >= not_acknowledged, "15 messages")
    finally:
        again.leave()


async def test_a_band_speaks_and_hears_under_its_own_name_only(pair_broker: EmbeddedBroker) -> None:
    async with client(pair_broker) as service, client(pair_broker, "band-1") as band:
        await service.subscribe("eldercare/v1/+/sos", qos=1)
        with contextlib.suppress(aiomqtt.MqttError):
            async with client(pair_broker, "band-2") as liar:
                await liar.publish(topic("band-1", Kind.SOS), "{}", qos=1)
        await band.subscribe(topic("band-1", Kind.SOS_STATE), qos=1)
        await band.publish(topic("band-1", Kind.SOS), "own", qos=1)
        message = await asyncio.wait_for(anext(service.messages), 60)
        assert (str(message.topic), message.payload) == (topic("band-1", Kind.SOS), b"own")
        await service.publish(topic("band-2", Kind.SOS_STATE), "another's", qos=1)
        await service.publish(topic("band-1", Kind.SOS_STATE), "its own", qos=1)
        answer = await asyncio.wait_for(anext(band.messages), 60)
        assert answer.payload == b"its own"


async def test_a_band_enrolled_while_it_runs_may_enter(pair_broker: EmbeddedBroker) -> None:
    with pytest.raises(aiomqtt.MqttError, match=r"(?i)not authori[sz]ed|refused"):
        async with client(pair_broker, "band-3"):
            pass
    pair_broker.allow({**BANDS, "band-3": parse_mqtt_url(pair_broker.url).password or ""})

    async def enters() -> bool:
        try:
            async with client(pair_broker, "band-3"):
                return True
        except aiomqtt.MqttError:
            return False

    for _ in range(200):
        if await enters():
            return
        await asyncio.sleep(0.05)
    pytest.fail("the band enrolled last is still refused")


async def test_a_press_of_a_mebibyte_is_taken_and_of_more_is_not(pair_broker: EmbeddedBroker) -> None:
    sos = topic("band-1", Kind.SOS)
    async with client(pair_broker) as service, client(pair_broker, "band-1") as band:
        await service.subscribe(sos, qos=1)
        await band.publish(sos, b"x" * 2**20, qos=1)
        message = await asyncio.wait_for(anext(service.messages), 60)
        assert message.payload == b"x" * 2**20
        with pytest.raises(aiomqtt.MqttError):
            await band.publish(sos, b"x" * (2**20 + 2048), qos=1)
