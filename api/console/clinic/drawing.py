"""Drawings of heart rates on an axis of time, as paths and boxes: a line, its spread, her own bands, gaps, and what
happened. Pure. Coordinates are units of the drawing; a template puts them down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from api.console.clinic.nights import Baseline, Night
from api.console.clinic.numbers import Bin, Range, Value, percentile
from api.console.clinic.wear import Gap, Known
from api.console.shell import paths
from api.console.shell.paths import Place

LOW_BPM, HIGH_BPM = 40, 140
"""Every drawing shows these, so that two of them can be compared."""
STEP_BPM = 20
"""It grows by so many where values leave it."""


class Box(NamedTuple):
    """Where values are drawn: its edges within a drawing of `width` by `height`."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int


class Spread(NamedTuple):
    """Values of one stretch of time: percentiles, beats per minute. It begins at minute `at` and lasts `minutes`."""

    at: int
    minutes: int
    low: float
    middle: float
    high: float


class Rect(NamedTuple):
    """A box, and what it stands for (a class of the style sheet)."""

    x: float
    y: float
    width: float
    height: float
    kind: str = ""


class Tick(NamedTuple):
    """A place on an axis with its label."""

    at: float
    label: str


class Mark(NamedTuple):
    """Something that happened: where, its number in the list below, its look."""

    x: float
    number: int
    kind: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a template draws."""

    box: Box
    line: str = ""
    ground: str = ""
    inner: str = ""
    dots: list[Place] = field(default_factory=list)
    bands: list[Rect] = field(default_factory=list)
    gaps: list[Rect] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    limits: list[Tick] = field(default_factory=list)
    xs: list[Tick] = field(default_factory=list)
    ys: list[Tick] = field(default_factory=list)
    bars: list[Rect] = field(default_factory=list)
    more_bars: list[Rect] = field(default_factory=list)


class Scale:
    """Minutes since the epoch from `begin` to `end`, and beats per minute, to units of a box."""

    def __init__(self, box: Box, begin: int, end: int, values: Iterable[float] = ()) -> None:
        self.box, self.begin, self.end = box, begin, max(end, begin + 1)
        seen = [*values]
        self.low, self.high = LOW_BPM, HIGH_BPM
        while seen and min(seen) < self.low and self.low > 0:
            self.low -= STEP_BPM
        while seen and max(seen) > self.high:
            self.high += STEP_BPM

    def x(self, minute: float) -> float:
        """Where a minute is, within the box."""
        inside = min(max(minute, self.begin), self.end)
        return round(self.box.left + (inside - self.begin) / (self.end - self.begin) * _wide(self.box), 1)

    def y(self, bpm: float) -> float:
        """Where a rate is, within the box."""
        inside = min(max(bpm, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return round(self.box.bottom - share * (self.box.bottom - self.box.top), 1)

    def ys(self) -> list[Tick]:
        """A label every twenty beats per minute."""
        return [Tick(self.y(bpm), str(bpm)) for bpm in range(self.low, self.high + 1, STEP_BPM)]

    def upright(self, begin: float, end: float, kind: str) -> Rect:
        """The whole height from one minute to another."""
        x = self.x(begin)
        width = round(max(self.x(end) - x, 1.0), 1)
        return Rect(x, self.box.top, width, self.box.bottom - self.box.top, kind)


def _wide(box: Box) -> int:
    return box.right - box.left


def spreads(values: Iterable[Value], begin: int, width_min: int) -> list[Spread]:
    """Values by stretches of `width_min` minutes from `begin` on; one without a value is absent."""
    bins: dict[int, list[float]] = {}
    for at, bpm in values:
        if at >= begin:
            bins.setdefault((at - begin) // width_min, []).append(bpm)
    return [
        Spread(begin + index * width_min, width_min, *(percentile(found, share) for share in (0.05, 0.5, 0.95)))
        for index, found in ((index, sorted(bins[index])) for index in sorted(bins))
    ]


def curve(scale: Scale, points: Sequence[Spread]) -> Drawing:
    """The middle as a line against the ground of its spread; what is apart by more than a stretch is a gap."""
    middle: list[Place | None] = []
    low: list[Place | None] = []
    high: list[Place | None] = []
    due = points[0].at if points else 0
    for each in points:
        if each.at > due:
            for found in (middle, low, high):
                found.append(None)
        x = scale.x(each.at + each.minutes / 2)
        middle.append((x, scale.y(each.middle)))
        low.append((x, scale.y(each.low)))
        high.append((x, scale.y(each.high)))
        due = each.at + each.minutes
    dots = [run[0] for run in paths.runs(middle) if len(run) == 1]
    return Drawing(scale.box, paths.line(middle), paths.between(low, high), dots=dots, ys=scale.ys())


def usual_bands(
    scale: Scale, day: Range | None, night: Range | None, zone: ZoneInfo, night_from_h: int, night_to_h: int
) -> list[Rect]:
    """Her own ranges of day and night behind the line, from one change of day and night to the next."""
    found: list[Rect] = []
    at = datetime.fromtimestamp(scale.begin * 60, zone)
    end = datetime.fromtimestamp(scale.end * 60, zone)
    while at < end:
        is_night = _is_night(at.hour, night_from_h, night_to_h)
        until = min(_changes(at, night_to_h if is_night else night_from_h), end)
        own = night if is_night else day
        if own is not None:
            x, top = scale.x(at.timestamp() / 60), scale.y(own.high)
            width = round(scale.x(until.timestamp() / 60) - x, 1)
            found.append(Rect(x, top, width, round(scale.y(own.low) - top, 1), "night" if is_night else "day"))
        at = until
    return found


def _is_night(hour: int, begin: int, end: int) -> bool:
    return begin <= hour < end if begin <= end else hour >= begin or hour < end


def _changes(at: datetime, hour: int) -> datetime:
    """The next time at which it is `hour` by the wall's clock."""
    found = at.replace(hour=hour, minute=0, second=0, microsecond=0)
    return found if found > at else found + timedelta(days=1)


