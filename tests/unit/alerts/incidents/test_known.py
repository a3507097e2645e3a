"""Until when whoever resolves an incident knows of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.incidents import known
from alerts.model.incident import Severity
from eldercare.platform.errors import InvalidInput

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ON: dict[str, Any] = {"reason": "high_warning", "episode_at": NOW.isoformat()}
OVER = {**ON, "cleared_at": NOW.isoformat()}
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("severity", "known_for", "until"),
    [
        (Severity.WARNING, None, None),
        (Severity.URGENT, None, None),
        (Severity.WARNING, 3 * HOUR, NOW + 3 * HOUR),
        (Severity.WARNING, NOW + 168 * HOUR, NOW + 168 * HOUR),
        (Severity.TASK, NOW + 72 * HOUR, NOW + 72 * HOUR),
        (Severity.URGENT, NOW + 12 * HOUR, NOW + 12 * HOUR),
        (Severity.URGENT, 4 * HOUR, NOW + 4 * HOUR),
        (Severity.URGENT, 168 * HOUR, NOW + 12 * HOUR),
    ],
)
def test_it_is_known_until_whoever_resolves_it_says(
    severity: Severity, known_for: datetime | timedelta | None, until: datetime | None
) -> None:
    assert known.until(severity, ON, known_for, NOW) == until


@pytest.mark.parametrize(
    ("severity", "detail", "known_for", "why"),
    [
        (Severity.WARNING, ON, NOW, "after now"),
        (Severity.WARNING, ON, NOW - HOUR, "after now"),
        (Severity.WARNING, ON, NOW + timedelta(days=7, seconds=1), "at most 168 hours"),
        (Severity.URGENT, ON, NOW + timedelta(hours=12, seconds=1), "at most 12 hours"),
        (Severity.WARNING, OVER, NOW + HOUR, "nothing goes on"),
        (Severity.SOS, {}, NOW + HOUR, "nothing goes on"),
    ],
)
def test_a_time_that_cannot_be_is_refused(
    severity: Severity, detail: dict[str, Any], known_for: datetime | timedelta, why: str
) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        known.until(severity, detail, known_for, NOW)
    assert refused.value.field == "known_until"


def test_what_she_has_called_well_is_of_an_urgent_episode() -> None:
    assert known.gravest(Severity.WARNING, "well") is Severity.URGENT
    assert known.gravest(Severity.WARNING, "help") is known.gravest(Severity.WARNING, None) is Severity.WARNING
    assert known.gravest(Severity.TASK, "well") is Severity.TASK


def test_a_choice_made_while_it_went_on_means_nothing_once_it_is_over() -> None:
    assert known.until(Severity.WARNING, OVER, 24 * HOUR, NOW) is None


@pytest.mark.parametrize("severity", Severity)
def test_what_a_page_offers_is_allowed_and_holds_the_default(severity: Severity) -> None:
    offered = known.choices(severity)
    assert known.by_default(severity) in offered
    assert [known.until(severity, ON, each, NOW) for each in offered] == [NOW + each for each in offered]
