"""What her steps say of where she is: that she sits while the fixes move, or that she walks and it is no drift.

Times are seconds since the epoch. Where the band tells nothing of movement all of it is unknown, and says nothing.
"""

from alerts.rules import loops, minutes
from alerts.rules.state import State

SITTING_S = 900.0
"""Seconds without any movement are no walk."""
WALKED_STEPS = 100
"""So many steps lead out of doors: the way to the bathroom and back has less, and 200 m have three times as many."""
LONGEST_STEP_M, NEAR_DOOR_M = 1.0, 150.0
"""Nobody old gets further with a step, and these metres may be drift: who is seen further off was not led there by
them."""
ON_FEET_SHARE = 0.85
"""Whoever was on her feet for this share of the time has walked, and for more than half an hour;"""
STEP_M = 0.4
"""and so many metres has a step of somebody old. All of these numbers are proposals."""


def is_still(state: State, since: float, now: float) -> bool:
    """Whether a band that tells of movement is heard, and has told of none since a quarter of an hour before `since`:
    then fixes that move are drift."""
    heart = state.heart
    if heart.active is None or heart.newest is None:
        return False
    return heart.active <= since - SITTING_S and now - heart.newest < SITTING_S


def sits(state: State, now: float) -> bool:
    """Whether a band that tells of movement has told of none for a quarter of an hour."""
    newest = state.heart.newest
    return newest is not None and is_still(state, newest, now)


def went_out(state: State, home: float, off_m: float) -> bool:
    """Whether her steps since she was last seen at `home` lead `off_m` metres away, and are more than those of the way
    to the bathroom."""
    steps = minutes.steps_since(state.heart.minutes, home)
    return steps >= WALKED_STEPS and off_m <= LONGEST_STEP_M * steps + NEAR_DOOR_M


def walked_m(state: State, now: float) -> float:
    """The metres that her steps have made, where they show that she walked for as long as circles take; 0 where not."""
    heart, since = state.heart, now - loops.SPAN_S
    if heart.active is None or minutes.on_feet(heart.minutes, since, now) < ON_FEET_SHARE:
        return 0.0
    return STEP_M * minutes.steps_since(heart.minutes, since)
