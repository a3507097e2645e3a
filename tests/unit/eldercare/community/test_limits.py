"""What is written of a signature, beside the limits themselves."""

from datetime import UTC, datetime

import pytest

from eldercare.community import limits
from eldercare.platform.errors import InvalidInput

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LOW = {"hr_low_urgent": 38}
NONE = {"limits_signed": None, "limits_signed_by": None, "limits_signed_at": None, "limits_reason": None}


def test_what_is_not_about_limits_signs_nothing() -> None:
    assert limits.signed({"conditions": "冠心病"}, LOW, 7, NOW) == {}


def test_limits_are_signed_with_their_reason_or_without_any() -> None:
    by = {"limits_signed": LOW, "limits_signed_by": 7, "limits_signed_at": NOW}
    assert limits.signed({"rule_overrides": LOW, "limits_reason": "偏低"}, {}, 7, NOW) == by | {"limits_reason": "偏低"}
    assert limits.signed({"rule_overrides": LOW}, {"still_s": 9000}, 7, NOW) == by | {"limits_reason": None}


@pytest.mark.parametrize("reason", ["偏低", None])
def test_a_reason_alone_signs_nothing_since_others_may_stand_than_were_seen(reason: str | None) -> None:
    with pytest.raises(InvalidInput, match="rule_overrides"):
        limits.signed({"limits_reason": reason}, LOW, 7, NOW)


def test_nobody_signs_that_there_are_none() -> None:
    assert limits.signed({"rule_overrides": {}}, LOW, 7, NOW) == NONE
    assert limits.signed({"limits_reason": None}, {}, 7, NOW) == {}
    for values in ({"limits_reason": "偏低"}, {"rule_overrides": {}, "limits_reason": "偏低"}):
        with pytest.raises(InvalidInput) as refused:
            limits.signed(values, {}, 7, NOW)
        assert refused.value.field == "limits_reason"
