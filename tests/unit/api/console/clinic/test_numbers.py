"""Ranges, time beyond limits, the day that days resemble, and steps: with nothing, with too little, and with gaps."""

from datetime import date, timedelta

import pytest

from api.console.clinic.numbers import (
    BINS,
    Activity,
    Range,
    activity,
    beyond,
    dates,
    modal_day,
    percentile,
    ranges,
    span,
    steps_by_day,
)
from eldercare.community.minute import Minute
from tests.unit.api.console.clinic.weeks import NOW, PROFILE, ZONE, at, days_ago, minutes

TODAY = date(2026, 11, 24)
FIRST = date(2026, 11, 11)


def measured(days: float) -> list[tuple[int, float]]:
    return [(each.at, each.bpm) for each in minutes(days_ago(days), NOW) if each.bpm is not None]


@pytest.mark.parametrize(
    ("values", "share", "expected"), [([70], 0.95, 70), ([60, 80], 0.5, 70), ([1, 2, 3, 4, 5], 0.25, 2), ([1, 2], 1, 2)]
)
def test_a_percentile_lies_between_two_values(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_a_range_of_less_than_an_hour_is_none() -> None:
    assert span([70.0] * 59) is None
    assert span([70.0] * 60) == Range(70, 70)


def test_day_and_night_have_their_own_ranges() -> None:
    day, night = ranges(measured(3), PROFILE)
    assert day is not None
    assert night is not None
    assert (day.low, day.high, night.low, night.high) == (73, 75, 55, 57)
    assert ranges([], PROFILE) == (None, None)


def test_time_beyond_a_limit_counts_from_the_limit_itself_and_the_night_has_its_own() -> None:
    noon, midnight = at(NOW), at(NOW) + 10 * 60
    values = [(noon, 111.0), (noon + 1, 110.0), (noon + 2, 50.0), (midnight, 50.0), (midnight + 1, 40.0)]
    high, low = beyond(values, PROFILE)
    assert high is not None
    assert low is not None
    assert (high.limit, high.share, high.min_a_day) == (111, 0.2, pytest.approx(288))
    assert (low.limit, low.share, low.min_a_day) == (50, 0.4, pytest.approx(576))
    assert beyond([], PROFILE) == (None, None)


def test_a_quarter_of_an_hour_of_fewer_than_five_days_is_blank() -> None:
    bins, days = modal_day(measured(4.5), ZONE)
    assert days == 5
    assert len(bins) == BINS
    # Half past two is of four days alone; at one o'clock there are five.
    assert bins[14 * 4 + 2] is None
    one = bins[13 * 4]
    assert one is not None
    assert (one.p5, one.middle, one.p95) == (73, 74, 75)
    assert one.p5 <= one.p25 <= one.middle <= one.p75 <= one.p95


def test_steps_are_of_local_days_and_none_told_is_no_day() -> None:
    found = steps_by_day(minutes(days_ago(2), NOW), ZONE)
    assert found == {date(2026, 11, 22): 0, date(2026, 11, 23): 1800, TODAY: 1800}
    assert steps_by_day([Minute(at(NOW), 70)], ZONE) == {}


def walked(before: int | None, period: int, worn: int = 900) -> Activity | None:
    days = dates(FIRST - timedelta(days=20), TODAY)
    steps = {day: period if day >= FIRST else before for day in days}
    known = {day: n for day, n in steps.items() if n is not None}
    return activity(known, dict.fromkeys(days, worn), FIRST, TODAY)


@pytest.mark.parametrize(
    ("before", "period", "worn", "expected"),
    [
        (4000, 4000, 900, Activity(4000, 4000, 0, 13)),
        (4000, 1999, 900, Activity(1999, 4000, 13, 13)),
        (4000, 2000, 900, Activity(2000, 4000, 0, 13)),
        (None, 2000, 900, Activity(2000, None, 0, 13)),
        (0, 2000, 900, Activity(2000, None, 0, 13)),
        (4000, 4000, 599, None),
        (0, 0, 900, None),
    ],
)
def test_steps_are_compared_with_her_own_on_days_that_were_worn(
    before: int | None, period: int, worn: int, expected: Activity | None
) -> None:
    assert walked(before, period, worn) == expected
