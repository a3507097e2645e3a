"""Checks every cell of the list, and the rows against each other. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from eldercare.community import likeness
from eldercare.community.resident_import import columns, words
from eldercare.community.resident_import.cells import AsTyped, Cell, Number, Row, Unreadable, column_letter
from eldercare.community.resident_import.columns import Column, Headings, NoHeadings
from eldercare.community.resident_schema import (
    FACTS,
    FLAGS,
    MOST_IN_ADDRESS,
    MOST_IN_NAME,
    MOST_IN_NUMBER,
    REQUIRED,
)
from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import fields, spreadsheets
from eldercare.protocol.mqtt_v1 import DEVICE_ID

_MONTH = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?")
_MOST = {"external_id": MOST_IN_NUMBER, "name": MOST_IN_NAME, "address": MOST_IN_ADDRESS, "grid": 100,
         "family_name": 100, "family_relation": 50}  # fmt: skip
_PHONES = frozenset({"phone", "family_phone"})
_CODES = frozenset({"external_id", "device_id", "grid", "name", "family_name", "address"})
"""Fields in which a number, where there is one, is a name: digit for digit as it was typed."""
_PERSONAL = frozenset({"external_id", "name", "birth_date", "phone", "device_id"})
"""What two people never share by one merged cell."""
_MAY_LACK = frozenset({"grid", "device_id", "family_name", "family_phone", "family_relation"}).union(
    name for name in columns.HEADINGS if name in FACTS and FACTS[name].empty is None and not FACTS[name].required
)
"""Fields in which 无 or 不详 is no value: the cell is empty. Elsewhere it is what people wrote."""
_WHAT = {"address": "地址", "grid": "网格"}
_SEVERAL_NAMES = re.compile(r"[、/;；\n|&＆+＋]|夫妇|夫妻|两口|(?<=[一-鿿])[,，](?=[一-鿿])")
_LOST = re.compile("[\ufffd?？□]")


@dataclass(frozen=True, slots=True)
class BadCell:
    """What is wrong and where: the row's number, the column's letter and heading (both empty: the whole row), and the
    sheet, empty where the file has none."""

    row: int
    letter: str
    heading: str
    reason: str
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that can be taken: the values of its filled cells by field, and where each stands.

    `months_only`: only year and month of the birth are known, and the day is the first.
    """

    row: int
    values: dict[str, Any]
    columns: dict[str, Column]
    sheet: str = ""
    months_only: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """Sheet and row, which no other entry has."""
        return self.sheet, self.row

    def bad(self, name: str, reason: str) -> BadCell:
        """`reason` at the cell of this field, or at the row where the list has no such column."""
        column = self.columns.get(name)
        return BadCell(self.row, column.letter if column else "", column.heading if column else "", reason, self.sheet)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the list says: rows to take, everything wrong with it, and how many births are known by month only.

    `headings` are those of the first sheet that is read, `lists` those of all; `unread` names sheets without
    headings, `skipped` rows that are nobody's, each with what it says, and `unnamed` columns with cells but no heading.
    """

    entries: list[Entry]
    bad: list[BadCell]
    headings: Headings
    months_only: int = field(default=0)
    lists: tuple[Headings, ...] = ()
    unread: tuple[str, ...] = ()
    skipped: tuple[tuple[str, int, str], ...] = ()
    unnamed: tuple[str, ...] = ()


def check(rows: Sequence[Row], today: date) -> Checked:
    """Check every row below the headings of every sheet that has headings.

    Raises InvalidInput where there are no headings, or no rows below them.
    """
    lists, unread = _lists(rows)
    entries: list[Entry] = []
    bad: list[BadCell] = []
    skipped: list[tuple[str, int, str]] = []
    for headings, below in lists:
        ragged = len({len(row.cells) for row in below}) > 1
        for row in below:
            nobody = _nobody(row, headings)
            if nobody is not None:
                skipped.append((row.sheet, row.number, nobody))
                continue
            entry, wrong = _row(row, headings, today)
            bad += wrong
            bad += _misplaced(row, entry, headings, ragged)
            entries.append(entry)
    if not entries:
        raise InvalidInput("file", "标题行下面没有数据 / has no rows below its headings")
    bad += _doubles(entries, lambda entry: _likeness_of(entry, "external_id"), "external_id")
    bad += _doubles(entries, lambda entry: _likeness_of(entry, "device_id"), "device_id")
    bad += _same_person_twice(entries)
    order = {headings.sheet: index for index, (headings, _) in enumerate(lists)}
    bad.sort(key=lambda cell: (order[cell.sheet], cell.row, cell.letter))
    months = sum(entry.months_only for entry in entries)
    found = tuple(headings for headings, _ in lists)
    unnamed = tuple(letter for headings, below in lists for letter in _unnamed(headings, below))
    return Checked(entries, bad, found[0], months, found, unread, tuple(skipped), unnamed)


def _lists(rows: Sequence[Row]) -> tuple[list[tuple[Headings, list[Row]]], tuple[str, ...]]:
    """Each sheet that has headings, with the rows below them, and the names of the others."""
    lists: list[tuple[Headings, list[Row]]] = []
    unread: list[str] = []
    problem: NoHeadings | None = None
    for name, rows_of in groupby(rows, key=lambda row: row.sheet):
        of_sheet = list(rows_of)
        try:
            headings = columns.find(of_sheet)
        except NoHeadings as error:
            problem = problem or error
            unread.append(name)
            continue
        lists.append((headings, [row for row in of_sheet if row.number > headings.row]))
    if not lists and problem is not None:
        raise problem
    return lists, tuple(unread)


def _unnamed(headings: Headings, below: Sequence[Row]) -> list[str]:
    filled = {index for row in below for index, cell in enumerate(row.cells) if cell != ""}
    beside = {part.index for part in headings.parts}
    sheet = f"{headings.sheet}!" if headings.sheet else ""
    return [sheet + column_letter(index) for index in sorted(filled - headings.named - beside)]


def _nobody(row: Row, headings: Headings) -> str | None:
    """What a row says that is nobody's: a total, who filled in the list, the headings again; None for all others."""
    texts = [cell for cell in row.cells if isinstance(cell, str) and cell]
    columns_of = {column.field: column for column in headings.columns}
    has = {name for name in REQUIRED if _cell(row, columns_of[name].index) != ""}
    first = texts[0] if texts else ""
    if texts and all(isinstance(cell, str) for cell in row.cells) and _repeats(row, headings):
        return texts[0]
    if len(has) < len(REQUIRED) and (words.is_total(first) or (len(texts) <= 3 and words.is_note(first))):
        return texts[0]
    return None


