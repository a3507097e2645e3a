"""Whether somebody else uses our client id: the broker then ends the older connection, without a word in MQTT 3.1.1.

A broker that restarts refuses connections meanwhile; one that takes each and ends it within moments has given our
session to somebody else, who loses it again as we come back. Pure: no clock, no I/O.
"""

SHORT_S = 10.0
"""A connection that ends within this many seconds was taken, if that happens again and again."""
SUSPICIOUS = 3
"""How many short connections in a row show that somebody takes them."""
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0
"""The longest pause is short: whoever has the session hears the presses."""


class Lives:
    """How long the connections of one session have lasted lately."""

    def __init__(self) -> None:
        self._short = 0

    @property
    def taken(self) -> bool:
        """Whether somebody else seems to use our client id."""
        return self._short >= SUSPICIOUS

    def lasts(self, seconds: float) -> None:
        """Note that the present connection has lasted so long; after `SHORT_S` nobody takes it."""
        if seconds > SHORT_S:
            self._short = 0

    def ended(self, seconds: float) -> float:
        """Note that the broker has ended a connection after so long; returns the seconds to wait before the next."""
        self.lasts(seconds)
        if seconds <= SHORT_S:
            self._short += 1
        if not self.taken:
            return 0.0
        return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * (1 << min(self._short - SUSPICIOUS, 10)))

    def refused(self) -> None:
        """Note that the broker could not be reached: it was away, and nobody has taken anything."""
        self._short = 0
