"""The service that calls people: `python -m alerts`. Any number of these may run; each wires its parts here by hand."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import psycopg

from alerts import clock_steps, deadman, silence, watch, words
from alerts.channels.band import Band
from alerts.channels.registry import channels
from alerts.deliver import Sender
from alerts.escalation import Outside
from alerts.line import Line
from alerts.pulse import Pulse
from eldercare import clock, garbage, heartbeats, log
from eldercare.database import Pool, connect, pool
from eldercare.errors import ConfigurationError
from eldercare.settings import Settings, exit_with, load_settings

WATCH_S = 15.0
CLOCK_S = 2.0
WORDS_S = 1.0
CLOCK_AGAIN_S = 1.0
CLEAR_AWAY_S = 3600.0

_log = log.logger(__name__)


async def serve(settings: Settings) -> None:
    """Call people until SIGTERM or SIGINT. Raises ConfigurationError."""
    url = settings.required("database_url")
    instance = heartbeats.instance_of("alerts")
    pulse, started_at = Pulse(), datetime.now(UTC)
    if settings.real_channel:
        await _require_real_time(url)
    async with channels(settings, pulse.provider) as found, pool(url, max_size=3, application_name="alerts") as shared:
        pulse.telephones = bool({"voice", "sms"} & found.keys())
        if not pulse.telephones:
            _log.error("no_telephones", hint="set ELDERCARE_TWILIO_ACCOUNT_SID; until then nobody can be called")
        sender = Sender(url, found)
        pulse.counts = sender.counts
        outside = Outside({name: channel.min_gap for name, channel in found.items()}, settings.zone)
        detail = {"real_channel": settings.real_channel, "channels": sorted(found)}
        loops = [
            Line(url, sender, outside, pulse).run(),
            sender.run(),
            _again("clock", CLOCK_S, lambda: _clock(shared, outside)),
            _again("watch", WATCH_S, lambda: _watch(shared, settings.zone, pulse)),
            _again("clear_away", CLEAR_AWAY_S, lambda: _clear_away(shared)),
            _again("beat", heartbeats.INTERVAL_S, lambda: _beat(shared, instance, started_at, detail, pulse)),
        ]
        if isinstance(wrist := found.get("band"), Band):
            loops.append(_again("words", WORDS_S, lambda: _words(shared, wrist, sender)))
        if settings.deadman_url:
            loops.append(deadman.run(shared, pulse, settings.deadman_url, settings.deadman_interval_s))
        garbage.calm()
        _log.info("started", instance=instance, **detail)
        await _until_signalled(loops)
        await sender.close()
        with suppress(psycopg.Error):
            async with shared.connection(timeout=1) as conn:
                await heartbeats.end(conn, instance)
    _log.info("ended", instance=instance)


async def _require_real_time(url: str) -> None:
    """Nothing where the clock is the real one; a database that is away is waited for, without it nobody can be called.

    Raises ConfigurationError: timers that stand still call nobody, and fast ones call real people all at once.
    """
    while True:
        try:
            async with await connect(url, application_name="alerts") as conn:
                is_set = await clock.is_set(conn)
            break
        except psycopg.Error as error:
            _log.warning("clock_unread", error=str(error).strip())
            await asyncio.sleep(CLOCK_AGAIN_S)
    if is_set:
        raise ConfigurationError(
            "the database's clock is set, and ELDERCARE_TWILIO_ACCOUNT_SID names a real provider:"
            " run `eldercare clock reset`, or use another database"
        )


async def _until_signalled(loops: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run the loops; a signal ends them, and one that fails by a mistake of ours ends the process with it."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(loop) for loop in loops]
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()
    finally:
        for task in [*tasks, stopping]:
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)


async def _again(name: str, interval_s: float, once: Callable[[], Awaitable[None]]) -> None:
    """Do it every `interval_s` seconds; a failure is told, and the next turn comes all the same."""
    while True:
        try:
            await once()
        except psycopg.OperationalError as error:
            _log.warning("turn_missed", loop=name, error=str(error).strip())
        except Exception:
            _log.exception("turn_failed", loop=name)
        await asyncio.sleep(interval_s)


async def _watch(shared: Pool, zone: tzinfo, pulse: Pulse) -> None:
    async with shared.connection() as conn:
        pulse.late_timers = await watch.late_timers(conn)
        watched = await silence.run_once(conn, await clock.now(conn), zone)
    pulse.turn("watch", verdicts=watched.verdicts)


async def _clock(shared: Pool, outside: Outside) -> None:
    async with shared.connection() as conn:
        await clock_steps.run_once(conn, outside, await clock.now(conn))


async def _words(shared: Pool, wrist: Band, sender: Sender) -> None:
    """Nothing while the broker is away: what waits then is sent when it is back."""
    if (unbroken_s := wrist.unbroken_s) is None:
        return
    async with shared.connection() as conn:
        now, speed = await clock.reading(conn)
        if await words.say_again(conn, now, timedelta(seconds=unbroken_s * speed)):
            sender.more.set()


async def _clear_away(shared: Pool) -> None:
    async with shared.connection() as conn:
        now = await clock.now(conn)
        # A clock that is a year ahead must not delete what is kept for a year.
        if await clock_steps.steady(conn, now):
            await watch.clear_away(conn, now)


async def _beat(shared: Pool, instance: str, started_at: datetime, detail: dict[str, object], pulse: Pulse) -> None:
    async with shared.connection() as conn:
        await heartbeats.beat(conn, instance, "alerts", {**detail, **pulse.detail()}, started_at)


def main() -> None:
    """Wire and run. A wrong setting is one line and exit status 2."""
    try:
        settings = load_settings()
        log.configure(settings.log_level, "alerts")
        log.name_unknown_settings()
        asyncio.run(serve(settings))
    except ConfigurationError as error:
        exit_with(error)


if __name__ == "__main__":
    main()
