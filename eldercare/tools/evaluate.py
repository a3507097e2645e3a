"""`eldercare evaluate`: recordings through the rules, without broker or database.

The files are those of `replay`. Times keep their hour of day: one without a zone is of the profile's `timezone`. Where
a file of steps covers a subject, a minute without steps is known to be at rest; elsewhere nothing is known of movement.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tqdm import tqdm

from alerts.policies import acts
from alerts.policies.defaults import DEFAULTS
from alerts.policies.escalation_policy import LAST_RESORT
from alerts.rules import Profile, Reading, Thresholds
from alerts.rules.playback import Episode, Playback
from device_sim.replay.recordings import Measure, Recording, Row, merged, rows, scan, subjects
from eldercare.platform.errors import InvalidInput
from eldercare.protocol.mqtt_v1 import HeartRate, Location

STEP_MINUTE_S = 60.0
"""A row of steps counts the minute that begins at its time."""


class Record(BaseModel):
    """What a resident's record holds that the rules know; all of it is optional. WGS-84 degrees, metres."""

    model_config = ConfigDict(extra="forbid", strict=True)

    home_lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    home_lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    safe_radius_m: Annotated[float, Field(ge=50, le=10_000)] | None = None
    """The circle around home that somebody has drawn, if any."""
    timezone: str | None = None
    rule_overrides: dict[str, Any] = Field(default_factory=dict)


@dataclass
class Evaluated:
    """What became of one subject's recording.

    `days`: on how many dates of the profile's zone something was recorded. `refused`: rows that ingest would refuse,
    by the field that is wrong.
    """

    subject: str
    days: int
    rows: int
    episodes: list[Episode]
    refused: Counter[str] = field(default_factory=Counter)


