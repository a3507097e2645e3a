"""`python -m ingest`: MQTT in. Alone it runs both lanes, the SOS in this process and telemetry in a child.

    python -m ingest [--lane sos|telemetry]

SIGTERM or SIGINT: what is buffered is stored and acknowledged, the sessions stay with the broker.
"""

import argparse
import asyncio
import signal
from typing import Any

from alerts.channels import registry
from eldercare.platform import log, runtime, tasks
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import Settings, exit_with, load_settings
from ingest.children import keep_running
from ingest.pipeline.consumer import Consumer
from ingest.pipeline.pipelines import Sos, Telemetry


def _consumer(lane: str, settings: Settings) -> Consumer[Any]:
    return Consumer(settings, Telemetry(settings)) if lane == "telemetry" else Consumer(settings, Sos())


async def _run(settings: Settings, lane: str | None) -> None:
    stopping = asyncio.Event()
    consumer = _consumer(lane or "sos", settings)

    def stop() -> None:
        stopping.set()
        consumer.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    runtime.tune_gc()
    child = None
    if lane is None:
        keeping = keep_running("ingest", ("--lane", "telemetry"), stopping)
        child = tasks.start(keeping, "telemetry lane", may_end=True)
    try:
        await consumer.run()
    finally:
        stopping.set()
        if child is not None:
            await child


def main() -> None:
    """Command line. Exit status 2 with one line for a wrong setting."""
    parser = argparse.ArgumentParser(prog="ingest", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--lane", choices=("sos", "telemetry"), help="run this lane only")
    lane: str | None = parser.parse_args().lane
    try:
        settings = load_settings()
        log.configure(settings.log_level, "ingest" if lane is None else f"ingest.{lane}")
        if lane != "telemetry":  # the child has the same settings
            log.name_unknown_settings(registry.sections())
        asyncio.run(_run(settings, lane))
    except ConfigurationError as error:
        exit_with(error)


if __name__ == "__main__":
    main()
