"""Thresholds are data: each with a source, each overridable, none of them nonsense."""

from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import Thresholds
from eldercare.platform.errors import InvalidInput
from tests.unit.alerts.rules.band import MIDNIGHT, NOON, Band, profile

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
        ({"hr_high_warning": 500}, "hr_high_warning", "is not within 90 to 160 bpm"),
        ({"hr_min_samples": 2.5}, "hr_min_samples", "is not a whole number"),
        ({"hr_high_warning": 140}, "hr_high_warning", "is above hr_high_urgent"),
        ({"hr_low_urgent": 60}, "hr_low_urgent", "is above hr_low_warning"),
        ({"hr_night_low_urgent": 45}, "hr_night_low_urgent", "is above hr_night_low_warning"),
        ({"night_from_h": 7, "night_to_h": 6}, "night_to_h", "a night of more than 14 hours"),
        ({"night_from_h": 24}, "night_from_h", "is not within 0 to 23 hour"),
    ],
)
def test_a_wrong_override_is_refused_by_name(overrides: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as error:
        Thresholds().with_overrides(overrides)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("stored", "held", "wrong"),
    [
        ({"hr_high_urgent": 180, "hr_high_warning": 125}, {"hr_high_urgent": 170, "hr_high_warning": 125},
         ["hr_high_urgent"]),
        ({"hr_low_urgent": 25, "silent_s": 600}, {"hr_low_urgent": 30, "silent_s": 600}, ["hr_low_urgent"]),
        ({"hr_min_samples": 0, "zone_fixes": 11}, {"hr_min_samples": 1, "zone_fixes": 10},
         ["hr_min_samples", "zone_fixes"]),
        ({"high": 5, "silent_s": "long", "hr_min_samples": 2.5, "late_s": True, "no_hr_s": 10**400, "hr_rest_s": 900},
         {"hr_rest_s": 900}, ["high", "silent_s", "hr_min_samples", "late_s", "no_hr_s"]),
        ({"silent_s": 900}, {"silent_s": 900}, []),
        ({"hr_gap_s": 400, "hr_lapse_s": "long", "silent_s": 900}, {"silent_s": 900}, []),
        ({"hr_high_warning": 999, "silent_s": 900}, {}, ["hr_high_warning", "hr_high_warning"]),
        ([], {}, ["rule_overrides"]),
    ],
)  # fmt: skip
def test_of_what_is_stored_everything_holds_that_can(stored: Any, held: dict[str, Any], wrong: list[str]) -> None:
    limits, refused = Thresholds().with_stored(stored)
    assert limits == Thresholds(**held)
    assert [error.field for error in refused] == wrong


def test_what_is_no_threshold_any_more_is_accepted_and_means_nothing() -> None:
    assert Thresholds().with_overrides({"hr_gap_s": 7200, "hr_lapse_s": 0}) == Thresholds()


ENDS = [{each.name: each.metadata[end]} for each in fields(Thresholds) for end in ("low", "high")]
TOGETHER: dict[str, dict[str, Any]] = {
    "hr_high_warning": {"hr_high_urgent": 170}, "hr_high_urgent": {"hr_high_warning": 90},
    "hr_low_warning": {"hr_low_urgent": 30}, "hr_low_urgent": {"hr_low_warning": 70},
    "hr_night_low_warning": {"hr_night_low_urgent": 30}, "hr_night_low_urgent": {"hr_night_low_warning": 60},
}  # fmt: skip
QUIETEST: dict[str, Any] = {
    "hr_high_urgent": 170, "hr_high_warning": 160, "hr_low_warning": 35, "hr_low_urgent": 30,
    "hr_night_low_warning": 30, "hr_night_low_urgent": 30, "hr_urgent_s": 900, "hr_warning_s": 1800,
    "hr_min_samples": 10, "hr_share": 1, "hr_lapse_margin": 30, "hr_rest_s": 1800,
    "hr_min_quality": 70, "hr_min_bpm": 29, "hr_max_bpm": 180, "cool_down_s": 7200, "no_hr_s": 21_600,
    "off_wrist_s": 21_600, "charging_off_wrist_s": 43_200, "task_repeat_s": 172_800, "battery_low_pct": 5,
    "zone_fixes": 10, "zone_dwell_s": 3600, "zone_gap_s": 1200, "zone_max_accuracy_m": 50,
    "zone_assumed_accuracy_m": 200, "zone_max_speed_kmh": 60, "zone_jumps": 10, "zone_repeat_s": 86_400,
    "late_s": 300, "ahead_s": 60, "silent_s": 14_400,
}  # fmt: skip


@pytest.mark.parametrize("limits", [*({**TOGETHER.get(next(iter(end)), {}), **end} for end in ENDS), QUIETEST], ids=str)
def test_whatever_limits_a_resident_has_no_rule_falls_silent(limits: dict[str, Any]) -> None:
    try:
        who = profile(limits)
    except InvalidInput as error:  # an end of one that does not fit the others' defaults
        assert error.field in ("night_to_h", "hr_night_low_urgent", "hr_low_urgent")  # noqa: PT017
        return
    for start in (NOON, MIDNIGHT):
        for bpm in (175, 30):
            band = Band(start, who)
            band.hearts(bpm, 75, quality=75, motion="rest")
            assert [found.severity for found in band.findings if found.kind == "heart_rate"][-1:] == ["urgent"], bpm
    band = Band(NOON, who)
    band.fix(0)
    for _ in range(30):
        band.wait(15).fix(2000, 40)
    assert "wandering" in {found.kind for found in band.findings}
    band = Band(NOON, who)
    band.status(battery_pct=4, charging=False, worn=True)
    assert "low_battery" in {found.kind for found in band.findings}
    assert "silent" in {found.kind for found in band.wait(300).watched(band.now - timedelta(minutes=300))}
    band = Band(NOON + timedelta(hours=-3), who)
    for _ in range(26):
        band.status(battery_pct=95, charging=False, worn=False)
        band.wait(15).watched(band.now)
    assert "off_wrist" in {found.kind for found in band.findings}
