"""SOS from publish to the provider's HTTP request, idle and under telemetry, in milliseconds.

    python -m benchmarks.sos [--presses 300] [--runs 3] [--rate MESSAGES_PER_SECOND]

Each press comes from another band, over the real broker, with all of ingest and alerts between. The load is
`bare_loop.py load` at 80 % of the rate that ingest sustains here; without `--rate` that rate is measured first.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.provider import Provider, Request
from benchmarks.stage import BARE_LOOP, Stage, stage
from eldercare.platform.settings import parse_mqtt_url

TARGETS_MS = {"idle": (6.0, 15.0), "loaded": (12.0, 30.0)}
LOAD_SHARE = 0.8


@dataclass(frozen=True)
class Latency:
    """Median and 99th percentile of a run, in milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Latency":
        """Make the figures from a list of durations in seconds."""
        cuts = statistics.quantiles(seconds, n=100, method="inclusive")
        return cls(round(cuts[49] * 1000, 2), round(cuts[98] * 1000, 2))


class Presser:
    """Publishes presses and waits for the provider's first request for each."""

    def __init__(self, staged: Stage) -> None:
        self.arrivals: asyncio.Queue[Request] = asyncio.Queue()
        self.provider = Provider(self.arrivals.put_nowait)
        address = parse_mqtt_url(staged.broker.url)
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-presser")
        self.client.username_pw_set(address.username, address.password)
        self.client.connect(address.host, address.port, keepalive=0)
        # Without a thread, the client puts a publish on the wire at once. Waiting for a thread is no part of the
        # measurement.
        connection = self.client.socket()
        assert connection is not None
        asyncio.get_running_loop().add_reader(connection.fileno(), self.client.loop_read)

    async def press(self, device_id: str) -> float:
        """Press; returns the seconds from publish to first provider request. Waits for further requests and drops
        them."""
        payload = json.dumps({"event_id": uuid.uuid4().hex})
        began = time.monotonic()
        self.client.publish(f"eldercare/v1/{device_id}/sos", payload, qos=1)
        first = await asyncio.wait_for(self.arrivals.get(), 20)
        await self.settle()
        return first.at - began

    async def settle(self) -> None:
        """Wait until the provider has been quiet for 30 ms: by then the other people of the step have been rung too."""
        while True:
            try:
                await asyncio.wait_for(self.arrivals.get(), 0.03)
            except TimeoutError:
                return


def durable_commit_ms(url: str, commits: int = 200) -> float:
    """Median milliseconds of a one-row durable transaction here and now."""
    with psycopg.connect(url) as conn:
        conn.execute("create table bench_commit (n integer)")
        conn.commit()
        taken = []
        for n in range(commits):
            began = time.perf_counter()
            conn.execute("insert into bench_commit values (%s)", (n,))
            conn.commit()
            taken.append(time.perf_counter() - began)
        conn.execute("drop table bench_commit")
    return round(statistics.median(taken) * 1000, 2)


def forget_incidents(url: str) -> None:
    """End the presses of a run, so that their later steps do not ring into the next."""
    with psycopg.connect(url) as conn:
        conn.execute("update notification set status = 'cancelled' where status in ('queued', 'sending')")
        conn.execute("update incident set state = 'resolved', due_at = null where state <> 'resolved'")


def bare_load(staged: Stage, messages: int, rate: float | None, devices: int = 50) -> subprocess.Popen[bytes]:
    """Start publishing telemetry of `devices` bands, at `rate` messages a second or as fast as the broker takes."""
    address = parse_mqtt_url(staged.broker.url)
    command = [sys.executable, str(BARE_LOOP), "load", "--mqtt", f"{address.host}:{address.port}",
               "--user", str(address.username), "--password", str(address.password),
               "--messages", str(messages), "--devices", str(devices)]  # fmt: skip
    return subprocess.Popen(command + (["--rate", str(rate)] if rate else []), stdout=subprocess.DEVNULL)


def sustained_rate(staged: Stage, messages: int = 100_000) -> float:
    """Messages a second that ingest stores when fed as fast as the broker takes them."""
    before = staged.value("select count(*) from heart_rate")
    load = bare_load(staged, messages, None)
    began, stored = time.monotonic(), 0
    while stored < messages * 0.999:
        time.sleep(0.25)
        stored = staged.value("select count(*) from heart_rate") - before
        if time.monotonic() - began > 120:
            break
    seconds = time.monotonic() - began
    load.wait(60)
    return stored / seconds


async def one_run(presser: Presser, devices: list[str]) -> Latency:
    """Press once on each band, one after the other."""
    taken = []
    for device_id in devices:
        await asyncio.sleep(random.uniform(0.005, 0.03))
        taken.append(await presser.press(device_id))
    return Latency.of(taken)


async def measure(presses: int, runs: int, rate: float | None, idle_only: bool) -> int:
    """Print the figures; returns the number of missed targets."""
    with stage() as staged:
        seeded = staged.seed(max(presses, 50))
        devices = [resident["device_id"] for resident in seeded["residents"]][:presses]
        presser = Presser(staged)
        base = await presser.provider.start()
        staged.environment |= {
            "ELDERCARE_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
            "ELDERCARE_TWILIO_AUTH_TOKEN": "bench",
            "ELDERCARE_TWILIO_FROM": "+99900000000",
            "ELDERCARE_TWILIO_API_URL": base,
            "ELDERCARE_PUBLIC_URL": "http://127.0.0.1:1",
        }
        await asyncio.to_thread(staged.start, "ingest", services=("ingest.sos", "ingest.telemetry"))
        await asyncio.to_thread(staged.start, "alerts", services=("alerts",))
        print(f"durable commit p50 {durable_commit_ms(staged.database_url)} ms")
        missed = await phase("idle", presser, staged, devices, runs)
        if not idle_only:
            if not BARE_LOOP.exists():
                raise SystemExit(f"bench: {BARE_LOOP.name} is absent beside the project: no load to measure under")
            sustained = rate / LOAD_SHARE if rate else await asyncio.to_thread(sustained_rate, staged)
            fed = sustained * LOAD_SHARE
            print(f"telemetry sustained {sustained:.0f} messages/s; fed at {fed:.0f}")
            load = bare_load(staged, int(fed * 600), fed)
            try:
                await asyncio.sleep(3)
                missed += await phase("loaded", presser, staged, devices, runs)
                if load.poll() is not None:
                    raise SystemExit("bench: the load ended before the presses did")
            finally:
                load.kill()
                load.wait()
        await presser.provider.stop()
        return missed


async def phase(name: str, presser: Presser, staged: Stage, devices: list[str], runs: int) -> int:
    """Make `runs` runs of one kind; the median of their figures has to meet the target. Returns how many targets it
    misses."""
    results = []
    for _ in range(runs):
        results.append(await one_run(presser, devices))
        await asyncio.to_thread(forget_incidents, staged.database_url)
        await presser.settle()
    p50 = statistics.median(result.p50 for result in results)
    p99 = statistics.median(result.p99 for result in results)
    target50, target99 = TARGETS_MS[name]
    print(
        f"SOS {name}: p50 {p50} ms (target {target50:g}), p99 {p99} ms (target {target99:g});"
        f" {len(devices)} bands, runs {[(result.p50, result.p99) for result in results]}"
    )
    return (p50 > target50) + (p99 > target99)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presses", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=float, help="feed at this many messages a second instead of measuring first")
    parser.add_argument("--idle-only", action="store_true")
    options = parser.parse_args()
    missed = asyncio.run(measure(options.presses, options.runs, options.rate, options.idle_only))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
