"""What the doctor's pages show, with the words already chosen: a template decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from api.console.clinic import charts, nights, since, wear
from api.console.clinic.charts import TableRow
from api.console.clinic.drawing import GAPS, Drawing
from api.console.clinic.facts import Person, Row, Window
from api.console.clinic.nights import Trend
from api.console.clinic.numbers import Range
from api.console.clinic.since import Event, Sentence, Weeks
from api.console.clinic.wear import Gap, Known
from api.console.committee import labels
from api.console.shell import times
from api.console.shell.screen import Screen
from eldercare.community.resident_schema import Resident

MOST_EVENTS = 50
"""Incidents of the window that are listed; the page of incidents has all."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number with its name, and what it is of."""

    name: str
    label: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One incident: its number in the chart, when, what, what was found, by whom, and how soon at the door."""

    id: int
    number: int
    at: str
    kind: str
    look: str
    found: str
    who: str
    door: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One patient of the list."""

    id: int
    name: str
    age_and_gender: str
    reasons: list[str]
    urgent: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything the page says of one person."""

    id: int
    name: str
    age_and_gender: str
    address: str
    file: list[tuple[str, str]]
    since: str
    sentences: list[str]
    enough: bool
    trust: str
    gaps: list[str]
    windows: list[tuple[str, str, bool]]
    window: str
    chart: Drawing
    chart_text: str
    legend: list[str]
    table: list[TableRow]
    table_step: str
    by_night: Drawing
    by_night_text: str
    nights: list[tuple[str, str, str]]
    numbers: list[Line]
    events: list[Told]
    events_more: bool
    chart_height: int
    has_worn: bool
    has_steps: bool


def row(screen: Screen, each: Row) -> Listed:
    """One patient of the list, in words."""
    p, when = each.patient, screen.when
    years = None
    if p.birth_date is not None:
        years = times.years(p.birth_date.year, p.birth_date.month, p.birth_date.day, when.now, when.zone)
    age = [] if years is None else [screen.t("person.age", n=years)]
    gender = [screen.t(f"gender.{p.gender}")] if p.gender else []
    said = [screen.t(f"look.{why.key}", **_filled(screen, why.values)) for why in each.reasons]
    return Listed(
        id=p.id,
        name=p.name,
        age_and_gender=" · ".join([*age, *gender]),
        reasons=said or [screen.t("look.nothing")],
        urgent=bool(each.reasons) and each.reasons[0].key == "calls_now",
    )


def not_agreed(screen: Screen, n: int) -> str:
    """How many have not agreed; "" where all have. They are not named: that is theirs to decide."""
    return screen.t("clinic.not_agreed", n=n) if n else ""


def day(screen: Screen, moment: datetime | date) -> str:
    """A date alone, never in words that age ("yesterday"): the page is printed."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), screen.when.zone)
    return times.day(screen.t, moment, screen.when.now, screen.when.zone)


def moment(screen: Screen, at: datetime) -> str:
    """A date and a time."""
    return f"{day(screen, at)} {at.astimezone(screen.when.zone):%H:%M}"


def minute(screen: Screen, at: int) -> str:
    """A minute since the epoch as a date and a time."""
    return moment(screen, datetime.fromtimestamp(at * 60, screen.when.zone))


def _filled(screen: Screen, values: Mapping[str, object]) -> dict[str, str]:
    found = {}
    for key, value in values.items():
        if isinstance(value, datetime):
            found[key] = moment(screen, value)
        elif isinstance(value, date):
            found[key] = day(screen, value)
        elif isinstance(value, Known):
            found[key] = screen.t(f"gap.{GAPS[value]}")
        elif key == "kind":
            found[key] = kind(screen, str(value))
        elif key == "length":
            found[key] = _length(screen, int(str(value)))
        elif key == "day":
            found[key] = minute(screen, int(str(value)))
        else:
            found[key] = f"{value:,}" if isinstance(value, int | float) else str(value)
    return found


def _length(screen: Screen, minutes: int) -> str:
    """Hours up to two days, then days."""
    hours = round(minutes / 60)
    return screen.t("clinic.hours", n=hours) if hours < 48 else screen.t("clinic.whole_days", n=round(hours / 24))


def kind(screen: Screen, name: str) -> str:
    """What happened, from its kind and source (`sos:fall`), in words that name no illness."""
    if name == "several":
        return screen.t("what.several")
    own, _, source = name.partition(":")
    if own == "sos" and source in ("fall", "telephone"):
        return screen.t(f"what.sos_{source}")
    return screen.t(f"what.{own}")


