"""What the family's page shows, with the words already chosen: a template decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from api.console.duty.cards import Button
from api.console.family import chart, day, letter, place, state, story
from api.console.family.chart import Drawing
from api.console.family.day import Range
from api.console.family.facts import Episode, Known
from api.console.family.state import Alarm, Tone
from api.console.shell import times
from api.console.shell.screen import Screen
from eldercare.community.consents import Consent, Purpose
from eldercare.community.family_notes import FamilyNote
from eldercare.community.relatives import Ward

ICONS = {Tone.CALM: "sun", Tone.LOOK: "clock", Tone.ALARM: "walk", Tone.UNKNOWN: "help"}
EVENTS = 5
"""How many events of the week are named."""


@dataclass(frozen=True, slots=True)
class Call:
    """A number to ring; without one, `text` says why there is none."""

    text: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line about today: what, how it is, what is usual, and whether it is as usual ("" where nobody knows)."""

    name: str
    icon: str
    label: str
    text: str
    usual: str = ""
    verdict: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a story."""

    at: datetime
    text: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, oldest first, and what the reader can do while it goes on."""

    id: int
    seen: str
    entries: list[Entry]
    can_do: list[str]
    actions: list[Button]
    is_open: bool


@dataclass(frozen=True, slots=True)
class WornDay:
    """In how many hours of a day her heart was measured, as a bar of so many per cent."""

    label: str
    hours: int
    percent: int
    text: str


@dataclass(frozen=True, slots=True)
class Sharing:
    """One purpose: what may be shown, and who agreed to it when, or that it is not shown."""

    purpose: str
    label: str
    text: str
    stands: bool


@dataclass(frozen=True, slots=True)
class Word:
    """What a relative wrote for the others, by whom and when."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the page says of one resident; what is not the viewer's to know is empty."""

    id: int
    name: str
    relation: str
    sentence: str
    tone: Tone
    icon: str
    tone_words: str
    news: str
    calls: list[Call]
    stories: list[Story]
    address: str | None
    entry: str | None
    lines: list[Line]
    drawing: Drawing | None
    drawing_text: str
    worn: list[WornDay]
    worn_text: str
    events: list[str]
    letter: list[str]
    letter_days: str
    sharing: list[Sharing]
    decides: str
    ask: str
    sos: str
    notes_who: str
    may_note: bool
    notes: list[Word]


def card(
    screen: Screen, known: Known, consents: Sequence[Consent], notes: Sequence[FamilyNote], desk_phone: str | None
) -> Card:
    """The card of one resident."""
    ward, t, words = known.ward, screen.t, pronouns(screen, known.ward)
    said = state.say(known.facts, screen.when.now)
    worn = day.worn(known.hours, screen.when.now, screen.when.zone) if ward.sees_health else []
    sees = ward.sees_health
    return Card(
        id=ward.id,
        name=ward.name,
        relation=ward.relation,
        sentence=fill(screen, f"say.{said.key}", words, said.values),
        tone=said.tone,
        icon=ICONS[said.tone],
        tone_words=t("family.icon_calling" if said.calling else f"family.icon_{said.tone}"),
        news=_news(screen, known),
        calls=_calls(screen, known, desk_phone),
        stories=[_story(screen, known, each, words) for each in known.episodes],
        address=known.door.address if known.door else None,
        entry=known.door.entry if known.door else None,
        lines=_lines(screen, known) if known.resident else [],
        drawing=chart.draw(known.chart) if sees else None,
        drawing_text=fill(screen, "family.chart", words),
        worn=[_worn_day(screen, each) for each in worn],
        worn_text=t("family.worn_days", days=sum(each.hours >= day.WORN_DAY_H for each in worn)),
        events=_events(screen, known, words) if sees else [],
        letter=_letter(screen, known, words) if sees else [],
        letter_days=_letter_days(screen),
        sharing=_sharing(screen, ward, consents),
        decides=t("family.decides", name=ward.name),
        ask=fill(screen, "family.ask", words),
        sos=fill(screen, f"family.sos_{known.facts.called}", words),
        notes_who=t("family.notes_who", name=ward.name),
        may_note=sees,
        notes=[_word(each) for each in notes],
    )


