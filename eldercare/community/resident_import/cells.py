"""What a cell of a list may be. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell whose content cannot be taken; says why."""

    reason: str


class Number(str):
    """A cell that a spreadsheet keeps as a number: the text it shows.

    `exact` is its value as written in the file. `spoilt` says why it is no code (of somebody, of a telephone) even so,
    as where more digits were typed than a spreadsheet keeps; None where it is one.
    """

    exact: str
    spoilt: str | None

    def __new__(cls, shown: str, exact: str, spoilt: str | None) -> Self:
        """`shown` with what else is known of it."""
        number = super().__new__(cls, shown)
        number.exact, number.spoilt = exact, spoilt
        return number


class AsTyped(str):
    """A cell that was marked as text by its writer, with an apostrophe: its digits are those that were typed."""

    __slots__ = ()


_MARKS = "'\u2018\u2019`\uff07"


def typed(text: str) -> str:
    """The trimmed `text` of a cell; one with an apostrophe before it, however that is written, is as it was typed."""
    trimmed = text.strip()
    return AsTyped(trimmed[1:].strip()) if trimmed[:1] and trimmed[0] in _MARKS and len(trimmed) > 1 else trimmed


Cell = str | date | Unreadable
"""Text (trimmed, "" where empty), a number as it shows, a day, or a reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row with the number that a spreadsheet shows beside it.

    `below` names, by the index of the column, the first row of a cell that is merged over several rows; `beside` the
    first column of one that is merged over several columns.
    """

    number: int
    cells: list[Cell]
    sheet: str = ""
    hidden: bool = False
    below: Mapping[int, int] = field(default_factory=dict)
    beside: Mapping[int, int] = field(default_factory=dict)


def column_letter(index: int) -> str:
    """The letters of a column as a spreadsheet shows them; 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
