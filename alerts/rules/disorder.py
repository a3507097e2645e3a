"""Evaluates readings that come out of order, each on time, so that the rules say what they say in order.

What the rules remember is the end of a story; it cannot be taken back to its middle. So the story is told again: the
stored readings of some time before the first new one are evaluated in their order, each as of when it came, on a memory
of alarms alone. What was said already is not said again.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from alerts.model.incident import Cleared, IncidentKind, Verdict
from alerts.rules import heart_rate, registry
from alerts.rules.evaluation import hear
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, Reading, Result
from alerts.rules.state import Heart, State, Wear, Zone
from alerts.rules.thresholds import Thresholds
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status

LONGEST_S = 4 * 3600.0
"""Seconds that the story goes back at most."""


HEART_S = 7200.0
"""Seconds. Three values of a band that measures every half hour, and more than the longest window of any other."""
SLOWEST_S = 1800.0
"""Seconds from one value to the next of the slowest band."""


class StoredReading(NamedTuple):
    """A stored reading, and when it came (aware)."""

    reading: Reading
    received_at: datetime


class Reach(NamedTuple):
    """Seconds before the first new reading at which the story has to begin: for values, for statuses, for fixes."""

    heart_s: float
    wear_s: float
    zone_s: float


def reach(limits: Thresholds) -> Reach:
    """How far back a window may go that ends in an alarm, with the movement before it; for statuses also how far back
    the band's word on the wrist still holds."""
    heart_s = min(max(HEART_S, limits.hr_min_samples * SLOWEST_S), LONGEST_S)
    zone_s = min(limits.zone_dwell_s + limits.zone_fixes * limits.zone_gap_s, LONGEST_S)
    return Reach(heart_s, heart_s + limits.silent_s, zone_s)


def is_on_time(reading: Reading, limits: Thresholds, now: datetime) -> bool:
    """Whether the rules take it at all."""
    return -limits.ahead_s <= (now - reading.ts).total_seconds() <= limits.late_s


def is_out_of_order(state: State, reading: Reading, profile: Profile, now: datetime) -> bool:
    """Whether this reading, new and on time, has something to say of what was evaluated before it came.

    Where what is remembered lies in the future, a clock was set back, which is no disorder.
    """
    if not is_on_time(reading, profile.thresholds, now):
        return False
    ts, heart, wear = reading.ts.timestamp(), state.heart, state.wear
    latest = now.timestamp() + profile.thresholds.ahead_s
    if isinstance(reading, Location):
        return _is_before(ts, state.zone.newest, latest)
    if isinstance(reading, HeartRate):
        # What is known of the wrist was said later: it may have been otherwise when this was measured.
        turned = wear.newest if wear.worn is False else wear.since or None
        if not heart_rate.is_plausible(reading, profile.thresholds):
            turned = None
        return _is_before(ts, heart.newest, latest) or _is_before(ts, turned, latest)
    turns = reading.worn is not None and (reading.worn is False) is not (wear.worn is False)
    return _is_before(ts, wear.newest, latest) or (turns and _is_before(ts, heart.newest, latest))


def _is_before(ts: float, newest: float | None, latest: float) -> bool:
    return newest is not None and ts <= newest <= latest


def evaluate_heart(state: State, stored: Iterable[StoredReading], since: float, profile: Profile) -> Result:
    """The state, and what is new to say, after the values and statuses in `stored`, in their order.

    `since` is the time of the first new one, seconds since the epoch; `stored` begins by `reach` before it.
    """
    reached = reach(profile.thresholds)
    begin = since - reached.heart_s
    measured, waiting, active = state.heart.measured, state.heart.waiting, state.heart.active
    if measured is not None and measured > begin:
        # It may turn out to count no more. What counted before it is not known, so the wait begins with what is new.
        measured, waiting = None, _later(waiting, since)
    start = replace(
        state,
        heart=Heart(
            measured=measured,
            high=state.heart.high,
            low=state.heart.low,
            asleep=state.heart.asleep,
            waiting=waiting,
            missing=state.heart.missing,
            no_heart=state.heart.no_heart,
            # A later movement is in what is told again.
            active=active if active is not None and active <= begin else None,
        ),
        wear=_wear_at(state.wear, since - reached.wear_s),
    )
    after, verdicts = _retell(start, stored, since, profile)
    before, heart = state.heart, after.heart
    heart = replace(
        heart,
        newest=_later(heart.newest, before.newest),
        active=_later(heart.active, before.active),
        waiting=_later(heart.waiting, before.waiting),
    )
    wear = replace(after.wear, newest=_later(after.wear.newest, state.wear.newest))
    heard = _later(after.heard, state.heard)
    after = replace(state, heard=heard, heart=heart, wear=wear, slots=after.slots, looked=after.looked)
    return after, registry.join(after, verdicts, NOTHING)


