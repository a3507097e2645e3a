"""Her heart over 24 hours as paths of a small drawing: a line against the ground of what is usual. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.console.family.day import Point
from api.console.shell import paths

WIDTH, HEIGHT, MARGIN = 240, 72, 4
"""Units of the drawing."""
LEAST_SPAN = 20.0
"""Beats per minute that the drawing shows at least, so that two beats are no mountain."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Paths in a box of `WIDTH` by `HEIGHT`. An hour that was not measured is a gap; one alone is a dot."""

    line: str
    ground: str
    dots: list[tuple[float, float]]


def draw(points: Sequence[Point]) -> Drawing | None:
    """The drawing of these hours; None where no heart was measured in any."""
    measured = [each.bpm for each in points if each.bpm is not None]
    if not measured:
        return None
    edges = [edge for each in points if each.usual for edge in each.usual]
    low, high = min((*measured, *edges)), max((*measured, *edges))
    spare = max(0.0, LEAST_SPAN - (high - low)) / 2
    low, high = low - spare, high + spare

    def x(index: int) -> float:
        return round(MARGIN + index * (WIDTH - 2 * MARGIN) / max(1, len(points) - 1), 1)

    def y(bpm: float) -> float:
        return round(HEIGHT - MARGIN - (bpm - low) / (high - low) * (HEIGHT - 2 * MARGIN), 1)

    measured_at = [None if each.bpm is None else (x(at), y(each.bpm)) for at, each in enumerate(points)]
    tops = [None if each.usual is None else (x(at), y(each.usual.high)) for at, each in enumerate(points)]
    lows = [None if each.usual is None else (x(at), y(each.usual.low)) for at, each in enumerate(points)]
    return Drawing(
        line=paths.line(measured_at),
        ground=paths.between(lows, tops),
        dots=[run[0] for run in paths.runs(measured_at) if len(run) == 1],
    )
