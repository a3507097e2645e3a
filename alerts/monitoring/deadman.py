"""The dead man's switch: an outside monitor is pinged only while the line works, and alarms when pings stop."""

import asyncio

import aiohttp
import psycopg

from alerts.monitoring.health import Pulse
from eldercare.platform import heartbeats
from eldercare.platform.database import Connection, Pool
from eldercare.platform.log import logger

SERVICES = ("ingest.sos", "ingest.telemetry", "api")
"""Who has to live besides us: presses and readings come in through the first two, digits and replies through `api`."""
LOOP_LIMIT_S = 60.0
"""A loop that has not gone round for so long stands still: the slowest goes round every fifteen seconds."""
PING_TIMEOUT_S = 10.0

_log = logger(__name__)


async def faults(conn: Connection, pulse: Pulse) -> list[str]:
    """Why the line does not work, in short names; empty while it does. Raises psycopg.Error without a database."""
    found = [f"{loop}_stands_still" for loop in pulse.stopped(LOOP_LIMIT_S)]
    found += [f"{service}_is_silent" for service in SERVICES if not await heartbeats.fresh(conn, service)]
    if pulse.late_timers:
        found.append("timers_are_late")
    if not pulse.telephones:
        found.append("no_telephones")
    if pulse.providers_away:
        found.append("provider_is_away")
    return found


async def run_once(conn: Connection, pulse: Pulse, session: aiohttp.ClientSession, url: str) -> list[str]:
    """Ping `url` if the line works; returns why not, or why the ping failed."""
    found = await faults(conn, pulse)
    if found:
        _log.error("deadman_withheld", faults=found)
        return found
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=PING_TIMEOUT_S)) as response:
            response.raise_for_status()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        _log.warning("deadman_unreachable", error=error)
        return ["monitor_unreachable"]
    pulse.counts["pings"] += 1  # no turn: a monitor that is away must not count as a loop of ours that stands still
    return []


async def run(pool: Pool, pulse: Pulse, url: str, interval_s: float) -> None:
    """Every `interval_s` seconds, until cancelled. Without a database nothing is pinged, which is the point."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        while True:
            try:
                async with pool.connection() as conn:
                    await run_once(conn, pulse, session, url)
            except psycopg.Error as error:
                _log.error("deadman_withheld", faults=["database_away"], error=error)
            await asyncio.sleep(interval_s)
