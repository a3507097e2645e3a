"""Why to look at somebody, in words, and in which order. Pure: the worst first, by what it is and not by a sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import NamedTuple

LITTLE_H = 12.0
"""Hours a day: whoever has values in fewer has half a day of which nobody knows."""


class Weight(IntEnum):
    """What comes first."""

    CALLS_NOW = 0
    RESTING = 1
    URGENT = 2
    CALLED = 3
    TASK = 4
    NO_BAND = 5
    LITTLE = 6


class Reason(NamedTuple):
    """A text of the catalogue (`look.KEY`) and what fills it."""

    weight: Weight
    key: str
    values: dict[str, date | float | str] = {}  # noqa: RUF012  nobody changes it


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one patient at a glance: calls for help of the last 30 days that were none by mistake, whether
    one is not over, urgent changes, open tasks, and what the rule knows of the nights: on which side of usual they are
    (0: they are not), both rates, beats per minute, and on which day the last night ended. `valued_h` is hours a day
    with a value, None without a band."""

    calls: int
    last_call: datetime | None
    calls_now: bool
    urgent: int
    tasks: int
    side: int
    rate: float
    usual: float
    night: date | None
    valued_h: float | None


def why(look: Look) -> list[Reason]:
    """The reasons, the worst first; none where there is nothing to say."""
    found: list[Reason] = []
    if look.calls_now:
        found.append(Reason(Weight.CALLS_NOW, "calls_now"))
    if look.side and look.night is not None:
        found.append(_resting(look, look.night))
    if look.urgent:
        found.append(Reason(Weight.URGENT, "urgent", {"n": look.urgent}))
    if look.calls and look.last_call is not None and not look.calls_now:
        key = "called_once" if look.calls == 1 else "called_often"
        found.append(Reason(Weight.CALLED, key, {"n": look.calls, "at": look.last_call}))
    if look.tasks:
        found.append(Reason(Weight.TASK, "tasks", {"n": look.tasks}))
    if not look.valued_h:
        found.append(Reason(Weight.NO_BAND, "no_band" if look.valued_h is None else "no_data"))
    elif look.valued_h < LITTLE_H:
        found.append(Reason(Weight.LITTLE, "little", {"hours": round(look.valued_h, 0 if look.valued_h >= 1 else 1)}))
    return found


def _resting(look: Look, night: date) -> Reason:
    """The rule's word stands for some nights after she is back at her usual: then the last night is not beyond."""
    now, usual = round(look.rate), round(look.usual)
    by = (now - usual) * look.side
    key = "rate_back" if by <= 0 else "rate_up" if look.side > 0 else "rate_down"
    values: dict[str, date | float | str] = {"now": now, "usual": usual, "by": by, "night": night}
    return Reason(Weight.RESTING, key, values)


def order(reasons: Sequence[Reason]) -> tuple[int, ...]:
    """What to sort by: the worst reason, then the next; whoever has one more comes first."""
    return (*(int(each.weight) for each in reasons), len(Weight))
