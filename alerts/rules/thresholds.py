"""The limits of the rules, each with unit and source. A clinician signs off the defaults, for people over 80."""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

from eldercare.community import plausible
from eldercare.platform.errors import InvalidInput

_NEWS2 = "NEWS2 pulse score"
_OURS = "proposal"
_MEASURED = "proposal, after measuring recordings"
_MINIMA = "healthy people of 40 to 79 have minima of 36 to 78 over 24 h"
_TIHM = "days that clinicians flagged (TIHM)"


LONGEST_NIGHT_H = 14
"""Hours. At night the limits are lower, and no band off the wrist is told of, so that some day has to be left."""


def _limit(default: float, unit: str, low: float, high: float, meaning: str, source: str) -> Any:
    metadata = {"unit": unit, "low": low, "high": high, "meaning": meaning, "source": source}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the rules compare with. Every field may be overridden per resident.

    A field's metadata holds its `unit`, `meaning`, `source` and what an override must lie within (`low` to `high`):
    within that every rule still speaks of what is dangerous to anybody, so an override needs no end.
    Source "proposal" waits for a clinician to sign it off.
    """

    hr_high_urgent: float = _limit(131, "bpm", 100, 170, "urgent at or above", f"{_NEWS2} 3")
    hr_high_warning: float = _limit(111, "bpm", 90, 160, "warning at or above", f"{_NEWS2} 2")
    hr_low_warning: float = _limit(50, "bpm", 35, 70, "warning at or below", f"{_NEWS2} 1")
    hr_low_urgent: float = _limit(40, "bpm", 30, 60, "urgent at or below", f"{_NEWS2} 3")
    hr_night_low_warning: float = _limit(40, "bpm", 30, 60, "the same at night", _MINIMA)
    hr_night_low_urgent: float = _limit(35, "bpm", 30, 50, "the same at night", _MINIMA)
    hr_urgent_s: float = _limit(300, "s", 0, 900, "how long an urgent rate lasts", _OURS)
    hr_warning_s: float = _limit(600, "s", 0, 1800, "how long a warning rate lasts", _OURS)
    hr_asleep_high: float = _limit(95, "bpm", 80, 130, "asleep, warning at or above", _OURS)
    hr_asleep_s: float = _limit(1800, "s", 300, 2400, "how long that lasts", _OURS)
    asleep_s: float = _limit(3600, "s", 600, 7200, "no movement, at night, is asleep", _OURS)
    hr_share: float = _limit(0.5, "of the values", 0.5, 1, "so many of them are beyond", _OURS)
    hr_min_samples: int = _limit(3, "values", 1, 10, "values seen in that time", _OURS)
    hr_lapse_margin: float = _limit(1, "bpm", 0, 30, "their mean is beyond by this, unless all are", _MEASURED)
    hr_rest_s: float = _limit(600, "s", 0, 1800, "rest at most before a high rate counts", "Apple and Garmin")
    hr_hysteresis: float = _limit(5, "bpm", 0, 30, "inside by this much, for as long as an urgent rate, is over", _OURS)
    hr_recovered_s: float = _limit(600, "s", 60, 1800, "inside for so long is over", _OURS)
    hr_min_quality: float = _limit(plausible.LEAST_QUALITY, "of 100", 0, 70, "values of less are discarded", _OURS)
    hr_min_bpm: float = _limit(plausible.BPM[0], "bpm", 1, 29, "below is no heart rate", _OURS)
    hr_max_bpm: float = _limit(plausible.BPM[1], "bpm", 180, 300, "above is no heart rate", _OURS)
    envelope_over: float = _limit(15, "bpm", 10, 60, "at rest above what is high for her by this", _OURS)
    envelope_s: float = _limit(1800, "s", 900, 2400, "how long that lasts", _OURS)
    resting_change: float = _limit(4.5, "bpm", 3, 20, "two nights beyond her usual resting rate by this", _MEASURED)
    spot_high: float = _limit(100, "bpm", 90, 130, "of a few values a day, one at or above", _TIHM)
    spot_low: float = _limit(50, "bpm", 35, 60, "of a few values a day, one at or below", _TIHM)
    cool_down_s: float = _limit(1800, "s", 0, 7200, "between two alarms about the same", _OURS)
    night_from_h: int = _limit(22, "hour", 0, 23, "the night begins, local time", _OURS)
    night_to_h: int = _limit(6, "hour", 0, 23, "the night ends, local time", _OURS)
    no_hr_s: float = _limit(7200, "s", 600, 21600, "worn without a value", _OURS)
    no_pulse_s: float = _limit(600, "s", 300, 3600, "worn and still, no pulse any more", _OURS)
    still_s: float = _limit(10500, "s", 3600, 21600, "without a step in hours in which she is up", _MEASURED)
    not_up_s: float = _limit(9900, "s", 1800, 21600, "the same, where she has not got up", _MEASURED)
    off_wrist_s: float = _limit(1800, "s", 60, 21600, "off the wrist by day", _OURS)
    charging_off_wrist_s: float = _limit(10800, "s", 60, 43200, "off the wrist by day, on its charger", _OURS)
    task_repeat_s: float = _limit(
        86400, "s", 3600, 172800, "until the same task is told again", "Tellu: at most one notice a day"
    )
    battery_low_pct: float = _limit(20, "%", 5, 90, "low at or below", _OURS)
    battery_hysteresis: float = _limit(10, "%", 0, 50, "above the limit by this much is charged", _OURS)
    zone_fixes: int = _limit(3, "fixes", 1, 10, "beyond the edge", _OURS)
    zone_dwell_s: float = _limit(300, "s", 0, 3600, "beyond the edge", _OURS)
    zone_gap_s: float = _limit(2700, "s", 1200, 86400, "a longer time without a fix breaks it", _OURS)
    zone_max_accuracy_m: float = _limit(100, "m", 50, 10000, "worse fixes are ignored", _MEASURED)
    zone_assumed_accuracy_m: float = _limit(50, "m", 0, 200, "of a fix that does not say, or says 0", _MEASURED)
    zone_max_speed_kmh: float = _limit(120, "km/h", 60, 1000, "implied by two fixes; faster is a jump", _MEASURED)
    zone_jumps: int = _limit(3, "fixes", 1, 10, "so many jumps in a row are travel", _OURS)
    zone_repeat_s: float = _limit(14400, "s", 0, 86400, "still outside is told again", _OURS)
    exit_from_h: int = _limit(23, "hour", 18, 23, "from then on leaving home is told of, local time", _OURS)
    exit_to_h: int = _limit(5, "hour", 4, 10, "until then", _OURS)
    exit_m: float = _limit(150, "m", 100, 1000, "from home, less the accuracy, is outside", _MEASURED)
    exit_dwell_s: float = _limit(240, "s", 60, 900, "from the first fix that is not at home to the last", _MEASURED)
    far_more_m: float = _limit(3000, "m", 1000, 100000, "beyond the furthest of her weeks, and twice it", _OURS)
    odd_hour_s: float = _limit(1800, "s", 900, 2700, "out by day at an hour at which she never is", _OURS)
    lost_s: float = _limit(1800, "s", 900, 14400, "nothing heard, while she is out", _OURS)
    late_s: float = _limit(600, "s", 300, 3600, "older readings alarm nobody", _OURS)
    ahead_s: float = _limit(300, "s", 60, 3600, "further in the future the clock is wrong", _OURS)
    silent_s: float = _limit(2700, "s", 300, 14400, "without a message, sent every 15 min", "Acticheck")
    network_min: int = _limit(5, "bands", 2, 10000, "silent at once, and", _OURS)
    network_share: float = _limit(0.2, "of all bands", 0.01, 1, "silent at once", _OURS)
    network_window_s: float = _limit(600, "s", 60, 7200, "is at once", _OURS)

    def with_overrides(self, overrides: dict[str, Any]) -> "Thresholds":
        """These thresholds with a resident's own. Raises InvalidInput naming the field and what is wrong with it."""
        overrides = {name: value for name, value in overrides.items() if name not in RETIRED}
        for name, value in overrides.items():
            _check(name, value)
            if _nearest(name, value) != value:
                raise _beyond(name, value)
        changed = replace(self, **overrides)
        changed._check_order()
        return changed

    def with_stored(self, stored: Any) -> tuple["Thresholds", list[InvalidInput]]:
        """These thresholds with what was stored of a resident's own, and what of that does not hold as it is.

        A value beyond its bounds becomes the nearest within them, which is closest to what was meant; what is no
        threshold or no number is left out, and the rest holds. Where they then contradict each other, none does.
        """
        if not isinstance(stored, dict):
            return self, [InvalidInput("rule_overrides", "are no object")]
        held, wrong = dict[str, Any](), list[InvalidInput]()
        for name, value in stored.items():
            if name in RETIRED:
                continue
            try:
                _check(name, value)
            except InvalidInput as error:
                wrong.append(error)
                continue
            held[name] = _nearest(name, value)
            if held[name] != value:
                wrong.append(_beyond(name, value))
        try:
            return self.with_overrides(held), wrong
        except InvalidInput as error:
            return self, [*wrong, error]

    def _check_order(self) -> None:
        for lower, upper in _ORDER:
            if getattr(self, lower) > getattr(self, upper):
                raise InvalidInput(lower, f"{getattr(self, lower)} is above {upper} ({getattr(self, upper)})")
        if (self.night_to_h - self.night_from_h) % 24 > LONGEST_NIGHT_H:
            raise InvalidInput("night_to_h", f"makes a night of more than {LONGEST_NIGHT_H} hours")


