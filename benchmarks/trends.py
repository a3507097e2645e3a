"""The rules about weeks and about single values over recordings: drifts of the resting rate found, tasks a night, and
what clinicians flagged.

    python -m benchmarks.trends

A drift raises every value from a noon on, and so the rate of each night by as much: it is put into the rates. The two
numbers that recordings choose, by how many bpm and by how many of her own standard deviations a rate is beyond, are
chosen for each person by what the others recorded.
"""

import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from unittest import mock

from alerts.model.incident import Finding, IncidentKind, Verdict
from alerts.rules import Profile, Reading, Thresholds, resting_rate
from alerts.rules.playback import Playback
from alerts.rules.resting_rate import Nights
from alerts.rules.rule import Day
from benchmarks import recordings
from benchmarks.episodes import errors_step
from benchmarks.goals import Goals
from benchmarks.recordings import Errors, Value
from eldercare.protocol.mqtt_v1 import HeartRate

SEED = 1
ANYBODY = Profile(1, None, None, 500, None, UTC, Thresholds())
WITHIN_DAYS = 3
FEWEST_NIGHTS = 10
"""Whoever has fewer nights that count has none to put a drift into."""
MOST_TASKS = 0.02
"""Tasks a night that are put up with."""
FOUND, PRECISION, RECALL = 0.85, 0.8, 0.9
"""Goals: the share of drifts, and those of single values."""
CHANGES = (4.0, 4.5, 5.0, 5.5, 6.0, 7.0)
SPREADS = (1.25, 1.5, 1.75, 2.0, 2.5)
AFTER = timedelta(hours=2)
"""What is played after the last value, so that it is decided about."""


class Drift(NamedTuple):
    """A lasting change of the resting rate: by how much on its first night and on all that follow, bpm."""

    name: str
    first: float
    then: float

    @property
    def reason(self) -> str:
        """What the rule calls it."""
        return "resting_rate_higher" if self.then > 0 else "resting_rate_lower"


DRIFTS = (
    Drift("+8", 8, 8),
    Drift("+8 over two days", 4, 8),
    Drift("+15", 15, 15),
    Drift("-8", -8, -8),
    Drift("-15", -15, -15),
)

Rates = Mapping[int, float]
"""The rate of each night that counts, by the ordinal of the date on which it ends."""


# Nights ---------------------------------------------------------------------------------------------------------


def read_as(values: Sequence[Value], rhythm_s: float | None, *, moves: bool) -> Iterator[HeartRate]:
    """The values as a band of this rhythm sends them (seconds; None as recorded), with the steps since the last one."""
    next_at, steps = -1.0, 0
    for value in values:
        steps += value.steps or 0
        at = value.ts.timestamp()
        if at < next_at:
            continue
        next_at = at + rhythm_s - 1 if rhythm_s else -1.0
        known = moves and value.steps is not None
        motion: recordings.Motion | None = ("active" if steps else "rest") if known else None
        yield recordings.heart_rate(value.ts, value.bpm, motion, steps if known else None)
        steps = 0


def days(readings: Iterable[HeartRate]) -> Iterator[Day]:
    """The days from noon to noon in which something was recorded."""
    by_noon: dict[date, list[HeartRate]] = defaultdict(list)
    for reading in readings:
        by_noon[(reading.ts + timedelta(hours=12)).date()].append(reading)
    for ends, own in sorted(by_noon.items()):
        noon = datetime(ends.year, ends.month, ends.day, 12, tzinfo=UTC)
        yield Day.ending(noon, own)


Wrist = Callable[[random.Random], Errors]


def rates(readings: Iterable[HeartRate], rhythm_s: float | None, wrist: Wrist | None, chance: random.Random) -> Rates:
    """The rate of each night that counts, with the errors of a wrist added to every value."""
    found = {}
    for day in days(readings):
        if wrist is not None:
            day = day._replace(hearts=_erring(day.hearts, rhythm_s, wrist(chance), chance))
        rate = resting_rate.night_rate(day, ANYBODY)
        if rate is not None:
            found[day.date.toordinal()] = rate
    return found


