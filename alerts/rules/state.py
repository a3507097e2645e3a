"""What the rules remember of a band between readings. Immutable; travels as JSON in `device_state.rules`.

All times are seconds since the epoch by the band's clock, so that JSON and comparisons are cheap and exact. A value
that is as at the beginning is not written; keys of a newer version are ignored.
"""

from msgspec import Struct, json

from alerts.rules.minutes import Minute


class _Remembered(Struct, frozen=True, omit_defaults=True):
    pass


class Side(_Remembered, frozen=True):
    """One episode of the heart rate, high, low or high asleep: the last alarm about it."""

    rank: int = 0
    """Rank of the last alarm: 0 none, 1 warning, 2 urgent."""
    alarmed: float = 0.0
    """When that was; when it was over, where it no longer stands."""
    since: float = 0.0
    """When what the alarm is about began."""
    stands: bool = False


class Heart(_Remembered, frozen=True):
    """The heart rate of a band. `newest` is any value, `measured` one that counts, `active` the last movement."""

    newest: float | None = None
    measured: float | None = None
    active: float | None = None
    high: Side | None = None
    low: Side | None = None
    asleep: Side | None = None
    """High for somebody asleep."""
    minutes: tuple[Minute, ...] = ()
    """The last values, those in which nothing was measured among them; see `minutes`."""
    waiting: float | None = None
    """Since when a value is waited for, where that is later than `measured`."""
    missing: float | None = None
    """When "worn without a value" was found, while it lasts."""
    no_heart: float | None = None
    """When it was last told that the values are of no heart."""
    compared: float | None = None
    """The part of a minute in which the values were last compared with the limits, and where that one lay."""
    compared_at: int = 0


class Zone(_Remembered, frozen=True):
    """The whereabouts of a band. The fix is the last believed one; `jumps` were not believed since."""

    newest: float | None = None
    ts: float | None = None
    lat: float = 0.0
    lon: float = 0.0
    accuracy_m: float = 0.0
    jumps: int = 0
    out_since: float = 0.0
    out_fixes: int = 0
    alarmed: float | None = None
    stands: bool = False
    returned: float | None = None
    """When what stood last was over."""


class Wear(_Remembered, frozen=True):
    """What the band says of itself. `since` is when `worn` last changed."""

    newest: float | None = None
    worn: bool | None = None
    since: float = 0.0
    charging: bool = False
    off_found: float | None = None
    battery_found: float | None = None
    battery_stands: bool = False


class State(_Remembered, frozen=True):
    """Everything the rules remember of one band. `heard` is the newest band time, `silent` when silence was found."""

    heard: float | None = None
    heart: Heart = Heart()
    zone: Zone = Zone()
    wear: Wear = Wear()
    silent: float | None = None

    def to_json(self) -> str:
        """The state as JSON, only where it differs from the beginning; `from_json` gives an equal state."""
        return _ENCODER.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "State":
        """The state that was written. Raises ValueError for what is none."""
        return _DECODER.decode(text)


_ENCODER = json.Encoder()
_DECODER = json.Decoder(State)
