"""A second provider beside Twilio: a folder's worth and a line in the registry, and the whole line goes over it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from alerts.channels import registry
from alerts.channels.base import Outgoing, TransportError
from alerts.channels.provider import Provider
from alerts.channels.registry import channels
from alerts.channels.routed import Routed
from alerts.channels.twilio.provider import TWILIO
from alerts.notifications import outbox, sender
from alerts.notifications.outbox import Row
from alerts.notifications.sender import Sender
from api.app import create_app
from device_sim.phones.account import Account
from device_sim.phones.server import Telephones, serve
from eldercare.platform import tasks
from eldercare.platform.database import Connection, connect
from eldercare.platform.settings import Settings, unknown_settings
from eldercare.tools.doctor import telephones
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import NOW, PHONES, AtWork
from tests.support.pigeon import Pigeon

SID, TOKEN, OURS = "AC" + "1" * 32, "secret-of-the-test", "+99900000000"
DUTY, GRID = PHONES["duty"], PHONES["grid"]
CONTENT = {"say": ["陈淑珍按了求助键。"], "prompt": "请按1。", "goodbye": "再见。"}


@pytest.fixture
def pigeon(monkeypatch: pytest.MonkeyPatch) -> Pigeon:
    """Registered before Twilio."""
    made = Pigeon()
    _register(monkeypatch, made, TWILIO)
    return made


def _register(monkeypatch: pytest.MonkeyPatch, *providers: Provider) -> None:
    monkeypatch.setattr(registry, "PROVIDERS", providers)


@pytest.fixture
async def phones() -> AsyncIterator[Telephones]:
    async with serve(Account(SID, TOKEN, OURS, None), time_scale=0) as found:
        yield found


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, phones: Telephones) -> Settings:
    return make_settings(
        database_url=database_url, public_url="http://127.0.0.1:1", twilio_account_sid=SID, twilio_auth_token=TOKEN,
        twilio_from=OURS, twilio_api_url=phones.url, pigeon_token="of the loft",
    )  # fmt: skip


@dataclass
class Line:
    """Senders over the channels that are registered at the moment, the application, and the rows behind them."""

    conn: Connection
    settings: Settings
    client: httpx.AsyncClient
    here: AtWork

    async def call(self, who: str, address: str) -> str:
        """They are called about the open incident; returns the reference of the message."""
        incident, person = self.here.opened, getattr(self.here, who)
        row = Row(incident, person, "voice", address, "alarm", "zh", CONTENT)
        await outbox.queue(self.conn, [row], NOW)
        await self.conn.commit()
        await self.send()
        return row.reference

    async def send(self) -> None:
        """Whatever waits."""
        url = self.settings.required("database_url")
        async with channels(self.settings) as found, await connect(url) as own:
            sending = Sender(url, found)
            writing = tasks.start(sending.run(), "outcomes")
            await sender.run_once(own, sending)
            await sending.settle()
            await tasks.end(writing)
            await sending.close()

    async def peck(self, reference: str, ring: str, digit: str) -> httpx.Response:
        """A key, as the second provider posts it."""
        form = {"ring": ring, "pecks": digit, "perch": DUTY}
        return await self.client.post(
            f"/webhooks/pigeon/gather?r={reference}", data=form, headers={"X-Pigeon": "of the loft"}
        )

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """As others see them now."""
        found = await (await self.conn.execute(query, ())).fetchall()
        await self.conn.commit()
        return found


@pytest.fixture
async def line(conn: Connection, settings: Settings, pigeon: Pigeon) -> AsyncIterator[Line]:
    built = await community.at_work(conn)
    await conn.commit()
    app = create_app(settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app)
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1"))
        yield Line(conn, settings, client, built)


async def test_the_first_in_the_registry_calls_and_hears_the_answer(line: Line, pigeon: Pigeon) -> None:
    mine, _ = await line.call("duty", DUTY), await line.call("grid", GRID)
    assert [message.address for message in pigeon.loft.sent] == [DUTY, GRID]
    answer = await line.peck(mine, "coo-1", "1")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "由您去陈淑珍处" in answer.text
    await line.send()
    assert pigeon.loft.ended == ["coo-2"]
    assert await line.rows(
        "select purpose, status, provider, provider_id from notification where channel = 'voice'"
        " and created_at = (select eldercare_now()) and incident_id = (select max(id) from incident) order by id"
    ) == [
        ("alarm", "done", "pigeon", "coo-1"),
        ("alarm", "sent", "pigeon", "coo-2"),
        ("hang_up", "done", "pigeon", "coo-2"),
    ]
    tried = "select n.channel, a.provider from attempt a join notification n on n.id = a.notification_id"
    assert set(await line.rows(tried)) == {("voice", "pigeon"), ("sms", "twilio")}  # the other hears who goes


async def test_the_end_of_a_call_goes_to_whoever_started_it(
    line: Line, pigeon: Pigeon, phones: Telephones, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(monkeypatch, TWILIO, pigeon)
    await line.call("grid", GRID)
    [call] = phones.exchange.calls.values()
    _register(monkeypatch, pigeon, TWILIO)
    mine = await line.call("duty", DUTY)
    assert (await line.peck(mine, "coo-1", "1")).status_code == 200
    await line.send()
    assert call.status in ("canceled", "completed")
    assert pigeon.loft.ended == []


async def test_a_call_of_a_provider_that_is_gone_fails_by_name_and_ends_by_itself(
    line: Line, pigeon: Pigeon, phones: Telephones, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = await line.call("duty", DUTY), await line.call("grid", GRID)
    assert (await line.peck(mine, "coo-1", "1")).status_code == 200
    _register(monkeypatch, TWILIO)
    await line.send()
    assert await line.rows("select status, reason from notification where purpose = 'hang_up'") == [
        ("failed", "no_such_provider")
    ]


async def test_a_receipt_names_its_provider_before_the_outcome_is_written(line: Line) -> None:
    row = Row(line.here.opened, line.here.duty, "voice", DUTY, "alarm", "zh", CONTENT)
    await outbox.queue(line.conn, [row], NOW)
    await line.conn.commit()
    posted = await line.client.post(
        f"/webhooks/pigeon/call-status?r={row.reference}",
        data={"ring": "coo-9", "word": "cooing"}, headers={"X-Pigeon": "of the loft"},
    )  # fmt: skip
    assert posted.status_code == 204
    query = f"select status, provider, provider_id from notification where reference = '{row.reference}'"
    assert await line.rows(query) == [("ringing", "pigeon", "coo-9")]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/webhooks/pigeon/gather?r=" + "a" * 20, {"X-Pigeon": "somebody's"}, 403),
        ("/webhooks/pigeon/call-status?r=" + "a" * 20, {"X-Pigeon": "of the loft"}, 422),
        ("/webhooks/owl/gather?r=" + "a" * 20, {"X-Pigeon": "of the loft"}, 404),
        ("/webhooks/twilio/gather?r=" + "a" * 20, {"X-Pigeon": "of the loft"}, 403),
    ],
)
async def test_each_provider_is_believed_by_its_own_sign_only(
    line: Line, path: str, headers: dict[str, str], status: int
) -> None:
    assert (await line.client.post(path, data={"word": "cooing"}, headers=headers)).status_code == status


async def test_made_up_numbers_are_rung_by_no_real_provider(
    make_settings: MakeSettings, pigeon: Pigeon, phones: Telephones
) -> None:
    flying = make_settings(pigeon_token="of the loft", pigeon_flies=True)
    assert registry.is_real(flying)
    assert not registry.is_real(make_settings(pigeon_token="of the loft"))
    message = Outgoing(1, None, None, "voice", DUTY, "zh", "alarm", CONTENT, 1)
    async with channels(flying) as found:
        with pytest.raises(TransportError, match="made-up number"):
            await found["voice"].send(message)
    assert pigeon.loft.sent == []
    async with channels(make_settings(pigeon_token="of the loft")) as found:
        assert (await found["voice"].send(message)).provider_id == "coo-1"


async def test_a_channel_goes_to_the_first_in_the_registry_that_carries_it(settings: Settings, pigeon: Pigeon) -> None:
    told: dict[str, bool] = {}
    async with channels(settings, told.__setitem__) as found:
        voice, sms = found["voice"], found["sms"]
        assert isinstance(voice, Routed)
        assert isinstance(sms, Routed)
        assert (voice.provider, voice.min_gap) == ("pigeon", timedelta(minutes=1))
        assert sms.provider == "twilio"
        assert told["pigeon"] is True


def test_doctor_and_settings_know_it(make_settings: MakeSettings, pigeon: Pigeon) -> None:
    given = {"ELDERCARE_PIGEON_TOKEN_FILE": "x", "ELDERCARE_PIGEON_FLIES": "x", "ELDERCARE_TWILIO_FROM": "x"}
    assert unknown_settings(registry.sections(), given) == []
    found = [finding.what for finding in telephones.examine(make_settings(pigeon_token="of the loft"))]
    assert found[0] == "鸽子 · pigeons"
    assert not any("TWILIO" in each for each in found)
    nobody = [finding.what for finding in telephones.examine(make_settings())]
    assert nobody[0] == "ELDERCARE_PIGEON_TOKEN"
    assert "ELDERCARE_TWILIO_ACCOUNT_SID" in nobody[1]
