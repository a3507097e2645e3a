"""Reads JSON of a band that is nearly right: what can be read is read, and what is broken costs only itself. Pure."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Number(str):
    """A number as it was written: no digit of it is lost."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """An object as it was written: its members in their order. A name that comes twice stands there twice."""

    __slots__ = ()


class Unreadable(Exception):
    """The payload is no JSON; the message says why."""


MOST_DIGITS = 400
"""A whole number with more digits is taken as infinite: converting it takes time, and no field can hold it."""

_AROUND = "\ufeff\0 \t\r\n"
"""What firmware puts around its JSON: byte order marks, the end of a C string."""
_EXACT = json.JSONDecoder(object_pairs_hook=Members, parse_int=Number, parse_float=Number, strict=False)


def texts(payload: bytes) -> Iterator[str]:
    """The texts that the bytes may be, the likeliest first. UTF-16 and UTF-32 show by their zeros, as JSON begins in
    ASCII.

    A byte that is not UTF-8 becomes a lone surrogate, and costs the text that it stands in. GB18030 comes last, because
    an ASCII character in it may be half of another.
    """
    if payload.isascii() and b"\0" not in payload[:4]:
        yield payload.decode("ascii").strip(_AROUND)
        return
    encoding = json.detect_encoding(payload)
    if not encoding.startswith("utf-8"):
        yield payload.decode(encoding, "replace").strip(_AROUND)
    yield payload.decode("utf-8", "surrogateescape").strip(_AROUND)
    try:
        yield payload.decode("gb18030").strip(_AROUND)
    except UnicodeDecodeError:
        return


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else float("inf")


_PLAIN = json.JSONDecoder(parse_int=_whole, strict=False)


def value(payload: bytes) -> Any:
    """The JSON in `payload`, where only what stands around it or a number (NaN, 1e999) is wrong. Raises Unreadable."""
    return _decoded(_PLAIN, payload)


def _decoded(decoder: json.JSONDecoder, payload: bytes) -> Any:
    said = ""
    for text in texts(payload):
        try:
            return decoder.decode(text)
        except (ValueError, RecursionError) as error:
            said = said or str(error)
    raise Unreadable(said)


class Salvaged(NamedTuple):
    """What could be read of an object. `exact`: all of it, as JSON has it; `empty`: the payload says nothing at all."""

    members: Members
    exact: bool
    empty: bool


def read(payload: bytes) -> Salvaged:
    """The members of the first object in `payload`, in arrays too, whatever else is wrong with it; perhaps none."""
    try:
        body = _decoded(_EXACT, payload)
    except Unreadable:
        walked = [_walk(text[:MOST_WALKED]) for text in texts(payload)]
        return Salvaged(max(walked, key=len), False, not payload.strip(b"\0 \t\r\n"))
    if type(body) is str:  # JSON within JSON
        return Salvaged(_walk(body[:MOST_WALKED]), False, not body)
    members, empty = _first(body)
    return Salvaged(members, True, empty)


def _first(body: Any) -> tuple[Members, bool]:
    waiting, empty = [body], True
    while waiting:
        each = waiting.pop()
        if isinstance(each, Members):
            return each, empty and not each
        if isinstance(each, list):
            waiting += reversed(each)
        elif not (each is None or isinstance(each, bool)):
            empty = False
    return Members(), empty


_KEY = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*+)"|'([^'\\]*+)'|([A-Za-z_]\w*+))\s*:\s*""", re.S)
_QUOTED = re.compile(r"'([^'\\]*+)'")
_QUOTE = re.compile(r"""\s*["']""")
_COMPLETE = re.compile(r"""\s*(?:[}"']|,\s*(?:["'A-Za-z_}]|\Z))""")
"""What follows a complete number. One that breaks off, or goes on behind a comma (31,2), is not the number that was
meant."""
_PART = re.compile(r'"(?:[^"\\]|\\.)*+"?|[][{},]', re.S)
_NEXT = re.compile(r',\s*"\w+"\s*:')
MOST_WALKED = 8192
"""How many characters are read of what is no JSON; a press has some hundred."""
MOST_BROKEN, MOST_READ = 32, 1000
"""How many members of a broken object are skipped and read, so that no payload takes long."""


def _walk(text: str) -> Members:
    """Read the first object member by member. A member that cannot be read is skipped."""
    found = Members()
    at, broken = text.find("{") + 1, 0
    while 0 < at < len(text) and broken < MOST_BROKEN and len(found) < MOST_READ:
        key = _KEY.match(text, at)
        read = key and _value(text, key.end())
        if not key or not read:
            broken += 1
            at = _passed(text, key.end() if key else at)
            continue
        said, end = read
        found.append((next(part for part in key.groups() if part is not None), said))
        at = end if _QUOTE.match(text, end) else _passed(text, end)
    return found


def _value(text: str, at: int) -> tuple[Any, int] | None:
    """The complete value that begins at `at`, and where it ends; or None."""
    quoted = _QUOTED.match(text, at)
    if quoted:
        return quoted[1], quoted.end()
    try:
        said, end = _EXACT.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return None if isinstance(said, Number) and not _COMPLETE.match(text, end) else (said, end)


def _passed(text: str, at: int) -> int:
    """The place behind the next comma of this object, or of any where brackets do not match; else the end of the
    text."""
    depth = 0
    for part in _PART.finditer(text, at):
        mark = part[0]
        if mark == "," and not depth:
            return part.end()
        depth += (mark in "[{") - (mark in "]}")
        if depth < 0:
            return len(text)
    following = _NEXT.search(text, at)
    return following.start() + 1 if following else len(text)


def last_good(members: Members, name: str, take: Callable[[Any], Any]) -> Any:
    """What the last readable member of this name says, or None. `take` raises ValueError for one it cannot take."""
    for key, said in reversed(members):
        if key == name and said is not None:
            try:
                return take(said)
            except ValueError:
                continue
    return None


def plain(said: Any) -> Any:
    """A value of `members` as Python has it: whole numbers and fractions."""
    if isinstance(said, Number):
        return _whole(said) if said.lstrip("-").isdecimal() else float(said)
    return said


def written(said: Any) -> str:
    """A value of `members` as JSON in ASCII, its numbers as they were written. Raises ValueError for NaN in it."""
    if isinstance(said, Number):
        return str(said)
    if isinstance(said, Members):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(each)}" for key, each in said) + "}"
    if isinstance(said, list):
        return "[" + ", ".join(written(each) for each in said) + "]"
    return json.dumps(said, allow_nan=False)
