"""What counts as a heart rate is one rule."""

import pytest

from alerts.rules import Thresholds
from eldercare.community import plausible


@pytest.mark.parametrize(
    ("bpm", "quality", "holds"),
    [
        (None, None, False),
        (0, None, False),
        (24.9, None, False),
        (25, None, True),
        (220, 30, True),
        (220.1, 100, False),
        (80, 29, False),
        (80, 0, False),
        (80, None, True),
    ],
)
def test_a_heart_rate(bpm: float | None, quality: float | None, holds: bool) -> None:
    assert plausible.is_heart_rate(bpm, quality) is holds


def test_the_rules_begin_with_the_same_limits() -> None:
    limits = Thresholds()
    assert (limits.hr_min_bpm, limits.hr_max_bpm, limits.hr_min_quality) == (*plausible.BPM, plausible.LEAST_QUALITY)
