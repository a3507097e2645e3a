"""The rules over recordings: incidents per person-day, injected episodes caught, microseconds per reading.

    python -m benchmarks.rules

The one number that is chosen by recordings, the share of values beyond a limit, is chosen for each person by what the
others recorded. All else is argued by its kind in `docs/rules.md`. The people recorded are younger adults who exercise.
"""

import itertools
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from alerts.model.geo import distance_m
from alerts.model.incident import Finding, IncidentKind, Verdict
from alerts.rules import Profile, State, Thresholds, evaluate
from alerts.rules.playback import Episode, Playback
from benchmarks import recordings, usual
from benchmarks.episodes import KINDS, LASTING, RHYTHMS_S, Caught, Kind, inject
from benchmarks.goals import Goals
from benchmarks.recordings import Errors, Value
from eldercare.protocol.mqtt_v1 import HeartRate, Location

RADIUS_M = 500
PER_PERSON = 12
"""Episodes of each kind and person."""
SEED = 1
INCIDENTS_PER_DAY, WORST_PER_DAY = 0.02, 0.1
FOUND, FOUND_IN_TIME, LASTING_FOUND = 0.97, 0.95, 0.95
UNUSUAL_PER_DAY, UNUSUAL_FOUND = 0.01, 0.95
SLOWEST_GOAL_S = 300
"""Goals; `LASTING_FOUND` is of episodes of half an hour and more, in every rhythm up to this one; `UNUSUAL` is
what the personal envelope adds, and finds of an hour at 100 where 60 is usual."""
SHARES = (0.5, 0.6, 0.7)
"""What is chosen from."""
LEAST_CAUGHT = 0.97
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


# Nuisance -------------------------------------------------------------------------------------------------------


@dataclass
class Quiet:
    """The incidents of one person in whom nothing was wrong, on so many days."""

    who: str
    days: int
    episodes: list[Episode]

    @property
    def per_day(self) -> float:
        """Incidents per day."""
        return len(self.episodes) / self.days


def with_share(share: float) -> Profile:
    """Nobody in particular, with this share of values beyond a limit."""
    return replace(ANYWHERE, thresholds=Thresholds(hr_share=share))


def quiet(who: str, values: Sequence[Value], profile: Profile, *, steps: bool = True) -> Quiet:
    """Play one person's recording; without `steps` the band tells nothing of movement."""
    playback = Playback(profile)
    for value in values:
        known = steps and value.steps is not None
        motion: recordings.Motion | None = None
        if known:
            motion = "active" if value.steps else "rest"
        reading = recordings.heart_rate(value.ts, value.bpm, motion, value.steps if known else None)
        playback.receive(reading, value.ts)
    found = [episode for episode in playback.episodes if episode.kind is IncidentKind.HEART_RATE]
    return Quiet(who, len({value.ts.date() for value in values}), found)


def per_day(people: Sequence[Quiet]) -> float:
    """Incidents per person-day over all of them."""
    return sum(len(one.episodes) for one in people) / sum(one.days for one in people)


# Episodes -------------------------------------------------------------------------------------------------------

Scores = dict[str, Caught]


def caught(
    who: str,
    values: Sequence[Value],
    kinds: Sequence[Kind],
    rhythm_s: float | None,
    each: int,
    profile: Profile,
    *,
    exact: bool = False,
) -> Scores:
    """Put `each` episodes of every kind into one person's recording; scores by the name of the kind.

    They are measured with a wrist's errors, unless they are measured exactly (`exact`).
    """
    chance = random.Random(f"{SEED} {who} {rhythm_s}")
    errors: Sequence[Errors] = [[0.0]] if exact else recordings.wrist_errors()
    scores: Scores = defaultdict(Caught)
    for kind, delay_s in inject(values, kinds, rhythm_s, each, errors, chance, profile):
        scores[kind.name].add(delay_s, kind)
    return scores


def total(scores: Sequence[Caught]) -> Caught:
    """All of them together."""
    return Caught(
        sum(one.injected for one in scores),
        sum(one.caught for one in scores),
        sum(one.in_time for one in scores),
        [delay for one in scores for delay in one.delays_s],
    )


def choose(shares: Mapping[float, Mapping[str, tuple[Quiet, Caught]]], left_out: str) -> float:
    """The share with the fewest incidents for all but `left_out`, of those by which enough of their episodes are
    found; where none is, the one by which most are."""

    def of_others(share: float) -> tuple[bool, float]:
        others = [result for who, result in shares[share].items() if who != left_out]
        found = total([each for _, each in others])
        enough = found.caught >= LEAST_CAUGHT * found.injected
        return not enough, per_day([each for each, _ in others]) if enough else -found.caught

    return min(shares, key=of_others)


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


def report_quiet(title: str, people: Sequence[Quiet]) -> None:
    """Print incidents per person-day by reason, of all and of each."""
    days = sum(one.days for one in people)
    worst = max(people, key=lambda one: one.per_day)
    counts = Counter(episode.reason for one in people for episode in one.episodes)
    print(f"{title}: {len(people)} people, {days} person-days")
    print(f"  incidents per person-day: {per_day(people):.3f} ({_rates(counts, days)})")
    print(f"  worst person: {worst.who} {worst.per_day:.3f}; median person {statistics.median(_all(people)):.3f}")
    for one in people:
        by_reason = Counter(episode.reason for episode in one.episodes)
        print(f"    {one.who:<12} {one.days:>3} days  {one.per_day:.3f} ({_rates(by_reason, one.days)})")


def _all(people: Sequence[Quiet]) -> list[float]:
    return [one.per_day for one in people]