def _misplaced(row: Row, entry: Entry, headings: Headings, ragged: bool) -> list[BadCell]:
    """What stands where it would not be read, or be read as something else: help would go to half an address."""
    bad = []
    more = len(row.cells) - headings.width
    if not row.sheet and more > 0 and (ragged or any(cell != "" for cell in row.cells[headings.width :])):
        reason = (
            f"比标题行多 {more} 格：有逗号的格子请加引号 / has {more} cells more than headings: quote what holds commas"
        )
        bad.append(BadCell(row.number, "", "", reason))
    if columns.field_of(entry.values.get("name", "")) and _knows(row) > 2:
        reason = "又是一行标题，列和上面的不同：请放到另一张工作表 / are other headings: put them into another sheet"
        bad.append(BadCell(row.number, "", "", reason, row.sheet))
    address = likeness.address(entry.values.get("address", ""))
    for part in headings.parts:
        cell = _cell(row, part.index)
        text = likeness.address(cell) if isinstance(cell, str) else "?"
        if text == "" or words.is_none(text):
            continue
        if part.field != "address" or not _holds(address, text):
            reason = "这一格不会读：请并入左边的一格 / is not read: put it into one cell with what it belongs to"
            if part.field == "address":
                reason = "请写进地址那一格，否则没人找得到 / is part of the address: write it there"
            bad.append(BadCell(row.number, part.letter, part.heading, reason, row.sheet))
    return bad


def _knows(row: Row) -> int:
    """How many of the cells are headings of ours."""
    return sum(isinstance(cell, str) and columns.field_of(cell) is not None for cell in row.cells)


def _holds(address: str, part: str) -> bool:
    """Whether the part stands in the address: the 2 of 2栋, not that of 12号."""
    before, after = ("(?<![0-9])" if part[0].isdecimal() else ""), ("(?![0-9])" if part[-1].isdecimal() else "")
    return re.search(before + re.escape(part) + after, address) is not None


def _repeats(row: Row, headings: Headings) -> bool:
    """Whether a row is the headings once more, as printed lists have them on every page."""
    return all(_cell(row, column.index) == column.heading for column in headings.columns)


def _cell(row: Row, index: int) -> Cell:
    return row.cells[index] if index < len(row.cells) else ""


