"""Her heart over 24 hours as paths of a small drawing: a line against the ground of what is usual. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.console.family.day import Point

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

    runs = _runs([None if each.bpm is None else (x(at), y(each.bpm)) for at, each in enumerate(points)])
    tops = _runs([None if each.usual is None else (x(at), y(each.usual.high)) for at, each in enumerate(points)])
    lows = _runs([None if each.usual is None else (x(at), y(each.usual.low)) for at, each in enumerate(points)])
    return Drawing(
        line=" ".join(_path(run) for run in runs if len(run) > 1),
        ground=" ".join(
            f"{_path([*top, *reversed(bottom)])} Z" for top, bottom in zip(tops, lows, strict=True) if len(top) > 1
        ),
        dots=[run[0] for run in runs if len(run) == 1],
    )


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    found: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            found[-1].append(point)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x} {y}" for x, y in points)
