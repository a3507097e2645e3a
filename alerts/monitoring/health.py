"""What one alerts process says of itself: when each of its loops last went round, and what it counted."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

LOOPS = ("line", "watch")


@dataclass
class Health:
    """The health of one process. `ticked_at` is when each loop last went round, in monotonic seconds; it counts from
    the start on, so that a loop that never goes round is missed too.

    `late_timers` counts incidents long due that nobody took, at the last look. `telephones`: whether anybody can be
    called. `providers` says of each telephone provider whether it answered when last asked, and knew the account;
    `asked` are those that take what is sent. `overrides_refused` are residents whose stored limits do not hold as they
    are, at the last look.
    """

    ticked_at: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LOOPS, time.monotonic()))
    counts: Counter[str] = field(default_factory=Counter)
    late_timers: int = 0
    telephones: bool = True
    providers: dict[str, bool] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    overrides_refused: list[int] = field(default_factory=list)

    def tick(self, loop: str, **counted: int) -> None:
        """Note that `loop` went round, and did this much."""
        self.ticked_at[loop] = time.monotonic()
        self.counts.update({name: number for name, number in counted.items() if number})

    def provider(self, name: str, answers: bool) -> None:
        """Note whether this telephone provider answers."""
        self.providers[name] = answers

    @property
    def providers_away(self) -> set[str]:
        """The providers that take what is sent, and did not answer."""
        return {name for name in self.asked if not self.providers.get(name, True)}

    def stopped(self, within_s: float) -> list[str]:
        """The loops that have not gone round for `within_s` seconds."""
        now = time.monotonic()
        return sorted(loop for loop, at in self.ticked_at.items() if now - at > within_s)

    def detail(self) -> dict[str, Any]:
        """What the heartbeat shows."""
        refused = {"overrides_refused": self.overrides_refused} if self.overrides_refused else {}
        return {**self.counts, "late_timers": self.late_timers, **refused}