def _erring(
    hearts: Sequence[HeartRate], rhythm_s: float | None, errors: Errors, chance: random.Random
) -> list[HeartRate]:
    number, step = chance.randrange(len(errors)), errors_step(rhythm_s)
    return [
        recordings.heart_rate(
            each.ts, each.bpm + errors[(number + step * index) % len(errors)], each.motion, each.steps
        )
        for index, each in enumerate(hearts)
    ]


# Drifts ---------------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """What became of one person's nights: how many count, the tasks they made, and drifts found of those put in.

    `regular` are the drifts that are followed by nights that count only, `any` all.
    """

    nights: int
    tasks: list[str] = field(default_factory=list)
    regular: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    any: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))


def tell(nights: Rates, change: float) -> Told:
    """Take the nights in, and at the begin of each day try every drift on what is known by then."""
    told, known = Told(len(nights)), Nights()
    for today in range(min(nights), max(nights) + 1):
        if len(known.usual) >= resting_rate.LEAST_NIGHTS and not known.side and today + WITHIN_DAYS - 1 <= max(nights):
            for drift in DRIFTS:
                found = _is_found(known, nights, today, drift, change)
                told.any[drift.name].append(found)
                if all(today + day in nights for day in range(WITHIN_DAYS)):
                    told.regular[drift.name].append(found)
        if today in nights:
            known, said = resting_rate.take(known, today, nights[today], _noon(today), change)
            told.tasks += [each.reason for each in said if isinstance(each, Finding)]
    return told


def _is_found(known: Nights, nights: Rates, begin: int, drift: Drift, change: float) -> bool:
    for day in range(WITHIN_DAYS):
        if begin + day not in nights:
            continue
        rate = nights[begin + day] + (drift.then if day else drift.first)
        known, said = resting_rate.take(known, begin + day, rate, _noon(begin + day), change)
        if any(each.reason == drift.reason for each in said):
            return True
    return False


def _noon(ordinal: int) -> datetime:
    ends = date.fromordinal(ordinal)
    return datetime(ends.year, ends.month, ends.day, 12, tzinfo=UTC)


def per_night(people: Iterable[Told]) -> float:
    """Tasks a night over all of them."""
    everybody = list(people)
    return sum(len(each.tasks) for each in everybody) / sum(each.nights for each in everybody)


def share(people: Iterable[Told], drift: str, *, regular: bool = True) -> float:
    """The share of the drifts put into all of them that was found."""
    found = [each for one in people for each in (one.regular if regular else one.any)[drift]]
    return sum(found) / len(found)


Choice = tuple[float, float]
"""A least change in bpm, and a factor of her own standard deviation."""


def told_by(people: Mapping[str, Rates], choice: Choice) -> dict[str, Told]:
    """What the rule says of everybody with these numbers."""
    with mock.patch.object(resting_rate, "SPREADS", choice[1]):
        return {who: tell(nights, choice[0]) for who, nights in people.items()}


def choose(results: Mapping[Choice, Mapping[str, Told]], left_out: str) -> Choice:
    """The numbers by which most drifts of all but one are found, of those by which they get few enough tasks; where
    none are, the ones with the fewest tasks."""

    def of_others(choice: Choice) -> tuple[bool, float]:
        others = [told for who, told in results[choice].items() if who != left_out]
        tasks = per_night(others)
        return tasks > MOST_TASKS, tasks if tasks > MOST_TASKS else -share(others, "+8")

    return min(results, key=of_others)


def report(title: str, people: Mapping[str, Told]) -> None:
    """Print tasks a night and the drifts found, of all and of the worst person."""
    everybody = list(people.values())
    worst = max(people, key=lambda who: per_night([people[who]]))
    reasons = Counter(reason for told in everybody for reason in told.tasks)
    print(
        f"{title}: {len(people)} people, {sum(told.nights for told in everybody)} nights;"
        f" tasks a night {per_night(everybody):.3f} {dict(reasons)}, worst {worst} {per_night([people[worst]]):.3f}"
    )
    for drift in DRIFTS:
        tried = {who: told for who, told in people.items() if told.regular[drift.name]}
        worst = min(tried, key=lambda who: share([tried[who]], drift.name))
        count = sum(len(told.regular[drift.name]) for told in everybody)
        print(
            f"    {drift.name:<17} {share(everybody, drift.name):.2f} of {count} found within {WITHIN_DAYS} days, worst"
            f" {worst} {share([people[worst]], drift.name):.2f} of {len(people[worst].regular[drift.name])};"
            f" nights that do not count among them: {share(everybody, drift.name, regular=False):.2f}"
        )


def report_each(people: Mapping[str, Told]) -> None:
    """Print the same of each person."""
    for who, told in people.items():
        found = ", ".join(
            f"{drift.name} {sum(told.regular[drift.name])}/{len(told.regular[drift.name])}" for drift in DRIFTS
        )
        print(f"    {who:<12} {told.nights:>3} nights, {len(told.tasks)} tasks; {found}")


def report_nights(people: Mapping[str, Sequence[Value]], goals: Goals) -> None:
    """Print all of the resting rate."""
    wrists = recordings.wrist_errors()

    def nights(rhythm_s: float | None = None, wrist: Wrist | None = None, *, moves: bool = True) -> dict[str, Rates]:
        found = {
            who: rates(read_as(values, rhythm_s, moves=moves), rhythm_s, wrist, random.Random(f"{SEED} {who}"))
            for who, values in people.items()
        }
        return {who: own for who, own in found.items() if len(own) >= FEWEST_NIGHTS}

    usual: Choice = (ANYBODY.thresholds.resting_change, resting_rate.SPREADS)
    recorded = nights()
    for who, own in recorded.items():
        print(f"    {who:<12} {len(own):>3} nights of {min(own.values())} to {max(own.values())} bpm, {_spread(own)}")
    results = {(change, spread): told_by(recorded, (change, spread)) for change in CHANGES for spread in SPREADS}
    print(f"chosen (bpm, standard deviations) for all: {choose(results, '')}; in use: {usual}")
    chosen = {who: choose(results, who) for who in recorded}
    print(f"chosen for each by the others: {chosen}")
    left_out = {who: results[choice][who] for who, choice in chosen.items()}
    report("each by what the others chose", left_out)
    goals.at_most("tasks a night about the resting rate", per_night(list(left_out.values())), MOST_TASKS)
    for drift in ("+8", "+8 over two days"):
        goals.at_least(f"{drift} bpm found within three days", share(list(left_out.values()), drift), FOUND)
    report("as in use", results[usual])
    report_each(results[usual])
    for number, errors in enumerate(wrists):
        report(
            f"with the errors of wrist {number + 1} of {len(wrists)} on everybody",
            told_by(nights(wrist=lambda chance, errors=errors: errors), usual),  # type: ignore[misc]
        )
    report("another wrist each night", told_by(nights(wrist=lambda chance: chance.choice(wrists)), usual))
    report("as if nothing were known of movement", told_by(nights(moves=False), usual))
    for rhythm_s in (60, 300, 600, 1800):
        found = nights(rhythm_s, lambda chance: chance.choice(wrists))
        report(f"a value every {rhythm_s} s, another wrist each night", told_by(found, usual))


def _spread(own: Rates) -> str:
    ordered = [own[night] for night in sorted(own)]
    steps = [later - sooner for sooner, later in pairwise(ordered)]
    return f"standard deviation {statistics.pstdev(ordered):.1f}, from night to night {statistics.pstdev(steps):.1f}"


# Single values --------------------------------------------------------------------------------------------------


class Heard(Playback):
    """A playback that keeps what was found."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self.found: list[Finding] = []

    def _apply(self, verdicts: Iterable[Verdict], now: datetime) -> None:
        said = list(verdicts)
        self.found += [each for each in said if isinstance(each, Finding)]
        super()._apply(said, now)


