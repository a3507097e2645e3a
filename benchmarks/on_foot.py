"""Circles and pacing of somebody whose band counts steps, and the weeks of somebody who dances and cleans.

    python -m benchmarks.on_foot

Steps are counted once a minute, a fifth of them not at all. Nothing here is chosen by a person or a file; the drift of
fixes is that of `benchmarks.wandering`.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import hypot
from operator import attrgetter

from alerts.model.incident import IncidentKind
from alerts.rules import Profile
from alerts.rules.playback import Playback
from benchmarks import recordings
from benchmarks.goals import Goals
from benchmarks.nights import STEP_M
from benchmarks.rules import Quiet
from benchmarks.wandering import (
    AT_HOME,
    CIRCLES_IN_TIME_S,
    INCIDENTS_PER_DAY,
    MONDAY,
    SEED,
    Drift,
    Found,
    Way,
    Window,
    along,
    at_home_by_night,
    drift_windows,
    fixes_of,
    goes_round,
    report_quiet,
    week,
)
from eldercare.protocol.mqtt_v1 import HeartRate, Location

RHYTHMS_S = (60, 120, 180, 300)
COUNT = 40
DAYS = 21
LEAST_LENGTH_M = {60: 120, 120: 120, 180: 120}
"""Metres from which on pacing is found where steps are known, by the rhythm of fixes; in slower ones it is not."""
PACING_WHY = (
    "nine fixes in 45 min, and 22 on a line of 80 m, often lie so that no line is seen, or always at one place of it"
)
DANCES_H = ((19.0, 20.8), (20.5, 22.5), (5.25, 6.25))
"""Local hours: on the square after dinner, late, or exercise before dawn; one of these for each person."""
CLEANS_H = (8.0, 22.2)
"""She begins to clean between these hours, so that now and then it is late in the evening."""
DANCE_STEPS, CLEANING_STEPS = 70, 60
"""Steps a minute of who dances, with three minutes of rest in twenty, and of who cleans."""


Hours = tuple[float, float]


def rounds(windows: Sequence[Window], who: Profile, rhythm_s: float, size_m: float, *, paces: bool) -> Found:
    """Somebody who is out in the morning alone and at three in the afternoon goes in circles for an hour, else as in
    `benchmarks.wandering`."""
    chance, found = random.Random(f"{SEED} steps {rhythm_s} {size_m} {paces}"), Found()
    begin = MONDAY + timedelta(days=29, hours=15)
    for _ in range(COUNT):
        way, kmh = goes_round(chance, size_m, paces=paces)
        drift, before = Drift(windows, chance), begin - timedelta(hours=1)
        readings: list[HeartRate | Location] = [*fixes_of(lambda _: (0.0, 0.0), before, 3600, rhythm_s, drift)]
        readings += fixes_of(way, begin, 3600, rhythm_s, drift)
        for minute in range(-60, 60):
            steps = round(kmh / 3.6 * 60 / STEP_M * chance.uniform(0.8, 1)) if minute > 0 else 0
            readings.append(recordings.heart_rate(begin + timedelta(minutes=minute), 75, None, steps))
        playback = _played(readings, who)
        told = [each.opened_at for each in playback.episodes if each.reason == "going_in_circles"]
        late = [(each - begin).total_seconds() for each in told if each >= begin]
        found.add(min(late) if late else None, CIRCLES_IN_TIME_S)
    return found


def _played(readings: list[HeartRate | Location], who: Profile = AT_HOME) -> Playback:
    playback = Playback(who)
    for reading in sorted(readings, key=attrgetter("ts")):
        playback.receive(reading, reading.ts)
    return playback


def old_person(windows: Sequence[Window], rhythm_s: float, number: int) -> Quiet:
    """Weeks of somebody who walks as in `benchmarks.wandering`, dances on the square, and cleans at home."""
    chance = random.Random(f"{SEED} steps {number} {rhythm_s}")
    drift = Drift(windows, chance)
    readings: list[HeartRate | Location] = []
    for day, plan in enumerate(week(DAYS, chance)):
        way, begin = along(plan), MONDAY + timedelta(days=day)
        readings += fixes_of(way, begin, 86400, rhythm_s, drift)
        readings += _steps(way, begin, chance, DANCES_H[number % len(DANCES_H)] if day % 2 == 0 else None)
    playback = _played(readings)
    return Quiet(f"old {number}", DAYS, [each for each in playback.episodes if each.kind is IncidentKind.WANDERING])


def _steps(way: Way, begin: datetime, chance: random.Random, dances_h: Hours | None) -> Iterator[HeartRate]:
    """A day of steps, minute by minute: what she walks, a dance, and an hour of cleaning."""
    cleans = chance.randrange(*(round(60 * each) for each in CLEANS_H))
    for minute in range(1, 1440):
        metres = hypot(*(new - old for new, old in zip(way(minute * 60), way(minute * 60 - 60), strict=True)))
        steps = metres / STEP_M if metres < 120 else 0.0
        if dances_h and dances_h[0] * 60 <= minute < dances_h[1] * 60 and minute % 20 > 2:
            steps = max(steps, DANCE_STEPS)
        elif cleans <= minute < cleans + 60:
            steps = max(steps, CLEANING_STEPS)
        yield recordings.heart_rate(begin + timedelta(minutes=minute), 75, None, round(steps * chance.uniform(0.8, 1)))


def main() -> None:
    """Print all of it; exit status 1 where a figure misses its goal."""
    goals = Goals()
    if not recordings.found():
        sys.exit(f"benchmarks.on_foot: {recordings.HOW}")
    windows = drift_windows(recordings.tracks())
    print(f"seed {SEED}; {len(windows)} windows of drift")
    for rhythm_s in RHYTHMS_S:
        people = [old_person(windows, rhythm_s, number) for number in range(3)]
        title = f"weeks of somebody old who dances, steps known, a fix per {rhythm_s} s"
        goals.at_most(f"{title}, a day", report_quiet(title, people), INCIDENTS_PER_DAY)
    who = at_home_by_night(windows, 28, 0)
    for paces, sizes in ((False, (60, 100, 150, 200, 300)), (True, (80, 120, 150, 200, 300))):
        name, everything, large = "pacing" if paces else "circles", Found(), Found()
        for rhythm_s in RHYTHMS_S:
            for size_m in sizes:
                found = rounds(windows, who, rhythm_s, size_m, paces=paces)
                everything.join(found)
                if size_m >= LEAST_LENGTH_M.get(rhythm_s, 1000):
                    large.join(found)
                print(f"{name} of {size_m} m, steps known, a fix per {rhythm_s} s: {found}", flush=True)
        print(f"{name}, steps known, all of these: {everything}; over 120 m, a fix per 3 min or more often: {large}")
        shown = large if paces else everything
        what = "pacing over 120 m and more, a fix per 1, 2, 3 min" if paces else "circles"
        goals.at_least(f"{what}, steps known, found within the hour", shown.in_time / shown.put_in, 0.95)
        if paces:
            share = everything.in_time / everything.put_in
            goals.at_least("pacing over 80 m and more, a fix per 1 to 5 min, steps known", share, 0.95, PACING_WHY)
    goals.finish()


if __name__ == "__main__":
    main()
