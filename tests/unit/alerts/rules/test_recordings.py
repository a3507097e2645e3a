"""The rules on real recordings: quiet where they should be, and not where they should not."""

import pytest

from benchmarks import recordings, rules
from eldercare.protocol.mqtt_v1 import HeartRate

pytestmark = pytest.mark.skipif(not recordings.found(), reason=recordings.HOW)


@pytest.fixture(scope="module")
def people() -> dict[str, list[HeartRate]]:
    return recordings.stanford()


def test_where_movement_is_known_nuisance_stays_within_the_target(people: dict[str, list[HeartRate]]) -> None:
    played = rules.play_all(people)
    assert sum(one.days for one in played) == 303
    assert rules.alarms_per_day(played) <= rules.NUISANCE_PER_DAY
    assert sum(one.per_day == 0 for one in played) >= 4


def test_movement_is_what_keeps_it_quiet(people: dict[str, list[HeartRate]]) -> None:
    who = "AURCTAK"
    unknown = rules.play_all(rules.without_motion({who: people[who]}))
    assert rules.alarms_per_day(unknown) > 5 * rules.alarms_per_day([rules.play(who, people[who], rules.ANYWHERE)])


def test_every_episode_measured_exactly_is_caught_in_time(people: dict[str, list[HeartRate]]) -> None:
    for reason, count in rules.inject(people, [[0.0]]).items():
        assert count.injected >= 100, reason
        assert count.caught == count.injected, reason


def test_most_episodes_are_caught_by_a_real_wristband(people: dict[str, list[HeartRate]]) -> None:
    for reason, count in rules.inject(people, recordings.wrist_errors()).items():
        assert count.caught >= 0.9 * count.injected, reason


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
