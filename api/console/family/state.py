"""Is she all right? From facts to one sentence and a tone; the first row that fits is what is said. Pure.

What is not known never looks like fine: a band that is off, flat or silent gives no calm sentence. After an SOS only a
word of somebody who was with her does, and a normal pulse never. A sentence promises nothing that nobody has promised.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

RECENT = timedelta(hours=12)
"""How long what has ended is the first thing to be said."""
UNSEEN_FOR = timedelta(hours=24)
"""How long it is said that nobody is known to have seen her after an SOS."""
SILENT = timedelta(minutes=45)
"""A band that said nothing for longer is silent; it reports every 15 minutes."""
STALE = timedelta(minutes=20)
"""Where no band of all was heard for longer, it is the service that hears nothing, and not she who is silent: each band
reports every 15 minutes."""
NO_HEART = timedelta(hours=2)
"""Without a value for longer nobody knows how she is, though the band is heard."""
LATE_UP = timedelta(minutes=60)
"""So long after her latest usual hour of getting up is worth a word."""
LAST_NIGHT_MOVE = timedelta(minutes=30)
"""Whoever has moved at night within this is up just now."""
KNOWN_DAYS = 7
"""With fewer days nobody knows what is usual for her."""
FLAT_PCT = 5
"""A battery that was at or below this when the band was last heard is flat by now, per cent."""


class Tone(StrEnum):
    """How a sentence looks. None of them is red, and unknown looks like none of the others."""

    CALM = "calm"
    LOOK = "look"
    ALARM = "alarm"
    UNKNOWN = "unknown"


class Heart(StrEnum):
    """Her heart against her own usual at this hour."""

    USUAL = "usual"
    FASTER = "faster"
    SLOWER = "slower"
    UNKNOWN = "unknown"


class Called(StrEnum):
    """How this relative is reached when she presses and nobody nearby says that they go."""

    RUNG = "rung"
    TEXTED = "texted"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One incident, as far as this relative may know of it. Times aware.

    `goer` is whoever goes or is there, `mine` where that is the reader; `late` who was to be there in time and was not;
    `desk` who deals with it at the desk. `ambulance`: it is 120 that is there. `met`: somebody was with her; `arrived`
    is when somebody came to the place, whether they met her or not.
    """

    at: datetime
    kind: str = "sos"
    severity: str = "sos"
    state: str = "open"
    source: str = "button"
    goer: str | None = None
    mine: bool = False
    due: datetime | None = None
    late: str | None = None
    desk: str | None = None
    ambulance: bool = False
    ended: datetime | None = None
    outcome: str | None = None
    note: str | None = None
    met: bool = False
    arrived: datetime | None = None

    @property
    def pressed(self) -> bool:
        """Whether she pressed: only a press can have been a touch of the band."""
        return self.severity == "sos" and self.source == "button"