def report_caught(title: str, people: Mapping[str, Scores]) -> Caught:
    """Print the share of injected episodes found, and found within window + 60 s, of all, the worst person and each
    kind; returns that of all."""
    everything = total([score for scores in people.values() for score in scores.values()])
    by_person = {who: total(list(scores.values())) for who, scores in people.items() if scores}
    worst = min(by_person, key=lambda who: by_person[who].caught / by_person[who].injected)
    lost = by_person[worst]
    print(f"{title}: {_share(everything)}; worst person {worst} {lost.caught} of {lost.injected}")
    for name in {name: None for scores in people.values() for name in scores}:
        score = total([scores[name] for scores in people.values() if name in scores])
        middle = statistics.median(score.delays_s) if score.delays_s else float("nan")
        print(f"    {name:<34} {_share(score)}, median after {middle:.0f} s")
    return everything


def _share(score: Caught) -> str:
    found, in_time = (100 * part / score.injected for part in (score.caught, score.in_time))
    return f"{score.caught} of {score.injected} caught ({found:.1f} %, {in_time:.1f} % in time)"


def report_left_out(people: Mapping[str, Sequence[Value]]) -> list[Quiet]:
    """Print nuisance and catch of each person by what the others chose; returns the nuisance."""
    results: dict[float, dict[str, tuple[Quiet, Caught]]] = {}
    for share in SHARES:
        profile = with_share(share)
        results[share] = {
            who: (quiet(who, values, profile), total(list(caught(who, values, KINDS, None, 4, profile).values())))
            for who, values in people.items()
        }
    chosen = {who: choose(results, who) for who in people}
    print(f"share of values beyond a limit, chosen for each by the others: {chosen}")
    left_out = [results[share][who][0] for who, share in chosen.items()]
    report_quiet("Stanford, steps known, each by what the others chose", left_out)
    return left_out


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


def report_usual(people: Mapping[str, Sequence[Value]], quiet: Sequence[Quiet], goals: Goals) -> None:
    """Print what the personal envelope adds, and what it finds of hearts that are fast for them alone."""
    added = [replace(one, episodes=[each for each in one.episodes if usual.is_unusual(each)]) for one in quiet]
    report_quiet("the personal envelope adds to Stanford", added)
    goals.at_most("incidents a person-day by the personal envelope", per_day(added), UNUSUAL_PER_DAY)
    print(
        f"an hour that is fast for her alone, in recordings moved to a usual {usual.USUAL_BPM:.0f} bpm at rest by day:"
    )
    for rhythm_s in usual.RHYTHMS_S:
        title = "as recorded" if rhythm_s is None else f"a value every {rhythm_s} s"
        found = {
            who: usual.caught(who, usual.moved_to(values, usual.USUAL_BPM), rhythm_s, ANYWHERE)
            for who, values in people.items()
        }
        report_caught(title, found)
        hour = total([scores[usual.KINDS[0].name] for scores in found.values() if usual.KINDS[0].name in scores])
        goals.at_least(f"{usual.KINDS[0].name}, {title}", hour.in_time / hour.injected, UNUSUAL_FOUND)


def main() -> None:
    """Print all of it; exit status 1 where a figure misses its goal."""
    if not recordings.found():
        sys.exit(f"benchmarks.rules: {recordings.HOW}")
    goals = Goals()
    people = recordings.stanford_steps()
    print(f"seed {SEED}")
    left_out = report_left_out(people)
    sport = "one person goes in for a sport without steps, which rate and steps cannot tell from a racing heart"
    goals.at_most("heart-rate incidents per person-day, movement known", per_day(left_out), INCIDENTS_PER_DAY, sport)
    goals.at_most("the same, worst person", max(_all(left_out)), WORST_PER_DAY, sport)
    report_quiet(
        "Stanford, as if the band told nothing of movement",
        [quiet(who, values, ANYWHERE, steps=False) for who, values in people.items()],
    )
    fitabase = {
        who: [Value(one.ts, one.bpm, None) for one in readings] for who, readings in recordings.fitabase().items()
    }
    report_quiet(
        "Fitabase, movement not recorded (their incidents are morning runs)",
        [quiet(who, values, ANYWHERE) for who, values in fitabase.items()],
    )
    print("episodes put into Stanford, with the errors of real wristbands on people over 60 (up to 16 bpm):")
    for rhythm_s, kinds in ((None, KINDS), *((rhythm_s, LASTING) for rhythm_s in RHYTHMS_S)):
        title = "as recorded" if rhythm_s is None else f"a value every {rhythm_s} s, half an hour and more"
        each = PER_PERSON if rhythm_s is None else PER_PERSON // 3
        found = {who: caught(who, values, kinds, rhythm_s, each, ANYWHERE) for who, values in people.items()}
        score = report_caught(title, found)
        if rhythm_s is None:
            goals.at_least(f"episodes found, {title}", score.caught / score.injected, FOUND)
            goals.at_least("the same, within window + 60 s", score.in_time / score.injected, FOUND_IN_TIME)
        elif rhythm_s <= SLOWEST_GOAL_S:
            goals.at_least(f"episodes found, {title}", score.caught / score.injected, LASTING_FOUND)
    report_usual(people, left_out, goals)
    print("whereabouts, zone of 500 m around where each spent most time (all of these did go out):")
    tracks = report_tracks(recordings.tracks())
    hearts = [play(who, readings, ANYWHERE) for who, readings in recordings.stanford().items()]
    for noun, played in (("heart rate", hearts), ("fix", tracks)):
        micros = sum(one.seconds for one in played) / sum(one.readings for one in played) * 1e6
        print(f"{noun}: {micros:.2f} microseconds per reading")
    goals.finish()


if __name__ == "__main__":
    main()
