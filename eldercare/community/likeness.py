"""When two ways of writing are the same: of names, addresses, numbers of a list, and grids. Pure.

A key is for comparing only; what was written is what is kept and shown.
"""

import re
import unicodedata
from datetime import date

_DOTS_AND_DASHES = re.compile(r"[·•・‧∙⋅･．.。,，、\-‐‑‒–—―−_'’`()（）]")
_NUMERALS = {char: value // 2 for value, char in enumerate("零〇一壹二贰三叁四肆五伍六陆七柒八捌九玖")} | {"两": 2}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100}
_NUMBER = "[0-9]+|[零〇一壹二贰两三叁四肆五伍六陆七柒八捌九玖十拾百佰]+"
_GRID_BEFORE = re.compile(rf"(?:no\.?)?第?({_NUMBER})[号#]?(?:网格|格)(?!员)")
_GRID_AFTER = re.compile(rf"(?:网格|grid)(?:no\.?)?第?({_NUMBER})[号#]?")
_BARE = re.compile(rf"(?:no\.?)?第?({_NUMBER})[号#]?")


_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def key(text: str) -> str:
    """`text` in one width and case, without blanks, what is invisible, dots and dashes."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    return _DOTS_AND_DASHES.sub("", "".join(char for char in narrow if unicodedata.category(char) not in _UNSEEN))


def address(text: str) -> str:
    """The key of an address, in which a dash, in whichever form it is written, parts house from room."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(char for char in narrow if unicodedata.category(char) not in _UNSEEN)
    return re.sub(r"[,，、.。·()（）]", "", re.sub(r"[‐‑‒–—―−－_]", "-", seen))


def number(text: str) -> str:
    """The key of a number of a list, in which dots and dashes mean something."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in narrow if unicodedata.category(char) not in _UNSEEN)


def grid(text: str) -> str:
    """The key of a grid: 第3网格, 3网格, 三号网格 and 网格3 are one."""
    plain = re.sub(r"第(?=[0-9]+-)", "", re.sub(r"[‐‑‒–—―−－_]", "-", number(text)))
    whole = _BARE.fullmatch(plain)
    if whole:
        return f"#{_value(whole[1])}"
    for pattern in (_GRID_BEFORE, _GRID_AFTER):
        plain = pattern.sub(lambda match: f"#{_value(match[1])}", plain)
    return plain


def _value(numeral: str) -> str:
    """The number that a numeral means, as digits; one that is none (五一) stays as it is."""
    if numeral.isdecimal():
        return str(int(numeral))
    total, digit = 0, None
    for char in numeral:
        if char in _UNITS:
            if digit == 0:
                return numeral
            total, digit = total + (1 if digit is None else digit) * _UNITS[char], None
        elif digit not in (None, 0):
            return numeral
        else:
            digit = _NUMERALS[char]
    return str(total + (digit or 0))


def may_be_one(one: date | None, other: date | None) -> bool:
    """Whether two births do not contradict that it is one person."""
    return one is None or other is None or one == other