@dataclass(frozen=True, slots=True)
class Band:
    """Her band, as of its newest messages; None is "it did not say"."""

    heard_at: datetime | None = None
    worn: bool | None = None
    charging: bool | None = None
    battery_pct: int | None = None
    status_at: datetime | None = None
    off_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the sentence rests on. Without `sees_health` only `alarms` and `called` are known.

    `service_heard_at`: when any band was last heard. `moved_at` is None where the band tells of no movement.
    `up_to` is her latest usual moment of getting up today and `up_usual` the middle one, None where not known; `asleep`
    says that these are hours in which she rests, and `night_began` is when the newest of these began. `quiet_after` is
    how long she usually sits at most. `out_at_night`: the moment of a fix away from home, in hours in which nobody of
    her age is out; None by day, at home, and where that is not known or not shared.
    """

    sees_health: bool = True
    sees_location: bool = True
    called: Called = Called.RUNG
    alarms: Sequence[Alarm] = ()
    away_until: datetime | None = None
    away_reason: str | None = None
    band: Band | None = field(default_factory=Band)
    service_heard_at: datetime | None = None
    heart_at: datetime | None = None
    moved_at: datetime | None = None
    heart: Heart = Heart.USUAL
    days_known: int = 30
    in_bed: bool = False
    up_usual: datetime | None = None
    up_to: datetime | None = None
    asleep: bool = False
    night_began: datetime | None = None
    quiet_after: timedelta | None = None
    out_at_night: datetime | None = None


class Said(NamedTuple):
    """A sentence of the catalogue (`say.KEY`), how it looks, and what fills it: moments are aware."""

    key: str
    tone: Tone
    values: Mapping[str, datetime | str] = {}

    @property
    def calling(self) -> bool:
        """Whether people are being called, and nobody has said yet that they go."""
        return self.key in ("sos", "sos_fall", "sos_telephone", "late")


CALLING = ("urgent", "warning")
OF_THE_BAND = ("off_wrist", "silent", "low_battery", "network")
"""Kinds that are told by what the band itself says."""
_UNDER_WAY = ("accepted", "en_route")
_MET = ("helped", "hospital", "found")
_NOTHING = ("false_alarm", "test")


def was_met(outcome: str | None, arrived: bool) -> bool:
    """Whether somebody was with her, by how an incident ended and whether somebody arrived. To have arrived is not to
    have met her: it counts beside an outcome for which they spoke to her; whoever tests a band may hold it alone."""
    return outcome in _MET or (arrived and outcome == "false_alarm")


def say(facts: Facts, now: datetime) -> Said:
    """The one sentence as of `now` (aware)."""
    open_alarms = [each for each in facts.alarms if each.state != "resolved"]
    ended = [each for each in facts.alarms if each.ended is not None and _of_her(each)]
    recent = _newest_end(each for each in _within(ended, RECENT, now) if each.outcome != "cleared")
    return (
        _sos(open_alarms, now)
        or _change([each for each in open_alarms if _of_her(each)], now)
        or _unseen(_within(ended, UNSEEN_FOR, now))
        or _unmet(_within(ended, RECENT, now))
        or (_known(facts, open_alarms, recent, now) if facts.sees_health else _closed(facts, open_alarms, recent, now))
    )


def _of_her(alarm: Alarm) -> bool:
    """Whether it called people, and is about her and not about her band."""
    return alarm.severity in ("sos", *CALLING) and alarm.kind not in OF_THE_BAND


def _within(ended: Sequence[Alarm], length: timedelta, now: datetime) -> list[Alarm]:
    return [each for each in ended if now - _end(each) < length]


def _newest_end(ended: Iterable[Alarm]) -> Alarm | None:
    return max(ended, key=_end, default=None)


def _end(alarm: Alarm) -> datetime:
    return alarm.ended or alarm.at


def _sos(open_alarms: Sequence[Alarm], now: datetime) -> Said | None:
    """What is said of an SOS that is not over, the one least looked after first."""
    cases = [each for each in open_alarms if each.severity == "sos"]
    if not cases:
        return None
    return _alarm(min(cases, key=lambda each: (each.state != "open", each.at)), "sos", now)


def _change(open_alarms: Sequence[Alarm], now: datetime) -> Said | None:
    """What is said of a change for which people are called, the one least looked after first."""
    calling = [each for each in open_alarms if each.severity in CALLING]
    if not calling:
        return None
    return _alarm(min(calling, key=lambda each: (each.state != "open", each.at)), "change", now)


def _alarm(alarm: Alarm, words: str, now: datetime) -> Said:
    """An alarm that somebody is called for. `words` begin the keys of what was noticed: an SOS, or a change."""
    values: dict[str, datetime | str] = {"at": alarm.at}
    if alarm.state == "handed_to_120":
        return Said("ambulance", Tone.ALARM, values)
    if alarm.state == "on_site":
        if alarm.mine:
            return Said("there_you", Tone.ALARM, values)
        if alarm.ambulance or alarm.goer is None:
            return Said("there_120", Tone.ALARM, values)
        return Said("there", Tone.ALARM, values | {"name": alarm.goer})
    if alarm.state in _UNDER_WAY:
        return _going(alarm, values, now)
    if alarm.late is not None:
        return Said("late", Tone.ALARM, values | {"name": alarm.late})
    if words == "change":
        return Said("change_desk" if alarm.desk else "change", Tone.LOOK, {"name": alarm.desk} if alarm.desk else {})
    if alarm.source == "fall":
        return Said("sos_fall", Tone.ALARM, values)
    return Said("sos_telephone" if alarm.source == "telephone" else "sos", Tone.ALARM, values)


def _going(alarm: Alarm, values: Mapping[str, datetime | str], now: datetime) -> Said:
    if alarm.due is not None and alarm.due <= now and alarm.goer is not None and not alarm.mine:
        return Said("overdue", Tone.ALARM, {**values, "name": alarm.goer, "due": alarm.due})
    until = {} if alarm.due is None else {"due": alarm.due}
    known = "_due" if until else ""
    if alarm.mine or alarm.goer is None:
        return Said(f"going_{'you' if alarm.mine else 'somebody'}{known}", Tone.ALARM, {**values, **until})
    return Said(f"going{known}", Tone.ALARM, {**values, **until, "name": alarm.goer})


def _unseen(ended: Sequence[Alarm]) -> Said | None:
    """An SOS that has ended though nobody is known to have been with her, or to have spoken to her; only a later SOS
    of hers, after which somebody was or had, ends this."""
    cases = [each for each in ended if each.severity == "sos"]
    unseen = _newest_end(_nobody_saw(cases, cases))
    return Said("unseen", Tone.LOOK, {"at": unseen.at}) if unseen else None


def _unmet(ended: Sequence[Alarm]) -> Said | None:
    """An urgent change that has ended though nobody is known to have been with her since."""
    unmet = _newest_end(_nobody_saw([each for each in ended if each.severity == "urgent"], ended))
    return _ask_the_desk(unmet) if unmet else None


def _ask_the_desk(alarm: Alarm) -> Said:
    return Said("unmet", Tone.LOOK, {"at": alarm.at})


def _nobody_saw(cases: Iterable[Alarm], others: Iterable[Alarm]) -> list[Alarm]:
    """Those of which neither their own end says that she was seen or spoken to, nor that of a later one."""
    seen = [each for each in others if each.met or each.outcome == "false_alarm"]
    return [
        each
        for each in cases
        if not (each.met or each.outcome in _NOTHING or (each.outcome == "cleared" and each.severity != "sos"))
        and not any(later.at >= each.at and _end(later) >= _end(each) for later in seen)
    ]


def _closed(facts: Facts, open_alarms: Sequence[Alarm], recent: Alarm | None, now: datetime) -> Said:
    """For a relative to whom her days are not open: what they were called for, and else that it is hers to decide."""
    of_the_band = _change(open_alarms, now)
    if of_the_band is not None:
        return of_the_band
    if recent is not None and recent.outcome in _NOTHING:
        return _nothing(recent, Tone.UNKNOWN)
    if recent is not None:
        return _met(recent, "_closed", Tone.LOOK) if recent.met else _ask_the_desk(recent)
    return Said(_NOT_SHARED[facts.called], Tone.UNKNOWN)


_NOT_SHARED = {
    Called.RUNG: "not_shared",
    Called.TEXTED: "not_shared_texted",
    Called.NO: "not_shared_not_called",
}


def _known(facts: Facts, open_alarms: Sequence[Alarm], recent: Alarm | None, now: datetime) -> Said:
    return _not_known(facts, now) or _not_as_usual(facts, open_alarms, now) or _ended(recent) or _as_usual(facts, now)


def _not_known(facts: Facts, now: datetime) -> Said | None:
    """Why nobody knows how she is; None where it is known."""
    band = facts.band
    if facts.away_until is not None and facts.away_until > now:
        if facts.away_reason and facts.sees_location:
            return Said("away_at", Tone.UNKNOWN, {"until": facts.away_until, "place": facts.away_reason})
        return Said("away", Tone.UNKNOWN, {"until": facts.away_until})
    if band is None:
        return Said("no_band", Tone.UNKNOWN)
    if band.heard_at is None:
        return Said("never_heard", Tone.UNKNOWN)
    if facts.service_heard_at is not None and now - facts.service_heard_at > STALE:
        return Said("stale", Tone.UNKNOWN, {"at": facts.service_heard_at})
    since = band.off_since or band.status_at or band.heard_at
    if now - band.heard_at > SILENT:
        flat = band.battery_pct is not None and band.battery_pct <= FLAT_PCT and not band.charging
        return Said("flat" if flat else "silent", Tone.UNKNOWN, {"at": band.heard_at})
    if band.charging and not band.worn:
        return Said("charging", Tone.UNKNOWN, {"at": since})
    if band.worn is False:
        return Said("off", Tone.UNKNOWN, {"at": since})
    if facts.heart_at is None:
        return Said("no_heart", Tone.UNKNOWN, {})
    if now - facts.heart_at > NO_HEART:
        return Said("no_heart_since", Tone.UNKNOWN, {"at": facts.heart_at})
    return None


def _not_as_usual(facts: Facts, open_alarms: Sequence[Alarm], now: datetime) -> Said | None:
    if facts.out_at_night is not None:
        return Said("out_at_night", Tone.LOOK, {"at": facts.out_at_night})
    if facts.days_known < KNOWN_DAYS:
        return None
    moved = facts.moved_at
    if facts.up_to is not None and facts.up_usual is not None and facts.in_bed and now > facts.up_to + LATE_UP:
        return Said("not_up", Tone.LOOK, {"usual": facts.up_usual})
    if moved is not None and _is_quiet(facts, moved, now):
        return Said("quiet", Tone.LOOK, {"at": moved})
    if any(each.kind == "resting_rate" for each in open_alarms):
        return Said("nights", Tone.LOOK)
    if facts.heart in (Heart.FASTER, Heart.SLOWER):
        return Said(f"heart_{facts.heart}", Tone.LOOK, {"at": _newest(facts)})
    return None


def _is_quiet(facts: Facts, moved: datetime, now: datetime) -> bool:
    """Whether she has sat for longer than she does. A night's rest is no sitting: from its beginning until she is late,
    only that she was too quiet before it counts."""
    if facts.quiet_after is None:
        return False
    not_late = facts.up_to is not None and now <= facts.up_to + LATE_UP
    rests = facts.asleep or facts.in_bed or not_late
    until = facts.night_began if rests else now
    return until is not None and until - moved > facts.quiet_after


def _ended(recent: Alarm | None) -> Said | None:
    """What is over since a short while, and that somebody was there, or is not known to have been."""
    if recent is None:
        return None
    if recent.outcome == "hospital":
        return Said("was_hospital", Tone.LOOK, {"at": recent.at})
    if recent.outcome in _NOTHING:
        return _nothing(recent, Tone.CALM)
    if not recent.met:
        return _ask_the_desk(recent)
    return _met(recent, "_note" if recent.note else "", Tone.CALM)


def _nothing(alarm: Alarm, tone: Tone) -> Said:
    """It was no call for help. A fall that was none, and a change, are nothing that she touched."""
    key = "was_nothing" if alarm.outcome == "false_alarm" and not alarm.pressed else f"was_{alarm.outcome}"
    return Said(key, tone, {"at": alarm.at})


def _met(alarm: Alarm, how: str, tone: Tone) -> Said:
    """That somebody was with her, when they arrived; where nobody said when, by when it was known."""
    key, at = ("was_met", alarm.arrived) if alarm.arrived else ("was_seen", _end(alarm))
    note = {"note": alarm.note} if how == "_note" and alarm.note else {}
    return Said(f"{key}{how}", tone, {"at": at, **note})


def _as_usual(facts: Facts, now: datetime) -> Said:
    newest = _newest(facts)
    if facts.days_known < KNOWN_DAYS:
        return Said("learning", Tone.UNKNOWN, {"at": newest})
    if facts.asleep:
        if facts.moved_at is not None and now - facts.moved_at < LAST_NIGHT_MOVE:
            return Said("up_at_night", Tone.CALM, {"at": facts.moved_at})
        return Said("resting", Tone.CALM, {"at": newest})
    if facts.moved_at is None:
        return Said("usual_heart", Tone.CALM, {"at": newest})
    return Said("usual", Tone.CALM, {"at": facts.moved_at})


def _newest(facts: Facts) -> datetime:
    """The last sign of life; there is a heart rate wherever this is asked."""
    assert facts.heart_at is not None  # noqa: S101  without one nobody knows, which was said before
    return facts.heart_at if facts.moved_at is None else max(facts.heart_at, facts.moved_at)
