"""The limits of the rules, each with unit and source. The defaults, for people over 80, a clinician signs off."""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

from eldercare.errors import InvalidInput

_NEWS2 = "NEWS2 pulse score"
_OURS = "our proposal, to be signed off by a clinician"
_MEASURED = "our proposal, after measuring recordings"


def _limit(default: float, unit: str, low: float, high: float, source: str) -> Any:
    return field(default=default, metadata={"unit": unit, "low": low, "high": high, "source": source})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the rules compare with. Every field may be overridden per resident; its metadata holds unit and source."""

    hr_high_urgent: float = _limit(131, "bpm", 60, 220, f"at or above: {_NEWS2} 3")
    hr_high_warning: float = _limit(111, "bpm", 60, 220, f"at or above: {_NEWS2} 2")
    hr_low_warning: float = _limit(50, "bpm", 25, 90, f"at or below: {_NEWS2} 1")
    hr_low_urgent: float = _limit(40, "bpm", 25, 90, f"at or below: {_NEWS2} 3")
    hr_night_low_warning: float = _limit(40, "bpm", 25, 90, "minima of healthy people over 24 h are 36 to 78")
    hr_night_low_urgent: float = _limit(35, "bpm", 25, 90, "minima of healthy people over 24 h are 36 to 78")
    hr_urgent_s: float = _limit(300, "s", 0, 3600, f"how long an urgent rate lasts: {_OURS}")
    hr_warning_s: float = _limit(600, "s", 0, 7200, f"how long a warning rate lasts: {_OURS}")
    hr_min_samples: int = _limit(3, "values", 1, 1000, f"in that time: {_OURS}")
    hr_gap_s: float = _limit(180, "s", 10, 7200, f"a longer pause breaks what is sustained: {_OURS}")
    hr_rest_s: float = _limit(600, "s", 0, 7200, "no activity before a high rate counts: Apple, Garmin")
    hr_hysteresis: float = _limit(5, "bpm", 0, 30, f"back inside by this much, for as long as an urgent rate: {_OURS}")
    hr_min_quality: float = _limit(50, "of 100", 0, 100, f"below is discarded: {_OURS}")
    hr_min_bpm: float = _limit(25, "bpm", 1, 60, f"below is not a heart rate: {_OURS}")
    hr_max_bpm: float = _limit(220, "bpm", 100, 300, f"above is not a heart rate: {_OURS}")
    cool_down_s: float = _limit(1800, "s", 0, 86400, f"between two alarms about the same thing: {_OURS}")
    night_from_h: int = _limit(22, "hour", 0, 23, f"local time: {_OURS}")
    night_to_h: int = _limit(6, "hour", 0, 23, f"local time: {_OURS}")
    no_hr_s: float = _limit(7200, "s", 600, 86400, f"worn without a value: {_OURS}")
    off_wrist_s: float = _limit(1800, "s", 60, 86400, f"by day: {_OURS}")
    charging_off_wrist_s: float = _limit(10800, "s", 60, 86400, f"by day, while it charges: {_OURS}")
    task_repeat_s: float = _limit(86400, "s", 3600, 604800, "at most one notice a day about the same: Tellu")
    battery_low_pct: float = _limit(20, "%", 1, 90, f"at or below: {_OURS}")
    zone_fixes: int = _limit(3, "fixes", 1, 100, f"beyond the edge: {_OURS}")
    zone_dwell_s: float = _limit(300, "s", 0, 7200, f"beyond the edge: {_OURS}")
    zone_max_accuracy_m: float = _limit(100, "m", 10, 10000, f"worse fixes are ignored: {_MEASURED}")
    zone_assumed_accuracy_m: float = _limit(50, "m", 0, 1000, f"of a fix that does not say: {_MEASURED}")
    zone_max_speed_kmh: float = _limit(120, "km/h", 20, 1000, f"implied by two fixes, faster is a jump: {_MEASURED}")
    zone_repeat_s: float = _limit(14400, "s", 0, 604800, f"still outside is said again: {_OURS}")
    late_s: float = _limit(600, "s", 60, 3600, f"older readings alarm nobody: {_OURS}")
    ahead_s: float = _limit(300, "s", 0, 3600, f"readings further in the future are of a wrong clock: {_OURS}")
    silent_s: float = _limit(2700, "s", 300, 86400, "lost at 45 min, with a message every 15 min: Acticheck")
    network_min: int = _limit(5, "bands", 2, 10000, f"silent at once: {_OURS}")
    network_share: float = _limit(0.2, "of all bands", 0.01, 1, f"silent at once: {_OURS}")
    network_window_s: float = _limit(600, "s", 60, 7200, f"silent at once: {_OURS}")

    def with_overrides(self, overrides: dict[str, Any]) -> "Thresholds":
        """These thresholds with a resident's own. Raises InvalidInput naming the field and what is wrong with it."""
        known = {each.name: each for each in fields(self)}
        for name, value in overrides.items():
            if name not in known:
                raise InvalidInput(name, f"is no threshold; there are {', '.join(known)}")
            _check(name, value, whole=isinstance(known[name].default, int) and known[name].type is int)
            low, high = known[name].metadata["low"], known[name].metadata["high"]
            if not low <= value <= high:
                raise InvalidInput(name, f"{value} is not within {low} to {high} {known[name].metadata['unit']}")
        changed = replace(self, **overrides)
        changed._check_order()
        return changed

    def _check_order(self) -> None:
        for lower, upper in _ORDER:
            if getattr(self, lower) > getattr(self, upper):
                raise InvalidInput(lower, f"{getattr(self, lower)} is above {upper} ({getattr(self, upper)})")
        if self.hr_low_warning >= self.hr_high_warning:
            raise InvalidInput("hr_low_warning", f"{self.hr_low_warning} is not below hr_high_warning")


_ORDER = (
    ("hr_low_urgent", "hr_low_warning"),
    ("hr_night_low_urgent", "hr_night_low_warning"),
    ("hr_high_warning", "hr_high_urgent"),
)


def _check(name: str, value: Any, *, whole: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput(name, f"{value!r} is not a number")
    if whole and not isinstance(value, int):
        raise InvalidInput(name, f"{value!r} is not a whole number")
