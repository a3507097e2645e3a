"""Which of several open incidents a short reply means."""

import pytest

from alerts.incidents.views import CalledFrom
from alerts.replies.handle import choose
from alerts.replies.parse import Intent, Reply

ME, SOMEBODY = 1, 2


def called(incident_id: int, owner_id: int | None) -> CalledFrom:
    return CalledFrom(incident_id, "open" if owner_id is None else "accepted", ME, "zh", owner_id)


MINE, TAKEN, FREE, NEWER = called(6, ME), called(4, SOMEBODY), called(5, None), called(7, None)


@pytest.mark.parametrize(
    ("intent", "open_ones", "meant"),
    [
        (Intent.ACCEPT, [MINE, FREE, TAKEN], [FREE]),
        (Intent.DECLINE, [NEWER, FREE, TAKEN], [NEWER, FREE]),
        (Intent.DECLINE, [MINE, TAKEN], [MINE]),
        (Intent.DECLINE, [NEWER, MINE, FREE], [MINE, NEWER, FREE]),
        (Intent.ARRIVE, [FREE, MINE], [MINE]),
        (Intent.ADDRESS, [FREE, MINE], [MINE]),
        (Intent.ARRIVE, [FREE, TAKEN], [FREE, TAKEN]),
        (Intent.DECLINE, [TAKEN], [TAKEN]),
    ],
)
def test_what_is_meant(intent: Intent, open_ones: list[CalledFrom], meant: list[CalledFrom]) -> None:
    assert choose(open_ones, Reply(intent)) == meant
    assert choose(open_ones, Reply(intent, 5)) == [each for each in open_ones if each.incident_id == 5]
