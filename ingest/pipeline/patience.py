"""What fails again and again is tried less and less often, and never given up. Pure: no clock."""

from typing import NamedTuple

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


class _Failed(NamedTuple):
    tries: int
    again_at: float


class Patience:
    """Failures by the number of what failed."""

    def __init__(self) -> None:
        """None yet."""
        self._failed: dict[int, _Failed] = {}

    def tries(self, number: int) -> int:
        """How often it has failed."""
        return self._failed[number].tries if number in self._failed else 0

    def is_due(self, number: int, at: float) -> bool:
        """Whether it may be tried at `at` (seconds, any origin)."""
        return number not in self._failed or self._failed[number].again_at <= at

    def failed(self, number: int, at: float) -> None:
        """Note a failure at `at`: the pause before the next try doubles, up to a minute."""
        tries = self.tries(number) + 1
        self._failed[number] = _Failed(tries, at + min(FIRST_PAUSE_S * 2 ** min(tries - 1, 9), LONGEST_PAUSE_S))

    def keep(self, numbers: set[int]) -> None:
        """Forget all but these."""
        self._failed = {number: failed for number, failed in self._failed.items() if number in numbers}
