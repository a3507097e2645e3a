"""What holds of every stream of readings."""

from collections.abc import Callable
from datetime import timedelta
from math import cos, radians, sin
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model.incident import Finding, IncidentKind, Severity, Verdict
from alerts.rules import Profile, Reading, State, evaluate, read_state, registry
from alerts.rules.envelope import Level, Levels
from alerts.rules.places_learnt import PlacesLearnt
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from tests.unit.alerts.rules.band import HOME, METRES_PER_DEGREE, MIDNIGHT, NOON, Band, profile

TASKS = {IncidentKind.OFF_WRIST, IncidentKind.NO_HEART_RATE, IncidentKind.LOW_BATTERY}
Stream = list[Reading]
KNOWN = profile(
    learnt={
        "envelope": Levels(Level(high=62.0), Level(high=55.0), least=55.0),
        "places": PlacesLearnt(never=(1 << 24) - 1, heard=True, far_m=500.0),
    }
)
"""Somebody of whom it is known what is high for her, that she never is out, and how far she goes."""
_WHO = st.sampled_from([profile(), KNOWN])

_STEPS = st.sampled_from([0.5, 5, 15, 60, 60, 60, 60, 170, 190, 900, 3600])
_HEARTS = st.fixed_dictionaries(
    {"bpm": st.sampled_from([0, 30, 36, 39, 45, 52, 70, 70, 80, 100, 108, 115, 125, 140, 140, 150, 230])},
    optional={
        "quality": st.sampled_from([20, 90]),
        "motion": st.sampled_from(["rest", "rest", "active"]),
        "steps": st.sampled_from([0, 0, 0, 7]),
    },
)
_FIXES = st.fixed_dictionaries(
    {"metres": st.sampled_from([0, 100, 495, 520, 700, 900, 4000])},
    optional={"accuracy_m": st.sampled_from([0, 8, 60, 150])},
)
_ROUNDS = st.fixed_dictionaries({"circle_m": st.sampled_from([60, 150])}, optional={"accuracy_m": st.sampled_from([8])})
_STATUSES = st.fixed_dictionaries(
    {}, optional={"worn": st.booleans(), "charging": st.booleans(), "battery_pct": st.sampled_from([5, 20, 25, 80])}
)


def _reading(kind: str, at: float, fields: dict[str, Any]) -> Reading:
    ts = NOON + timedelta(seconds=at)
    if kind == "circle":
        radius = fields.pop("circle_m")
        east, north = radius * cos(at / radius), radius * sin(at / radius)  # at 3.6 km/h
        lon = HOME[1] + east / METRES_PER_DEGREE / cos(radians(HOME[0]))
        return Location(ts=ts, lat=HOME[0] + north / METRES_PER_DEGREE, lon=lon, **fields)
    if kind == "heart":
        return HeartRate(ts=ts, **fields)
    if kind == "status":
        return Status(ts=ts, **fields)
    lat = HOME[0] + fields.pop("metres") / METRES_PER_DEGREE
    return Location(ts=ts, lat=lat, lon=HOME[1], **fields)


@st.composite
def streams(draw: st.DrawFn, longest: int = 30) -> Stream:
    """Readings in the order of their times. Each stretch repeats one kind of reading, so that things last."""
    out: Stream = []
    at = draw(st.sampled_from([0.0, 0.0, 11.5 * 3600]))  # from noon or before midnight on
    for _ in range(draw(st.integers(1, 6))):
        kind, fields = draw(
            st.one_of(
                st.tuples(st.just("heart"), _HEARTS),
                st.tuples(st.just("heart"), _HEARTS),
                st.tuples(st.just("fix"), _FIXES),
                st.tuples(st.just("circle"), _ROUNDS),
                st.tuples(st.just("status"), _STATUSES),
            )
        )
        step = draw(_STEPS)
        for _ in range(draw(st.integers(1, longest))):
            at += step
            out.append(_reading(kind, at, dict(fields)))
    return out


