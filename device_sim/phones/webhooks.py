"""Callbacks to the application: form-encoded, signed as Twilio signs them, tried again when nobody answers."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
from twilio.request_validator import RequestValidator
from yarl import URL

from device_sim.phones.journal import Journal
from eldercare.platform.errors import Unavailable
from eldercare.platform.log import logger

RETRY_AFTER_S = (0.1, 0.5, 2.0)
"""Pauses before the second, third and fourth try, real seconds."""
TIMEOUT_S = 15.0
"""Twilio gives a callback 15 s."""
SETTLE_TURNS = 10
"""Turns of the event loop without a callback after which all has settled; a chain of wake-ups is shorter."""
SETTLE_POLL_S = 0.002

_log = logger(__name__)


class Webhooks:
    """Posts callbacks. `in_flight` counts those under way, so that a test can wait until all are done."""

    def __init__(self, session: aiohttp.ClientSession, auth_token: str, journal: Journal) -> None:
        self._session = session
        self._validator = RequestValidator(auth_token)
        self._journal = journal
        self.in_flight = 0

    async def post(self, url: str, parameters: Mapping[str, str], sid: str, event: str) -> str:
        """Post and return the answer's body, logging the try under `sid`. Raises Unavailable after the last try."""
        self.in_flight += 1
        try:
            status, body = await self._post(url, parameters)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            self._note(sid, event, url=url, parameters=dict(parameters), error=reason)
            _log.warning("callback_unreachable", url=url, error=reason)
            raise Unavailable(f"{url}: {reason}") from error
        finally:
            self.in_flight -= 1
        self._note(sid, event, url=url, parameters=dict(parameters), http_status=status)
        if status >= 400:
            _log.warning("callback_refused", url=url, http_status=status)
            raise Unavailable(f"{url}: HTTP {status}")
        return body

    async def settled(self) -> None:
        """Return when no callback is under way and everybody who was woken has run."""
        quiet = 0
        while quiet < SETTLE_TURNS:
            quiet = quiet + 1 if self.in_flight == 0 else 0
            await asyncio.sleep(0 if self.in_flight == 0 else SETTLE_POLL_S)

    def _note(self, sid: str, event: str, **details: object) -> None:
        # After a reset the call is gone, while its last callback may still be under way.
        if self._journal.get(sid) is not None:
            self._journal.note(sid, event, **details)

    async def _post(self, url: str, parameters: Mapping[str, str]) -> tuple[int, str]:
        signature = str(self._validator.compute_signature(url, dict(parameters)))
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "X-Twilio-Signature": signature}
        # The signature covers the address letter by letter, so nothing may re-quote it on the way.
        target = URL(url, encoded=True)
        if target.scheme not in ("http", "https"):
            raise ValueError("is not an absolute http address")
        for pause_s in (*RETRY_AFTER_S, None):
            try:
                async with self._session.post(
                    target, data=urlencode(parameters).encode(), headers=headers, allow_redirects=False
                ) as response:
                    return response.status, await response.text()
            except aiohttp.ClientConnectionError:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
        raise AssertionError("the last try returns or raises")
