"""The service that calls people: `python -m alerts`. Any number of these may run; each wires its parts here by hand."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import psycopg

from alerts.channels import registry
from alerts.channels.band import Band
from alerts.channels.base import Channel
from alerts.detection import absence, device_state, habits
from alerts.escalation import clock_steps
from alerts.escalation.situation import PlanningContext
from alerts.incidents import unreadable, wearer
from alerts.loop import EscalationLoop
from alerts.monitoring import deadman, retention, upkeep
from alerts.monitoring.health import Health
from alerts.monitoring.retention import Keep
from alerts.notifications import outbox
from alerts.notifications.sender import Sender
from eldercare.accounts import audit_chain
from eldercare.platform import clock, heartbeats, log, runtime, tasks
from eldercare.platform.database import Pool, connect, pool
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import Settings, exit_with, load_settings

UPKEEP_S = 15.0
CLOCK_S = 2.0
WORDS_S = 1.0
FIRST_BEAT_S = 2.0
CLOCK_AGAIN_S = 1.0
CLEAR_AWAY_S = 3600.0
HABITS_S = 60.0
SEAL_S = 60.0

_log = log.logger(__name__)


async def serve(settings: Settings) -> None:
    """Call people until SIGTERM or SIGINT. Raises ConfigurationError."""
    url = settings.required("database_url")
    instance = heartbeats.instance_of("alerts")
    health, started_at = Health(), datetime.now(UTC)
    real = registry.is_real(settings)
    if real:
        await _require_real_time(url)
    async with (
        registry.channels(settings, health.provider) as found,
        pool(url, max_size=3, application_name="alerts") as shared,
    ):
        health.telephones = bool({"voice", "sms"} & found.keys())
        health.asked = frozenset(each.provider for each in found.values() if each.provider is not None)
        if not health.telephones:
            _log.error(
                "no_telephones",
                hint="set up a telephone provider, as `eldercare doctor` says; until then nobody can be called",
            )
        sender = Sender(url, found)
        health.counts = sender.counts
        planning = PlanningContext({name: channel.min_gap for name, channel in found.items()}, settings.zone)
        band = found.get("band")

        async def beat() -> None:
            detail = {"real_channel": real, **_channels(found, health), **health.detail()}
            async with shared.connection() as conn:
                await heartbeats.beat(conn, instance, "alerts", detail, started_at)

        loops = {
            "line": EscalationLoop(url, sender, planning, health).run(),
            "outcomes": sender.run(),
            "clock": _again("clock", CLOCK_S, lambda: _clock(shared, planning)),
            "watch": _again("watch", UPKEEP_S, lambda: _upkeep(shared, settings.zone, health)),
            "unreadable": _again("unreadable", CLOCK_S, lambda: _unreadable(shared)),
            "habits": _again("habits", HABITS_S, lambda: _habits(shared, settings.zone)),
            "seal": _again("seal", SEAL_S, lambda: _seal(shared)),
            "clear_away": _again("clear_away", CLEAR_AWAY_S, lambda: _clear_away(shared, Keep.of(settings))),
        }
        if isinstance(band, Band):
            loops["words"] = _again("words", WORDS_S, lambda: _words(shared, band, sender))
        if settings.deadman_url:
            loops["deadman"] = deadman.run(shared, health, settings.deadman_url, settings.deadman_interval_s)
        runtime.tune_gc()
        _log.info("started", instance=instance, real_channel=real, channels=sorted(found))
        stop = _signalled()
        async with _running(loops):
            if isinstance(band, Band):
                await band.connects(FIRST_BEAT_S)  # or the first heartbeat would say that it is away
            async with _running({"beat": _again("beat", heartbeats.INTERVAL_S, beat)}):
                await stop.wait()
        await sender.close()
        with suppress(psycopg.Error):
            async with shared.connection(timeout=1) as conn:
                await heartbeats.end(conn, instance)
    _log.info("ended", instance=instance)


async def _require_real_time(url: str) -> None:
    """Check that the clock is the real one. A database that is away is waited for: without it nobody can be called.

    Raises ConfigurationError where it is set: timers that stand still call nobody, fast ones call real people all at
    once.
    """
    while True:
        try:
            async with await connect(url, application_name="alerts") as conn:
                is_set = await clock.is_set(conn)
            break
        except psycopg.Error as error:
            _log.warning("clock_unread", error=error)
            await asyncio.sleep(CLOCK_AGAIN_S)
    if is_set:
        raise ConfigurationError(
            "the database's clock is set, and the settings name a real telephone provider:"
            " run `eldercare clock reset`, or use another database"
        )


@asynccontextmanager
async def _running(loops: Mapping[str, Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run the loops beside the block; one that fails by a mistake of ours ends the process."""
    running = [tasks.start(loop, name) for name, loop in loops.items()]
    try:
        yield
    finally:
        await tasks.end(*running)


