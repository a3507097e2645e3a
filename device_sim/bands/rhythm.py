"""Who wears a band, and how her day goes: drawn once from the band's name, so that every run agrees. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from math import tau
from random import Random
from zoneinfo import ZoneInfo

from device_sim.bands.places import loop, moved

MAX_DEAD_ZONE_MIN = 30
"""The longest dead zone: a band that is silent longer is worth a person's visit (it counts as lost after 45 min)."""


class Activity(StrEnum):
    """What the wearer does."""

    SLEEP = "sleep"
    REST = "rest"
    MEAL = "meal"
    CHORES = "chores"
    WALK = "walk"
    CHARGING = "charging"
    """The band lies on its charger, off the wrist."""


@dataclass(frozen=True)
class Wearer:
    """A band and its wearer's habits. `home` is in degrees, WGS-84; `reach_m` is how far her walks go."""

    device_id: str
    home: tuple[float, float]
    resting_bpm: float
    reach_m: float
    bearing: float
    wakes_min: int
    sleeps_min: int
    """Minutes after midnight, in the community's zone."""
    drain_pct_per_h: float


@dataclass(frozen=True)
class Span:
    """An activity from `start` to `end`, aware times."""

    start: datetime
    end: datetime
    activity: Activity

    def fraction(self, now: datetime) -> float:
        """How much of it has passed, 0 to 1."""
        return (now - self.start) / (self.end - self.start)


def wearer(device_id: str, home: tuple[float, float]) -> Wearer:
    """The habits that belong to this band."""
    rng = Random(f"wearer:{device_id}")
    return Wearer(
        device_id=device_id,
        home=home,
        resting_bpm=rng.uniform(60, 78),
        reach_m=rng.uniform(120, 320),
        bearing=rng.uniform(0, tau),
        wakes_min=rng.randint(5 * 60 + 15, 6 * 60 + 45),
        sleeps_min=rng.randint(20 * 60 + 15, 21 * 60 + 45),
        drain_pct_per_h=rng.uniform(1.6, 2.6),
    )


@lru_cache(maxsize=512)
def day(who: Wearer, when: date, zone: ZoneInfo) -> tuple[Span, ...]:
    """The spans of one local day, without gaps from midnight to midnight."""
    rng = Random(f"day:{who.device_id}:{when}")
    plan: list[tuple[int, Activity]] = [(0, Activity.SLEEP), (who.wakes_min + rng.randint(-15, 20), Activity.REST)]
    plan += [(_about(rng, 7, 0), Activity.MEAL), (_about(rng, 7, 30), Activity.CHORES)]
    if rng.random() < 0.85:
        plan += [(_about(rng, 8, 30), Activity.WALK), (_about(rng, 9, 10), Activity.REST)]
    plan += [(_about(rng, 10, 30), Activity.CHORES), (_about(rng, 11, 30), Activity.MEAL)]
    plan += [(_about(rng, 12, 10), Activity.REST), (_about(rng, 12, 40), Activity.SLEEP)]
    plan += [(_about(rng, 13, 50), Activity.REST)]
    if rng.random() < 0.6:
        plan += [(_about(rng, 15, 20), Activity.WALK), (_about(rng, 16, 10), Activity.REST)]
    plan += [(_about(rng, 17, 0), Activity.CHORES), (_about(rng, 17, 40), Activity.MEAL)]
    plan += [(_about(rng, 18, 20), Activity.REST), (_about(rng, 19, 0), Activity.CHARGING)]
    plan += [(_about(rng, 19, 50), Activity.REST), (who.sleeps_min + rng.randint(-15, 15), Activity.SLEEP)]
    midnight = datetime.combine(when, time(), tzinfo=zone)
    starts = [midnight + timedelta(minutes=minutes) for minutes, _ in plan]
    ends = [*starts[1:], datetime.combine(when + timedelta(days=1), time(), tzinfo=zone)]
    return tuple(
        Span(start, end, activity) for start, end, (_, activity) in zip(starts, ends, plan, strict=True) if start < end
    )


def span_at(who: Wearer, now: datetime, zone: ZoneInfo) -> Span:
    """What the wearer does at `now` (aware), by her day."""
    local = now.astimezone(zone)
    return next(span for span in day(who, local.date(), zone) if span.start <= local < span.end)


@lru_cache(maxsize=512)
def dead_zones(who: Wearer, when: date, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """When the band has no connection on one local day: lifts, cellars, a bad corner of the flat."""
    rng = Random(f"dead:{who.device_id}:{when}")
    midnight = datetime.combine(when, time(), tzinfo=zone)
    zones = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        start = midnight + timedelta(minutes=rng.uniform(0, 24 * 60 - MAX_DEAD_ZONE_MIN))
        zones.append((start, start + timedelta(minutes=rng.uniform(4, MAX_DEAD_ZONE_MIN))))
    return tuple(zones)


def in_dead_zone(who: Wearer, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the band is without connection at `now` (aware) by its day."""
    local = now.astimezone(zone)
    return any(start <= local < end for start, end in dead_zones(who, local.date(), zone))


def position(who: Wearer, span: Span, now: datetime) -> tuple[float, float]:
    """Where she is, degrees: on her walk, else at home."""
    if span.activity is not Activity.WALK:
        return who.home
    return moved(*who.home, *loop(span.fraction(now), who.reach_m, who.bearing))


def _about(rng: Random, hour: int, minute: int) -> int:
    return hour * 60 + minute + rng.randint(-9, 9)
