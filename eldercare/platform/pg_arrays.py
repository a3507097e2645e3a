"""Array literals of PostgreSQL for columns of thousands of rows: one parameter per column, and nothing per element."""

from collections.abc import Iterable
from datetime import datetime


def numbers(values: Iterable[float | bool | None]) -> str:
    """The array of numbers (finite) or booleans; None is null."""
    return "{" + ",".join("null" if value is None else str(value) for value in values) + "}"


def times(values: Iterable[datetime | None]) -> str:
    """The array of aware times; None is null."""
    return "{" + ",".join("null" if value is None else value.isoformat() for value in values) + "}"


def names(values: Iterable[str | None]) -> str:
    """The array of texts made of letters, digits, `_` and `-` (device ids, words of the contract); None is null."""
    return "{" + ",".join("null" if value is None else f'"{value}"' for value in values) + "}"


def texts(values: Iterable[str | None]) -> str:
    """The array of any texts without the character zero; None is null."""
    return names(None if value is None else _escaped(value) for value in values)


def _escaped(text: str) -> str:
    # A table of characters (str.translate) takes ten times as long.
    return text.replace("\\", "\\\\").replace('"', '\\"')
