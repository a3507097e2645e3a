"""What tests and the page do with the phones: `/sim/…`, JSON.

GET  /sim/state                        every phone with its calls and messages
GET  /sim/events                       the same, live (SSE): `hello` once, then `phones` with the changed ones
GET  /sim/log?since=&wait_s=&kind=&to= entries of the log changed after a version; waits until there is a change
     an entry: seq, kind, sid, to, from, twiml or body, callback_url, status,
     arrived_ns (wall clock at the request's head), history of notes with `at`
POST /sim/reset                        forget all calls, messages, behaviours and the log
POST /sim/settle                       answers when no callback is under way any more
POST /sim/advance {"seconds"}          move the time, where it was started with --time-scale 0
PUT  /sim/phones/{number}              {"name", "roles"}: a phone with a name
PUT  /sim/phones/{number}/calls        a CallBehaviour; with `times` queued, else standing; number `*` is every phone
PUT  /sim/phones/{number}/messages     a MessageBehaviour, likewise
DELETE /sim/phones/{number}/behaviour  back to manual
POST /sim/phones/{number}/answer|decline|hangup|ignore|press|call|sms
     {"sid"?, "digits" (press), "body" (sms)}; without `sid` the newest call it fits
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from device_sim.phones.behaviour import CallBehaviour, Digits, MessageBehaviour
from device_sim.phones.board import Board
from device_sim.phones.exchange import Exchange
from device_sim.phones.journal import Journal
from device_sim.phones.lines import Call, Phone
from device_sim.phones.texts import Texts
from device_sim.phones.timers import HandTimers
from device_sim.phones.webhooks import Webhooks
from eldercare.platform.errors import Conflict, InvalidInput, NotFound

MAX_WAIT_S = 60.0
ACTIONS = "answer|decline|hangup|ignore|press|call|sms"
M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Naming(BaseModel):
    """Body of `PUT /sim/phones/{number}`."""

    name: str = ""
    roles: tuple[str, ...] = ()


class Action(BaseModel):
    """Body of an action on a phone."""

    sid: str | None = None
    digits: Digits | None = None
    body: str | None = None


class Advance(BaseModel):
    """Body of `POST /sim/advance`."""

    seconds: float


class Control:
    """Handlers under `/sim`."""

    def __init__(
        self,
        phones: dict[str, Phone],
        exchange: Exchange,
        texts: Texts,
        journal: Journal,
        board: Board,
        hooks: Webhooks,
        timezone: str,
    ) -> None:
        self._phones = phones
        self._exchange = exchange
        self._texts = texts
        self._journal = journal
        self._board = board
        self._hooks = hooks
        self._timezone = timezone

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/sim/state", _answering(self._state)),
            web.get("/sim/events", self._events),
            web.get("/sim/log", _answering(self._log)),
            web.post("/sim/reset", _answering(self._reset)),
            web.post("/sim/settle", _answering(self._settle)),
            web.post("/sim/advance", _answering(self._advance)),
            web.put("/sim/phones/{number}", _answering(self._name)),
            web.put("/sim/phones/{number}/calls", _answering(self._behave_calls)),
            web.put("/sim/phones/{number}/messages", _answering(self._behave_messages)),
            web.delete("/sim/phones/{number}/behaviour", _answering(self._forget_behaviour)),
            web.post(f"/sim/phones/{{number}}/{{action:{ACTIONS}}}", _answering(self._act)),
        ]

    async def _state(self, request: web.Request) -> web.StreamResponse:
        return _json({**self._hello(), "phones": [phone.view() for phone in self._phones.values()]})

    def _hello(self) -> dict[str, Any]:
        return {"number": self._exchange.number, "timezone": self._timezone}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        changes = self._board.changes()
        try:
            await response.write(b"event: hello\ndata: " + orjson.dumps(self._hello()) + b"\n\n")
            await response.write(self._event(set(self._phones)))
            async for numbers in changes:
                await response.write(self._event(numbers) if numbers else b": alive\n\n")
        except ConnectionError:
            return response
        finally:
            await changes.aclose()
        return response

    def _event(self, numbers: set[str]) -> bytes:
        phones = [phone.view() for number, phone in self._phones.items() if number in numbers]
        return b"event: phones\ndata: " + orjson.dumps(phones) + b"\n\n"

    async def _log(self, request: web.Request) -> web.StreamResponse:
        since = int(_query_number(request, "since", 0, 1e15))
        wait_s = _query_number(request, "wait_s", 0, MAX_WAIT_S)
        if wait_s:
            await self._journal.wait(since, wait_s)
        entries = self._journal.since(since, kind=request.query.get("kind"), to=request.query.get("to"))
        return _json({"version": self._journal.version, "entries": entries})

    async def _reset(self, request: web.Request) -> web.StreamResponse:
        for call in self._exchange.calls.values():
            self._exchange.stop(call)
        self._texts.stop()
        self._exchange.calls.clear()
        self._texts.messages.clear()
        self._exchange.behave.clear()
        self._texts.behave.clear()
        for phone in self._phones.values():
            phone.calls.clear()
            phone.past.clear()
            phone.messages.clear()
            self._board.changed(phone)
        self._journal.reset()
        return _json({})

    async def _settle(self, request: web.Request) -> web.StreamResponse:
        await self._hooks.settled()
        return _json({"version": self._journal.version})

    async def _advance(self, request: web.Request) -> web.StreamResponse:
        timers = self._exchange.timers
        if not isinstance(timers, HandTimers):
            raise Conflict("the time passes by itself; start with --time-scale 0 to move it by hand")
        seconds = (await _body(request, Advance)).seconds
        if seconds < 0:
            raise InvalidInput("seconds", "is below 0")
        await timers.advance(seconds, self._hooks.settled)
        return _json({"now_s": timers.now})

    async def _name(self, request: web.Request) -> web.StreamResponse:
        naming = await _body(request, Naming)
        number = request.match_info["number"]
        phone = self._phones.setdefault(number, Phone(number))
        phone.name, phone.roles = naming.name, naming.roles
        self._board.changed(phone)
        return _json(phone.view())

    async def _behave_calls(self, request: web.Request) -> web.StreamResponse:
        self._exchange.behave.set(request.match_info["number"], await _body(request, CallBehaviour))
        return _json({})

    async def _behave_messages(self, request: web.Request) -> web.StreamResponse:
        self._texts.behave.set(request.match_info["number"], await _body(request, MessageBehaviour))
        return _json({})

    async def _forget_behaviour(self, request: web.Request) -> web.StreamResponse:
        self._exchange.behave.clear(request.match_info["number"])
        self._texts.behave.clear(request.match_info["number"])
        return _json({})

    async def _act(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        if number not in self._phones:
            raise NotFound("phone", number)
        phone = self._phones[number]
        asked = await _body(request, Action)
        match request.match_info["action"]:
            case "answer":
                self._exchange.answer(_pick(phone, asked, "ringing"))
            case "decline":
                self._exchange.hang_up(_pick(phone, asked, "ringing"))
            case "ignore":
                self._exchange.ignore(_pick(phone, asked, "ringing"))
            case "hangup":
                self._exchange.hang_up(_pick(phone, asked, "in-progress"))
            case "press":
                if asked.digits is None:
                    raise InvalidInput("digits", "is missing")
                self._exchange.press(_pick(phone, asked, "in-progress"), asked.digits)
            case "call":
                return _json({"sid": self._exchange.ring_up(phone).sid})
            case "sms":
                if not asked.body:
                    raise InvalidInput("body", "is missing")
                return _json({"sid": self._texts.text_back(phone, asked.body).sid})
        return _json({})


def _pick(phone: Phone, asked: Action, status: str) -> Call:
    if asked.sid is not None:
        if asked.sid not in phone.calls:
            raise NotFound("call", asked.sid)
        return phone.calls[asked.sid]
    fitting = [call for call in phone.calls.values() if call.status == status]
    if not fitting:
        raise Conflict(f"{phone.number} has no call that is {status}")
    return fitting[-1]


def _answering(handler: Handler) -> Handler:
    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except InvalidInput as error:
            return _problem(422, error)
        except NotFound as error:
            return _problem(404, error)
        except Conflict as error:
            return _problem(409, error)

    return answering


def _problem(status: int, error: Exception) -> web.Response:
    return _json({"status": status, "title": type(error).__name__, "detail": str(error)}, status)


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


async def _body(request: web.Request, model: type[M]) -> M:
    # Asking for JSON by its type makes a browser ask first, so that no foreign page can press keys here.
    if request.content_type != "application/json":
        raise InvalidInput("content-type", "is not application/json")
    try:
        return model.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(".".join(map(str, first["loc"])) or "body", first["msg"]) from error


def _query_number(request: web.Request, name: str, low: float, high: float) -> float:
    text = request.query.get(name, "0")
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not low <= value <= high:
        raise InvalidInput(name, f"{text!r} is no number from {low:g} to {high:g}")
    return value
