"""Messages that wait for a lock in the database, so that the others need not. Pure: no clock, no I/O."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from ingest.pipeline.batcher import Batch

M = TypeVar("M")

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 3.0


class Behind(Generic[M]):
    """Waiting messages, in the order in which they came.

    Later messages with the same key wait behind them, untried. All are tried again together, after a pause that doubles
    while nothing comes free.
    """

    def __init__(self, key: Callable[[M], str], bound: int) -> None:
        """`key` says whose a message is. More than `bound` messages are too many."""
        self._key = key
        self._bound = bound
        self._waiting: dict[int, M] = {}
        self._keys = set[str]()
        self._pause_s = FIRST_PAUSE_S
        self._again_at = 0.0

    @property
    def full(self) -> bool:
        """Whether so many wait that they have to be stored in another way."""
        return len(self._waiting) > self._bound

    def clear(self) -> None:
        """Forget them: on a new connection to the broker all come again."""
        self._waiting.clear()
        self._keys.clear()

    def seconds(self, at: float) -> float | None:
        """Seconds from `at` (any origin) until something is due; None where nothing waits."""
        return max(0.0, self._again_at - at) if self._waiting else None

    def divide(self, batch: Batch[M]) -> Batch[M]:
        """The part of a batch that may be tried now. The rest waits here, behind messages with the same key."""
        if not self._keys:
            return batch
        free = {mid: message for mid, message in batch.messages.items() if self._key(message) not in self._keys}
        self._waiting |= {mid: message for mid, message in batch.messages.items() if mid not in free}
        return Batch(batch.epoch, free)

    def put(self, batch: Batch[M], held: Iterable[str], at: float) -> Batch[M]:
        """Keep what is `held` (keys) of a batch that was tried at `at`; returns the rest, which is stored."""
        keys = set(held)
        if not keys:
            if not self._waiting:
                self._pause_s = FIRST_PAUSE_S
            return batch
        left = {mid: message for mid, message in batch.messages.items() if self._key(message) in keys}
        if not self._waiting:
            self._again_at = at + self._pause_s
        self._waiting |= left
        self._keys |= keys
        return Batch(batch.epoch, {mid: message for mid, message in batch.messages.items() if mid not in left})

    def take(self, epoch: int, at: float, *, at_once: bool = False) -> Batch[M] | None:
        """All messages, if they are due at `at` or wanted `at_once`, else None. The caller puts back what is still
        held."""
        if not self._waiting or (at < self._again_at and not at_once):
            return None
        messages, self._waiting, self._keys = self._waiting, {}, set()
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return Batch(epoch, messages)
