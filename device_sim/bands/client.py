"""Asks the running bands for a scenario, from a shell."""

import http.client
from urllib.parse import quote, urlsplit

import orjson

from eldercare.platform.errors import InvalidInput, Unavailable


def play(control: str, device_id: str, scenario: str, minutes: float | None) -> dict[str, object]:
    """Play `scenario` on a band of the simulator whose control is at `control`; returns its answer.

    Raises Unavailable when nobody listens there, InvalidInput for what the control refuses.
    """
    address = urlsplit(control)
    if address.scheme != "http" or not address.hostname:
        raise InvalidInput("--control", f"{control!r} is no http address")
    body = orjson.dumps({} if minutes is None else {"minutes": minutes})
    connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=10)
    try:
        path = f"/bands/{quote(device_id, safe='')}/scenarios/{quote(scenario, safe='')}"
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer: dict[str, object] = orjson.loads(response.read())
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError) as error:
        raise Unavailable(f"{control}: the simulated bands do not answer: {error}") from error
    finally:
        connection.close()
    if response.status >= 400:
        raise InvalidInput("scenario", str(answer.get("detail", response.status)))
    return answer
