"""One reading in, the next state and the verdicts out."""

from datetime import datetime

from msgspec.structs import replace

from alerts.rules import heart_rate, registry, wear, zone
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, Reading, Result
from alerts.rules.state import Heart, State, Zone
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status


def evaluate(state: State, reading: Reading, profile: Profile, now: datetime) -> Result:
    """Evaluate one reading that was not stored before; `state` itself is not changed. `now` (aware) is when it came.

    The rules of the registry hear it, and are asked what there is to say as of its time.

    Positions are in WGS-84. Readings come in the order of `ts`. One that is late, lies in the future, or is not newer
    than those of its kind before it alarms nobody and changes nothing. `disorder` knows whether one that is not newer
    has something to say all the same.
    """
    after, verdicts = hear(state, reading, profile, now)
    if after is state:
        return state, verdicts
    ts = reading.ts.timestamp()
    if profile.away_until is not None and profile.is_away(ts):
        return after, verdicts
    after, found = registry.look(after, profile, ts)
    return after, registry.join(after, verdicts, found)


def hear(state: State, reading: Reading, profile: Profile, now: datetime) -> Result:
    """The same without asking the rules of the registry, which look at what is, and not at what is told again."""
    ts = reading.ts.timestamp()
    age = now.timestamp() - ts
    limits = profile.thresholds
    if age > limits.late_s or age < -limits.ahead_s:
        return state, NOTHING
    if profile.away_until is not None and profile.is_away(ts):
        return registry.hear(_while_away(state, reading, ts), reading, profile, ts), NOTHING
    newest = _newest(state, reading)
    if newest is not None and ts <= newest:
        # Disorder and frozen clocks change nothing. But where the clock was set back, the rules begin anew: what they
        # remember lies in the future, and would deafen them until then.
        if newest - now.timestamp() <= limits.ahead_s:
            return state, NOTHING
        state = State()
    state, verdicts = _evaluate(state, reading, profile, ts)
    return registry.hear(state, reading, profile, ts), verdicts


def _newest(state: State, reading: Reading) -> float | None:
    """The time of the newest of its kind before."""
    if isinstance(reading, HeartRate):
        return state.heart.newest
    return state.zone.newest if isinstance(reading, Location) else state.wear.newest


def _evaluate(state: State, reading: Reading, profile: Profile, ts: float) -> Result:
    limits = profile.thresholds
    if isinstance(reading, HeartRate):
        if heart_rate.is_valid(state, reading, limits):
            return heart_rate.evaluate(state, reading, profile, ts)
        return _not_measured(_hear(state, ts, limits.silent_s), reading, profile, ts)
    if isinstance(reading, Location):
        return zone.evaluate(_hear(state, ts, limits.silent_s), reading, profile, ts)
    return _status(_hear(state, ts, limits.silent_s), reading, profile, ts)


def _hear(state: State, ts: float, silent_s: float) -> State:
    """A band that was silent buffers its values: the wait for a heart rate begins anew when it is heard again."""
    heard = state.heard
    if heard is None or ts - heard >= silent_s:
        return replace(state, heard=ts, heart=replace(state.heart, waiting=ts))
    if ts <= heard:
        return state
    return State(ts, state.heart, state.zone, state.wear, state.silent, state.slots, state.looked)


def _not_measured(state: State, reading: HeartRate, profile: Profile, ts: float) -> Result:
    state = replace(state, heart=heart_rate.not_measured(state.heart, reading, ts))
    return wear.without_value(state, profile, ts)


def _status(state: State, reading: Status, profile: Profile, ts: float) -> Result:
    state = wear.learn(state, reading, ts)
    worn, verdicts = wear.battery(state.wear, reading, profile.thresholds, ts)
    state, overdue = wear.overdue(replace(state, wear=worn), profile, ts)
    return state, verdicts + overdue


def _while_away(state: State, reading: Reading, ts: float) -> State:
    """Take a reading from hospital or a visit: nothing is evaluated, nothing goes on, and what stood still stands
    afterwards."""
    before = heart_rate.anew(state.heart)
    heart = Heart(
        waiting=ts,
        missing=state.heart.missing,
        high=before.high,
        low=before.low,
        asleep=before.asleep,
        no_heart=before.no_heart,
    )
    whereabouts = Zone(alarmed=state.zone.alarmed, stands=state.zone.stands)
    heard = ts if state.heard is None else max(state.heard, ts)
    state = State(heard, heart, whereabouts, state.wear, state.silent, state.slots, state.looked)
    newest = state.wear.newest
    if isinstance(reading, Status) and (newest is None or ts > newest):
        state = wear.learn(state, reading, ts)
    return state
