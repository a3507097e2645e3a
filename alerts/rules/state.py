"""What the rules remember of a band between readings. Immutable; travels as JSON in `device_state.rules`.

All times are seconds since the epoch by the band's clock, so that JSON and comparisons are cheap and exact. A value
that is as at the beginning is not written; keys of a newer version are ignored.
"""

from collections.abc import Mapping

from msgspec import Raw, Struct, field, json

from alerts.rules.minutes import Minute


class Memory(Struct, frozen=True, omit_defaults=True):
    """What one rule remembers of one band: its slot in the state."""


class Side(Memory, frozen=True):
    """One episode of the heart rate, high, low or high asleep: the last alarm about it."""

    rank: int = 0
    """Rank of the last alarm: 0 none, 1 warning, 2 urgent."""
    alarmed: float = 0.0
    """When that was; when it was over, where it no longer stands."""
    since: float = 0.0
    """When what the alarm is about began."""
    stands: bool = False


class Heart(Memory, frozen=True):
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


class Zone(Memory, frozen=True):
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


class Wear(Memory, frozen=True):
    """What the band says of itself. `since` is when `worn` last changed."""

    newest: float | None = None
    worn: bool | None = None
    since: float = 0.0
    charging: bool = False
    off_found: float | None = None
    battery_found: float | None = None
    battery_stands: bool = False


class State(Memory, frozen=True):
    """Everything the rules remember of one band. `heard` is the newest band time, `silent` when silence was found."""

    heard: float | None = None
    heart: Heart = Heart()
    zone: Zone = Zone()
    wear: Wear = Wear()
    silent: float | None = None
    slots: Mapping[str, Memory] = field(default_factory=dict)
    """What the rules of the registry remember, by the name of their slot; a slot as at the beginning is not there."""
    looked: int = 0
    """The minute (since the epoch) as of which those rules looked last."""

    def to_json(self) -> str:
        """The state as JSON, only where it differs from the beginning; `from_json` gives an equal state."""
        return _ENCODER.encode(self).decode()


class _Written(State, frozen=True):
    slots: Mapping[str, Raw] = field(default_factory=dict)  # type: ignore[assignment]


def read(text: str, memories: Mapping[str, type[Memory]]) -> State:
    """The state that was written, with the `memories` of the registry by their slots. A slot that none of them has is
    left out. Raises ValueError for what is no state."""
    written = _DECODER.decode(text)
    slots = {slot: json.decode(raw, type=memories[slot]) for slot, raw in written.slots.items() if slot in memories}
    return State(written.heard, written.heart, written.zone, written.wear, written.silent, slots, written.looked)


_ENCODER = json.Encoder()
_DECODER = json.Decoder(_Written)
