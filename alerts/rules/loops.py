"""Going in circles: is what she walks a ring, or up and down one line? Pure geometry.

Drift indoors makes a cloud, and errands make a way with stops in it. So she goes in circles if she never rests, no step
is faster than walking, and her fixes lie on one ring or one line and have come round. Every number here is a proposal,
argued beside it, and fitted to nobody.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin, sqrt
from typing import NamedTuple

from alerts.rules.whereabouts import Fix, way_m

WINDOW_S = 2700
"""Seconds of which the fixes are looked at."""
DENSE_FIXES = 26
DENSE_SPAN_S, SPAN_S = 1920, 2340
"""Seconds that must be covered, by so many fixes and by fewer: a walk of half an hour is over by then."""
LEAST_FIXES = 8
FEW_FIXES = 15
"""Fewer see a ring or a line from too few sides to count its rounds."""
WIDEST_M = 360.0
"""Half the width of the area in metres: all within 700 m, and the errors of fixes."""
NARROWEST_M, NARROWEST_OF_FEW_M = 40.0, 50.0
"""The radius of a ring in metres; smaller ones are within the drift,"""
LONGEST_M, SHORTEST_M, SHORTEST_OF_FEW_M = 380.0, 50.0, 120.0
"""and so are shorter lines. The longest is of 300 m, and the errors of fixes."""
SECTOR_SHARE, SECTOR_SHARE_OF_FEW, MIDDLE_SHARE = 0.45, 0.5, 0.35
"""So many fixes lie in a quarter of the ring at most, and the middle half of the fixes takes so much of the line at
least: who stays somewhere and walks there and back is seen there more often."""
FASTEST_KMH = 8.0
"""Nobody who goes in circles is faster; so many steps may seem to be, by a bad fix."""
FAST_SHARE = 0.12
GAPS = 4.0
"""A longer pause, in steps of the band's rhythm, and nobody knows what she did."""
UNEVEN = 2.0
"""The longest steps but the seventh part, by the middle one: walking is even, drift jumps."""
SHORT_SHARE, EVEN = 0.1, 0.5
"""On a ring all steps are as long, but for so many by bad fixes: none is shorter than half of the middle one."""
RING_SHARE, LINE_SHARE = 0.25, 0.20
"""How far off the ring (in radii) or the line (in lengths) four of five fixes may lie, or
`RING_ERROR_M`, `LINE_ERROR_M` metres: the usual drift of a fix."""
RING_ERROR_M, LINE_ERROR_M = 26.0, 16.0
LARGEST_GAP, LARGEST_GAP_OF_FEW = 1.6, 2.1
"""Radians of the ring in which no fix lies at most."""
ROUNDS, ROUNDS_OF_FEW = 4.2, 2.6
"""Lengths of the line that are walked at least: out and back is 2, and a few fixes cut off the corners."""


class Loop(NamedTuple):
    """What she walks: since when (seconds since the epoch), within how many metres, and how many she has made."""

    since: int
    width_m: float
    path_m: float


def find(fixes: Sequence[Fix], walked_m: float = 0.0) -> Loop | None:
    """The circles, or the pacing up and down, that the newest of these fixes show; None where they show none.

    `walked_m` are the metres that her steps make, where they show that she walked all the time: then it is no drift,
    however short her way from fix to fix, and only its shape has to be seen. 0: her steps do not show it.
    """
    window = [fix for fix in fixes if fix.ts >= fixes[-1].ts - WINDOW_S]
    if len(window) < LEAST_FIXES:
        return None
    if not _lasts(window, window):
        return None
    steps = [way_m(one, other) for one, other in pairwise(window)]
    times = [other.ts - one.ts for one, other in pairwise(window)]
    if max(times) > GAPS * _median(times) or not (walked_m or _walks(window, steps, times)):
        return None
    shortest = sorted(steps)[int(SHORT_SHARE * len(steps))]
    width = _ring(window) if shortest >= EVEN * _median(steps) and _is_narrow(window) else None
    path_m = max(walked_m, sum(steps))
    if width is None:
        width = _line(window, path_m, walks=walked_m > 0)
    return Loop(window[0].ts, width, path_m) if width is not None else None


def least_step_m(rhythm_s: float, accuracy_m: float) -> float:
    """Metres from fix to fix that are walking and no drift, in the median, at so many seconds from one to the next.

    Fixes a minute apart drift together, so that they need 32 m; those 2 min apart 55 m, 5 min apart 65 m. Of windows
    of recorded drift one in 500 had a longer median step. Fixes that say they are poor need more.
    """
    beyond_s = max(0.0, min(rhythm_s, 300.0) - 120.0)
    least = 32.0 + 23.0 * (max(60.0, min(rhythm_s, 120.0)) - 60.0) / 60.0 + 10.0 * beyond_s / 180.0
    return least + max(0.0, accuracy_m - 20.0) / 2


def _lasts(shown: Sequence[Fix], window: Sequence[Fix]) -> bool:
    """Whether these fixes of a window last long enough."""
    least = DENSE_SPAN_S if len(window) >= DENSE_FIXES else SPAN_S
    return bool(shown) and shown[-1].ts - shown[0].ts >= least


def _walks(window: Sequence[Fix], steps: Sequence[float], times: Sequence[float]) -> bool:
    """Whether she walks all the time, evenly, and does not ride."""
    least = least_step_m(_median(times), _median(fix.accuracy_m for fix in window))
    middle, third = _median(steps), len(steps) // 3
    thirds = (steps[:third], steps[third : 2 * third], steps[2 * third :])
    if middle < least or min(map(_median, thirds)) < 0.75 * least:
        return False
    if sorted(steps)[int(0.85 * len(steps))] > UNEVEN * middle:
        return False
    fast = sum(step / seconds * 3.6 > FASTEST_KMH for step, seconds in zip(steps, times, strict=True))
    return fast <= FAST_SHARE * len(steps)


