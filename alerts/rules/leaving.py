"""Has she left home just now? Fixes one after another, against the drift of fixes indoors. Pure geometry.

Of fixes taken while somebody stood still 2 % lay more than 75 m off and 0.5 % more than 200 m, the worst 1.4 km; they
seldom lie on one side, and seldom move away from home at a walking pace (175 recorded windows of 10 min).
"""

from collections.abc import Sequence
from math import hypot, inf
from statistics import median
from typing import NamedTuple

from alerts.rules.thresholds import Thresholds
from alerts.rules.whereabouts import Fix, sure_m, way_m

FASTEST_KMH = 14.0
"""Nobody over 80 walks or rides a wheelchair faster; what is faster is another ride, or drift."""
SLOWEST_KMH = 1.0
BEYOND_DRIFT_M = 1500.0
"""Metres; no drift was larger."""
PROGRESS_M = 60.0
"""Metres further from home, from a fix that may still be at home to one that is surely not."""
WALK_MPS = 6 / 3.6
"""Metres a second that an old person walks at most,"""
WALK_SLACK_M = 500.0
"""and metres beside: whoever is further off after a pause in the fixes had left before the night."""
FEW_OUT = 2
"""After more fixes outside she may be slower than `SLOWEST_KMH`."""
STAY_TIMES, JUMP_TIMES = 2.0, 2.5
"""So many times `exit_dwell_s` for whoever does not move on, and after a jump that was no walk."""
HALF_OUT = 2 / 3
"""A fix at home from which she may have set out lies beyond this part of the inner edge: at a fix every 5 min the first
one on her way is 70 m off, where she walks at 2 km/h."""
SAME_WAY = 0.5
"""The cosine of the angle within which that one and the newest lie on one side of home."""
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


def find(fixes: Sequence[Fix], edges: Edges, limits: Thresholds, *, walks: bool = False) -> Leaving | None:
    """How she has left, by believed fixes in metres from home; None where she has not, or it may be drift.

    Any of the fixes that are not at home may be the one from which she went on: one that drifted hides nothing. Where
    her steps show that she `walks`, any two of them on one side of home are enough, without her going on.
    """
    if not fixes or not is_out(fixes[-1], edges, limits):
        return None
    begin = len(fixes)
    while begin and _at_least(fixes[begin - 1], limits) > edges.inner:
        begin -= 1
    run = fixes[begin:]
    out = [fix for fix in run if is_out(fix, edges, limits)]
    newest = out[-1]
    before = [fix for fix in fixes if fix.ts < out[0].ts and newest.ts - fix.ts >= STAY_TIMES * limits.exit_dwell_s]
    before = before[-BEFORE:]
    if _moved_m(newest, before) < limits.exit_m:
        return None  # home on a map may be the next house but one
    since = newest.ts - limits.exit_dwell_s
    # Where she always is she sets out from nowhere: then one fix that drifts would be enough.
    starts = [fix for fix in run if fix.ts <= since and _moved_m(fix, before) >= HALF_OUT * edges.inner]
    home = fixes[begin - 1] if begin else None
    is_gone = (
        any(_goes_on(start, newest, home, slowly=start is run[0] and len(out) > FEW_OUT) for start in starts)
        or (walks and any(_on_foot(start, home) and _angle_cos(start, newest) >= 0.0 for start in starts))
        or any(_stays(start, newest, home, limits) or _rides(start, newest) for start in out if start.ts <= since)
        or (
            home is not None
            and home.ts <= since
            and _moved_m(home, before) >= HALF_OUT * edges.inner
            and _has_set_out(fixes[:begin], newest, edges, limits)
        )
    )
    return Leaving(run[0], out[0], len(out)) if is_gone else None


def _goes_on(
    start: Fix, newest: Fix, home: Fix | None, *, slowly: bool = False, fastest_kmh: float = FASTEST_KMH
) -> bool:
    """Whether she moves away from home, no faster than she can; where fixes enough say so, however `slowly`."""
    if _off(newest) - _off(start) < PROGRESS_M or not _on_foot(start, home) or _angle_cos(start, newest) < 0.0:
        return False
    return slowly or SLOWEST_KMH <= _kmh(start, newest) <= fastest_kmh


def _has_set_out(before: Sequence[Fix], newest: Fix, edges: Edges, limits: Thresholds) -> bool:
    """Whether the last fix that may be at home lies on her way already, and she walks on from there: the newest is the
    only one outside, and what is faster may be drift."""
    home, sooner = before[-1], before[-2] if len(before) > 1 else None
    if _at_least(home, limits) < HALF_OUT * edges.inner or _angle_cos(home, newest) < SAME_WAY:
        return False
    return _goes_on(home, newest, sooner, fastest_kmh=3.6 * WALK_MPS)


def _stays(start: Fix, newest: Fix, home: Fix | None, limits: Thresholds) -> bool:
    """Whether she is out for longer on one side: who does not move on may be drift, after a jump even more so."""
    times = STAY_TIMES if _on_foot(start, home) else JUMP_TIMES
    return newest.ts - start.ts >= times * limits.exit_dwell_s and _angle_cos(start, newest) >= 0.0


def _rides(start: Fix, newest: Fix) -> bool:
    """Whether she was outside, is further off than any drift, and goes on."""
    return _off(newest) > BEYOND_DRIFT_M and _off(newest) - _off(start) >= PROGRESS_M


def _on_foot(fix: Fix, home: Fix | None) -> bool:
    """Whether she can have come there since she was at home, as far as that is known, and it was no jump."""
    return home is None or _off(fix) <= FASTEST_KMH / 3.6 * (fix.ts - home.ts)


def could_walk(fix: Fix, seconds: float) -> bool:
    """Whether somebody old can have walked from home to there in so many seconds, whatever was seen meanwhile."""
    return _off(fix) <= WALK_MPS * seconds + WALK_SLACK_M


def _moved_m(fix: Fix, before: Sequence[Fix]) -> float:
    """Metres from where she just was, the middle of the fixes before; any distance where that is not known."""
    if not before:
        return inf
    return hypot(fix.east - median(each.east for each in before), fix.north - median(each.north for each in before))


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


def _at_least(fix: Fix, limits: Thresholds) -> float:
    """How far from home a fix is at least, metres: a poor one may be nearer than it says."""
    return _off(fix) - max(0.0, sure_m(fix, limits) - POOR_M)


def _off(fix: Fix) -> float:
    return hypot(fix.east, fix.north)


def _kmh(one: Fix, other: Fix) -> float:
    return way_m(one, other) / max(1, other.ts - one.ts) * 3.6


def _angle_cos(one: Fix, other: Fix) -> float:
    """The cosine of the angle at home between two fixes, neither of which is there."""
    return (one.east * other.east + one.north * other.north) / (_off(one) * _off(other))
