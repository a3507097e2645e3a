"""The provider's HTTP API, as the official `twilio` library speaks it: calls, messages, the account."""

import asyncio
import base64
import hmac
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web
from multidict import MultiMapping

from device_sim.phones.account import Account
from device_sim.phones.behaviour import CallBehaviour, MessageBehaviour
from device_sim.phones.exchange import Exchange
from device_sim.phones.journal import Journal
from device_sim.phones.lines import API_VERSION, Call, TextMessage, new_sid
from device_sim.phones.texts import Texts
from eldercare.platform.errors import Conflict, NotFound

MAX_TWIML_CHARACTERS = 4000
MAX_BODY_CHARACTERS = 1600
RING_S = 30.0
"""How long a phone rings where the request names no `Timeout`, seconds."""
MAX_RING_S = 600.0
E164 = re.compile(r"\+[1-9]\d{4,14}")
ACCOUNT = f"/{API_VERSION}/Accounts/{{account}}"

Form = MultiMapping[Any]
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Refused(Exception):
    """The API answers with an error of its own."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Rest:
    """Handlers of the provider's API."""

    def __init__(self, account: Account, exchange: Exchange, texts: Texts, journal: Journal) -> None:
        self._account = account
        self._exchange = exchange
        self._texts = texts
        self._journal = journal
        self._credentials = "Basic " + base64.b64encode(f"{account.sid}:{account.token}".encode()).decode()

    def routes(self) -> list[web.RouteDef]:
        """The routes, each behind the account's credentials."""
        return [
            web.post(f"{ACCOUNT}/Calls.json", self._guard(self._create_call)),
            web.get(f"{ACCOUNT}/Calls/{{sid}}.json", self._guard(self._fetch_call)),
            web.post(f"{ACCOUNT}/Calls/{{sid}}.json", self._guard(self._update_call)),
            web.post(f"{ACCOUNT}/Messages.json", self._guard(self._create_message)),
            web.get(f"{ACCOUNT}/Messages/{{sid}}.json", self._guard(self._fetch_message)),
            web.get(f"/{API_VERSION}/Accounts/{{account}}.json", self._guard(self._fetch_account)),
        ]

    def _guard(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.Response:
            try:
                given = request.headers.get("Authorization", "")
                if not hmac.compare_digest(given.encode(), self._credentials.encode()):
                    raise Refused(401, 20003, "Authenticate")
                if request.match_info["account"] != self._account.sid:
                    raise Refused(404, 20404, f"The requested resource {request.path} was not found")
                return await handler(request)
            except Refused as refusal:
                return _json(
                    {
                        "code": refusal.code,
                        "message": str(refusal),
                        "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
                        "status": refusal.status,
                    },
                    refusal.status,
                )
            except NotFound:
                return _json({"code": 20404, "message": f"The requested resource {request.path} was not found"}, 404)

        return guarded

    async def _create_call(self, request: web.Request) -> web.Response:
        arrived_ns = time.time_ns()
        form = await request.post()
        to, caller = _number(form, "To", 21201, 21211), _number(form, "From", 21213, 21212)
        if caller != self._account.number:
            raise Refused(400, 21210, f"Source phone number provided, {caller}, is not yet verified for your account")
        twiml, url = str(form.get("Twiml", "")), str(form.get("Url", "")) or None
        if not twiml and url is None:
            raise Refused(400, 21205, "Url parameter is required")
        if len(twiml) > MAX_TWIML_CHARACTERS:
            raise Refused(400, 32018, "Twiml size exceeded maximum allowed value of 4000 characters")
        behaviour = self._exchange.behave.take(to)
        call = Call(new_sid("CA"), to=to, caller=caller, phone=to, twiml=twiml, url=url, behaviour=behaviour)
        call.timeout_s = _timeout(form)
        call.status_callback = str(form.get("StatusCallback", "")) or None
        call.status_events = _events(form) or call.status_events
        call.machine_detection = str(form.get("MachineDetection", ""))
        call.async_amd = str(form.get("AsyncAmd", "")).lower() == "true"
        call.async_amd_callback = str(form.get("AsyncAmdStatusCallback", "")) or None
        self._journal.request(
            "call", call.sid, to, caller, twiml=twiml, url=url, callback_url=call.status_callback,
            parameters=_plain(form), arrived_ns=arrived_ns,
        )  # fmt: skip
        await self._misbehave(call.sid, behaviour)
        self._exchange.place(call)
        return _json(call.resource(self._account.sid), 201)

    async def _update_call(self, request: web.Request) -> web.Response:
        call = self._exchange.call(request.match_info["sid"])
        form = await request.post()
        status = str(form.get("Status", ""))
        twiml, url = str(form.get("Twiml", "")), str(form.get("Url", "")) or None
        self._journal.note(call.sid, "update", twiml=twiml, parameters=_plain(form))
        if status not in ("", "completed", "canceled"):
            raise Refused(400, 21204, f"Invalid Status parameter: {status}")
        if len(twiml) > MAX_TWIML_CHARACTERS:
            raise Refused(400, 32018, "Twiml size exceeded maximum allowed value of 4000 characters")
        if status == "completed" or (status == "canceled" and call.status != "in-progress"):
            self._exchange.end(call)
        elif twiml or url:
            try:
                self._exchange.replace(call, twiml, url)
            except Conflict as error:
                raise Refused(400, 21220, str(error)) from error
        return _json(call.resource(self._account.sid))

    async def _fetch_call(self, request: web.Request) -> web.Response:
        return _json(self._exchange.call(request.match_info["sid"]).resource(self._account.sid))

    async def _create_message(self, request: web.Request) -> web.Response:
        arrived_ns = time.time_ns()
        form = await request.post()
        to, sender = _number(form, "To", 21604, 21211), _number(form, "From", 21603, 21212)
        if sender != self._account.number:
            raise Refused(
                400, 21606, f"The 'From' phone number provided ({sender}) is not a valid message-capable number"
            )
        body = str(form.get("Body", ""))
        if not body:
            raise Refused(400, 21602, "Message body is required.")
        if len(body) > MAX_BODY_CHARACTERS:
            raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        behaviour = self._texts.behave.take(to)
        message = TextMessage(new_sid("SM"), to, sender, body, phone=to)
        message.status_callback = str(form.get("StatusCallback", "")) or None
        self._journal.request(
            "sms", message.sid, to, sender, body=body, callback_url=message.status_callback,
            parameters=_plain(form), arrived_ns=arrived_ns,
        )  # fmt: skip
        await self._misbehave(message.sid, behaviour)
        self._texts.send(message, behaviour)
        return _json(message.resource(self._account.sid), 201)

    async def _fetch_message(self, request: web.Request) -> web.Response:
        return _json(self._texts.message(request.match_info["sid"]).resource(self._account.sid))

    async def _fetch_account(self, request: web.Request) -> web.Response:
        return _json(
            {"sid": self._account.sid, "friendly_name": "Simulated telephones", "status": "active", "type": "Full"}
        )

    async def _misbehave(self, sid: str, behaviour: CallBehaviour | MessageBehaviour) -> None:
        # A slow provider is slow in real time, because the caller's patience is on trial.
        if behaviour.http_delay_s:
            await asyncio.sleep(behaviour.http_delay_s)
        if behaviour.http_status is not None:
            self._journal.note(sid, "status", status="refused", http_status=behaviour.http_status)
            code = {429: 20429}.get(behaviour.http_status, 20500 if behaviour.http_status >= 500 else 20001)
            raise Refused(behaviour.http_status, code, "Refused, as this telephone was told to")


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _plain(form: Form) -> dict[str, Any]:
    """The form as JSON, without the texts, which the log keeps by themselves."""
    kept = [key for key in form if key not in ("Twiml", "Body")]
    return {key: values[0] if len(values) == 1 else values for key in kept for values in [form.getall(key)]}


def _number(form: Form, name: str, missing: int, wrong: int) -> str:
    number = str(form.get(name, ""))
    if not number:
        raise Refused(400, missing, f"No '{name}' number is specified")
    if not E164.fullmatch(number):
        raise Refused(400, wrong, f"Invalid '{name}' Phone Number: {number}")
    return number


def _timeout(form: Form) -> float:
    text = str(form.get("Timeout", ""))
    if not text:
        return RING_S
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RING_S:
        raise Refused(400, 21218, f"Invalid Timeout: {text}")
    return float(text)


def _events(form: Form) -> frozenset[str]:
    # The library repeats the field; the API also takes several names in one, separated by spaces.
    values = form.getall("StatusCallbackEvent", [])
    return frozenset(word for value in values for word in str(value).split())
