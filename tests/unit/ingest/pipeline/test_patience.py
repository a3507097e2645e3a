"""What fails again and again is tried less and less often."""

from ingest.pipeline.patience import LONGEST_PAUSE_S, Patience


def test_the_pause_doubles_up_to_a_minute_for_each_by_itself() -> None:
    patience, at, pauses = Patience(), 0.0, []
    assert patience.is_due(7, at)
    for tries in range(1, 20):
        patience.failed(7, at)
        assert patience.tries(7) == tries
        pause = next(pause for pause in (1, 2, 4, 8, 16, 32, 60, 61) if patience.is_due(7, at + pause))
        assert not patience.is_due(7, at + pause - 0.5)
        pauses.append(pause)
        at += pause
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert patience.is_due(8, 0)


def test_what_is_gone_is_forgotten() -> None:
    patience = Patience()
    patience.failed(1, 0)
    patience.failed(2, 0)
    patience.keep({2, 3})
    assert (patience.tries(1), patience.tries(2)) == (0, 1)
