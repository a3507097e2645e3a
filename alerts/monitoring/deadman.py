"""The dead man's switch: it pings an outside monitor only while everything works, and the monitor alarms when pings
stop."""

import asyncio

import aiohttp
import psycopg

from alerts.monitoring.health import Health
from eldercare.platform import heartbeats
from eldercare.platform.database import Connection, Pool
from eldercare.platform.log import logger

SERVICES = ("ingest.sos", "ingest.telemetry", "api")
"""The services that have to live besides us: presses and readings come in through the first two, digits and replies
through `api`."""
LOOP_LIMIT_S = 60.0
"""Seconds after which a loop that has not gone round stands still: the slowest goes round every fifteen."""
PING_TIMEOUT_S = 10.0

_log = logger(__name__)


async def faults(conn: Connection, health: Health) -> list[str]:
    """Why alarms cannot get through, in short names; empty while they can. Raises psycopg.Error without a database."""
    found = [f"{loop}_stands_still" for loop in health.stopped(LOOP_LIMIT_S)]
    found += [f"{service}_is_silent" for service in SERVICES if not await heartbeats.fresh(conn, service)]
    if health.late_timers:
        found.append("timers_are_late")
    if not health.telephones:
        found.append("no_telephones")
    if health.providers_away:
        found.append("provider_is_away")
    return found


async def run_once(conn: Connection, health: Health, session: aiohttp.ClientSession, url: str) -> list[str]:
    """Ping `url` if everything works; returns why not, or why the ping failed."""
    found = await faults(conn, health)
    if found:
        _log.error("deadman_withheld", faults=found)
        return found
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=PING_TIMEOUT_S)) as response:
            response.raise_for_status()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        _log.warning("deadman_unreachable", error=error)
        return ["monitor_unreachable"]
    health.counts["pings"] += 1  # no tick: a monitor that is away must not count as a loop of ours that stands still
    return []


async def run(pool: Pool, health: Health, url: str, interval_s: float) -> None:
    """Ping every `interval_s` seconds, until cancelled. Without a database nothing is pinged, which is the point."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        while True:
            try:
                async with pool.connection() as conn:
                    await run_once(conn, health, session, url)
            except psycopg.Error as error:
                _log.error("deadman_withheld", faults=["database_away"], error=error)
            await asyncio.sleep(interval_s)
