"""New readings through the rules, band by band in the order of the band's time. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from alerts.detection.bands import Band, Latest
from alerts.model.incident import Judged, Verdict, resident_subject
from alerts.rules import Profile, disorder, evaluate
from alerts.rules.disorder import is_heart, is_on_time, is_out_of_order
from eldercare.community.plausible import is_heart_rate
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from ingest.protocols.mqtt_v1 import Reading
from ingest.protocols.told import DeviceReading

_log = logger(__name__)
_by_time = attrgetter("ts")


class Again(NamedTuple):
    """When the first of the new readings of a band was made, of values and statuses and of fixes, each aware; None:
    these came in order. `begins`: from when on what is stored has to be read, of each kind."""

    heart: datetime | None
    zone: datetime | None
    begins: Mapping[type[Reading], datetime]


@dataclass(slots=True)
class Judgement:
    """Verdicts, the newest values by device id, and how many heart rates said "not measured".

    `again`: bands whose new readings came out of order; they are judged by `judge_again`, with those stored before.
    `errors`: bands whose readings the rules could not take; these are stored all the same.
    """

    judged: list[Judged] = field(default_factory=list)
    latest: dict[str, Latest] = field(default_factory=dict)
    again: dict[str, Again] = field(default_factory=dict)
    not_measured: int = 0
    errors: int = 0


def judge(new: Iterable[DeviceReading], bands: Mapping[str, Band], now: datetime) -> Judgement:
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
            _evaluate(band, readings, now, judgement)
        except Exception as error:
            # The rules are ours: their mistake must neither lose data nor hold up everybody else's.
            judgement.errors += 1
            _log.exception("rules_failed", device_id=device_id, error=error)
    return judgement


def _evaluate(band: Band, readings: list[Reading], now: datetime, judgement: Judgement) -> None:
    if band.profile is None or not readings:
        return
    state, profile = band.state, band.profile
    heard = state.heard
    if heard is not None and readings[0].ts.timestamp() <= heard:
        readings = _in_order(band, profile, readings, now, judgement)
    found: list[Verdict] = []
    for reading in readings:
        state, verdicts = evaluate(state, reading, profile, now)
        if verdicts:
            found += verdicts
    band.state = state
    _say(found, band, profile, judgement)


def _say(found: Sequence[Verdict], band: Band, profile: Profile, judgement: Judgement) -> None:
    if found:
        subject = resident_subject(profile.resident_id, band.device_id)
        judgement.judged += [Judged(subject, verdict) for verdict in found]


def _in_order(
    band: Band, profile: Profile, readings: list[Reading], now: datetime, judgement: Judgement
) -> list[Reading]:
    """The readings that can be judged as they come; what has to be judged again is told in `judgement`."""
    firsts: dict[bool, datetime] = {}
    if (now - readings[-1].ts).total_seconds() > profile.thresholds.late_s:
        return readings  # a backlog: all of it is late
    for of_heart in (True, False):
        told = [each for each in readings if is_heart(each) is of_heart]
        if any(is_out_of_order(band.state, each, profile, now) for each in told):
            firsts[of_heart] = next(each.ts for each in told if is_on_time(each, profile.thresholds, now))
    if firsts:
        judgement.again[band.device_id] = _again(firsts.get(True), firsts.get(False), band, profile)
    return [each for each in readings if is_heart(each) not in firsts]


def _again(heart: datetime | None, zone: datetime | None, band: Band, profile: Profile) -> Again:
    reach = disorder.reach(profile.thresholds)
    begins: dict[type[Reading], datetime] = {}
    if heart is not None:
        begins[HeartRate] = heart - timedelta(seconds=reach.heart_s)
        begins[Status] = heart - timedelta(seconds=reach.wear_s)
    if zone is not None:
        begins[Location] = zone - timedelta(seconds=reach.zone_s)
    if band.worn_since is not None:
        begins = {kind: max(begin, band.worn_since) for kind, begin in begins.items()}
    return Again(heart, zone, begins)


def judge_again(judgement: Judgement, bands: Mapping[str, Band], stored: Mapping[str, Sequence[disorder.Told]]) -> None:
    """Judge the bands of `judgement.again` by what is `stored` of them since `begins`, by device id, in any order."""
    for device_id, again in judgement.again.items():
        band = bands[device_id]
        told = sorted(stored.get(device_id, ()), key=_by_its_time)
        try:
            _evaluate_again(band, again, told, judgement)
        except Exception as error:
            judgement.errors += 1
            _log.exception("rules_failed", device_id=device_id, error=error)


def _evaluate_again(band: Band, again: Again, told: Sequence[disorder.Told], judgement: Judgement) -> None:
    state, profile = band.state, band.profile
    assert profile is not None  # noqa: S101  of nobody nothing is judged
    found: list[Verdict] = []
    if again.heart is not None:
        hearts = [each for each in told if is_heart(each.reading)]
        state, verdicts = disorder.judge_heart(state, hearts, again.heart.timestamp(), profile)
        found += verdicts
    if again.zone is not None:
        fixes = [each for each in told if not is_heart(each.reading)]
        state, verdicts = disorder.judge_zone(state, fixes, again.zone.timestamp(), profile)
        found += verdicts
    band.state = state
    _say(found, band, profile, judgement)


def _by_its_time(told: disorder.Told) -> datetime:
    return told.reading.ts


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