def played(readings: Iterable[Reading]) -> Heard:
    """A whole recording; a reading arrives when it was made, or with the newest before it."""
    playback, now = Heard(ANYBODY), datetime.min.replace(tzinfo=UTC)
    for reading in readings:
        now = max(now, reading.ts)
        playback.receive(reading, now)
    playback.wait(now + AFTER)
    return playback


def flagged(people: Mapping[str, Sequence[HeartRate]]) -> set[tuple[str, date]]:
    """The people and days with a task about a single value."""
    return {
        (who, finding.at.date())
        for who, readings in people.items()
        for finding in played(sorted(readings, key=lambda reading: reading.ts)).found
        if finding.kind is IncidentKind.SPOT_VALUE
    }


def plain(people: Mapping[str, Sequence[HeartRate]]) -> set[tuple[str, date]]:
    """The people and days with a value at a limit or beyond."""
    limits = ANYBODY.thresholds
    return {
        (who, reading.ts.date())
        for who, readings in people.items()
        for reading in readings
        if reading.bpm >= limits.spot_high or reading.bpm <= limits.spot_low
    }


def report_spots(goals: Goals) -> None:
    """Print days of TIHM on which the rule makes a task beside those on which clinicians had an alert."""
    people = recordings.tihm()
    measured = {(who, reading.ts.date()) for who, readings in people.items() for reading in readings}
    alerts = recordings.tihm_pulse_alerts()
    days_measured = alerts & measured
    print(
        f"TIHM: {len(people)} people, {len(measured)} days with a heart rate; clinicians had an alert about the pulse"
        f" on {len(alerts)} days, on {len(days_measured)} of them a heart rate was recorded"
    )
    for title, found in (("tasks through playback", flagged(people)), ("the plain rule, any value", plain(people))):
        both = len(found & days_measured)
        precision, recall = both / len(found), both / len(days_measured)
        print(f"    {title}: {len(found)} days, {both} with an alert; precision {precision:.2f}, recall {recall:.2f}")
        if title.startswith("tasks"):
            goals.at_least("precision of single values", precision, PRECISION)
            goals.at_least("recall of single values", recall, RECALL)
        missed = Counter(who for who, _ in days_measured - found)
        wrong = Counter(who for who, _ in found - days_measured)
        print(f"    not found, by person: {dict(missed)}; without an alert, by person: {dict(wrong)}")


