"""Times for people: how long ago in words, the exact moment at hand, both in the community's zone. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api.console.shell.i18n import Translator

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def ago(t: Translator, then: datetime, now: datetime) -> str:
    """How long before `now` something was, in words ("3 分钟前"); what is ahead of the clock is "刚刚"."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < MINUTE:
        return t("time.just_now")
    return t("time.ago", span=span(t, timedelta(seconds=seconds)))


def until(t: Translator, then: datetime, now: datetime) -> str:
    """How long from `now` to something still ahead, in words; what is past is "now"."""
    seconds = int((then - now).total_seconds())
    return t("time.now") if seconds <= 0 else span(t, timedelta(seconds=seconds))


def span(t: Translator, length: timedelta) -> str:
    """A length of time in its largest whole unit ("3 分钟")."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("days", DAY), ("hours", HOUR), ("minutes", MINUTE)):
        if seconds >= size:
            return t(f"time.{unit}", n=seconds // size)
    return t("time.seconds", n=seconds)


def running(since: datetime, now: datetime) -> str:
    """The running clock of an incident: `mm:ss`, from one hour on `h:mm:ss`."""
    seconds = max(0, int((now - since).total_seconds()))
    hours, rest = divmod(seconds, HOUR)
    minutes, seconds = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment in this zone; at the ends of the calendar, where there is none, as it is."""
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
