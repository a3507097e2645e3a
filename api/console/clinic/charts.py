"""The drawings of one person's page, from what was reckoned, and the same values as rows of a table."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from statistics import median

from api.console.clinic import drawing, reckoning
from api.console.clinic.drawing import Box, Drawing, Mark, Scale, Spread, Tick
from api.console.clinic.facts import YEAR_DAYS, Person, Window
from api.console.clinic.numbers import Value
from api.console.clinic.since import Event
from api.console.shell import times
from api.console.shell.screen import Screen

CHART = Box(760, 340, 40, 34, 724, 230)
WORN = Box(760, 340, 40, 258, 724, 286)
STEPS = Box(760, 340, 40, 294, 724, 322)
NIGHTS = Box(760, 190, 40, 12, 724, 160)
"""Units of the drawings on the page."""
WIDTHS = {Window.DAY: 5, Window.WEEK: 30, Window.MONTH: 180}
"""Minutes of one point of each window: some 250 points a chart."""
SHORTEST_GAP_MIN = {Window.DAY: 10, Window.WEEK: 60, Window.MONTH: 180, Window.YEAR: 1440}
"""Shorter gaps are no wider than a line there."""
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class TableRow:
    """A stretch of time in figures: percentiles in beats per minute, and hours worn (None: not known)."""

    label: str
    low: int | None
    middle: int | None
    high: int | None
    worn: str
    events: str


def stretch(person: Person, window: Window) -> tuple[int, int]:
    """From when to when the window is, minutes since the epoch."""
    r = person.reckoned
    if window is Window.MONTH:
        return r.begin, r.now
    days = {Window.DAY: 1, Window.WEEK: 7, Window.YEAR: YEAR_DAYS}[window]
    return r.now - days * _DAY, r.now


def chart(screen: Screen, person: Person, window: Window, numbers: Sequence[tuple[Event, int]]) -> Drawing:
    """The heart in the window, with her own ranges behind it, gaps, and what happened with its number in the list."""
    r, zone = person.reckoned, screen.when.zone
    begin, end = stretch(person, window)
    points = _points(screen, person, window)
    scale = Scale(CHART, begin, end, [edge for each in points for edge in (each.low, each.high)])
    drawn = drawing.curve(scale, points)
    limits = person.profile.thresholds
    night = (limits.night_from_h, limits.night_to_h)
    is_year = window is Window.YEAR
    marks = [
        Mark(scale.x(event.at.timestamp() / 60), number, look(event))
        for event, number in numbers
        if begin <= event.at.timestamp() / 60 <= end
    ]
    return replace(
        drawn,
        bands=[] if is_year else drawing.usual_bands(scale, r.usual_day, r.usual_night, zone, *night),
        gaps=[] if is_year else drawing.gaps(scale, r.timeline.gaps(SHORTEST_GAP_MIN[window], begin, end)),
        marks=marks,
        limits=[
            Tick(scale.y(bpm), f"{bpm:g}")
            for bpm in (limits.hr_high_warning, limits.hr_low_warning)
            if scale.low <= bpm <= scale.high
        ],
        xs=_ticks(screen, scale, window),
        bars=drawing.bars(WORN, _worn(person, window, begin), _slot(window)),
        more_bars=_steps(person, window),
    )


def height(chart: Drawing) -> int:
    """How high the drawing is: its strips are there or not."""
    return CHART.height if chart.more_bars else WORN.bottom + 4 if chart.bars else CHART.bottom + 22


def look(event: Event) -> str:
    """The look of a mark: a call for help, a fall, what is about the heart, anything else."""
    if event.kind == "sos":
        return "fall" if event.source == "fall" else "sos"
    return "heart" if event.kind in ("heart_rate", "resting_rate", "spot_value", "no_heart_rate") else "other"


def _points(screen: Screen, person: Person, window: Window) -> list[Spread]:
    if window is Window.YEAR:
        zone = screen.when.zone
        return [
            Spread(reckoning.minute(each.day, zone), _DAY, each.low, each.middle, each.high) for each in person.year
        ]
    begin, _ = stretch(person, window)
    values = person.reckoned.values
    return drawing.spreads(values[_first(values, begin) :], begin, WIDTHS[window])


def _slot(window: Window) -> int:
    return 60 if window is Window.DAY else _DAY


def _worn(person: Person, window: Window, begin: int) -> list[float | None]:
    """Minutes worn by the hour of a day, by the day else; a year has none."""
    r = person.reckoned
    if window is Window.MONTH:
        return [*r.worn_min]
    if window is Window.YEAR:
        return []
    slot = _slot(window)
    parts = [r.timeline.shares(at, at + slot) for at in range(begin, r.now, slot)]
    return [float(each.worn) if each.held else None for each in parts]


def _steps(person: Person, window: Window) -> list[drawing.Rect]:
    if window is not Window.MONTH:
        return []
    steps = person.reckoned.steps
    most = max((each for each in steps if each is not None), default=0)
    return drawing.bars(STEPS, steps, most) if most else []


def _ticks(screen: Screen, scale: Scale, window: Window) -> list[Tick]:
    zone, now = screen.when.zone, screen.when.now
    begin = datetime.fromtimestamp(scale.begin * 60, zone)
    found = []
    if window is Window.DAY:
        at = begin.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        step = timedelta(hours=1)
        label: Callable[[datetime], str] = lambda moment: f"{moment:%H}:00" if moment.hour % 6 == 0 else ""  # noqa: E731
    else:
        at = begin.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        step = timedelta(days=1)
        every = {Window.WEEK: 1, Window.MONTH: 5}.get(window, 0)

        def label(moment: datetime) -> str:
            if window is Window.YEAR:
                return screen.t(f"month.m{moment.month}") if moment.day == 1 else ""
            days = (now.astimezone(zone).date() - moment.date()).days
            return times.day(screen.t, moment, now, zone) if days % every == 0 else ""

    while at.timestamp() / 60 <= scale.end:
        text = label(at)
        if text:
            found.append(Tick(scale.x(at.timestamp() / 60), text))
        at += step
    return found


def by_night(screen: Screen, person: Person, box: Box = NIGHTS) -> Drawing:
    """The resting rate of each night of the period."""
    r, zone, now = person.reckoned, screen.when.zone, screen.when.now
    drawn = drawing.by_night(box, r.nights, r.usual)
    width = (box.right - box.left) / len(r.nights)
    xs = [
        Tick(
            round(box.left + (at + 0.5) * width, 1),
            _date(screen, datetime.combine(each.day, datetime.min.time(), zone), now),
        )
        for at, each in enumerate(r.nights)
        if (len(r.nights) - 1 - at) % 5 == 0
    ]
    return replace(drawn, xs=xs)


def _date(screen: Screen, moment: datetime, now: datetime) -> str:
    return times.day(screen.t, moment, now, screen.when.zone)


def table(screen: Screen, person: Person, window: Window) -> list[TableRow]:
    """The window in figures, the newest first: by the hour of a day, by the day of a week or a month, by the month of a
    year."""
    if window is Window.YEAR:
        return _months(screen, person)
    r, zone, now = person.reckoned, screen.when.zone, screen.when.now
    begin, end = stretch(person, window)
    slot = _slot(window)
    if window is Window.DAY:
        starts = list(range(begin - begin % 60, end, 60))
    else:
        first = datetime.fromtimestamp(begin * 60, zone).date()
        days = (r.today - first).days + 1
        starts = [reckoning.minute(first + timedelta(days=n), zone) for n in range(days)]
    rows = []
    for at in reversed(starts):
        shares = r.timeline.shares(at, min(at + slot, end))
        moment = datetime.fromtimestamp(at * 60, zone)
        label = screen.when.short(moment) if window is Window.DAY else _date(screen, moment, now)
        own = sum(at <= event.at.timestamp() / 60 < at + slot for event in person.events)
        of_slot = drawing.spreads(r.values[_first(r.values, at) : _first(r.values, at + slot)], at, slot)
        found = of_slot[0] if of_slot else None
        low, middle, high = (round(found.low), round(found.middle), round(found.high)) if found else (None, None, None)
        worn = _hours(screen, shares.worn) if shares.held else screen.t("gap.before")
        rows.append(TableRow(label, low, middle, high, worn, str(own) if own else ""))
    return rows


def _first(values: Sequence[Value], minute: int) -> int:
    """The place of the first value from that minute on."""
    return bisect_left(values, minute, key=itemgetter(0))


def _hours(screen: Screen, minutes: int) -> str:
    return screen.t("clinic.hours", n=f"{minutes / 60:.1f}".removesuffix(".0"))


def _months(screen: Screen, person: Person) -> list[TableRow]:
    months: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for each in person.year:
        months.setdefault((each.day.year, each.day.month), []).append((each.low, each.middle, each.high))
    zone = screen.when.zone
    rows = []
    for (year, month), days in sorted(months.items(), reverse=True):
        local = [event.at.astimezone(zone) for event in person.events]
        own = sum((each.year, each.month) == (year, month) for each in local)
        low, middle, high = (round(median(values)) for values in zip(*days, strict=True))
        label = screen.t("clinic.month", year=year, month=screen.t(f"month.m{month}"))
        worn = screen.t("clinic.days", n=len(days))
        rows.append(TableRow(label, low, middle, high, worn, str(own) if own else ""))
    return rows
