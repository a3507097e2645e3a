"""Wires the simulated telephones together and serves them."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from device_sim.phones.account import Account
from device_sim.phones.board import Board
from device_sim.phones.control import Control
from device_sim.phones.exchange import Exchange
from device_sim.phones.journal import Journal
from device_sim.phones.lines import Phone
from device_sim.phones.rest import Rest
from device_sim.phones.texts import Texts
from device_sim.phones.timers import HandTimers, Timers, WallTimers
from device_sim.phones.webhooks import TIMEOUT_S, Webhooks
from device_sim.seed import Person

STATIC = Path(__file__).parent / "static"
KEEPALIVE_S = 3600
"""Seconds, longer than any client keeps a connection, so that it never sends into one that is just being closed."""
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Telephones:
    """A running server: where it is, and its parts for a test in the same process."""

    url: str
    phones: dict[str, Phone]
    exchange: Exchange
    texts: Texts
    journal: Journal
    hooks: Webhooks


def timers(scale: float) -> Timers:
    """Time `scale` times as fast as the real one; 0 stands still until `/sim/advance`."""
    return WallTimers(scale) if scale else HandTimers()


@contextlib.asynccontextmanager
async def serve(
    account: Account,
    people: Iterable[Person] = (),
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    time_scale: float = 1.0,
    log: Path | None = None,
    timezone: str = "Asia/Shanghai",
) -> AsyncIterator[Telephones]:
    """Serve until the block ends; port 0 takes a free one; the page shows times in `timezone`.

    Raises ConfigurationError for a log that cannot be kept."""
    journal = Journal(log)
    phones = {person.phone: Phone(person.phone, person.name, person.roles) for person in people}
    connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        hooks = Webhooks(session, account.token, journal)
        clock = timers(time_scale)
        exchange = Exchange(account, phones, clock, journal, hooks)
        texts = Texts(account, phones, clock, journal, hooks)
        board = Board()
        exchange.on_change = texts.on_change = board.changed
        exchange.on_reply = texts.reply
        app = web.Application(client_max_size=256 * 1024)
        app.add_routes(Rest(account, exchange, texts, journal).routes())
        app.add_routes(Control(phones, exchange, texts, journal, board, hooks, timezone).routes())
        app.add_routes([web.get("/", _page), web.get("/healthz", _healthy), web.static("/static", STATIC)])
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            bound = runner.addresses[0]
            yield Telephones(f"http://{host}:{bound[1]}", phones, exchange, texts, journal, hooks)
        finally:
            board.close()
            for call in exchange.calls.values():
                exchange.stop(call)
            texts.stop()
            await runner.cleanup()
            journal.close()


async def _page(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "index.html", headers=SECURITY)


async def _healthy(request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")