def _signalled() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _again(name: str, interval_s: float, once: Callable[[], Awaitable[None]]) -> Coroutine[Any, Any, None]:
    return tasks.forever(name, once, interval_s, away=(psycopg.OperationalError,))


def _channels(found: Mapping[str, Channel], health: Health) -> dict[str, Any]:
    """Which channels reach anybody now, and which are set up and do not."""
    band = found.get("band")
    away = {name for name, each in found.items() if each.provider in health.providers_away}
    if isinstance(band, Band) and band.unbroken_s is None:
        away.add("band")
    return {
        "channels": sorted(found.keys() - away),
        "channels_away": sorted(found.keys() & away),
        "client_id_taken": isinstance(band, Band) and band.client_id_taken,
    }


async def _upkeep(shared: Pool, zone: tzinfo, health: Health) -> None:
    async with shared.connection() as conn:
        await wearer.set_right(conn, await clock.now(conn))
        health.late_timers = await upkeep.late_timers(conn)
        checked = await absence.run_once(conn, await clock.now(conn), zone)
    health.tick("watch", verdicts=checked.verdicts)
    async with shared.connection() as conn:
        health.overrides_refused = await device_state.refused_overrides(conn)


async def _habits(shared: Pool, zone: tzinfo) -> None:
    async with shared.connection() as conn:
        await habits.run_once(conn, await clock.now(conn), zone)


async def _clock(shared: Pool, planning: PlanningContext) -> None:
    async with shared.connection() as conn:
        await clock_steps.run_once(conn, planning, await clock.now(conn))


async def _unreadable(shared: Pool) -> None:
    async with shared.connection() as conn:
        await unreadable.run_once(conn, await clock.now(conn))


async def _words(shared: Pool, band: Band, sender: Sender) -> None:
    """Repeat words to the wearer; while the broker is away they wait until it is back."""
    if (unbroken_s := band.unbroken_s) is None:
        return
    async with shared.connection() as conn:
        now, speed = await clock.reading(conn)
        if await wearer.say_again(conn, now, timedelta(seconds=unbroken_s * speed)):
            sender.more.set()


async def _seal(shared: Pool) -> None:
    async with shared.connection() as conn:
        await audit_chain.seal(conn)


async def _clear_away(shared: Pool, keep: Keep) -> None:
    async with shared.connection() as conn:
        # A clock that is a year ahead must not delete what is kept for a year.
        if await clock_steps.steady(conn, await clock.now(conn)):
            await retention.run_once(conn, keep, await retention.moment(conn))
            await outbox.give_up(conn, await clock.now(conn))
            await conn.commit()
        number, digest = await audit_chain.head(conn)
    # The log takes this line to another machine: whoever makes a whole chain anew cannot make the line anew.
    _log.info("audit_head", seal=number, hash=digest)


def main() -> None:
    """Wire and run. A wrong setting is one line and exit status 2."""
    try:
        settings = load_settings()
        log.configure(settings.log_level, "alerts")
        log.name_unknown_settings(registry.sections())
        asyncio.run(serve(settings))
    except ConfigurationError as error:
        exit_with(error)


if __name__ == "__main__":
    main()
