"""What people type, checked and brought into one form: telephone numbers, dates, yes and no, coordinates.

Pure. Each raises `InvalidInput(field, reason)`; the reason is Chinese first, with English beside it.
"""

import re
import unicodedata
from datetime import date, datetime

from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import spreadsheets, telephone

MAX_TEXT = 4000
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_YES = {"是", "有", "√", "✓", "✔", "对", "yes", "y", "true", "1", "t", "☑"}
_NO = {"否", "无", "没有", "×", "✗", "✕", "x", "no", "n", "false", "0", "f", "", "-", "—", "/", "☐"}
_FEMALE = {"女", "女性", "female", "f", "woman"}
_MALE = {"男", "男性", "male", "m", "man"}
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_OLDEST = 1890
FIRST_YEAR, LAST_YEAR = 1900, 2200
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters, but for tabs and line breaks."""
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def half_width(text: str) -> str:
    """`text` with full-width letters, digits and signs as ASCII, trimmed."""
    return text.translate(_FULL_WIDTH).strip()


def utf16_units(text: str) -> int:
    """How long `text` is to a telephone network or a browser: a character beyond the first plane counts twice."""
    return len(text) + sum(char > "\uffff" for char in text)


def text(field: str, value: str, *, most: int = MAX_TEXT, required: bool = False) -> str:
    """`value` trimmed, without control characters other than line breaks and tabs, at most `most` characters.

    Nothing else goes: rare names are written with characters that only the newest tables know, or with private ones.
    """
    cleaned = CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if _HALF_CHARACTER.search(cleaned):
        raise InvalidInput(field, "有半个字符，请重新输入 / has half a character: type it again")
    if required and not any(unicodedata.category(char) not in _INVISIBLE for char in cleaned):
        raise InvalidInput(field, "不能为空 / must not be empty")
    if len(cleaned) > most:
        raise InvalidInput(field, f"超过 {most} 个字 / has more than {most} characters")
    return cleaned


def code(field: str, value: str, *, most: int, typed: bool = False) -> str:
    """A number or sign that names somebody or something: half width, without what is invisible.

    Raises InvalidInput for an empty one, for two in one, and for one that a spreadsheet has spoilt; `typed` as
    `spreadsheets.spoilt` has it.
    """
    seen = "".join(char for char in half_width(value) if unicodedata.category(char) != "Cf")
    plain = text(field, seen, most=most, required=True)
    if len(plain.splitlines()) > 1:
        raise InvalidInput(field, f"“{' '.join(plain.split())}”分成了几行，请只留一个 / is several lines: leave one")
    reason = spreadsheets.spoilt(plain, typed=typed)
    if reason:
        raise InvalidInput(field, reason)
    return plain


def phone(field: str, value: str) -> str:
    """A telephone number in E.164, as `telephone.e164` has it. Raises InvalidInput for one that would ring nobody."""
    return telephone.e164(field, value)


def masked(number: str) -> str:
    """The last four digits of a telephone number: enough to know it again, not enough to ring it."""
    return f"…{number[-4:]}"


def flag(field: str, value: str) -> bool:
    """是/否, √, yes/no, 1/0, in any case; an empty cell is no."""
    word = half_width(value).lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise InvalidInput(field, f"“{_shown(value)}”不是“是”或“否” / is neither yes nor no")


def gender(field: str, value: str) -> str:
    """`female` or `male`, from 女/男 or English."""
    word = half_width(value).lower()
    if word in _FEMALE:
        return "female"
    if word in _MALE:
        return "male"
    raise InvalidInput(field, f"“{_shown(value)}”不是“男”或“女” / is neither male nor female")


def birth_date(field: str, value: str | date | datetime, today: date) -> date:
    """A day between 1890 and `today`: 1938-05-02, 1938/5/2, 1938.5.2, 1938年5月2日, 19380502."""
    found = _date(field, value)
    if not (found.year >= _OLDEST and found <= today):
        raise InvalidInput(field, f"{found} 不在 {_OLDEST} 年至今天之间 / is not between {_OLDEST} and today")
    return found


def moment(field: str, value: datetime) -> datetime:
    """A time with an offset between 1900 and 2200. A time at the ends of the calendar can be stored and not be read: in
    another zone it is before the first or after the last year there is."""
    if value.tzinfo is None:
        raise InvalidInput(field, "没有时区 / should be a time with an offset")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        reason = f"不在 {FIRST_YEAR} 年至 {LAST_YEAR} 年之间 / is not within the years {FIRST_YEAR} to {LAST_YEAR}"
        raise InvalidInput(field, reason)
    return value


def latitude(field: str, value: str | float) -> float:
    """Degrees, WGS-84, -90 to 90."""
    return _degrees(field, value, 90)


def longitude(field: str, value: str | float) -> float:
    """Degrees, WGS-84, -180 to 180."""
    return _degrees(field, value, 180)


def _date(field: str, value: str | date | datetime) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    words = half_width(value)
    match = _DATE.fullmatch(words) or _COMPACT_DATE.fullmatch(words)
    try:
        if match:
            return date(*(int(part) for part in match.groups()))
    except ValueError:
        pass
    raise InvalidInput(
        field, f"“{_shown(value)}”不是日期，例如 1938-05-02 或 1938年5月2日 / is no date, such as 1938-05-02"
    )


def _degrees(field: str, value: str | float, most: int) -> float:
    try:
        found = float(half_width(value) if isinstance(value, str) else value)
    except ValueError:
        found = float("nan")
    if not -most <= found <= most:
        raise InvalidInput(field, f"“{_shown(str(value))}”不是 ±{most} 之间的度数 / is no degree between ±{most}")
    return found


def _shown(value: str) -> str:
    return value if len(value) <= 40 else value[:40] + "…"
