"""Recorded files as streams of rows, in the order in which they were delivered.

A file is CSV, gzip or not, with a heading: `subject,ts,bpm`, `subject,ts,steps` or `user,ts,lat,lon[,accuracy_m]`;
other columns are ignored. The order of a subject's rows is the order of delivery: a row whose time steps back came
late, and is delivered when the row before it is. A time without a zone is the community's.
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from zoneinfo import ZoneInfo

from eldercare.platform.errors import InvalidInput

SUBJECT_COLUMNS = ("subject", "user")


class Measure(IntEnum):
    """What a file holds. Steps come first among rows delivered at one instant, so that the heart rate carries them."""

    STEPS = 0
    HEART_RATE = 1
    LOCATION = 2


COLUMNS = {
    Measure.STEPS: ("steps",),
    Measure.HEART_RATE: ("bpm",),
    Measure.LOCATION: ("lat", "lon"),
}
OPTIONAL = {Measure.LOCATION: ("accuracy_m",)}


class Row(NamedTuple):
    """One recorded value, or a pair, at `ts` (aware), delivered at `delivered` (seconds since 1970)."""

    delivered: float
    measure: Measure
    subject: str
    ts: datetime
    values: tuple[float, ...]


@dataclass
class Extent:
    """Where a subject's rows are in a file: offset of the first, how many, and the time of the first."""

    offset: int
    line: int
    count: int
    first: datetime


@dataclass(frozen=True)
class Recording:
    """A file that has been looked through once."""

    path: Path
    measure: Measure
    columns: tuple[int, ...]
    """Positions of the subject, the time and the values."""
    extents: dict[str, Extent] = field(default_factory=dict)


def scan(path: Path, zone: ZoneInfo) -> Recording:
    """Look through a file: its measure, its subjects and where they are. Raises InvalidInput naming file and line."""
    try:
        with _open(path) as file:
            heading = file.readline()
            measure, columns = _columns(path, heading.decode("utf-8-sig", "replace"))
            recording = Recording(path, measure, columns)
            offset = len(heading)
            for number, line in enumerate(file, start=2):
                if line.strip():
                    _extend(recording, line, number, offset, zone)
                offset += len(line)
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise InvalidInput(str(path), str(error)) from error
    if not recording.extents:
        raise InvalidInput(str(path), "has no rows")
    return recording


def rows(recording: Recording, subject: str, zone: ZoneInfo, shift: timedelta = timedelta(0)) -> Iterator[Row]:
    """One subject's rows in the order of delivery. Raises InvalidInput.

    `shift` is added to what the clocks of `zone` show, so that whole days keep the hour of day.
    """
    extent = recording.extents[subject]
    name = subject.encode()
    delivered = float("-inf")
    seen = 0
    with _open(recording.path) as file:
        file.seek(extent.offset)
        for number, line in enumerate(file, start=extent.line):
            cells = line.rstrip(b"\r\n").split(b",")
            if cells[recording.columns[0]] != name:
                continue
            ts = _moment(recording, cells, number, zone)
            if shift:
                ts = ts.astimezone(zone) + shift
            delivered = max(delivered, ts.timestamp())
            yield Row(delivered, recording.measure, subject, ts, _values(recording, cells, number))
            seen += 1
            if seen == extent.count:
                return


def merged(streams: Sequence[Iterator[Row]]) -> Iterator[Row]:
    """All streams as one, by time of delivery; only one row of each is in memory."""
    return merge(*streams, key=lambda row: (row.delivered, row.measure))


def subjects(recordings: Sequence[Recording]) -> list[str]:
    """Every subject once, in order of appearance."""
    return list(dict.fromkeys(subject for recording in recordings for subject in recording.extents))


def first_of(recordings: Sequence[Recording], subject: str) -> datetime:
    """The time of a subject's first row, over all files."""
    return min(recording.extents[subject].first for recording in recordings if subject in recording.extents)


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def _columns(path: Path, heading: str) -> tuple[Measure, tuple[int, ...]]:
    names = [name.strip() for name in heading.split(",")]
    who = next((names.index(name) for name in SUBJECT_COLUMNS if name in names), None)
    for measure, wanted in COLUMNS.items():
        if who is not None and "ts" in names and all(name in names for name in wanted):
            present = (*wanted, *(name for name in OPTIONAL.get(measure, ()) if name in names))
            return measure, (who, names.index("ts"), *(names.index(name) for name in present))
    raise InvalidInput(
        str(path), f"heading {heading.strip()[:80]!r} has not subject,ts and bpm or steps, nor user,ts,lat,lon"
    )


def _extend(recording: Recording, line: bytes, number: int, offset: int, zone: ZoneInfo) -> None:
    cells = line.rstrip(b"\r\n").split(b",")
    if len(cells) <= max(recording.columns):
        raise InvalidInput(f"{recording.path}:{number}", f"has {len(cells)} cells")
    subject = cells[recording.columns[0]].decode("utf-8", "replace")
    extent = recording.extents.get(subject)
    if extent is None:
        recording.extents[subject] = Extent(offset, number, 1, _moment(recording, cells, number, zone))
    else:
        extent.count += 1


def _moment(recording: Recording, cells: list[bytes], number: int, zone: ZoneInfo) -> datetime:
    text = cells[recording.columns[1]].decode("ascii", "replace")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{recording.path}:{number}", f"ts {text!r} is not ISO 8601") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _values(recording: Recording, cells: list[bytes], number: int) -> tuple[float, ...]:
    try:
        return tuple(float(cells[column]) for column in islice(recording.columns, 2, None))
    except ValueError as error:
        raise InvalidInput(f"{recording.path}:{number}", f"a value is not a number: {error}") from error
