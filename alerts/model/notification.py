"""How the status of a message goes on, and never back. Pure.

Only a digit, a reply or a click accepts. A machine that answers, a busy line, nobody who picks up and an undelivered
text are failures that move the policy on at once; so is a call that was heard to its end without an answer. The
provider's folder says what the provider's words mean.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """As in `notification.status`."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RINGING = "ringing"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


RANK: dict[str, int] = {
    Status.QUEUED: 0,
    Status.SENDING: 1,
    Status.SENT: 2,
    Status.RINGING: 3,
    Status.ANSWERED: 4,
    Status.DELIVERED: 8,
    Status.FAILED: 8,
    Status.CANCELLED: 8,
    # A person who answers after all (the machine detection erred, the reply overtook the receipt) counts the most.
    Status.DONE: 9,
}
"""A status gives way only to a higher one, so late and disordered callbacks change nothing."""

FINAL = frozenset({Status.DELIVERED, Status.DONE, Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Event:
    """What is now known of a notification. `permanent`: this address will not do better at the next round."""

    status: Status
    reason: str | None = None
    permanent: bool = False
    provider_status: str = ""


def moves(current: str, event: Event) -> bool:
    """Whether `event` may change a notification that is `current`; an unknown `current` is refused by KeyError."""
    return RANK[event.status] > RANK[current]


def hung_up(event: Event) -> Event:
    """What the end of a call that we ended ourselves means: nobody failed to answer it."""
    unanswered = event.status is Status.FAILED and event.reason in ("no_answer", "heard_no_answer")
    return replace(event, reason="hung_up") if unanswered else event


def answered_event(reason: str) -> Event:
    """A person answered with a digit, a reply or a click: `accepted`, `passed`."""
    return Event(Status.DONE, reason)
