"""Times in a query."""

from datetime import UTC, datetime, timedelta

from api.query import span

EIGHT = datetime(2026, 1, 31, 0, 0, tzinfo=UTC)


def test_the_last_day_unless_said_otherwise() -> None:
    assert span(None, None, EIGHT) == (EIGHT - timedelta(days=1), EIGHT)
    early = EIGHT - timedelta(days=9)
    assert span(None, early, EIGHT) == (early - timedelta(days=1), early)
    assert span(early, None, EIGHT) == (early, EIGHT)
