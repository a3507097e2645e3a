"""What one alerts process says of itself: when each of its loops last went round, and what it counted."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

LOOPS = ("line", "watch")


@dataclass
class Pulse:
    """`turned_at`: monotonic seconds by loop, from the start on, so that one that never turns is missed too.

    `late_timers`: incidents long due that nobody took, at the last look. `telephones`: whether anybody can be called.
    `provider_away`: whether the telephone provider did not answer, or refused the account, when last asked.
    """

    turned_at: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LOOPS, time.monotonic()))
    counts: Counter[str] = field(default_factory=Counter)
    late_timers: int = 0
    telephones: bool = True
    provider_away: bool = False

    def turn(self, loop: str, **counted: int) -> None:
        """`loop` went round, and did this much."""
        self.turned_at[loop] = time.monotonic()
        self.counts.update({name: number for name, number in counted.items() if number})

    def provider(self, answers: bool) -> None:
        """The telephone provider was asked, and this is whether it answers."""
        self.provider_away = not answers

    def stopped(self, within_s: float) -> list[str]:
        """The loops that have not gone round for `within_s` seconds."""
        now = time.monotonic()
        return sorted(loop for loop, at in self.turned_at.items() if now - at > within_s)

    def detail(self) -> dict[str, Any]:
        """For the heartbeat."""
        return {**self.counts, "late_timers": self.late_timers}
