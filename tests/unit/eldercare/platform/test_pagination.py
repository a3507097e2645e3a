"""Cursors continue where a page ended, and nothing else is taken for one."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.platform import pagination
from eldercare.platform.errors import InvalidInput

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(number=st.integers(-(2**63) + 1, 2**63 - 1), text=TEXT, moment=MOMENTS)
def test_what_was_encoded_comes_back(number: int, text: str, moment: datetime) -> None:
    cursor = pagination.encode("nouns", (number, text, moment))
    assert cursor.isascii()
    assert pagination.decode("nouns", cursor, (int, str, datetime)) == (number, text, moment)


def test_a_moment_keeps_its_microseconds() -> None:
    moment = datetime(2026, 5, 4, 4, 0, 0, 1, tzinfo=UTC)
    assert pagination.decode("nouns", pagination.encode("nouns", (moment, "王", -1)), (datetime, str, int)) == (
        moment,
        "王",
        -1,
    )


@given(st.text(max_size=500))
def test_anything_else_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        pagination.decode("nouns", cursor, (int,))
    assert refused.value.field == "cursor"


def forged(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("cursor", "types"),
    [
        (forged("others", 1), (int,)),
        (forged("nouns"), (int,)),
        (forged("nouns", "x" * 400), (str,)),
        (forged("nouns", 1, 2), (int,)),
        (forged("nouns", "1"), (int,)),
        (forged("nouns", True), (int,)),
        (forged("nouns", 2**63), (int,)),
        (forged("nouns", 1), (str,)),
        (forged("nouns", "a\0"), (str,)),
        (forged("nouns", 1), (datetime,)),
        (forged("nouns", "2026-01-01T00:00:00"), (datetime,)),
        (forged("nouns", "0001-01-01T00:00:00+00:00"), (datetime,)),
        (forged("nouns", "9999-12-31T23:59:59+00:00"), (datetime,)),
        (forged("nouns", "yesterday"), (datetime,)),
        (base64.urlsafe_b64encode(b"{}").decode(), (int,)),
        (base64.urlsafe_b64encode(b"[]").decode(), (int,)),
    ],
)
def test_a_forged_cursor_is_refused(cursor: str, types: tuple[type, ...]) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        pagination.decode("nouns", cursor, types)


def test_without_a_cursor_the_list_begins() -> None:
    assert pagination.decode("nouns", None, (int,)) is None


def test_a_page_has_a_next_one_only_where_more_was_found() -> None:
    assert pagination.page("nouns", [1, 2], 2, lambda item: (item,)) == pagination.Page([1, 2], None)
    page = pagination.page("nouns", [1, 2, 3], 2, lambda item: (item,))
    assert page.items == [1, 2]
    assert pagination.decode("nouns", page.next_cursor, (int,)) == (2,)


@pytest.mark.parametrize("limit", [0, -1, 11])
def test_a_limit_has_limits(limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        pagination.check_limit(limit, 10)
    assert pagination.check_limit(10, 10) == 10
