"""The shape of a time in JSON and in a query: RFC 3339 with an offset, within the calendar that can be kept. Pure."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import fields

_LOST_PLUS = re.compile(r" (?=\d\d:\d\d$)")


def _rfc3339(value: object) -> object:
    """A `+` that nobody escaped arrives as a blank; a number is no time."""
    if isinstance(value, str):
        value = _LOST_PLUS.sub("+", value)
        if len(value) < 20:
            raise ValueError("is not RFC 3339 with an offset, such as 2026-01-31T08:00:00+08:00")
    return value


def _within_the_calendar(moment: datetime) -> datetime:
    try:
        return fields.moment("", moment)
    except InvalidInput as error:
        raise ValueError(error.reason) from error


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339), AfterValidator(_within_the_calendar)]