def _row(row: Row, headings: Headings, today: date) -> tuple[Entry, list[BadCell]]:
    values: dict[str, Any] = {}
    bad: list[BadCell] = []
    month = False
    if row.hidden:
        reason = "是隐藏的行：请取消隐藏或筛选，或删掉这一行 / is hidden: show it, or remove it"
        bad.append(BadCell(row.number, "", "", reason, row.sheet))
    read = {column.index for column in headings.columns}
    for column in headings.columns:
        try:
            _refuse_merged(row, column, read)
            value, by_month = _value(column.field, _cell(row, column.index), today)
        except InvalidInput as error:
            bad.append(BadCell(row.number, column.letter, column.heading, error.reason, row.sheet))
            continue
        month = month or by_month
        if value is not None:
            values[column.field] = value
    entry = Entry(row.number, values, {column.field: column for column in headings.columns}, row.sheet, month)
    faulty = {cell.letter for cell in bad}
    bad += [cell for cell in _across(entry) if not cell.letter or cell.letter not in faulty]  # a cell is reported once
    return entry, bad


def _refuse_merged(row: Row, column: Column, read: set[int]) -> None:
    first = row.below.get(column.index)
    if first is not None and column.field in _PERSONAL:
        raise InvalidInput(
            column.field, f"与第 {first} 行合并：一行写一位老人 / is merged with row {first}: one row each"
        )
    left = row.beside.get(column.index)
    if left is not None and left in read:
        raise InvalidInput(column.field, "与左边的格子合并，请拆开 / is merged with the cell to its left: split them")


def parsed(name: str, text: str, today: date) -> Any:
    """The value of a field typed by itself, as that of a cell below its heading; None for one that says nothing.

    Raises InvalidInput naming the field.
    """
    return _value(name, text, today)[0]


def _value(name: str, cell: Cell, today: date) -> tuple[Any, bool]:
    """The value of a cell (None: empty, changes nothing), and whether a birth is known by its month only."""
    if isinstance(cell, Unreadable):
        raise InvalidInput(name, cell.reason)
    if isinstance(cell, str):
        _refuse_no_value(name, cell)
        if name in _MAY_LACK and words.is_none(cell):
            return None, False
    if name == "birth_date":
        return _birth(cell, today)
    if cell == "":
        return None, False
    if isinstance(cell, date):
        if name in _CODES or name in _PHONES:
            raise InvalidInput(name, f"“{cell}”被 Excel 变成了日期，{spreadsheets.ADVICE}")
        cell = cell.isoformat()
    if name in _CODES:
        return _code(name, cell), False
    if name in FLAGS:
        return fields.flag(name, cell), False
    if name in _PHONES:
        return _phone(name, cell), False
    if name == "home_lat":
        return fields.latitude(name, cell.exact if isinstance(cell, Number) else cell), False
    if name == "home_lon":
        return fields.longitude(name, cell.exact if isinstance(cell, Number) else cell), False
    if name in FACTS:
        return FACTS[name].check(name, cell, today) or None, False
    return fields.text(name, cell, most=_MOST[name]) or None, False


def _refuse_no_value(name: str, cell: str) -> None:
    word = fields.half_width(cell).lower()
    error = spreadsheets.error(word)
    if error:
        raise InvalidInput(name, error)
    if words.is_above(cell):
        raise InvalidInput(
            name, f"“{cell}”请写全：名单一排序就会指到别人 / write it out: a sorted list points elsewhere"
        )
    if "\ufffd" in cell:
        raise InvalidInput(name, f"“{cell[:40]}”里有丢失的字 / holds a character that was lost")


def _code(name: str, cell: str) -> str:
    if isinstance(cell, Number) and cell.spoilt:
        raise InvalidInput(name, cell.spoilt)
    typed = isinstance(cell, AsTyped)
    if name == "external_id":
        return fields.code(name, cell, most=_MOST[name], typed=typed)
    if name == "device_id":
        return _device(cell, typed)
    reason = spreadsheets.spoilt(cell, typed=typed)
    if reason:
        raise InvalidInput(name, reason)
    value = fields.text(name, cell, most=_MOST[name], required=True)
    if name in ("name", "family_name"):
        return _name(name, value)
    if words.is_none(value) or not words.says_something(value):
        raise InvalidInput(name, f"“{value[:40]}”不是{_WHAT[name]} / is no {name}")
    return value


def _name(name: str, value: str) -> str:
    if words.is_none(value) or words.is_total(value):
        raise InvalidInput(name, f"“{value}”不是姓名 / is no name")
    if words.is_elsewhere(value):
        raise InvalidInput(name, f"“{value[:40]}”里有号码、地址或性别，请只写姓名 / is more or other than a name")
    if words.is_gone(value):
        raise InvalidInput(name, f"“{value}”：已不在的请不要列入 / says that they are gone: remove the row")
    if _LOST.search(value):
        raise InvalidInput(name, f"“{value}”里有丢失的字，请补上 / holds a character that was lost")
    if _SEVERAL_NAMES.search(value):
        raise InvalidInput(
            name, f"“{' '.join(value.split())}”不止一个人，一格写一位 / is more than one person: one in a cell"
        )
    if not any(char.isalpha() or ord(char) > 0x7FF for char in value):
        raise InvalidInput(name, f"“{value}”不是姓名 / is no name")
    return value


