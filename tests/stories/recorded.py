"""The first hour of each subject of real recordings, moved to one morning: everybody is heard in a short replay."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

BEGINS = datetime(2026, 3, 10, 8, 0)  # noqa: DTZ001  the wall time of the community, as the recordings have it
LENGTH = timedelta(hours=1)


def mornings(files: Sequence[Path], folder: Path) -> list[Path]:
    """A file for each of `files` with the same columns: every subject's rows of an hour, from 08:00 on."""
    return [_morning(file, folder / file.name.removesuffix(".gz")) for file in files]


def _morning(source: Path, target: Path) -> Path:
    with target.open("w", newline="") as written, gzip.open(source, "rt", newline="") as lines:
        rows = csv.reader(lines)
        heading = next(rows)
        output = csv.writer(written)
        output.writerow(heading)
        output.writerows(_first_hours(rows, heading.index("ts")))
    return target


def _first_hours(rows: Iterator[list[str]], at: int) -> Iterator[list[str]]:
    first: dict[str, datetime] = {}
    for row in rows:
        ts = datetime.fromisoformat(row[at]).replace(tzinfo=None)
        elapsed = ts - first.setdefault(row[0], ts)
        if timedelta(0) <= elapsed < LENGTH:
            yield [*row[:at], (BEGINS + elapsed).isoformat(), *row[at + 1 :]]
