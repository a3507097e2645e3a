"""New readings through the rules, band by band in the order of the band's time. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from alerts.bands import Band, Latest
from alerts.kinds import Verdict
from alerts.openings import Judged, resident_subject
from alerts.rules import evaluate
from eldercare.log import logger
from eldercare.plausible import is_heart_rate
from eldercare.wire import HeartRate, Location, Status
from ingest.decode import Reading
from ingest.readings import Told

_log = logger(__name__)
_by_time = attrgetter("ts")


@dataclass(slots=True)
class Judgement:
    """Verdicts, the newest values by device id, and how many heart rates said "not measured".

    `errors`: bands whose readings the rules could not take; these are stored all the same.
    """

    judged: list[Judged] = field(default_factory=list)
    latest: dict[str, Latest] = field(default_factory=dict)
    not_measured: int = 0
    errors: int = 0


def judge(new: Iterable[Told], bands: Mapping[str, Band], now: datetime) -> Judgement:
    """Judge readings that were not stored before, as of `now` (aware); puts the next state into each band.

    A reading from before the present wearer got the band says nothing of that person: it is stored and no more. The
    same with what the broker had kept: nobody says it now.
    """
    judgement = Judgement()
    by_band: dict[str, list[Reading]] = {}
    for device_id, reading, retained in new:
        if retained:
            continue
        by_band.setdefault(device_id, []).append(reading)
        if isinstance(reading, HeartRate) and not reading.bpm:
            judgement.not_measured += 1
    for device_id, readings in by_band.items():
        band = bands[device_id]
        if band.worn_since is not None:
            readings = [each for each in readings if each.ts >= band.worn_since]
        readings.sort(key=_by_time)
        judgement.latest[device_id] = _latest(readings)
        try:
            _evaluate(band, readings, now, judgement.judged)
        except Exception as error:
            # The rules are ours: their mistake must neither lose data nor hold up everybody else's.
            judgement.errors += 1
            _log.exception("rules_failed", device_id=device_id, error=str(error))
    return judgement


def _evaluate(band: Band, readings: list[Reading], now: datetime, judged: list[Judged]) -> None:
    if band.profile is None:
        return
    state, profile = band.state, band.profile
    found: list[Verdict] = []
    for reading in readings:
        state, verdicts = evaluate(state, reading, profile, now)
        if verdicts:
            found += verdicts
    band.state = state
    if found:
        subject = resident_subject(profile.resident_id, band.device_id)
        judged += [Judged(subject, verdict) for verdict in found]


def _latest(readings: list[Reading]) -> Latest:
    """The newest plausible heart rate, the newest fix, and the newest said of each part of the status. By time."""
    heart: HeartRate | None = None
    fix: Location | None = None
    said: dict[str, Any] = {}
    for reading in readings:
        if isinstance(reading, HeartRate):
            if is_heart_rate(reading.bpm, reading.quality):
                heart = reading
        elif isinstance(reading, Location):
            fix = reading
        else:
            said |= _said(reading)
    latest = Latest(**said)
    if heart:
        latest = latest._replace(bpm=round(heart.bpm), bpm_ts=heart.ts)
    if fix:
        latest = latest._replace(lat=fix.lat, lon=fix.lon, accuracy_m=fix.accuracy_m, location_ts=fix.ts)
    return latest


def _said(status: Status) -> dict[str, Any]:
    said = {
        "battery_pct": None if status.battery_pct is None else round(status.battery_pct),
        "charging": status.charging,
        "worn": status.worn,
        "signal_dbm": None if status.signal_dbm is None else round(status.signal_dbm),
        "firmware": status.firmware,
        "status_ts": status.ts,
    }
    return {name: value for name, value in said.items() if value is not None}
