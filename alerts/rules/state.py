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
        out: dict[str, Any] = {"v": VERSION}
        for name, value, default in zip(self._fields, self, _NEW, strict=True):
            if value != default:
                out[name] = _dump(value) if isinstance(value, tuple) else value
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """The state that was written. Unknown keys, of a newer version, are ignored; missing ones are as at first."""
        heart = dict(data.get("heart", ()))
        for name in ("high", "low"):
            if name in heart:
                runs = {run: _load(Run, heart[name].get(run, {})) for run in ("warning", "urgent", "inside")}
                heart[name] = _load(Side, heart[name] | runs)
        return cls(
            data.get("heard"),
            _load(Heart, heart),
            _load(Zone, data.get("zone", {})),
            _load(Wear, data.get("wear", {})),
            data.get("silent"),
        )


_NEW = State()
_Part = TypeVar("_Part", Run, Side, Heart, Zone, Wear)


def _dump(part: Any) -> dict[str, Any]:
    defaults = part._field_defaults
    return {
        name: _dump(value) if isinstance(value, tuple) else value
        for name, value in zip(part._fields, part, strict=True)
        if value != defaults[name]
    }


def _load(part: type[_Part], data: Mapping[str, Any]) -> _Part:
    if not data:
        return part()
    return part(**{name: data[name] for name in part._fields if name in data})
