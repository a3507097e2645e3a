"""What the rules would have said of somebody's last weeks under two sets of limits.

`python -m alerts.detection.trial_play` reads `Work` as JSON and writes `Played`. It is a process of its own, with less
right to the processor than others: thirty days take seconds to play, in which whoever serves requests would answer
nobody.
"""

import os
import signal
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from alerts.model.incident import IncidentKind, Severity
from alerts.rules import Profile, Reading, Thresholds, registry
from alerts.rules.playback import Episode, Playback
from alerts.rules.rule import Day, Learnt, next_noon
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status

NICE = 5
LONGEST_S = 120
"""Seconds after which it ends itself: whoever waited for it may have been killed."""
_by_time = attrgetter("ts")
_MOTION: dict[bool | None, Literal["active", "rest"] | None] = {None: None, True: "active", False: "rest"}

Heart = tuple[float, float, int | None, bool | None]
"""When (seconds since the epoch), bpm (0: not measured), steps, whether she moved."""
Fix = tuple[float, float, float, float | None]
"""When, latitude and longitude (WGS-84 degrees), accuracy in metres."""
Told = tuple[float, float | None, bool | None, bool | None]
"""When, battery in percent, whether it was charging and worn."""


class Side(msgspec.Struct):
    """One set of limits (the values of `Thresholds`), and the heart rates where these limits have others counted."""

    limits: dict[str, Any]
    hearts: list[Heart] | None = None


class Work(msgspec.Struct):
    """What is to be played. Times in seconds since the epoch: what was recorded before `begin` is only learnt from."""

    zone: str
    home_lat: float | None
    home_lon: float | None
    safe_radius_m: float | None
    begin: float
    end: float
    hearts: list[Heart]
    fixes: list[Fix]
    told: list[Told]
    stands: Side
    wanted: Side


class Found(msgspec.Struct):
    """One incident that would have been opened. `severity` is the gravest that was reached."""

    kind: IncidentKind
    severity: Severity
    opened_as: Severity
    reason: str
    opened_at: datetime
    ended_at: datetime | None


class Played(msgspec.Struct):
    """The incidents under each of the two, by time."""

    stands: list[Found]
    wanted: list[Found]


def play(work: Work) -> Played:
    """Play both sides."""
    both = _in_order(work, work.hearts)
    return Played(*(_incidents(work, side, both) for side in (work.stands, work.wanted)))


def _incidents(work: Work, side: Side, both: Sequence[Reading]) -> list[Found]:
    zone = ZoneInfo(work.zone)
    limits = Thresholds(**side.limits)
    profile = Profile(0, work.home_lat, work.home_lon, work.safe_radius_m, None, zone, limits)
    readings = both if side.hearts is None else _in_order(work, side.hearts)
    begin = datetime.fromtimestamp(work.begin, zone)
    first = bisect_left(readings, begin, key=_by_time)
    playback = Playback(replace(profile, learnt=_learnt(readings[:first], begin, profile)))
    for reading in readings[first:]:
        playback.receive(reading, reading.ts.astimezone(zone))
    playback.wait(datetime.fromtimestamp(work.end, zone))
    return [_found(each) for each in playback.episodes]


def _learnt(readings: Sequence[Reading], begin: datetime, profile: Profile) -> Learnt:
    """What the weeks before, of readings in the order of time, show of her: a day at a time, as the service learns it.
    Each ends at noon."""
    learnt = profile.learnt
    if not readings:
        return learnt
    noon, taken = next_noon(readings[0].ts, profile.zone), 0
    while noon <= begin:
        end = bisect_left(readings, noon, lo=taken, key=_by_time)
        day = Day.ending(noon, readings[taken:end])
        learnt, _ = registry.learn(learnt, day, replace(profile, learnt=learnt))
        noon, taken = noon + timedelta(days=1), end
    return learnt


def _in_order(work: Work, hearts: Sequence[Heart]) -> list[Reading]:
    return sorted(_readings(work, hearts), key=_by_time)


def _readings(work: Work, hearts: Sequence[Heart]) -> Iterator[Reading]:
    for ts, bpm, steps, active in hearts:
        yield HeartRate.model_construct(ts=_at(ts), bpm=bpm, quality=None, steps=steps, motion=_MOTION[active])
    for ts, lat, lon, accuracy in work.fixes:
        yield Location.model_construct(ts=_at(ts), lat=lat, lon=lon, accuracy_m=accuracy)
    for ts, battery, charging, worn in work.told:
        yield Status.model_construct(ts=_at(ts), battery_pct=battery, charging=charging, worn=worn)


def _at(ts: float) -> datetime:
    return datetime.fromtimestamp(ts, UTC)


def _found(episode: Episode) -> Found:
    ended_at = episode.ended_at and episode.ended_at.astimezone(UTC)
    opened_at = episode.opened_at.astimezone(UTC)
    return Found(episode.kind, episode.severity, episode.opened_as, episode.reason, opened_at, ended_at)


def main() -> None:
    """Read, play, write."""
    os.nice(NICE)
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=Work)
    sys.stdout.buffer.write(msgspec.json.encode(play(work)))


if __name__ == "__main__":
    signal.alarm(LONGEST_S)  # of this process alone, and so not in main
    main()
