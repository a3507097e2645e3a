"""What a demonstration or a test lets happen to a wearer. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from device_sim.bands.places import moved
from device_sim.bands.rhythm import Wearer

WANDER_MPS = 1.1
"""Speed of a brisk old person, metres per second."""
FLAT_PCT = 8.0


class Scenario(StrEnum):
    """`sos` is a press and over at once; the others last."""

    SOS = "sos"
    RACING_HEART = "racing-heart"
    SLOW_HEART = "slow-heart"
    WANDERING = "wandering"
    BAND_OFF = "band-off"
    FLAT_BATTERY = "flat-battery"
    NO_CONNECTION = "no-connection"


MINUTES = {
    Scenario.SOS: 0.0,
    Scenario.RACING_HEART: 20.0,
    Scenario.SLOW_HEART: 20.0,
    Scenario.WANDERING: 45.0,
    Scenario.BAND_OFF: 90.0,
    Scenario.FLAT_BATTERY: 180.0,
    Scenario.NO_CONNECTION: 60.0,
}
"""How many minutes each lasts unless told otherwise: longer than its rule needs, short enough to watch it clear."""


@dataclass(frozen=True)
class Episode:
    """A scenario that goes on from `start` to `end`, aware times."""

    scenario: Scenario
    start: datetime
    end: datetime


def episode(scenario: Scenario, now: datetime, minutes: float | None = None) -> Episode:
    """The scenario from `now` for `minutes`, by default as long as `MINUTES` says."""
    return Episode(scenario, now, now + timedelta(minutes=MINUTES[scenario] if minutes is None else minutes))


def running(episodes: tuple[Episode, ...], now: datetime) -> tuple[Episode, ...]:
    """The episodes that are not over at `now`."""
    return tuple(one for one in episodes if now < one.end)


def started(episodes: tuple[Episode, ...], new: Episode) -> tuple[Episode, ...]:
    """The episodes, with `new` in place of an earlier one of its kind; a heart cannot race and be slow at once."""
    hearts = {Scenario.RACING_HEART, Scenario.SLOW_HEART}
    replaced = hearts if new.scenario in hearts else {new.scenario}
    return (*(one for one in episodes if one.scenario not in replaced), new)


def has(episodes: tuple[Episode, ...], scenario: Scenario) -> Episode | None:
    """The running episode of a scenario."""
    return next((one for one in episodes if one.scenario is scenario), None)


def heart(rng: Random, episodes: tuple[Episode, ...], bpm: float) -> float:
    """The true heart rate under the episodes, beats per minute; both extremes are urgent for an 80-year-old at rest."""
    if has(episodes, Scenario.RACING_HEART):
        return rng.gauss(142, 2.5)
    if has(episodes, Scenario.SLOW_HEART):
        return rng.gauss(33.5, 0.8)
    return bpm


def whereabouts(
    who: Wearer, episodes: tuple[Episode, ...], now: datetime, usual: tuple[float, float]
) -> tuple[tuple[float, float], bool]:
    """Where she is and whether she is on foot: a wanderer walks away, stands lost, and is home when it ends."""
    wandering = has(episodes, Scenario.WANDERING)
    if wandering is None:
        return usual, False
    away_s = 0.6 * (wandering.end - wandering.start).total_seconds()
    walked_m = WANDER_MPS * min((now - wandering.start).total_seconds(), away_s)
    return moved(*who.home, -0.8 * walked_m, 0.6 * walked_m), (now - wandering.start).total_seconds() < away_s


def shortened(episodes: tuple[Episode, ...], now: datetime) -> tuple[Episode, ...]:
    """The episodes, all over by `now`: the button "back to normal"."""
    return tuple(replace(one, end=min(one.end, now)) for one in episodes)
