"""All simulated bands of a community: time passes, each measures and sends."""

import asyncio
import secrets
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from device_sim.bands import scenarios
from device_sim.bands.band import TICK_S, Reading, begin, calmed, fix, heart_rate, new_state, press, step
from device_sim.bands.link import Link
from device_sim.bands.presses import Press
from device_sim.bands.rhythm import Activity, Wearer, in_dead_zone, position, span_at
from device_sim.bands.scenarios import Scenario
from device_sim.seed import Resident
from eldercare.platform.errors import NotFound
from eldercare.platform.settings import Mqtt
from eldercare.protocol.mqtt_v1 import Command, CommandResult, Kind

COVERED_AFTER_SCENARIO = timedelta(minutes=30)
"""How long a scenario leaves out the day's dead zones, because somebody wants to see it."""
HISTORY_CHUNK = 200
STARTS_WITHIN_S = 5.0
"""Real seconds over which the bands' minutes begin, so that the first picture is there soon."""


class SimClock:
    """The bands' time: from `origin` (aware), `speed` times as fast as the real one. The database needs the same."""

    def __init__(self, origin: datetime | None = None, speed: float = 1.0) -> None:
        self.speed = speed
        self._started = datetime.now(UTC)
        self._origin = origin or self._started

    def now(self) -> datetime:
        """The bands' time now, aware, UTC, whole milliseconds."""
        moment = self._origin + (datetime.now(UTC) - self._started) * self.speed
        return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` of the bands' time pass."""
        await asyncio.sleep(seconds / self.speed)


@dataclass(frozen=True)
class World:
    """What all bands share."""

    broker: Mqtt
    tls: ssl.SSLContext | None
    zone: ZoneInfo
    clock: SimClock
    history: timedelta


class SimulatedBand:
    """One band: its wearer, its state, its connection."""

    def __init__(self, who: Wearer, resident: Resident, world: World) -> None:
        self.who = who
        self.resident = resident
        self._world = world
        self._rng = Random(f"band:{who.device_id}:{world.clock.now().isoformat()}")
        self.state = new_state(self._rng)
        self.link = Link(who.device_id, resident.mqtt_password, world.broker, world.tls, obey=self._obey)
        self._covered_until: datetime | None = None

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.link.run())
            group.create_task(self._live())

    async def _live(self) -> None:
        clock = self._world.clock
        await self._remember(clock.now())
        await asyncio.sleep(self._rng.uniform(0, STARTS_WITHIN_S))
        while True:
            self.tick(clock.now())
            await clock.sleep(TICK_S)

    async def _remember(self, now: datetime) -> None:
        """Send what the band would have measured before it was started, as one long backfill."""
        moment = now - self._world.history
        while moment < now:
            for _ in range(HISTORY_CHUNK):
                if moment >= now:
                    break
                self.state, readings = step(self._rng, self.who, self.state, moment, self._world.zone)
                self.link.send(readings)
                moment += timedelta(seconds=TICK_S)
            await self.link.drained()

    def tick(self, now: datetime) -> None:
        """Measure, and go into or out of a dead zone."""
        self.state, readings = step(self._rng, self.who, self.state, now, self._world.zone)
        self.link.send(readings)
        lost = scenarios.has(self.state.episodes, Scenario.NO_CONNECTION) is not None
        sheltered = self._covered_until is not None and now < self._covered_until
        self.link.cover(not lost and (sheltered or not in_dead_zone(self.who, now, self._world.zone)))

    def play(self, scenario: Scenario, minutes: float | None) -> Press | None:
        """Let something happen, and show it at once. Returns a press, to be followed."""
        now = self._world.clock.now()
        self._covered_until = now + COVERED_AFTER_SCENARIO
        if scenario is Scenario.SOS:
            self.link.cover(True)
            event_id = f"{self.who.device_id}-{secrets.token_hex(6)}"
            return self.link.press(press(self._rng, self.who, self.state, now, self._world.zone, event_id))
        self.state = begin(self.state, scenarios.episode(scenario, now, minutes))
        self.tick(now)
        return None

    def calm(self) -> None:
        """Return to the day's rhythm."""
        now = self._world.clock.now()
        self.state = calmed(self.state, now)
        self.tick(now)

    def view(self) -> dict[str, Any]:
        """The band as the control shows it."""
        now = self._world.clock.now()
        return {
            "device_id": self.who.device_id,
            "resident": {"id": self.resident.id, "name": self.resident.name},
            "activity": span_at(self.who, now, self._world.zone).activity,
            "connected": self.link.connected,
            "queued": len(self.link.uplink),
            "lost": self.link.uplink.lost,
            "battery_pct": round(self.state.battery_pct, 1),
            "worn": self.state.worn,
            "charging": self.state.charging,
            "scenarios": [{"scenario": one.scenario, "until": one.end.isoformat()} for one in self.state.episodes],
            "sos": [press.view() for press in reversed(self.link.presses.all)],
        }

    def _obey(self, command: Command) -> CommandResult:
        now = self._world.clock.now()
        if command.expires_at is not None and command.expires_at < now:
            return CommandResult(id=command.id, status="refused", detail="expired")
        span = span_at(self.who, now, self._world.zone)
        if command.action == "locate":
            usual = position(self.who, span, now)
            where, _ = scenarios.whereabouts(self.who, self.state.episodes, now, usual)
            self.link.send((Reading(Kind.LOCATION, fix(self._rng, now, where, span.activity)),))
        elif command.action == "measure_heart_rate":
            if not self.state.worn:
                return CommandResult(id=command.id, status="failed", detail="not worn")
            bpm = scenarios.heart(self._rng, self.state.episodes, self.who.resting_bpm + self.state.drift)
            self.link.send((Reading(Kind.HEART_RATE, heart_rate(self._rng, now, bpm, Activity.REST)),))
        return CommandResult(id=command.id, status="done")


class Fleet:
    """The bands by device id."""

    def __init__(self, bands: Iterable[SimulatedBand]) -> None:
        self.bands = {band.who.device_id: band for band in bands}
        self.living: asyncio.Task[None] | None = None

    def band(self, device_id: str) -> SimulatedBand:
        """The band of this id. Raises NotFound."""
        if device_id not in self.bands:
            raise NotFound("band", device_id)
        return self.bands[device_id]

    async def run(self) -> None:
        """Let all of them live until cancelled."""
        async with asyncio.TaskGroup() as group:
            for band in self.bands.values():
                group.create_task(band.run())
