"""Recordings that others made, read from beside the repository: never copied into it."""

import csv
import gzip
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter
from pathlib import Path
from typing import Literal, NamedTuple

from eldercare.protocol.mqtt_v1 import HeartRate, Location

Motion = Literal["rest", "active"]
FOLDER = Path(os.environ.get("ELDERCARE_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")
HOW = f"the recordings are missing: put them into {FOLDER} or name their folder in ELDERCARE_SHARED_DATA"


def found() -> bool:
    """Whether the recordings are there."""
    return (FOLDER / "hr_stanford" / "heartrate.csv.gz").exists()


def _rows(path: str) -> Iterator[dict[str, str]]:
    file = FOLDER / path
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        yield from csv.DictReader(lines)


def _moment(text: str) -> datetime:
    """A time of the recordings. One without an offset is the wearer's wall time, and is taken as UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def stanford() -> dict[str, list[HeartRate]]:
    """Six adults by subject, in the recorded order; minutes with steps are `active`, others of the counter `rest`."""
    steps = {(row["subject"], row["ts"][:16]) for row in _rows("hr_stanford/steps.csv.gz")}
    counted = {
        row["subject"]: (_moment(row["steps_first"]), _moment(row["steps_last"]))
        for row in _rows("hr_stanford/coverage.csv")
    }
    people: dict[str, list[HeartRate]] = defaultdict(list)
    for row in _rows("hr_stanford/heartrate.csv.gz"):
        subject, ts = row["subject"], _moment(row["ts"])
        first, last = counted[subject]
        moves: Motion | None = (
            "active" if (subject, row["ts"][:16]) in steps else "rest" if first <= ts <= last else None
        )
        people[subject].append(heart_rate(ts, float(row["bpm"]), moves))
    return people


class Value(NamedTuple):
    """One heart rate of a recording, and the steps of its minute: 0 for none, None where none were counted."""

    ts: datetime
    bpm: float
    steps: int | None


Errors = Sequence[float]
"""A wrist's errors in the order in which they were made, beats per minute."""


def stanford_steps() -> dict[str, list[Value]]:
    """Six adults by subject, by time, with the steps of each minute."""
    steps = {(row["subject"], row["ts"][:16]): int(float(row["steps"])) for row in _rows("hr_stanford/steps.csv.gz")}
    counted = {
        row["subject"]: (_moment(row["steps_first"]), _moment(row["steps_last"]))
        for row in _rows("hr_stanford/coverage.csv")
    }
    people: dict[str, list[Value]] = defaultdict(list)
    taken: set[tuple[str, str]] = set()
    for row in _rows("hr_stanford/heartrate.csv.gz"):
        subject, ts = row["subject"], _moment(row["ts"])
        first, last = counted[subject]
        minute = (subject, row["ts"][:16])
        walked = steps.get(minute, 0) if minute not in taken or minute not in steps else 1
        taken.add(minute)
        people[subject].append(Value(ts, float(row["bpm"]), walked if first <= ts <= last else None))
    return {who: sorted(values, key=attrgetter("ts")) for who, values in people.items()}


def fitabase() -> dict[str, list[HeartRate]]:
    """Four adults by subject, a value every 5 to 10 s, nothing known of their movement."""
    people: dict[str, list[HeartRate]] = defaultdict(list)
    for row in _rows("hr_fitabase/heartrate.csv.gz"):
        people[row["subject"]].append(heart_rate(_moment(row["ts"]), float(row["bpm"]), None))
    return people


def wrist_errors() -> list[list[float]]:
    """A wristband's values less what an ECG strap measured within 5 s (median), for five people over 60 at rest."""
    beats: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for row in _rows("hr_elderly_rest/ecg_chest_strap.csv"):
        beats[row["subject"]].append((_moment(row["ts"]), float(row["bpm"])))
    errors: dict[str, list[float]] = defaultdict(list)
    for row in _rows("hr_elderly_rest/wristband.csv"):
        ts = _moment(row["ts"])
        if near := [bpm for when, bpm in beats[row["subject"]] if abs((when - ts).total_seconds()) <= 5]:
            errors[row["subject"]].append(float(row["bpm"]) - statistics.median(near))
    return list(errors.values())


def tihm() -> dict[str, list[HeartRate]]:
    """27 people of over 70 with dementia by subject, in the recorded order, measured once or a few times a day."""
    people: dict[str, list[HeartRate]] = defaultdict(list)
    for row in _rows("tihm_elderly/heartrate.csv"):
        people[row["subject"]].append(heart_rate(_moment(row["ts"]), float(row["bpm"]), None))
    return people


def tihm_pulse_alerts() -> set[tuple[str, date]]:
    """The people and days of theirs on which the clinicians of TIHM had an alert about the pulse."""
    rows = _rows("tihm_elderly/clinical_alerts.csv")
    return {(row["subject"], _moment(row["ts"]).date()) for row in rows if row["clinical_alert"] == "Pulse"}


def tracks() -> dict[str, list[Location]]:
    """Seven people by user: GeoLife's six, who say no accuracy, and one who does."""
    people: dict[str, list[Location]] = defaultdict(list)
    for path in ("gps_geolife/gps.csv.gz", "gps_other/gps.csv"):
        for row in _rows(path):
            accuracy = float(row["accuracy_m"]) if row.get("accuracy_m") else None
            people[row["user"]].append(location(_moment(row["ts"]), float(row["lat"]), float(row["lon"]), accuracy))
    return people


def heart_rate(ts: datetime, bpm: float, motion: Motion | None, steps: int | None = None) -> HeartRate:
    """A reading as the decoder would hand it on. It is not validated: there are a million of them."""
    return HeartRate.model_construct(ts=ts, bpm=bpm, motion=motion, steps=steps)


def location(ts: datetime, lat: float, lon: float, accuracy_m: float | None) -> Location:
    """A fix as the decoder would hand it on."""
    return Location.model_construct(ts=ts, lat=lat, lon=lon, accuracy_m=accuracy_m)


def days(readings: Sequence[HeartRate] | Sequence[Location]) -> int:
    """On how many calendar days something was recorded."""
    return len({reading.ts.date() for reading in readings})
