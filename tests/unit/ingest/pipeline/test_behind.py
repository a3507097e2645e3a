"""What somebody holds keeps its own messages waiting, in order, and nobody else's."""

import pytest

from ingest.pipeline.batcher import Batch
from ingest.pipeline.behind import FIRST_PAUSE_S, LONGEST_PAUSE_S, Behind


def batch(*messages: tuple[int, str]) -> Batch[str]:
    return Batch(1, dict(messages))


def behind(bound: int = 10) -> Behind[str]:
    return Behind(lambda message: message[0], bound)


def test_only_what_is_held_stays_and_what_comes_later_of_it_waits_behind_it() -> None:
    waiting = behind()
    assert waiting.divide(batch((1, "a1"))) == batch((1, "a1"))
    assert waiting.put(batch((1, "a1"), (2, "b1"), (3, "a2")), {"a"}, 0.0) == batch((2, "b1"))
    assert waiting.divide(batch((4, "b2"), (5, "a3"))) == batch((4, "b2"))
    assert waiting.put(batch((4, "b2")), (), 0.0) == batch((4, "b2"))
    assert waiting.take(1, FIRST_PAUSE_S / 2) is None
    assert waiting.take(1, FIRST_PAUSE_S) == batch((1, "a1"), (3, "a2"), (5, "a3"))
    assert waiting.divide(batch((6, "a4"))) == batch((6, "a4"))


def test_it_is_tried_less_and_less_often_until_something_is_free_again() -> None:
    waiting, at, pauses = behind(), 0.0, list[float]()
    held = batch((1, "a1"))
    assert waiting.seconds(at) is None
    for _ in range(6):
        waiting.put(held, {"a"}, at)
        pause = waiting.seconds(at)
        assert pause is not None
        pauses.append(pause)
        at += pause
        assert waiting.seconds(at) == 0
        assert waiting.take(1, at) == held
    assert pauses[1] > pauses[0] == FIRST_PAUSE_S
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_S)
    assert waiting.put(held, (), at) == held
    waiting.put(held, {"a"}, at)
    assert waiting.seconds(at) == pytest.approx(FIRST_PAUSE_S)


def test_another_that_is_held_does_not_put_off_the_first() -> None:
    waiting = behind()
    waiting.put(batch((1, "a1")), {"a"}, 0.0)
    waiting.put(batch((2, "b1")), {"b"}, FIRST_PAUSE_S / 2)
    assert waiting.take(1, FIRST_PAUSE_S) == batch((1, "a1"), (2, "b1"))


def test_too_many_are_due_at_once() -> None:
    waiting = behind(bound=1)
    waiting.put(batch((1, "a1")), {"a"}, 0.0)
    assert not waiting.full
    waiting.divide(batch((2, "a2")))
    assert waiting.full
    assert waiting.take(1, 0.0) is None
    assert waiting.take(1, 0.0, at_once=True) == batch((1, "a1"), (2, "a2"))
    assert not waiting.full


def test_a_new_connection_brings_all_of_them_again() -> None:
    waiting = behind()
    waiting.put(batch((1, "a1")), {"a"}, 0.0)
    waiting.clear()
    assert waiting.take(2, 9.0) is None
    assert waiting.divide(batch((1, "a1"))) == batch((1, "a1"))
