"""A resident and their people in words: age, flags, what a contact is. Pure."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from api.console.shell import times
from api.console.shell.i18n import Translator
from eldercare.community.people import Contact
from eldercare.community.resident_schema import FLAGS, Resident


def flags(resident: Resident) -> list[str]:
    """Which of 独居, 失能, 低保, 特困 the resident is, by name."""
    return [flag for flag in FLAGS if getattr(resident, flag)]


def age(resident: Resident, now: datetime, zone: ZoneInfo) -> int | None:
    """Whole years, or None where the date of birth is not known."""
    born = resident.birth_date
    return None if born is None else times.years(born.year, born.month, born.day, now, zone)


def age_and_gender(t: Translator, resident: Resident, now: datetime, zone: ZoneInfo) -> str:
    """Such as "86 岁 · 女", or what of it is known."""
    years = age(resident, now, zone)
    parts = [] if years is None else [t("person.age", n=years)]
    if resident.gender:
        parts.append(t(f"gender.{resident.gender}"))
    return " · ".join(parts)


def relation(t: Translator, contact: Contact) -> str:
    """What a contact is to the resident, in the family's own word where there is one."""
    return contact.relation or t(f"contact.{contact.kind}")


@dataclass(frozen=True, slots=True)
class Row:
    """A resident in a list."""

    resident: Resident
    age_and_gender: str
    flags: list[str]


def row(t: Translator, resident: Resident, now: datetime, zone: ZoneInfo) -> Row:
    """A resident as a line of a list."""
    return Row(resident, age_and_gender(t, resident, now, zone), flags(resident))
