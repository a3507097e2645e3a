"""The application as the provider sees it: signed forms of keys, states, replies, people who call back."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from api.app import create_app
from eldercare.platform.database import Connection
from eldercare.platform.settings import Settings
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import NOW, PHONES, AtWork

TOKEN = "secret-of-the-test"
PUBLIC = "https://care.example"
OURS = "+99900000000"
DUTY, GRID, DAUGHTER = (PHONES[who] for who in ("duty", "grid", "daughter"))
SID = "CA" + "9" * 32
_texts = itertools.count(1)


@dataclass
class Line:
    """The application as the provider sees it, and the rows behind it."""

    app: FastAPI
    client: httpx.AsyncClient
    conn: Connection
    here: AtWork

    async def post(self, path: str, token: str = TOKEN, **form: str) -> httpx.Response:
        """A signed callback to `/webhooks/twilio/{path}`."""
        url = f"{PUBLIC}/webhooks/twilio/{path}"
        signature = RequestValidator(token).compute_signature(url, form)
        return await self.client.post(f"/webhooks/twilio/{path}", data=form, headers={"X-Twilio-Signature": signature})

    async def press(self, digit: str, notification: int, sid: str = SID, to: str = DUTY) -> str:
        """A key in a call of ours; returns the TwiML."""
        answer = await self.post(
            f"gather?r={reference(notification)}", CallSid=sid, Digits=digit, From=OURS, To=to, Direction="outbound-api"
        )
        assert answer.status_code == 200, answer.text
        return answer.text

    async def text(self, sender: str, body: str, sid: str | None = None) -> str | None:
        """An SMS to us; returns what is answered."""
        name = sid or f"SM{next(_texts):032d}"
        answer = await self.post("sms", MessageSid=name, From=sender, To=OURS, Body=body)
        assert answer.status_code == 200, answer.text
        found = tree(answer.text).find("Message")
        return None if found is None else found.text

    async def call_back(self, caller: str) -> ElementTree.Element:
        """Somebody calls us; returns the TwiML."""
        answer = await self.post("voice", CallSid=SID, From=caller, To=OURS, Direction="inbound", CallStatus="ringing")
        assert answer.status_code == 200, answer.text
        return tree(answer.text)

    async def ask(
        self,
        who: str,
        incident: int,
        channel: str = "voice",
        address: str | None = None,
        sid: str | None = SID,
        named: bool = True,
    ) -> int:
        """They were called about an incident: the notification."""
        row = await community.call(
            self.conn, incident, getattr(self.here, who), channel=channel, address=address or PHONES[who],
            status="sent", provider_id=sid, sent_at=NOW,
        )  # fmt: skip
        await self.conn.commit()
        if named:
            await self.one("update notification set reference = %s where id = %s returning id", reference(row), row)
        return row

    async def one(self, query: str, *values: object) -> Any:
        """The only value of the only row, seen as others see it now."""
        row = await (await self.conn.execute(query, values)).fetchone()
        await self.conn.commit()
        assert row is not None
        return row[0]

    async def state(self, incident: int) -> str:
        return str(await self.one("select state from incident where id = %s", incident))

    async def status(self, notification: int) -> tuple[str, str | None]:
        found = await self.one("select array[status, reason] from notification where id = %s", notification)
        return found[0], found[1]


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str) -> Settings:
    return make_settings(
        database_url=database_url, public_url=PUBLIC, twilio_account_sid="AC" + "1" * 32, twilio_auth_token=TOKEN,
        twilio_from=OURS, twilio_api_url="http://127.0.0.1:1",
    )  # fmt: skip


@pytest.fixture
async def line(conn: Connection, settings: Settings) -> AsyncIterator[Line]:
    built = await community.at_work(conn)
    await conn.commit()
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client,
    ):
        yield Line(app, client, conn, built)


def reference(notification: int) -> str:
    """Of the row, in the addresses that are made for it."""
    return f"the-reference-of-{notification:06d}"


def tree(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314  our own text


def said(document: str) -> str:
    return " ".join(element.text or "" for element in tree(document).iter("Say"))
