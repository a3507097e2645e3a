"""Drawings stay in their box, gaps stay gaps, and every scale is the same until values leave it."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from api.console.clinic import drawing
from api.console.clinic.drawing import Box, Scale, Spread
from api.console.clinic.nights import Baseline, Night
from api.console.clinic.numbers import Bin, Range
from api.console.clinic.wear import Gap, Known
from tests.unit.api.console.clinic.weeks import ZONE

BOX = Box(700, 300, 40, 20, 680, 260)


def inside(path: str) -> bool:
    numbers = [float(each) for each in re.findall(r"-?\d+\.?\d*", path)]
    xs, ys = numbers[::2], numbers[1::2]
    return all(BOX.left <= x <= BOX.right for x in xs) and all(BOX.top <= y <= BOX.bottom for y in ys)


@pytest.mark.parametrize(
    ("values", "low", "high"), [((), 40, 140), ((60, 140), 40, 140), ((38, 141), 20, 160), ((5, 215), 0, 220)]
)
def test_the_scale_grows_by_twenty_where_values_leave_it(values: tuple[float, ...], low: int, high: int) -> None:
    scale = Scale(BOX, 0, 100, values)
    assert (scale.low, scale.high) == (low, high)
    assert scale.ys()[0].label == str(low)
    assert (scale.y(low), scale.y(high)) == (BOX.bottom, BOX.top)
    assert (scale.x(-5), scale.x(50), scale.x(200)) == (BOX.left, 360, BOX.right)


def test_a_scale_of_no_time_divides_by_nothing() -> None:
    assert Scale(BOX, 5, 5).x(5) == BOX.left


def test_values_are_gathered_and_what_was_not_measured_is_absent() -> None:
    found = drawing.spreads([(1, 70.0), (4, 80.0), (12, 60.0), (-3, 99.0)], 0, 5)
    assert [(each.at, each.middle) for each in found] == [(0, 75.0), (10, 60.0)]


def test_a_curve_has_its_gaps_and_one_point_alone_is_a_dot() -> None:
    scale = Scale(BOX, 0, 60)
    points = [Spread(at, 5, 60, 70, 80) for at in (0, 5, 10, 20, 25, 40)]
    found = drawing.curve(scale, points)
    assert found.line.count("M") == 2
    assert found.ground.count("Z") == 2
    assert len(found.dots) == 1
    assert inside(found.line)
    assert inside(found.ground.replace("Z", ""))
    assert drawing.curve(scale, []).line == ""


@pytest.mark.parametrize(("night", "kinds"), [((22, 6), ["night", "day", "night"]), ((0, 7), ["night", "day"])])
def test_her_own_ranges_follow_day_and_night(night: tuple[int, int], kinds: list[str]) -> None:
    begin = datetime(2026, 11, 23, tzinfo=ZONE)
    scale = Scale(BOX, int(begin.timestamp() // 60), int((begin + timedelta(days=1)).timestamp() // 60))
    found = drawing.usual_bands(scale, Range(60, 90), Range(50, 70), ZONE, *night)
    assert [each.kind for each in found] == kinds
    assert found[0].x == BOX.left
    assert found[-1].x + found[-1].width == pytest.approx(BOX.right, abs=0.2)
    only_night = drawing.usual_bands(scale, None, Range(50, 70), ZONE, *night)
    assert {each.kind for each in only_night} == {"night"}


def test_gaps_have_the_look_of_what_they_were_and_keep_to_the_window() -> None:
    scale = Scale(BOX, 100, 200)
    found = drawing.gaps(
        scale,
        [Gap(0, 100, Known.OFF), Gap(50, 120, Known.SILENT), Gap(150, 300, Known.BEFORE), Gap(130, 131, Known.WORN)],
    )
    assert [each.kind for each in found] == ["silent", "before", "unmeasured"]
    assert all(BOX.left <= each.x and each.x + each.width <= BOX.right for each in found)


def test_the_modal_day_leaves_blank_what_it_does_not_know() -> None:
    bins = [Bin(60, 65, 70, 75, 80), Bin(60, 65, 70, 75, 80), None, Bin(60, 65, 70, 75, 80)]
    found = drawing.modal(BOX, bins, 111, 50)
    assert found.line.count("M") == 1
    assert [tick.label for tick in found.limits] == ["111", "50"]
    assert inside(found.line)
    assert inside(found.inner.replace("Z", ""))
    assert [tick.label for tick in drawing.modal(BOX, [None], 150, 50).limits] == ["50"]


def nights(*rates: float | None) -> list[Night]:
    return [Night(date(2026, 11, 1) + timedelta(days=at), rate) for at, rate in enumerate(rates)]


@pytest.mark.parametrize("usual", [None, Baseline(58, 4.5, 28)])
@pytest.mark.parametrize("rates", [(None, None), (58.0,), (58.0, None, 67.0), (30.0, 120.0, 58.0), ()])
def test_nights_are_dots_within_the_box(rates: tuple[float | None, ...], usual: Baseline | None) -> None:
    found = drawing.by_night(BOX, nights(*rates), usual)
    assert len(found.dots) == sum(rate is not None for rate in rates)
    assert all(BOX.left <= x <= BOX.right and BOX.top <= y <= BOX.bottom for x, y in found.dots)
    assert len(found.bands) == (usual is not None)
    assert len(found.ys) >= 2


def test_bars_are_as_high_as_their_share_and_unknown_has_none() -> None:
    found = drawing.bars(BOX, [0, None, 720, 1440, 9999], 1440)
    assert [each.height for each in found] == [0, 120, 240, 240]
    assert drawing.bars(BOX, [], 1) == []


def test_days_are_counted_in_the_zone() -> None:
    assert drawing.day_index(date(2026, 11, 24), datetime(2026, 11, 24, 16, tzinfo=UTC), ZONE) == 1
