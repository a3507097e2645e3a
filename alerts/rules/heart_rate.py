"""The heart rate: too high or too low, at rest, for long enough; or worn and not measured."""

from datetime import datetime

from alerts.kinds import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules.profile import Profile
from alerts.rules.state import Heart, Side, State
from alerts.rules.thresholds import Thresholds
from eldercare.wire import HeartRate

NOTHING: tuple[Verdict, ...] = ()
WARNING, URGENT = 1, 2
_SEVERITY = {WARNING: Severity.WARNING, URGENT: Severity.URGENT}


def is_valid(state: State, reading: HeartRate, limits: Thresholds) -> bool:
    """Whether the value counts: 0 is "not measured", and a band off the wrist or unsure of itself measures nothing."""
    if not limits.hr_min_bpm <= reading.bpm <= limits.hr_max_bpm:
        return False
    if reading.quality is not None and reading.quality < limits.hr_min_quality:
        return False
    wear = state.wear
    if wear.worn is not False or wear.newest is None:
        return True
    # A band that said "not worn" long ago and nothing since is believed no more: its values are all there is.
    return reading.ts.timestamp() - wear.newest > limits.silent_s


def judge(state: State, reading: HeartRate, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """One value that counts, newer than all before. `ts` is its time in seconds since the epoch."""
    limits, heart, bpm = profile.thresholds, state.heart, reading.bpm
    moves = bool(reading.steps) or reading.motion == "active"
    active = ts if moves else heart.active
    heard = ts if state.heard is None or ts > state.heard else state.heard
    high, low = heart.high, heart.low
    if high is None and low is None and heart.missing is None and limits.hr_low_warning < bpm < limits.hr_high_warning:
        return State(heard, Heart(ts, ts, active), state.zone, state.wear, state.silent), NOTHING

    broken = heart.measured is None or ts - heart.measured > limits.hr_gap_s
    rested = not moves and (active is None or ts - active >= limits.hr_rest_s)
    verdicts: list[Verdict] = []
    high = _follow(high.calm() if high and broken else high, _high(limits), bpm, reading.ts, ts, rested, verdicts)
    low_limits = _low(limits, profile.is_night(ts))
    low = _follow(low.calm() if low and broken else low, low_limits, bpm, reading.ts, ts, not moves, verdicts)
    if heart.missing is not None:
        verdicts.append(Cleared(IncidentKind.NO_HEART_RATE, "measured_again", reading.ts))
    after = State(heard, Heart(ts, ts, active, high, low), state.zone, state.wear, state.silent)
    return after, tuple(verdicts)


class _Limits:
    """One side's limits. Values are compared as `sign * bpm`, so that "beyond" is always "at or above"."""

    __slots__ = ("name", "sign", "thresholds", "urgent", "warning")

    def __init__(self, name: str, sign: int, warning: float, urgent: float, thresholds: Thresholds) -> None:
        self.name, self.sign, self.thresholds = name, sign, thresholds
        self.warning, self.urgent = sign * warning, sign * urgent

    def level(self, bpm: float) -> int:
        """0 within the limits, else WARNING or URGENT."""
        value = self.sign * bpm
        return URGENT if value >= self.urgent else WARNING if value >= self.warning else 0

    def is_inside(self, bpm: float) -> bool:
        """Whether the value is inside by the hysteresis."""
        return self.sign * bpm <= self.warning - self.thresholds.hr_hysteresis


def _high(limits: Thresholds) -> _Limits:
    return _Limits("high", 1, limits.hr_high_warning, limits.hr_high_urgent, limits)


def _low(limits: Thresholds, night: bool) -> _Limits:
    warning, urgent = limits.hr_low_warning, limits.hr_low_urgent
    if night:  # someone whose own limits are lower by day keeps them at night
        warning, urgent = min(warning, limits.hr_night_low_warning), min(urgent, limits.hr_night_low_urgent)
    return _Limits("low", -1, warning, urgent, limits)


def _follow(
    side: Side | None, limits: _Limits, bpm: float, at: datetime, ts: float, counts: bool, verdicts: list[Verdict]
) -> Side | None:
    """The side after one value; appends what there is to say. `counts`: a value while moving starts no alarm."""
    level = limits.level(bpm) if counts else 0
    if level:
        return _beyond(side or Side(), limits, level, bpm, at, ts, verdicts)
    if side is None:
        return None
    if not side.stands:
        cooling = side.rank and ts - side.alarmed < limits.thresholds.cool_down_s
        return side.calm() if cooling else None
    return _recover(side, limits, bpm, at, ts, verdicts) if counts or limits.is_inside(bpm) else side.calm()


def _beyond(
    side: Side, limits: _Limits, level: int, bpm: float, at: datetime, ts: float, verdicts: list[Verdict]
) -> Side:
    since, count, peak = (side.since, side.values + 1, side.peak) if side.values else (ts, 1, bpm)
    urgent_since, urgent_values = 0.0, 0
    if level == URGENT:
        urgent_since, urgent_values = (side.urgent_since, side.urgent_values + 1) if side.urgent_values else (ts, 1)
    peak = bpm if limits.sign * bpm > limits.sign * peak else peak
    side = Side(since, count, urgent_since, urgent_values, peak, 0.0, 0, side.rank, side.alarmed, side.stands)
    rank = _sustained(side, limits.thresholds, ts)
    cooled = not side.rank or ts - side.alarmed >= limits.thresholds.cool_down_s
    if not rank or not (cooled or rank > side.rank):
        return side
    verdicts.append(_finding(side, limits, rank, bpm, at, ts))
    return side._replace(rank=rank, alarmed=ts, stands=True)


def _sustained(side: Side, limits: Thresholds, ts: float) -> int:
    if side.urgent_values >= limits.hr_min_samples and ts - side.urgent_since >= limits.hr_urgent_s:
        return URGENT
    if side.values >= limits.hr_min_samples and ts - side.since >= limits.hr_warning_s:
        return WARNING
    return 0


def _finding(side: Side, limits: _Limits, rank: int, bpm: float, at: datetime, ts: float) -> Finding:
    urgent = rank == URGENT
    detail = {
        "bpm": round(bpm),
        "peak_bpm": round(side.peak),
        "limit_bpm": limits.sign * (limits.urgent if urgent else limits.warning),
        "duration_s": round(ts - (side.urgent_since if urgent else side.since)),
        "values": side.urgent_values if urgent else side.values,
    }
    severity = _SEVERITY[rank]
    return Finding(IncidentKind.HEART_RATE, severity, f"{limits.name}_{severity}", at, detail)


def _recover(side: Side, limits: _Limits, bpm: float, at: datetime, ts: float, verdicts: list[Verdict]) -> Side:
    """After an alarm: the values must be well inside for a while, so that it does not flutter at the limit."""
    if not limits.is_inside(bpm):
        return side._replace(inside_since=0.0, inside_values=0)
    since, count = (side.inside_since, side.inside_values + 1) if side.inside_values else (ts, 1)
    side = side.calm()._replace(inside_since=since, inside_values=count)
    if count < limits.thresholds.hr_min_samples or ts - since < limits.thresholds.hr_urgent_s:
        return side
    verdicts.append(Cleared(IncidentKind.HEART_RATE, f"{limits.name}_over", at))
    return side.calm()._replace(stands=False)
