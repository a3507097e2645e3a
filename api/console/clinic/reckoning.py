"""All numbers of one person's page from her minutes, at once. Pure; for a month and the nights before it some tenths of
a second, so it runs beside the event loop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.rules.profile import Profile
from alerts.rules.resting_rate import KEPT_NIGHTS
from api.console.clinic import nights, numbers
from api.console.clinic.nights import Baseline, Night, Trend
from api.console.clinic.numbers import Activity, Beyond, Bin, Range, Value
from api.console.clinic.wear import LONG_GAP_MIN, Gap, Shares, Timeline
from eldercare.community.minute import Minute, Recorded

PERIOD_DAYS = 30
"""The period: what is new is compared with what was before it."""
REPORT_DAYS = 14
"""Numbers are of the last two weeks, as in the glucose report: in less a week-end weighs too much."""


@dataclass(frozen=True, slots=True)
class Away:
    """An absence on record, minutes since the epoch: nights in it are not of her home, and say nothing."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What the page shows. `period` and `report` are the first local days of the thirty and of the fourteen, `today`
    the last of both; lists by day are of the period, oldest first. `worn_min` is minutes a day (None: no band that
    day)."""

    today: date
    period: date
    report: date
    begin: int
    now: int
    rhythm_min: int
    values: list[Value]
    timeline: Timeline
    shares: Shares
    long_gaps: list[Gap]
    nights: list[Night]
    nights_known: int
    usual: Baseline | None
    trend: Trend | None
    day: Range | None
    night: Range | None
    usual_day: Range | None
    usual_night: Range | None
    high: Beyond | None
    low: Beyond | None
    modal: list[Bin | None]
    modal_days: int
    activity: Activity | None
    steps: list[int | None]
    worn_min: list[int | None]


def begins(now: datetime, zone: ZoneInfo) -> datetime:
    """From when on readings are needed: the nights before the period say what is usual."""
    first = now.astimezone(zone).date() - timedelta(days=PERIOD_DAYS + KEPT_NIGHTS)
    return datetime.combine(first, time(), zone)


def reckon(recorded: Recorded, profile: Profile, away: Away | None, now: datetime, zone: ZoneInfo) -> Reckoned:
    """The numbers as of `now` (aware), of what was recorded since `begins`."""
    today = now.astimezone(zone).date()
    period, report = (today - timedelta(days=days - 1) for days in (PERIOD_DAYS, REPORT_DAYS))
    end = int(now.timestamp() // 60)
    timeline = Timeline(minute(begins(now, zone).date(), zone), end, recorded)
    begin = minute(period, zone)
    since = minute(report, zone)
    values = timeline.valid(recorded.minutes)
    recent = [each for each in values if each[0] >= since]
    at_home = replace(profile, away_until=None)
    seen = nights.nights(_at_home(recorded.minutes, away), at_home, period - timedelta(days=KEPT_NIGHTS), today)
    before, own = seen[:KEPT_NIGHTS], seen[KEPT_NIGHTS:]
    shares = timeline.shares(since)
    usual = nights.baseline(before, profile.thresholds.resting_change)
    day, night = numbers.ranges(recent, profile)
    usual_day, usual_night = numbers.ranges([each for each in values if each[0] < begin], profile)
    high, low = numbers.beyond(recent, profile)
    modal, modal_days = numbers.modal_day(recent, zone)
    steps = numbers.steps_by_day(recorded.minutes, zone)
    worn = _worn(timeline, begins(now, zone).date(), today, zone)
    days = numbers.dates(period, today)
    return Reckoned(
        today=today,
        period=period,
        report=report,
        begin=begin,
        now=end,
        rhythm_min=timeline.rhythm_min,
        values=values,
        timeline=timeline,
        shares=shares,
        long_gaps=timeline.gaps(LONG_GAP_MIN, since),
        nights=own,
        nights_known=sum(each.rate is not None for each in own[-REPORT_DAYS:]),
        usual=usual,
        trend=nights.trend(own, usual, shares.is_enough),
        day=day,
        night=night,
        usual_day=usual_day,
        usual_night=usual_night,
        high=high,
        low=low,
        modal=modal,
        modal_days=modal_days,
        activity=numbers.activity(steps, {each: n or 0 for each, n in worn.items()}, report, today),
        steps=[steps.get(each) for each in days],
        worn_min=[worn[each] for each in days],
    )


def minute(day: date, zone: ZoneInfo) -> int:
    """The first minute of a local day, since the epoch."""
    return int(datetime.combine(day, time(), zone).timestamp() // 60)


def _at_home(minutes: Sequence[Minute], away: Away | None) -> Sequence[Minute]:
    if away is None:
        return minutes
    return [each for each in minutes if not away.begin <= each.at < away.end]


def _worn(timeline: Timeline, first: date, today: date, zone: ZoneInfo) -> dict[date, int | None]:
    found: dict[date, int | None] = {}
    for day in numbers.dates(first, today):
        shares = timeline.shares(minute(day, zone), minute(day + timedelta(days=1), zone))
        found[day] = shares.worn if shares.held else None
    return found
