"""What steps say of where she is."""

from alerts.rules import movement
from alerts.rules.minutes import UNKNOWN, Minute
from alerts.rules.state import Heart, State

NOW = 60.0 * 1_000_000


def state(*steps: int, active: float | None = NOW, newest: float | None = NOW) -> State:
    """A band that has told so many steps in each of the last minutes."""
    first = int(NOW // 60) - len(steps) + 1
    minutes = tuple(Minute(first + n, 1, 70.0, each) for n, each in enumerate(steps))
    return State(heart=Heart(newest=newest, active=active, minutes=minutes))


def test_whoever_has_not_moved_for_a_quarter_of_an_hour_sits() -> None:
    assert movement.sits(state(active=NOW - 900), NOW)
    assert not movement.sits(state(active=NOW - 899), NOW)
    assert not movement.sits(state(active=None), NOW)
    assert not movement.sits(state(newest=None), NOW)


def test_a_band_that_is_not_heard_shows_no_stillness() -> None:
    assert movement.is_still(state(active=NOW - 3600, newest=NOW - 800), NOW - 600, NOW)
    assert not movement.is_still(state(active=NOW - 3600, newest=NOW - 900), NOW - 600, NOW)


def test_a_hundred_steps_since_home_lead_out_of_doors_and_no_further_than_they_are() -> None:
    assert movement.went_out(state(90, 60, 40), NOW - 120, 200)
    assert not movement.went_out(state(90, 60, 39), NOW - 120, 200)
    assert movement.went_out(state(90, 60, 40), NOW - 120, 250)
    assert not movement.went_out(state(90, 60, 40), NOW - 120, 251)
    assert not movement.went_out(state(UNKNOWN, UNKNOWN), NOW - 120, 200)
    assert not movement.went_out(state(), NOW - 120, 200)


def test_steps_told_of_the_time_before_lead_nowhere() -> None:
    heart = Heart(newest=NOW, active=NOW, minutes=(Minute(999_970, 1, 70.0, 0), Minute(1_000_000, 1, 70.0, 700)))
    assert not movement.went_out(State(heart=heart), NOW - 120, 200)
    assert movement.went_out(State(heart=heart), NOW - 1800, 200)


def test_whoever_walks_for_more_than_half_an_hour_without_a_rest_walks_in_circles_or_away() -> None:
    assert movement.walked_m(state(*[60] * 45), NOW) == 0.4 * 60 * 39
    # What is told at once of hours is no walk of the last ones, and neither is silence.
    assert movement.walked_m(state(*[60] * 20), NOW + 1140) == 0.0
    told = Heart(newest=NOW, active=NOW, minutes=(Minute(999_760, 1, 70.0, 0), Minute(1_000_000, 1, 70.0, 6000)))
    assert movement.walked_m(State(heart=told), NOW) == 0.0
    assert movement.walked_m(state(*[0] * 15, *[60] * 30), NOW) == 0.0
    assert movement.walked_m(state(*[0] * 5, *[60, 60, 60, 60, 0] * 8), NOW) == 0.0
    assert movement.walked_m(state(*[60] * 45, active=None), NOW) == 0.0
    assert movement.walked_m(state(), NOW) == 0.0
