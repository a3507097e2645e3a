"""The one sheet that a doctor prints: who, what changed, whether to believe it, numbers, the day that days resemble,
thirty nights on one axis, what happened, the file, and room to write. Its drawings are in quarters of a millimetre."""

from dataclasses import dataclass, replace
from datetime import timedelta

from api.console.clinic import charts, drawing, medicines, reckoning, words
from api.console.clinic.drawing import Box, Drawing, Mark, Scale
from api.console.clinic.facts import Person
from api.console.clinic.wear import LONG_GAP_MIN
from api.console.clinic.words import Line, Told
from api.console.shell.screen import Screen

MODAL = Box(744, 208, 40, 8, 716, 182)
MONTH = Box(744, 208, 40, 34, 716, 122)
WORN = Box(744, 208, 40, 130, 716, 152)
STEPS = Box(744, 208, 40, 160, 716, 182)
MOST_EVENTS = 5
MOST_GAPS = 3


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything on the sheet, in words; `thin` says that there are too few data (None: there are enough)."""

    name: str
    age_and_gender: str
    address: str
    number: str
    period: str
    printed: str
    source: str
    since: str
    sentences: list[str]
    trust: str
    gaps: list[str]
    thin: str | None
    numbers: list[Line]
    modal: Drawing
    modal_text: str
    month: Drawing
    month_text: str
    events: list[Told]
    events_more: str
    file: list[tuple[str, str]]
    has_steps: bool


def sheet(screen: Screen, person: Person, by: str) -> Sheet:
    """The sheet as of now, printed by `by`. Every time on it is a date."""
    r, t, resident = person.reckoned, screen.t, person.file.resident
    numbered = words.numbered(person, r.begin)
    limits = person.profile.thresholds
    gaps = sorted(r.long_gaps, key=lambda each: -each.minutes)
    more = len(numbered) - MOST_EVENTS
    return Sheet(
        name=resident.name,
        age_and_gender=words.age(screen, resident),
        address=resident.address,
        number=resident.external_id or "",
        period=t(
            "sheet.period",
            report=words.day(screen, r.report),
            period=words.day(screen, r.period),
            today=words.day(screen, r.today),
        ),
        printed=t("sheet.printed", at=f"{screen.when.now.astimezone(screen.when.zone):%Y-%m-%d %H:%M}", by=by),
        source=t("sheet.source", band=resident.device_id or t("clinic.band_none"), rhythm=r.rhythm_min),
        since=t("clinic.since", day=words.day(screen, r.period)),
        sentences=words.sentences(screen, person),
        trust=words.trust(screen, person),
        gaps=[words.gap(screen, each) for each in gaps[:MOST_GAPS]],
        thin=None if r.shares.is_enough else t("sheet.thin", percent=words.ENOUGH_PERCENT),
        numbers=words.numbers(screen, person),
        modal=drawing.modal(MODAL, r.modal, limits.hr_high_warning, limits.hr_low_warning),
        modal_text=t("sheet.modal", n=r.modal_days),
        month=_month(screen, person),
        month_text=words.nights_text(screen, person),
        events=words.events(screen, numbered[:MOST_EVENTS]),
        events_more=t("sheet.more", n=more) if more > 0 else "",
        file=_file(screen, person),
        has_steps=any(r.steps),
    )


def _month(screen: Screen, person: Person) -> Drawing:
    """Nights, what happened, gaps, worn hours and steps on one axis of days."""
    r, zone = person.reckoned, screen.when.zone
    drawn = charts.by_night(screen, person, MONTH)
    scale = Scale(MONTH, r.begin, reckoning.minute(r.today + timedelta(days=1), zone))
    most = max((each for each in r.steps if each is not None), default=0)
    return replace(
        drawn,
        gaps=drawing.gaps(scale, r.timeline.gaps(LONG_GAP_MIN, r.begin)),
        marks=[
            Mark(scale.x(each.at.timestamp() / 60), number, charts.look(each))
            for each, number in words.numbered(person, r.begin)
        ],
        bars=drawing.bars(WORN, r.worn_min, 24 * 60),
        more_bars=drawing.bars(STEPS, r.steps, most) if most else [],
    )


def _file(screen: Screen, person: Person) -> list[tuple[str, str]]:
    f, t = person.file, screen.t
    slowing = medicines.slowing(f.medicines)
    written, not_written = t("sheet.written"), t("clinic.not_written")
    return [
        *words.medical(screen, person),
        (t("sheet.slowing"), t("clinic.list").join(slowing) if slowing else not_written),
        (t("sheet.pacemaker"), written if medicines.has_pacemaker(f.conditions, f.notes) else not_written),
        (t("sheet.fibrillation"), written if medicines.has_fibrillation(f.conditions, f.notes) else not_written),
    ]
