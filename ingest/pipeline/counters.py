"""What a pipeline has done since it started, as its heartbeat shows it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counters:
    """What became of messages. `messages` came from the broker, `rows` are new in the database.

    `partial` counts optional fields that could not be read, of readings that were kept without them. `unjudged` counts
    readings that were stored without being evaluated. `lag_ms` is the time from the arrival of the oldest message of
    the last batch to the commit.
    """

    messages: int = 0
    rows: int = 0
    duplicates: int = 0
    not_measured: int = 0
    no_fix: int = 0
    partial: int = 0
    answers: int = 0
    opened: int = 0
    merged: int = 0
    batches: int = 0
    retries: int = 0
    reconnects: int = 0
    handed_over: int = 0
    rule_errors: int = 0
    unjudged: int = 0
    lag_ms: float = 0.0
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Counters") -> None:
        """Add what one batch brought. The caller does so once it is committed, so that a retry counts once."""
        self.rows += other.rows
        self.duplicates += other.duplicates
        self.not_measured += other.not_measured
        self.no_fix += other.no_fix
        self.partial += other.partial
        self.answers += other.answers
        self.opened += other.opened
        self.merged += other.merged
        self.rule_errors += other.rule_errors
        self.unjudged += other.unjudged
        self.handed_over += other.handed_over
        self.rejected.update(other.rejected)

    def detail(self) -> dict[str, Any]:
        """The counts for the heartbeat."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {**values, "rejected": dict(self.rejected), "lag_ms": round(self.lag_ms, 1)}
