"""The week in three sentences: whether it was like her, what happened and who went, what would help. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from api.console.family.day import LEAST_DAYS, WORN_DAY_H, midnight
from api.console.family.state import CALLING, OF_THE_BAND, Alarm
from eldercare.community.hour import Hour

WEEK = timedelta(days=7)
OTHER = 0.3
"""So much more or less than the week before is another week, as a share of it."""
LOW_PCT = 20
"""A battery at or below this is worth a word, per cent."""


class Sentence(NamedTuple):
    """A text of the catalogue (`letter.KEY`), and what fills it."""

    key: str
    values: dict[str, datetime | str | int] = {}  # noqa: RUF012  nobody changes it


class Week(NamedTuple):
    """The seven whole days before today: on how many the band was worn, and the steps of a middling day of this week
    and of the one before (None: not counted, or too few days)."""

    worn_days: int
    steps: int | None
    steps_before: int | None


def week(hours: Sequence[Hour], now: datetime, zone: ZoneInfo) -> Week:
    """The week that ended with yesterday."""
    today = midnight(now, zone).date()
    worn: dict[date, int] = {}
    steps: dict[date, int] = {}
    for each in hours:
        day = each.at.astimezone(zone).date()
        worn[day] = worn.get(day, 0) + bool(each.values)
        if each.steps is not None:
            steps[day] = steps.get(day, 0) + each.steps
    days = [today - timedelta(days=back) for back in range(1, 8)]
    before = [each - WEEK for each in days]
    worn_days = sum(worn.get(day, 0) >= WORN_DAY_H for day in days)
    return Week(worn_days, _middling(steps, days), _middling(steps, before))


def _middling(steps: dict[date, int], days: Sequence[date]) -> int | None:
    known = [steps[day] for day in days if day in steps]
    return round(median(known)) if len(known) >= LEAST_DAYS else None


def write(
    this: Week, alarms: Sequence[Alarm], now: datetime, zone: ZoneInfo, battery_pct: int | None
) -> list[Sentence]:
    """The letter about the week that ended with yesterday."""
    end = midnight(now, zone)
    own = [each for each in alarms if end - WEEK <= each.at < end and each.severity in ("sos", *CALLING)]
    return [
        _like_her(this),
        _what_happened([each for each in own if each.kind not in OF_THE_BAND]),
        _help(this, battery_pct),
    ]


def _like_her(this: Week) -> Sentence:
    worn: dict[str, datetime | str | int] = {"days": this.worn_days}
    if this.worn_days < LEAST_DAYS:
        return Sentence("not_known", worn)
    if this.steps is None:
        return Sentence("worn", worn)
    worn["steps"] = this.steps
    if not this.steps_before:
        return Sentence("worn_steps", worn)
    change = this.steps / this.steps_before - 1
    return Sentence("less" if change < -OTHER else "more" if change > OTHER else "usual", worn)


def _what_happened(alarms: Sequence[Alarm]) -> Sentence:
    """What ended by itself is not worth a worry, and what goes on is told where it is told as it goes."""
    if not alarms:
        return Sentence("nothing")
    over = [each for each in alarms if each.state == "resolved" and each.outcome != "cleared"]
    if not over:
        return Sentence("not_over" if any(each.state != "resolved" for each in alarms) else "no_call")
    real = [each for each in over if each.outcome not in ("false_alarm", "test")]
    if not real:
        touched = all(each.pressed or each.outcome == "test" for each in over)
        return Sentence("touched" if touched else "touched_or_nothing", {"n": len(over)})
    met = [each for each in real if each.met]
    if len(real) == 1:
        one = real[0]
        if not one.met:
            return Sentence("once_unseen", {"at": one.at})
        return Sentence("once_by", {"at": one.at, "name": one.goer}) if one.goer else Sentence("once", {"at": one.at})
    if len(met) == len(real):
        return Sentence("often", {"n": len(real)})
    return Sentence("often_unseen", {"n": len(real), "met": len(met)})


def _help(this: Week, battery_pct: int | None) -> Sentence:
    missing = 7 - this.worn_days
    if missing >= 2:
        return Sentence("remind_band", {"days": missing})
    if battery_pct is not None and battery_pct <= LOW_PCT:
        return Sentence("remind_charge", {"percent": battery_pct})
    return Sentence("no_help")
