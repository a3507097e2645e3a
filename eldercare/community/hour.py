"""One hour of what a band has told, as charts, sums and habits of a day are made of. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hour:
    """The hour from `at` on (aware). `bpm` is the mean of its `values` plausible heart rates, None where there is none.

    `steps` is None where the band counted nothing. `heart_at` and `moved_at` are the newest value and movement in it.
    """

    at: datetime
    values: int = 0
    bpm: float | None = None
    steps: int | None = None
    heart_at: datetime | None = None
    moved_at: datetime | None = None
