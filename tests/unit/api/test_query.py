"""Times in a query."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.query import Moment, span

moment: TypeAdapter[Any] = TypeAdapter(Moment)
EIGHT = datetime(2026, 1, 31, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-01-31T08:00:00+08:00", "2026-01-31T08:00:00 08:00", "2026-01-31T00:00:00Z", "2026-01-31 00:00:00Z"]
)
def test_read(text: str) -> None:
    assert moment.validate_python(text) == EIGHT


@pytest.mark.parametrize("text", ["2026-01-31", "1700000000", "2026-01-31T08:00:00", "yesterday", ""])
def test_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        moment.validate_python(text)


def test_the_last_day_unless_said_otherwise() -> None:
    assert span(None, None, EIGHT) == (EIGHT - timedelta(days=1), EIGHT)
    early = EIGHT - timedelta(days=9)
    assert span(None, early, EIGHT) == (early - timedelta(days=1), early)
    assert span(early, None, EIGHT) == (early, EIGHT)
