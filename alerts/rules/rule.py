"""What a rule of the registry is: one file, one memory slot, one front door.

Such a rule hears readings and looks at the person once a minute. What it remembers may not depend on the order in which
readings come, nor on how often one comes: it keeps the latest, the largest, or a set. So disorder, duplicates and a
second telling cannot make it say anything that it would not have said in order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from alerts.model.incident import IncidentKind, Verdict
from alerts.rules.state import Memory, State
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status

if TYPE_CHECKING:
    from alerts.rules.profile import Profile

Reading = HeartRate | Location | Status
Result = tuple[State, tuple[Verdict, ...]]
NOTHING: tuple[Verdict, ...] = ()
_by_time = attrgetter("ts")


class Day(NamedTuple):
    """What was recorded of a person from noon to noon of the community's zone; `date` is that on which it ends.

    `begin` and `end` are seconds since the epoch; readings are in the order of `ts`, in WGS-84.
    """

    date: date
    begin: float
    end: float
    hearts: Sequence[HeartRate]
    fixes: Sequence[Location]

    @classmethod
    def ending(cls, noon: datetime, readings: Iterable[Reading]) -> "Day":
        """The day that ends at a noon (aware, of the community's zone), of readings in any order, others among them."""
        begin = noon - timedelta(days=1)  # of the clock on the wall
        own = sorted((each for each in readings if begin <= each.ts < noon), key=_by_time)
        hearts = [each for each in own if isinstance(each, HeartRate)]
        fixes = [each for each in own if isinstance(each, Location)]
        return cls(noon.date(), begin.timestamp(), noon.timestamp(), hearts, fixes)


def next_noon(now: datetime, zone: tzinfo) -> datetime:
    """The first noon of the zone after `now` (aware)."""
    local = now.astimezone(zone)
    noon = local.replace(hour=12, minute=0, second=0, microsecond=0)
    return noon if noon > local else noon + timedelta(days=1)


Learnt = Mapping[str, Memory]
"""What is learnt of a person in weeks, by the slot of the rule that learns it: at most 8 KB as JSON in all."""


class Needs(NamedTuple):
    """What one rule has to be given to find what it is for, beside a band that is worn and heard.

    `rule` names it, and `scope` is the part of the resident that it speaks of. `heart_every_s` and `fix_every_s` are
    the slowest rhythms, in seconds from one value or fix to the next, in which it is known to work; None: it needs
    none. `status`: the band tells of itself; `wear`: also whether it is worn; `absence`: that, or that it measures
    nothing, without which no missing value is known to be missing. `circle`: only where somebody has drawn one.
    `heard_outside`: the band is otherwise always heard when she is out. `seldom`: only for who is measured a few times
    a day. `days` is how many days have to be learnt, of which `learnt` counts those in what is kept in `slot`.
    """

    rule: str
    scope: Scope
    heart_every_s: float | None = None
    fix_every_s: float | None = None
    movement: bool = False
    status: bool = False
    wear: bool = False
    absence: bool = False
    home: bool = False
    circle: bool = False
    heard_outside: bool = False
    seldom: bool = False
    days: int = 0
    slot: str = ""
    learnt: Callable[[Any], int] | None = None


SLOWEST_HEART_S = 1800.0
"""Seconds from one value to the next of the slowest band that the rules about the heart were measured with."""


class Rule(NamedTuple):
    """One line of the registry.

    `hear(memory, reading, profile, ts)` gives the memory after a reading on time, of one of the types in `hears`; the
    same object where nothing changes. `look(memory, state, profile, ts)` gives the memory and what there is to say as
    of `ts` (seconds since the epoch, by the band's clock or, while it says nothing, by the service's), which never goes
    back; `state` holds what all rules share, and is all that a rule without `hear` needs. `learn(learnt, day, profile)`
    takes one day more into what is learnt. `kind` is that of the incidents that a look opens, and `stands(memory)` says
    whether the last one of them goes on. Several rules may share a kind: each says when its own is over, and the
    incident ends with the last of them (`registry.held`). `needs` says of each thing that it
    finds what it has to be given for it.
    """

    slot: str
    memory: type[Memory]
    hears: tuple[type[Reading], ...]
    hear: Callable[[Any, Any, "Profile", float], Any] | None
    look: Callable[[Any, State, "Profile", float], tuple[Any, tuple[Verdict, ...]]] | None
    needs: tuple[Needs, ...]
    learnt: type[Memory] | None = None
    learn: Callable[[Any, Day, "Profile"], tuple[Any, tuple[Verdict, ...]]] | None = None
    kind: IncidentKind | None = None
    stands: Callable[[Any], bool] | None = None
