"""The small drawing of a heart's day: gaps stay gaps, and nothing leaves the box."""

import re
from datetime import UTC, datetime, timedelta

from api.console.family.chart import HEIGHT, WIDTH, draw
from api.console.family.day import Point, Range

START = datetime(2026, 11, 24, tzinfo=UTC)


def points(*values: float | None, usual: Range | None = Range(60, 80)) -> list[Point]:
    return [Point(START + timedelta(hours=hour), hour, bpm, usual) for hour, bpm in enumerate(values)]


def test_without_a_heart_there_is_no_drawing() -> None:
    assert draw(points(None, None)) is None
    assert draw([]) is None


def test_an_hour_that_was_not_measured_is_a_gap_and_one_alone_a_dot() -> None:
    drawing = draw(points(70, 72, None, 74, None, 70, 71, 72))
    assert drawing is not None
    assert drawing.line.count("M") == 2
    assert len(drawing.dots) == 1
    assert drawing.ground.count("Z") == 1


def test_nothing_leaves_the_box() -> None:
    for drawing in (draw(points(30, 200, 90)), draw(points(70)), draw(points(70, 70, usual=None))):
        assert drawing is not None
        numbers = [float(each) for each in re.findall(r"-?\d+\.?\d*", f"{drawing.line} {drawing.ground}")]
        numbers += [each for dot in drawing.dots for each in dot]
        assert all(0 <= x <= WIDTH for x in numbers[::2])
        assert all(0 <= y <= HEIGHT for y in numbers[1::2])


def test_an_hour_without_what_is_usual_has_no_ground() -> None:
    half = points(70, 70, 70)[:2] + points(70, 70, 70, usual=None)[2:]
    drawing = draw(half)
    assert drawing is not None
    assert drawing.ground.count("L") == 3
    assert draw(points(70, 70, usual=None)).ground == ""  # type: ignore[union-attr]


def test_a_higher_heart_is_drawn_higher() -> None:
    drawing = draw(points(60, 80))
    assert drawing is not None
    (_, low), (_, high) = (part.split() for part in drawing.line.removeprefix("M").split(" L"))
    assert float(low) > float(high)
