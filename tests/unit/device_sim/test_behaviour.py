"""Which behaviour a call meets."""

import pytest
from pydantic import ValidationError

from device_sim.phones.behaviour import ANY, Behaviours, CallBehaviour
from device_sim.phones.lines import segments

HERS, HIS = "+99910000001", "+99910000002"


def test_counted_before_standing_and_own_before_everybodys() -> None:
    behaviours = Behaviours(CallBehaviour())
    behaviours.set(ANY, CallBehaviour(does="busy"))
    behaviours.set(HERS, CallBehaviour(does="failed", times=2))
    behaviours.set(HERS, CallBehaviour(does="machine", times=1))
    assert [behaviours.take(HERS).does for _ in range(4)] == ["failed", "failed", "machine", "busy"]
    assert behaviours.take(HIS).does == "busy"
    behaviours.set(HERS, CallBehaviour(does="answer"))
    behaviours.set(ANY, CallBehaviour(does="no-answer", times=1))
    assert [behaviours.take(HERS).does, behaviours.take(HIS).does, behaviours.take(HIS).does] == [
        "answer",
        "no-answer",
        "busy",
    ]


def test_cleared_is_manual_again() -> None:
    behaviours = Behaviours(CallBehaviour())
    for number in (HERS, ANY):
        behaviours.set(number, CallBehaviour(does="busy"))
    behaviours.clear(HERS)
    assert behaviours.take(HERS).does == "busy"
    behaviours.clear()
    assert behaviours.take(HERS).does == "manual"


@pytest.mark.parametrize("wrong", [{"does": "sing"}, {"digits": ["a"]}, {"http_status": 200}, {"unknown": 1}])
def test_a_wrong_behaviour_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CallBehaviour.model_validate(wrong)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("字" * 70, 1),
        ("字" * 71, 2),
        ("字" * 135, 3),
        ("𰻞" * 35, 1),
        ("𰻞" * 36, 2),
        ("𰻞" * 66, 2),
        ("𰻞" * 67, 3),
        ("a" * 66 + "𰻞" + "字" * 67, 3),
    ],
)
def test_segments_of_a_text_message(body: str, count: int) -> None:
    assert segments(body) == count
