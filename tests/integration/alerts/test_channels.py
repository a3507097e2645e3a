"""The channels against what they speak to: the simulated telephones, a broken provider, a real broker."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt
import orjson
import pytest
from aiohttp import web
from twilio.http import AsyncHttpClient
from twilio.rest import Client

from alerts.channels import registry
from alerts.channels.base import Channel, Outgoing, TransportError
from alerts.channels.registry import channels
from alerts.channels.routed import Routed, Way
from alerts.channels.twilio import client
from alerts.channels.twilio.channels import Sms, Voice
from alerts.channels.twilio.client import Http
from alerts.notifications.sender import IN_FLIGHT
from device_sim.phones.account import Account
from device_sim.phones.behaviour import CallBehaviour, MessageBehaviour
from device_sim.phones.server import Telephones, serve
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import Settings
from tests.conftest import MakeSettings
from tests.support.services.mosquitto import Mosquitto

SID, TOKEN, OURS, HERS = "AC" + "1" * 32, "secret-of-the-test", "+99900000000", "+99910000001"
CONTENT = {"say": ["王秀英按了求助键。"], "prompt": "请按1。", "goodbye": "再见。", "text": "【守护】王秀英按了求助键"}


class Unreachable(AsyncHttpClient):
    """No request may leave the machine."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)

    async def request(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a request to the real provider")


def outgoing(channel: str, **changes: Any) -> Outgoing:
    return Outgoing(**{
        "id": 7, "reference": "of-the-seventh", "incident_id": 1, "channel": channel, "address": HERS, "language": "zh",
        "purpose": "alarm", "content": CONTENT, "attempts": 1, **changes,
    })  # fmt: skip


@pytest.fixture
async def phones() -> AsyncIterator[Telephones]:
    async with serve(Account(SID, TOKEN, OURS, None), time_scale=0) as found:
        yield found


def twilio_settings(make_settings: MakeSettings, url: str, **more: Any) -> Settings:
    return make_settings(**{
        "twilio_account_sid": SID, "twilio_auth_token": TOKEN, "twilio_from": OURS, "twilio_api_url": url,
        "public_url": "http://127.0.0.1:1", **more,
    })  # fmt: skip


@pytest.fixture
async def line(phones: Telephones, make_settings: MakeSettings) -> AsyncIterator[dict[str, Channel]]:
    async with channels(twilio_settings(make_settings, phones.url)) as found:
        yield found


async def test_a_call_rings_with_the_alarm_and_every_callback(phones: Telephones, line: dict[str, Channel]) -> None:
    sent = await line["voice"].send(outgoing("voice"))
    assert sent.provider_status == "queued"
    entry = phones.journal.since(0)[0]
    asked = entry["parameters"]
    assert asked["To"] == HERS
    assert asked["Timeout"] == "30"
    assert asked["StatusCallback"] == "http://127.0.0.1:1/webhooks/twilio/call-status?r=of-the-seventh"
    assert asked["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert asked["AsyncAmdStatusCallback"] == "http://127.0.0.1:1/webhooks/twilio/amd?r=of-the-seventh"
    assert asked["AsyncAmd"] == "true"
    assert "http://127.0.0.1:1/webhooks/twilio/gather?r=of-the-seventh" in entry["twiml"]
    assert sent.provider_id in phones.exchange.calls


async def test_a_text_is_sent(phones: Telephones, line: dict[str, Channel]) -> None:
    sent = await line["sms"].send(outgoing("sms"))
    message = phones.texts.messages[sent.provider_id]
    assert message.body == CONTENT["text"]
    assert message.status_callback == "http://127.0.0.1:1/webhooks/twilio/message-status?r=of-the-seventh"
    await line["sms"].hang_up(sent.provider_id, "twilio")
    assert message.status != "canceled"


async def test_hanging_up_ends_a_ringing_call_and_forgives_one_that_is_over(
    phones: Telephones, line: dict[str, Channel]
) -> None:
    sent = await line["voice"].send(outgoing("voice"))
    await line["voice"].hang_up(sent.provider_id, "twilio")
    assert phones.exchange.calls[sent.provider_id].status in ("canceled", "completed")
    await line["voice"].hang_up(sent.provider_id, "twilio")
    await line["voice"].hang_up("CA" + "f" * 32, None)


@pytest.mark.parametrize(
    ("status", "reason", "permanent"), [(429, "too_many_requests", False), (503, "provider_error", False)]
)
async def test_a_provider_that_cannot_now_is_asked_again_later(
    phones: Telephones, line: dict[str, Channel], status: int, reason: str, permanent: bool
) -> None:
    phones.exchange.behave.set(HERS, CallBehaviour(http_status=status))
    phones.texts.behave.set(HERS, MessageBehaviour(http_status=status))
    for name in ("voice", "sms"):
        with pytest.raises(TransportError) as refused:
            await line[name].send(outgoing(name))
        assert (refused.value.reason, refused.value.permanent) == (reason, permanent)


async def test_a_wrong_number_is_a_permanent_failure(line: dict[str, Channel]) -> None:
    with pytest.raises(TransportError) as refused:
        await line["voice"].send(outgoing("voice", address="12"))
    assert (refused.value.reason, refused.value.permanent) == ("invalid_number", True)


async def test_wrong_credentials_are_named(phones: Telephones, make_settings: MakeSettings) -> None:
    async with channels(twilio_settings(make_settings, phones.url, twilio_auth_token="wrong")) as line:
        with pytest.raises(TransportError) as refused:
            await line["sms"].send(outgoing("sms"))
    assert (refused.value.reason, refused.value.permanent) == ("credentials", False)


async def test_a_provider_that_is_not_there_may_be_back(make_settings: MakeSettings) -> None:
    async with channels(twilio_settings(make_settings, "http://127.0.0.1:1")) as line:
        with pytest.raises(TransportError) as refused:
            await line["voice"].send(outgoing("voice"))
    assert (refused.value.reason, refused.value.permanent) == ("unreachable", False)


async def test_an_error_page_in_place_of_json_is_a_failure(make_settings: MakeSettings) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Bad gateway</h1>", content_type="text/html", status=201)

    server = web.Application()
    server.router.add_post("/{path:.*}", page)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with channels(twilio_settings(make_settings, url)) as line:
            with pytest.raises(TransportError) as refused:
                await line["voice"].send(outgoing("voice"))
    finally:
        await runner.cleanup()
    assert (refused.value.reason, refused.value.permanent) == ("unexpected_answer", False)


async def test_texts_that_hang_delay_no_call(make_settings: MakeSettings) -> None:
    hanging, gate = set[str](), asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/Messages.json"):
            hanging.add(str((await request.post())["To"]))
            await gate.wait()
        return web.json_response({"sid": "CA1", "status": "queued"}, status=201)

    server = web.Application()
    server.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with channels(twilio_settings(make_settings, url)) as line:
            texts = [
                asyncio.create_task(line["sms"].send(outgoing("sms", address=f"+9991000{number:04d}")))
                for number in range(IN_FLIGHT)
            ]
            while len(hanging) < IN_FLIGHT:  # noqa: ASYNC110  the server only counts
                await asyncio.sleep(0.01)
            assert (await line["voice"].send(outgoing("voice"))).provider_id == "CA1"
            assert not any(text.done() for text in texts)
            gate.set()
            await asyncio.gather(*texts)
    finally:
        await runner.cleanup()


async def test_a_real_channel_never_rings_a_made_up_number(make_settings: MakeSettings) -> None:
    settings = twilio_settings(make_settings, "https://api.twilio.com")
    assert registry.is_real(settings)
    client = Client(SID, TOKEN, http_client=Unreachable())
    for name, route in (("voice", Voice(client, settings)), ("sms", Sms(client, settings))):
        with pytest.raises(TransportError) as refused:
            await Routed(name, [Way("twilio", route, real=True)], before="twilio").send(outgoing(name))
        assert (refused.value.reason, refused.value.permanent) == ("reserved_number", True)


async def test_the_connection_is_opened_before_the_first_call(phones: Telephones, make_settings: MakeSettings) -> None:
    asked = asyncio.Event()
    request = Http.request

    async def noticing(self: Http, method: str, url: str, **more: Any) -> Any:
        answer = await request(self, method, url, **more)
        if method == "GET" and answer.status_code == 200:
            asked.set()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Http, "request", noticing)
        async with channels(twilio_settings(make_settings, phones.url)), asyncio.timeout(60):
            await asked.wait()


async def test_whether_the_provider_answers_is_told_each_time(
    phones: Telephones, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WARM_EVERY_S", 0)
    told: asyncio.Queue[bool] = asyncio.Queue()

    def tell(provider: str, answers: bool) -> None:
        assert provider == "twilio"
        told.put_nowait(answers)

    request = Http.request
    away = asyncio.Event()

    async def sometimes(self: Http, method: str, url: str, **more: Any) -> Any:
        if away.is_set():
            raise OSError("the network is down")
        return await request(self, method, url, **more)

    monkeypatch.setattr(Http, "request", sometimes)
    async with channels(twilio_settings(make_settings, phones.url), tell), asyncio.timeout(60):
        assert await told.get() is True
        away.set()
        while await told.get():
            pass
        away.clear()
        while not await told.get():
            pass


async def test_a_provider_that_refuses_the_account_does_not_answer(
    phones: Telephones, make_settings: MakeSettings
) -> None:
    told: asyncio.Queue[bool] = asyncio.Queue()

    def tell(provider: str, answers: bool) -> None:
        assert provider == "twilio"
        told.put_nowait(answers)

    settings = twilio_settings(make_settings, phones.url, twilio_auth_token="wrong")
    async with channels(settings, tell), asyncio.timeout(60):
        assert await told.get() is False


async def test_half_a_set_up_is_named(make_settings: MakeSettings) -> None:
    settings = make_settings(twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_from=OURS)
    with pytest.raises(ConfigurationError, match="ELDERCARE_PUBLIC_URL is not set"):
        async with channels(settings):
            pass


async def test_without_any_set_up_there_is_no_channel(make_settings: MakeSettings) -> None:
    async with channels(make_settings()) as found:
        assert found == {}


@contextlib.asynccontextmanager
async def a_band(broker: Mosquitto, device_id: str) -> AsyncIterator[aiomqtt.Client]:
    password = broker.add_band(device_id)
    async with aiomqtt.Client(
        "127.0.0.1", broker.bands_port, username=device_id, password=password, identifier=device_id
    ) as client:
        await client.subscribe(f"eldercare/v1/{device_id}/+", qos=1)
        yield client


async def heard(client: aiomqtt.Client) -> tuple[str, Any]:
    async with asyncio.timeout(60):
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            return str(message.topic), orjson.loads(message.payload)
    raise AssertionError("the band heard nothing")


async def test_the_band_hears_what_becomes_of_its_sos(broker: Mosquitto, make_settings: MakeSettings) -> None:
    async with channels(make_settings(mqtt_url=broker.url)) as line, a_band(broker, "band-channel") as band:
        state = {"event_id": "e1", "state": "accepted"}
        sent = await line["band"].send(outgoing("band", address="band-channel", purpose="sos_state", content=state))
        assert sent.provider_status == "published"
        assert await heard(band) == ("eldercare/v1/band-channel/sos_state", state)
        as_sent = {"event_id": "a #0c2f", "echo": '"a\\u0000"', "state": "accepted", "id": "w1"}
        await line["band"].send(outgoing("band", address="band-channel", purpose="sos_state", content=as_sent))
        told = {"event_id": "a\0", "state": "accepted", "id": "w1"}
        assert await heard(band) == ("eldercare/v1/band-channel/sos_state", told)
        command = {"id": "c1", "action": "buzz"}
        await line["band"].send(outgoing("band", address="band-channel", purpose="command", content=command))
        assert await heard(band) == ("eldercare/v1/band-channel/command", command)


async def test_the_band_is_told_again_after_the_broker_was_away(broker: Mosquitto, make_settings: MakeSettings) -> None:
    state = {"event_id": None, "state": "closed"}
    message = outgoing("band", address="band-away", purpose="sos_state", content=state)
    async with channels(make_settings(mqtt_url=broker.url)) as line:
        await line["band"].send(message)
        broker.stop()
        with pytest.raises(TransportError) as refused:
            await line["band"].send(message)
        assert (refused.value.reason, refused.value.permanent) == ("broker_away", False)
        broker.start()
        async with a_band(broker, "band-away") as band:
            await _until_sent(line["band"], message)
            assert await heard(band) == ("eldercare/v1/band-away/sos_state", state)


async def test_a_band_with_an_impossible_name_is_a_permanent_failure(
    broker: Mosquitto, make_settings: MakeSettings
) -> None:
    async with channels(make_settings(mqtt_url=broker.url)) as line:
        for wrong in ({"address": "a/b", "purpose": "sos_state"}, {"address": "band-1", "purpose": "alarm"}):
            with pytest.raises(TransportError) as refused:
                await line["band"].send(outgoing("band", content={}, **wrong))
            assert refused.value.permanent


async def _until_sent(channel: Channel, message: Outgoing) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await channel.send(message)
            except TransportError:
                continue  # each try waits for the connection by itself
            return
