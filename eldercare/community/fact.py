"""What a fact about a resident is, and the kinds there are: each brings a value into one form, or refuses it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import fields

Check = Callable[[str, Any, date], Any]
"""Turns the name of a field, its value and today into what the database wants. Raises InvalidInput with that name."""


@dataclass(frozen=True, slots=True)
class Fact:
    """How one fact is filled in.

    `example` is what the documentation of the API shows. `called` is what a list may call the column, in Chinese and
    English; without it no list brings the fact. `empty` is written for somebody new whose row says nothing. A `medical`
    fact is for whoever sees their health.
    """

    check: Check
    example: Any = None
    called: tuple[str, ...] = ()
    empty: Any = None
    required: bool = False
    medical: bool = False


def optional(fact: Fact) -> Fact:
    """The same fact, or None where nobody knows it."""
    check = fact.check
    return replace(
        fact, check=lambda field, value, today: None if value is None else check(field, value, today), empty=None
    )


def read_by(check: Callable[[str, str], Any], **about: Any) -> Fact:
    """A text that `check` reads."""

    def checked(field: str, value: Any, today: date) -> Any:
        if not isinstance(value, str):
            raise InvalidInput(field, "should be a text")
        return check(field, value)

    return Fact(checked, **about)


def code(most: int, **about: Any) -> Fact:
    """A number or sign of at most `most` characters that somebody else has given them."""
    return read_by(lambda field, value: fields.code(field, value, most=most), **about)


def text(most: int = fields.MAX_TEXT, **about: Any) -> Fact:
    """A text as people write it, at most `most` characters; empty where they write nothing."""
    return read_by(lambda field, value: fields.text(field, value, most=most), empty="", **about)


def required_text(most: int, **about: Any) -> Fact:
    """A text without which nobody is taken in."""
    return read_by(lambda field, value: fields.text(field, value, most=most, required=True), required=True, **about)


def choice(*words: str, **about: Any) -> Fact:
    """One of the words."""

    def checked(field: str, value: Any, today: date) -> str:
        if value not in words:
            raise InvalidInput(field, f"should be {' or '.join(words)}")
        return str(value)

    return Fact(checked, **about)


def flag(**about: Any) -> Fact:
    """Whether they are that; False where nobody says so."""

    def checked(field: str, value: Any, today: date) -> bool:
        if not isinstance(value, bool):
            raise InvalidInput(field, "should be true or false")
        return value

    return Fact(checked, empty=False, **about)


def whole(least: int, most: int, **about: Any) -> Fact:
    """A whole number from `least` to `most`."""

    def checked(field: str, value: Any, today: date) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise InvalidInput(field, f"should be a whole number from {least} to {most}")
        return value

    return Fact(checked, **about)


def degrees(check: Callable[[str, float], float], **about: Any) -> Fact:
    """A number that `check` takes for a latitude or a longitude."""

    def checked(field: str, value: Any, today: date) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InvalidInput(field, "should be a number")
        return check(field, value)

    return Fact(checked, **about)


def birth_date(**about: Any) -> Fact:
    """The day of birth of somebody who lives."""

    def checked(field: str, value: Any, today: date) -> date:
        if not isinstance(value, str | date):
            raise InvalidInput(field, "should be a date")
        return fields.birth_date(field, value, today)

    return Fact(checked, **about)


def moment(**about: Any) -> Fact:
    """A time with an offset."""

    def checked(field: str, value: Any, today: date) -> datetime:
        if not isinstance(value, datetime):
            raise InvalidInput(field, "should be a time with an offset")
        return fields.moment(field, value)

    return Fact(checked, **about)


def mapping(**about: Any) -> Fact:
    """An object of JSON."""

    def checked(field: str, value: Any, today: date) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidInput(field, "should be an object")
        return value

    return Fact(checked, **about)