def sentences(screen: Screen, person: Person) -> list[str]:
    """What has changed, in words; one that says so where nothing has."""
    r = person.reckoned
    events = [each for each in person.events if each.at.timestamp() / 60 >= r.begin]
    weeks = Weeks(events, r.usual, r.trend, r.shares, r.activity, r.long_gaps)
    before = day(screen, r.period)
    said = [sentence(screen, each, before) for each in since.say(weeks)]
    return said or [screen.t("since.nothing", day=before)]


def sentence(screen: Screen, each: Sentence, before: str) -> str:
    """One sentence, `before` being the day that it compares with; it begins with a capital in English."""
    text = screen.t(f"since.{each.key}", before=before, **_filled(screen, each.values))
    return text[:1].upper() + text[1:]


def trust(screen: Screen, person: Person) -> str:
    """Whether the numbers can be believed: worn and covered, of the last two weeks."""
    r, t = person.reckoned, screen.t
    if r.shares.worn_share is None or r.shares.valid_share is None:
        return t("clinic.trust_none")
    return t(
        "clinic.trust",
        worn=_percent(r.shares.worn_share),
        valid=_percent(r.shares.valid_share),
        nights=r.nights_known,
        rhythm=r.rhythm_min,
    )


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f}%" if 0 < percent < 1 else f"{round(percent)}%"


def gap(screen: Screen, each: Gap) -> str:
    """A gap in words: what it was, and from when to when."""
    begin, end = (datetime.fromtimestamp(at * 60, screen.when.zone) for at in (each.begin, each.end))
    until = f"{end:%H:%M}" if begin.date() == end.date() else moment(screen, end)
    return screen.t("clinic.gap", why=screen.t(f"gap.{GAPS[each.why]}"), begin=moment(screen, begin), end=until)


def events(screen: Screen, found: list[tuple[Event, int]]) -> list[Told]:
    """Incidents with their numbers, in words."""
    return [
        Told(
            id=each.id,
            number=number,
            at=moment(screen, each.at),
            kind=_kind_with_rate(screen, each),
            look=charts.look(each),
            found=found_text(screen, each),
            who=each.who or "",
            door="" if each.to_door_min is None else screen.t("clinic.door", n=each.to_door_min),
        )
        for each, number in found
    ]


def _kind_with_rate(screen: Screen, each: Event) -> str:
    words = kind(screen, f"{each.kind}:{each.source}")
    return f"{words} {each.bpm}" if each.bpm is not None and each.kind in ("heart_rate", "spot_value") else words


def found_text(screen: Screen, each: Event) -> str:
    """How it ended, and what was found in the words of whoever closed it."""
    outcome = screen.t("clinic.not_over") if each.outcome is None else _outcome(screen, each.outcome)
    return screen.t("clinic.found", outcome=outcome, note=each.found) if each.found else outcome


def _outcome(screen: Screen, outcome: str) -> str:
    name = f"ended.{outcome}"
    return screen.t(name) if screen.t.known(name) else screen.t("ended.other")


def numbered(person: Person, begin: int) -> list[tuple[Event, int]]:
    """The incidents since then, the newest first, with numbers that count from the oldest."""
    own = [each for each in person.events if each.at.timestamp() / 60 >= begin]
    ordered = sorted(own, key=lambda each: (each.at, each.id))
    return [(each, number) for number, each in enumerate(ordered, start=1)][::-1]


def numbers(screen: Screen, person: Person) -> list[Line]:
    """The numbers of the last two weeks, each with what it is of."""
    r, t, limits = person.reckoned, screen.t, person.profile.thresholds
    lines = [
        Line("resting", t("clinic.resting"), *_resting(screen, person)),
        Line("day", t("clinic.day_range"), _range(screen, r.day), t("clinic.range_note")),
        Line("night", t("clinic.night_range"), _range(screen, r.night), t("clinic.range_note")),
    ]
    for name, found, limit in (
        ("above", r.high, limits.hr_high_warning),
        ("below", r.low, limits.hr_low_warning),
    ):
        label = t(f"clinic.{name}", limit=f"{limit:g}", night=f"{limits.hr_night_low_warning:g}")
        if found is None:
            lines.append(Line(name, label, t("clinic.none")))
            continue
        a_day = t("clinic.a_day", n=f"{found.min_a_day:.0f}")
        lines.append(Line(name, label, _percent(found.share), a_day))
    lines.append(Line("steps", t("clinic.steps"), *_activity(screen, person)))
    lines.append(Line("out", t("clinic.out"), t("clinic.out_closed"), t("clinic.out_why")))
    return lines


def _resting(screen: Screen, person: Person) -> tuple[str, str]:
    r, t = person.reckoned, screen.t
    now = nights.rate_now(r.nights)
    text = t("clinic.none") if now is None else t("clinic.bpm", n=round(now))
    if r.usual is None:
        return text, t("clinic.baseline_none")
    usual = t(
        "clinic.baseline",
        usual=round(r.usual.usual),
        bar=f"{r.usual.bar:.1f}".removesuffix(".0"),
        nights=r.usual.nights,
    )
    return text, f"{usual}{_slope(screen, r.trend, round(r.usual.usual))}"


