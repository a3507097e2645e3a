"""Wires the simulated bands together, and their control."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from aiohttp import web

from device_sim.bands.control import Control
from device_sim.bands.fleet import Fleet, SimClock, SimulatedBand, World
from device_sim.bands.rhythm import wearer
from device_sim.seed import Resident
from eldercare.platform import tasks
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import Settings

CONTROL_HOST = "127.0.0.1"
CONTROL_PORT = 8020


@contextlib.asynccontextmanager
async def live(
    settings: Settings,
    residents: Sequence[Resident],
    *,
    control_port: int = 0,
    speed: float = 1.0,
    origin: datetime | None = None,
    history: timedelta = timedelta(0),
) -> AsyncIterator[tuple[Fleet, str]]:
    """Let every resident's band live until the block ends; yields the fleet and the control's address.

    Raises ConfigurationError for residents without bands and a CA that cannot be read.
    """
    world = World(
        broker=settings.mqtt,
        tls=settings.mqtt_tls(),
        zone=settings.zone,
        clock=SimClock(origin, speed),
        history=history,
    )
    fleet = Fleet(
        SimulatedBand(wearer(resident.device_id, (resident.home.lat, resident.home.lon)), resident, world)
        for resident in residents
        if resident.device_id and resident.home
    )
    if not fleet.bands:
        raise ConfigurationError("--bands: no resident has a band and a home")
    runner = web.AppRunner(Control(fleet).application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    fleet.living = living = tasks.start(fleet.run(), "bands")
    try:
        await web.TCPSite(runner, CONTROL_HOST, control_port).start()
        yield fleet, f"http://{CONTROL_HOST}:{runner.addresses[0][1]}"
    finally:
        await tasks.end(living)
        await runner.cleanup()
