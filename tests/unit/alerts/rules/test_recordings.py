"""The rules on real recordings: quiet where they should be, and not where they should not."""

import pytest

from benchmarks import recordings, rules, usual
from benchmarks.episodes import KINDS, LASTING
from benchmarks.recordings import Value

pytestmark = pytest.mark.recordings

People = dict[str, list[Value]]


@pytest.fixture(scope="module")
def people() -> People:
    return recordings.stanford_steps()


def test_where_movement_is_known_nearly_nobody_is_bothered(people: People) -> None:
    played = [rules.quiet(who, values, rules.ANYWHERE) for who, values in people.items()]
    assert sum(one.days for one in played) == 303
    assert sum(one.per_day == 0 for one in played) >= 1
    # One of the six goes in for a sport without steps on two of 15 days.
    assert sum(one.per_day <= 0.1 for one in played) == 5
    assert rules.per_day(played) <= 0.1
    # What is high for her alone adds next to nothing.
    assert sum(usual.is_unusual(each) for one in played for each in one.episodes) <= 0.01 * 303


def test_movement_is_what_keeps_it_quiet(people: People) -> None:
    who = "AURCTAK"
    known, unknown = (rules.quiet(who, people[who], rules.ANYWHERE, steps=steps) for steps in (True, False))
    assert unknown.per_day > 5 * known.per_day


@pytest.mark.parametrize(
    ("rhythm_s", "least", "least_in_time"),
    [(None, 0.93, 0.9), (10, 0.95, 0.93), (60, 0.95, 0.93), (180, 0.95, 0.9), (300, 0.95, 0.92), (600, 0.9, 0.85)],
)
def test_episodes_are_caught_in_any_rhythm_by_real_wristbands(
    people: People, rhythm_s: int | None, least: float, least_in_time: float
) -> None:
    kinds = KINDS if rhythm_s is None else LASTING
    scores = [
        score
        for who, values in people.items()
        for score in rules.caught(who, values, kinds, rhythm_s, 4, rules.ANYWHERE).values()
    ]
    result = rules.total(scores)
    assert result.injected >= 100
    assert result.caught >= least * result.injected
    assert result.in_time >= least_in_time * result.injected


def test_an_hour_that_is_fast_for_her_alone_is_found(people: People) -> None:
    who = "AURCTAK"
    scores = usual.caught(who, usual.moved_to(people[who], usual.USUAL_BPM), 300, rules.ANYWHERE)
    hour = scores[usual.KINDS[0].name]
    assert hour.injected >= 10
    assert hour.in_time == hour.injected


def test_what_is_measured_exactly_is_found_in_everybody(people: People) -> None:
    for who, values in people.items():
        scores = rules.caught(who, values, KINDS, None, 4, rules.ANYWHERE, exact=True)
        for kind, score in scores.items():
            assert (who, kind, score.caught) == (who, kind, score.injected)


def test_drift_alone_never_leaves_the_zone() -> None:
    stretches = 0
    for fixes in recordings.tracks().values():
        found, alarms = rules.alarms_while_standing(fixes)
        stretches += found
        assert alarms == 0
    assert stretches >= 100


def test_whoever_goes_out_is_noticed() -> None:
    tracks = {who: fixes for who, fixes in recordings.tracks().items() if who in ("002", "posmo")}
    for played in rules.report_tracks(tracks):
        assert 0.5 <= played.per_day <= 10
