"""How long whoever resolves an incident knows of it while its episode goes on. Pure.

Until then the same episode opens none, unless it gets graver; another episode always opens one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.incidents.case import Said
from alerts.model.incident import Severity
from eldercare.platform.errors import InvalidInput

KNOWN = timedelta(hours=12)
KNOWN_URGENT = timedelta(hours=2)
"""How long it is without a word of theirs; nothing gets graver than urgent."""
LONGEST = timedelta(days=7)
LONGEST_URGENT = timedelta(hours=12)
CHOICES = tuple(timedelta(hours=hours) for hours in (12, 24, 72, 168))
CHOICES_URGENT = tuple(timedelta(hours=hours) for hours in (2, 4, 8, 12))
"""What a page offers."""


def by_default(severity: Severity) -> timedelta:
    """How long it is known without a word of whoever resolves it."""
    return KNOWN_URGENT if severity is Severity.URGENT else KNOWN


def gravest(severity: Severity, wearer_said: str | None) -> Severity:
    """How grave its episode is: what the wearer, who was asked, has called well is a warning, and was urgent."""
    return Severity.URGENT if wearer_said == Said.WELL and severity is Severity.WARNING else severity


def choices(severity: Severity) -> tuple[timedelta, ...]:
    """What whoever resolves one of this severity may choose from on a page."""
    return CHOICES_URGENT if severity is Severity.URGENT else CHOICES


def goes_on(detail: Mapping[str, Any]) -> bool:
    """Whether the incident with this detail is of an episode that is not over."""
    return "episode_at" in detail and "cleared_at" not in detail


def until(
    severity: Severity, detail: Mapping[str, Any], known_for: datetime | timedelta | None, now: datetime
) -> datetime | None:
    """Until when an incident that is resolved at `now` is known; None: for as long as it is by default.

    A length of time was offered by a page before the incident was held. It means nothing once the episode is over, and
    is cut where it has got graver. Raises InvalidInput for `known_until`: a moment while nothing goes on, or one that
    is past or too far off.
    """
    if known_for is None:
        return None
    if not goes_on(detail):
        if isinstance(known_for, timedelta):
            return None
        raise InvalidInput("known_until", "nothing goes on that would be told again")
    longest = LONGEST_URGENT if severity is Severity.URGENT else LONGEST
    if isinstance(known_for, timedelta):
        return now + min(known_for, longest)
    if not now < known_for <= now + longest:
        hours = longest // timedelta(hours=1)
        raise InvalidInput("known_until", f"must be after now, and at most {hours} hours from now")
    return known_for
