"""The bands' control on loopback, JSON.

GET  /bands                                every band with its state
GET  /bands/{device_id}                    one
POST /bands/{device_id}/scenarios/{name}   {"minutes"?}; `any` picks a worn, connected band
DELETE /bands/{device_id}/scenarios        back to the day's rhythm
GET  /bands/{device_id}/sos/{event_id}?heard=accepted&wait_s=30
                                           one press; waits until the band was told one of the states
"""

from collections.abc import Awaitable, Callable
from random import choice
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from device_sim.bands.fleet import Fleet, SimulatedBand
from device_sim.bands.scenarios import Scenario
from eldercare.platform.errors import Conflict, InvalidInput, NotFound
from eldercare.protocol.mqtt_v1 import SosState

ANY = "any"
MAX_WAIT_S = 60.0
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Wish(BaseModel):
    """Body of a scenario."""

    minutes: float | None = Field(default=None, gt=0, le=24 * 60)


class Control:
    """Handlers over a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/bands", _answering(self._list)),
                web.get("/bands/{device_id}", _answering(self._one)),
                web.post("/bands/{device_id}/scenarios/{name}", _answering(self._play)),
                web.delete("/bands/{device_id}/scenarios", _answering(self._calm)),
                web.get("/bands/{device_id}/sos/{event_id}", _answering(self._press)),
            ]
        )
        return app

    async def _list(self, request: web.Request) -> web.Response:
        return _json({"bands": [band.view() for band in self._fleet.bands.values()]})

    async def _one(self, request: web.Request) -> web.Response:
        return _json(self._fleet.band(request.match_info["device_id"]).view())

    async def _play(self, request: web.Request) -> web.Response:
        # Asking for JSON by its type makes a browser ask first, so that no foreign page can press a button here.
        if request.content_type != "application/json":
            raise InvalidInput("content-type", "is not application/json")
        name = request.match_info["name"]
        if name not in list(Scenario):
            raise InvalidInput("scenario", f"{name!r} is none of {', '.join(Scenario)}")
        try:
            wish = Wish.model_validate_json(await request.read() or b"{}")
        except ValidationError as error:
            raise InvalidInput("minutes", error.errors()[0]["msg"]) from error
        band = self._chosen(request.match_info["device_id"])
        press = band.play(Scenario(name), wish.minutes)
        return _json({"device_id": band.who.device_id, "scenario": name, "sos": press and press.view()})

    def _chosen(self, device_id: str) -> SimulatedBand:
        if device_id != ANY:
            return self._fleet.band(device_id)
        connected = [band for band in self._fleet.bands.values() if band.link.connected]
        if not connected:
            raise Conflict("no band is connected")
        # In the hour in which bands are charged none may be on a wrist.
        return choice([band for band in connected if band.state.worn] or connected)

    async def _calm(self, request: web.Request) -> web.Response:
        band = self._fleet.band(request.match_info["device_id"])
        band.calm()
        return _json(band.view())

    async def _press(self, request: web.Request) -> web.Response:
        band = self._fleet.band(request.match_info["device_id"])
        event_id = request.match_info["event_id"]
        press = next((one for one in band.link.presses.all if one.sos.event_id == event_id), None)
        if press is None:
            raise NotFound("press", event_id)
        states = frozenset(filter(None, request.query.get("heard", "").split(",")))
        if not states <= set(SosState):
            raise InvalidInput("heard", f"is not of {', '.join(SosState)}")
        if states:
            await band.link.heard(press, states, _seconds(request.query.get("wait_s", "0")))
        return _json(press.view())


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_WAIT_S:
        raise InvalidInput("wait_s", f"{text!r} is no number from 0 to {MAX_WAIT_S:g}")
    return value


def _answering(handler: Handler) -> Handler:
    async def answering(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except InvalidInput as error:
            return _json({"status": 422, "title": "InvalidInput", "detail": str(error)}, 422)
        except NotFound as error:
            return _json({"status": 404, "title": "NotFound", "detail": str(error)}, 404)
        except Conflict as error:
            return _json({"status": 409, "title": "Conflict", "detail": str(error)}, 409)

    return answering


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
