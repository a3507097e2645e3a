"""Recorded heart rates and tracks through broker and ingest, as fast as they are stored: what becomes of them.

    python -m benchmarks.replay [--hours HOURS] [FILE ...]

Six people's heart rates (Stanford) and six people's tracks (GeoLife) by default, each on a band of its own, moved by
whole days to one origin. A stand-in for the duty staff closes what is open every second, so that one incident does not
hide the next. Exit status 1 when a message was rejected.
"""

import argparse
import json
import subprocess
import sys
import threading
import time

from benchmarks.sos import forget_incidents
from benchmarks.stage import ROOT, stage

DATA = ROOT.parent / "shared" / "data"
FILES = [DATA / "hr_stanford" / "heartrate.csv.gz", DATA / "hr_stanford" / "steps.csv.gz",
         DATA / "gps_geolife" / "gps.csv.gz"]  # fmt: skip
CLOSE_EVERY_S = 1.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, help="stop after so much recorded time")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    files = options.files or [str(file) for file in FILES]
    if not options.files and not FILES[0].exists():
        raise SystemExit("bench: the recordings are absent beside the project")
    with stage() as staged:
        seeded = staged.seed(12)
        bands = staged.folder / "seed.json"
        bands.write_text(json.dumps(seeded))
        # A stretch of four recorded minutes never fills a batch, so each waits for a batch's age.
        staged.start("ingest", services=("ingest.sos", "ingest.telemetry"), ELDERCARE_BATCH_AGE_MS="5")
        began, over = time.monotonic(), threading.Event()

        def close_incidents() -> None:
            while not over.wait(CLOSE_EVERY_S):
                forget_incidents(staged.database_url)

        duty = threading.Thread(target=close_incidents)
        duty.start()
        limit = ["--hours", str(options.hours)] if options.hours else []
        done = subprocess.run(
            [sys.executable, "-m", "eldercare", "replay", *files, "--bands", str(bands), "--speed", "max", "--align",
             *limit],
            cwd=ROOT, env=staged.environment, check=False,
        )  # fmt: skip
        over.set()
        duty.join()
        print(f"took {time.monotonic() - began:.0f} s")
        rejected = staged.value("select count(*) from rejected")
        for row in ("heart_rate", "location"):
            print(f"{row}: {staged.value(f'select count(*) from {row}')} rows")
        print(f"rejected: {rejected}")
    sys.exit(1 if done.returncode or rejected else 0)


if __name__ == "__main__":
    main()
