"""A person's weeks as a whole: with all there is, with nothing, with half of it, and with an absence."""

from datetime import date, timedelta

from api.console.clinic.reckoning import Away, Reckoned, begins, reckon
from eldercare.community.minute import Minute, Recorded
from tests.unit.api.console.clinic.weeks import NOW, PROFILE, ZONE, at, days_ago, minutes, recorded

START = begins(NOW, ZONE)


def of(found: list[Minute], away: Away | None = None) -> Reckoned:
    return reckon(recorded(found, START), PROFILE, away, NOW, ZONE)


def rising() -> list[Minute]:
    """Fifty days as usual, and nine nights that are faster by ten."""
    return [*minutes(START, days_ago(9)), *minutes(days_ago(9), NOW, night=66)]


def test_a_change_is_told_against_what_was_before_the_period() -> None:
    found = of(rising())
    assert (found.period, found.report, found.today) == (date(2026, 10, 26), date(2026, 11, 11), date(2026, 11, 24))
    assert (len(found.nights), len(found.steps), len(found.worn_min)) == (30, 30, 30)
    assert found.usual is not None
    assert found.trend is not None
    assert found.trend.said
    assert 9 <= found.trend.difference <= 11
    assert found.shares.is_enough
    assert found.nights_known == 14
    assert found.long_gaps == []
    assert found.modal_days == 14
    assert found.usual_night is not None
    assert found.night is not None
    assert found.night.high > found.usual_night.high + 5


def test_nothing_recorded_is_nothing_said() -> None:
    found = reckon(Recorded([], [], []), PROFILE, None, NOW, ZONE)
    assert (found.usual, found.trend, found.day, found.night, found.high, found.activity) == (None,) * 6
    assert set(found.worn_min) == {None}
    assert set(found.steps) == {None}
    assert not found.shares.is_enough


def test_too_few_data_keep_a_trend_from_being_said() -> None:
    thin = [each for each in rising() if (each.at + 480) % 1440 < 720]
    found = of(thin)
    assert found.trend is not None
    assert not found.trend.said


def test_nights_away_say_nothing_of_her() -> None:
    away = Away(at(days_ago(9)), at(NOW + timedelta(days=1)))
    found = of(rising(), away)
    assert [each.rate for each in found.nights[-8:]] == [None] * 8
    assert found.trend is None


def test_a_heart_beyond_the_limit_all_day_is_so_for_24_of_24_hours_whatever_the_bands_rhythm() -> None:
    uneven = [each for each in minutes(days_ago(14), NOW, night=130, day=130) if each.at % 10 in (0, 1, 5)]
    high = of(uneven).high
    assert high is not None
    assert (high.share, high.min_a_day) == (1.0, 1440)
