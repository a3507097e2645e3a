"""Times for people: how long ago in words, the exact moment at hand, both in the community's zone. Pure.

The words for lengths of time are those of Unicode's CLDR, by Babel here and by `Intl` in `static/js/clock.js`.
"""

import math
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_timedelta

from api.console.shell.i18n import LOCALES, Language, Translator

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Unit = Literal["day", "hour", "minute", "second"]
_UNITS: tuple[tuple[Unit, int], ...] = (("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", 1))


def ago(t: Translator, then: datetime, now: datetime) -> str:
    """How long before `now` something was, in words ("3分钟前"); what is ahead of the clock is "刚刚"."""
    length = now - then
    if length < timedelta(minutes=1):
        return t("js.just_now")
    return _words(t.language, *_largest(length), before_now=True)


def span(t: Translator, length: timedelta) -> str:
    """A length of time in its largest whole unit ("3分钟")."""
    return _words(t.language, *_largest(length))


def _largest(length: timedelta) -> tuple[int, Unit]:
    """How many whole ones of the largest unit fit, and the unit: 119 seconds are one minute. Babel rounds up to two."""
    seconds = max(0, int(length.total_seconds()))
    unit, size = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    return seconds // size, unit


@lru_cache(maxsize=4096)
def _words(language: Language, n: int, unit: Unit, *, before_now: bool = False) -> str:
    """The words for `n` units. They are cached: a board says a hundred at each look, and most are the same."""
    return format_timedelta(
        timedelta(**{f"{unit}s": -n if before_now else n}),
        granularity=unit,
        threshold=math.inf,  # never in a larger unit
        add_direction=before_now,
        format="short",
        locale=Locale.parse(LOCALES[language], sep="-"),
    )


def running(since: datetime, now: datetime) -> str:
    """The running clock of an incident: `mm:ss`, from one hour on `h:mm:ss`."""
    seconds = max(0, int((now - since).total_seconds()))
    hours, rest = divmod(seconds, HOUR)
    minutes, seconds = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment in this zone, or as it is at the ends of the calendar, where the zone has none."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def exact(moment: datetime, zone: ZoneInfo) -> str:
    """The moment to the second, with the offset: `2026-11-24 14:32:05 +08:00`."""
    local = in_zone(moment, zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.isoformat()[-6:]}"


def short(t: Translator, moment: datetime, now: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """The moment as people say it: the time today, "昨天 14:32", else with its date, and its year if another."""
    local, today = in_zone(moment, zone), now.astimezone(zone)
    time = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    days = (today.date() - local.date()).days
    if days == 0:
        return time
    if days == 1:
        return t("time.yesterday", time=time)
    return f"{day(t, moment, now, zone)} {time}"


def day(t: Translator, moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """The date alone, with its year only where that is another than today's."""
    local, today = in_zone(moment, zone), now.astimezone(zone)
    date = t("time.date", month=local.month, day=local.day, month_name=t(f"month.m{local.month}"))
    return date if local.year == today.year else t("time.date_year", date=date, year=local.year)


def years(birth_year: int, birth_month: int, birth_day: int, now: datetime, zone: ZoneInfo) -> int:
    """Age in whole years today, in the community's zone."""
    today = now.astimezone(zone).date()
    before = (today.month, today.day) < (birth_month, birth_day)
    return today.year - birth_year - int(before)