_ORDER = (
    ("hr_low_urgent", "hr_low_warning"),
    ("hr_night_low_urgent", "hr_night_low_warning"),
    ("hr_high_warning", "hr_high_urgent"),
)


RETIRED = frozenset({"hr_gap_s", "hr_lapse_s"})
"""Thresholds of windows that were counted otherwise. Whoever has one of her own has no limit the less without it."""

_LARGEST = 10**9
"""Far above every bound; a larger whole number may not even have a float."""


_KNOWN = {each.name: each for each in fields(Thresholds)}


def _nearest(name: str, value: float) -> float:
    """The nearest value within the bounds."""
    low, high = _KNOWN[name].metadata["low"], _KNOWN[name].metadata["high"]
    return low if value < low else high if value > high else value


def _beyond(name: str, value: float) -> InvalidInput:
    meta = _KNOWN[name].metadata
    return InvalidInput(name, f"{value} is not within {meta['low']} to {meta['high']} {meta['unit']}")


def _check(name: str, value: Any) -> None:
    if name not in _KNOWN:
        raise InvalidInput(name, f"is no threshold; there are {', '.join(_KNOWN)}")
    number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not number or abs(value) > _LARGEST:
        raise InvalidInput(name, f"{str(value)[:40]} is not a number")
    if _KNOWN[name].type is int and not isinstance(value, int):
        raise InvalidInput(name, f"{value!r} is not a whole number")
