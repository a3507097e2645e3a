"""The heart rate: too high or too low, at rest, for long enough; or worn and not measured."""

from datetime import datetime

from msgspec.structs import replace

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules.profile import Profile
from alerts.rules.state import Heart, Run, Side, State
from alerts.rules.thresholds import Thresholds
from eldercare.protocol.mqtt_v1 import HeartRate

NOTHING: tuple[Verdict, ...] = ()
WARNING, URGENT = 1, 2
_SEVERITY = {WARNING: Severity.WARNING, URGENT: Severity.URGENT}


def is_valid(state: State, reading: HeartRate, limits: Thresholds) -> bool:
    """Whether the value counts: 0 is "not measured", and a band off the wrist or unsure of itself measures nothing."""
    if not is_plausible(reading, limits):
        return False
    wear = state.wear
    if wear.worn is not False or wear.newest is None:
        return True
    # A band that said "not worn" long ago and nothing since is believed no more: its values are all there is.
    return reading.ts.timestamp() - wear.newest > limits.silent_s


def is_plausible(reading: HeartRate, limits: Thresholds) -> bool:
    """Whether it is a heart rate that the band is sure of."""
    if not limits.hr_min_bpm <= reading.bpm <= limits.hr_max_bpm:
        return False
    return reading.quality is None or reading.quality >= limits.hr_min_quality


def evaluate(state: State, reading: HeartRate, profile: Profile, ts: float) -> tuple[State, tuple[Verdict, ...]]:
    """Evaluate one value that counts, newer than all before. `ts` is its time in seconds since the epoch."""
    limits, heart, bpm = profile.thresholds, state.heart, reading.bpm
    moves = bool(reading.steps) or reading.motion == "active"
    active = ts if moves else heart.active
    heard = ts if state.heard is None or ts > state.heard else state.heard
    high, low = heart.high, heart.low
    if high is None and low is None and heart.missing is None and limits.hr_low_warning < bpm < limits.hr_high_warning:
        return State(heard, Heart(ts, ts, active), state.zone, state.wear, state.silent), NOTHING

    verdicts: list[Verdict] = []
    rested = not moves and (active is None or ts - active >= limits.hr_rest_s)
    high = _follow(high, _high(limits), bpm, reading.ts, ts, rested, verdicts)
    low = _follow(low, _low(limits, profile.is_night(ts)), bpm, reading.ts, ts, not moves, verdicts)
    if heart.missing is not None:
        verdicts.append(Cleared(IncidentKind.NO_HEART_RATE, "measured_again", reading.ts))
    after = State(heard, Heart(ts, ts, active, high, low), state.zone, state.wear, state.silent)
    return after, tuple(verdicts)


class _Limits:
    """One side's limits. Values are compared as `sign * bpm`, so that "beyond" is always "at or above"."""

    __slots__ = ("name", "sign", "thresholds", "urgent", "warning")

    def __init__(self, name: str, sign: int, warning: float, urgent: float, thresholds: Thresholds) -> None:
        self.name, self.sign, self.thresholds = name, sign, thresholds
        self.warning, self.urgent = warning, urgent

    def is_beyond(self, bpm: float, limit: float) -> bool:
        """Whether the value is at the limit or further out."""
        return self.sign * bpm >= self.sign * limit

    def is_inside(self, bpm: float) -> bool:
        """Whether the value is inside by the hysteresis."""
        return self.sign * bpm <= self.sign * self.warning - self.thresholds.hr_hysteresis


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
    beyond = counts and limits.is_beyond(bpm, limits.warning)
    if side is None and not beyond:
        return None
    side = side or Side()
    if counts or limits.is_inside(bpm):
        side = replace(
            side,
            warning=_go_on(side.warning, limits, limits.warning, bpm, ts),
            urgent=_go_on(side.urgent, limits, limits.urgent, bpm, ts),
        )
    else:
        side = side.calm()
    if beyond:
        return _alarm(replace(side, inside=Run()), limits, bpm, at, ts, verdicts)
    if side.stands:
        return _recover(side, limits, bpm, at, ts, verdicts)
    # Values may still come that are late by less than `late_s`, and were measured within the cool-down.
    memory_s = limits.thresholds.cool_down_s + limits.thresholds.late_s
    remembers = side.warning.values or (side.rank and ts - side.alarmed < memory_s)
    return side if remembers else None


def _go_on(run: Run, limits: _Limits, limit: float, bpm: float, ts: float) -> Run:
    """A run of values beyond a limit, after one more. Wrists are noisy: a short lapse does not break it as long as
    the mean of all is clearly beyond; a pause without any value does."""
    if limits.is_beyond(bpm, limit):
        if not run.values or ts - run.last > limits.thresholds.hr_gap_s:
            return Run(ts, ts, 1, bpm)
        return Run(run.since, ts, run.values + 1, run.total + bpm)
    if not run.values or ts - run.last > limits.thresholds.hr_lapse_s:
        return Run()
    run = Run(run.since, run.last, run.values + 1, run.total + bpm)
    return run if limits.is_beyond(run.mean, limit + limits.sign * limits.thresholds.hr_lapse_margin) else Run()


def _alarm(side: Side, limits: _Limits, bpm: float, at: datetime, ts: float, verdicts: list[Verdict]) -> Side:
    """Speak when it has lasted, unless the cool-down of an alarm at least as grave still holds."""
    thresholds = limits.thresholds
    if limits.is_beyond(bpm, limits.urgent) and _has_lasted(side.urgent, thresholds, thresholds.hr_urgent_s, ts):
        rank, run, limit = URGENT, side.urgent, limits.urgent
    elif _has_lasted(side.warning, thresholds, thresholds.hr_warning_s, ts):
        rank, run, limit = WARNING, side.warning, limits.warning
    else:
        return side
    if rank <= side.rank and ts - side.alarmed < thresholds.cool_down_s:
        return side
    detail = {
        "bpm": round(bpm),
        "mean_bpm": round(run.mean),
        "limit_bpm": limit,
        "duration_s": round(ts - run.since),
        "values": run.values,
    }
    severity = _SEVERITY[rank]
    verdicts.append(Finding(IncidentKind.HEART_RATE, severity, f"{limits.name}_{severity}", at, detail))
    return replace(side, rank=rank, alarmed=ts, stands=True)


def _has_lasted(run: Run, limits: Thresholds, window_s: float, ts: float) -> bool:
    return run.values >= limits.hr_min_samples and ts - run.since >= window_s


def _recover(side: Side, limits: _Limits, bpm: float, at: datetime, ts: float, verdicts: list[Verdict]) -> Side:
    """The side after a value that follows an alarm: values must be well inside for a while, so that it does not flutter
    at the limit."""
    if not limits.is_inside(bpm):
        return replace(side, inside=Run())
    run, thresholds = side.inside, limits.thresholds
    lasts = run.values and ts - run.last <= thresholds.hr_gap_s
    run = Run(run.since, ts, run.values + 1, run.total + bpm) if lasts else Run(ts, ts, 1, bpm)
    if not _has_lasted(run, thresholds, thresholds.hr_urgent_s, ts):
        return replace(side, inside=run)
    verdicts.append(Cleared(IncidentKind.HEART_RATE, f"{limits.name}_over", at))
    return replace(side, inside=Run(), stands=False)
