"""The heart-rate chart of thirty days in the API: over a year of minute data, and over a hundred times the residents.

    python -m benchmarks.chart [--scale 1.0] [--requests 300]

50 residents with a value each minute for a year (26 million rows), then, in a database of its own, 5,000 with a value
each half-hour (88 million). `--scale 0.1` takes a tenth of the residents. Every request is another resident, the
thirty days end anywhere in the year, and the points are by the hour, as the console's month shows them.
"""

import argparse
import contextlib
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from benchmarks.stage import Stage, free_port, stage, wait_until
from tests.support.services.processes import listens

P95_MS = 50.0
RATIO = 1.5
YEAR = 365
MONTH = timedelta(days=30)
WARM_UP = 30
LOADERS = 2


@dataclass(frozen=True)
class Case:
    """`residents` residents, each with a value every `every_minutes` minutes for a year."""

    residents: int
    every_minutes: int

    @property
    def rows(self) -> int:
        """How many values that makes."""
        return self.residents * YEAR * 24 * 60 // self.every_minutes

    def hours(self, start: datetime, end: datetime) -> set[int]:
        """How many hours a chart of this time touches; one more where it does not begin with an hour."""
        whole = round((end - start).total_seconds() / 3600)
        return {whole, whole + 1}


@dataclass(frozen=True)
class Measured:
    """Milliseconds of the requests, and what was loaded."""

    p50: float
    p95: float
    rows: int
    load_s: float


_WEEK = """
insert into heart_rate (device_id, ts, received_at, bpm, quality, motion, steps)
select device_id, ts, ts + interval '1 second',
       65 + 20 * (extract(hour from ts) between 7 and 21)::int
          + (hashtext(device_id) %% 99 + extract(minute from ts)::int) %% 12,
       80 + extract(minute from ts)::int %% 20, 'rest', 0
from generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 second', %(step)s) as ts
cross join assignment
order by ts, device_id
"""
"""A week in the order in which it would have come: all bands of a moment, then the next moment."""


def load(staged: Stage, case: Case, end: datetime) -> float:
    """Write a year of values up to `end`, week by week; returns the seconds it took, vacuum and analyze included."""
    began = time.monotonic()
    with psycopg.connect(staged.database_url, autocommit=True) as conn:
        # This loads and does not serve: what a crash loses is loaded again.
        conn.execute("alter system set max_wal_size = '4GB'")
        conn.execute("alter system set checkpoint_timeout = '1h'")
        conn.execute("select pg_reload_conf()")
        conn.execute("update assignment set period = tstzrange(%s, null)", (end - timedelta(days=YEAR + 1),))
    first = end - timedelta(days=YEAR)
    cuts = [first + timedelta(days=days) for days in range(0, YEAR, 7)] + [end]
    step = timedelta(minutes=case.every_minutes)

    def week(number: int) -> None:
        with psycopg.connect(staged.database_url, autocommit=True) as conn:
            conn.execute("set synchronous_commit = off")
            conn.execute("set work_mem = '128MB'")
            conn.execute(_WEEK, {"start": cuts[number], "end": cuts[number + 1], "step": step})

    week(0)
    with ThreadPoolExecutor(LOADERS) as loaders:
        list(loaders.map(week, range(1, len(cuts) - 1)))
    with psycopg.connect(staged.database_url, autocommit=True) as conn:
        conn.execute("vacuum (analyze) heart_rate")
        conn.execute("analyze assignment")
        conn.execute("checkpoint")
    return time.monotonic() - began


def log_in(seeded: dict[str, Any], port: int) -> httpx.Client:
    """Log in as the duty officer."""
    duty = next(user for user in seeded["users"] if user["role"] == "duty")
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", timeout=120)
    answer = client.post("session", json={"username": duty["username"], "password": duty["password"]})
    client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"
    return client


def ask(client: httpx.Client, case: Case, residents: list[int], end: datetime, chance: random.Random) -> float:
    """Ask for one chart; returns the milliseconds. Raises AssertionError where it does not show every hour and value of
    its time."""
    last = end - timedelta(minutes=chance.randrange((YEAR - 30) * 24 * 60))
    query = {"from": (last - MONTH).isoformat(), "to": last.isoformat(), "bucket": "1h"}
    path = f"residents/{chance.choice(residents)}/heart-rate"
    began = time.perf_counter()
    answer = client.get(path, params=query)
    taken = time.perf_counter() - began
    points = answer.raise_for_status().json()["items"]
    assert len(points) in case.hours(last - MONTH, last), f"{path}: {len(points)} points"
    assert sum(point["count"] for point in points) == MONTH // timedelta(minutes=case.every_minutes), path
    return taken * 1000


def measure(case: Case, requests: int) -> Measured:
    """Load the case on a stage of its own and ask the real API for charts, one after the other."""
    chance = random.Random(case.residents)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with stage() as staged:
        seeded = staged.seed(case.residents)
        load_s = load(staged, case, end)
        rows = staged.value("select count(*) from heart_rate")
        assert rows == case.rows, f"{rows} rows instead of {case.rows}"
        port = free_port()
        staged.start("api", ELDERCARE_API_PORT=str(port))
        wait_until(lambda: listens(port), "api")
        residents = [resident["id"] for resident in seeded["residents"] if resident["device_id"]]
        assert len(residents) == case.residents
        with contextlib.closing(log_in(seeded, port)) as client:
            for _ in range(WARM_UP):
                ask(client, case, residents, end, chance)
            taken = [ask(client, case, residents, end, chance) for _ in range(requests)]
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return Measured(cuts[49], cuts[94], rows, load_s)


def main() -> None:
    """Print both cases and their ratio; exit status 1 when one misses its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the residents, for a quick look")
    parser.add_argument("--requests", type=int, default=300)
    options = parser.parse_args()
    cases = [Case(max(2, round(50 * options.scale)), 1), Case(max(2, round(5000 * options.scale)), 30)]
    measured = []
    for case in cases:
        one = measure(case, options.requests)
        measured.append(one)
        print(
            f"chart, {case.residents:,} residents, a value every {case.every_minutes} min, {one.rows:,} rows"
            f" (loaded in {one.load_s:.0f} s): p50 {one.p50:.1f} ms, p95 {one.p95:.1f} ms",
            flush=True,
        )
    few, many = measured
    ratio = many.p95 / few.p95
    print(f"p95 {few.p95:.1f} ms, target {P95_MS:g}; many over few {ratio:.2f}, target {RATIO:g}")
    sys.exit(0 if few.p95 <= P95_MS and ratio <= RATIO else 1)


if __name__ == "__main__":
    main()
