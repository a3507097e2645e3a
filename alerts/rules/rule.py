"""What a rule of the registry is: one file, one memory slot, one front door.

Such a rule hears readings and looks at the person once a minute. What it remembers may not depend on the order in which
readings come, nor on how often one comes: it keeps the latest, the largest, or a set. So disorder, duplicates and a
second telling cannot make it say anything that it would not have said in order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from alerts.model.incident import Verdict
from alerts.rules.state import Memory, State
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


class Rule(NamedTuple):
    """One line of the registry.

    `hear(memory, reading, profile, ts)` gives the memory after a reading on time, of one of the types in `hears`; the
    same object where nothing changes. `look(memory, state, profile, ts)` gives the memory and what there is to say as
    of `ts` (seconds since the epoch, by the band's clock or, while it says nothing, by the service's), which never goes
    back; `state` holds what all rules share, and is all that a rule without `hear` needs. `learn(learnt, day, profile)`
    takes one day more into what is learnt.
    """

    slot: str
    memory: type[Memory]
    hears: tuple[type[Reading], ...]
    hear: Callable[[Any, Any, "Profile", float], Any] | None
    look: Callable[[Any, State, "Profile", float], tuple[Any, tuple[Verdict, ...]]] | None
    learnt: type[Memory] | None = None
    learn: Callable[[Any, Day, "Profile"], tuple[Any, tuple[Verdict, ...]]] | None = None
