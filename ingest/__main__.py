"""`python -m ingest`: MQTT in. Alone it runs both pipelines, SOS in this process and telemetry in a child process.

    python -m ingest [--lane sos|telemetry]

On SIGTERM or SIGINT it stores and acknowledges what is buffered. Its sessions stay with the broker.
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


def _consumer(pipeline: str, settings: Settings) -> Consumer[Any]:
    return Consumer(settings, Telemetry(settings)) if pipeline == "telemetry" else Consumer(settings, Sos())


async def _run(settings: Settings, pipeline: str | None) -> None:
    stopping = asyncio.Event()
    consumer = _consumer(pipeline or "sos", settings)

    def stop() -> None:
        stopping.set()
        consumer.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    runtime.tune_gc()
    child = None
    if pipeline is None:
        keeping = keep_running("ingest", ("--lane", "telemetry"), stopping)
        child = tasks.start(keeping, "telemetry pipeline", may_end=True)
    try:
        await consumer.run()
    finally:
        stopping.set()
        if child is not None:
            await child


def main() -> None:
    """Run the command line. A wrong setting ends it with one line and exit status 2."""
    parser = argparse.ArgumentParser(prog="ingest", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--lane", choices=("sos", "telemetry"), help="run this pipeline only")
    pipeline: str | None = parser.parse_args().lane
    try:
        settings = load_settings()
        log.configure(settings.log_level, "ingest" if pipeline is None else f"ingest.{pipeline}")
        if pipeline != "telemetry":  # the child has the same settings
            log.name_unknown_settings(registry.sections())
        asyncio.run(_run(settings, pipeline))
    except ConfigurationError as error:
        exit_with(error)


if __name__ == "__main__":
    main()
