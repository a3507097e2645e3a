"""The rules over recordings: alarms per person-day, injected episodes caught, microseconds per reading.

    python -m benchmarks.rules

The people recorded are younger adults who exercise, so the figures are an upper bound for people over 80.
"""

import itertools
import random
import statistics
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from alerts.model.geo import distance_m
from alerts.model.incident import Finding, Severity, Verdict
from alerts.rules import Profile, State, Thresholds, evaluate
from benchmarks import recordings
from eldercare.protocol.mqtt_v1 import HeartRate, Location

NUISANCE_PER_DAY = 0.05
"""The most alarms per person-day that nobody needed, where the band says whether its wearer moves."""
RADIUS_M = 500
EPISODES = {"high_urgent": (141, 300), "high_warning": (121, 600), "low_warning": (45, 600), "low_urgent": (35, 300)}
"""What is injected: the middle rate (beats per minute) and how long the rule wants it to last (seconds)."""
PER_PERSON = 25
STANDING_M = 50
LONGEST_STAY_S = 1800
ANYWHERE = Profile(1, None, None, RADIUS_M, None, UTC, Thresholds())


@dataclass
class Played:
    """What the rules said of one person's recording."""

    who: str
    readings: int
    days: int
    verdicts: list[Verdict]
    seconds: float

    @property
    def findings(self) -> list[Finding]:
        """The alarms."""
        return [verdict for verdict in self.verdicts if isinstance(verdict, Finding)]

    @property
    def per_day(self) -> float:
        """Alarms per person-day."""
        return len(self.findings) / self.days

    @property
    def micros(self) -> float:
        """Microseconds per reading."""
        return self.seconds / self.readings * 1e6


def play(who: str, readings: Sequence[HeartRate] | Sequence[Location], profile: Profile) -> Played:
    """Evaluate a recording in its recorded order; a reading arrives when it was made, or with the newest before it."""
    state, now = State(), readings[0].ts
    verdicts: list[Verdict] = []
    began = time.process_time()
    for reading in readings:
        if reading.ts > now:
            now = reading.ts
        state, said = evaluate(state, reading, profile, now)
        if said:
            verdicts.extend(said)
    seconds = time.process_time() - began
    return Played(who, len(readings), recordings.days(readings), verdicts, seconds)


def play_all(people: dict[str, list[HeartRate]]) -> list[Played]:
    """Evaluate everybody's heart rates."""
    return [play(who, readings, ANYWHERE) for who, readings in people.items()]


def alarms_per_day(played: Iterable[Played]) -> float:
    """Alarms per person-day over all of them."""
    everybody = list(played)
    return sum(len(one.findings) for one in everybody) / sum(one.days for one in everybody)


def without_motion(people: dict[str, list[HeartRate]]) -> dict[str, list[HeartRate]]:
    """The same values from a band that says nothing of movement."""
    return {
        who: [recordings.heart_rate(reading.ts, reading.bpm, None) for reading in readings]
        for who, readings in people.items()
    }


# Injected episodes ----------------------------------------------------------------------------------------------


@dataclass
class Caught:
    """How many episodes of a kind were put into recordings, and how many were found in time."""

    injected: int = 0
    caught: int = 0
    delays_s: list[float] = field(default_factory=list)


def inject(people: dict[str, list[HeartRate]], errors: list[list[float]], seed: int = 1) -> dict[str, Caught]:
    """Put episodes into stretches at rest by day, at the times really measured and with a real wrist's errors."""
    chance = random.Random(seed)
    result = {reason: Caught() for reason in EPISODES}
    for readings in people.values():
        ordered = sorted(readings, key=lambda reading: reading.ts)
        times = [reading.ts for reading in ordered]
        for reason, (bpm, window_s) in EPISODES.items():
            length = timedelta(seconds=window_s + 60)
            starts = (i for i in _shuffled(len(ordered), chance) if _is_at_rest_by_day(ordered, times, i, length))
            for start, _ in zip(starts, range(PER_PERSON), strict=False):
                wrist = chance.choice(errors)
                first = chance.randrange(len(wrist))
                rates = (bpm + wrist[number % len(wrist)] for number in itertools.count(first))
                _inject_one(ordered, times, start, reason, rates, length, result[reason])
    return result


def _shuffled(count: int, chance: random.Random) -> Iterator[int]:
    for _ in range(20_000):
        yield chance.randrange(count)


def _is_at_rest_by_day(ordered: list[HeartRate], times: list[datetime], start: int, length: timedelta) -> bool:
    """Whether nobody moves from ten minutes before on, a value comes at least each minute, and people are awake."""
    first = bisect_left(times, times[start] - timedelta(minutes=10))
    stretch = ordered[first : bisect_left(times, times[start] + length + timedelta(seconds=60))]
    if any(one.motion != "rest" for one in stretch) or not 8 <= times[start].hour < 21:
        return False
    ends = [one.ts for one in stretch] + [times[start] + length]
    return all((later - sooner).total_seconds() <= 61 for sooner, later in itertools.pairwise(ends))


def _inject_one(
    ordered: list[HeartRate],
    times: list[datetime],
    start: int,
    reason: str,
    rates: Iterator[float],
    length: timedelta,
    count: Caught,
) -> None:
    """Play an episode that begins with the value at `start`, after the ten minutes before it and nothing else."""
    before = ordered[bisect_left(times, times[start] - timedelta(minutes=10)) : start]
    episode = ordered[start : bisect_left(times, times[start] + length, lo=start)]
    changed = [recordings.heart_rate(one.ts, bpm, one.motion) for one, bpm in zip(episode, rates, strict=False)]
    count.injected += 1
    side, wanted = reason.split("_")
    for finding in play(reason, [*before, *changed], ANYWHERE).findings:
        if finding.reason.startswith(side) and finding.severity in (wanted, Severity.URGENT):
            count.caught += 1
            count.delays_s.append((finding.at - times[start]).total_seconds())
            return


