"""Paths of small drawings: what was not measured is a gap. Pure."""

from collections.abc import Sequence

Place = tuple[float, float]
"""x and y, units of the drawing."""


def runs(points: Sequence[Place | None]) -> list[list[Place]]:
    """The stretches without a gap."""
    found: list[list[Place]] = [[]]
    for point in points:
        if point is not None:
            found[-1].append(point)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def path(points: Sequence[Place]) -> str:
    """These places joined by lines."""
    return "M" + " L".join(f"{x} {y}" for x, y in points)


def line(points: Sequence[Place | None]) -> str:
    """One path through all stretches of more than one place."""
    return " ".join(path(run) for run in runs(points) if len(run) > 1)


def between(lower: Sequence[Place | None], upper: Sequence[Place | None]) -> str:
    """One path around the ground between two lines that have their gaps in the same places."""
    pairs = zip(runs(lower), runs(upper), strict=True)
    return " ".join(f"{path([*top, *reversed(bottom)])} Z" for bottom, top in pairs if len(top) > 1)