def _phone(name: str, cell: str) -> str:
    if isinstance(cell, Number) and cell.spoilt:
        raise InvalidInput(name, cell.spoilt)
    return fields.phone(name, cell)


def _birth(cell: str | date, today: date) -> tuple[date | None, bool]:
    if cell == "":
        return None, False
    if isinstance(cell, Number) and cell.spoilt:
        raise InvalidInput("birth_date", cell.spoilt)
    plain = fields.half_width(cell) if isinstance(cell, str) else ""
    match = _MONTH.fullmatch(plain)
    if match:
        return fields.birth_date("birth_date", f"{match[1]}-{match[2]}-1", today), True
    return fields.birth_date("birth_date", cell, today), False


def _device(cell: str, typed: bool) -> str:
    device_id = fields.code("device_id", cell, most=200, typed=typed)
    if not DEVICE_ID.fullmatch(device_id):
        raise InvalidInput("device_id", f"“{cell[:40]}”不是手环编号 / is not 1 to 64 of A-Z a-z 0-9 _ -")
    return device_id


def _across(entry: Entry) -> list[BadCell]:
    values = entry.values
    bad = [entry.bad(name, "不能为空 / must not be empty") for name in REQUIRED if name not in values]
    if ("home_lat" in values) != ("home_lon" in values):
        lacking = "home_lon" if "home_lat" in values else "home_lat"
        bad.append(entry.bad(lacking, "纬度和经度要么都有要么都没有 / latitude and longitude go together"))
    if values.get("home_lat") == 0 and values.get("home_lon") == 0:
        bad.append(
            entry.bad("home_lat", "0,0 是没有定位，不知道请留空 / is no place: leave it empty if it is not known")
        )
    if "family_phone" in values and "family_name" not in values:
        bad.append(entry.bad("family_name", "有电话而没有姓名 / has a telephone but no name"))
    return bad


def _likeness_of(entry: Entry, name: str) -> str | None:
    value = entry.values.get(name)
    return None if value is None else likeness.number(value)


def _doubles(entries: Iterable[Entry], key: Callable[[Entry], Any], name: str) -> list[BadCell]:
    first: dict[Any, Entry] = {}
    bad = []
    for entry in entries:
        found = key(entry)
        if found is None:
            continue
        earlier = first.setdefault(found, entry)
        if earlier is not entry:
            bad.append(entry.bad(name, _double(entry, earlier)))
    return bad


def _double(entry: Entry, earlier: Entry) -> str:
    where = f"工作表“{earlier.sheet}”" if earlier.sheet != entry.sheet else ""
    return f"与{where}第 {earlier.row} 行重复 / is in row {earlier.row} already"


def _same_person_twice(entries: Sequence[Entry]) -> list[BadCell]:
    """Rows that repeat a person. Name and address, or name and telephone, say who is who where births do not
    contradict."""
    known: dict[tuple[str, ...], dict[date | None, Entry]] = {}
    numbered = _numbers(entries)
    bad = []
    for entry in entries:
        keys = likenesses(entry.values)
        earlier = next((one for key in keys if (one := _alike(known.get(key, {}), entry))), None)
        same_number = (
            earlier is not None and numbered[earlier.place] and numbered[earlier.place] == numbered[entry.place]
        )
        if earlier is not None and not same_number:  # that one is told of its number already
            bad.append(entry.bad("name", _double(entry, earlier)))
        for key in keys:
            known.setdefault(key, {}).setdefault(entry.values.get("birth_date"), entry)
    return bad


def _alike(known: dict[date | None, Entry], entry: Entry) -> Entry | None:
    """The first of those who are alike, by birth, whose birth does not say that they are two."""
    born = entry.values.get("birth_date")
    return next(iter(known.values()), None) if born is None else known.get(born) or known.get(None)


def _numbers(entries: Iterable[Entry]) -> dict[tuple[str, int], str | None]:
    return {entry.place: _likeness_of(entry, "external_id") for entry in entries}


def likenesses(values: dict[str, Any]) -> list[tuple[str, ...]]:
    """The keys under which a person may be found again: name and address, name and telephone."""
    if not values.get("name"):
        return []
    name = likeness.key(values["name"])
    keys: list[tuple[str, ...]] = []
    if values.get("address"):
        keys.append(("address", name, likeness.address(values["address"])))
    if values.get("phone"):
        keys.append(("phone", name, values["phone"]))
    return keys


def one_person(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two who are alike may be one person by their births."""
    return likeness.may_be_one(one.get("birth_date"), other.get("birth_date"))
