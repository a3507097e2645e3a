"""One band's minute: from its state and the time to what it measures. Pure; the state is a frozen value."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from device_sim.bands import scenarios
from device_sim.bands.places import moved
from device_sim.bands.rhythm import Activity, Wearer, position, span_at
from device_sim.bands.scenarios import Episode, Scenario
from eldercare.protocol.mqtt_v1 import HeartRate, Kind, Location, Message, Sos, Status

TICK_S = 60.0
STATUS_EVERY = timedelta(minutes=15)
HOME_FIX_EVERY = timedelta(minutes=10)
ABOVE_RESTING = {
    Activity.SLEEP: -7.0,
    Activity.REST: 0.0,
    Activity.MEAL: 7.0,
    Activity.CHORES: 12.0,
    Activity.WALK: 22.0,
    Activity.CHARGING: 0.0,
}
"""Beats per minute over the wearer's resting rate."""
STEPS_PER_MIN = {Activity.WALK: 84.0, Activity.CHORES: 11.0, Activity.MEAL: 1.0}
CHARGE_PCT_PER_MIN = 1.9
MISSED = 0.02
"""Share of minutes in which the optical sensor finds no pulse and says 0."""
REPLACED_PCT = 80.0
"""Charge of a battery after a flat one was seen to, percent."""
FIRMWARE = "sim-1.0"


@dataclass(frozen=True)
class BandState:
    """What a band remembers between two minutes. `drift` wanders slowly around 0, beats per minute."""

    battery_pct: float
    drift: float = 0.0
    worn: bool = True
    charging: bool = False
    last_tick: datetime | None = None
    last_status: datetime | None = None
    last_fix: datetime | None = None
    episodes: tuple[Episode, ...] = ()


@dataclass(frozen=True)
class Reading:
    """One message the band wants to send."""

    kind: Kind
    message: Message


def new_state(rng: Random) -> BandState:
    """A band somewhere in its day."""
    return BandState(battery_pct=rng.uniform(55, 98), drift=rng.gauss(0, 2))


def begin(state: BandState, new: Episode) -> BandState:
    """The state with a scenario begun. A flat battery is flat at once."""
    battery = min(state.battery_pct, scenarios.FLAT_PCT) if new.scenario is Scenario.FLAT_BATTERY else state.battery_pct
    return replace(state, battery_pct=battery, episodes=scenarios.started(state.episodes, new))


def calmed(state: BandState, now: datetime) -> BandState:
    """The state with every scenario over, and a battery that was made flat charged again."""
    flat = scenarios.has(state.episodes, Scenario.FLAT_BATTERY) is not None
    battery = max(state.battery_pct, REPLACED_PCT) if flat else state.battery_pct
    return replace(state, battery_pct=battery, episodes=scenarios.shortened(state.episodes, now))


def step(
    rng: Random, who: Wearer, state: BandState, now: datetime, zone: ZoneInfo
) -> tuple[BandState, tuple[Reading, ...]]:
    """The band's next state and what it measures at `now` (aware); called about every `TICK_S`.

    It measures the heart rate every minute on the wrist, the position every minute outside and every ten at home, and
    the status every quarter of an hour and whenever it changes.
    """
    episodes = scenarios.running(state.episodes, now)
    span = span_at(who, now, zone)
    off = scenarios.has(episodes, Scenario.BAND_OFF) is not None
    # A scenario is seen at any time of the day: the band is not on its charger, and a racing heart is at rest.
    charging = span.activity is Activity.CHARGING and not episodes
    worn = not off and not charging
    where, wandering = scenarios.whereabouts(who, episodes, now, position(who, span, now))
    activity = Activity.WALK if wandering else Activity.REST if episodes else span.activity
    state = replace(
        state,
        episodes=episodes,
        battery_pct=_battery(who, state, now, charging),
        drift=0.92 * state.drift + rng.gauss(0, 1.3),
    )
    if state.battery_pct <= 0 and not charging:
        return replace(state, last_tick=now), ()  # an empty band says nothing at all
    readings: list[Reading] = []
    if worn:
        true_bpm = scenarios.heart(rng, episodes, who.resting_bpm + ABOVE_RESTING[activity] + state.drift)
        readings.append(Reading(Kind.HEART_RATE, heart_rate(rng, now, true_bpm, activity)))
    outside = where != who.home
    if outside or state.last_fix is None or now - state.last_fix >= HOME_FIX_EVERY:
        readings.append(Reading(Kind.LOCATION, fix(rng, now, where, activity)))
        state = replace(state, last_fix=now)
    changed = (worn, charging) != (state.worn, state.charging) or _crossed(state, who, now)
    if changed or state.last_status is None or now - state.last_status >= STATUS_EVERY:
        readings.append(Reading(Kind.STATUS, status(rng, now, state.battery_pct, worn=worn, charging=charging)))
        state = replace(state, last_status=now)
    return replace(state, worn=worn, charging=charging, last_tick=now), tuple(readings)


