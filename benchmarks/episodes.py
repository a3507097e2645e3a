"""Episodes put into recordings, in the rhythms of real bands and with the errors of real wrists: who is found in time.

An episode replaces the measured values of a stretch that somebody really spent at rest, awake or asleep. What was
measured in the hour before stays, so that the rules come to it as they would in life.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from alerts.model.incident import IncidentKind
from alerts.rules import Profile
from alerts.rules.playback import Playback
from benchmarks.recordings import Errors, Value, heart_rate

BEFORE_S = 3600
"""What is played before an episode, seconds."""
SLACK_S = 60
"""Found this much after the window at the latest is in time."""
REST_S = 600
"""Nobody moves for so long before an episode, unless its kind says otherwise."""


@dataclass(frozen=True)
class Kind:
    """A kind of episode. `bpm`: from the first to the last value; `window_s`: how long the rule wants it to last.

    `length_s` is how long it lasts. `stepping_s`: a minute with steps comes so often within it. `walked`: somebody
    walked for some minutes and sat down 1 to 5 minutes before it.
    """

    name: str
    side: str
    bpm: tuple[float, float]
    window_s: float
    length_s: float
    asleep: bool = False
    stepping_s: float | None = None
    walked: bool = False


KINDS = (
    Kind("high urgent", "high", (141, 141), 300, 360),
    Kind("high warning", "high", (121, 121), 600, 660),
    Kind("low warning", "low", (45, 45), 600, 660),
    Kind("low urgent", "low", (35, 35), 300, 360),
    Kind("high urgent asleep", "high", (141, 141), 300, 360, asleep=True),
    Kind("high warning asleep", "high", (121, 121), 600, 660, asleep=True),
    Kind("slow asleep", "low", (35, 38), 600, 660, asleep=True),
    Kind("95 to 108 asleep", "", (95, 108), 1800, 3600, asleep=True),
    Kind("fast, a minute with steps every 8", "high", (125, 125), 1800, 1800, stepping_s=480),
    Kind("fast, sat down 1 to 5 min ago", "high", (125, 125), 600, 660, walked=True),
)
LASTING = tuple(
    Kind(f"{kind.name}, 30 min", kind.side, kind.bpm, 1800, max(1800, kind.length_s), kind.asleep) for kind in KINDS[:8]
)
"""The same for half an hour and more, for bands that measure less often."""
RHYTHMS_S = (10, 60, 120, 180, 240, 300, 600)


@dataclass
class Caught:
    """Episodes of one kind: how many were put in, found at all, and found within window + 60 s; each delay, seconds."""

    injected: int = 0
    caught: int = 0
    in_time: int = 0
    delays_s: list[float] = field(default_factory=list)

    def add(self, delay_s: float | None, kind: Kind) -> None:
        """Count one episode; None: it was not found while it lasted."""
        self.injected += 1
        if delay_s is not None:
            self.caught += 1
            self.in_time += delay_s <= kind.window_s + SLACK_S
            self.delays_s.append(delay_s)


def inject(
    values: Sequence[Value],
    kinds: Sequence[Kind],
    rhythm_s: float | None,
    each: int,
    errors: Sequence[Errors],
    chance: random.Random,
    profile: Profile | Callable[[datetime], Profile | None],
) -> Iterator[tuple[Kind, float | None]]:
    """Put `each` episodes of every kind into one person's recording (by time); yields after what time it was found.

    `rhythm_s`: seconds between values, None as recorded. A recording with values further apart is left out. `profile`
    may say what is known of her at a moment; where it says None, nothing is put in.
    """
    times = [value.ts.timestamp() for value in values]
    for kind in kinds:
        starts = _starts(values, times, kind, rhythm_s or 60, chance)
        known = ((start, profile(values[start].ts) if callable(profile) else profile) for start in starts)
        played = (
            _play(values, times, start, kind, rhythm_s, chance.choice(errors), chance, who)
            for start, who in known
            if who is not None
        )
        for result, _ in zip((one for one in played if one is not None), range(each), strict=False):
            yield kind, result.after_s


def _starts(
    values: Sequence[Value], times: Sequence[float], kind: Kind, rhythm_s: float, chance: random.Random
) -> Iterator[int]:
    """Where an episode of this kind fits."""
    for _ in range(3000):
        start = chance.randrange(len(values))
        stretch = values[bisect_left(times, times[start] - REST_S) : bisect_left(times, times[start] + kind.length_s)]
        hour = values[start].ts.hour
        if not (hour < 5 if kind.asleep else 8 <= hour < 20):
            continue
        if any(value.steps != 0 for value in stretch):
            continue
        still_since = bisect_left(times, times[start] - 2400)
        if kind.asleep and any(value.steps != 0 for value in values[still_since:start]):
            continue
        ends = [times[start] - REST_S, *(value.ts.timestamp() for value in stretch), times[start] + kind.length_s]
        if all(later - sooner <= max(rhythm_s, 60) * 1.5 for sooner, later in pairwise(ends)):
            yield start


def _play(
    values: Sequence[Value],
    times: Sequence[float],
    start: int,
    kind: Kind,
    rhythm_s: float | None,
    errors: Errors,
    chance: random.Random,
    profile: Profile,
) -> "_Result | None":
    """What became of one episode; None where an incident was open before it began, or had just been."""
    began = times[start]
    first = bisect_left(times, began - BEFORE_S)
    last = bisect_left(times, began + kind.length_s)
    sat_down = began - chance.uniform(60, 300)
    walked_s = chance.uniform(120, 900)
    playback, next_at, steps, known = Playback(profile), -1.0, 0, True
    phase = chance.uniform(0, rhythm_s or 0)
    number = chance.randrange(len(errors))
    number_of_episode = 0
    stepped = set[float]()
    for value, at in zip(values[first:last], times[first:last], strict=True):
        moved = value.steps
        if kind.walked and sat_down - walked_s <= at < sat_down:
            moved = 80
        if kind.stepping_s and at >= began and (at - began) % kind.stepping_s < 60:
            moved = 0 if (at - began) // kind.stepping_s in stepped else 20
            stepped.add((at - began) // kind.stepping_s)
        known = moved is not None
        steps += moved or 0
        if at < next_at:
            continue
        if rhythm_s:
            next_at = (at if next_at >= 0 else at - phase) + rhythm_s - 1
        bpm = value.bpm
        if at >= began:
            share = (at - began) / kind.length_s
            bpm = round(kind.bpm[0] + (kind.bpm[1] - kind.bpm[0]) * share + errors[number % len(errors)])
            number += errors_step(rhythm_s)
        before = len(playback.episodes)
        reading = heart_rate(value.ts, bpm, "active" if moved else "rest" if known else None, steps if known else None)
        steps = 0
        if at >= began and number_of_episode == 0 and _is_known(playback, value.ts, profile):
            return None
        number_of_episode += at >= began
        playback.receive(reading, value.ts)
        for episode in playback.episodes[before:]:
            if at >= began and episode.kind is IncidentKind.HEART_RATE and kind.side in episode.reason:
                return _Result(at - began)
    return _Result(None)


class _Result(NamedTuple):
    after_s: float | None
    """After how many seconds it was found; None where it was not."""


def _is_known(playback: Playback, now: datetime, profile: Profile) -> bool:
    """Whether an incident of the heart is open, or was a cool-down ago: then it is not told anew."""
    since = now - timedelta(seconds=profile.thresholds.cool_down_s)
    of_heart = (each for each in playback.episodes if each.kind is IncidentKind.HEART_RATE)
    return any(each.ended_at is None or each.ended_at > since for each in of_heart)


def errors_step(rhythm_s: float | None) -> int:
    """How many of a wrist's errors lie between two values: they were measured every 5 to 10 s."""
    return max(1, round((rhythm_s or 10) / 8))
