"""What a number of a spreadsheet shows under its format, as far as a list needs it: codes with leading zeros. Pure."""

import re
from decimal import ROUND_HALF_UP, Decimal

GENERAL = "General"
MOST_DECIMALS = 15
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_(?P<blank>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General|G/通用格式|@)|(?P<digit>[0#?])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_COLOUR = re.compile(
    r"black|blue|cyan|green|magenta|red|white|yellow|黑色|蓝色|青色|绿色|洋红|红色|白色|黄色|(?:color|颜色)\s*[0-9]+",
    re.IGNORECASE,
)
_CURRENCY = re.compile(r"\$([^-]*)(?:-[0-9A-Fa-f]+)?")
_UNKNOWN = frozenset(",%/EeYyMmDdHhSsAaBb")
"""Thousands, percent, fractions, powers of ten, parts of dates: what they show is not what was typed."""


def plain(value: Decimal) -> str:
    """The number as typed: without a point where it is whole, with at most fifteen digits otherwise."""
    if value == value.to_integral_value():
        return str(int(value))
    return f"{float(value):.15g}"


def shown(value: Decimal, code: str) -> str | None:
    """The text that `value` shows under the format `code`, or None where that is not known here."""
    sections = _sections(code)
    negative = value < 0
    if negative and len(sections) > 1:
        section, negative = sections[1], False
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    else:
        section = sections[0]
    found = _fill(abs(value), section)
    return f"-{found}" if found is not None and negative else found


def _sections(code: str) -> list[str]:
    sections = [""]
    for match in _TOKEN.finditer(code):
        if match["other"] == ";":
            sections.append("")
        else:
            sections[-1] += match[0]
    return sections


def _fill(value: Decimal, section: str) -> str | None:
    parts = _parts(section)
    if parts is None:
        return None
    digits = [index for index, (kind, _) in enumerate(parts) if kind == "digit"]
    generals = [index for index, (kind, _) in enumerate(parts) if kind == "general"]
    if generals:
        return None if digits or len(generals) > 1 else _texts(parts, {generals[0]: plain(value)})
    points = [index for index, (kind, _) in enumerate(parts) if kind == "point"]
    if not digits:
        return _texts(parts, {}) if not points else None
    if len(points) > 1:
        return None
    point = points[0] if points else len(parts)
    before, after = [index for index in digits if index < point], [index for index in digits if index > point]
    if len(after) > MOST_DECIMALS or not before:
        return None
    rounded = value.quantize(Decimal(1).scaleb(-len(after)), ROUND_HALF_UP) if value < Decimal(10) ** 15 else None
    if rounded is None:
        return None
    whole, _, fraction = f"{rounded:f}".partition(".")
    return _texts(parts, _placed(parts, before, whole.lstrip("0")) | dict(zip(after, fraction, strict=True)))


def _placed(parts: list[tuple[str, str]], places: list[int], whole: str) -> dict[int, str]:
    """The digits of `whole` from the right; what has no place of its own stands before the first."""
    placed: dict[int, str] = {}
    for index in reversed(places):
        first = index == places[0]
        digit = whole if first and whole else whole[-1:]
        placed[index] = digit or {"0": "0", "?": " ", "#": ""}[parts[index][1]]
        whole = "" if first else whole[:-1]
    return placed


def _texts(parts: list[tuple[str, str]], placed: dict[int, str]) -> str:
    return "".join(placed.get(index, text) for index, (_, text) in enumerate(parts)).strip()


def _parts(section: str) -> list[tuple[str, str]] | None:
    parts: list[tuple[str, str]] = []
    for match in _TOKEN.finditer(section):
        kind = str(match.lastgroup)
        text = match[kind]
        if kind == "bracket":
            currency = _CURRENCY.fullmatch(text)
            if currency:
                parts.append(("text", currency[1]))
            elif not _COLOUR.fullmatch(text):
                return None
        elif kind in ("digit", "general"):
            parts.append((kind, text))
        elif kind in ("quoted", "escaped"):
            parts.append(("text", text))
        elif kind == "blank":
            parts.append(("text", " "))
        elif kind == "other":
            if text in _UNKNOWN:
                return None
            parts.append(("point" if text == "." else "text", text))
    return parts
