"""What people type, checked and brought into one form: telephone numbers, dates, yes and no, coordinates.

Pure. Each raises `InvalidInput(field, reason)`; the reason is Chinese first, with English beside it.
"""

import re
from datetime import date, datetime

from eldercare.errors import InvalidInput

MAX_TEXT = 4000
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_YES = {"是", "有", "√", "✓", "✔", "对", "yes", "y", "true", "1", "t", "☑"}
_NO = {"否", "无", "没有", "×", "✗", "✕", "x", "no", "n", "false", "0", "f", "", "-", "—", "/", "☐"}
_FEMALE = {"女", "女性", "female", "f", "woman"}
_MALE = {"男", "男性", "male", "m", "man"}
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_OLDEST = 1890


def half_width(text: str) -> str:
    """`text` with full-width letters, digits and signs as ASCII, trimmed."""
    return text.translate(_FULL_WIDTH).strip()


def text(field: str, value: str, *, most: int = MAX_TEXT, required: bool = False) -> str:
    """Trimmed text without control characters other than line breaks, at most `most` characters."""
    cleaned = "".join(char for char in value if char in "\n\t" or char.isprintable()).strip()
    if required and not cleaned:
        raise InvalidInput(field, "不能为空 / must not be empty")
    if len(cleaned) > most:
        raise InvalidInput(field, f"超过 {most} 个字 / has more than {most} characters")
    return cleaned


def phone(field: str, value: str) -> str:
    """A telephone number in E.164. Without a country, eleven digits from 1 are a Chinese mobile, and area code and
    number from 0 a Chinese landline."""
    digits = re.sub(r"[\s()\-.·]", "", half_width(value))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if re.fullmatch(r"1[3-9][0-9]{9}", digits):
        digits = "+86" + digits
    elif re.fullmatch(r"0[1-9][0-9]{8,10}", digits):
        digits = "+86" + digits[1:]
    elif re.fullmatch(r"861[3-9][0-9]{9}", digits):
        digits = "+" + digits
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", digits):
        raise InvalidInput(
            field,
            f"“{_shown(value)}”不是电话号码，例如 13812345678、021-62345678 或 +8613812345678"
            " / is no telephone number, such as 13812345678 or +8613812345678",
        )
    return digits


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
