"""Durable telemetry: messages a second that ingest stores, beside the least that still acknowledges after COMMIT.

    python -m benchmarks.telemetry [--messages 25000] [--rounds 5]

`bare_loop.py` and our telemetry pipeline take turns on the same broker and database, one process each, batches of
2,000, fed by the same load as fast as the broker takes it. A rate is that from the first message to the last commit.
All readings are of the last ten minutes, so that every one goes through the rules. CPU seconds are those of the
process and of all of the database's processes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import psycopg

from benchmarks.stage import BARE_LOOP, ROOT, Stage, stage
from eldercare.platform import runtime
from eldercare.platform.settings import Settings, load_settings, parse_mqtt_url
from ingest.pipeline.consumer import Consumer
from ingest.pipeline.pipelines import Large, Stored, Taken, Telemetry
from ingest.pipeline.writer import Received
from ingest.transports.mqtt.packets import Published

TARGET = 0.75
BATCH = 2000
TIMEOUT_S = 120


@dataclass(frozen=True)
class Drained:
    """Messages a second; CPU seconds per 1,000 messages of the client and of the database."""

    rate: float
    client_cpu: float
    database_cpu: float


class Timed(Telemetry):
    """The telemetry pipeline, which notes when its first message came and when the last was committed."""

    def __init__(self, settings: Settings, messages: int) -> None:
        super().__init__(settings)
        self._left = messages
        self.began, self.cpu = 0.0, 0.0
        self.done = asyncio.Event()

    def receive(self, message: Published, at: float) -> Taken[Received | Large] | None:
        """Receive as the pipeline does. What the broker says of itself comes before the load, and is no part of it."""
        began, cpu = time.perf_counter(), time.process_time()
        taken = super().receive(message, at)
        if taken is not None and not self.began:
            self.began, self.cpu = began, cpu
        return taken

    async def store(self, conn: psycopg.AsyncConnection, messages: Sequence[Received | Large]) -> Stored:
        """Store as the pipeline does."""
        stored = await super().store(conn, messages)
        assert stored.counters.rows == len(messages), "the load is new and good"
        self._left -= len(messages)
        if self._left <= 0:
            self.began, self.cpu = time.perf_counter() - self.began, time.process_time() - self.cpu
            self.done.set()
        return stored


async def drain(messages: int, load: list[str]) -> None:
    """Run the telemetry pipeline for `messages` messages, which `load` publishes; prints figures as `bare_loop.py`
    does."""
    settings = load_settings(batch_size=BATCH)
    runtime.tune_gc()
    pipeline = Timed(settings, messages)
    consumer: Consumer[Received | Large] = Consumer(settings, pipeline)
    running = asyncio.create_task(consumer.run())
    while not consumer.connected:  # noqa: ASYNC110  once, before anything is measured
        await asyncio.sleep(0.01)
    feeding = await asyncio.create_subprocess_exec(*load, stdout=subprocess.DEVNULL)
    done = asyncio.create_task(pipeline.done.wait())
    await asyncio.wait((done, running), timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    consumer.stop()
    await running
    if not done.done():
        raise SystemExit(f"bench: not everything came within {TIMEOUT_S} s: {consumer.counters.detail()}")
    await feeding.wait()
    figures = {
        "messages_per_second": round(messages / pipeline.began),
        "cpu_seconds_per_1000": round(pipeline.cpu / messages * 1000, 4),
    }
    print(json.dumps(figures))


def enroll(url: str, devices: int) -> None:
    """Enroll the bands of the load, each worn by somebody with a home."""
    with psycopg.connect(url) as conn:
        conn.execute(
            "with worn as (insert into resident (name, address, home_lat, home_lon)"
            " select '老人 ' || n, n || ' 号', 31.2, 121.4 from generate_series(1, %s) n returning id)"
            ", bands as (insert into device (id) select 'band-' || to_char(id, 'FM0000') from worn returning id)"
            " select from bands",
            (devices,),
        )
        conn.execute(
            "insert into assignment (device_id, resident_id, period) select 'band-' || to_char(id, 'FM0000'), id,"
            " tstzrange(now() - interval '1 day', null) from resident"
        )


def forget_states(url: str) -> None:
    """Forget everything heard before, so that the rules of every round have the same to do."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("truncate device_state, heart_rate")
        conn.execute("vacuum")
        conn.execute("checkpoint")


