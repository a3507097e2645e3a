"""People who lie still after a fall, who do not get up, and bands that are worn and measure no pulse any more.

Each is put into a recording at many moments: from then on there is no step, and the heart goes on as it was recorded
on that day, or none is measured. What came before is played first, so that a person's own hours are known as far as
they would be. `python -m benchmarks.stillness` prints all of it.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from alerts.model.incident import IncidentKind, Severity
from alerts.rules import Profile, Thresholds
from alerts.rules.playback import Episode, Playback
from benchmarks import recordings
from benchmarks.goals import Goals
from benchmarks.recordings import Value
from eldercare.protocol.mqtt_v1 import HeartRate

SEED = 1
BEFORE = timedelta(days=8)
"""What of a person is played before the moment, at most, where her habits matter."""
SHORTLY_BEFORE = timedelta(hours=3)
EACH = 25
"""Moments of each kind and person."""
LONGEST = timedelta(hours=26)
WAKING = (7, 22)
"""Hours of the day in which a fall is put, and by which waking hours are counted."""
HOUR = timedelta(hours=1)
HALF_AN_HOUR = timedelta(minutes=30)
MANY_STEPS = 300
GOAL_WAKING_H = 3.0
GOAL_PULSE_MIN = 15.0
GOAL_FOUND = 0.95
GOAL_PER_DAY = 0.03

_PROFILE = Profile(0, None, None, 500, None, UTC, Thresholds())


class Found(NamedTuple):
    """One of those put in: when it began, when it was found (None: never), and by which reason."""

    subject: str
    began: datetime
    found: Episode | None


def heart_rates(values: Sequence[Value]) -> Iterator[HeartRate]:
    """Readings as a band gives them: with its steps since the last value, and whether she moves."""
    for each in values:
        moving: recordings.Motion | None = None if each.steps is None else "active" if each.steps else "rest"
        yield recordings.heart_rate(each.ts, each.bpm, moving, each.steps)


def thinned(values: Sequence[Value], every_s: float) -> list[Value]:
    """A value in so many seconds, with the steps of those that are left out."""
    kept: list[Value] = []
    steps = 0
    for each in values:
        steps += each.steps or 0
        if not kept or (each.ts - kept[-1].ts).total_seconds() >= every_s - 1:
            kept.append(each._replace(steps=None if each.steps is None else steps))
            steps = 0
    return kept


def lie_still(values: Sequence[Value], began: datetime) -> list[Value]:
    """From `began` on nobody moves."""
    return [each._replace(steps=0) if each.ts >= began and each.steps is not None else each for each in values]


def lose_pulse(values: Sequence[Value], began: datetime) -> list[Value]:
    """From `began` on the band measures nothing, and nobody moves."""
    return [each._replace(steps=0, bpm=0) if each.ts >= began else each for each in values]


def play(values: Sequence[Value], kind: IncidentKind, began: datetime) -> Episode | None:
    """The first urgent incident of the kind after `began`."""
    playback = Playback(_PROFILE)
    for reading in heart_rates(values):
        playback.receive(reading, reading.ts)
        if reading.ts > began and any(_is_it(each, kind, began) for each in playback.episodes):
            break
    return next((each for each in playback.episodes if _is_it(each, kind, began)), None)


def _is_it(episode: Episode, kind: IncidentKind, began: datetime) -> bool:
    return episode.kind is kind and episode.severity is Severity.URGENT and episode.opened_at > began


Change = Callable[[Sequence[Value], datetime], list[Value]]


def put_into(
    people: dict[str, list[Value]],
    kind: IncidentKind,
    change: Change,
    moments: Callable[[Sequence[Value], random.Random], list[datetime]],
    after: timedelta,
    before: timedelta = BEFORE,
    every_s: float = 0,
) -> list[Found]:
    """Each moment of each person, and whether it was found."""
    found: list[Found] = []
    for subject, values in people.items():
        rng = random.Random(f"{SEED} {subject} {kind}")
        for began in moments(values, rng):
            part = [each for each in values if began - before <= each.ts < began + after]
            if every_s:
                part = thinned(part, every_s)
            found.append(Found(subject, began, play(change(part, began), kind, began)))
    return found


def falls(values: Sequence[Value], rng: random.Random) -> list[datetime]:
    """Moments by day a minute after a step, with a heart measured for the rest of that day."""
    steps = [each.ts for each in values if each.steps and WAKING[0] <= each.ts.hour < WAKING[1] - 1]
    worn = [each.ts for each in values]
    return _with_heart(worn, [each + timedelta(minutes=1) for each in steps], rng)


def nights(values: Sequence[Value], rng: random.Random) -> list[datetime]:
    """Two in the morning: she does not get up."""
    days = sorted({each.ts.date() for each in values if each.steps is not None})
    at = [datetime(day.year, day.month, day.day, 2, tzinfo=UTC) for day in days[1:]]
    return _with_heart([each.ts for each in values], at, rng)


def at_any_time(values: Sequence[Value], rng: random.Random) -> list[datetime]:
    """Any moment at which the band measures."""
    return _with_heart([each.ts for each in values], [each.ts for each in values if each.steps is not None], rng)


def _with_heart(worn: Sequence[datetime], moments: Sequence[datetime], rng: random.Random) -> list[datetime]:
    """Some of the moments after which the band is worn for long enough that the rule could see it."""
    minutes = {int(each.timestamp() // 60) for each in worn}
    chosen: list[datetime] = []
    candidates = list(moments)
    rng.shuffle(candidates)
    for each in candidates:
        first = int(each.timestamp() // 60)
        before = sum(first - 30 + minute in minutes for minute in range(30))
        if before > 24 and sum(first + minute in minutes for minute in range(840)) > 0.9 * 840:
            chosen.append(each)
        if len(chosen) == EACH:
            break
    return chosen


def waking_hours(began: datetime, end: datetime, up: float) -> float:
    """Hours from `began` to `end` in which she usually is up: from the hour `up` until the evening."""
    minutes = (began + timedelta(minutes=each) for each in range(int((end - began).total_seconds() // 60)))
    return sum(up <= each.hour + each.minute / 60 < WAKING[1] for each in minutes) / 60


def show(name: str, found: Sequence[Found], is_in_time: Callable[[Found], bool]) -> float:
    """Print how many were found in time, of all and of whoever had fewest; returns the share of all."""
    in_time = [each for each in found if is_in_time(each)]
    shares = {
        subject: sum(each.subject == subject for each in in_time) / sum(each.subject == subject for each in found)
        for subject in {each.subject for each in found}
    }
    worst = min(shares, key=lambda subject: shares[subject])
    share = len(in_time) / len(found)
    ever = sum(each.found is not None for each in found)
    print(
        f"{name}: {share:.1%} in time, {ever / len(found):.1%} at all, of {len(found)} in {len(shares)} people; "
        f"fewest {worst} {shares[worst]:.0%}"
    )
    return share


def got_up(values: Sequence[Value], day: date) -> float | None:
    """The hour at which she was up in the recording: 300 steps within half an hour, after five."""
    begin = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    walked = [each for each in values if each.steps and begin <= each.ts < begin + timedelta(hours=9)]
    for index, each in enumerate(walked):
        soon = (other for other in walked[index:] if other.ts - each.ts < HALF_AN_HOUR)
        if sum(other.steps or 0 for other in soon) >= MANY_STEPS:
            return each.ts.hour + each.ts.minute / 60
    return None


def usual_up(values: Sequence[Value], day: date) -> float:
    """The hour at which she was up on the days before: the median; `WAKING` begins where none is known."""
    before = [day - timedelta(days=each) for each in range(1, BEFORE.days)]
    told = sorted(up for each in before if (up := got_up(values, each)) is not None)
    return told[len(told) // 2] if told else WAKING[0]


def within_waking_hours(each: Found, people: dict[str, list[Value]]) -> bool:
    """Whether it was found within three hours in which she usually is up."""
    if each.found is None:
        return False
    up = usual_up(people[each.subject], each.began.date())
    return waking_hours(each.began, each.found.opened_at, up) <= GOAL_WAKING_H


def within_minutes(each: Found) -> bool:
    """Whether a call went out within fifteen minutes."""
    return each.found is not None and (each.found.opened_at - each.began) <= timedelta(minutes=GOAL_PULSE_MIN)


def quiet(people: dict[str, list[Value]]) -> dict[IncidentKind, float]:
    """Print how often each is told of people to whom nothing happened, a person-day; returns that of all."""
    told: dict[IncidentKind, float] = {}
    days = {who: len({each.ts.date() for each in values}) for who, values in people.items()}
    episodes: dict[str, list[Episode]] = {}
    for who, values in people.items():
        playback = Playback(_PROFILE)
        for reading in heart_rates(values):
            playback.receive(reading, reading.ts)
        episodes[who] = [each for each in playback.episodes if each.severity is Severity.URGENT]
    for kind in (IncidentKind.STILLNESS, IncidentKind.NO_HEART_RATE):
        counts = {who: sum(each.kind is kind for each in found) / days[who] for who, found in episodes.items()}
        worst = max(counts, key=lambda who: counts[who])
        told[kind] = sum(counts[who] * days[who] for who in counts) / sum(days.values())
        print(
            f"{kind}, urgent: {told[kind]:.3f} a person-day of {sum(days.values())} days of {len(days)} people; "
            f"worst {worst} {counts[worst]:.3f}"
        )
    return told


def main() -> None:
    """Print all of it."""
    if not recordings.found():
        raise SystemExit(recordings.HOW)
    people = recordings.stanford_steps()
    print(f"seed {SEED}")
    goals, still = Goals(), IncidentKind.STILLNESS
    for kind, each in quiet(people).items():
        why = "six of the eight that were looked at are hours in which nobody took a step, with a heart as at rest"
        goals.at_most(f"{kind} incidents per person-day", each, GOAL_PER_DAY, why if kind is still else "")
    fallen = put_into(people, still, lie_still, falls, LONGEST)
    in_time = show("falls and lies still", fallen, lambda each: within_waking_hours(each, people))
    learning = "of whom no morning is known, her day begins at seven, and whoever gets up irregularly has no usual hour"
    why = f"{learning}; whose band comes off in the morning before her usual hour is not found"
    goals.at_least("falls found within three waking hours", in_time, GOAL_FOUND, why)
    lies = put_into(people, still, lie_still, nights, LONGEST)
    in_time = show("does not get up", lies, lambda each: within_waking_hours(each, people))
    goals.at_least("mornings in bed found within three waking hours", in_time, GOAL_FOUND, learning)
    for every_s in (0, 60, 120, 300):
        lost = put_into(people, IncidentKind.NO_HEART_RATE, lose_pulse, at_any_time, HOUR, SHORTLY_BEFORE, every_s)
        title = f"no pulse, a value every {every_s or 'as recorded'} s"
        goals.at_least(f"{title}, called about within 15 min", show(title, lost, within_minutes), GOAL_FOUND)
    goals.finish()


if __name__ == "__main__":
    main()