def _is_narrow(window: Sequence[Fix]) -> bool:
    """Whether four of five fixes can lie on any ring at all: it is a quick look."""
    beside = len(window) - int(0.8 * (len(window) - 1)) - 1
    widest = 2 * (1 + RING_SHARE) * WIDEST_M
    norths, easts = sorted([fix.north for fix in window]), sorted([fix.east for fix in window])
    return norths[~beside] - norths[beside] <= widest and easts[~beside] - easts[beside] <= widest


def _ring(window: Sequence[Fix]) -> float | None:
    """The width in metres of the ring on which four of five fixes lie, from nearly all sides; None where they do not.

    The ring of least squares is laid anew through the nearest 85 % of the fixes, three times.
    """
    middle = _median(fix.east for fix in window), _median(fix.north for fix in window)
    off = sorted((hypot(fix.east - middle[0], fix.north - middle[1]), fix.east, fix.north) for fix in window)
    near = 2 * off[int(0.8 * (len(off) - 1))][0]
    points = [(east, north) for metres, east, north in off if metres <= near]
    errors: list[tuple[float, float, float]] = []
    east, north, radius = 0.0, 0.0, 0.0
    for _ in range(3):
        fitted = _circle(points)
        if fitted is None:
            return None
        east, north, radius = fitted
        errors = sorted((abs(hypot(x - east, y - north) - radius), x, y) for _, x, y in off)
        points = [(x, y) for _, x, y in errors[: round(0.85 * len(errors))]]
    few = len(window) <= FEW_FIXES
    if not (NARROWEST_OF_FEW_M if few else NARROWEST_M) <= radius <= WIDEST_M:
        return None
    most = max(RING_SHARE * radius, RING_ERROR_M)
    if errors[int(0.8 * (len(errors) - 1))][0] > most:
        return None
    on_ring = [fix for fix in window if abs(hypot(fix.east - east, fix.north - north) - radius) <= most]
    if not _lasts(on_ring, window):
        return None  # the way there or back is no part of it
    angles = sorted(atan2(y - north, x - east) for x, y in points)
    ahead = [(other - one) % (2 * pi) for one in angles for other in angles]
    quarters = [sum(each < pi / 2 for each in ahead[at : at + len(angles)]) for at in range(0, len(ahead), len(angles))]
    if max(quarters) > (SECTOR_SHARE_OF_FEW if few else SECTOR_SHARE) * len(angles):
        return None
    gap = max(angles[0] + 2 * pi - angles[-1], *(other - one for one, other in pairwise(angles)))
    return 2 * radius if gap <= (LARGEST_GAP if len(window) > 12 else LARGEST_GAP_OF_FEW) else None


def _median(values: Iterable[float]) -> float:
    """The middle one, as of `statistics`, but several times as fast."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _circle(points: Sequence[tuple[float, float]]) -> tuple[float, float, float] | None:
    """Middle and radius of the circle of least squares (of the squared radius); None where they lie on a line."""
    count = len(points)
    east, north = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    xx = yy = xy = xz = yz = 0.0
    for x, y in points:
        u, v = x - east, y - north
        z = u * u + v * v
        xx, yy, xy, xz, yz = xx + u * u, yy + v * v, xy + u * v, xz + u * z, yz + v * z
    det = xx * yy - xy * xy
    if det <= 1e-6 * xx * yy:
        return None
    u, v = (xz * yy - yz * xy) / (2 * det), (yz * xx - xz * xy) / (2 * det)
    return east + u, north + v, sqrt(u * u + v * v + (xx + yy) / count)


def _line(window: Sequence[Fix], path_m: float, *, walks: bool = False) -> float | None:
    """The length in metres of the line up and down which she walks; None where she does not. Where her steps show that
    she `walks`, a few fixes show a short line as well."""
    middle = _median(fix.east for fix in window), _median(fix.north for fix in window)
    off = sorted((hypot(fix.east - middle[0], fix.north - middle[1]), fix) for fix in window)
    apart = [(fix.east - middle[0], fix.north - middle[1]) for _, fix in off]
    near = apart[: round(0.85 * len(apart))]
    xx, yy, xy = sum(x * x for x, _ in near), sum(y * y for _, y in near), sum(x * y for x, y in near)
    angle = 0.5 * atan2(2 * xy, xx - yy)
    along = sorted(x * cos(angle) + y * sin(angle) for x, y in apart)
    last = len(along) - 1
    # The outer tenths may be bad fixes; a line that is walked evenly is longer by as much.
    length = (along[int(0.9 * last)] - along[int(0.1 * last + 0.99)]) / 0.8
    few = len(window) <= FEW_FIXES
    if not (SHORTEST_OF_FEW_M if few and not walks else SHORTEST_M) <= length <= LONGEST_M:
        return None
    if along[int(0.75 * last)] - along[int(0.25 * last + 0.99)] < MIDDLE_SHARE * length:
        return None
    most = max(LINE_SHARE * length, LINE_ERROR_M)
    beside = sorted(abs(y * cos(angle) - x * sin(angle)) for x, y in apart)
    if beside[int(0.8 * last)] > most:
        return None
    on_line = [
        fix
        for fix, x, y in ((fix, fix.east - middle[0], fix.north - middle[1]) for fix in window)
        if abs(y * cos(angle) - x * sin(angle)) <= most and abs(x * cos(angle) + y * sin(angle)) <= length
    ]
    if not _lasts(on_line, window):
        return None
    rounds = ROUNDS_OF_FEW if few else ROUNDS
    return length if path_m >= rounds * length else None