def pronouns(screen: Screen, ward: Ward) -> dict[str, str]:
    """`she` and `her` of this resident; the name where nobody has written down which."""
    if ward.gender not in ("female", "male"):
        return {"she": ward.name, "her": ward.name}
    return {word: screen.t(f"pronoun.{word}_{ward.gender}") for word in ("she", "her")}


def fill(
    screen: Screen, name: str, words: Mapping[str, str], values: Mapping[str, datetime | str | int] | None = None
) -> str:
    """A text with its pronouns, names and moments; it begins with a capital in English."""
    filled = {key: _said(screen, value) for key, value in (values or {}).items()}
    text = screen.t(name, **{**words, **filled})
    return text[:1].upper() + text[1:]


def _said(screen: Screen, value: datetime | str | int) -> str:
    if isinstance(value, datetime):
        return screen.when.short(value)
    return value if isinstance(value, str) else f"{value:,}"


def _news(screen: Screen, known: Known) -> str:
    """When the newest came of what the sentence rests on; nothing where nothing is shared."""
    facts = known.facts
    rows = [row.at for each in known.episodes for row in each.whole.timeline[-1:]]
    band = [facts.band.heard_at] if facts.band and facts.sees_health else []
    newest = max((at for at in (*rows, *band) if at is not None), default=None)
    if newest is None:
        return screen.t("family.no_news") if facts.sees_health else ""
    return screen.t("family.as_of", time=screen.when.short(newest))


def _calls(screen: Screen, known: Known, desk_phone: str | None) -> list[Call]:
    """Whom to ring: during an alarm the desk and whoever goes before her."""
    t, name = screen.t, known.ward.name
    phone = known.ward.phone
    hers = [Call(t("family.call_resident", name=name), phone)]
    if phone is None and known.resident is not None:
        hers = [Call(t("family.no_number", name=name), None)]
    elif phone is None:
        hers = []
    desk = Call(t("family.call_desk") if desk_phone else t("family.no_desk"), desk_phone)
    open_ = [each for each in known.episodes if each.alarm.state != "resolved"]
    if not open_:
        return [*hers, desk]
    going = [each for each in open_ if each.alarm.goer and not each.alarm.mine and each.alarm.state != "open"]
    goers = [
        Call(t("family.call_goer", name=each.alarm.goer), each.goer_phone)
        if each.goer_phone
        else Call(t("family.no_goer"), None)
        for each in going
    ]
    return [desk, *dict.fromkeys(goers), *hers]


def _story(screen: Screen, known: Known, episode: Episode, words: Mapping[str, str]) -> Story:
    whole, viewer = episode.whole, screen.viewer
    viewer_id = viewer.person_id if viewer else 0
    told = story.tell(whole.timeline, viewer_id, story.knows_details(whole, viewer_id))
    is_open = episode.alarm.state != "resolved"
    return Story(
        id=whole.incident.id,
        seen=f"{whole.incident.id}:{whole.incident.state}:{whole.incident.owner_id or 0}",
        entries=[Entry(each.at, fill(screen, f"tell.{each.key}", words, each.values), each.note) for each in told],
        can_do=_can_do(screen, known, episode, words) if is_open else [],
        actions=episode.actions,
        is_open=is_open,
    )


def _can_do(screen: Screen, known: Known, episode: Episode, words: Mapping[str, str]) -> list[str]:
    t, names = screen.t, {each.name for each in episode.actions}
    found = []
    if known.ward.holds_key:
        found.append(t("family.can_key" if "accept" in names else "family.can_key_tell"))
    elif "accept" in names:
        found.append(t("family.can_go"))
    if known.medicines:
        found.append(t("family.can_medicines", text=known.medicines))
    else:
        found.append(fill(screen, "family.can_medicines_unknown", words))
    if known.allergies:
        found.append(t("family.can_allergies", text=known.allergies))
    if episode.whole.emergency_note:
        found.append(t("family.can_read", text=episode.whole.emergency_note.text))
    return found


