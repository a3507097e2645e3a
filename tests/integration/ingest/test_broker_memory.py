"""No band fills the memory of the broker, and every press is heard all the same."""

import asyncio
import contextlib
import os
from pathlib import Path

import aiomqtt

from eldercare.demo.embedded import EmbeddedBroker
from eldercare.platform.settings import parse_mqtt_url
from eldercare.protocol.mqtt_v1 import UPLINK, Kind, topic
from tests.support.services.mosquitto import DEPLOYED, Mosquitto

CHUNK = os.urandom(900_000)


def band_client(url: str, **options: object) -> aiomqtt.Client:
    address = parse_mqtt_url(url)
    assert address.username is not None
    return aiomqtt.Client(
        address.host, address.port, username=address.username, password=address.password,
        identifier=address.username, protocol=aiomqtt.ProtocolVersion.V311, **options,  # type: ignore[arg-type]
    )  # fmt: skip


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def flood(url: str, names: list[str], *, retain: bool = False) -> None:
    """Publish under each of these names whatever the broker does: some end the connection of who may not."""
    for name in names:
        with contextlib.suppress(aiomqtt.MqttError):
            async with band_client(url, clean_session=False, timeout=5) as band:
                await band.publish(f"eldercare/v1/greedy/{name}", CHUNK, qos=1, retain=retain)


async def test_what_a_band_says_to_itself_is_kept_for_nobody(clean_broker: Mosquitto) -> None:
    """It subscribes to everything under its name, reads nothing, and floods itself."""
    url = clean_broker.band_url("greedy", clean_broker.add_band("greedy"))
    async with band_client(url, clean_session=False) as band:
        await band.subscribe("eldercare/v1/greedy/#", qos=1)
    before = resident_mb(clean_broker.pid)
    await flood(url, ["sos_state", "command", "sos", "heart_rate", "mine", "mine/1"] * 12)
    assert resident_mb(clean_broker.pid) < before + 20  # 65 MB were sent
    service = parse_mqtt_url(clean_broker.url)
    async with (
        aiomqtt.Client(service.host, service.port, username=service.username, password=service.password) as ours,
        band_client(url, clean_session=False) as band,
    ):
        # And it still hears what it is told, and nothing before it.
        await ours.publish(topic("greedy", Kind.SOS_STATE), b"told", qos=1)
        message = await asyncio.wait_for(anext(band.messages), 60)
    assert message.payload == b"told"


async def test_retained_messages_are_kept_under_the_names_of_the_contract_only(clean_broker: Mosquitto) -> None:
    url = clean_broker.band_url("greedy", clean_broker.add_band("greedy"))
    before = resident_mb(clean_broker.pid)
    await flood(url, [name for number in range(30) for name in (f"sos/{number}", str(number))], retain=True)
    assert resident_mb(clean_broker.pid) < before + 20  # 54 MB were sent
    async with band_client(url) as band:
        for kind in UPLINK:
            await band.publish(topic("greedy", kind), b"kept", qos=1, retain=True)
    service = parse_mqtt_url(clean_broker.url)
    retained = set()
    async with aiomqtt.Client(service.host, service.port, username=service.username, password=service.password) as ours:
        await ours.subscribe("eldercare/#", qos=1)
        while len(retained) < len(UPLINK):
            retained.add(str((await asyncio.wait_for(anext(ours.messages), 60)).topic))
    assert retained == {topic("greedy", kind) for kind in UPLINK}


def test_sessions_end_and_queues_are_bounded_by_what_they_weigh_and_never_by_their_number() -> None:
    conf = (DEPLOYED / "mosquitto.conf").read_text().splitlines()
    assert {"persistent_client_expiration 60d", "max_queued_messages 0", "max_queued_bytes 536870912"} <= set(conf)


async def test_the_embedded_broker_knows_the_same_names(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker", port=0)
    broker.start({"greedy": "secret"})
    try:
        service = parse_mqtt_url(broker.url)
        heard: list[str] = []
        async with aiomqtt.Client(
            service.host, service.port, username=service.username, password=service.password,
            protocol=aiomqtt.ProtocolVersion.V311,
        ) as ours:  # fmt: skip
            await ours.subscribe("eldercare/#", qos=1)
            async with band_client(f"mqtt://greedy:secret@127.0.0.1:{broker.port}") as band:
                await band.subscribe(topic("greedy", Kind.SOS_STATE), qos=1)
                for name in ("mine", "sos/1", "sos_state", "command"):
                    await band.publish(f"eldercare/v1/greedy/{name}", b"x", qos=0)
                await ours.publish(topic("greedy", Kind.SOS_STATE), b"told", qos=1)
                assert (await asyncio.wait_for(anext(band.messages), 60)).payload == b"told"
                for kind in UPLINK:
                    await band.publish(topic("greedy", kind), b"x", qos=1)
                while not heard or heard[-1] != topic("greedy", UPLINK[-1]):
                    heard.append(str((await asyncio.wait_for(anext(ours.messages), 60)).topic))
        assert set(heard) == {topic("greedy", kind) for kind in (*UPLINK, Kind.SOS_STATE)}
    finally:
        broker.stop()
