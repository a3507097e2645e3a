"""The simulated telephones in this process, with a small application that answers them and the official library."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from device_sim.phones.account import Account
from device_sim.phones.server import Telephones, serve
from device_sim.seed import Person

SID, TOKEN, OURS, HERS = "AC" + "0" * 32, "secret-of-the-test", "+99900000000", "+99910000001"
EVERY = ["initiated", "ringing", "answered", "completed"]


class Application:
    """Records every callback after checking its signature, and answers prompts."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[dict[str, str]] = []
        self.answers: dict[str, str] = {}

    async def handle(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        signature = request.headers["X-Twilio-Signature"]
        assert RequestValidator(TOKEN).validate(f"{self.url}{request.path_qs}", form, signature)
        self.calls.append(form | {"path": request.path_qs})
        return web.Response(text=self.answers.get(request.path, ""), content_type="text/xml")

    def heard(self, path: str, field: str) -> list[str]:
        """The values of one field, in order of arrival, at one path."""
        return [call[field] for call in self.calls if call["path"] == path]


@contextlib.asynccontextmanager
async def answering() -> AsyncIterator[Application]:
    """An application on a port of its own."""
    app = Application()
    server = web.Application()
    server.router.add_post("/{path:.*}", app.handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield app
    finally:
        await runner.cleanup()


class Bench:
    """The telephones with time in our hands, the library in front and the controls beside."""

    def __init__(self, telephones: Telephones, session: aiohttp.ClientSession, application: Application) -> None:
        self.telephones = telephones
        self.application = application
        self._session = session
        self.client = Client(SID, TOKEN)
        self.client.api.base_url = telephones.url

    async def call(self, twiml: str, to: str = HERS, **more: Any) -> str:
        more = {"status_callback": f"{self.application.url}/status", "status_callback_event": EVERY, **more}
        created = await asyncio.to_thread(self.client.calls.create, to=to, from_=OURS, twiml=twiml, **more)
        await self.settle()
        return str(created.sid)

    async def text(self, body: str, to: str = HERS) -> str:
        callback = f"{self.application.url}/sms-status"
        made = await asyncio.to_thread(
            self.client.messages.create, to=to, from_=OURS, body=body, status_callback=callback
        )
        await self.settle()
        return str(made.sid)

    async def status(self, sid: str) -> str:
        return str((await asyncio.to_thread(self.client.calls(sid).fetch)).status)

    async def sim(self, method: str, path: str, expect: int = 200, **body: Any) -> Any:
        url = f"{self.telephones.url}/sim/{path}"
        async with self._session.request(method, url, json=body if method != "GET" else None) as response:
            answer = await response.json()
            assert response.status == expect, answer
            return answer

    async def settle(self) -> None:
        await self.sim("POST", "settle")

    async def advance(self, seconds: float) -> None:
        await self.sim("POST", "advance", seconds=seconds)


@contextlib.asynccontextmanager
async def telephones(application: Application, **options: Any) -> AsyncIterator[Bench]:
    account = Account(SID, TOKEN, OURS, application.url)
    people = [Person(name="张伟", roles=("grid",), phone=HERS)]
    async with serve(account, people, **{"time_scale": 0, **options}) as phones, aiohttp.ClientSession() as session:
        yield Bench(phones, session, application)


def prompt(application: Application) -> str:
    return (
        f'<Response><Gather numDigits="1" timeout="8" action="{application.url}/gather?n=1&amp;x=%E6%88%91">'
        '<Say language="zh-CN">王秀英按了求助。</Say></Gather><Hangup/></Response>'
    )