GAPS = {
    Known.OFF: "off",
    Known.SILENT: "silent",
    Known.BEFORE: "before",
    Known.UNMEASURED: "unmeasured",
    Known.WORN: "unmeasured",
}
"""The look of a gap, which is its name in the catalogue as well."""


def gaps(scale: Scale, found: Iterable[Gap]) -> list[Rect]:
    """Gaps as boxes of the whole height, each with the look of what it was."""
    inside = (each for each in found if each.end > scale.begin and each.begin < scale.end)
    return [scale.upright(each.begin, each.end, GAPS[each.why]) for each in inside]


def modal(box: Box, bins: Sequence[Bin | None], high: float, low: float) -> Drawing:
    """The day that days resemble: middle, inner half, and 5 to 95 of each quarter of an hour; limits are dashed."""
    minutes = 24 * 60
    scale = Scale(box, 0, minutes, [edge for each in bins if each for edge in (each.p5, each.p95)])
    width = minutes / max(1, len(bins))

    def places(name: str) -> list[Place | None]:
        return [
            None if each is None else (scale.x((at + 0.5) * width), scale.y(getattr(each, name)))
            for at, each in enumerate(bins)
        ]

    return Drawing(
        box,
        line=paths.line(places("middle")),
        ground=paths.between(places("p5"), places("p95")),
        inner=paths.between(places("p25"), places("p75")),
        limits=[Tick(scale.y(bpm), f"{bpm:g}") for bpm in (high, low) if scale.low <= bpm <= scale.high],
        xs=[Tick(scale.x(hour * 60), f"{hour:02}") for hour in (0, 6, 12, 18, 24)],
        ys=scale.ys(),
    )


def by_night(box: Box, nights: Sequence[Night], usual: Baseline | None) -> Drawing:
    """A dot for each night, against the ground of what is usual; a night without a rate has none."""
    rates = [each.rate for each in nights if each.rate is not None]
    edges = [usual.low, usual.high] if usual else []
    seen = [*rates, *edges]
    middle = median(seen) if seen else 60.0
    low = 5 * int(min([*seen, middle - 10]) // 5)
    high = 5 * int(-(-max([*seen, middle + 10]) // 5))
    width = (box.right - box.left) / max(1, len(nights))

    def y(bpm: float) -> float:
        return round(box.bottom - (bpm - low) / (high - low) * (box.bottom - box.top), 1)

    def x(index: int) -> float:
        return round(box.left + (index + 0.5) * width, 1)

    places: list[Place | None] = [
        None if each.rate is None else (x(at), y(each.rate)) for at, each in enumerate(nights)
    ]
    bands = []
    if usual:
        top = y(usual.high)
        bands.append(Rect(box.left, top, box.right - box.left, round(y(usual.low) - top, 1), "usual"))
    return Drawing(
        box,
        line=paths.line(places),
        dots=[each for each in places if each is not None],
        bands=bands,
        ys=[Tick(y(bpm), str(bpm)) for bpm in range(low, high + 1, 10 if high - low > 20 else 5)],
    )


def bars(box: Box, values: Sequence[float | None], most: float) -> list[Rect]:
    """A bar for each value, the largest possible being `most`; none where it is not known."""
    width = (box.right - box.left) / max(1, len(values))
    found = []
    for at, value in enumerate(values):
        if value is None:
            continue
        height = round(min(value / most, 1.0) * (box.bottom - box.top), 1)
        x = round(box.left + at * width + width * 0.12, 1)
        found.append(Rect(x, round(box.bottom - height, 1), round(width * 0.76, 1), height))
    return found


def day_index(first: date, moment: datetime, zone: ZoneInfo) -> int:
    """Which day from `first` on a moment lies in."""
    return (moment.astimezone(zone).date() - first).days
