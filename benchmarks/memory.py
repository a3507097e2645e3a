"""Resident memory of each service with 50 bands: after some minutes, and whether it still grows.

    python -m benchmarks.memory [--early MINUTES] [--late MINUTES]

Resident memory is the proportional set size (shared pages counted once) plus what is swapped, of the service and all
its children. `make bench` looks after 1 and 3 minutes; the promise (10 and 60) takes an hour and is run by hand.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import psutil

from benchmarks.stage import Stage, free_port, stage
from tests.services.processes import Server, listens, wait_until

LIMIT_MB = 150.0
GROWTH = 1.05


def resident_mb(pid: int) -> float:
    """Megabytes (10^6 bytes) of a process and its children."""
    process = psutil.Process(pid)
    total = 0
    for one in [process, *process.children(recursive=True)]:
        info = one.memory_full_info()
        total += info.pss + info.swap
    return total / 1e6


def start_line(staged: Stage) -> dict[str, Server]:
    """The whole line with 50 simulated bands and simulated telephones; returns the services to look at."""
    seeded = staged.seed(50)
    bands = staged.folder / "seed.json"
    Path(bands).write_text(json.dumps(seeded))
    phones, api = free_port(), free_port()
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
    staged.start("device_sim", "bands", "--bands", str(bands))
    return services


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--early", type=float, default=1, help="minutes until the first look")
    parser.add_argument("--late", type=float, default=3, help="minutes until the second look")
    options = parser.parse_args()
    with stage() as staged:
        services = start_line(staged)
        began, looks = time.monotonic(), []
        for minutes in (options.early, options.late):
            time.sleep(max(0.0, minutes * 60 - (time.monotonic() - began)))
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
    print(f"heart-rate rows stored meanwhile: {rows}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
