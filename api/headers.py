"""Headers of every response: nothing is guessed, framed or kept by a cache."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), payment=()",
}


def content_security_policy(tile_url: str | None = None) -> str:
    """Allow nothing inline, and nothing from elsewhere but images of the map's tile server, where there is one."""
    tiles = f" {_host(tile_url)}" if tile_url else ""
    return (
        f"default-src 'self'; img-src 'self' data:{tiles}; object-src 'none'; base-uri 'self'; form-action 'self';"
        " frame-ancestors 'none'"
    )


def _host(tile_url: str) -> str:
    """Scheme and host as the policy wants them: `{s}`, one of several hosts, becomes `*`."""
    parts = urlsplit(tile_url)
    host = parts.netloc.partition("{s}")[2]
    return f"{parts.scheme}://*{host}" if "{s}" in parts.netloc else f"{parts.scheme}://{parts.netloc}"


def _own_path(location: str, host: str) -> str:
    """A location within this service without scheme and host, which a proxy in front of it may have changed."""
    for scheme in ("http", "https"):
        if host and location.startswith(f"{scheme}://{host}/"):
            return location.removeprefix(f"{scheme}://{host}")
    return location


class SecurityHeaders:
    """ASGI middleware that sets what a route did not set itself. Everything but static files is `no-store`."""

    def __init__(
        self, app: ASGIApp, *, https: bool = False, tile_url: str | None = None, cacheable: str = "/static/"
    ) -> None:
        self._app = app
        self._always = ALWAYS | {"Content-Security-Policy": content_security_policy(tile_url)}
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
                if (location := headers.get("location")) is not None:
                    headers["location"] = _own_path(location, Headers(scope=scope).get("host", ""))
                if not scope["path"].startswith(self._cacheable):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
