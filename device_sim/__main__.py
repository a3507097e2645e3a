"""The simulators: telephones with a page to answer on, bands that live a day, recordings played again.

python -m device_sim phones | bands | scenario | replay
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.channels import registry
from alerts.channels.twilio.settings import TwilioSettings
from device_sim.seed import read_seed
from eldercare.platform import log, tasks
from eldercare.platform.errors import ConfigurationError, EldercareError
from eldercare.platform.redaction import redacted
from eldercare.platform.settings import Settings, exit_with, load_settings

SCENARIOS = ("sos", "racing-heart", "slow-heart", "wandering", "band-off", "flat-battery", "no-connection")
DEFAULT_CONTROL = "http://127.0.0.1:8020"


def main() -> None:
    """Run the command of the command line. A wrong setting or file is one line and exit status 2."""
    arguments = _parser().parse_args()
    try:
        settings = load_settings()
        log.configure(settings.log_level, service=arguments.command)
        log.name_unknown_settings(registry.sections())
        arguments.run(settings, arguments)
    except ConfigurationError as error:
        exit_with(error)
    except EldercareError as error:
        print(f"eldercare: {redacted(str(error))}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m device_sim", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)

    phones = commands.add_parser("phones", help="simulated telephones with a page to answer on")
    phones.add_argument("--port", type=int, help="default: ELDERCARE_PHONES_PORT; 0 takes a free one")
    phones.add_argument("--bands", type=Path, help="the seed's JSON, for the names on the phones")
    phones.add_argument("--log", type=Path, help="keep the log of all calls and messages in this file")
    phones.add_argument(
        "--time-scale", type=float, default=1.0, help="ring so many times as fast; 0: only /sim/advance"
    )
    phones.set_defaults(run=_run_phones)

    bands = commands.add_parser("bands", help="simulated bands, one connection each")
    bands.add_argument("--bands", type=Path, required=True, help="the seed's JSON")
    bands.add_argument("--control-port", type=int, default=8020, help="loopback port of the control; 0: a free one")
    bands.add_argument("--speed", type=float, default=1.0, help="the bands' time runs so many times as fast")
    bands.add_argument("--origin", type=_moment, help="their time at the start, RFC 3339; default: now")
    bands.add_argument("--history-hours", type=float, default=0.0, help="first send so much of the past, as backfill")
    bands.set_defaults(run=_run_bands)

    scenario = commands.add_parser("scenario", help="let something happen to a running band")
    scenario.add_argument("name", choices=SCENARIOS)
    scenario.add_argument("--band", default="any", help="device id; default: some band that is worn and connected")
    scenario.add_argument("--minutes", type=float, help="how long it lasts")
    scenario.add_argument("--control", default=DEFAULT_CONTROL, help="address of the bands' control")
    scenario.set_defaults(run=_scenario)

    replay = commands.add_parser("replay", help="play recorded heart rates, steps and positions through the broker")
    replay.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV, gzip or not; the heading says what")
    replay.add_argument("--bands", type=Path, required=True, help="the seed's JSON")
    replay.add_argument("--map", type=_pair, action="append", default=[], metavar="SUBJECT=BAND", dest="wanted")
    replay.add_argument(
        "--speed", type=_speed, default=1.0, help="so many times as fast as recorded; max or 0: no wait"
    )
    replay.add_argument("--origin", type=_moment, help="recorded time at which it starts; default: the first row's")
    replay.add_argument("--align", action="store_true", help="move every recording by whole days, to the origin")
    replay.add_argument("--hours", type=float, help="stop after so much recorded time")
    replay.add_argument(
        "--pace",
        type=float,
        metavar="SECONDS",
        help="before each such stretch of recorded time print the time and wait for a line on standard input",
    )
    replay.add_argument("--sos-at", type=_moment, help="press the SOS at this recorded time")
    replay.add_argument("--sos-band", help="on this band")
    replay.set_defaults(run=_replay)
    return parser


def _pair(text: str) -> tuple[str, str]:
    subject, found, band = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not SUBJECT=BAND")
    return subject, band


def _speed(text: str) -> float:
    try:
        speed = 0.0 if text == "max" else float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is neither max nor a number from 0")
    return speed


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not RFC 3339") from error
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset")
    return moment


def _run_phones(settings: Settings, arguments: argparse.Namespace) -> None:
    asyncio.run(_phones(settings, arguments))


def _run_bands(settings: Settings, arguments: argparse.Namespace) -> None:
    asyncio.run(_bands(settings, arguments))


async def _phones(settings: Settings, arguments: argparse.Namespace) -> None:
    from device_sim.phones.account import Account
    from device_sim.phones.server import serve

    twilio = settings.section(TwilioSettings)
    account = Account(
        sid=twilio.required("twilio_account_sid"),
        token=twilio.required("twilio_auth_token"),
        number=twilio.required("twilio_from"),
        public_url=settings.public_url,
    )
    if arguments.time_scale < 0:
        raise ConfigurationError("--time-scale: is below 0")
    people = read_seed(arguments.bands).callable_people if arguments.bands else ()
    port = settings.phones_port if arguments.port is None else arguments.port
    try:
        async with serve(
            account,
            people,
            host=settings.phones_host,
            port=port,
            time_scale=arguments.time_scale,
            log=arguments.log,
            timezone=settings.timezone,
        ) as telephones:
            log.logger(__name__).info("phones_ready", url=telephones.url)
            await _until_stopped()
    except OSError as error:
        raise ConfigurationError(f"ELDERCARE_PHONES_PORT {port}: {error.strerror}") from error


async def _bands(settings: Settings, arguments: argparse.Namespace) -> None:
    from device_sim.bands.server import live

    if arguments.speed <= 0:
        raise ConfigurationError("--speed: must be above 0")
    if arguments.history_hours < 0:
        raise ConfigurationError("--history-hours: is below 0")
    try:
        async with live(
            settings,
            read_seed(arguments.bands).residents,
            control_port=arguments.control_port,
            speed=arguments.speed,
            origin=arguments.origin,
            history=timedelta(hours=arguments.history_hours),
        ) as (fleet, url):
            log.logger(__name__).info("bands_ready", control=url, bands=len(fleet.bands))
            await _until_stopped(fleet.living)
    except OSError as error:
        raise ConfigurationError(f"--control-port {arguments.control_port}: {error.strerror}") from error


def _scenario(_settings: Settings, arguments: argparse.Namespace) -> None:
    from device_sim.bands.client import play

    answer = play(arguments.control, arguments.band, arguments.name, arguments.minutes)
    print(f"{answer['device_id']}: {answer['scenario']}")


def _replay(settings: Settings, arguments: argparse.Namespace) -> None:
    from device_sim.replay import player
    from device_sim.replay.recordings import scan
    from device_sim.replay.sender import Sender

    passwords = {one.device_id: one.mqtt_password for one in read_seed(arguments.bands).residents if one.device_id}
    if (arguments.sos_at is None) != (arguments.sos_band is None):
        raise ConfigurationError("--sos-at and --sos-band belong together")
    if arguments.sos_band not in (None, *passwords):
        raise ConfigurationError(f"--sos-band {arguments.sos_band}: the bands file has no such band")
    if arguments.pace is not None and arguments.pace <= 0:
        raise ConfigurationError("--pace: must be above 0")
    recordings = [scan(path, settings.zone) for path in arguments.files]
    bands = player.assign(recordings, dict(arguments.wanted), list(passwords))
    origin = arguments.origin or player.earliest(recordings)
    plan = player.Plan(
        recordings,
        bands,
        settings.zone,
        origin,
        speed=arguments.speed,
        shifts=player.aligned(recordings, origin, settings.zone) if arguments.align else {},
        until=origin + timedelta(hours=arguments.hours) if arguments.hours else None,
        pace=player.pace_by_lines if arguments.pace else None,
        pace_s=arguments.pace or 60.0,
        sos_at=arguments.sos_at,
        sos_band=arguments.sos_band,
    )
    used = {*bands.values(), *filter(None, [arguments.sos_band])}
    broker = settings.mqtt
    tls = settings.mqtt_tls()
    with Sender(broker, tls, {band: passwords[band] for band in sorted(used)}) as sender:
        print(json.dumps(player.Player(plan, sender).play(), ensure_ascii=False), flush=True)


async def _until_stopped(work: asyncio.Task[Any] | None = None) -> None:
    """Return at SIGTERM or Ctrl-C, or when `work` ends."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped = tasks.brief(_wait(stop.wait()), "stopping")
    await asyncio.wait({stopped} if work is None else {stopped, work}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()


async def _wait(event: Coroutine[Any, Any, Any]) -> None:
    await event


if __name__ == "__main__":
    main()
