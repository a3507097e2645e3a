"""What has changed since a moment, in at most four sentences, the worst first. Pure.

A sentence compares her with herself, or tells what happened; none names an illness, and none is a score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from api.console.clinic.nights import Baseline, Trend
from api.console.clinic.numbers import HALF, Activity
from api.console.clinic.wear import Gap, Known, Shares

MOST = 4
"""Sentences."""
FEW_DAYS_SHARE = 0.5
"""Her steps are told where so many of the days are below half of her own."""
NOTHING = ("false_alarm", "test")
"""Outcomes after which there was no call for help."""
OF_THE_BAND = frozenset({"silent", "off_wrist", "low_battery", "network"})
"""Kinds that are about the band; the gaps tell of it."""


class Sentence(NamedTuple):
    """A text of the catalogue (`since.KEY`) and what fills it: moments (aware), numbers, words, and what a gap was."""

    key: str
    values: Mapping[str, datetime | float | str | Known] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """An incident as the page tells it: what somebody found is the line with which it was closed (None: none)."""

    id: int
    at: datetime
    kind: str
    source: str
    severity: str
    outcome: str | None
    found: str | None
    who: str | None
    to_door_min: int | None
    bpm: int | None = None


@dataclass(frozen=True, slots=True)
class Weeks:
    """What is known of the period; `shares` are those of the last two weeks, `gaps` its long ones, the longest
    first."""

    events: Sequence[Event]
    usual: Baseline | None
    trend: Trend | None
    shares: Shares
    activity: Activity | None
    gaps: Sequence[Gap] = field(default_factory=list)


def say(weeks: Weeks) -> list[Sentence]:
    """The sentences; none where there is nothing to say."""
    found = [
        _calls_now(weeks.events),
        _calls(weeks.events),
        _of_severity(weeks.events, "urgent"),
        _resting(weeks),
        _of_severity(weeks.events, "warning"),
        _little(weeks.activity),
        _gap(weeks.gaps),
    ]
    return [each for each in found if each is not None][:MOST]


def _calls_now(events: Sequence[Event]) -> Sentence | None:
    """What has no outcome goes on, and is not told as if it were over."""
    going = [each.at for each in events if each.severity == "sos" and each.outcome is None]
    return Sentence("sos_now", {"at": min(going)}) if going else None


def _calls(events: Sequence[Event]) -> Sentence | None:
    real = [each for each in events if each.severity == "sos" and each.outcome not in (None, *NOTHING)]
    return _told("sos", real)


def _of_severity(events: Sequence[Event], severity: str) -> Sentence | None:
    own = [
        each
        for each in events
        if each.severity == severity and each.kind not in OF_THE_BAND and each.outcome not in NOTHING
    ]
    return _told(severity, own)


def _told(key: str, events: Sequence[Event]) -> Sentence | None:
    if not events:
        return None
    newest = max(events, key=lambda each: each.at)
    found = "_found" if newest.found else ""
    values: dict[str, datetime | float | str | Known] = {"at": newest.at, "found": newest.found or "", "n": len(events)}
    kinds = {(each.kind, each.source) for each in events}
    values["kind"] = f"{newest.kind}:{newest.source}" if len(kinds) == 1 or len(events) == 1 else "several"
    return Sentence(f"{key}_{'once' if len(events) == 1 else 'often'}{found}", values)


def _resting(weeks: Weeks) -> Sentence | None:
    if not weeks.shares.is_enough:
        # Rounded down: what is below the limit never reads as the limit itself.
        return Sentence("thin", {"percent": int(100 * weeks.shares.covered)})
    trend, usual = weeks.trend, weeks.usual
    if usual is None:
        return Sentence("no_baseline")
    if trend is None:
        return Sentence("few_nights")
    if not trend.said:
        return None
    key = "rate_up" if trend.difference > 0 else "rate_down"
    values = {"was": round(usual.usual), "now": round(trend.now), "beyond": trend.beyond, "nights": trend.nights}
    return Sentence(key, values)


def _little(activity: Activity | None) -> Sentence | None:
    if activity is None or activity.own is None:
        return None
    if activity.median >= HALF * activity.own and activity.few < FEW_DAYS_SHARE * activity.days:
        return None
    values = {"was": round(activity.own), "now": round(activity.median), "few": activity.few, "days": activity.days}
    return Sentence("steps", values)


def _gap(gaps: Sequence[Gap]) -> Sentence | None:
    """That there was no band yet is no gap of hers."""
    own = [each for each in gaps if each.why is not Known.BEFORE]
    if not own:
        return None
    longest = max(own, key=lambda each: each.minutes)
    values = {"length": longest.minutes, "day": longest.begin, "why": longest.why, "n": len(own)}
    return Sentence("gap" if len(own) == 1 else "gaps", values)
