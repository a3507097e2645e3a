"""A recording played: the same incidents as in the service, in whatever order its readings came."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.model.incident import Cleared, IncidentKind, Severity
from alerts.rules import Reading
from alerts.rules.playback import Episode, Playback
from alerts.rules.whereabouts import METRES_PER_DEGREE
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from tests.unit.alerts.rules.band import HOME, NOON, profile


def heart(minute: float, bpm: float) -> HeartRate:
    return HeartRate(ts=NOON + timedelta(minutes=minute), bpm=bpm)


def hearts(bpm: float, minutes: Iterable[int]) -> list[Reading]:
    return [heart(minute, bpm) for minute in minutes]


def fix(minute: float, metres: float) -> Location:
    lat = HOME[0] + metres / METRES_PER_DEGREE
    return Location(ts=NOON + timedelta(minutes=minute), lat=lat, lon=HOME[1], accuracy_m=10)


def played(readings: Iterable[Reading]) -> Playback:
    """All of them, each delivered when it was made, or with the newest before it."""
    playback, now = Playback(profile()), NOON
    for reading in readings:
        now = max(now, reading.ts)
        playback.receive(reading, now)
    return playback


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_an_episode_lasts_from_its_finding_until_the_rules_say_that_it_is_over() -> None:
    playback = played([*hearts(72, range(20)), *hearts(120, range(20, 40)), *hearts(72, range(40, 60))])
    assert playback.episodes == [
        Episode(IncidentKind.HEART_RATE, Severity.WARNING, "high_warning", after(29), after(49), Severity.WARNING)
    ]


def test_an_episode_that_becomes_graver_is_one_whose_first_act_stays() -> None:
    playback = played([*hearts(120, range(15)), *hearts(150, range(15, 30))])
    [episode] = playback.episodes
    assert (episode.severity, episode.opened_as, episode.ended_at) == (Severity.URGENT, Severity.WARNING, None)


def test_what_comes_after_the_end_is_another_episode() -> None:
    playback = played([*hearts(150, range(10)), *hearts(72, range(10, 70)), *hearts(150, range(70, 80))])
    assert [(episode.opened_at, episode.opened_as) for episode in playback.episodes] == [
        (after(4), Severity.URGENT),
        (after(74), Severity.URGENT),
    ]


def test_silence_is_looked_at_every_minute() -> None:
    playback = played([*hearts(72, range(5)), *hearts(72, range(120, 125))])
    [episode] = playback.episodes
    assert (episode.kind, episode.severity, episode.opened_as) == (IncidentKind.SILENT, Severity.TASK, Severity.TASK)
    assert timedelta(minutes=45) <= episode.opened_at - after(4) <= timedelta(minutes=46)
    assert episode.ended_at == after(120)
    before_anything = Playback(profile())
    before_anything.wait(after(1_000_000))
    assert before_anything.episodes == []


def test_what_is_stored_already_says_nothing() -> None:
    playback = Playback(profile())
    for number in range(30):
        playback.receive(heart(0, 150), after(number))
        playback.receive(fix(0, 5_000), after(number))
    assert playback.episodes == []


def test_what_comes_late_alarms_nobody() -> None:
    playback = played([heart(60, 72), *hearts(150, range(30))])
    assert playback.episodes == []


def test_the_memory_of_what_was_stored_is_bounded() -> None:
    playback = played(hearts(72, range(3 * 24 * 60)))
    assert len(playback._stored) < 3 * 60
    assert sum(map(len, playback._known.values())) == len(playback._stored)


@given(st.permutations(range(10)), st.integers(0, 1))
def test_within_ten_minutes_the_order_makes_no_difference(order: list[int], side: int) -> None:
    """A band that keeps its values for nine minutes hands them in as it likes."""
    readings = [heart(minute, 150) if side else fix(minute, 3_000) for minute in range(10)]
    playback = Playback(profile())
    playback.receive(Status(ts=NOON - timedelta(minutes=1), worn=True), NOON)
    for number in order:
        playback.receive(readings[number], after(9))
    assert [(episode.kind, episode.opened_at) for episode in playback.episodes] == [
        (IncidentKind.HEART_RATE if side else IncidentKind.WANDERING, after(9))
    ]


def test_too_low_and_then_too_high_are_one_incident_that_ends_with_the_last() -> None:
    playback = played([*hearts(45, range(15)), *hearts(150, range(15, 25)), *hearts(72, range(25, 40))])
    [episode] = playback.episodes
    assert (episode.reason, episode.severity) == ("low_warning", Severity.URGENT)
    assert (episode.opened_at, episode.ended_at) == (after(9), after(34))


def test_what_nothing_is_known_of_ends_nothing() -> None:
    playback = played(hearts(72, range(3)))
    playback._apply([Cleared(IncidentKind.HEART_RATE, "high_over", after(3))], after(3))
    assert playback.episodes == []
