"""What of a file bears on a heart rate; what is not found is not written down."""

import pytest

from api.console.clinic.medicines import has_fibrillation, has_pacemaker, slowing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, []),
        ("", []),
        ("氨氯地平 5 mg 早", []),
        ("美托洛尔 25 mg 早晚，地高辛", ["美托洛尔", "地高辛"]),
        ("Bisoprolol 2.5 mg", ["bisoprolol"]),
    ],
)
def test_medicines_that_slow_a_heart_are_found_by_name(text: str | None, expected: list[str]) -> None:
    assert slowing(text) == expected


def test_a_pacemaker_or_fibrillation_may_stand_in_any_of_the_texts() -> None:
    assert has_pacemaker(None, "2019年装起搏器")
    assert not has_pacemaker("高血压", None)
    assert has_fibrillation("心房颤动，服华法林")
    assert has_fibrillation("Atrial fibrillation", None)
    assert not has_fibrillation("")