def report_continuous(people: Mapping[str, Sequence[Value]]) -> None:
    """Print the tasks of both rules for whoever is measured continuously, through playback."""
    for rhythm_s in (None, 600, 1800):
        counts: Counter[str] = Counter()
        count_days = 0
        for values in people.values():
            readings = list(read_as(values, rhythm_s, moves=True))
            count_days += recordings.days(readings)
            counts.update(each.reason for each in played(readings).found if each.kind in _OURS)
        title = "as recorded" if rhythm_s is None else f"a value every {rhythm_s} s"
        print(f"continuous, {title}: {len(people)} people, {count_days} person-days: {dict(counts) or 'no task'}")


_OURS = (IncidentKind.SPOT_VALUE, IncidentKind.RESTING_RATE)


def main() -> None:
    """Print all of it; exit status 1 where a figure misses its goal."""
    goals = Goals()
    if not recordings.found():
        sys.exit(f"benchmarks.trends: {recordings.HOW}")
    print(f"seed {SEED}")
    people = continuous()
    report_nights(people, goals)
    report_spots(goals)
    report_continuous(people)
    goals.finish()


def continuous() -> dict[str, list[Value]]:
    """Stanford's six people with their steps, and Fitabase's four."""
    people = recordings.stanford_steps()
    for who, readings in recordings.fitabase().items():
        people[who] = sorted((Value(each.ts, each.bpm, None) for each in readings), key=lambda value: value.ts)
    return people


if __name__ == "__main__":
    main()
