"""A heart that is fast for her alone: the personal envelope over recordings, its nuisance and what it finds.

Part of `python -m benchmarks.rules`. Each recording is moved up or down by as much as makes the person's usual rate at
rest by day 60 beats per minute; an hour at 100 is nothing to the limits that hold for everybody. What is high for her
is learnt of the days before, as it would be in life.
"""

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.rules import Profile, envelope
from alerts.rules.playback import Episode
from alerts.rules.rule import next_noon
from benchmarks import recordings
from benchmarks.episodes import Caught, Kind, inject
from benchmarks.recordings import Value
from benchmarks.trends import days, read_as

SEED = 1
USUAL_BPM = 60.0
DAY_H = (8, 20)
EACH = 12
"""Episodes of each kind and person."""
KINDS = (
    Kind("100 for an hour, by day", "above_usual", (100, 100), 1800, 3600),
    Kind("100, a minute with steps every 8", "above_usual", (100, 100), 1800, 3600, stepping_s=480),
    Kind("95 for an hour, by day", "above_usual", (95, 95), 1800, 3600),
    Kind("90 for an hour, by day", "above_usual", (90, 90), 1800, 3600),
    Kind("85 to 92 for an hour, asleep", "above_usual", (85, 92), 1800, 3600, asleep=True),
)
RHYTHMS_S = (None, 60, 300, 600)


def is_unusual(episode: Episode) -> bool:
    """Whether it was the envelope that opened it."""
    return episode.reason.startswith("above_usual")


def moved_to(values: Sequence[Value], usual_bpm: float) -> list[Value]:
    """The recording of somebody whose median at rest by day is this rate, in beats per minute."""
    rests = [each.bpm for each in values if each.steps == 0 and DAY_H[0] <= each.ts.hour < DAY_H[1]]
    off = usual_bpm - statistics.median(rests)
    return [each._replace(bpm=each.bpm + off) for each in values]


def known_at(values: Sequence[Value], nobody: Profile) -> Callable[[datetime], Profile | None]:
    """What is known of her at a moment, by the days that ended before it; None where nothing is."""
    levels = envelope.Levels()
    by_noon: dict[datetime, Profile] = {}
    for day in days(read_as(values, 60, moves=True)):
        levels, _ = envelope.learn(levels, day, nobody)
        by_noon[datetime.fromtimestamp(day.end, nobody.zone)] = replace(nobody, learnt={envelope.SLOT: levels})

    def known(moment: datetime) -> Profile | None:
        profile = by_noon.get(next_noon(moment, nobody.zone) - timedelta(days=1))
        level = profile and profile.learnt[envelope.SLOT]
        return profile if isinstance(level, envelope.Levels) and level.awake.high is not None else None

    return known


Scores = dict[str, Caught]


def caught(who: str, values: Sequence[Value], rhythm_s: float | None, nobody: Profile) -> Scores:
    """Put episodes of every kind into one person's recording; scores by the name of the kind."""
    chance = random.Random(f"{SEED} usual {who} {rhythm_s}")
    known, scores = known_at(values, nobody), defaultdict[str, Caught](Caught)
    for kind, delay_s in inject(values, KINDS, rhythm_s, EACH, recordings.wrist_errors(), chance, known):
        scores[kind.name].add(delay_s, kind)
    return scores
