"""New readings through the rules, band by band in the order of the band's time. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from alerts.detection.devices import Device, Latest
from alerts.model.incident import SubjectVerdict, Verdict, resident_subject
from alerts.rules import Profile, disorder, evaluate
from alerts.rules.disorder import is_heart, is_on_time, is_out_of_order
from eldercare.community.plausible import is_heart_rate
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from ingest.protocols.device_reading import DeviceReading
from ingest.protocols.mqtt_v1 import Reading

_log = logger(__name__)
_by_time = attrgetter("ts")


class Again(NamedTuple):
    """When a band's first new reading out of order was made (aware): `heart` of values and statuses, `zone` of fixes.
    None: these came in order. `begins` says from when on stored readings of each kind have to be read."""

    heart: datetime | None
    zone: datetime | None
    begins: Mapping[type[Reading], datetime]


@dataclass(slots=True)
class Evaluation:
    """Verdicts, the newest values by device id, and how many heart rates said "not measured".

    `again` holds bands whose new readings came out of order; `evaluate_again` takes them together with those stored
    before. `errors` counts bands whose readings the rules could not take; these are stored all the same.
    """

    verdicts: list[SubjectVerdict] = field(default_factory=list)
    latest: dict[str, Latest] = field(default_factory=dict)
    again: dict[str, Again] = field(default_factory=dict)
    not_measured: int = 0
    errors: int = 0


def evaluate_readings(new: Iterable[DeviceReading], devices: Mapping[str, Device], now: datetime) -> Evaluation:
    """Evaluate readings that were not stored before, as of `now` (aware), and put the next state into each device.

    A reading from before the present wearer got the band says nothing of that person, and is only stored. So is one
    that the broker had kept: nobody says it now.
    """
    evaluation = Evaluation()
    by_device: dict[str, list[Reading]] = {}
    for device_id, reading, retained in new:
        if retained:
            continue
        by_device.setdefault(device_id, []).append(reading)
        if isinstance(reading, HeartRate) and not reading.bpm:
            evaluation.not_measured += 1
    for device_id, readings in by_device.items():
        device = devices[device_id]
        if device.worn_since is not None:
            readings = [each for each in readings if each.ts >= device.worn_since]
        readings.sort(key=_by_time)
        evaluation.latest[device_id] = _latest(readings)
        try:
            _evaluate_device(device, readings, now, evaluation)
        except Exception as error:
            # The rules are ours: their mistake must neither lose data nor hold up everybody else's.
            evaluation.errors += 1
            _log.exception("rules_failed", device_id=device_id, error=error)
    return evaluation


def _evaluate_device(device: Device, readings: list[Reading], now: datetime, evaluation: Evaluation) -> None:
    if device.profile is None or not readings:
        return
    state, profile = device.state, device.profile
    heard = state.heard
    if heard is not None and readings[0].ts.timestamp() <= heard:
        readings = _in_order(device, profile, readings, now, evaluation)
    found: list[Verdict] = []
    for reading in readings:
        state, verdicts = evaluate(state, reading, profile, now)
        if verdicts:
            found += verdicts
    device.state = state
    _say(found, device, profile, evaluation)


def _say(found: Sequence[Verdict], device: Device, profile: Profile, evaluation: Evaluation) -> None:
    if found:
        subject = resident_subject(profile.resident_id, device.device_id)
        evaluation.verdicts += [SubjectVerdict(subject, verdict) for verdict in found]


def _in_order(
    device: Device, profile: Profile, readings: list[Reading], now: datetime, evaluation: Evaluation
) -> list[Reading]:
    """The readings that can be evaluated as they come. What has to be evaluated again is noted in `evaluation`."""
    firsts: dict[bool, datetime] = {}
    if (now - readings[-1].ts).total_seconds() > profile.thresholds.late_s:
        return readings  # a backlog: all of it is late
    for of_heart in (True, False):
        alike = [each for each in readings if is_heart(each) is of_heart]
        if any(is_out_of_order(device.state, each, profile, now) for each in alike):
            firsts[of_heart] = next(each.ts for each in alike if is_on_time(each, profile.thresholds, now))
    if firsts:
        evaluation.again[device.device_id] = _again(firsts.get(True), firsts.get(False), device, profile)
    return [each for each in readings if is_heart(each) not in firsts]


def _again(heart: datetime | None, zone: datetime | None, device: Device, profile: Profile) -> Again:
    reach = disorder.reach(profile.thresholds)
    begins: dict[type[Reading], datetime] = {}
    if heart is not None:
        begins[HeartRate] = heart - timedelta(seconds=reach.heart_s)
        begins[Status] = heart - timedelta(seconds=reach.wear_s)
    if zone is not None:
        begins[Location] = zone - timedelta(seconds=reach.zone_s)
    if device.worn_since is not None:
        begins = {kind: max(begin, device.worn_since) for kind, begin in begins.items()}
    return Again(heart, zone, begins)


def evaluate_again(
    evaluation: Evaluation, devices: Mapping[str, Device], stored: Mapping[str, Sequence[disorder.StoredReading]]
) -> None:
    """Evaluate the bands of `evaluation.again` by their readings `stored` since `begins`, by device id, in any
    order."""
    for device_id, again in evaluation.again.items():
        device = devices[device_id]
        readings = sorted(stored.get(device_id, ()), key=_by_its_time)
        try:
            _evaluate_device_again(device, again, readings, evaluation)
        except Exception as error:
            evaluation.errors += 1
            _log.exception("rules_failed", device_id=device_id, error=error)


def _evaluate_device_again(
    device: Device, again: Again, stored: Sequence[disorder.StoredReading], evaluation: Evaluation
) -> None:
    state, profile = device.state, device.profile
    assert profile is not None  # noqa: S101  a band that nobody wears is not evaluated
    found: list[Verdict] = []
    if again.heart is not None:
        hearts = [each for each in stored if is_heart(each.reading)]
        state, verdicts = disorder.evaluate_heart(state, hearts, again.heart.timestamp(), profile)
        found += verdicts
    if again.zone is not None:
        fixes = [each for each in stored if not is_heart(each.reading)]
        state, verdicts = disorder.evaluate_zone(state, fixes, again.zone.timestamp(), profile)
        found += verdicts
    device.state = state
    _say(found, device, profile, evaluation)


def _by_its_time(stored: disorder.StoredReading) -> datetime:
    return stored.reading.ts


def _latest(readings: list[Reading]) -> Latest:
    """The newest plausible heart rate, the newest fix, and the newest value of each part of the status; `readings` by
    time."""
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
