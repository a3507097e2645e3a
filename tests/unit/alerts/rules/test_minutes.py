"""Windows are counted in the band's own rhythm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import minutes as window
from alerts.rules.minutes import KEPT_MIN, KEPT_VALUES, LONGEST_KEPT_MIN, UNKNOWN, Minute, Minutes, Proof, Rest

PROOF = Proof(0.5, 1.0, 3)


def every(minutes: float, count: int, bpm: float = 70.0, steps: int = 0) -> Minutes:
    """So many values, one after so many minutes."""
    kept: Minutes = ()
    for number in range(count):
        kept = window.add(kept, 6000.0 + number * minutes * 60, bpm, steps)
    return kept


@pytest.mark.parametrize("minutes", [1, 2, 3, 5, 10, 30])
def test_the_rhythm_is_the_median_of_the_gaps(minutes: int) -> None:
    kept = every(minutes, 9)
    assert window.rhythm_min(kept) == minutes
    # A pause, and a value out of turn, change nothing.
    later = window.add(kept, 6000.0 + (8 * minutes + 200) * 60, 70.0, 0)
    assert window.rhythm_min(window.add(later, 6000.0 + (8 * minutes + 201) * 60, 70.0, 0)) == minutes


def test_the_rhythm_of_many_values_a_minute_is_a_part_of_it() -> None:
    assert window.rhythm_min(every(1 / 12, 120)) == pytest.approx(1 / 12)
    assert window.rhythm_min(()) == window.rhythm_min(every(1, 1)) == 1.0
    assert window.rhythm_min(every(120, 2)) == 120


def test_a_band_that_measures_in_bursts_is_as_slow_as_the_pauses_between_them() -> None:
    kept: Minutes = ()
    for burst in range(5):
        for minute in range(3):
            kept = window.add(kept, 6000.0 + (burst * 10 + minute) * 60, 150.0, 0)
    assert window.rhythm_min(kept) == 8
    rested = window.rests(kept, 106, 10)
    assert [each.gap for each in rested][:7] == [1, 1, 1, 8, 1, 1, 8]
    assert window.lasting(rested, 8, 10, 131, 1, PROOF) is not None


def test_minutes_without_a_value_push_none_out() -> None:
    kept: Minutes = ()
    for minute in range(0, 300, 3):
        kept = window.add(kept, 6000.0 + minute * 60, 150.0 if minute % 30 == 0 else None, 0)
    assert sum(each.values for each in kept) >= 9
    assert window.rhythm_min(kept) == 30


def test_a_minute_adds_up_what_was_measured_in_it() -> None:
    kept = window.add(window.add(window.add((), 60.0, 70.0, 5), 70.0, None, 7), 119.0, 80.0, UNKNOWN)
    assert kept == (Minute(1, 2, 150.0, 12),)
    assert kept[0].mean == 75
    assert window.add(window.add((), 60.0, 70.0, UNKNOWN), 61.0, 70.0, 3)[0].steps == 3
    assert window.add((), 60.0, 70.0, UNKNOWN)[0].steps == UNKNOWN


@given(st.lists(st.sampled_from([0.2, 1, 1, 1, 4, 5, 10, 30, 90]), max_size=200))
def test_what_is_kept_is_bounded_and_enough(gaps: list[float]) -> None:
    kept: Minutes = ()
    at = 6000.0
    for gap in gaps:
        at += gap * 60
        kept = window.add(kept, at, 70.0, 0)
    assert len(kept) <= KEPT_MIN + KEPT_VALUES + 1, len(kept)
    assert [each.at for each in kept] == sorted({each.at for each in kept})
    if kept:
        assert kept[-1].at - kept[0].at <= LONGEST_KEPT_MIN
        assert kept[-1].at == int(at // 60)


@pytest.mark.parametrize(
    ("steps", "motion", "moved"),
    [
        (None, None, UNKNOWN), (None, "rest", 0), (None, "active", window.STEPS_A_MINUTE), (0, None, 0), (7, None, 7),
        (7, "rest", 7), (0, "active", 1), (0, "rest", 0), (70, "active", 70),
    ],
)  # fmt: skip
def test_what_a_band_tells_of_movement(steps: int | None, motion: str | None, moved: int) -> None:
    assert window.moved(steps, motion) == moved


def test_steps_are_counted_from_a_moment_on() -> None:
    told = (Minute(10, 1, 70.0, 100), Minute(11, 1, 70.0, UNKNOWN), Minute(12, 1, 70.0, 25), Minute(13, 1, 70.0, 50))
    assert window.steps_since(told, 600.0) == 75
    assert window.steps_since(told, 0.0) == 75
    assert window.steps_since(told, 601.0) == 75
    assert window.steps_since(told, 661.0) == 50
    assert window.steps_since((), 0.0) == 0
    assert window.on_feet(told, 600.0, 780.0) == 0.5
    assert window.on_feet(told, 13 * 60.0, 14 * 60.0) == 0.0
    assert window.on_feet((), 0.0, 60.0) == 0.0


def test_a_share_of_time_is_none_of_time_before_it() -> None:
    told = (Minute(10, 1, 70.0, 0), Minute(250, 1, 70.0, 6000))
    assert window.on_feet(told, 211 * 60.0, 250 * 60.0) <= 1.0
    assert window.on_feet(told, 249 * 60.0, 289 * 60.0) <= 2 / 40


def test_movement_takes_its_own_minute_and_exertion_some_after_it() -> None:
    calm, fast = (
        (Minute(1, 1, bpm, 0), Minute(2, 1, bpm, 90), Minute(3, 1, bpm, 0), Minute(4, 1, bpm, 0))
        for bpm in (80.0, 140.0)
    )
    told = [(each.still, each.rested) for each in window.rests(calm, 106, 10)]
    assert told == [(True, True), (False, False), (True, True), (True, True)]
    told = [(each.still, each.rested) for each in window.rests(fast, 106, 10)]
    assert told == [(True, True), (False, False), (True, False), (True, True)]


def test_recovery_has_an_end() -> None:
    walked = [Minute(at, 1, 140.0, 100) for at in range(90)]
    rested = [Minute(at, 1, 140.0, 0) for at in range(90, 120)]
    told = [each.rested for each in window.rests([*walked, *rested], 106, 10)]
    assert told.index(True) == 90 + 9


def test_where_movement_is_not_told_everything_is_rest() -> None:
    assert all(each.rested for each in window.rests(every(1, 10, 150.0, UNKNOWN), 106, 10))
    assert not window.is_movement_known(every(1, 10, 150.0, UNKNOWN))
    assert window.is_movement_known(every(1, 10))
    assert list(window.rests([Minute(1, 0, 0.0, 90)], 106, 10)) == []


def resting(*minutes: Minute) -> list[Rest]:
    """All of them at rest."""
    return window.rests(minutes, 1000, 10)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_stretch_lasts_from_the_first_value_beyond_to_the_newest(sign: int) -> None:
    values = resting(
        *(Minute(at, 1, 70.0) for at in range(10)), *(Minute(at, 1, 70.0 + 20 * sign) for at in range(10, 20))
    )
    span = window.lasting(values, 1.0, 10, sign * (70 + 15 * sign), sign, PROOF)
    assert span == window.Span(10, 9, 10, 70.0 + 20 * sign)
    assert window.lasting(values[:-1], 1.0, 10, sign * (70 + 15 * sign), sign, PROOF) is None
    assert window.lasting([], 1.0, 10, 100, 1, PROOF) is None


def test_the_first_and_the_last_minute_count_as_far_as_they_were_measured() -> None:
    """A value every 10 s; the episode begins in the middle of a minute."""
    whole = [Minute(at, 6, 6 * 150.0) for at in range(1, 5)]
    half, full = Minute(0, 3, 3 * 150.0), Minute(0, 6, 6 * 150.0)
    assert window.lasting(resting(half, *whole, Minute(5, 1, 150.0)), 1 / 6, 5, 131, 1, PROOF) is not None
    assert window.lasting(resting(half, *whole), 1 / 6, 5, 131, 1, PROOF) is not None
    assert window.lasting(resting(full, *whole[:3], Minute(4, 2, 300.0)), 1 / 6, 5, 131, 1, PROOF) is None


def test_several_values_of_a_minute_are_no_proof_of_hours() -> None:
    assert window.lasting(resting(Minute(0, 2, 300.0), Minute(20, 2, 300.0)), 20.0, 5, 131, 1, PROOF) is None


def test_more_steps_than_a_minute_has_were_made_before_it() -> None:
    """A band that tells of its steps every ten minutes, and of the heart every minute."""
    minutes = [Minute(at, 1, 115.0, 900 if at % 10 == 9 else 0) for at in range(30)]
    assert [each.rested for each in window.rests(minutes, 106, 10)].count(True) == 1
    ran = [Minute(0, 1, 70.0, 0), Minute(1, 1, 150.0, 170)]
    assert window.rests(ran, 106, 10)[0].rested


def test_hours_without_a_value_are_not_kept_minute_by_minute() -> None:
    minutes: Minutes = ()
    for minute in range(400):
        minutes = window.add(minutes, minute * 60.0, 70 if minute % 60 == 0 else None, 0)
    assert len(minutes) <= KEPT_MIN + 1 + 12
    assert sum(each.values for each in minutes) == 5


@pytest.mark.parametrize(
    ("gap", "steps", "walks"),
    [(1, 9, False), (1, 10, True), (2, 10, False), (2, 50, True), (10, 240, False), (10, 250, True), (1, -1, False)],
)
def test_whoever_spent_half_of_the_time_on_her_feet_walks(gap: int, steps: int, walks: bool) -> None:
    before, newest = Minute(100, 1, 70.0, 0), Minute(100 + gap, 1, 90.0, steps)
    assert window.is_walking(newest, before) is walks
    # It is the same that takes a minute out of a window.
    assert window.rests([before, newest], 80, 10)[-1].still is not walks
