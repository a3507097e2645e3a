"""What the rules remember of a band between readings. Immutable; travels as JSON in `device_state.rules`.

All times are seconds since the epoch by the band's clock, so that JSON and comparisons are cheap and exact.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

VERSION = 1


class Run(NamedTuple):
    """Values that go on. `last` is the last that belongs by itself; `total` sums all of them, in beats per minute."""

    since: float = 0.0
    last: float = 0.0
    values: int = 0
    total: float = 0.0

    @property
    def mean(self) -> float:
        """Of the values, beats per minute. Not of an empty run."""
        return self.total / self.values


class Side(NamedTuple):
    """One side of the heart rate, high or low: what goes on beyond its limits, and the last alarm about it."""

    warning: Run = Run()
    urgent: Run = Run()
    inside: Run = Run()
    """Well inside the limits, while an alarm stands."""
    rank: int = 0
    """Of the last alarm: 0 none, 1 warning, 2 urgent."""
    alarmed: float = 0.0
    stands: bool = False

    def calm(self) -> "Side":
        """The memory of the last alarm alone: what was going on is broken off."""
        return Side(rank=self.rank, alarmed=self.alarmed, stands=self.stands)


class Heart(NamedTuple):
    """The heart rate of a band. `newest` is any value, `measured` one that counts, `active` the last movement."""

    newest: float | None = None
    measured: float | None = None
    active: float | None = None
    high: Side | None = None
    low: Side | None = None
    waiting: float | None = None
    """Since when a value is waited for, where that is later than `measured`."""
    missing: float | None = None
    """When "worn without a value" was found, while it lasts."""


class Zone(NamedTuple):
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


class Wear(NamedTuple):
    """What the band says of itself. `since` is when `worn` last changed."""

    newest: float | None = None
    worn: bool | None = None
    since: float = 0.0
    charging: bool = False
    off_found: float | None = None
    battery_found: float | None = None
    battery_stands: bool = False


class State(NamedTuple):
    """Everything the rules remember of one band. `heard` is the newest band time, `silent` when silence was found."""

    heard: float | None = None
    heart: Heart = Heart()
    zone: Zone = Zone()
    wear: Wear = Wear()
    silent: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the beginning, with the version; `from_json` gives an equal state."""
        return {"v": VERSION, **_dump(self, _BEGINNING)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """The state that was written. Unknown keys, of a newer version, are ignored; missing ones are as at first."""
        heart = data.get("heart", _EMPTY)
        sides = {name: _load_side(heart[name]) for name in ("high", "low") if name in heart}
        return cls(
            data.get("heard"),
            _load(Heart, {**heart, **sides} if sides else heart),
            _load(Zone, data.get("zone", _EMPTY)),
            _load(Wear, data.get("wear", _EMPTY)),
            data.get("silent"),
        )


_BEGINNING = State()
_EMPTY: Mapping[str, Any] = {}
_Part = TypeVar("_Part", Run, Side, Heart, Zone, Wear)


def _dump(part: Any, beginning: Any) -> dict[str, Any]:
    out = {}
    for name, value, default in zip(part._fields, part, beginning, strict=True):
        if value != default:
            # A side is None at the beginning: what differs within it is told from an empty one.
            out[name] = _dump(value, default or Side()) if isinstance(value, tuple) else value
    return out


def _load(part: type[_Part], data: Mapping[str, Any]) -> _Part:
    try:
        return part(**data)
    except TypeError:  # a key of a newer version
        return part(**{name: data[name] for name in part._fields if name in data})


def _load_side(data: Mapping[str, Any]) -> Side:
    runs = {name: _load(Run, data[name]) for name in ("warning", "urgent", "inside") if name in data}
    return _load(Side, {**data, **runs})
