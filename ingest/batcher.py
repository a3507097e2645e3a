"""What is buffered between broker and database, and when it is written and acknowledged. Pure: no clock, no I/O.

The broker bounds how many messages it hands out before they are acknowledged; this bounds what they weigh.
"""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Flush:
    """Write now: `size` enough has come, `age` the oldest has waited long enough, `end` nothing more will come."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to write for `seconds`; None: until something comes."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """What is written together. `epoch` is the connection it came by."""

    epoch: int
    messages: dict[int, M]


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tell the broker that these packet ids are safe."""

    mids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """Acknowledge nothing: the packet ids are those of an older connection, and the broker sends again."""

    epoch: int


class _Entry(NamedTuple, Generic[M]):
    message: M
    weight: int
    at: float


class Batcher(Generic[M]):
    """Messages by packet id, in the order in which they came.

    A message of QoS 0 has no packet id: it gets a negative number, and is never acknowledged.
    """

    def __init__(self, size: int, age_s: float, bound: int) -> None:
        """A batch is due at weight `size` or after `age_s` seconds; above the weight `bound` reading shall stop."""
        self._size = size
        self._age_s = age_s
        self._bound = bound
        self._epoch = 0
        self._waiting: dict[int, _Entry[M]] = {}
        self._waiting_weight = 0
        self._writing: dict[int, int] = {}
        self._writing_weight = 0
        self._nameless = 0
        self._ended = False

    @property
    def epoch(self) -> int:
        """Number of the connection; 0 before the first."""
        return self._epoch

    @property
    def waiting(self) -> int:
        """Messages that no batch has taken yet."""
        return len(self._waiting)

    @property
    def ripe(self) -> bool:
        """Whether enough waits for a batch."""
        return self._waiting_weight >= self._size

    @property
    def full(self) -> bool:
        """Whether reading shall stop until something has been written.

        A healthy broker's window keeps single messages below the bound, so that reading goes on while the database is
        slow. Large arrays may pass it: then the broker waits, and when it waits too long the connection ends and what
        was not acknowledged comes again.
        """
        return self._waiting_weight + self._writing_weight > self._bound

    def connected(self) -> int:
        """A new connection: what was not acknowledged on the old one comes again, and its packet ids mean nothing."""
        self._epoch += 1
        self._waiting.clear()
        self._waiting_weight = 0
        self._writing.clear()
        self._writing_weight = 0
        return self._epoch

    def end(self) -> None:
        """Nothing more will come: what waits is due at once."""
        self._ended = True

    def add(self, mid: int, message: M, weight: int, at: float) -> bool:
        """Take in a message that came at `at` (seconds, any origin). False: it is being written already.

        `mid` 0 is QoS 0. The broker sends a packet id again while it still waits for its acknowledgement, on a new
        connection (marked DUP) and some on a live one: the newer copy takes the place of the older.
        """
        if mid == 0:
            self._nameless -= 1
            mid = self._nameless
        if mid in self._writing:
            return False
        known = self._waiting.get(mid)
        if known is not None:
            self._waiting_weight += weight - known.weight
            self._waiting[mid] = _Entry(message, weight, known.at)
            return True
        self._waiting[mid] = _Entry(message, weight, at)
        self._waiting_weight += weight
        return True

    def decide(self, at: float) -> Flush | Wait:
        """Whether a batch is due at `at` (seconds, same origin as in `add`)."""
        if not self._waiting:
            return Wait(None)
        if self.ripe:
            return Flush("size")
        if self._ended:
            return Flush("end")
        oldest = next(iter(self._waiting.values())).at
        left = oldest + self._age_s - at
        return Flush("age") if left <= 0 else Wait(left)

    def take(self) -> Batch[M]:
        """The oldest messages, up to the weight of a batch (one message may weigh more). They are being written now."""
        count = weight = 0
        for entry in self._waiting.values():
            if count and weight + entry.weight > self._size:
                break
            count += 1
            weight += entry.weight
        entries = list(self._waiting.items())
        taken, self._waiting = entries[:count], dict(entries[count:])
        self._writing.update((mid, entry.weight) for mid, entry in taken)
        self._waiting_weight -= weight
        self._writing_weight += weight
        return Batch(self._epoch, {mid: entry.message for mid, entry in taken})

    def stored(self, batch: Batch[M]) -> Acknowledge | Stale:
        """`batch`, or a part of one, is committed: what to tell the broker."""
        if batch.epoch != self._epoch:
            return Stale(batch.epoch)
        for mid in batch.messages:
            self._writing_weight -= self._writing.pop(mid)
        return Acknowledge(tuple(mid for mid in batch.messages if mid > 0))


def halves(batch: Batch[M]) -> tuple[Batch[M], Batch[M]]:
    """Two batches of the same connection, to find the one message in `batch` (of two or more) that cannot be stored."""
    items = list(batch.messages.items())
    middle = len(items) // 2
    return Batch(batch.epoch, dict(items[:middle])), Batch(batch.epoch, dict(items[middle:]))