def _wear_at(wear: Wear, begin: float) -> Wear:
    """What was known of the wrist at `begin`, as far as the newest still tells."""
    if wear.newest is None or wear.newest <= begin:
        return wear
    worn, since = (wear.worn, wear.since) if wear.since <= begin else (None, 0.0)
    return replace(wear, newest=begin, worn=worn, since=since, charging=False)


def evaluate_zone(state: State, stored: Iterable[StoredReading], since: float, profile: Profile) -> Result:
    """The state, and what is new to say, after the fixes in `stored`, in their order; the rest as in
    `evaluate_heart`."""
    zone, begin = state.zone, since - reach(profile.thresholds).zone_s
    returned = zone.returned
    # Whoever was back after what is new now was still out before it.
    stands = zone.stands or (returned is not None and returned >= since)
    if zone.ts is None or zone.ts > begin:
        zone = Zone(alarmed=zone.alarmed)
    zone = replace(zone, stands=stands, returned=None)
    after, verdicts = _retell(replace(state, zone=replace(zone, newest=None, jumps=0)), stored, since, profile)
    zone = replace(
        after.zone,
        newest=_later(after.zone.newest, state.zone.newest),
        returned=_later(after.zone.returned, returned),
    )
    if not state.zone.stands:
        verdicts = tuple(each for each in verdicts if not _is_said(each, returned))
    heard = _later(after.heard, state.heard)
    after = replace(state, heard=heard, zone=zone, slots=after.slots, looked=after.looked)
    return after, registry.join(after, verdicts, NOTHING)


def _is_said(verdict: Verdict, returned: float | None) -> bool:
    """Whether it is the return that was told already."""
    return isinstance(verdict, Cleared) and verdict.at.timestamp() == returned


def _later(one: float | None, other: float | None) -> float | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _retell(state: State, stored: Iterable[StoredReading], since: float, profile: Profile) -> Result:
    said: list[Verdict] = []
    for reading, received_at in stored:
        ts, before = reading.ts.timestamp(), state
        state, verdicts = hear(before, reading, profile, received_at)
        for verdict in verdicts:
            # What came before the first new reading was evaluated as it is now. And nothing is over before it was
            # found.
            if ts < since or (isinstance(verdict, Cleared) and _found(before, verdict) > ts):
                state = _unsaid(state, before, verdict.kind)
            else:
                said.append(verdict)
    return state, tuple(said)


def _found(state: State, cleared: Cleared) -> float:
    """When what is over now was found."""
    match cleared.kind:
        case IncidentKind.HEART_RATE:
            heart = state.heart
            return max((side.alarmed for side in (heart.high, heart.low, heart.asleep) if side is not None), default=0)
        case IncidentKind.NO_HEART_RATE:
            found = state.heart.missing
        case IncidentKind.OFF_WRIST:
            found = state.wear.off_found
        case IncidentKind.LOW_BATTERY:
            found = state.wear.battery_found
        case _:
            found = state.zone.alarmed
    return found or 0.0


def _unsaid(state: State, before: State, kind: IncidentKind) -> State:
    """The state with the memory of alarms of this kind as it was before."""
    heart, wear, zone = state.heart, state.wear, state.zone
    match kind:
        case IncidentKind.HEART_RATE:
            heart = replace(heart, high=before.heart.high, low=before.heart.low, asleep=before.heart.asleep)
        case IncidentKind.NO_HEART_RATE:
            heart = replace(heart, missing=before.heart.missing, no_heart=before.heart.no_heart)
        case IncidentKind.OFF_WRIST:
            wear = replace(wear, off_found=before.wear.off_found)
        case IncidentKind.LOW_BATTERY:
            stood = before.wear.battery_stands
            wear = replace(wear, battery_found=before.wear.battery_found, battery_stands=stood)
        case _:
            known = before.zone
            zone = replace(zone, alarmed=known.alarmed, stands=known.stands, returned=known.returned)
    return replace(state, heart=heart, wear=wear, zone=zone)


def is_heart(reading: Reading) -> bool:
    """Whether it is a value or a status, and not a fix."""
    return isinstance(reading, HeartRate | Status)
