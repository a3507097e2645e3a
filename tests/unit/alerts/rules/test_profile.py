"""When it is night in the community, and when its day began."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.unit.alerts.rules.band import NOON, profile


def local(hour: float) -> float:
    return (NOON + timedelta(hours=hour - 12)).timestamp()


@pytest.mark.parametrize(
    ("hour", "night"), [(21.99, False), (22, True), (23.5, True), (24, True), (29.99, True), (30, False), (12, False)]
)
def test_the_night_goes_over_midnight_in_the_communitys_zone(hour: float, night: bool) -> None:
    assert profile().is_night(local(hour)) is night


def test_the_same_moment_is_day_elsewhere() -> None:
    assert profile().is_night(local(23))
    assert not profile(zone=ZoneInfo("Europe/Zurich")).is_night(local(23))


def test_a_night_may_lie_within_one_day() -> None:
    who = profile({"night_from_h": 1, "night_to_h": 5})
    assert [who.is_night(local(hour)) for hour in (0, 1, 4.9, 5, 23)] == [False, True, True, False, False]


def test_the_day_begins_when_the_night_ends() -> None:
    assert profile().day_began(local(12)) == local(6)
    assert profile().day_began(local(23)) == local(23)


def test_before_midnight_a_day_that_the_night_ends_later_began_long_ago() -> None:
    who = profile({"night_from_h": 1, "night_to_h": 5})
    assert who.day_began(local(0.5)) == local(0.5) - 19.5 * 3600


def test_away_is_until_a_moment() -> None:
    who = profile(away_until=NOON)
    assert who.is_away(local(11.9))
    assert not who.is_away(local(12))
    assert who.away_before(local(11.9)) == 0
    assert who.away_before(local(13)) == NOON.timestamp()
    assert not profile().is_away(local(12))
    assert profile().away_before(local(12)) == 0
