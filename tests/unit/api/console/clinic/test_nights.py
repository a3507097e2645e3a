"""The resting rate by night is the rule's; the baseline is of before; a trend is said of most nights."""

from datetime import date, timedelta

import pytest

from alerts.rules.resting_rate import night_rate
from alerts.rules.rule import Day
from api.console.clinic.nights import Baseline, Night, baseline, nights, rate_now, slope, trend
from eldercare.protocol.mqtt_v1 import HeartRate
from tests.unit.api.console.clinic.weeks import NOW, PROFILE, ZONE, days_ago, minutes

TODAY = date(2026, 11, 24)
USUAL = Baseline(58, 4.5, 28)


def of(*rates: float | None, last: date = TODAY) -> list[Night]:
    return [Night(last - timedelta(days=len(rates) - 1 - at), rate) for at, rate in enumerate(rates)]


def test_each_night_has_the_rate_that_the_rule_takes() -> None:
    found = list(minutes(days_ago(4), days_ago(1)))
    mine = nights(found, PROFILE, date(2026, 11, 19), TODAY)
    assert [each.day for each in mine] == [date(2026, 11, day) for day in range(19, 25)]
    assert [each.rate is None for each in mine] == [True, True, False, False, False, True]
    noon = NOW.astimezone(ZONE).replace(day=22, hour=12, minute=0)
    readings = [
        HeartRate(v=1, ts=NOW.fromtimestamp(each.at * 60, ZONE), bpm=round(each.bpm or 0), steps=each.steps)
        for each in found
    ]
    assert mine[3].rate == night_rate(Day.ending(noon, readings), PROFILE)


def test_of_nights_without_a_value_nothing_is_said() -> None:
    assert nights([], PROFILE, TODAY, TODAY) == [Night(TODAY, None)]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([], None),
        ([58.0] * 6, None),
        ([58.0] * 7, Baseline(58.0, 4.5, 7)),
        ([90.0] * 10 + [58.0] * 28, Baseline(58.0, 4.5, 28)),
        ([None] * 20 + [58.0] * 6, None),
    ],
)
def test_the_baseline_is_of_the_last_four_weeks_before(before: list[float | None], expected: Baseline | None) -> None:
    assert baseline(of(*before), 4.5) == expected


def test_whose_nights_differ_has_a_wider_range() -> None:
    usual = baseline(of(*([50.0, 58.0, 66.0] * 9)), 4.5)
    assert usual is not None
    assert usual.high - usual.usual == pytest.approx(1.5 * 1.4826 * 8)
    assert usual.usual - usual.low == usual.high - usual.usual


@pytest.mark.parametrize(
    ("rates", "said", "beyond"),
    [
        ([67.0] * 7, True, 7),
        ([67.0] * 5 + [58.0] * 2, True, 5),
        ([67.0] * 4 + [58.0] * 3, False, 4),
        ([49.0] * 7, True, 7),
        ([62.0] * 7, False, 0),
        ([None, None, *[67.0] * 5], True, 5),
    ],
)
def test_a_trend_is_said_where_five_of_seven_nights_are_beyond(
    rates: list[float | None], said: bool, beyond: int
) -> None:
    found = trend(of(*[58.0] * 20, *rates), USUAL, enough=True)
    assert found is not None
    assert (found.said, found.beyond) == (said, beyond)


def test_no_trend_of_too_few_nights_or_without_a_baseline_and_none_is_said_of_too_few_data() -> None:
    assert trend(of(None, None, None, *[67.0] * 4), USUAL, enough=True) is None
    assert trend(of(*[67.0] * 7), None, enough=True) is None
    thin = trend(of(*[67.0] * 7), USUAL, enough=False)
    assert thin is not None
    assert not thin.said
    assert thin.a_week is None


def test_one_wild_night_moves_no_slope() -> None:
    rates = [58 + day / 7 for day in range(20)]
    assert slope(of(*rates)) == pytest.approx(1.0)
    rates[10] = 120
    assert slope(of(*rates)) == pytest.approx(1.0, abs=0.1)
    assert slope(of(*rates[:9])) is None


def test_the_rate_of_now_is_of_the_last_seven_nights_and_never_older() -> None:
    assert rate_now(of(90.0, 50, 52, None, 51, None, None, 60)) == 51.5
    assert rate_now(of(60.0, *[None] * 7)) is None
