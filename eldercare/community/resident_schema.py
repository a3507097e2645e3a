"""The fields of a resident's file that people fill in, each with its check. Pure."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import fields

MEDICAL = frozenset({"conditions", "medicines", "allergies", "mobility", "notes", "rule_overrides"})
GRID_WORKERS = frozenset({"away_until", "away_reason", "entry", "needs", "phone"})

Check = Callable[[str, Any, date], Any]


LONGEST_AWAY = timedelta(days=31)
"""A stay in hospital; who stays longer is looked after again each month. Until then no rule speaks about them."""
LONGEST_AWAY_BY_GRID = timedelta(days=14)
"""A visit or a short stay, which a grid worker hears of at the door."""


def _string(check: Callable[[str, str], Any]) -> Check:
    def checked(field: str, value: Any, today: date) -> Any:
        if not isinstance(value, str):
            raise InvalidInput(field, "should be a text")
        return check(field, value)

    return checked


def _number(check: Callable[[str, float], float]) -> Check:
    def checked(field: str, value: Any, today: date) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InvalidInput(field, "should be a number")
        return check(field, value)

    return checked


def _text(most: int, *, required: bool = False) -> Check:
    return _string(lambda field, value: fields.text(field, value, most=most, required=required))


def _optional(check: Check) -> Check:
    return lambda field, value, today: None if value is None else check(field, value, today)


def _moment(field: str, value: Any, today: date) -> datetime:
    if not isinstance(value, datetime):
        raise InvalidInput(field, "should be a time with an offset")
    return fields.moment(field, value)


def _boolean(field: str, value: Any, today: date) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(field, "should be true or false")
    return value


def _whole(least: int, most: int) -> Check:
    def checked(field: str, value: Any, today: date) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise InvalidInput(field, f"should be a whole number from {least} to {most}")
        return value

    return checked


def _birth_date(field: str, value: Any, today: date) -> date:
    if not isinstance(value, str | date):
        raise InvalidInput(field, "should be a date")
    return fields.birth_date(field, value, today)


def _language(field: str, value: Any, today: date) -> str:
    if value not in ("zh", "en"):
        raise InvalidInput(field, "should be zh or en")
    return str(value)


def _overrides(field: str, value: Any, today: date) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(field, "should be an object")
    return value


_CHECKS: dict[str, Check] = {
    "external_id": _optional(_string(lambda field, value: fields.code(field, value, most=100))),
    "name": _text(100, required=True),
    "gender": _optional(_string(fields.gender)),
    "birth_date": _optional(_birth_date),
    "phone": _optional(_string(fields.phone)),
    "language": _language,
    "address": _text(500, required=True),
    "grid_id": _optional(_whole(1, 2**63 - 1)),
    "home_lat": _optional(_number(fields.latitude)),
    "home_lon": _optional(_number(fields.longitude)),
    "safe_radius_m": _whole(50, 10_000),
    "lives_alone": _boolean,
    "disabled": _boolean,
    "low_income": _boolean,
    "hardship": _boolean,
    "needs": _text(4000),
    "conditions": _text(4000),
    "medicines": _text(4000),
    "allergies": _text(4000),
    "mobility": _text(4000),
    "entry": _text(4000),
    "notes": _text(4000),
    "away_until": _optional(_moment),
    "away_reason": _optional(_text(200)),
    "left_at": _optional(_moment),
    "rule_overrides": _overrides,
}

NAMES = frozenset(_CHECKS)


def check_times(values: Mapping[str, Any], now: datetime, longest_away: timedelta = LONGEST_AWAY) -> None:
    """Refuse checked values that would switch the rules off for good: an absence of more than `longest_away` from `now`
    on (aware), and a departure that has not been yet. Raises InvalidInput naming the field."""
    until = values.get("away_until")
    if until is not None and until > now + longest_away:
        days = longest_away.days
        raise InvalidInput(
            "away_until",
            f"最多 {days} 天，到期前会提醒，可再延长 / is at most {days} days from now, and can be renewed",
        )
    left = values.get("left_at")
    if left is not None and left > now + timedelta(days=1):
        raise InvalidInput("left_at", "还没有到 / is in the future: from then on no rule speaks")


def checked(values: Mapping[str, Any], today: date) -> dict[str, Any]:
    """`values` in the form the database wants. Raises InvalidInput naming the first field that cannot be used."""
    unknown = sorted(set(values) - NAMES)
    if unknown:
        raise InvalidInput(unknown[0], "is no field of a resident")
    return {name: _CHECKS[name](name, value, today) for name, value in values.items()}
