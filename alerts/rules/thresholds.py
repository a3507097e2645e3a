"""The limits of the rules, each with unit and source. The defaults, for people over 80, a clinician signs off."""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

from eldercare import plausible
from eldercare.errors import InvalidInput

_NEWS2 = "NEWS2 pulse score"
_OURS = "proposal"
_MEASURED = "proposal, after measuring recordings"
_MINIMA = "healthy people of 40 to 79 have minima of 36 to 78 over 24 h"


def _limit(default: float, unit: str, low: float, high: float, meaning: str, source: str) -> Any:
    metadata = {"unit": unit, "low": low, "high": high, "meaning": meaning, "source": source}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the rules compare with. Every field may be overridden per resident.

    A field's metadata holds its `unit`, `meaning`, `source` and what an override must lie within (`low` to `high`).
    Source "proposal" waits for a clinician to sign it off.
    """

    hr_high_urgent: float = _limit(131, "bpm", 60, 220, "urgent at or above", f"{_NEWS2} 3")
    hr_high_warning: float = _limit(111, "bpm", 60, 220, "warning at or above", f"{_NEWS2} 2")
    hr_low_warning: float = _limit(50, "bpm", 25, 90, "warning at or below", f"{_NEWS2} 1")
    hr_low_urgent: float = _limit(40, "bpm", 25, 90, "urgent at or below", f"{_NEWS2} 3")
    hr_night_low_warning: float = _limit(40, "bpm", 25, 90, "the same at night", _MINIMA)
    hr_night_low_urgent: float = _limit(35, "bpm", 25, 90, "the same at night", _MINIMA)
    hr_urgent_s: float = _limit(300, "s", 0, 3600, "how long an urgent rate lasts", _OURS)
    hr_warning_s: float = _limit(600, "s", 0, 7200, "how long a warning rate lasts", _OURS)
    hr_min_samples: int = _limit(3, "values", 1, 1000, "values seen in that time", _OURS)
    hr_gap_s: float = _limit(180, "s", 10, 7200, "a longer pause breaks it", _OURS)
    hr_lapse_s: float = _limit(75, "s", 0, 3600, "a longer time inside breaks it", _MEASURED)
    hr_lapse_margin: float = _limit(1, "bpm", 0, 30, "a shorter one too, unless the mean is beyond by this", _MEASURED)
    hr_rest_s: float = _limit(600, "s", 0, 7200, "no movement before a high rate counts", "Apple and Garmin")
    hr_hysteresis: float = _limit(5, "bpm", 0, 30, "inside by this much, for as long as an urgent rate, is over", _OURS)
    hr_min_quality: float = _limit(plausible.LEAST_QUALITY, "of 100", 0, 100, "values of less are discarded", _OURS)
    hr_min_bpm: float = _limit(plausible.BPM[0], "bpm", 1, 60, "below is no heart rate", _OURS)
    hr_max_bpm: float = _limit(plausible.BPM[1], "bpm", 100, 300, "above is no heart rate", _OURS)
    cool_down_s: float = _limit(1800, "s", 0, 86400, "between two alarms about the same", _OURS)
    night_from_h: int = _limit(22, "hour", 0, 23, "the night begins, local time", _OURS)
    night_to_h: int = _limit(6, "hour", 0, 23, "the night ends, local time", _OURS)
    no_hr_s: float = _limit(7200, "s", 600, 86400, "worn without a value", _OURS)
    off_wrist_s: float = _limit(1800, "s", 60, 86400, "off the wrist by day", _OURS)
    charging_off_wrist_s: float = _limit(10800, "s", 60, 86400, "off the wrist by day, on its charger", _OURS)
    task_repeat_s: float = _limit(
        86400, "s", 3600, 604800, "until the same task is told again", "Tellu: at most one notice a day"
    )
    battery_low_pct: float = _limit(20, "%", 1, 90, "low at or below", _OURS)
    battery_hysteresis: float = _limit(10, "%", 0, 50, "above the limit by this much is charged", _OURS)
    zone_fixes: int = _limit(3, "fixes", 1, 100, "beyond the edge", _OURS)
    zone_dwell_s: float = _limit(300, "s", 0, 7200, "beyond the edge", _OURS)
    zone_gap_s: float = _limit(2700, "s", 60, 86400, "a longer time without a fix breaks it", _OURS)
    zone_max_accuracy_m: float = _limit(100, "m", 10, 10000, "worse fixes are ignored", _MEASURED)
    zone_assumed_accuracy_m: float = _limit(50, "m", 0, 1000, "of a fix that does not say, or says 0", _MEASURED)
    zone_max_speed_kmh: float = _limit(120, "km/h", 20, 1000, "implied by two fixes; faster is a jump", _MEASURED)
    zone_jumps: int = _limit(3, "fixes", 1, 100, "so many jumps in a row are travel", _OURS)
    zone_repeat_s: float = _limit(14400, "s", 0, 604800, "still outside is told again", _OURS)
    late_s: float = _limit(600, "s", 60, 3600, "older readings alarm nobody", _OURS)
    ahead_s: float = _limit(300, "s", 0, 3600, "further in the future the clock is wrong", _OURS)
    silent_s: float = _limit(2700, "s", 300, 86400, "without a message, sent every 15 min", "Acticheck")
    network_min: int = _limit(5, "bands", 2, 10000, "silent at once, and", _OURS)
    network_share: float = _limit(0.2, "of all bands", 0.01, 1, "silent at once", _OURS)
    network_window_s: float = _limit(600, "s", 60, 7200, "is at once", _OURS)

    def with_overrides(self, overrides: dict[str, Any]) -> "Thresholds":
        """These thresholds with a resident's own. Raises InvalidInput naming the field and what is wrong with it."""
        known = {each.name: each for each in fields(self)}
        for name, value in overrides.items():
            if name not in known:
                raise InvalidInput(name, f"is no threshold; there are {', '.join(known)}")
            _check(name, value, whole=known[name].type is int)
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


_LARGEST = 10**9
"""Far above every bound; a larger whole number may not even have a float."""


def _check(name: str, value: Any, *, whole: bool) -> None:
    number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not number or abs(value) > _LARGEST:
        raise InvalidInput(name, f"{str(value)[:40]} is not a number")
    if whole and not isinstance(value, int):
        raise InvalidInput(name, f"{value!r} is not a whole number")