def heart_rate(rng: Random, now: datetime, true_bpm: float, activity: Activity) -> HeartRate:
    """What the optical sensor makes of a true rate: noise grows with movement, and sometimes it finds nothing."""
    steps = _poisson(rng, STEPS_PER_MIN.get(activity, 0.0))
    motion: Literal["rest", "active"] = "active" if steps > 5 else "rest"
    if rng.random() < MISSED:
        return HeartRate(ts=now, bpm=0, quality=rng.randint(0, 15), motion=motion, steps=steps)
    if activity is Activity.WALK:
        quality, noise = rng.gauss(70, 10), 5.0
        if rng.random() < 0.03:
            # The sensor locks onto the steps instead of the pulse.
            true_bpm, quality = float(steps + 20), rng.uniform(15, 40)
    else:
        quality, noise = rng.gauss(92, 4), 1.8
    bpm = round(min(220.0, max(25.0, rng.gauss(true_bpm, noise))))
    return HeartRate(ts=now, bpm=bpm, quality=round(min(100.0, max(0.0, quality))), motion=motion, steps=steps)


def fix(rng: Random, now: datetime, where: tuple[float, float], activity: Activity) -> Location:
    """A position with an error like its stated accuracy, and now and then one that is far off and says so."""
    walking = activity is Activity.WALK
    accuracy = min(90.0, rng.lognormvariate(2.0, 0.45) if walking else rng.lognormvariate(2.9, 0.4))
    if rng.random() < 0.01:
        accuracy = rng.uniform(120, 600)
    lat, lon = moved(*where, rng.gauss(0, accuracy / 1.7), rng.gauss(0, accuracy / 1.7))
    source: Literal["gnss", "wifi", "cell"] = "gnss" if walking else rng.choice(("wifi", "wifi", "gnss"))
    if accuracy > 100:
        source = "cell"
    speed = round(max(0.0, rng.gauss(0.9, 0.2)), 2) if walking else 0.0
    return Location(
        ts=now, lat=round(lat, 6), lon=round(lon, 6), accuracy_m=round(accuracy, 1), source=source, speed_mps=speed
    )


def status(rng: Random, now: datetime, battery_pct: float, *, worn: bool, charging: bool) -> Status:
    """Battery, wrist and radio."""
    return Status(
        ts=now,
        battery_pct=round(max(0.0, min(100.0, battery_pct)), 1),
        charging=charging,
        worn=worn,
        signal_dbm=round(rng.gauss(-88, 6)),
        firmware=FIRMWARE,
    )


def press(rng: Random, who: Wearer, state: BandState, now: datetime, zone: ZoneInfo, event_id: str) -> Sos:
    """One press of the button, with the position that the band knows, and with a heart rate if it is worn."""
    where, wandering = scenarios.whereabouts(who, state.episodes, now, position(who, span_at(who, now, zone), now))
    known = fix(rng, now, where, Activity.WALK if wandering else Activity.REST)
    bpm = float(round(scenarios.heart(rng, state.episodes, who.resting_bpm + 12 + state.drift)))
    return Sos(
        event_id=event_id,
        ts=now,
        trigger="button",
        lat=known.lat,
        lon=known.lon,
        accuracy_m=known.accuracy_m,
        bpm=bpm if state.worn else None,
    )


def _battery(who: Wearer, state: BandState, now: datetime, charging: bool) -> float:
    if state.last_tick is None:
        return state.battery_pct
    minutes = max(0.0, (now - state.last_tick).total_seconds() / 60)
    change = CHARGE_PCT_PER_MIN if charging else -who.drain_pct_per_h / 60
    return min(100.0, max(0.0, state.battery_pct + change * minutes))


def _crossed(state: BandState, who: Wearer, now: datetime) -> bool:
    """Whether a scenario that changes the status began since the last one was sent."""
    flat = scenarios.has(state.episodes, Scenario.FLAT_BATTERY)
    return flat is not None and (state.last_status is None or state.last_status < flat.start)


def _poisson(rng: Random, mean: float) -> int:
    return max(0, round(rng.gauss(mean, mean**0.5))) if mean else 0
