"""Readings handed in in another order than they were measured in: what the rules would say in order, they say."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import ingest.pipeline.evaluation
from alerts.detection.devices import Device
from alerts.model.incident import Finding, IncidentKind, Verdict
from alerts.rules import Profile, State, Thresholds, read_state
from alerts.rules.disorder import StoredReading, reach
from alerts.rules.rule import Learnt
from alerts.rules.state import Heart, Side
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from ingest.pipeline.evaluation import evaluate_again, evaluate_readings
from ingest.protocols.device_reading import DeviceReading as New
from ingest.protocols.mqtt_v1 import Reading

NOON = datetime(2026, 5, 4, 4, tzinfo=UTC)
HOME = (31.2, 121.4)
DEGREE_M = 111_195.0


class Line:
    """A band, what is stored of it, and what the rules have said. `read` counts how often stored readings were read."""

    def __init__(
        self,
        overrides: dict[str, Any] | None = None,
        away_until: datetime | None = None,
        learnt: Learnt | None = None,
    ) -> None:
        limits = Thresholds().with_overrides(overrides or {})
        profile = Profile(7, *HOME, 500, away_until, ZoneInfo("Asia/Shanghai"), limits, learnt or {})
        self.band = Device("band-1", State(), profile, None, NOON - timedelta(days=9))
        self.stored: dict[tuple[type[Reading], datetime], StoredReading] = {}
        self.said: list[Verdict] = []
        self.read = 0

    def hand_in(self, readings: Iterable[Reading], now: datetime) -> list[Verdict]:
        """One batch."""
        new = []
        for reading in readings:
            key = (type(reading), reading.ts)
            if key not in self.stored:
                self.stored[key] = StoredReading(reading, now)
                new.append(New("band-1", reading))
        bands = {"band-1": self.band}
        evaluation = evaluate_readings(new, bands, now)
        if again := evaluation.again.get("band-1"):
            self.read += 1
            told = [
                each
                for (kind, ts), each in self.stored.items()
                if kind in again.begins and again.begins[kind] <= ts <= now + timedelta(minutes=5)
            ]
            evaluate_again(evaluation, bands, {"band-1": told[::-1]})
        assert not evaluation.errors
        self.band.state = read_state(self.band.state.to_json())
        verdicts = [each.verdict for each in evaluation.verdicts]
        self.said += verdicts
        return verdicts

    @property
    def findings(self) -> list[str]:
        """The reasons of what was found, in the order in which it was."""
        return [each.reason for each in self.said if isinstance(each, Finding)]


def heart(bpm: float, seconds: float, **fields: Any) -> HeartRate:
    return HeartRate(ts=NOON - timedelta(seconds=seconds), bpm=bpm, **{"motion": "rest", **fields})


def fix(metres: float, seconds: float, accuracy_m: float = 8) -> Location:
    ts = NOON - timedelta(seconds=seconds)
    return Location(ts=ts, lat=HOME[0] + metres / DEGREE_M, lon=HOME[1], accuracy_m=accuracy_m)


def status(seconds: float, **fields: Any) -> Status:
    return Status(ts=NOON - timedelta(seconds=seconds), **fields)


NINE_MINUTES = [heart(140, seconds) for seconds in range(540, -1, -60)]


def in_order(line: Line, readings: Sequence[Reading]) -> Line:
    """Each as it was made."""
    for reading in readings:
        line.hand_in([reading], reading.ts)
    return line


def newest_first(readings: Sequence[Reading], *line: Line) -> Line:
    """Each by itself."""
    one = line[0] if line else Line()
    for reading in reversed(readings):
        one.hand_in([reading], NOON)
    return one


def test_a_racing_heart_handed_in_newest_first_is_found_once() -> None:
    assert newest_first(NINE_MINUTES).findings == ["high_urgent"]


@given(st.permutations(NINE_MINUTES), st.data())
def test_a_racing_heart_is_found_in_any_order_and_in_any_batches(
    readings: list[HeartRate], data: st.DataObject
) -> None:
    line = Line()
    while readings:
        several = data.draw(st.integers(1, len(readings)))
        line.hand_in(readings[:several], NOON)
        readings = readings[several:]
    assert line.findings == ["high_urgent"]


def test_two_batches_of_every_other_value_are_one_story() -> None:
    line = Line()
    line.hand_in(NINE_MINUTES[::2], NOON)
    line.hand_in(NINE_MINUTES[1::2], NOON)
    assert line.findings == ["high_urgent"]


def test_what_comes_in_order_reads_nothing_back() -> None:
    line = in_order(Line(), [*NINE_MINUTES, status(-1, worn=True), fix(0, -2), heart(80, -3), status(-3, worn=True)])
    assert (line.read, line.findings) == (0, ["high_urgent"])


def test_what_is_late_by_the_rules_own_measure_is_never_found() -> None:
    line = Line()
    for reading in reversed(NINE_MINUTES):
        line.hand_in([reading], NOON + timedelta(seconds=1 if reading.ts == NOON else 601))
    assert (line.findings, line.read) == ([], 0)
    # Nor is it counted in for what comes on time later.
    line.hand_in([heart(140, -590), heart(140, -580)], NOON + timedelta(seconds=601))
    line.hand_in([heart(140, -585)], NOON + timedelta(seconds=601))
    assert (line.findings, line.read) == ([], 1)


def test_what_is_late_beside_what_is_in_order_reads_nothing_back() -> None:
    line = in_order(Line(), NINE_MINUTES)
    line.hand_in([heart(140, 700), heart(140, -5)], NOON + timedelta(seconds=5))
    assert (line.read, line.findings) == (0, ["high_urgent"])


def test_movement_before_it_counts_as_in_order() -> None:
    moving = [heart(120, 900, motion="active")]
    assert (
        newest_first(NINE_MINUTES, in_order(Line(), moving)).findings
        == in_order(Line(), moving + NINE_MINUTES).findings
    )
    long_ago = [heart(120, 1200, motion="active")]
    assert newest_first(NINE_MINUTES, in_order(Line(), long_ago)).findings == ["high_urgent"]


def test_a_run_that_began_on_time_ends_with_what_came_before_it() -> None:
    line = in_order(Line(), [heart(140, seconds) for seconds in range(900, 200, -60)])
    assert line.findings == ["high_urgent"]
    for reading in [heart(140, 0), heart(140, 60), heart(140, 120), heart(140, 180)]:
        line.hand_in([reading], NOON)
    assert line.findings == ["high_urgent"]


def test_what_is_graver_is_found_within_what_is_known() -> None:
    line = in_order(Line(), [heart(120, seconds) for seconds in range(1500, 600, -60)])
    assert line.findings == ["high_warning"]
    newest_first(NINE_MINUTES, line)
    assert line.findings == ["high_warning", "high_urgent"]


def test_put_on_the_wrist_before_the_values_that_came_first() -> None:
    line = in_order(Line(), [status(1200, worn=False)])
    newest_first([status(560, worn=True), *NINE_MINUTES], line)
    assert line.findings == ["high_urgent"]


def test_taken_off_after_the_values_that_came_later() -> None:
    line = in_order(Line(), [status(1200, worn=True)])
    newest_first([*NINE_MINUTES, status(-5, worn=False)], line)
    assert line.findings == ["high_urgent"]


def test_what_was_measured_before_it_was_put_on_counts_for_nothing() -> None:
    line = in_order(Line(), [status(1200, worn=False)])
    line.hand_in([status(30, worn=True)], NOON)
    for seconds in range(540, 59, -60):
        line.hand_in([heart(140, seconds)], NOON)
    assert line.findings == []
    assert line.band.state.heart.measured is None


def test_a_band_off_the_wrist_measures_nothing_in_any_order() -> None:
    line = in_order(Line(), [status(1200, worn=False)])
    newest_first([status(570, worn=False), *NINE_MINUTES], line)
    assert line.findings == []


def test_who_has_left_is_found_by_fixes_newest_first() -> None:
    out = [fix(900, seconds) for seconds in range(500, -1, -100)]
    assert newest_first(out).findings == ["left_zone"]
    assert in_order(Line(), out).findings == ["left_zone"]


def test_who_is_back_is_back_in_any_order() -> None:
    line = in_order(Line(), [fix(900, seconds) for seconds in range(1800, 600, -100)])
    line.hand_in([fix(0, 10)], NOON)
    assert [each.reason for each in line.said] == ["left_zone", "returned"]
    line.hand_in([fix(900, 500)], NOON)
    line.hand_in([fix(900, 300)], NOON)
    assert [each.reason for each in line.said] == ["left_zone", "returned"]


def test_whoever_was_still_out_before_she_was_back_has_not_left_again() -> None:
    """Out since half an hour, and back: what comes late of the way is no other way out."""
    line = in_order(Line(), [fix(700, seconds) for seconds in range(2335, 1300, -185)])
    assert line.findings == ["left_zone"]
    line.hand_in([fix(700, 395), fix(700, 335), fix(0, 95)], NOON)
    assert [each.reason for each in line.said] == ["left_zone", "returned"]
    line.hand_in([fix(700, 455), fix(700, 275), fix(700, 215), fix(700, 155), fix(0, 35)], NOON)
    assert [each.reason for each in line.said] == ["left_zone", "returned"]
    assert not line.band.state.zone.stands


def test_nobody_is_back_before_having_left() -> None:
    line = newest_first([fix(900, seconds) for seconds in range(500, -1, -100)])
    line.hand_in([fix(0, 590)], NOON)
    assert [each.reason for each in line.said] == ["left_zone"]
    assert line.band.state.zone.stands


def test_a_fix_that_was_no_jump_in_order_is_none_now() -> None:
    line = in_order(Line(), [fix(0, 9000)])
    newest_first([fix(4000, seconds) for seconds in range(500, -1, -100)], line)
    assert line.findings == ["left_zone"]


def test_the_fix_that_is_still_believed_tells_what_is_a_jump() -> None:
    line = in_order(Line(), [fix(0, 10_000), fix(900_000, 300)])
    line.hand_in([fix(900_000, 400)], NOON)
    assert line.band.state.zone.jumps == 2
    assert line.findings == []


def test_nothing_is_over_before_it_was_found() -> None:
    overrides = {"hr_urgent_s": 60, "hr_warning_s": 120}
    line = Line(overrides)
    line.hand_in([heart(140, seconds) for seconds in range(120, -1, -20)], NOON)
    for seconds in range(560, 200, -20):
        line.hand_in([heart(80, seconds)], NOON)
    assert [each.reason for each in line.said] == ["high_urgent"]
    side = line.band.state.heart.high
    assert side is not None
    assert side.stands


def test_what_is_over_in_order_is_over() -> None:
    line = in_order(Line(), [heart(140, seconds) for seconds in range(1200, 600, -60)])
    newest_first([heart(80, seconds) for seconds in range(590, -1, -59)], line)
    assert [each.reason for each in line.said] == ["high_urgent", "high_over"]


def test_an_alarm_that_is_long_over_is_not_found_again_by_what_came_late() -> None:
    """The cool-down is over by now, and what is read back holds all of it."""
    racing = [heart(140, seconds) for seconds in range(7200, 6000, -60)]
    line = in_order(Line(), [*racing, *[heart(70, seconds) for seconds in range(6000, 530, -60)]])
    assert [each.reason for each in line.said] == ["high_urgent", "high_over"]
    before = line.band.state.heart.high
    line.hand_in([heart(70, 0)], NOON)
    line.hand_in([heart(70, 510)], NOON)
    assert (line.read, [each.reason for each in line.said]) == (1, ["high_urgent", "high_over"])
    assert line.band.state.heart.high == before


def test_what_was_graver_and_over_long_ago_is_not_found_again_while_less_stands() -> None:
    graver = [heart(140, seconds) for seconds in range(7000, 6400, -60)]
    calm = [heart(70, seconds) for seconds in range(6400, 2000, -60)]
    less = [heart(118, seconds) for seconds in range(2000, 600, -60)]
    line = in_order(Line(), [*graver, *calm, *less])
    assert line.findings == ["high_urgent", "high_warning"]
    line.hand_in([heart(118, 0)], NOON)
    line.hand_in([heart(118, 300)], NOON)
    assert (line.read, line.findings) == (1, ["high_urgent", "high_warning"])
    assert line.band.state.heart.high is not None
    assert line.band.state.heart.high.rank == 1


def test_whoever_sleeps_on_in_the_morning_sleeps_on_in_any_order() -> None:
    line = Line()
    seven = timedelta(hours=5)  # before noon

    def slow(seconds: float, **fields: Any) -> HeartRate:
        return heart(45, seconds, **fields).model_copy(update={"ts": NOON - seven - timedelta(seconds=seconds)})

    in_order(line, [slow(4 * 3600, motion="active"), *[slow(seconds) for seconds in range(4 * 3600 - 60, 0, -60)]])
    line.hand_in([slow(-60)], NOON - seven + timedelta(seconds=60))
    line.hand_in([slow(-30)], NOON - seven + timedelta(seconds=60))
    assert (line.read, line.findings) == (1, [])


def test_an_alarm_of_the_version_before_is_not_found_again() -> None:
    """It knows neither since when, nor what of the windows."""
    racing = [heart(140, seconds) for seconds in range(5400, 3600, -60)]
    line = in_order(Line(), racing)
    old = Side(rank=2, alarmed=(NOON - timedelta(seconds=3700)).timestamp(), stands=True)
    line.band.state = replace(line.band.state, heart=Heart(line.band.state.heart.newest, high=old))
    line.said.clear()
    in_order(line, [heart(70, seconds) for seconds in range(3600, 2000, -60)])
    assert [each.reason for each in line.said] == ["high_over"]


def test_a_low_battery_newest_first() -> None:
    line = newest_first([status(300, battery_pct=12), status(10, worn=True)])
    assert line.findings == ["battery_low"]
    line = newest_first([status(300, battery_pct=12, charging=False), status(200, battery_pct=14)])
    assert line.findings == ["battery_low"]


def test_a_battery_is_not_charged_before_it_was_low() -> None:
    line = Line()
    line.hand_in([status(100, battery_pct=12)], NOON)
    line.hand_in([status(300, battery_pct=90)], NOON)
    assert [each.reason for each in line.said] == ["battery_low"]
    assert line.band.state.wear.battery_stands


def test_a_band_without_values_goes_on_waiting() -> None:
    """Disorder must not let the wait begin anew, or nobody ever heard that nothing is measured."""
    line = in_order(Line(), [heart(70, 9000), *[heart(0, seconds) for seconds in range(8000, 1500, -600)]])
    assert line.findings == ["worn_without_value"] or line.findings == []
    for seconds in range(1400, -1, -100):
        now = NOON - timedelta(seconds=seconds)
        line.hand_in([heart(0, seconds)], now)
        line.hand_in([heart(0, seconds + 50)], now)
    assert line.findings == ["worn_without_value"]
    line.hand_in([heart(70, 20)], NOON)
    assert line.said[-1].reason == "measured_again"
    measured = line.band.state.heart.measured
    assert measured == (NOON - timedelta(seconds=20)).timestamp()


def test_measured_before_it_was_missed_is_not_measured_again() -> None:
    line = Line({"no_hr_s": 600})
    in_order(line, [heart(70, 1300), *[heart(0, seconds) for seconds in range(1200, 600, -60)]])
    line.hand_in([heart(0, 590)], NOON - timedelta(seconds=590))
    assert line.findings == ["worn_without_value"]
    missing = line.band.state.heart.missing
    line.hand_in([heart(70, 700)], NOON - timedelta(seconds=580))
    assert [each.reason for each in line.said] == ["worn_without_value"]
    assert line.band.state.heart.missing == missing


def test_worn_before_it_was_missed_from_the_wrist_clears_nothing() -> None:
    line = in_order(Line(), [status(4000, worn=False), *[status(seconds, worn=False) for seconds in (2400, 1000, 400)]])
    assert line.findings == ["off_wrist"]
    line.band.state = replace(line.band.state, wear=replace(line.band.state.wear, off_found=NOON.timestamp()))
    line.hand_in([status(500, worn=True)], NOON)
    assert [each.reason for each in line.said] == ["off_wrist"]
    assert line.band.state.wear.off_found == NOON.timestamp()


def test_whoever_is_away_is_not_judged_and_what_came_before_breaks_nothing_off() -> None:
    away = Line(away_until=NOON + timedelta(hours=1))
    assert newest_first(NINE_MINUTES, away).findings == []
    back = Line(away_until=NOON - timedelta(seconds=400))
    newest_first(NINE_MINUTES, back)
    assert back.findings == ["high_urgent"]


def test_a_clock_that_was_set_back_begins_anew() -> None:
    line = Line()
    line.hand_in([heart(70, -3600), fix(0, -3600), status(-3600, worn=True)], NOON + timedelta(hours=1))
    newest_first(NINE_MINUTES, line)
    assert line.findings == ["high_urgent"]


def test_a_band_that_nobody_wears_is_not_judged_again() -> None:
    line = Line()
    line.band.profile = None
    newest_first(NINE_MINUTES, line)
    assert (line.read, line.findings) == (0, [])


def test_a_wearer_of_whom_nobody_knows_since_when() -> None:
    line = Line()
    line.band.worn_since = None
    assert newest_first(NINE_MINUTES, line).findings == ["high_urgent"]


def test_nothing_from_before_this_wearer_is_read() -> None:
    line = Line()
    line.band.worn_since = NOON - timedelta(seconds=230)
    for reading in NINE_MINUTES:
        line.stored[type(reading), reading.ts] = StoredReading(reading, NOON)
    line.hand_in([heart(140, 10), fix(0, 10)], NOON)
    line.hand_in([heart(140, 20), fix(0, 20)], NOON)
    assert (line.read, line.findings) == (1, [])


def test_a_value_that_turns_out_to_be_off_the_wrist_was_never_measured() -> None:
    line = Line()
    line.hand_in([heart(70, 200), heart(70, 100)], NOON)
    line.hand_in([status(300, worn=False)], NOON)
    assert line.band.state.heart.measured is None
    # The wait for one begins with what was new, and not at the beginning of time.
    assert line.band.state.heart.waiting is not None
    assert [finding.kind for finding in line.said if isinstance(finding, Finding)] == []


@pytest.mark.parametrize("overrides", [{"no_hr_s": 600}, {"no_hr_s": 900}])
def test_nobody_is_missed_by_reading_back(overrides: dict[str, Any]) -> None:
    line = Line(overrides)
    line.hand_in([heart(70, 60)], NOON)
    line.hand_in([heart(0, 200)], NOON)
    assert line.said == []


def test_a_mistake_in_the_rules_stays_with_its_band(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    line.hand_in(NINE_MINUTES[-1:], NOON)

    def mistaken(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(ingest.pipeline.evaluation.disorder, "evaluate_heart", mistaken)
    before = line.band.state
    evaluation = evaluate_readings([New("band-1", NINE_MINUTES[0])], {"band-1": line.band}, NOON)
    evaluate_again(evaluation, {"band-1": line.band}, {})
    assert (evaluation.errors, line.band.state) == (1, before)


_BPM = st.sampled_from([0, 30, 39, 45, 70, 70, 115, 115, 140, 140, 140])


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Reading], list[Reading]]:
    """A past in order, and some minutes after it, all of them on time at NOON."""

    def stretch(begin: float, end: float) -> list[Reading]:
        out: list[Reading] = []
        at = begin
        while at > end:
            step = draw(st.sampled_from([20, 45, 60, 60, 60, 100, 185]))
            bpm, motion = draw(_BPM), draw(st.sampled_from(["rest", "rest", "rest", "active"]))
            metres = draw(st.sampled_from([0, 400, 700, 900, 900, 4000]))
            worn = draw(st.sampled_from([None, True, True, False]))
            kind = draw(st.sampled_from(["heart", "heart", "heart", "fix", "status"]))
            for _ in range(draw(st.integers(1, 8))):
                at -= step
                if at <= end:
                    break
                if kind == "heart":
                    out.append(heart(bpm, at, motion=motion))
                elif kind == "fix":
                    out.append(fix(metres, at))
                else:
                    out.append(status(at, worn=worn))
        return out

    return stretch(draw(st.sampled_from([600, 1500, 3000])), 595), stretch(595, 0)


HEALTH = {IncidentKind.HEART_RATE, IncidentKind.WANDERING}


def found(verdicts: Sequence[Verdict]) -> list[str]:
    return [each.reason for each in verdicts if isinstance(each, Finding) and each.kind in HEALTH]


@settings(max_examples=100)
@given(stories(), st.data())
def test_any_order_of_what_is_on_time_raises_what_it_raises_in_order(
    story: tuple[list[Reading], list[Reading]], data: st.DataObject
) -> None:
    past, minutes = story
    handed_in = data.draw(st.permutations(minutes))
    ordered, line, reasons = in_order(Line(), past), in_order(Line(), past), set()
    ordered.said.clear()
    line.said.clear()
    ordered.hand_in(minutes, NOON)
    known: list[Reading] = []
    while handed_in:
        several = data.draw(st.integers(1, 5))
        known += handed_in[:several]
        line.hand_in(handed_in[:several], NOON)
        handed_in = handed_in[several:]
        so_far = in_order(Line(), past)
        reasons |= set(found(so_far.hand_in(known, NOON)))
    said = found(line.said)
    for reason in set(found(ordered.said)) - set(said):
        assert reason.replace("warning", "urgent") in said  # what is graver was found first
    assert set(said) <= reasons
    assert len(said) == len(set(said))


def _since(moment: float | None, begin: float) -> float | None:
    return None if moment is None or moment < begin else moment


@given(stories(), st.data())
@settings(max_examples=50)
def test_what_is_remembered_afterwards_is_as_in_order(
    story: tuple[list[Reading], list[Reading]], data: st.DataObject
) -> None:
    past, minutes = story
    ordered, line = in_order(Line(), past), in_order(Line(), past)
    ordered.hand_in(minutes, NOON)
    for reading in data.draw(st.permutations(minutes)):
        line.hand_in([reading], NOON)
    one, other = ordered.band.state, line.band.state
    assert (one.heard, one.heart.newest) == (other.heard, other.heart.newest)
    # What counted before reading began is not known any more where all that came after it does not count.
    known_since = NOON.timestamp() - reach(Thresholds()).heart_s
    assert _since(one.heart.measured, known_since) == _since(other.heart.measured, known_since)
    assert (one.zone.newest, one.wear.newest, one.wear.worn) == (other.zone.newest, other.wear.newest, other.wear.worn)
    assert (one.heart.minutes, one.heart.active) == (other.heart.minutes, other.heart.active)


def test_the_newest_comes_first_and_then_the_others_one_by_one_is_never_twice() -> None:
    line = newest_first([heart(140, seconds) for seconds in range(590, -1, -10)])
    assert line.findings == ["high_urgent"]
    assert all(one != other for one, other in pairwise(line.findings))
