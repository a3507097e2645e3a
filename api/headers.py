"""Headers of every response: nothing is guessed, framed or kept by a cache."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; connect-src 'self';"
    " img-src 'self' data: blob: https:; object-src 'none'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'"
)
"""Map tiles are images of other hosts. Leaflet and uPlot set styles on elements."""
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), microphone=(), payment=()",
}


class SecurityHeaders:
    """ASGI middleware that sets what a route did not set itself. Everything but static files is `no-store`."""

    def __init__(self, app: ASGIApp, *, https: bool = False, cacheable: str = "/static/") -> None:
        self._app = app
        self._always = dict(ALWAYS)
        if https:
            self._always["Strict-Transport-Security"] = "max-age=31536000"
        self._cacheable = cacheable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the headers with the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._always.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith(self._cacheable):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
