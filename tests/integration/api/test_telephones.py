"""The loop closed: a press, the real channels, simulated telephones, their signed callbacks, the real API.

Time stands still for the telephones until a test moves it, and for the database until the end.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import aiohttp
import pytest
import uvicorn

from alerts.channels.registry import channels
from alerts.escalation import worker
from alerts.escalation.situation import PlanningContext
from alerts.incidents.opening import raise_sos
from alerts.model.incident import Press
from alerts.notifications import outbox, sender
from alerts.notifications.sender import Sender
from api.app import create_app
from device_sim.phones.account import Account
from device_sim.phones.server import Telephones, serve
from device_sim.seed import Person
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection, connect
from eldercare.platform.settings import Settings
from tests.conftest import MakeSettings
from tests.stories.story import NOON, ZONE
from tests.support import community
from tests.support.community import PHONES
from tests.support.services.processes import free_port

SID, TOKEN, OURS = "AC" + "1" * 32, "secret-of-the-test", "+99900000000"


class Town:
    """Everything between the press and the telephone, run by hand."""

    def __init__(self, conn: Connection, line: Connection, sender: Sender, phones: Telephones) -> None:
        self.conn = conn
        self.phones = phones
        self._line = line
        self._sender = sender
        self._outside = PlanningContext({name: channel.min_gap for name, channel in sender.channels.items()}, ZONE)

    async def press(self, band: str = "band-wang") -> int:
        """Somebody presses; telephones ring."""
        raised = await raise_sos(self.conn, Press(band, b"1", hashlib.sha256(b"1").hexdigest(), event_id="1"))
        await self.conn.commit()
        await self.settle()
        return raised.incident_id

    async def settle(self) -> None:
        """Until neither the line nor the telephones have anything left to do now."""
        while True:
            await self.sim("POST", "settle")
            due = await worker.run_once(self._line, self._sender, self._outside)
            leased = await sender.run_once(self._line, self._sender)
            await self._sender.settle()
            if not due and not leased:
                return

    async def phone(self, who: str, action: str, **body: str) -> None:
        """Somebody does something with their telephone."""
        await self.sim("POST", f"phones/{PHONES[who]}/{action}", **body)
        await self.settle()

    async def wait(self, seconds: float) -> None:
        """The telephones' time passes."""
        await self.sim("POST", "advance", seconds=seconds)
        await self.settle()

    async def sim(self, method: str, path: str, **body: Any) -> Any:
        async with aiohttp.request(method, f"{self.phones.url}/sim/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    def calls(self, who: str) -> list[str]:
        """States of the calls of one telephone, oldest first."""
        return [call.status for call in self.phones.exchange.calls.values() if call.phone == PHONES[who]]

    def texts(self, who: str) -> list[str]:
        """What this telephone was sent."""
        return [text.body for text in self.phones.texts.messages.values() if text.to == PHONES[who]]

    def heard(self, who: str) -> str:
        """Everything that was said in the calls of one telephone."""
        calls = self.phones.exchange.calls.values()
        return " ".join(text for call in calls if call.phone == PHONES[who] for text in call.said)

    async def one(self, query: str, *values: object) -> Any:
        row = await (await self.conn.execute(query, values)).fetchone()
        await self.conn.commit()
        assert row is not None
        return row[0]


def set_up(port: int) -> dict[str, Any]:
    return {
        "api_port": port, "public_url": f"http://127.0.0.1:{port}", "twilio_account_sid": SID,
        "twilio_auth_token": TOKEN, "twilio_from": OURS,
    }  # fmt: skip


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str) -> Settings:
    return make_settings(database_url=database_url, twilio_api_url="http://127.0.0.1:1", **set_up(free_port()))


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings), host="127.0.0.1", port=settings.api_port, log_level="error")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await serving


