"""What a telephone does by itself when it is called or texted: data, set per number by a test or left to a person."""

from collections import deque
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Digits = Annotated[str, Field(pattern=r"^[0-9*#]{1,32}$")]
HttpStatus = Annotated[int, Field(ge=400, le=599)]
ANY = "*"
"""The number under which the behaviour of every phone without its own is kept."""


class Behaviour(BaseModel):
    """`http_status` refuses the API request itself, after `http_delay_s`. It lasts `times` requests, or for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    http_status: HttpStatus | None = None
    http_delay_s: Seconds = 0
    times: Annotated[int, Field(ge=1)] | None = None


class CallBehaviour(Behaviour):
    """`manual` waits for a person. `digits` are pressed one entry per prompt, `digits_after_s` into it."""

    does: Literal["manual", "answer", "busy", "no-answer", "machine", "failed"] = "manual"
    answer_after_s: Seconds = 2
    digits: tuple[Digits, ...] = ()
    digits_after_s: Seconds = 1
    hangup_after_s: Seconds | None = None


class MessageBehaviour(Behaviour):
    """How a text message ends, after how long, and what the phone answers."""

    ends: Literal["delivered", "sent", "undelivered", "failed"] = "delivered"
    after_s: Seconds = 0
    error_code: int = 30003
    """Twilio's reason for `undelivered` and `failed`; 30003 is a handset that cannot be reached."""
    reply: Annotated[str, Field(max_length=1600)] | None = None
    reply_after_s: Seconds = 1


B = TypeVar("B", bound=Behaviour)


class Behaviours(Generic[B]):
    """The behaviours of all numbers for one kind of request: first those for a number of times, then the standing."""

    def __init__(self, default: B) -> None:
        self._default = default
        self._standing: dict[str, B] = {}
        self._counted: dict[str, deque[tuple[B, int]]] = {}

    def set(self, number: str, behaviour: B) -> None:
        """Queue a counted behaviour, or replace the standing one of `number` (`*` is every other phone)."""
        if behaviour.times is None:
            self._standing[number] = behaviour
        else:
            self._counted.setdefault(number, deque()).append((behaviour, behaviour.times))

    def clear(self, number: str | None = None) -> None:
        """Forget what was set for `number`, or for all of them."""
        if number is None:
            self._standing.clear()
            self._counted.clear()
        else:
            self._standing.pop(number, None)
            self._counted.pop(number, None)

    def take(self, number: str) -> B:
        """The behaviour for a request to `number` now; a counted one is used up by it."""
        for key in (number, ANY):
            queue = self._counted.get(key)
            if queue:
                behaviour, left = queue.popleft()
                if left > 1:
                    queue.appendleft((behaviour, left - 1))
                return behaviour
            if key in self._standing:
                return self._standing[key]
        return self._default
