"""Cursor pages: stable while rows come and go, and opaque to whoever turns them."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson

from eldercare.platform.errors import InvalidInput

T = TypeVar("T")

MAX_CURSOR_CHARS = 400


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and, where there are more, the cursor that continues after the last one."""

    items: list[T]
    next_cursor: str | None = None


def check_limit(limit: int, most: int) -> int:
    """`limit` itself. Raises InvalidInput outside 1 to `most`."""
    if not 1 <= limit <= most:
        raise InvalidInput("limit", f"{limit} is not 1 to {most}")
    return limit


def encode(noun: str, key: Sequence[int | str | datetime]) -> str:
    """The cursor after the row with this sort key, for lists of `noun` only."""
    raw = orjson.dumps([noun, *key])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(noun: str, cursor: str | None, types: Sequence[type]) -> tuple[Any, ...] | None:
    """The sort key in a cursor of `noun`, one value for each of `types` (int, str, aware datetime), None without one.

    Raises InvalidInput("cursor") for anything that `encode` did not make for this noun.
    """
    if cursor is None:
        return None
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, *key = orjson.loads(raw)
        if found != noun or len(key) != len(types):
            raise ValueError("of another list")
        return tuple(_value(value, kind) for value, kind in zip(key, types, strict=True))
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidInput("cursor", "is none of this list; start again without one") from error


def page(noun: str, items: list[T], limit: int, key: Callable[[T], Sequence[int | str | datetime]]) -> Page[T]:
    """The page of `items`, of which the caller fetched up to `limit` + 1."""
    if len(items) <= limit:
        return Page(items)
    kept = items[:limit]
    return Page(kept, encode(noun, key(kept[-1])))


def _value(value: object, kind: type) -> object:
    if kind is datetime:
        if not isinstance(value, str):
            raise ValueError("no time")
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None or not 1900 <= moment.year <= 2200:
            raise ValueError("no time of ours")
        return moment
    if type(value) is not kind:
        raise ValueError("of another type")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("no text")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("too large")
    return value
