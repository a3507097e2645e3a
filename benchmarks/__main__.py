"""`make bench`: every measurement, one after the other, each in a process of its own.

    python -m benchmarks [NAME ...]

Exit status 1 when a figure misses its target.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import goals

MEASUREMENTS = {
    "sos": "milliseconds from a press to the provider's HTTP request",
    "telemetry": "durable telemetry against the least loop that acknowledges after COMMIT",
    "rules": "alarms per person-day on recordings, microseconds per reading",
    "stillness": "falls, mornings in bed and lost pulses put into recordings",
    "wandering": "leaving home at night, circles and pacing, and who goes out by day",
    "nights": "leaving home at night by other ways than straight on, and nights at home",
    "on_foot": "circles and pacing of somebody whose band counts steps",
    "trends": "the resting rate of the nights, and single values",
    "chart": "the heart-rate chart of thirty days over a year of data",
    "memory": "resident memory of each service",
}


def main() -> None:
    """Run the measurements named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    names = parser.parse_args().names or list(MEASUREMENTS)
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        parser.error(f"{unknown[0]}: is none of {', '.join(MEASUREMENTS)}")
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "goals")
        for name in names:
            print(f"== {name}: {MEASUREMENTS[name]}", flush=True)
            if importlib.util.find_spec(f"benchmarks.{name}") is None:
                parser.error(f"benchmarks/{name}.py is missing")
            environment = {**os.environ, goals.FILE: str(rows)}
            run = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False, env=environment)
            if run.returncode:
                missed.append(name)
        lines = list(goals.table(goals.read(rows)))
    if lines:
        print("== every goal of the rules")
        print("\n".join(lines))
    print(f"== missed a target: {', '.join(missed)}" if missed else "== every target was met")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
