"""A time is read as RFC 3339 with an offset, and as nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from eldercare.platform.validation.moments import Moment

moment: TypeAdapter[Any] = TypeAdapter(Moment)
EIGHT = datetime(2026, 1, 31, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-01-31T08:00:00+08:00", "2026-01-31T08:00:00 08:00", "2026-01-31T00:00:00Z", "2026-01-31 00:00:00Z"]
)
def test_read(text: str) -> None:
    assert moment.validate_python(text) == EIGHT


@pytest.mark.parametrize(
    "text",
    ["2026-01-31", "1700000000", "2026-01-31T08:00:00", "yesterday", "", "1899-12-31T23:59:59Z"],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        moment.validate_python(text)


def test_a_time_stays_one() -> None:
    assert moment.validate_python(EIGHT) == EIGHT
