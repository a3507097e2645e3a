"""Nights without a circle: who leaves home by other ways than straight on, and who stays at home all night.

    python -m benchmarks.nights

As in `benchmarks.wandering` nothing is chosen by a person or a file, and the drift of fixes is recorded. It comes here
in three ways as well: as there; only by the half of the windows that are worse; and stretched to 40 minutes, so that it
stays on one side of home for as long as somebody who sits there does.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import cos, hypot, pi, sin
from operator import attrgetter

from alerts.model.incident import IncidentKind
from alerts.rules.playback import Playback
from benchmarks import recordings
from benchmarks.goals import Goals
from benchmarks.wandering import (
    AT_HOME,
    INCIDENTS_PER_DAY,
    MONDAY,
    NIGHT_IN_TIME_S,
    SEED,
    Drift,
    Found,
    Point,
    Way,
    Window,
    drift_windows,
    fixes_of,
    leaves,
)
from eldercare.protocol.mqtt_v1 import HeartRate, Location

RHYTHMS_S = (60, 120, 300)
EXITS, NIGHTS = 60, 240
"""Of each kind, drift and rhythm."""
STEP_M = 0.5
"""Metres a step of somebody old."""
MADE_M = 4000.0
"""Metres of a way that are made up."""
Leaves = Callable[[random.Random], Way]
"""A way from home, that begins after an hour there."""


def straight(kmh: float) -> Leaves:
    """Away in one direction."""
    return lambda chance: leaves(kmh, chance.uniform(0, 2 * pi), 3600)


def blocks(kmh: float) -> Leaves:
    """Along streets, straight on or round a corner after 80 to 250 m."""
    return lambda chance: _walked(
        kmh, lambda: (chance.uniform(80, 250), chance.choice((0, 0, pi / 2, -pi / 2))), chance
    )


def winding(kmh: float) -> Leaves:
    """Hither and thither, a little to one side after every 10 m."""
    return lambda chance: _walked(kmh, lambda: (10.0, chance.gauss(0, 0.25)), chance)


def stays(metres: float) -> Leaves:
    """Straight to a place, and there on a bench."""

    def way(chance: random.Random) -> Way:
        angle = chance.uniform(0, 2 * pi)

        def at(second: float) -> Point:
            along = min(metres, max(0.0, second - 3600) * 3.5 / 3.6)
            return along * cos(angle), along * sin(angle)

        return at

    return way


def _walked(kmh: float, leg: Callable[[], tuple[float, float]], chance: random.Random) -> Way:
    """A way of legs, each so many metres long, with a turn by so many radians after it."""
    corners, along, heading = [(0.0, 0.0, 0.0)], 0.0, chance.uniform(0, 2 * pi)
    while along < MADE_M:
        metres, turn = leg()
        _, east, north = corners[-1]
        along += metres
        corners.append((along, east + metres * cos(heading), north + metres * sin(heading)))
        heading += turn

    def way(second: float) -> Point:
        metres = max(0.0, second - 3600) * kmh / 3.6
        for (before, *here), (after, *there) in pairwise(corners):
            if metres < after:
                share = (metres - before) / (after - before)
                return here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])
        return corners[-1][1:]

    return way


KINDS = {
    "straight on at 2 km/h": straight(2),
    "straight on at 6 km/h": straight(6),
    "straight on at 10 km/h": straight(10),
    "straight on at 20 km/h": straight(20),
    "along streets at 2.5 km/h": blocks(2.5),
    "along streets at 3.5 km/h": blocks(3.5),
    "along streets at 4.5 km/h": blocks(4.5),
    "winding at 3.5 km/h": winding(3.5),
    "to a bench 300 m off": stays(300),
    "to a bench 500 m off": stays(500),
}


def leaving(windows: Sequence[Window], kind: str, rhythm_s: float, count: int, *, steps: bool) -> tuple[Found, Found]:
    """Somebody at home for an hour who leaves between 23:05 and 04:25: all, and those who are truly more than 200 m off
    at one of the fixes of the first 12 minutes at least. With `steps` a value a minute says how many she made."""
    chance, everybody, outside = random.Random(f"{SEED} {kind} {rhythm_s}"), Found(), Found()
    for _ in range(count):
        begin = MONDAY + timedelta(hours=22, seconds=chance.uniform(300, 5.4 * 3600))
        way = KINDS[kind](chance)
        fixes = list(fixes_of(way, begin, 5400, rhythm_s, Drift(windows, chance)))
        hearts = list(steps_of(way, begin, 5400)) if steps else []
        left = begin + timedelta(hours=1)
        told = _first_told(sorted([*fixes, *hearts], key=attrgetter("ts")), left)
        everybody.add(told, NIGHT_IN_TIME_S)
        first = [(fix.ts - begin).total_seconds() for fix in fixes]
        if any(hypot(*way(second)) > 200 for second in first if second <= 3600 + NIGHT_IN_TIME_S):
            outside.add(told, NIGHT_IN_TIME_S)
    return everybody, outside


def steps_of(way: Way, begin: datetime, seconds: int) -> Iterator[HeartRate]:
    """A value a minute, with the steps since the one before it."""
    for second in range(60, seconds, 60):
        metres = hypot(*(new - old for new, old in zip(way(second), way(second - 60), strict=True)))
        yield recordings.heart_rate(begin + timedelta(seconds=second), 75, None, round(metres / STEP_M))


def _first_told(readings: Sequence[HeartRate | Location], begin: datetime) -> float | None:
    playback = Playback(AT_HOME)
    for reading in readings:
        playback.receive(reading, reading.ts)
    told = [each.opened_at for each in playback.episodes if each.reason == "left_at_night" and each.opened_at >= begin]
    return (min(told) - begin).total_seconds() if told else None


class Stretched(Drift):
    """The same drift, four times as slow."""

    def at(self, second: float) -> Point:
        """Metres east and north; seconds never go back."""
        return super().at(second // 4)


def worse_half(windows: Sequence[Window]) -> Sequence[Window]:
    """The windows whose fixes lie further off."""

    def off(window: Window) -> float:
        return sorted(hypot(east, north) for _, east, north in window)[int(0.9 * (len(window) - 1))]

    return sorted(windows, key=off)[len(windows) // 2 :]


def at_home(windows: Sequence[Window], rhythm_s: float, count: int, drift: type[Drift]) -> Counter[str]:
    """How often what was told of so many nights at home, from 22:00 to 05:30."""
    chance, reasons = random.Random(f"{SEED} at home {rhythm_s}"), Counter[str]()
    for night in range(count):
        begin, playback = MONDAY + timedelta(days=2 * night, hours=22), Playback(AT_HOME)
        for fix in fixes_of(lambda _: (0.0, 0.0), begin, 7.5 * 3600, rhythm_s, drift(windows, chance)):
            playback.receive(fix, fix.ts)
        reasons.update(each.reason for each in playback.episodes if each.kind is IncidentKind.WANDERING)
    return reasons


def main() -> None:
    """Print all of it; exit status 1 where a figure misses its goal."""
    goals = Goals()
    if not recordings.found():
        sys.exit(f"benchmarks.nights: {recordings.HOW}")
    windows = drift_windows(recordings.tracks())
    print(f"seed {SEED}; {len(windows)} windows of drift")
    for steps in (False, True):
        known = "steps known" if steps else "nothing known of steps"
        for rhythm_s in RHYTHMS_S:
            for kind in KINDS:
                everybody, outside = leaving(windows, kind, rhythm_s, EXITS, steps=steps)
                print(f"{kind}, a fix per {rhythm_s} s, {known}: {everybody}", end="; ")
                print(f"of those outside at a fix {outside.in_time} of {outside.put_in} in time")
    for rhythm_s in (*RHYTHMS_S, 600):
        for name, those, drift in (
            ("recorded drift", windows, Drift),
            ("the worse half of it", worse_half(windows), Drift),
            ("stretched to 40 min", windows, Stretched),
        ):
            told = at_home(those, rhythm_s, NIGHTS, drift)
            print(f"{NIGHTS} nights at home, a fix per {rhythm_s} s, {name}: {dict(told) or 'nothing told'}")
            if drift is Drift:
                goals.at_most(
                    f"told of a night at home, a fix per {rhythm_s} s, {name}",
                    sum(told.values()) / NIGHTS,
                    INCIDENTS_PER_DAY,
                )
    goals.finish()


if __name__ == "__main__":
    main()
