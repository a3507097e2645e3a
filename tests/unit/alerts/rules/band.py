"""A band for the tests of the rules: it speaks, the rules judge, and what they said is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.model.incident import Cleared, Finding, IncidentKind, Verdict
from alerts.rules import Profile, State, Thresholds, evaluate, evaluate_absence
from alerts.rules.whereabouts import METRES_PER_DEGREE
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai."""
MIDNIGHT = NOON + timedelta(hours=12)
HOME = (31.2304, 121.4737)


def profile(overrides: dict[str, Any] | None = None, **values: Any) -> Profile:
    """A resident at HOME with a zone of 500 m."""
    given: dict[str, Any] = {
        "resident_id": 1,
        "home_lat": HOME[0],
        "home_lon": HOME[1],
        "safe_radius_m": 500,
        "away_until": None,
        "zone": ZoneInfo("Asia/Shanghai"),
        "thresholds": Thresholds().with_overrides(overrides or {}),
    }
    return Profile(**{**given, **values})


class Band:
    """Speaks at `self.now`, which `wait` moves; messages come `delay` seconds after they were made."""

    def __init__(self, start: datetime = NOON, who: Profile | None = None) -> None:
        self.now = start
        self.profile = who or profile()
        self.state = State()
        self.said: list[Verdict] = []

    @property
    def reasons(self) -> list[str]:
        """The names of all verdicts so far."""
        return [verdict.reason for verdict in self.said]

    @property
    def of_heart(self) -> list[str]:
        """The names of what was said of her heart, and of a band that measures none."""
        about = (IncidentKind.HEART_RATE, IncidentKind.NO_HEART_RATE)
        return [verdict.reason for verdict in self.said if verdict.kind in about]

    @property
    def findings(self) -> list[Finding]:
        """What was found so far."""
        return [verdict for verdict in self.said if isinstance(verdict, Finding)]

    @property
    def cleared(self) -> list[Cleared]:
        """What was said to be over so far."""
        return [verdict for verdict in self.said if isinstance(verdict, Cleared)]

    def wait(self, minutes: float) -> "Band":
        """Let time pass."""
        self.now += timedelta(minutes=minutes)
        return self

    def heart(self, bpm: float, *, delay: float = 0, **fields: Any) -> list[Verdict]:
        """One heart rate."""
        return self._evaluate(HeartRate(ts=self.now, bpm=bpm, **fields), delay)

    def hearts(self, bpm: float, minutes: int, **fields: Any) -> list[Verdict]:
        """A value now and one after each minute; returns what was said meanwhile."""
        before = len(self.said)
        self.heart(bpm, **fields)
        for _ in range(minutes):
            self.wait(1).heart(bpm, **fields)
        return self.said[before:]

    def fix(self, metres: float, accuracy_m: float | None = 10, *, delay: float = 0) -> list[Verdict]:
        """One fix so many metres north of home."""
        lat = HOME[0] + metres / METRES_PER_DEGREE
        return self._evaluate(Location(ts=self.now, lat=lat, lon=HOME[1], accuracy_m=accuracy_m), delay)

    def fixes(self, metres: float, minutes: int, accuracy_m: float | None = 10) -> list[Verdict]:
        """A fix now and one after each minute; returns what was said meanwhile."""
        before = len(self.said)
        self.fix(metres, accuracy_m)
        for _ in range(minutes):
            self.wait(1).fix(metres, accuracy_m)
        return self.said[before:]

    def status(self, *, delay: float = 0, **fields: Any) -> list[Verdict]:
        """One status."""
        return self._evaluate(Status(ts=self.now, **fields), delay)

    def watched(self, last_seen: datetime) -> list[Verdict]:
        """The watch looks at the band now."""
        self.state, verdicts = evaluate_absence(self.state, last_seen, self.profile, self.now)
        self.said.extend(verdicts)
        return list(verdicts)

    def _evaluate(self, reading: HeartRate | Location | Status, delay: float) -> list[Verdict]:
        came = self.now + timedelta(seconds=delay)
        self.state, verdicts = evaluate(self.state, reading, self.profile, came)
        self.said.extend(verdicts)
        return list(verdicts)
