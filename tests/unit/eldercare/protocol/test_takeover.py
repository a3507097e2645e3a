"""A client id that somebody else uses is told from a broker that comes and goes."""

from eldercare.protocol.takeover import LONGEST_PAUSE_S, SHORT_S, Lives


def test_connections_that_end_at_once_again_and_again_were_taken_and_are_not_taken_back_at_once() -> None:
    lives = Lives()
    assert [lives.ended(0.1) for _ in range(2)] == [0.0, 0.0]
    assert not lives.taken
    assert [lives.ended(0.1) for _ in range(6)] == [0.25, 0.5, 1.0, 2.0, 4.0, LONGEST_PAUSE_S]
    assert lives.taken


def test_within_twenty_seconds_it_comes_back_a_few_times_only() -> None:
    lives, at, times = Lives(), 0.0, 0
    while at < 20:
        at += 0.01 + lives.ended(0.01)
        times += 1
    assert times < 12


def test_a_connection_that_lasts_belongs_to_us() -> None:
    lives = Lives()
    for _ in range(5):
        lives.ended(0.1)
    lives.lasts(SHORT_S)
    assert lives.taken
    lives.lasts(SHORT_S + 1)
    assert not lives.taken
    assert lives.ended(3600) == 0.0


def test_a_broker_that_is_away_between_has_taken_nothing() -> None:
    lives = Lives()
    for _ in range(10):
        lives.ended(0.1)
        lives.refused()
    assert not lives.taken
