"""How often one and the same thing is said."""

from alerts.incidents.unreadable import Seldom, pause


def test_the_same_thing_is_said_after_growing_pauses_and_another_at_once() -> None:
    seldom = Seldom(30, 100)
    assert [at for at in range(0, 500, 10) if seldom.may(1, at)] == [0, 30, 90, 190, 290, 390, 490]
    assert seldom.may(2, 0)


def test_only_the_newest_are_remembered() -> None:
    seldom = Seldom(30, most=2)
    assert [seldom.may(number, 0) for number in (1, 2, 3, 3, 1)] == [True, True, True, False, True]


def test_the_desk_is_told_less_and_less_often_but_every_hour() -> None:
    assert [pause(times).total_seconds() / 60 for times in range(8)] == [5, 5, 5, 10, 20, 40, 60, 60]
    assert pause(100_000).total_seconds() == 3600
