"""What bands have told of one person, minute by minute, as a doctor's numbers are made of. Pure."""

from datetime import date
from typing import NamedTuple


class Minute(NamedTuple):
    """One minute in which a band told something. `at` counts minutes since the epoch; `bpm` is the mean of its
    plausible values (None: none was), `steps` their sum and `active` whether any was of movement (None: not told)."""

    at: int
    bpm: float | None = None
    steps: int | None = None
    active: bool | None = None


class Heard(NamedTuple):
    """A band spoke of itself at minute `at`, and said whether it is worn (None: not said)."""

    at: int
    worn: bool | None


class Held(NamedTuple):
    """The person had a band from minute `begin` on, up to `end`."""

    begin: int
    end: int


class DayOfYear(NamedTuple):
    """One local day: the 5th, 50th and 95th percentile of its plausible heart rates, beats per minute."""

    day: date
    low: float
    middle: float
    high: float


class Recorded(NamedTuple):
    """Everything of a stretch, each list in the order of time."""

    minutes: list[Minute]
    heard: list[Heard]
    held: list[Held]