def _lines(screen: Screen, known: Known) -> list[Line]:
    sees = known.ward.sees_health
    health = [_up(screen, known), _steps(screen, known), _heart(screen, known)] if sees else []
    return [*health, *([_band(screen, known)] if sees else []), _place(screen, known)]


def _up(screen: Screen, known: Known) -> Line:
    t, usual, up_at = screen.t, known.usual, known.morning.up_at
    text = t("family.up_unknown")
    if up_at is not None:
        text = screen.when.short(up_at)
    elif known.morning.in_bed:
        text = t("family.up_in_bed")
    if usual is None or usual.up_from is None or usual.up_to is None:
        return Line("up", "sun", t("family.up"), text, t("family.usually_none"))
    range_ = t("family.usually", low=_clock(usual.up_from), high=_clock(usual.up_to))
    verdict = ""
    if up_at is not None:
        local = up_at.astimezone(screen.when.zone)
        minute = local.hour * 60 + local.minute
        beyond = "earlier" if minute < usual.up_from - 30 else "later" if minute > usual.up_to + 30 else "as_usual"
        verdict = t(f"family.{beyond}")
    return Line("up", "sun", t("family.up"), text, range_, verdict)


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24}:{minute % 60:02}"


def _steps(screen: Screen, known: Known) -> Line:
    t = screen.t
    found = day.steps(known.hours, screen.when.now, screen.when.zone)
    if found.today is None:
        return Line("steps", "walk", t("family.steps"), t("family.steps_none"))
    text = t("family.steps_n", n=f"{found.today:,}")
    moved_at = known.facts.moved_at
    at = t("family.last", time=screen.when.short(moved_at)) if moved_at else ""
    if found.usual is None:
        return Line("steps", "walk", t("family.steps"), text, t("family.usually_none"), "", at)
    return Line("steps", "walk", t("family.steps"), text, *_against(screen, found.today, found.usual), at)


def _against(screen: Screen, value: float, usual: Range) -> tuple[str, str]:
    """What is usual, and in a word how the value compares with it."""
    t = screen.t
    word = "less" if value < usual.low * 0.7 else "more" if value > usual.high * 1.3 else "as_usual"
    low, high = f"{round(usual.low, -1):,.0f}", f"{round(usual.high, -1):,.0f}"
    return t("family.usually", low=low, high=high), t(f"family.{word}")


def _heart(screen: Screen, known: Known) -> Line:
    t, heart_at = screen.t, known.facts.heart_at
    at = t("family.last", time=screen.when.short(heart_at)) if heart_at else ""
    return Line("heart", "heart", t("family.heart"), t(f"family.heart_{known.facts.heart}"), at=at)


def _band(screen: Screen, known: Known) -> Line:
    t, band = screen.t, known.facts.band
    if band is None:
        return Line("band", "watch-off", t("family.band"), t("family.band_none"))
    worn = "unknown" if band.worn is None else "on" if band.worn else "off"
    word = "charging" if band.charging and not band.worn else worn
    battery = "" if band.battery_pct is None else t("family.band_battery", percent=band.battery_pct)
    at = t("family.band_at", time=screen.when.short(band.status_at)) if band.status_at else ""
    return Line("band", "watch", t("family.band"), t(f"family.band_{word}"), battery, "", at)


def _place(screen: Screen, known: Known) -> Line:
    t, r = screen.t, known.resident
    if not known.ward.sees_location:
        return Line("place", "pin-off", t("family.place"), t("family.place_closed"))
    metres = place.from_home_m(r) if r else None
    if r is None or metres is None or r.location_ts is None:
        return Line("place", "pin", t("family.place"), t("family.place_unknown"))
    time = screen.when.short(r.location_ts)
    if not place.is_out(r, metres):
        return Line("place", "pin", t("family.place"), t("family.place_home", time=time))
    kilometres = t("place.kilometres", n=f"{metres / 1000:.1f}")
    distance = t("place.metres", n=round(metres / 100) * 100) if metres < 950 else kilometres
    return Line("place", "pin", t("family.place"), t("family.place_out", distance=distance, time=time))