def play(
    stream: Stream, who: Profile, between: Callable[[State], State] = lambda state: state, delay_s: float = 0
) -> tuple[State, list[Verdict]]:
    state, said = State(), []
    for reading in stream:
        state, verdicts = evaluate(between(state), reading, who, reading.ts + timedelta(seconds=delay_s))
        said.extend(verdicts)
    return state, said


def through_json(state: State) -> State:
    return read_state(state.to_json())


@given(streams(longest=45), _WHO)
def test_a_restart_between_any_two_readings_changes_nothing(stream: Stream, who: Profile) -> None:
    assert play(stream, who, through_json) == play(stream, who)


@given(streams(), _WHO, st.data())
def test_splitting_into_batches_changes_nothing(stream: Stream, who: Profile, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    whole = play(stream, who)
    state, said = play(stream[:cut], who)
    state = through_json(state)
    for reading in stream[cut:]:
        state, verdicts = evaluate(state, reading, who, reading.ts)
        said.extend(verdicts)
    assert (state, said) == whole


@given(streams(), _WHO)
def test_a_state_is_never_changed_in_place(stream: Stream, who: Profile) -> None:
    state = State()
    for reading in stream:
        before = through_json(state)
        after, _ = evaluate(state, reading, who, reading.ts)
        assert state == before
        state = after


@given(streams(), st.integers(1, 3), _WHO)
def test_duplicates_never_alarm_nor_change_anything(stream: Stream, times: int, who: Profile) -> None:
    state = State()
    for reading in stream:
        state, _ = evaluate(state, reading, who, reading.ts)
        for _ in range(times):
            assert evaluate(state, reading, who, reading.ts + timedelta(seconds=30)) == (state, ())


@given(streams(), st.floats(600.5, 1e7), _WHO)
def test_late_data_never_alarms_nor_changes_anything(stream: Stream, delay_s: float, who: Profile) -> None:
    assert play(stream, who, delay_s=delay_s) == (State(), [])


@given(streams(), streams(longest=10), _WHO)
def test_late_data_in_between_changes_nothing(stream: Stream, backlog: Stream, who: Profile) -> None:
    state, said = State(), []
    for number, reading in enumerate(stream):
        late = backlog[number % len(backlog)]
        came = max(reading.ts, late.ts + timedelta(seconds=601))
        assert evaluate(state, late, who, came) == (state, ())
        state, verdicts = evaluate(state, reading, who, reading.ts)
        said.extend(verdicts)
    assert (state, said) == play(stream, who)


@given(streams(), st.randoms(use_true_random=False), _WHO)
def test_disorder_never_makes_anything_sooner_than_it_lasted(stream: Stream, random: Any, who: Profile) -> None:
    shuffled = sorted(stream, key=lambda reading: reading.ts.timestamp() + random.uniform(0, 300))
    came, state = stream[0].ts, State()
    for reading in shuffled:
        came = max(came, reading.ts)
        state, verdicts = evaluate(state, reading, who, came)
        for verdict in verdicts:
            if isinstance(verdict, Finding) and "duration_s" in verdict.detail:
                began = verdict.at - timedelta(seconds=verdict.detail["duration_s"] + 1)
                assert began <= verdict.at <= came
                assert began >= NOON - timedelta(seconds=1)


@given(streams(longest=60), _WHO)
def test_no_alarm_twice_within_its_cool_down(stream: Stream, who: Profile) -> None:
    _, said = play(stream, who)
    last: dict[str, Finding] = {}
    for finding in (verdict for verdict in said if isinstance(verdict, Finding)):
        about = finding.kind.value
        if finding.kind is IncidentKind.HEART_RATE:
            about = finding.reason.split("_")[0]
        if finding.reason.startswith("no_pulse"):
            about = "no_pulse"  # a rule of its own, beside that of the task about missing values
        before = last.get(about)
        if before is not None and not (before.severity is Severity.WARNING and finding.severity is Severity.URGENT):
            pause = 86400 if finding.kind is IncidentKind.LOW_BATTERY else 1800
            assert (finding.at - before.at).total_seconds() >= pause
        last[about] = finding


@given(streams(), _WHO)
def test_what_is_over_was_found_before(stream: Stream, who: Profile) -> None:
    _, said = play(stream, who)
    found: set[str] = set()
    for verdict in said:
        about = verdict.kind.value
        if verdict.kind is IncidentKind.HEART_RATE:
            about = verdict.reason.split("_")[0]
        if isinstance(verdict, Finding):
            found.add(about)
        else:
            assert about in found
            found.discard(about)


@given(streams(longest=45), _WHO)
def test_what_is_over_stands_by_no_rule(stream: Stream, who: Profile) -> None:
    state, open_kinds = State(), set[IncidentKind]()
    for reading in stream:
        state, verdicts = evaluate(state, reading, who, reading.ts)
        for verdict in verdicts:
            if isinstance(verdict, Finding):
                open_kinds.add(verdict.kind)
            else:
                open_kinds.discard(verdict.kind)
        # Whatever goes on by any rule has its incident.
        assert {kind for kind in IncidentKind if registry.held(state, kind, "")} <= open_kinds


@given(streams())
def test_whoever_is_away_is_left_in_peace(stream: Stream) -> None:
    _, said = play(stream, profile(away_until=stream[-1].ts + timedelta(seconds=1)))
    assert said == []


_EPISODES = st.sampled_from(
    [
        ("high_urgent", 136, 300),
        ("high_warning", 116, 600),
        ("low_warning", 46, 600),
        ("low_urgent", 35, 300),
    ]
)


@given(
    episode=_EPISODES,
    every_s=st.sampled_from([5, 6, 10, 12, 15, 20, 30, 60]),
    before=st.integers(0, 40),
    share=st.floats(0, 1),
    noise=st.lists(st.integers(-4, 4), min_size=20, max_size=20),
    lost=st.sets(st.integers(0, 120), max_size=40),
)
def test_every_episode_at_rest_is_caught_within_its_window_and_a_minute(
    episode: tuple[str, int, int], every_s: int, before: int, share: float, noise: list[int], lost: set[int]
) -> None:
    reason, bpm, window_s = episode
    band = Band()
    for number in range(before * 60 // every_s):
        band.heart(72 + noise[number % 20], motion="rest")
        band.wait(every_s / 60)
    began = band.now - timedelta(seconds=share * every_s)  # between two values
    number = 0
    while (band.now - began).total_seconds() <= window_s + 60:
        # Single messages are lost, where three intervals are not more than the minute.
        if number not in lost or number - 1 in lost or every_s > 20:
            band.heart(bpm + noise[number % 20], motion="rest")
        band.wait(every_s / 60)
        number += 1
    assert reason in band.reasons


@given(
    noise=st.lists(st.integers(-6, 6), min_size=31, max_size=31),
    drift=st.lists(st.integers(-28, 28), min_size=37, max_size=37),
    awake_h=st.integers(7, 9),
)
@settings(max_examples=8)
def test_an_ordinary_day_says_nothing(noise: list[int], drift: list[int], awake_h: int) -> None:
    band = Band(MIDNIGHT)
    for minute in range(24 * 60):
        hour = minute / 60
        asleep = hour < awake_h or hour >= 22
        walking = 10 <= hour < 10.5 or 16 <= hour < 16.4
        charging = 12.5 <= hour < 13.6
        if not charging:
            bpm = (56 if asleep else 112 if walking else 76) + noise[minute % 31]
            steps = 60 if walking else 12 if not asleep and minute % 70 == 0 else 0
            band.heart(bpm, motion="active" if steps else "rest", steps=steps, quality=80)
        if minute % 5 == 0:
            away = 40 * (minute % 60) / 5 if walking else 0
            band.fix(abs(away + drift[minute % 37]), 15)
        if minute % 15 == 0:
            band.status(worn=not charging, charging=charging, battery_pct=90 - hour * 2)
        band.wait(1)
        band.watched(band.now)
    assert band.said == []
