"""The least telephone provider: takes every request at once and remembers when its head arrived.

The simulated telephones do more (they ring); here only the arrival counts, on the clock that all processes share.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

ANSWER = (
    '{{"sid": "{sid}", "status": "queued", "account_sid": "AC", "to": null, "from": null, "uri": "/", '
    '"date_created": null, "error_code": null, "error_message": null}}'
)


@dataclass(frozen=True)
class Request:
    """One request: `at` is in seconds of the monotonic clock, `path` and `form` are as sent."""

    at: float
    path: str
    form: dict[str, str]


class Provider:
    """Listens on a free port of loopback; `on_request` is called for each POST, in the event loop."""

    def __init__(self, on_request: Callable[[Request], None]) -> None:
        self._on_request = on_request
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Start listening; returns the base address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = time.monotonic()
                first, *headers = head.decode("latin-1").split("\r\n")
                length = next((int(h.split(":")[1]) for h in headers if h.lower().startswith("content-length")), 0)
                body = (await reader.readexactly(length)).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                path = first.split(" ")[1]
                answer = ANSWER.format(sid=f"{'CA' if 'Calls' in path else 'SM'}{next(self._numbers):032x}")
                writer.write(
                    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: "
                    + str(len(answer)).encode() + b"\r\n\r\n" + answer.encode()
                )  # fmt: skip
                await writer.drain()
                if first.startswith("POST"):  # a GET only keeps the connection warm
                    self._on_request(Request(at, path, form))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