def _worn_day(screen: Screen, worn: day.WornDay) -> WornDay:
    label = _date(screen, worn.day)
    text = screen.t("family.worn_hours", day=label, hours=worn.hours)
    return WornDay(str(worn.day.day), worn.hours, round(worn.hours / 24 * 100), text)


def _date(screen: Screen, moment: date) -> str:
    noon = datetime(moment.year, moment.month, moment.day, 12, tzinfo=screen.when.zone)
    return times.day(screen.t, noon, screen.when.now, screen.when.zone)


def _events(screen: Screen, known: Known, words: Mapping[str, str]) -> list[str]:
    """What happened within the last seven days, newest first, and who went."""
    since = screen.when.now - letter.WEEK
    found = [
        each
        for each in known.facts.alarms
        if each.at >= since and each.severity in ("sos", *state.CALLING) and each.kind not in state.OF_THE_BAND
    ]
    return [_event(screen, each, words) for each in found[:EVENTS]] or [screen.t("family.week_none")]


def _event(screen: Screen, alarm: Alarm, words: Mapping[str, str]) -> str:
    t = screen.t
    what = "family.week_event_sos" if alarm.severity == "sos" else "family.week_event_change"
    parts = [t(what, time=screen.when.short(alarm.at))]
    if alarm.state != "resolved":
        parts.append(t("family.week_open"))
    else:
        if alarm.met and alarm.goer and not alarm.mine:
            parts.append(t("family.week_by", name=alarm.goer, her=words["her"]))
        elif not alarm.met and alarm.outcome not in ("false_alarm", "test", "cleared"):
            parts.append(t("family.week_unmet"))
        touched = alarm.pressed or alarm.outcome != "false_alarm"
        name = f"family.outcome_{alarm.outcome}" if touched else "family.outcome_nothing"
        parts.append(t(name) if t.known(name) else t("family.outcome_other"))
    return t("family.dot").join(parts)


def _word(note: FamilyNote) -> Word:
    return Word(note.written_at, f"{note.author} · {note.relation}" if note.relation else note.author, note.text)


def _letter(screen: Screen, known: Known, words: Mapping[str, str]) -> list[str]:
    now, zone = screen.when.now, screen.when.zone
    battery = known.facts.band.battery_pct if known.facts.band else None
    found = letter.write(letter.week(known.hours, now, zone), known.facts.alarms, now, zone, battery)
    return [fill(screen, f"letter.{each.key}", words, each.values) for each in found]


def _letter_days(screen: Screen) -> str:
    today = day.midnight(screen.when.now, screen.when.zone).date()
    start, end = today - timedelta(days=7), today - timedelta(days=1)
    return screen.t("family.letter_days", start=_date(screen, start), end=_date(screen, end))


RESIDENT = "本人"
"""How a consent says that the resident gave it; every other giver stands there by name."""


def _sharing(screen: Screen, ward: Ward, consents: Sequence[Consent]) -> list[Sharing]:
    """Who agreed to what. That of the clinic is shown where any of the family's stands: else it is not theirs."""
    t = screen.t
    standing = {each.purpose: each for each in consents}
    family = [Purpose.FAMILY_HEALTH, Purpose.FAMILY_LOCATION]
    shown = [*family, Purpose.CLINIC] if any(each in standing for each in family) else family
    found = []
    for purpose in shown:
        given = standing.get(purpose)
        text = t("family.consent_closed")
        if given is not None:
            method = f"family.method_{given.method}"
            date_ = times.day(t, given.given_at, screen.when.now, screen.when.zone)
            how = t(method) if t.known(method) else given.method
            by = t("family.by_resident") if given.given_by == RESIDENT else given.given_by
            text = t("family.consent_given", by=by, date=date_, method=how)
        found.append(Sharing(purpose, t(f"family.purpose_{purpose}"), text, given is not None))
    return found