# Whereabouts ----------------------------------------------------------------------------------------------------


def home_of(fixes: list[Location]) -> tuple[float, float]:
    """The middle of the 200 m where most time was spent; a fix is known to hold for half an hour at most.

    Where no two fixes tell any time, it is the middle of where most fixes are.
    """
    spent: Counter[tuple[int, int]] = Counter()
    for fix, following in itertools.pairwise(fixes):
        pause = (following.ts - fix.ts).total_seconds()
        if pause > 0:
            spent[_cell(fix)] += round(min(pause, LONGEST_STAY_S))
    favourite = (spent or Counter(map(_cell, fixes))).most_common(1)[0][0]
    return _middle([fix for fix in fixes if _cell(fix) == favourite])


def _cell(fix: Location) -> tuple[int, int]:
    return round(fix.lat / 0.002), round(fix.lon / 0.002)


def _middle(fixes: list[Location]) -> tuple[float, float]:
    return statistics.median(fix.lat for fix in fixes), statistics.median(fix.lon for fix in fixes)


def standing(fixes: list[Location]) -> Iterator[list[Location]]:
    """Stretches of ten minutes in which somebody stood still: three of four fixes are near their middle."""
    window: list[Location] = []
    for fix in fixes:
        if window and not 0 <= (fix.ts - window[0].ts).total_seconds() <= 600:
            if len(window) >= 10:
                lat, lon = _middle(window)
                off = sorted(distance_m(lat, lon, one.lat, one.lon) for one in window)
                if off[len(off) * 3 // 4] <= STANDING_M:
                    yield window
            window = []
        window.append(fix)


def alarms_while_standing(fixes: list[Location]) -> tuple[int, int]:
    """Stretches of standing still at home, and the alarms that drift alone made of them."""
    stretches = alarms = 0
    for window in standing(fixes):
        lat, lon = _middle(window)
        stretches += 1
        alarms += len(play("", window, replace(ANYWHERE, home_lat=lat, home_lon=lon)).findings)
    return stretches, alarms


# The report -----------------------------------------------------------------------------------------------------


def _rates(counts: Counter[str], days: int) -> str:
    return ", ".join(f"{name} {count / days:.3f}" for name, count in sorted(counts.items())) or "none"


def report_heart_rates(title: str, played: list[Played], *, people: bool = True) -> None:
    """Print alarms per person-day by kind, and by person."""
    days = sum(one.days for one in played)
    counts = Counter(finding.reason for one in played for finding in one.findings)
    print(f"{title}: {len(played)} people, {days} person-days, {sum(one.readings for one in played):,} values")
    print(f"  alarms per person-day: {alarms_per_day(played):.3f} ({_rates(counts, days)})")
    for one in played if people else ():
        by_reason = Counter(finding.reason for finding in one.findings)
        print(f"    {one.who:<12} {one.days:>3} days  {one.per_day:.3f} ({_rates(by_reason, one.days)})")


def report_episodes(result: dict[str, Caught]) -> bool:
    """Print the share of injected episodes found within window + 60 s; True when it is every one."""
    for reason, count in result.items():
        middle = statistics.median(count.delays_s) if count.delays_s else float("nan")
        print(f"  {reason:<13} {count.caught} of {count.injected} caught in time, median after {middle:.0f} s")
    return all(count.caught == count.injected for count in result.values())


def report_tracks(tracks: dict[str, list[Location]]) -> list[Played]:
    """Print alarms at leaving the zone of the place where each spent most time, and those of drift alone."""
    everybody = []
    for who, fixes in tracks.items():
        lat, lon = home_of(fixes)
        played = play(who, fixes, replace(ANYWHERE, home_lat=lat, home_lon=lon))
        stretches, drifted = alarms_while_standing(fixes)
        everybody.append(played)
        print(
            f"    {who:<6} {played.days:>3} days {played.readings:>6,} fixes  {played.per_day:.2f} times out a day;"
            f" standing still: {drifted} alarms in {stretches} stretches of 10 min"
        )
    return everybody


def main() -> None:
    """Print all of it; exit status 1 when nuisance or an injected episode misses its target."""
    if not recordings.found():
        sys.exit(f"benchmarks.rules: {recordings.HOW}")
    people = recordings.stanford()
    stanford = play_all(people)
    report_heart_rates("Stanford, steps known", stanford)
    report_heart_rates("Stanford, as if the band said nothing of movement", play_all(without_motion(people)))
    fitabase = play_all(recordings.fitabase())
    report_heart_rates("Fitabase, movement not recorded (their alarms are morning runs)", fitabase)
    print("episodes injected into Stanford, at rest by day, measured exactly:")
    all_caught = report_episodes(inject(people, [[0.0]]))
    print(
        "the same with the errors of real wristbands on people over 60 (up to 16 bpm; the episodes are 5 to 10 beyond):"
    )
    report_episodes(inject(people, recordings.wrist_errors()))
    print("whereabouts, zone of 500 m around where each spent most time (all of these did go out):")
    tracks = report_tracks(recordings.tracks())
    hearts = stanford + fitabase
    for noun, played in (("heart rate", hearts), ("fix", tracks)):
        micros = sum(one.seconds for one in played) / sum(one.readings for one in played) * 1e6
        print(f"{noun}: {micros:.2f} microseconds per reading")
    nuisance = alarms_per_day(stanford)
    print(f"nuisance where movement is known: {nuisance:.3f} per person-day, target {NUISANCE_PER_DAY}")
    sys.exit(0 if nuisance <= NUISANCE_PER_DAY and all_caught else 1)


if __name__ == "__main__":
    main()