def _slope(screen: Screen, trend: Trend | None, usual: int) -> str:
    if trend is None or not trend.said or trend.a_week is None:
        return ""
    # The difference is that of the two numbers beside it.
    return screen.t("clinic.slope", difference=f"{round(trend.now) - usual:+d}", slope=f"{trend.a_week:+.1f}")


def _range(screen: Screen, found: Range | None) -> str:
    if found is None:
        return screen.t("clinic.none")
    return screen.t("clinic.range", low=round(found.low), high=round(found.high))


def _activity(screen: Screen, person: Person) -> tuple[str, str]:
    r, t = person.reckoned, screen.t
    if not any(r.steps):
        return t("clinic.steps_none"), ""
    if r.activity is None:
        return t("clinic.none"), t("clinic.steps_few_days")
    text = t("clinic.steps_n", n=f"{round(r.activity.median):,}")
    if r.activity.own is None:
        return text, t("clinic.steps_no_own")
    own = f"{round(r.activity.own):,}"
    return text, t("clinic.steps_own", own=own, few=r.activity.few, days=r.activity.days)


def medical(screen: Screen, person: Person) -> list[tuple[str, str]]:
    """The banner: what she has, takes and does not bear; what is not written down says so."""
    f, t = person.file, screen.t
    facts = (("conditions", f.conditions), ("medicines", f.medicines), ("allergies", f.allergies))
    return [(t(f"file.{name}"), text or t("clinic.not_written")) for name, text in facts]


def age(screen: Screen, resident: Resident) -> str:
    """Age and gender as far as they are known."""
    return labels.age_and_gender(screen.t, resident, screen.when.now, screen.when.zone)


def person(screen: Screen, found: Person, window: Window) -> Shown:
    """The page of one person."""
    r, t, resident = found.reckoned, screen.t, found.file.resident
    begin, end = charts.stretch(found, window)
    own = numbered(found, begin)
    chart = charts.chart(screen, found, window, own)
    span = {"begin": minute(screen, begin), "end": minute(screen, end)}
    return Shown(
        id=resident.id,
        name=resident.name,
        age_and_gender=age(screen, resident),
        address=resident.address,
        file=medical(screen, found),
        since=t("clinic.since", day=day(screen, r.period)),
        sentences=sentences(screen, found),
        enough=r.shares.is_enough,
        trust=trust(screen, found),
        gaps=[gap(screen, each) for each in sorted(r.long_gaps, key=lambda each: -each.minutes)[:5]],
        windows=[(each, t(f"clinic.window_{each}"), each is window) for each in Window],
        window=window,
        chart=chart,
        chart_text=t(f"clinic.chart_{'year' if window is Window.YEAR else 'days'}", **span),
        legend=sorted({each.kind for each in chart.gaps}),
        table=charts.table(screen, found, window),
        table_step=t(f"clinic.table_{window}"),
        by_night=charts.by_night(screen, found),
        by_night_text=nights_text(screen, found),
        nights=[
            (
                day(screen, each.day),
                t("clinic.none") if each.rate is None else f"{each.rate:.0f}",
                _beyond(screen, found, each.rate),
            )
            for each in reversed(r.nights)
        ],
        numbers=numbers(screen, found),
        events=events(screen, own[:MOST_EVENTS]),
        events_more=len(own) > MOST_EVENTS,
        chart_height=charts.height(chart),
        has_worn=bool(chart.bars),
        has_steps=bool(chart.more_bars),
    )


def _beyond(screen: Screen, found: Person, rate: float | None) -> str:
    usual = found.reckoned.usual
    if usual is None or rate is None or usual.low < rate < usual.high:
        return ""
    return screen.t("clinic.night_above" if rate >= usual.high else "clinic.night_below")


def nights_text(screen: Screen, found: Person) -> str:
    """What the drawing of the nights shows, as a sentence."""
    r, t = found.reckoned, screen.t
    known = sum(each.rate is not None for each in r.nights)
    if r.usual is None:
        return t("clinic.by_night_no_usual", known=known, nights=len(r.nights))
    # Not rounded to whole beats: a night of 48.2 is below 48.5, and would not be below "48".
    span = {name: f"{bpm:.1f}".removesuffix(".0") for name, bpm in (("low", r.usual.low), ("high", r.usual.high))}
    return t("clinic.by_night", known=known, nights=len(r.nights), **span)


ENOUGH_PERCENT = round(100 * wear.ENOUGH)
"""Printed where data are too few."""