def database_cpu(url: str) -> float:
    """CPU seconds that all processes of the database have used until now, ended ones too."""
    with psycopg.connect(url) as conn:
        parent = psutil.Process(conn.info.backend_pid).parent()
        assert parent is not None
        own = parent.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in parent.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # ended meanwhile, and counted by the parent next time
                times = child.cpu_times()
                total += times.user + times.system
    return total


def measured(staged: Stage, command: list[str], messages: int) -> Drained:
    """Run a drain to its end and read its figures."""
    forget_states(staged.database_url)
    staged.broker.forget()  # the pipeline's session would have kept the load of the bare loop
    before = database_cpu(staged.database_url)
    done = subprocess.run(command, cwd=ROOT, env=staged.environment, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command[:4])} ended with {done.returncode}")
    used = database_cpu(staged.database_url) - before
    figures = json.loads(done.stdout.splitlines()[-1])
    return Drained(figures["messages_per_second"], figures["cpu_seconds_per_1000"], 1000 * used / messages)


def compare(staged: Stage, messages: int, devices: int, rounds: int) -> float:
    """Take turns and print the medians; returns our rate as a share of the bare loop's."""
    address = parse_mqtt_url(staged.broker.url)
    common = ["--mqtt", f"{address.host}:{address.port}", "--user", str(address.username),
              "--password", str(address.password), "--messages", str(messages), "--devices", str(devices)]  # fmt: skip
    bare = [sys.executable, str(BARE_LOOP), "both", *common, "--database", staged.database_url, "--batch", str(BATCH)]
    load = [sys.executable, str(BARE_LOOP), "load", *common]
    ours = [sys.executable, "-m", "benchmarks.telemetry", "--messages", str(messages), "--drain", json.dumps(load)]
    results: dict[str, list[Drained]] = {"bare loop": [], "ingest": []}
    for _ in range(rounds):
        results["bare loop"].append(measured(staged, bare, messages))
        results["ingest"].append(measured(staged, ours, messages))
    for name, runs in results.items():
        rate, client, database = (
            statistics.median(getattr(run, field) for run in runs) for field in ("rate", "client_cpu", "database_cpu")
        )
        print(
            f"telemetry {devices} bands, {name}: {rate:.0f} messages/s, CPU s per 1,000: {client:.3f} client,"
            f" {database:.3f} database; runs {[round(run.rate) for run in runs]}"
        )
    pairs = zip(results["ingest"], results["bare loop"], strict=True)
    return statistics.median(ours.rate / bare.rate for ours, bare in pairs)


def main() -> None:
    """Command line. Exit status 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=25_000, help="per drain; at most 29,000 with 50 bands")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--drain", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drain:
        asyncio.run(drain(options.messages, json.loads(options.drain)))
        return
    if not BARE_LOOP.exists():
        raise SystemExit(f"bench: {BARE_LOOP.name} is absent beside the project: nothing to compare with")
    with stage() as staged:
        enroll(staged.database_url, 2000)
        print(f"telemetry: {os.cpu_count()} cores, batches of {BATCH}, synchronous_commit on")
        ratio = compare(staged, options.messages, 50, options.rounds)
        print(f"telemetry 50 bands: {ratio:.2f} of the bare loop (target {TARGET})")
        many = compare(staged, options.messages, 2000, options.rounds)
        print(f"telemetry 2000 bands: {many:.2f} of the bare loop (no target)")
    sys.exit(1 if ratio < TARGET else 0)


if __name__ == "__main__":
    main()
