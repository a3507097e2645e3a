"""Her day against her own two weeks: charts, steps, hours worn, getting up."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.console.family import day
from api.console.family.day import Morning, Range
from api.console.family.state import Heart
from eldercare.community.hour import Hour

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
"""Half past twelve in Shanghai."""


def at(hour: int, minute: int = 0, back: int = 0) -> datetime:
    """A moment of the local day, `back` days ago."""
    return datetime(2026, 11, 24, hour, minute, tzinfo=ZONE) - timedelta(days=back)


def weeks(bpm: float = 70, steps: int | None = 100, days: int = 14) -> list[Hour]:
    """Days before today in which each hour from six to ten in the evening is alike."""
    return [
        Hour(at(hour, back=back), 60, bpm + back % 3, steps, at(hour, 59, back), at(hour, 30, back))
        for back in range(days, 0, -1)
        for hour in range(6, 22)
    ]


def test_the_chart_has_the_last_24_hours_and_the_running_one_last() -> None:
    points = day.chart([*weeks(), Hour(at(12), 20, 75.0)], NOW, ZONE)
    assert len(points) == 24
    assert (points[-1].at, points[-1].hour, points[-1].bpm) == (at(12), 12, 75.0)
    assert points[0].at == at(13, back=1)
    assert points[-1].usual == Range(67, 75)
    night = next(point for point in points if point.hour == 3)
    assert (night.bpm, night.usual) == (None, None)


def test_the_chart_goes_on_where_the_clock_is_put_back() -> None:
    """In the night in which an hour comes twice, it is there twice."""
    berlin, now = ZoneInfo("Europe/Berlin"), datetime(2026, 10, 25, 8, 30, tzinfo=UTC)
    points = day.chart([], now, berlin)
    assert [point.hour for point in points].count(2) == 2
    assert len({point.at for point in points}) == 24


def test_few_days_make_nothing_usual() -> None:
    assert day.usual_heart(weeks(days=4), NOW, ZONE) == {}
    assert day.usual_heart([Hour(at(8, back=back), 0, None) for back in range(1, 15)], NOW, ZONE) == {}


@pytest.mark.parametrize(
    ("bpm", "minutes_ago", "said"),
    [
        (75, 5, Heart.USUAL), (85, 5, Heart.USUAL), (86, 5, Heart.FASTER), (57, 5, Heart.USUAL), (56, 5, Heart.SLOWER),
        (86, 119, Heart.FASTER), (86, 121, Heart.UNKNOWN), (86, None, Heart.UNKNOWN),
    ],
)  # fmt: skip
def test_her_heart_against_her_own(bpm: float, minutes_ago: int | None, said: Heart) -> None:
    points = day.chart([*weeks(), Hour(at(12), 20, bpm)], NOW, ZONE)
    heart_at = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    assert day.heart(points, heart_at, NOW) is said


def test_a_heart_of_whom_nothing_is_usual_is_not_judged() -> None:
    assert day.heart(day.chart([Hour(at(12), 20, 120)], NOW, ZONE), NOW, NOW) is Heart.UNKNOWN
    assert day.heart(day.chart([], NOW, ZONE), NOW, NOW) is Heart.UNKNOWN


def test_steps_are_compared_at_the_same_time_of_the_day() -> None:
    today = [Hour(at(8), 60, 70, 300), Hour(at(12), 20, 70, 40)]
    found = day.steps([*weeks(), *today], NOW, ZONE)
    # Six whole hours and half of the seventh, 100 steps each.
    assert (found.today, found.usual) == (340, Range(650, 650))


def test_steps_that_no_band_counts_are_none_and_not_zero() -> None:
    assert day.steps(weeks(steps=None), NOW, ZONE) == day.Steps(None, None)
    assert day.steps([Hour(at(8), 60, 70, 0)], NOW, ZONE) == day.Steps(0, None)
    assert day.steps(weeks(steps=0), NOW, ZONE).usual is None


def test_hours_worn_of_the_last_seven_days() -> None:
    found = day.worn([*weeks(), Hour(at(9), 5, 70)], NOW, ZONE)
    assert [each.hours for each in found] == [16] * 6 + [1]
    assert (found[0].day, found[-1].day) == (date(2026, 11, 18), date(2026, 11, 24))
    assert [each.hours for each in day.worn([Hour(at(9), 0, None, 5)], NOW, ZONE)] == [0] * 7


def test_a_day_counts_from_six_hours_on() -> None:
    assert day.days_known(weeks(), ZONE) == 14
    assert day.days_known([Hour(at(hour), 1, 70) for hour in range(5)], ZONE) == 0
    assert day.days_known([Hour(at(hour), 0) for hour in range(12)], ZONE) == 0


@pytest.mark.parametrize(
    ("hour", "up", "bed", "rests"),
    [
        (3, None, None, True), (6, None, None, False), (21, None, None, False), (22, None, None, True),
        (6, 7 * 60, 21 * 60, True), (7, 7 * 60, 21 * 60, False), (21, 7 * 60, 21 * 60, True),
    ],
)  # fmt: skip
def test_hours_of_rest(hour: int, up: int | None, bed: int | None, rests: bool) -> None:
    assert day.rests(at(hour), ZONE, up, bed) is rests


SEVEN = 7 * 60
EVENING = at(21, back=1)


@pytest.mark.parametrize(
    ("moved", "now", "usual", "said"),
    [
        ([], at(9), SEVEN, Morning(None, False)),
        ([EVENING, at(6, 50), at(7, 20)], at(9), SEVEN, Morning(at(6, 50), False)),
        ([EVENING, at(6, 50), at(7, 20)], at(9), None, Morning(at(6, 50), False)),
        # Up once at night, and asleep again.
        ([EVENING, at(2), at(6, 50)], at(9), SEVEN, Morning(at(6, 50), False)),
        ([EVENING, at(2)], at(9), SEVEN, Morning(None, True)),
        ([EVENING], at(9), SEVEN, Morning(None, True)),
        ([EVENING, at(2)], at(3), SEVEN, Morning(at(2), False)),
        # Whoever sits down soon after getting up is no longer in bed.
        ([EVENING, at(6, 10), at(6, 40)], at(9), SEVEN, Morning(at(6, 10), False)),
        # A nap is no night.
        ([at(7), at(13), at(15)], at(16), SEVEN, Morning(None, False)),
        ([EVENING, at(22, 45, back=1), at(23, 0, back=1)], at(23, 30, back=1), SEVEN, Morning(None, False)),
    ],
)
def test_her_morning(moved: list[datetime], now: datetime, usual: int | None, said: Morning) -> None:
    assert day.morning(moved, now, ZONE, usual) == said


@pytest.mark.parametrize(
    ("hour", "bed", "back", "began"),
    [
        (23, 21 * 60, 0, 21), (22, None, 0, 22), (20, 21 * 60, 1, 21), (3, 21 * 60, 1, 21), (3, 24 * 60, 0, 0),
    ],
)  # fmt: skip
def test_when_the_newest_night_began(hour: int, bed: int | None, back: int, began: int) -> None:
    assert day.night_began(at(hour), ZONE, bed) == at(began) - timedelta(days=back)


@pytest.mark.parametrize(("hour", "deep"), [(22, False), (23, True), (0, True), (4, True), (5, False), (12, False)])
def test_the_hours_in_which_nobody_is_out(hour: int, deep: bool) -> None:
    assert day.is_deep_night(at(hour), ZONE) is deep
