"""Every cell of the list checked, and the rows against each other. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from eldercare import fields
from eldercare.errors import InvalidInput
from eldercare.resident_import import columns
from eldercare.resident_import.columns import Column, Headings
from eldercare.resident_import.table import Cell, Row, Unreadable
from eldercare.wire import DEVICE_ID

_MONTH = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?")
_SHORT = {"external_id": 100, "name": 100, "address": 500, "grid": 100, "family_name": 100, "family_relation": 50}
_FLAGS = frozenset({"lives_alone", "disabled", "low_income", "hardship"})
_PHONES = frozenset({"phone", "family_phone"})


@dataclass(frozen=True, slots=True)
class BadCell:
    """What is wrong and where: the row's number, the column's letter and heading (both empty: the whole row)."""

    row: int
    letter: str
    heading: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that can be taken: the values of its filled cells by field, and where each stands."""

    row: int
    values: dict[str, Any]
    columns: dict[str, Column]

    def bad(self, name: str, reason: str) -> BadCell:
        """`reason` at the cell of this field, or at the row where the list has no such column."""
        column = self.columns.get(name)
        return BadCell(self.row, column.letter if column else "", column.heading if column else "", reason)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the list says: rows to take, everything wrong with it, and how many births are known by month only."""

    entries: list[Entry]
    bad: list[BadCell]
    headings: Headings
    months_only: int = field(default=0)


def check(rows: Sequence[Row], today: date) -> Checked:
    """Check every row below the headings. Raises InvalidInput where there are no headings, or no rows."""
    headings = columns.find(rows)
    entries: list[Entry] = []
    bad: list[BadCell] = []
    months = 0
    for row in rows:
        if row.number <= headings.row:
            continue
        entry, wrong, month = _row(row, headings, today)
        bad += wrong
        months += month
        entries.append(entry)
    if not entries:
        raise InvalidInput("file", "标题行下面没有数据 / has no rows below its headings")
    bad += _doubles(entries, lambda entry: entry.values.get("external_id"), "external_id")
    bad += _doubles(entries, lambda entry: entry.values.get("device_id"), "device_id")
    bad += _doubles(entries, _same_person, "name")
    return Checked(entries, sorted(bad, key=lambda cell: (cell.row, cell.letter)), headings, months)


def _row(row: Row, headings: Headings, today: date) -> tuple[Entry, list[BadCell], bool]:
    values: dict[str, Any] = {}
    bad: list[BadCell] = []
    month = False
    for column in headings.columns:
        cell = row.cells[column.index] if column.index < len(row.cells) else ""
        try:
            value, by_month = _value(column.field, cell, today)
        except InvalidInput as error:
            bad.append(BadCell(row.number, column.letter, column.heading, error.reason))
            continue
        month = month or by_month
        if value is not None:
            values[column.field] = value
    entry = Entry(row.number, values, {column.field: column for column in headings.columns})
    faulty = {(cell.letter) for cell in bad}
    bad += [cell for cell in _across(entry) if not cell.letter or cell.letter not in faulty]  # a cell is reported once
    return entry, bad, month


def _value(name: str, cell: Cell, today: date) -> tuple[Any, bool]:
    """The value of a cell (None: empty, changes nothing), and whether a birth is known by its month only."""
    if isinstance(cell, Unreadable):
        raise InvalidInput(name, cell.reason)
    if name == "birth_date":
        return _birth(cell, today)
    if isinstance(cell, date):
        cell = cell.isoformat()
    if cell == "":
        return None, False
    if name in _FLAGS:
        return fields.flag(name, cell), False
    if name in _PHONES:
        return fields.phone(name, cell), False
    if name == "gender":
        return fields.gender(name, cell), False
    if name == "home_lat":
        return fields.latitude(name, cell), False
    if name == "home_lon":
        return fields.longitude(name, cell), False
    if name == "device_id":
        return _device(cell), False
    return fields.text(name, cell, most=_SHORT.get(name, fields.MAX_TEXT)) or None, False


def _birth(cell: str | date, today: date) -> tuple[date | None, bool]:
    if cell == "":
        return None, False
    match = _MONTH.fullmatch(fields.half_width(cell)) if isinstance(cell, str) else None
    if match:
        return fields.birth_date("birth_date", f"{match[1]}-{match[2]}-1", today), True
    return fields.birth_date("birth_date", cell, today), False


def _device(cell: str) -> str:
    device_id = fields.half_width(cell)
    if not DEVICE_ID.fullmatch(device_id):
        raise InvalidInput("device_id", f"“{cell[:40]}”不是手环编号 / is not 1 to 64 of A-Z a-z 0-9 _ -")
    return device_id


def _across(entry: Entry) -> list[BadCell]:
    values = entry.values
    bad = [entry.bad(name, "不能为空 / must not be empty") for name in columns.REQUIRED if name not in values]
    if ("home_lat" in values) != ("home_lon" in values):
        lacking = "home_lon" if "home_lat" in values else "home_lat"
        bad.append(entry.bad(lacking, "纬度和经度要么都有要么都没有 / latitude and longitude go together"))
    if "family_phone" in values and "family_name" not in values:
        bad.append(entry.bad("family_name", "有电话而没有姓名 / has a telephone but no name"))
    return bad


def _doubles(entries: Sequence[Entry], key: Callable[[Entry], Any], name: str) -> list[BadCell]:
    first: dict[Any, int] = {}
    bad = []
    for entry in entries:
        found = key(entry)
        if found is None:
            continue
        earlier = first.setdefault(found, entry.row)
        if earlier != entry.row:
            bad.append(entry.bad(name, f"与第 {earlier} 行重复 / is in row {earlier} already"))
    return bad


def _same_person(entry: Entry) -> tuple[Any, ...] | None:
    """Without a number of the committee's, name, address and birth say who is who."""
    values = entry.values
    if "external_id" in values or "name" not in values or "address" not in values:
        return None
    return values["name"], values["address"], values.get("birth_date")