def read_profile(path: Path | None, timezone: str) -> Profile:
    """The profile in a JSON file, or one of which nothing is known. Raises InvalidInput naming the field."""
    record = Record() if path is None else _record(path)
    if (record.home_lat is None) is not (record.home_lon is None):
        raise InvalidInput("home_lat", "and home_lon are given together, or neither is")
    try:
        zone = ZoneInfo(record.timezone or timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput("timezone", f"{record.timezone!r} is no time zone, as Asia/Shanghai is") from error
    limits = Thresholds().with_overrides(record.rule_overrides)
    return Profile(0, record.home_lat, record.home_lon, record.safe_radius_m, None, zone, limits)


def _record(path: Path) -> Record:
    try:
        return Record.model_validate(json.loads(path.read_bytes()), strict=True)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidInput(str(path), str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{path}: {'.'.join(map(str, first['loc']))}", first["msg"]) from error


def evaluate(files: Sequence[Path], profile: Profile, *, progress: bool = True) -> Iterator[Evaluated]:
    """Play every subject of the files, one after the other. Raises InvalidInput naming file, line and what is wrong."""
    zone = profile.zone
    assert isinstance(zone, ZoneInfo)  # noqa: S101  read_profile made it
    recordings = [scan(path, zone) for path in files]
    total = sum(extent.count for recording in recordings for extent in recording.extents.values())
    with tqdm(total=total, unit=" rows", disable=None if progress else True, mininterval=0.5, file=sys.stderr) as bar:
        for subject in subjects(recordings):
            yield _play(subject, recordings, profile, zone, bar)


def _play(subject: str, recordings: Sequence[Recording], profile: Profile, zone: ZoneInfo, bar: Any) -> Evaluated:
    of_subject = [recording for recording in recordings if subject in recording.extents]
    playback, days, count = Playback(profile), set[date](), 0
    refused = Counter[str]()
    steps = _Steps(_covered(of_subject, subject, zone))
    for row in merged([rows(recording, subject, zone) for recording in of_subject]):
        count += 1
        if count % 4096 == 0:
            bar.update(4096)
        days.add(row.ts.astimezone(zone).date())
        if row.measure is Measure.STEPS:
            steps.add(row)
            continue
        try:
            reading = _reading(row, steps)
        except ValidationError as error:
            refused[".".join(map(str, error.errors()[0]["loc"]))] += 1
            continue
        playback.receive(reading, _moment(row.delivered, zone))
    bar.update(count % 4096)
    return Evaluated(subject, len(days), count, playback.episodes, refused)


def _reading(row: Row, steps: "_Steps") -> Reading:
    if row.measure is Measure.LOCATION:
        accuracy = row.values[2] if len(row.values) > 2 else None
        return Location(ts=row.ts, lat=row.values[0], lon=row.values[1], accuracy_m=accuracy)
    taken, motion = steps.take(row.ts.timestamp())
    return HeartRate(ts=row.ts, bpm=row.values[0], steps=taken, motion=motion)


class _Steps:
    """The steps that the next heart rate carries, and until when their wearer is known to move (epoch seconds)."""

    def __init__(self, covered: tuple[float, float] | None) -> None:
        self._covered = covered
        self._pending = 0
        self._until = 0.0

    def add(self, row: Row) -> None:
        """A minute with steps, or a counted one without."""
        if row.values[0] > 0:
            self._pending += int(row.values[0])
            self._until = max(self._until, row.ts.timestamp() + STEP_MINUTE_S)

    def take(self, ts: float) -> tuple[int | None, Any]:
        """Steps since the last value, and `motion`; None and None where nothing was counted."""
        if self._covered is None or not self._covered[0] <= ts <= self._covered[1] + STEP_MINUTE_S:
            return None, None
        steps, self._pending = self._pending, 0
        return steps, "active" if ts < self._until else "rest"


def _covered(recordings: Sequence[Recording], subject: str, zone: ZoneInfo) -> tuple[float, float] | None:
    """The first and the last minute in which steps were counted (epoch seconds)."""
    counted = [
        row.ts.timestamp()
        for recording in recordings
        if recording.measure is Measure.STEPS
        for row in rows(recording, subject, zone)
    ]
    return (min(counted), max(counted)) if counted else None


def _moment(seconds: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(seconds, zone)


def line(subject: str, episode: Episode) -> str:
    """One incident as JSON; times in RFC 3339 with the profile's offset. `acts` is what it makes happen first by the
    policies that a community starts with."""
    return json.dumps(
        {
            "subject": subject,
            "kind": episode.kind,
            "severity": episode.severity,
            "reason": episode.reason,
            "opened_at": episode.opened_at.isoformat(),
            "ended_at": episode.ended_at and episode.ended_at.isoformat(),
            "acts": acts.first_of(DEFAULTS.get((episode.kind, episode.opened_as), LAST_RESORT)),
        },
        ensure_ascii=False,
    )


def summary(everybody: Sequence[Evaluated]) -> list[str]:
    """For people: incidents by kind and severity, of each subject, of all, and of whoever had most a day."""
    lines, total, days = list[str](), Counter[str](), sum(each.days for each in everybody)
    worst: dict[str, tuple[float, str]] = {}
    for each in everybody:
        counts = _counts(each)
        total += counts
        for name, count in counts.items():
            worst[name] = max(worst.get(name, (0.0, "")), (count / each.days, each.subject))
        lines.append(f"{each.subject}: {each.days} 天 days, {each.rows:,} 行 rows{_refused(each)}")
        lines += [f"  {name}: {count} ({count / each.days:.3f} 每天 a day)" for name, count in sorted(counts.items())]
    lines.append(f"{len(everybody)} 人 people, {days} 人日 person-days")
    for name, count in sorted(total.items()):
        rate, who = worst[name]
        lines.append(f"  {name}: {count} ({count / days:.3f} 每人日 per person-day; 最多 worst {who} {rate:.3f})")
    return lines


def _counts(evaluated: Evaluated) -> Counter[str]:
    return Counter(f"{episode.kind} {episode.severity}" for episode in evaluated.episodes)


def _refused(evaluated: Evaluated) -> str:
    if not evaluated.refused:
        return ""
    fields = ", ".join(f"{name} {count:,}" for name, count in sorted(evaluated.refused.items()))
    return f"，拒收 refused: {fields}"