@pytest.fixture
async def town(conn: Connection, settings: Settings, api: None, make_settings: MakeSettings) -> AsyncIterator[Town]:
    await community.settle(conn)
    await set_clock(conn, NOON, 0, real=False)
    await conn.commit()
    people = [Person(name=name, roles=(), phone=phone) for name, phone in PHONES.items()]
    url = settings.required("database_url")
    async with AsyncExitStack() as stack:
        account = Account(SID, TOKEN, OURS, settings.public_url)
        phones = await stack.enter_async_context(serve(account, people, time_scale=0))
        reached = make_settings(**set_up(settings.api_port), twilio_api_url=phones.url)
        found = await stack.enter_async_context(channels(reached))
        sender = Sender(url, found)
        line = await connect(url, autocommit=True, options=outbox.SESSION)
        recorder = asyncio.create_task(sender.run())
        yield Town(conn, line, sender, phones)
        recorder.cancel()
        with suppress(asyncio.CancelledError):
            await recorder
        await sender.close()
        await line.close()


async def test_a_press_rings_and_a_digit_accepts(town: Town) -> None:
    incident = await town.press()
    assert (town.calls("duty"), town.calls("grid")) == (["ringing"], ["ringing"])
    assert "王秀英88岁按了求助键" in town.texts("duty")[0]
    await town.phone("duty", "answer")
    await town.phone("duty", "press", digits="3")
    await town.wait(60)
    assert await town.one("select state from incident where id = %s", incident) == "accepted"
    assert "王秀英88岁按了求助键" in town.heard("duty")
    assert "收到，由您去王秀英处" in town.heard("duty")
    assert "已告诉钱网格、老人您正在去" in town.heard("duty")
    assert town.calls("duty") == ["completed"]
    assert town.calls("grid") == ["canceled"]
    assert "张值班正在前往" in town.texts("grid")[-1]
    assert len(town.texts("duty")) == 1
    status = (
        "select array_agg(status || ' ' || coalesce(reason, '') order by id) from notification where channel = 'voice'"
    )
    assert (await town.one(status + " and purpose = 'alarm' and address = %s", PHONES["duty"])) == ["done accepted"]


async def test_the_address_again_and_then_somebody_else(town: Town) -> None:
    await town.press()
    await town.phone("duty", "answer")
    await town.phone("duty", "press", digits="2")
    await town.wait(1)
    assert town.heard("duty").count("幸福路1弄2号301室") >= 2
    await town.phone("duty", "press", digits="9")
    await town.wait(1)
    assert "会继续通知其他人" in town.heard("duty")
    assert town.calls("backup") == ["ringing"]


async def test_a_machine_and_a_busy_line_move_on_at_once(town: Town) -> None:
    await town.sim("PUT", f"phones/{PHONES['duty']}/calls", does="machine", answer_after_s=2)
    await town.sim("PUT", f"phones/{PHONES['grid']}/calls", does="busy", answer_after_s=2)
    await town.press()
    assert town.calls("backup") == []
    await town.wait(10)
    assert town.calls("backup") == ["ringing"]
    reasons = "select array_agg(reason order by id) from notification where channel = 'voice' and status = 'failed'"
    assert set(await town.one(reasons)) == {"machine", "busy"}


async def test_a_call_heard_to_its_end_is_no_answer(town: Town) -> None:
    await town.press()
    await town.phone("duty", "answer")
    await town.phone("grid", "decline")
    await town.wait(200)
    assert "没有收到按键" in town.heard("duty")
    reason = "select reason from notification where channel = 'voice' and address = %s order by id limit 1"
    assert await town.one(reason, PHONES["duty"]) == "heard_no_answer"
    assert len(town.calls("backup")) == 1


async def test_a_reply_by_text_accepts(town: Town) -> None:
    incident = await town.press()
    await town.phone("grid", "sms", body="我去")
    assert await town.one("select owner_id is not null from incident where id = %s", incident)
    assert town.texts("grid")[-1].startswith("【守护】收到，由您去王秀英处")
    assert set(town.calls("duty") + town.calls("grid")) <= {"canceled", "ringing", "completed"}
    assert town.calls("duty") == ["canceled"]


async def test_who_missed_the_call_calls_back_and_accepts(town: Town) -> None:
    incident = await town.press()
    await town.phone("duty", "decline")
    await town.phone("duty", "call")
    assert "王秀英88岁按了求助键" in town.heard("duty")
    await town.phone("duty", "press", digits="3")
    await town.wait(60)
    assert await town.one("select accepted_via from incident where id = %s", incident) == "voice"
    assert "由您去王秀英处" in town.heard("duty")
