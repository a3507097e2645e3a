"""Has she left home just now? Fixes one after another, against the drift of fixes indoors. Pure geometry.

Of fixes taken while somebody stood still 2 % lay more than 75 m off and 0.5 % more than 200 m, the worst 1.4 km; they
seldom lie on one side, and seldom move away from home at a walking pace (175 recorded windows of 10 min).
"""

from collections.abc import Sequence
from math import hypot
from statistics import median
from typing import NamedTuple

from alerts.rules.thresholds import Thresholds
from alerts.rules.whereabouts import Fix, sure_m, way_m

WALK_KMH = 8.0
"""Nobody over 80 walks faster; what is faster is a ride, or drift."""
SLOWEST_KMH = 1.0
BEYOND_DRIFT_M = 1500.0
"""Metres; no drift was larger."""
PROGRESS_M = 60.0
"""Metres further from home, from a fix that may still be at home to one that is surely not."""
STAY_TIMES, JUMP_TIMES = 2.0, 2.5
"""So many times `exit_dwell_s` for whoever does not move on, and after a jump that was no walk."""
BEFORE = 5
"""Fixes whose middle is where she was."""
POOR_M = 50.0
"""Metres; a fix that is poorer than that has to be further off."""


class Edges(NamedTuple):
    """Metres from home: within `inner` she may be at home, beyond `outer` (less the accuracy) she surely is not."""

    inner: float
    outer: float


def edges(spread_m: float, limits: Thresholds) -> Edges:
    """The edges of somebody whose own fixes drift so far at night, in metres: wider ones where they drift further."""
    inner = max(limits.exit_m / 2, spread_m)
    return Edges(inner, max(limits.exit_m, inner + limits.exit_m / 2))


class Leaving(NamedTuple):
    """The first fix that is not at home, the first that surely is not, and how many those are."""

    began: Fix
    first: Fix
    fixes: int


def find(fixes: Sequence[Fix], edges: Edges, limits: Thresholds) -> Leaving | None:
    """How she has left, by believed fixes in metres from home; None where she has not, or it may be drift."""
    if not fixes or not is_out(fixes[-1], edges, limits):
        return None
    begin = len(fixes)
    while begin and _off(fixes[begin - 1]) - max(0.0, sure_m(fixes[begin - 1], limits) - POOR_M) > edges.inner:
        begin -= 1
    run = fixes[begin:]
    out = [fix for fix in run if is_out(fix, edges, limits)]
    newest = out[-1]
    before = [fix for fix in fixes if fix.ts < out[0].ts and newest.ts - fix.ts >= STAY_TIMES * limits.exit_dwell_s]
    if not _has_moved(newest, before[-BEFORE:], limits):
        return None
    entry_kmh = _kmh(fixes[begin - 1], run[0]) if begin else 0.0
    left = Leaving(run[0], out[0], len(out))
    # Whoever is out and does not move on may be drift, and has to be out for longer; a jump for longer still.
    longer = STAY_TIMES if entry_kmh <= WALK_KMH else JUMP_TIMES
    if newest.ts - out[0].ts >= longer * limits.exit_dwell_s and _angle_cos(out[0], newest) >= 0.0:
        return left
    if newest.ts - run[0].ts < limits.exit_dwell_s or _off(newest) - _off(run[0]) < PROGRESS_M:
        return None
    if entry_kmh > WALK_KMH:
        return left if len(out) > 1 and _off(newest) > BEYOND_DRIFT_M else None
    goes_on = SLOWEST_KMH <= _kmh(run[0], newest) <= WALK_KMH or len(out) > 2
    return left if goes_on and _angle_cos(run[0], newest) >= 0.5 else None


def _has_moved(newest: Fix, before: Sequence[Fix], limits: Thresholds) -> bool:
    """Whether she is as far from where she just was as from home: home on a map may be the next house but one."""
    if not before:
        return True
    east, north = median(fix.east for fix in before), median(fix.north for fix in before)
    return hypot(newest.east - east, newest.north - north) >= limits.exit_m


def is_out(fix: Fix, edges: Edges, limits: Thresholds) -> bool:
    """Whether a fix is surely not at home."""
    return _off(fix) - sure_m(fix, limits) > edges.outer


def is_back(fixes: Sequence[Fix], edges: Edges, limits: Thresholds) -> bool:
    """Whether she is at home by the newest fixes, two at least, and for 4 min (`exit_dwell_s`): one alone may be drift,
    and she may only pass by. What is neither surely at home nor surely outside does not count."""
    if not fixes or not is_near(fixes[-1], edges, limits):
        return False
    since = fixes[-1].ts
    for fix in reversed(fixes):
        if is_out(fix, edges, limits):
            break
        if is_near(fix, edges, limits):
            since = fix.ts
    return fixes[-1].ts - since >= limits.exit_dwell_s


def is_near(fix: Fix, edges: Edges, limits: Thresholds) -> bool:
    """Whether a fix is surely at home; a poor one half way in must do, or nobody with poor fixes ever returned."""
    return _off(fix) + min(sure_m(fix, limits), edges.outer / 2) <= edges.outer


def is_nearing(left: Leaving, newest: Fix) -> bool:
    """Whether the newest fix is nearer to home than the first outside: so comes who walks home."""
    return _off(newest) < _off(left.first)


def was_settled(fixes: Sequence[Fix], before: int, edges: Edges, limits: Thresholds) -> bool:
    """Whether she was at home before that time and did not only pass by: for 4 min (`exit_dwell_s`), if she came within
    these fixes."""
    out, stayed = 0, None
    for fix in fixes:
        if fix.ts >= before:
            break
        if is_out(fix, edges, limits):
            out, stayed = out + 1, None
        elif _off(fix) <= edges.inner:
            stayed = fix.ts if stayed is None else stayed
            if out < 2 or fix.ts - stayed >= limits.exit_dwell_s:
                out = 0  # one fix outside alone is drift
    return out < 2


def _off(fix: Fix) -> float:
    return hypot(fix.east, fix.north)


def _kmh(one: Fix, other: Fix) -> float:
    return way_m(one, other) / max(1, other.ts - one.ts) * 3.6


def _angle_cos(one: Fix, other: Fix) -> float:
    """The cosine of the angle at home between two fixes, neither of which is there."""
    return (one.east * other.east + one.north * other.north) / (_off(one) * _off(other))
