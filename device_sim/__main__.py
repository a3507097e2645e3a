"""`python -m device_sim phones`: the simulators' commands."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from device_sim.phones.account import Account
from device_sim.phones.server import serve
from device_sim.seed import read_seed
from eldercare import log
from eldercare.errors import ConfigurationError
from eldercare.settings import Settings, exit_with, load_settings


def main() -> None:
    """Run the command of the command line. A wrong setting or file is one line and exit status 2."""
    arguments = _parser().parse_args()
    try:
        settings = load_settings()
        log.configure(settings.log_level, service=arguments.command)
        asyncio.run(arguments.run(settings, arguments))
    except ConfigurationError as error:
        exit_with(error)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m device_sim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    phones = commands.add_parser("phones", help="simulated telephones with a page to answer on")
    phones.add_argument("--port", type=int, help="default: ELDERCARE_PHONES_PORT; 0 takes a free one")
    phones.add_argument("--bands", type=Path, help="the seed's JSON, for the names on the phones")
    phones.add_argument("--log", type=Path, help="keep the log of all calls and messages in this file")
    phones.add_argument(
        "--time-scale", type=float, default=1.0, help="ring so many times as fast; 0: only /sim/advance"
    )
    phones.set_defaults(run=_phones)
    return parser


async def _phones(settings: Settings, arguments: argparse.Namespace) -> None:
    account = Account(
        sid=settings.required("twilio_account_sid"),
        token=settings.required("twilio_auth_token"),
        number=settings.required("twilio_from"),
        public_url=settings.public_url,
    )
    if arguments.time_scale < 0:
        raise ConfigurationError("--time-scale: is below 0")
    people = read_seed(arguments.bands).callable_people if arguments.bands else ()
    port = settings.phones_port if arguments.port is None else arguments.port
    try:
        async with serve(
            account, people, host=settings.phones_host, port=port, time_scale=arguments.time_scale, log=arguments.log
        ) as telephones:
            log.logger(__name__).info("phones_ready", url=telephones.url)
            await _stopped()
    except OSError as error:
        raise ConfigurationError(f"ELDERCARE_PHONES_PORT {port}: {error.strerror}") from error


async def _stopped() -> None:
    """Return at SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    main()
