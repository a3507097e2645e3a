"""How long a request may take: its body to arrive, its answer to begin, each piece of that to be taken.

A slow visitor holds up only what is theirs. A body that trickles in is refused. An answer that does not come is said to
be late while the page can still say so. A reader who stops reading is disconnected.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from eldercare.platform import tasks
from eldercare.platform.errors import Unavailable
from eldercare.platform.log import logger

BODY_S = 10.0
"""Seconds for a whole body, of 256 KiB at most."""
ANSWER_S = 8.0
"""Seconds until an answer begins. A page says within ten seconds that it cannot be had."""
LONGER_S = {"/limits/preview": 90.0}
"""The same for what takes long beside everybody else, by the end of its path."""
PIECE_BYTES = 64 * 1024
PIECE_S = 20.0
"""Seconds in which the reader takes each piece of an answer; a telephone in a lift reads more than 3 KiB/s."""
PATIENT = ("/webhooks/",)
"""Paths whose answers have no limit: a provider waits as long as it likes, they for a database that comes back."""
ABORT = "eldercare.abort"
"""Key in the scope of a function that ends the connection at once, where the server has one."""

_log = logger(__name__)


class Pace:
    """ASGI middleware that gives each request its time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, within its limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reading = _Reading(receive)
        if scope["path"].startswith(PATIENT):
            await self._app(scope, reading, send)
            return
        answer = _Answer(send, scope.get(ABORT))
        task = tasks.brief(self._answered(scope, reading, answer), "request")
        try:
            async with asyncio.timeout(_patience_s(scope["path"])) as limit:
                answer.on_start = lambda: limit.reschedule(None)
                await asyncio.shield(task)
        except TimeoutError:
            if not limit.expired():
                raise
            await self._give_up(task, scope, receive, answer)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _give_up(self, task: asyncio.Task[None], scope: Scope, receive: Receive, answer: "_Answer") -> None:
        send = answer.taken_over()
        # Nobody waits for the task: it waits for what did not answer.
        task.cancel()
        response = await errors.answer(Request(scope), Unavailable("the answer took too long"))
        await response(scope, receive, send)


def _patience_s(path: str) -> float:
    return max([ANSWER_S, *(longer for end, longer in LONGER_S.items() if path.endswith(end))])


class _Reading:
    """Receives the body, which has to come in time."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._until: float | None = asyncio.get_running_loop().time() + BODY_S

    async def __call__(self) -> Message:
        if self._until is None:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, f"the body did not arrive within {BODY_S:g} s", {"Connection": "close"}) from error
        if not message.get("more_body", False):
            self._until = None  # from now on only the end of the connection is heard
        return message


class _Answer:
    """The answer in pieces, each of which has to be taken in time."""

    def __init__(self, send: Send, abort: Callable[[], Any] | None) -> None:
        self._send = send
        self._abort = abort
        self._mute = False
        self.on_start: Callable[[], None] = lambda: None

    def taken_over(self) -> Send:
        """The function that sends from now on; what the former one sends is dropped."""
        self._mute = True
        return self._taken

    async def __call__(self, message: Message) -> None:
        if self._mute:
            return
        if message["type"] == "http.response.start":
            self.on_start()
        body = message.get("body", b"")
        if len(body) <= PIECE_BYTES:
            await self._taken(message)
            return
        for start in range(0, len(body), PIECE_BYTES):
            last = start + PIECE_BYTES >= len(body)
            more = message.get("more_body", False) or not last
            await self._taken({**message, "body": body[start : start + PIECE_BYTES], "more_body": more})

    async def _taken(self, message: Message) -> None:
        try:
            async with asyncio.timeout(PIECE_S):
                await self._send(message)
        except TimeoutError:
            _log.warning("reader_too_slow")
            if self._abort is None:
                raise
            self._abort()
            self._mute = True
