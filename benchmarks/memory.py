"""Resident memory of each service with 50 bands: after some minutes, and whether it still grows.

    python -m benchmarks.memory [--early MINUTES] [--late MINUTES]

Resident memory is the sum over a service's processes, shared pages counted in each. Meanwhile 50 simulated bands live
their day, one presses now and then, and somebody looks at the API every other second. `make bench` looks after 1 and 3
minutes; the promise (10 and 60) takes an hour: `python -m benchmarks.memory --early 10 --late 60`.
"""

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.stage import Stage, free_port, stage
from tests.support.services.processes import Server, listens, wait_until

LIMIT_MB = 150.0
GROWTH = 1.05


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its children, in megabytes (10^6 bytes)."""
    process = psutil.Process(pid)
    total = 0
    for one in [process, *process.children(recursive=True)]:
        total += one.memory_info().rss
    return total / 1e6


LOOKED_AT = ("residents", "residents/{id}/heart-rate", "residents/{id}/locations", "incidents", "devices")
LOOK_EVERY_S = 2.0
PRESS_EVERY = 30


class Visitor:
    """The duty officer's session on the API, and a finger on the bands' buttons."""

    def __init__(self, seeded: dict[str, Any], api: int, control: int) -> None:
        duty = next(user for user in seeded["users"] if user["role"] == "duty")
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{api}/api/v1/", timeout=30)
        answer = self._client.post("session", json={"username": duty["username"], "password": duty["password"]})
        self._client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"
        self._control = control
        self._residents = itertools.cycle([resident["id"] for resident in seeded["residents"]])
        self.looks = 0

    def stay_until(self, moment: float) -> None:
        """Look around until this moment of the monotonic clock."""
        while time.monotonic() < moment:
            resident = next(self._residents)
            for path in LOOKED_AT:
                self._client.get(path.format(id=resident)).raise_for_status()
            if self.looks % PRESS_EVERY == 0:
                httpx.post(f"http://127.0.0.1:{self._control}/bands/any/scenarios/sos", json={}).raise_for_status()
            self.looks += 1
            time.sleep(LOOK_EVERY_S)


def start_line(staged: Stage) -> tuple[dict[str, Server], Visitor]:
    """Start the whole line with 50 simulated bands and simulated telephones; returns the services to look at."""
    seeded = staged.seed(50)
    bands = staged.folder / "seed.json"
    Path(bands).write_text(json.dumps(seeded))
    phones, api, control = free_port(), free_port(), free_port()
    staged.environment |= {
        "ELDERCARE_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
        "ELDERCARE_TWILIO_AUTH_TOKEN": "bench",
        "ELDERCARE_TWILIO_FROM": "+99900000000",
        "ELDERCARE_TWILIO_API_URL": f"http://127.0.0.1:{phones}",
        "ELDERCARE_PHONES_PORT": str(phones),
        "ELDERCARE_PUBLIC_URL": f"http://127.0.0.1:{api}",
        "ELDERCARE_API_PORT": str(api),
    }
    staged.start("device_sim", "phones", "--bands", str(bands))
    wait_until(lambda: listens(phones), "the simulated telephones")
    services = {
        "ingest": staged.start("ingest", services=("ingest.sos", "ingest.telemetry")),
        "alerts": staged.start("alerts", services=("alerts",)),
        "api": staged.start("api"),
    }
    wait_until(lambda: listens(api), "api")
    staged.start("device_sim", "bands", "--bands", str(bands), "--control-port", str(control))
    wait_until(lambda: listens(control), "the simulated bands")
    return services, Visitor(seeded, api, control)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--early", type=float, default=1, help="minutes until the first look")
    parser.add_argument("--late", type=float, default=3, help="minutes until the second look")
    options = parser.parse_args()
    with stage() as staged:
        services, visitor = start_line(staged)
        began, looks = time.monotonic(), []
        for minutes in (options.early, options.late):
            visitor.stay_until(began + minutes * 60)
            looks.append({name: resident_mb(server.pid) for name, server in services.items()})
        rows = staged.value("select count(*) from heart_rate")
    missed = 0
    for name in services:
        early, late = looks[0][name], looks[1][name]
        print(
            f"memory {name}: {early:.1f} MB after {options.early:g} min, {late:.1f} MB after {options.late:g} min,"
            f" ratio {late / early:.3f} (target {GROWTH}), limit {LIMIT_MB:g} MB"
        )
        missed += (max(early, late) > LIMIT_MB) + (late / early > GROWTH)
    print(f"meanwhile {rows} heart-rate rows were stored, the API was asked {visitor.looks * len(LOOKED_AT)} times")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
