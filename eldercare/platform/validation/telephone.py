"""Telephone numbers as people write them, brought into E.164 by the numbering plans of the world. Pure.

A number that no plan knows would ring nobody, so it is refused where it comes in. The one exception is +999, assigned
to nobody: what is invented is written so, and no real channel takes it.
"""

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation.spreadsheets import SCIENTIFIC

REGION = "CN"
"""Whose plan a number without a country follows."""
INVENTED = re.compile(r"\+999[0-9]{4,12}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣－─⁃·•・.", "-"))
_APART = re.compile(r"[/\\,;|、\n]|或|和|及|\bor\b|\band\b")
_EXTENSION = re.compile(r"转|分机|ext|x|#|\b0[0-9]{2,3}\)?[- ]?[0-9]{7,8}-[0-9]{1,6}$|^1[3-9][0-9]{9}-[0-9]{1,6}$")
_LABEL = re.compile(r"^(?:tel|phone|mobile|电话|手机|联系电话)\s*:?\s*")
_EXAMPLE = "例如 13812345678、021-62345678 或 +8613812345678"


def e164(field: str, value: str) -> str:
    """`value` in E.164. Without a country it is Chinese: eleven digits from 1, or area code and number from 0.

    Raises InvalidInput saying what is wrong with it: an area code is missing, there are two of them, Excel has
    shortened it, it is a short number or one with an extension, or no such number exists.
    """
    plain = _LABEL.sub("", _plain(value))
    _refuse_unfit(field, value, plain)
    digits = re.sub(r"[^0-9+]", "", plain)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if INVENTED.fullmatch(digits):
        return digits
    try:
        number = phonenumbers.parse(digits, REGION)
    except NumberParseException:
        raise _refused(field, value, *_why(digits)) from None
    found = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    fits = phonenumbers.is_valid_number(number) and E164.fullmatch(found)
    if not fits or phonenumbers.number_type(number) == PhoneNumberType.PREMIUM_RATE:
        raise _refused(field, value, *_why(digits))
    return found


def known(number: str) -> bool:
    """Whether the E.164 `number` may ring somebody by the numbering plans, or is an invented one."""
    try:
        return e164("phone", number) == number
    except InvalidInput:
        return False


def caller(value: str) -> str:
    """The E.164 number of whoever calls or texts us; empty where it is withheld or none.

    A number that no plan knows stays as it came: whoever is there already with it must not be taken for a stranger.
    """
    try:
        return e164("caller", value)
    except InvalidInput:
        plain = re.sub(r"[\s()-]", "", _plain(value))
        return plain if E164.fullmatch(plain) else ""


def _plain(value: str) -> str:
    """Half width, one kind of dash and blank, without what is invisible, as numbers copied from elsewhere have it."""
    narrow = unicodedata.normalize("NFKC", value.replace("\r", "\n"))
    visible = "".join(char for char in narrow if char == "\n" or unicodedata.category(char) not in ("Cf", "Cc", "Mn"))
    return visible.strip().lstrip("'`").translate(_DASHES).strip().lower()


def _refuse_unfit(field: str, value: str, plain: str) -> None:
    if SCIENTIFIC.fullmatch(plain.replace("-", ".")):
        raise _refused(field, value, "被 Excel 缩成了科学记数，后面的数字已丢失", "was shortened by Excel")
    if re.fullmatch(r"\+?[0-9]+-0+", plain) and "." in value:
        raise _refused(field, value, "末尾的 .0 是 Excel 加的，请改成文本", "has a .0 that Excel has put there")
    parts = [part for part in _APART.split(plain) if _digits(part) >= 5]
    if len(parts) > 1 or sum(_digits(part) >= 7 for part in plain.split()) > 1:
        raise _refused(field, value, "一格里有两个号码，请只留一个", "is more than one number: leave one")
    if _EXTENSION.search(plain):
        raise _refused(
            field, value, "带分机，系统拨不到分机，请写直线或手机", "has an extension, which cannot be dialled"
        )
    if not re.fullmatch(r"[+(]{0,2}[0-9][0-9()\- ]*", plain):
        raise _refused(field, value, f"不是电话号码，请只写号码，{_EXAMPLE}", "is no telephone number")


def _digits(text: str) -> int:
    return sum(char.isdecimal() for char in text)


def _why(digits: str) -> tuple[str, str]:
    if len(digits) <= 6:
        return "是短号或公共服务号，拨不到这个人", "is a short number, which rings nobody's own telephone"
    if re.fullmatch(r"[2-9][0-9]{6,7}", digits):
        return "缺区号，例如 021-62345678", "lacks its area code"
    return f"不是电话号码（没有这样的号码），{_EXAMPLE}", "is no telephone number: none exists of this kind"


def _refused(field: str, value: str, zh: str, en: str) -> InvalidInput:
    shown = value if len(value) <= 40 else value[:40] + "…"
    return InvalidInput(field, f"“{' '.join(shown.split())}”{zh} / {en}")
