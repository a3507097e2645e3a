"""Why to look at somebody, and who comes first: by what it is, not by how much there is."""

from dataclasses import replace

import pytest

from api.console.clinic.reasons import Look, order, why
from tests.unit.api.console.clinic.weeks import NOW

NIGHT = NOW.date()
CALM = Look(0, None, False, 0, 0, 0, 58.0, 58.0, NIGHT, 23.0)
CALLED = replace(CALM, calls=1, last_call=NOW)


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (CALM, []),
        (replace(CALLED, calls_now=True), ["calls_now"]),
        (replace(CALM, side=1, rate=67.4), ["rate_up"]),
        (replace(CALM, side=-1, rate=50.0), ["rate_down"]),
        (replace(CALM, side=1, rate=57.0), ["rate_back"]),
        (replace(CALM, side=-1, rate=58.2), ["rate_back"]),
        (replace(CALM, side=1, rate=67.0, night=None), []),
        (replace(CALM, urgent=2), ["urgent"]),
        (CALLED, ["called_once"]),
        (replace(CALLED, calls=2), ["called_often"]),
        (replace(CALM, tasks=1), ["tasks"]),
        (replace(CALM, valued_h=None), ["no_band"]),
        (replace(CALM, valued_h=0.0), ["no_data"]),
        (replace(CALM, valued_h=3.2), ["little"]),
        (replace(CALM, valued_h=12.0), []),
        (Look(1, NOW, False, 1, 1, 1, 67, 58, NIGHT, 3), ["rate_up", "urgent", "called_once", "tasks", "little"]),
    ],
)
def test_the_worst_reason_comes_first(look: Look, expected: list[str]) -> None:
    assert [each.key for each in why(look)] == expected


def test_the_difference_is_that_of_the_two_numbers_beside_it() -> None:
    assert why(replace(CALM, side=1, rate=67.4))[0].values == {"now": 67, "usual": 58, "by": 9, "night": NIGHT}


def test_whoever_calls_now_comes_before_all_and_whoever_has_nothing_last() -> None:
    looks = [CALM, replace(CALM, valued_h=1), CALLED, replace(CALLED, tasks=1), replace(CALLED, calls_now=True)]
    ordered = sorted(looks, key=lambda look: order(why(look)))
    assert ordered == [looks[4], looks[3], looks[2], looks[1], looks[0]]


def test_hours_of_less_than_one_are_not_none() -> None:
    assert why(replace(CALM, valued_h=0.3))[0].values == {"hours": 0.3}
    assert why(replace(CALM, valued_h=3.2))[0].values == {"hours": 3}
