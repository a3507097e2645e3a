"""Limits of a resident's own (`rule_overrides`): who signed them, when and why. Pure.

They stand over all others, those that everybody has and those that the rules learn of a person. So whoever sets them
signs them, and a signature is of the very limits that were signed: it does not pass to what is written afterwards.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from eldercare.platform.errors import InvalidInput

FACTS = frozenset({"rule_overrides", "limits_reason"})
"""What a doctor may change of a patient who has consented, beside the desk."""


def signed(values: Mapping[str, Any], stand: Mapping[str, Any], person_id: int, now: datetime) -> dict[str, Any]:
    """The columns to write besides, where checked `values` are about limits; nothing where they are not.

    Whoever gives limits alone signs them without a reason: the old one was about others. Nobody signs that there are
    none. `now` is aware. Raises InvalidInput for a reason without the limits that it is about, since those that `stand`
    may be others than whoever writes it has seen, and for one where there are none.
    """
    if not FACTS & values.keys():
        return {}
    if "rule_overrides" not in values:
        if not stand and values["limits_reason"] is None:
            return {}
        raise InvalidInput("limits_reason", "请连同 rule_overrides 一起写 / comes with the rule_overrides it is about")
    limits = values["rule_overrides"]
    reason = values.get("limits_reason") or None
    if not limits:
        if reason is not None:
            raise InvalidInput("limits_reason", "没有自己的阈值，无需理由 / there are no limits of her own to sign")
        return dict.fromkeys(("limits_signed", "limits_signed_by", "limits_signed_at", "limits_reason"))
    return {
        "limits_signed": dict(limits),
        "limits_signed_by": person_id,
        "limits_signed_at": now,
        "limits_reason": reason,
    }
