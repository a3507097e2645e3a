"""Answers HEAD wherever GET is answered: the same head, and nothing after it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.visitors import STREAMS


class Heads:
    """ASGI middleware that answers HEAD with what GET would say, without its body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as GET, and the head of the answer back. A stream has no end and is not begun."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] == STREAMS:
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
            elif not message.get("more_body", False):
                await send({"type": "http.response.body", "body": b""})

        await self._app({**scope, "method": "GET"}, receive, send_head)
