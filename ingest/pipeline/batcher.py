"""The buffer between broker and database: when its messages are written and acknowledged. Pure: no clock, no I/O.

The broker bounds how many messages it hands out before they are acknowledged; the buffer bounds what they weigh. A band
with many waiting messages holds up nobody: everybody's first comes before anybody's second, and each band's messages
stay in their order.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Flush:
    """Write now. `reason`: `size` (enough has come), `age` (the oldest has waited long enough), `end` (nothing more
    will come)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing to write for `seconds`; None: until something comes."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """Messages that are written together, by packet id. `epoch` is the number of the connection they came by."""

    epoch: int
    messages: dict[int, M]


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tell the broker that these packet ids are safe."""

    mids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """Acknowledge nothing: the packet ids belong to an older connection, and the broker sends again."""

    epoch: int


class _Entry(NamedTuple, Generic[M]):
    message: M
    weight: int
    at: float
    owner: str
    same: Hashable
    load: int


class Batcher(Generic[M]):
    """Messages by packet id, in the order in which they came.

    A message of QoS 0 has no packet id: it gets a negative number, and is never acknowledged. Nobody sends it again, so
    it is kept through new connections until it is stored.
    """

    def __init__(self, size: int, age_s: float, bound: int, share: int) -> None:
        """A batch is due at weight `size` or after `age_s` seconds. Above the load `bound`, reading stops.

        `share` is the most weight that one band may have in a batch, except for a single message that weighs more.
        """
        self._size = size
        self._share = share
        self._much = min(share, size // 10)
        self._age_s = age_s
        self._bound = bound
        self._epoch = 0
        self._waiting: dict[int, _Entry[M]] = {}
        self._waiting_weight = 0
        self._owned: dict[str, int] = {}
        self._writing: dict[int, _Entry[M]] = {}
        self._load = 0
        self._nameless = 0
        self._ended = False

    @property
    def epoch(self) -> int:
        """Number of the connection; 0 before the first."""
        return self._epoch

    @property
    def waiting(self) -> int:
        """How many messages no batch has taken yet."""
        return len(self._waiting)

    @property
    def ripe(self) -> bool:
        """Whether enough waits for a batch."""
        return self._waiting_weight >= self._size

    @property
    def full(self) -> bool:
        """Whether reading stops until something has been written.

        A healthy broker's window keeps single messages below the bound, so that reading goes on while the database is
        slow. Large arrays may pass it. Then the broker waits; if it waits too long, the connection ends, and what was
        not acknowledged comes again.
        """
        return self._load > self._bound

    def connected(self) -> int:
        """Begin a new connection; returns its number. What the old one did not acknowledge comes again, under new
        packet ids."""
        self._epoch += 1
        kept = {mid: entry for mid, entry in (*self._writing.items(), *self._waiting.items()) if mid < 0}
        self._writing.clear()
        self._waiting = dict(sorted(kept.items(), reverse=True))
        self._waiting_weight = sum(entry.weight for entry in kept.values())
        self._load = sum(entry.load for entry in kept.values())
        self._owned.clear()
        for entry in kept.values():
            self._owned[entry.owner] = self._owned.get(entry.owner, 0) + entry.weight
        return self._epoch

    def end(self) -> None:
        """Make what waits due at once: nothing more will come."""
        self._ended = True

    def add(
        self,
        mid: int,
        message: M,
        weight: int,
        at: float,
        *,
        owner: str = "",
        same: Hashable = None,
        load: int | None = None,
    ) -> bool:
        """Take in a message that came at `at` (seconds, any origin). Returns False where it is being written already.

        `mid` 0 is QoS 0. The broker sends a packet id again while it waits for its acknowledgement: on a new connection
        (marked DUP), some also on a live one. The newer copy replaces the older. `weight` is what there is to write,
        `load` (by default the same) what there is to keep until then. `owner` is the band. Messages with an equal
        `same` (None equals nothing) are written as one, so those behind the first cost nothing.
        """
        if mid == 0:
            self._nameless -= 1
            mid = self._nameless
        if mid in self._writing:
            return False
        known = self._waiting.get(mid)
        if known is not None:
            self._forget(known)
            self._load -= known.load
            at = known.at
        load = weight if load is None else load
        self._waiting[mid] = _Entry(message, weight, at, owner, same, load)
        self._waiting_weight += weight
        self._owned[owner] = self._owned.get(owner, 0) + weight
        self._load += load
        return True

    def _forget(self, entry: _Entry[M]) -> None:
        """Count it as waiting no more."""
        self._waiting_weight -= entry.weight
        left = self._owned[entry.owner] - entry.weight
        if left:
            self._owned[entry.owner] = left
        else:
            del self._owned[entry.owner]

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
        """Take the oldest messages, up to the weight of a batch (one message may weigh more). They are being written
        now."""
        crowded = max(self._owned.values(), default=0) > self._much
        chosen = self._in_turn() if crowded else self._oldest()
        taken = {mid: self._waiting.pop(mid) for mid in chosen}
        for mid, entry in taken.items():
            self._forget(entry)
            self._writing[mid] = entry
        return Batch(self._epoch, {mid: entry.message for mid, entry in taken.items()})

    def _oldest(self) -> list[int]:
        chosen: list[int] = []
        weight = 0
        for mid, entry in self._waiting.items():
            weight += entry.weight
            if chosen and weight > self._size:
                break
            chosen.append(mid)
        return chosen

    def _in_turn(self) -> list[int]:
        chosen: list[int] = []
        weight, owned, known = 0, dict[str, int](), set[Hashable]()
        for mid, entry in self._by_turn():
            if entry.same is None or entry.same not in known:
                mine = owned.get(entry.owner, 0) + entry.weight
                if chosen and weight + entry.weight > self._size:
                    break
                if mine > self._share and mine > entry.weight:
                    owned[entry.owner] = self._share  # so that nothing of this owner overtakes it
                    continue
                owned[entry.owner] = mine
                weight += entry.weight
                known.add(entry.same)
            chosen.append(mid)
        return chosen

    def _by_turn(self) -> Iterable[tuple[int, _Entry[M]]]:
        """The waiting messages by how much of the same owner stands before each; of equals the older comes first."""
        before = dict[str, int]()
        turns: list[tuple[int, tuple[int, _Entry[M]]]] = []
        for mid, entry in self._waiting.items():
            mine = before.get(entry.owner, 0)
            turns.append((mine, (mid, entry)))
            before[entry.owner] = mine + entry.weight
        turns.sort(key=itemgetter(0))
        return (each for _, each in turns)

    def stored(self, batch: Batch[M]) -> Acknowledge | Stale:
        """Note that `batch`, or a part of one, is committed; returns what to tell the broker."""
        if batch.epoch != self._epoch:
            for mid in batch.messages.keys() & self._waiting.keys():
                if mid < 0:
                    entry = self._waiting.pop(mid)
                    self._forget(entry)
                    self._load -= entry.load
            return Stale(batch.epoch)
        for mid in batch.messages:
            self._load -= self._writing.pop(mid).load
        return Acknowledge(tuple(mid for mid in batch.messages if mid > 0))


def halves(batch: Batch[M]) -> tuple[Batch[M], Batch[M]]:
    """Split `batch` (of two messages or more) in two, to find the one message that cannot be stored."""
    items = list(batch.messages.items())
    middle = len(items) // 2
    return Batch(batch.epoch, dict(items[:middle])), Batch(batch.epoch, dict(items[middle:]))
