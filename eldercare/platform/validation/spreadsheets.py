"""How a spreadsheet spoils what was typed: numbers shortened to fifteen digits, codes turned into dates. Pure."""

import re
import unicodedata

SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+[eE][+-]?\s?[0-9]+|[eE][+-][0-9]+)")
"""`3.10101E+17`, as a narrow or long number is shown; `3E12`, without point and sign, may be a code."""
EXACT_DIGITS = 15
"""How many digits of a number a spreadsheet keeps; it puts zeros in the place of the others."""

_POINT_ZERO = re.compile(r"[0-9]+\.0+")
_PERCENT = re.compile(r"[0-9.,]+\s?%")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    r"[0-9]{1,2}月[0-9]{1,2}日|[0-9]{4}年[0-9]{1,2}月(?:[0-9]{1,2}日)?|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}(?: [0-9:]+)?"
    rf"|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?: [0-9:]+)?|[0-9]{{1,2}}-(?:{_MONTHS})(?:-[0-9]{{2,4}})?"
    rf"|(?:{_MONTHS})-[0-9]{{2,4}}",
    re.IGNORECASE,
)
_ERRORS = re.compile(r"#+|#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA)", re.IGNORECASE)

ADVICE = "请把这一列设为“文本”，照原始资料重填 / set the column to text and fill it in again from the source"


def error(text: str) -> str | None:
    """Why `text` is a spreadsheet's error rather than a value, or None."""
    if _ERRORS.fullmatch(text):
        return f"是出错或太窄的格子 {text} / is an error, or was too narrow to show"
    return None


def spoilt(text: str, *, typed: bool = False) -> str | None:
    """Why the code `text` (a number of somebody, a name of a grid, a door) is not what was typed, or None.

    `typed`: its writer has marked it as text, so that zeros at its end are its own.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if SCIENTIFIC.fullmatch(plain):
        return f"“{plain}”被 Excel 缩成了科学记数，后面的数字已丢失，{ADVICE}"
    if not typed and plain.isdecimal() and len(plain) > EXACT_DIGITS and not plain[EXACT_DIGITS:].strip("0"):
        return f"“{plain}”第 {EXACT_DIGITS} 位以后被 Excel 变成了 0；确实如此请在前面加 ' ，否则{ADVICE}"
    if _POINT_ZERO.fullmatch(plain):
        return f"“{plain}”末尾的 .0 是 Excel 加的，{ADVICE}"
    if _PERCENT.fullmatch(plain):
        return f"“{plain}”是百分数，{ADVICE}"
    if _DATE.fullmatch(plain):
        return f"“{plain}”被 Excel 变成了日期，{ADVICE}"
    return None
