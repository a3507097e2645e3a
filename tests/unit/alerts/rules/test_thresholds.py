"""Thresholds are data: each with a source, each overridable, none of them nonsense."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import Thresholds
from eldercare.errors import InvalidInput

GUIDE = Path(__file__).parents[4] / "docs" / "rules.md"


def test_the_defaults_are_those_that_the_clinic_was_shown() -> None:
    limits = Thresholds()
    assert (limits.hr_low_urgent, limits.hr_low_warning, limits.hr_high_warning, limits.hr_high_urgent) == (
        40,
        50,
        111,
        131,
    )
    assert (limits.hr_night_low_urgent, limits.hr_night_low_warning) == (35, 40)
    assert (limits.hr_urgent_s, limits.hr_warning_s, limits.cool_down_s) == (300, 600, 1800)
    assert (limits.hr_min_samples, limits.hr_hysteresis) == (3, 5)
    assert (limits.night_from_h, limits.night_to_h) == (22, 6)
    assert (limits.no_hr_s, limits.off_wrist_s, limits.silent_s, limits.late_s) == (7200, 1800, 2700, 600)
    assert (limits.zone_fixes, limits.zone_dwell_s, limits.zone_max_accuracy_m, limits.zone_max_speed_kmh) == (
        3,
        300,
        100,
        120,
    )
    assert (limits.network_min, limits.network_share, limits.network_window_s) == (5, 0.2, 600)


def test_every_threshold_says_its_unit_range_and_source_and_stands_in_the_guide() -> None:
    guide = GUIDE.read_text()
    for each in fields(Thresholds):
        meta = each.metadata
        assert meta["low"] <= each.default <= meta["high"]
        assert f"| `{each.name}` | {each.default} {meta['unit']} | {meta['meaning']} | {meta['source']} |" in guide


def test_a_resident_has_limits_of_her_own() -> None:
    limits = Thresholds().with_overrides({"hr_high_warning": 125, "hr_rest_s": 900.5})
    assert limits.hr_high_warning == 125
    assert limits.hr_rest_s == 900.5
    assert limits.hr_low_warning == Thresholds().hr_low_warning
    assert Thresholds().with_overrides({}) == Thresholds()


@pytest.mark.parametrize(
    ("overrides", "field", "reason"),
    [
        ({"hr_hihg": 120}, "hr_hihg", "is no threshold"),
        ({"hr_high_warning": "120"}, "hr_high_warning", "is not a number"),
        ({"hr_high_warning": None}, "hr_high_warning", "is not a number"),
        ({"hr_high_warning": True}, "hr_high_warning", "is not a number"),
        ({"hr_high_warning": float("nan")}, "hr_high_warning", "is not a number"),
        ({"hr_high_warning": 500}, "hr_high_warning", "is not within 60 to 220 bpm"),
        ({"hr_min_samples": 2.5}, "hr_min_samples", "is not a whole number"),
        ({"hr_high_warning": 140}, "hr_high_warning", "is above hr_high_urgent"),
        ({"hr_low_urgent": 60}, "hr_low_urgent", "is above hr_low_warning"),
        ({"hr_night_low_urgent": 45}, "hr_night_low_urgent", "is above hr_night_low_warning"),
        ({"hr_low_warning": 85, "hr_high_warning": 80}, "hr_low_warning", "is not below hr_high_warning"),
        ({"night_from_h": 24}, "night_from_h", "is not within 0 to 23 hour"),
    ],
)
def test_a_wrong_override_is_refused_by_name(overrides: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as error:
        Thresholds().with_overrides(overrides)
    assert error.value.field == field
