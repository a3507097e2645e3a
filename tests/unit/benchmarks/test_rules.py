"""What the measuring of the rules makes of recordings that are not as dense as those at hand."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks import recordings, rules
from eldercare.protocol.mqtt_v1 import Location

HOME = (31.2304, 121.4737)
AWAY = (31.5, 121.5)


def track(*stays: tuple[float, tuple[float, float]]) -> list[Location]:
    """A fix at each minute, where somebody was."""
    begins = datetime(2020, 3, 10, 8, tzinfo=UTC)
    return [recordings.location(begins + timedelta(minutes=minute), *place, None) for minute, place in stays]


@pytest.mark.parametrize(
    "fixes",
    [
        pytest.param(track((0, HOME), (40, HOME), (80, HOME), (120, AWAY)), id="a fix every 40 minutes"),
        pytest.param(track((0, HOME), (600, AWAY), (601, HOME), (1200, HOME)), id="two fixes a day"),
        pytest.param(track((0, HOME)), id="a single fix"),
        pytest.param(track((0, AWAY), (0, HOME), (0, HOME)), id="one instant"),
        pytest.param(track((5, HOME), (3, HOME), (1, AWAY)), id="back in time"),
    ],
)
def test_a_home_is_found_in_every_track(fixes: list[Location]) -> None:
    assert rules.home_of(fixes) == HOME
    assert rules.report_tracks({"who": fixes})[0].readings == len(fixes)


def test_whoever_gives_no_fix_for_a_night_is_not_known_to_have_stayed() -> None:
    day = [(float(minute), HOME) for minute in range(0, 300, 5)]
    assert rules.home_of(track(*day, (300, AWAY), (300 + 720, AWAY))) == HOME
