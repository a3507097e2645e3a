"""Simulated bands on a real broker: what they send, what they repeat, what they hear."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import aiomqtt
import orjson
import pytest

from device_sim.bands.band import step
from device_sim.bands.link import Link
from device_sim.bands.presses import REPEAT_S
from device_sim.bands.scenarios import Scenario
from device_sim.bands.server import live
from device_sim.seed import Home, Resident, read_seed
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import parse_mqtt_url
from eldercare.protocol.mqtt_v1 import HeartRate, Kind, Location, Sos, Status, parse_topic, topic
from tests.conftest import MakeSettings
from tests.support.services.mosquitto import Mosquitto

MODELS: dict[Kind, Any] = {
    Kind.HEART_RATE: HeartRate,
    Kind.LOCATION: Location,
    Kind.SOS: Sos,
    Kind.STATUS: Status,
}


MORNING = datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""The bands' time in these tests: she is up, wears the band, and it is in no dead zone."""


class Listener:
    """The service's side of the broker."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.heard: list[tuple[str, Kind, Any]] = []

    async def next(self, device_id: str, kind: Kind) -> Any:
        """The next payload of a kind from a band; everything heard is checked against the contract."""
        async for message in self._client.messages:
            sender, heard = parse_topic(str(message.topic))
            payload = orjson.loads(message.payload)
            if heard in MODELS:
                for item in payload if isinstance(payload, list) else [payload]:
                    MODELS[heard].model_validate_json(orjson.dumps(item))
            self.heard.append((sender, heard, payload))
            if (sender, heard) == (device_id, kind):
                return payload
        raise AssertionError("the stream of messages ended")

    async def tell(self, device_id: str, kind: Kind, message: dict[str, Any]) -> None:
        await self._client.publish(topic(device_id, kind), orjson.dumps(message), qos=1)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_sim.bands.fleet.STARTS_WITHIN_S", 0)


@pytest.fixture
async def listener(clean_broker: Mosquitto) -> AsyncIterator[Listener]:
    address = parse_mqtt_url(clean_broker.url)
    async with aiomqtt.Client(
        address.host, address.port, username=address.username, password=address.password, identifier="listener"
    ) as client:
        await client.subscribe("eldercare/v1/+/+", qos=1)
        yield Listener(client)


@contextlib.asynccontextmanager
async def alive(make_settings: MakeSettings, broker: Mosquitto, count: int = 2, **options: Any) -> AsyncIterator[Any]:
    names = [f"band-{i:04d}" for i in range(count)]
    passwords = broker.add_bands(names)
    residents = [
        Resident(id=i, name=f"老人{i}", device_id=name, mqtt_password=passwords[name], home=Home(lat=31.2, lon=121.4))
        for i, name in enumerate(names)
    ]
    options = {"origin": MORNING, **options}
    settings = make_settings(mqtt_url=f"mqtt://127.0.0.1:{broker.bands_port}")
    async with asyncio.timeout(60), live(settings, residents, **options) as (fleet, url):
        yield fleet, url


async def ask(method: str, url: str, **body: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as response:
        return response.status, await response.json()


async def test_a_band_measures_and_speaks_the_contract(
    make_settings: MakeSettings, clean_broker: Mosquitto, listener: Listener
) -> None:
    async with alive(make_settings, clean_broker, speed=600) as (fleet, _):
        for band in fleet.bands:
            assert await listener.next(band, Kind.STATUS)
            assert await listener.next(band, Kind.LOCATION)


async def test_a_press_is_repeated_until_received_and_the_wearer_is_told_the_rest(
    make_settings: MakeSettings, clean_broker: Mosquitto, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REPEAT_S == 10
    monkeypatch.setattr("device_sim.bands.link.REPEAT_S", 0.2)
    async with alive(make_settings, clean_broker) as (fleet, url):
        status, answer = await ask("POST", f"{url}/bands/band-0001/scenarios/sos")
        event_id = answer["sos"]["event_id"]
        assert status == 200
        assert [(await listener.next("band-0001", Kind.SOS))["event_id"] for _ in range(3)] == [event_id] * 3
        press = f"{url}/bands/band-0001/sos/{event_id}"
        for state in ("received", "accepted", "arriving", "closed"):
            await listener.tell("band-0001", Kind.SOS_STATE, {"event_id": event_id, "state": state})
            assert (await ask("GET", f"{press}?heard={state}&wait_s=20"))[1]["state"] == state
        heard = (await ask("GET", press))[1]["heard"]
        assert [entry["state"] for entry in heard] == ["received", "accepted", "arriving", "closed"]
        assert fleet.band("band-0001").link.presses.unheard() == []


async def test_what_was_measured_in_a_dead_zone_comes_later_as_arrays_in_order(
    make_settings: MakeSettings, clean_broker: Mosquitto, listener: Listener
) -> None:
    async with alive(make_settings, clean_broker, count=1) as (fleet, _):
        band = fleet.band("band-0000")
        await listener.next("band-0000", Kind.STATUS)
        await band.link.drained()
        band.link.cover(False)
        now = band._world.clock.now()
        for minute in range(1, 41):
            moment = now + timedelta(minutes=minute)
            band.state, measured = step(band._rng, band.who, band.state, moment, band._world.zone)
            band.link.send(measured)
        assert band.view()["queued"] >= 40
        band.link.cover(True)
        backfill = await listener.next("band-0000", Kind.STATUS)
        times = [item["ts"] for item in (backfill if isinstance(backfill, list) else [backfill])]
        assert len(times) >= 2
        assert times == sorted(times)
        await band.link.drained()


async def test_a_broker_that_dies_loses_no_press(
    make_settings: MakeSettings, clean_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_sim.bands.link.REPEAT_S", 0.2)
    monkeypatch.setattr("device_sim.bands.link.RECONNECT_S", 0.1)
    monkeypatch.setattr("device_sim.bands.link.ACK_TIMEOUT_S", 1)
    async with alive(make_settings, clean_broker, count=1) as (fleet, _):
        clean_broker.kill9()
        event_id = fleet.band("band-0000").play(Scenario.SOS, None).sos.event_id
        clean_broker.start()
        address = parse_mqtt_url(clean_broker.url)
        async with aiomqtt.Client(
            address.host, address.port, username=address.username, password=address.password
        ) as client:
            await client.subscribe(topic("band-0000", Kind.SOS), qos=1)
            assert (await Listener(client).next("band-0000", Kind.SOS))["event_id"] == event_id


async def test_bands_end_while_their_connections_break(make_settings: MakeSettings, clean_broker: Mosquitto) -> None:
    async with alive(make_settings, clean_broker, count=10) as (fleet, _):
        for band in fleet.bands.values():
            await band.link.drained()
        clean_broker.kill9()
    assert fleet.living.done()
    assert not any(band.link.connected for band in fleet.bands.values())


async def test_a_cancelled_session_that_ends_with_a_lost_connection_still_ends_the_band(
    make_settings: MakeSettings, clean_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = asyncio.Event()

    async def breaks_when_cancelled(_link: Link) -> None:
        connected.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise aiomqtt.MqttError("connection lost") from error

    monkeypatch.setattr(Link, "_connected", breaks_when_cancelled)
    async with alive(make_settings, clean_broker, count=1) as (fleet, _):
        await connected.wait()
    assert fleet.living.cancelled()


async def test_a_lost_cancellation_still_ends_the_band(
    make_settings: MakeSettings, clean_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = asyncio.Event()

    async def swallows_the_first(_link: Link, _client: aiomqtt.Client) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            sending.set()
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    monkeypatch.setattr(Link, "_send_readings", swallows_the_first)
    async with alive(make_settings, clean_broker, count=1) as (fleet, _):
        await sending.wait()
    assert fleet.living.cancelled()


async def test_a_band_obeys_a_command_and_refuses_an_expired_one(
    make_settings: MakeSettings, clean_broker: Mosquitto, listener: Listener
) -> None:
    async with alive(make_settings, clean_broker, count=1):
        await listener.next("band-0000", Kind.STATUS)
        await listener.tell("band-0000", Kind.COMMAND, {"id": "c1", "action": "locate"})
        assert await listener.next("band-0000", Kind.LOCATION)
        assert await listener.next("band-0000", Kind.COMMAND_RESULT) == {"id": "c1", "status": "done"}
        late = {"id": "c2", "action": "buzz", "expires_at": "2020-01-01T00:00:00Z"}
        await listener.tell("band-0000", Kind.COMMAND, late)
        refused = await listener.next("band-0000", Kind.COMMAND_RESULT)
        assert (refused["id"], refused["status"]) == ("c2", "refused")


async def test_scenarios_show_at_once_and_the_control_names_what_is_wrong(
    make_settings: MakeSettings, clean_broker: Mosquitto, listener: Listener
) -> None:
    async with alive(make_settings, clean_broker, count=1) as (_, url):
        await listener.next("band-0000", Kind.STATUS)
        await ask("POST", f"{url}/bands/band-0000/scenarios/band-off", minutes=30)
        assert (await listener.next("band-0000", Kind.STATUS))["worn"] is False
        await ask("POST", f"{url}/bands/band-0000/scenarios/flat-battery")
        assert (await listener.next("band-0000", Kind.STATUS))["battery_pct"] <= 8
        shown = (await ask("GET", f"{url}/bands"))[1]["bands"][0]
        assert [one["scenario"] for one in shown["scenarios"]] == ["band-off", "flat-battery"]
        calm = (await ask("DELETE", f"{url}/bands/band-0000/scenarios"))[1]
        assert (calm["scenarios"], calm["battery_pct"] >= 79) == ([], True)
        assert (await ask("POST", f"{url}/bands/nobody/scenarios/sos"))[0] == 404
        assert "explode" in (await ask("POST", f"{url}/bands/any/scenarios/explode"))[1]["detail"]
        assert (await ask("POST", f"{url}/bands/any/scenarios/sos", minutes=-1))[0] == 422


async def test_the_past_is_sent_first(make_settings: MakeSettings, clean_broker: Mosquitto, listener: Listener) -> None:
    async with alive(make_settings, clean_broker, count=1, history=timedelta(hours=8)):
        first = await listener.next("band-0000", Kind.STATUS)
        assert isinstance(first, list)


def test_a_file_that_is_no_seed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bands.json"
    path.write_text('{"residents": [{"id": 1, "name": "x", "home": {"lat": "north", "lon": 1}}]}')
    with pytest.raises(ConfigurationError, match=r"bands\.json: residents\.0\.home\.lat"):
        read_seed(path)
    with pytest.raises(ConfigurationError, match="No such file"):
        read_seed(tmp_path / "none.json")
