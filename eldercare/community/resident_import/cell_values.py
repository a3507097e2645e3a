"""What a cell of a spreadsheet's file means: its kind, its value and its format made into what it shows. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from eldercare.community.resident_import import number_format
from eldercare.community.resident_import.cells import AsTyped, Cell, Number, Unreadable, typed
from eldercare.platform.validation import spreadsheets

_EAST_ASIAN_DATES = dict.fromkeys([*range(27, 37), *range(50, 59)], 'yyyy"年"m"月"d"日"')
"""Formats of a Chinese Excel that its files name by number only."""
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_TOO_LARGE = Decimal(10) ** spreadsheets.EXACT_DIGITS
_LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Styles:
    """The format of each style, and whether it marks its cells as typed text; `since_1904`: how days are counted."""

    formats: Sequence[str]
    typed: Sequence[bool]
    since_1904: bool

    @classmethod
    def of(cls, formats: Mapping[int, str], cells: Sequence[tuple[int, bool]], since_1904: bool) -> "Styles":
        """Make the styles from the file's own formats by number, and the number and mark of each style."""
        known = {**BUILTIN_FORMATS, **_EAST_ASIAN_DATES, **formats}
        return cls([known.get(number, "General") for number, _ in cells], [typed for _, typed in cells], since_1904)

    def format(self, style: str) -> str:
        """The format of a style; a style that is not there has none."""
        index = int(style)
        return self.formats[index] if 0 <= index < len(self.formats) else "General"

    def is_typed(self, style: str) -> bool:
        """Whether the style marks its cells as text, with an apostrophe."""
        index = int(style)
        return 0 <= index < len(self.typed) and self.typed[index]


def decoded(text: str) -> str:
    """`text` with the characters that XML cannot write, which a spreadsheet spells `_x000D_`."""
    if "_x" not in text:
        return text
    found = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def value_of(kind: str, value: str, style: str, formula: bool, strings: Sequence[str], styles: Styles) -> Cell:
    """What the cell shows. `kind` is its `t`, `value` the text of its value."""
    if formula and value == "" and kind != "str":
        return Unreadable("公式没有结果，请粘贴为数值 / is a formula without a result: paste it as a value")
    if kind == "s" and value:
        return _shared(value, style, strings, styles)
    if kind in ("inlineStr", "str", "s"):
        return _text(decoded(value), style, styles)
    value = value.strip()
    if value == "":
        return ""
    if kind == "e":
        return Unreadable(f"公式出错 {value} / is the error {value}")
    if kind == "b":
        return Number("1" if value in ("1", "true") else "0", value, f"是真假值，不是编号，{spreadsheets.ADVICE}")
    if kind == "d":
        return _iso(value)
    return _number(value, styles.format(style), styles.since_1904)


def _shared(value: str, style: str, strings: Sequence[str], styles: Styles) -> Cell:
    index = int(value) if value.strip().isdecimal() else -1
    if not 0 <= index < len(strings):
        return Unreadable("文字在文件里找不到 / is a text that the file does not hold")
    return _text(strings[index], style, styles)


def _text(text: str, style: str, styles: Styles) -> str:
    return AsTyped(text.strip()) if styles.is_typed(style) else typed(text)


def _iso(value: str) -> Cell:
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return Unreadable(f"“{value[:40]}”不是日期 / is no date")


def _number(raw: str, code: str, since_1904: bool) -> Cell:
    try:
        value = Decimal(raw)
    except InvalidOperation:
        return Unreadable(f"“{raw[:40]}”不是数 / is no number")
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST_NUMBER:
        return Unreadable(f"“{raw[:40]}”太大，不是数 / is too large a number")
    if is_date_format(code):
        return _day(float(value), since_1904)
    if abs(value) >= _TOO_LARGE:
        shown = str(int(value))
        return Number(
            shown,
            raw,
            f"“{shown}”超过 {spreadsheets.EXACT_DIGITS} 位，后面的数字已被 Excel 变成 0，{spreadsheets.ADVICE}",
        )
    value = Decimal(f"{float(value):.15g}")
    shown_as = number_format.shown(value, code)
    if shown_as is None:
        return Number(number_format.plain(value), raw, f"按“{code}”显示，不是原来写的样子，{spreadsheets.ADVICE}")
    return Number(shown_as, raw, _why_spoilt(shown_as, value))


def _why_spoilt(shown: str, value: Decimal) -> str | None:
    if value < 0 or value != value.to_integral_value():
        return f"“{shown}”是小数或负数，{spreadsheets.ADVICE}"
    return spreadsheets.spoilt(shown)


def _day(serial: float, since_1904: bool) -> date | Unreadable:
    epoch = CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900
    try:
        found = from_excel(serial, epoch)
    except (ValueError, OverflowError):
        return Unreadable("不是日期 / is no date")
    if isinstance(found, datetime) and serial >= 1:
        return found.date()
    return Unreadable("不是日期 / is no date")
