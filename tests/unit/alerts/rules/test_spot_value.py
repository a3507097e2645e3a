"""Single values of somebody who is measured a few times a day: a task for the clinic, one a day; for nobody else."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model.incident import Finding, IncidentKind, Severity, Verdict
from alerts.rules import Profile, Reading, State, evaluate, evaluate_absence, read_state, spot_value
from alerts.rules.playback import Playback
from alerts.rules.spot_value import CONTINUOUS_DAYS, MOST_PARTS, Spot
from benchmarks import recordings, trends
from eldercare.protocol.mqtt_v1 import HeartRate, Status
from tests.unit.alerts.rules.band import NOON, Band, profile

MORNING = NOON - timedelta(hours=3)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def heart(hours: float, bpm: float, **fields: Any) -> HeartRate:
    """A value so many hours after nine in the morning."""
    return HeartRate(ts=MORNING + timedelta(hours=hours), bpm=bpm, **fields)


class Life:
    """A band and the minutes that pass between its readings; what was said of single values is kept."""

    def __init__(self, who: Profile | None = None, state: State | None = None) -> None:
        self.profile = who or profile()
        self.state = state or State()
        self.now = MORNING - timedelta(minutes=1)
        self.seen = self.now
        self.said: list[Verdict] = []

    @property
    def reasons(self) -> list[str]:
        return [verdict.reason for verdict in self.said]

    @property
    def spot(self) -> Spot:
        found = self.state.slots.get("spot_value", Spot())
        assert isinstance(found, Spot)
        return found

    def until(self, hours: float) -> "Life":
        """Let the time pass until so many hours after nine: the watch looks every ten minutes."""
        end = MORNING + timedelta(hours=hours)
        while self.now + timedelta(minutes=10) <= end:
            self.now += timedelta(minutes=10)
            self._keep(evaluate_absence(self.state, self.seen, self.profile, self.now))
        self.now = max(self.now, end)
        return self

    def hear(self, *readings: Reading, late_s: float = 0) -> "Life":
        """Readings, each when it was made or so much later."""
        for reading in readings:
            came = reading.ts + timedelta(seconds=late_s)
            self.until((came - MORNING) / timedelta(hours=1))
            self.seen = came
            self._keep(evaluate(self.state, reading, self.profile, came))
        return self

    def _keep(self, result: tuple[State, tuple[Verdict, ...]]) -> None:
        self.state, said = result
        self.said += [each for each in said if each.kind is IncidentKind.SPOT_VALUE]


@pytest.mark.parametrize(
    ("bpm", "reason", "limit"),
    [(100, "spot_high", 100), (135, "spot_high", 100), (50, "spot_low", 50), (38, "spot_low", 50)],
)
def test_a_value_at_a_limit_or_beyond_makes_a_task(bpm: float, reason: str, limit: float) -> None:
    life = Life().hear(heart(0, bpm)).until(2)
    [finding] = life.said
    assert isinstance(finding, Finding)
    assert (finding.kind, finding.severity, finding.reason) == (IncidentKind.SPOT_VALUE, Severity.TASK, reason)
    assert finding.detail == {"bpm": bpm, "limit_bpm": limit}
    assert finding.at == MORNING


@pytest.mark.parametrize("bpm", [99, 72, 51])
def test_a_value_within_the_limits_says_nothing(bpm: float) -> None:
    assert Life().hear(heart(0, bpm)).until(48).said == []


def test_it_is_decided_when_no_value_on_time_can_belong_to_it_any_more() -> None:
    life = Life().hear(heart(0, 104), heart(0.5, 72))
    assert life.until(1.6).said == []
    assert life.until(1.9).reasons == ["spot_high"]


def test_a_value_that_comes_late_may_stand_between_two_that_seemed_apart() -> None:
    life = Life().hear(heart(0, 104), heart(1.1, 72))
    assert len(life.spot.waiting) == 2
    spot = spot_value.hear(life.spot, heart(0.9, 110), profile(), heart(0.9, 0).ts.timestamp())
    (sitting,) = spot.waiting
    assert (sitting.high, sitting.low) == (110, 72)


def test_the_first_of_equal_values_and_the_high_one_first_is_told() -> None:
    life = Life().hear(heart(0, 45), heart(0.2, 120), heart(0.4, 120)).until(2)
    [finding] = life.said
    assert (finding.reason, finding.at) == ("spot_high", heart(0.2, 0).ts)


def test_a_person_has_limits_of_her_own() -> None:
    who = profile({"spot_high": 110, "spot_low": 45})
    assert Life(who).hear(heart(0, 105), heart(3, 48)).until(6).said == []


@pytest.mark.parametrize("fields", [{"bpm": 0}, {"bpm": 230}, {"bpm": 20}, {"bpm": 120, "quality": 20}])
def test_what_is_no_heart_rate_says_nothing(fields: dict[str, Any]) -> None:
    assert Life().hear(heart(0, **fields)).until(3).said == []


def test_there_is_one_task_a_day() -> None:
    life = Life().hear(heart(0, 104), heart(3, 110), heart(6, 42)).until(10)
    assert life.reasons == ["spot_high"]
    assert life.hear(heart(24, 120)).until(26).reasons == ["spot_high", "spot_high"]


def test_a_later_value_well_inside_ends_it() -> None:
    life = Life().hear(heart(0, 104), heart(3, 96)).until(5)
    assert life.reasons == ["spot_high"]
    assert life.hear(heart(6, 95), heart(9, 55)).until(48).reasons == ["spot_high", "spot_inside"]
    assert life.hear(heart(50, 72)).until(53).reasons == ["spot_high", "spot_inside"]


def test_the_noon_of_the_day_after_ends_it() -> None:
    life = Life().hear(heart(0, 104)).until(26.9)
    assert life.reasons == ["spot_high"]
    life.until(27.2)
    assert life.reasons == ["spot_high", "spot_day_over"]
    assert life.said[-1].at - NOON < timedelta(hours=24, minutes=10)


def test_in_the_evening_too_it_stands_until_the_noon_after() -> None:
    life = Life().hear(heart(11, 104)).until(26.9)
    assert life.reasons == ["spot_high"]
    assert life.until(27.2).reasons == ["spot_high", "spot_day_over"]


@pytest.mark.parametrize("rhythm_min", [1, 10, 30])
@pytest.mark.parametrize("bpm", [120, 42])
def test_who_is_measured_continuously_never_gets_one(rhythm_min: float, bpm: float) -> None:
    life = Life()
    for number in range(int(14 * 60 / rhythm_min)):
        life.hear(heart(number * rhythm_min / 60, bpm))
    assert life.until(20).said == []
    # The band is worn for a moment a day from now on: that makes no device for single values of it.
    for day in range(1, CONTINUOUS_DAYS):
        life.hear(heart(24 * day, bpm))
    assert life.said == []
    assert life.hear(heart(24 * (CONTINUOUS_DAYS + 3), bpm)).until(24 * (CONTINUOUS_DAYS + 3) + 2).reasons != []


def test_a_band_that_is_worn_for_a_few_minutes_for_the_first_time_gets_none() -> None:
    minutes = [heart(number / 60, 118) for number in range(12)]
    assert Life().hear(*minutes).until(5).said == []


@pytest.mark.parametrize("rhythm_min", [10, 15, 30, 45])
def test_a_slow_band_that_is_worn_for_two_hours_for_the_first_time_gets_none(rhythm_min: int) -> None:
    life = Life().hear(*(heart(minute / 60, 118) for minute in range(0, 121, rhythm_min)))
    assert life.until(5).said == []
    assert life.hear(heart(8, 120), heart(30, 120)).until(40).said == []


def test_whoever_measures_herself_again_at_once_gets_one() -> None:
    assert Life().hear(heart(0, 104), heart(0.02, 102), heart(0.05, 103)).until(3).reasons == ["spot_high"]


def test_twelve_values_a_day_are_a_few() -> None:
    few, many = Life(), Life()
    for number in range(MOST_PARTS + 1):
        many.hear(heart(1.1 * number, 104))
        if number < MOST_PARTS:
            few.hear(heart(1.1 * number, 104))
    assert few.until(20).reasons[0] == "spot_high"
    assert many.spot.continuous > 0
    assert many.spot.waiting == ()


def test_what_is_late_changes_nothing() -> None:
    life = Life().hear(heart(0, 72), heart(1, 120), late_s=601).until(5)
    assert life.said == []
    assert life.spot == Spot()


def test_away_says_nothing_and_remembers_nothing() -> None:
    who = profile(away_until=MORNING + timedelta(hours=5))
    life = Life(who).hear(heart(0, 120), heart(4, 40), Status(ts=heart(4.5, 0).ts, worn=True)).until(24)
    assert life.said == []
    assert life.hear(heart(25, 120)).until(27).reasons == ["spot_high"]


def test_what_waited_when_she_went_away_is_not_told_when_she_is_back() -> None:
    life = Life().hear(heart(0, 120))
    life.profile = profile(away_until=MORNING + timedelta(hours=30))
    assert life.until(40).said == []
    assert life.spot.waiting == ()


def test_a_clock_that_was_set_back_begins_anew() -> None:
    life = Life().hear(heart(0, 104)).until(2)
    ahead = Life(state=life.state)
    ahead.state, _ = evaluate(ahead.state, heart(3000, 104), ahead.profile, heart(3000, 0).ts)
    ahead.now = ahead.seen = heart(0, 0).ts
    assert ahead.hear(heart(5, 104)).until(8).reasons == ["spot_high"]


def test_after_a_while_of_nothing_only_the_newest_days_are_remembered() -> None:
    life = Life().hear(heart(0, 72), heart(24, 72))
    assert (len(life.spot.parts), len(life.spot.before)) == (1, 1)
    life.hear(heart(24 * 9, 72))
    assert (len(life.spot.parts), len(life.spot.before)) == (1, 0)


def test_a_value_of_yesterday_that_comes_after_midnight_counts_for_yesterday() -> None:
    midnight = datetime.fromisoformat("2026-03-03T00:00:00+00:00").timestamp()
    spot, who = Spot(), profile()
    for number in range(MOST_PARTS):
        spot = spot_value.hear(spot, heart(0, 72), who, midnight - 80000 + 600 * number)
    spot = spot_value.hear(spot, heart(0, 72), who, midnight + 60)
    assert spot.continuous == 0
    assert spot_value.hear(spot, heart(0, 72), who, midnight - 86400 * 3) != spot  # it waits, and is of no day
    before = spot_value.hear(spot, heart(0, 72), who, midnight - 60)
    assert (before.continuous, before.parts, before.waiting) == (int(midnight // 86400) - 1, (0,), ())


def test_what_is_remembered_is_small() -> None:
    life = Life()
    for minute in range(24 * 60):
        life.hear(heart(minute / 60, 118))
    assert len(json.dumps(json.loads(life.state.to_json())["slots"])) < 120
    few = Life().hear(*(heart(6 * number, 104.5) for number in range(8)))
    assert len(json.dumps(json.loads(few.state.to_json())["slots"])) < 230


def test_playback_tells_it_as_a_task() -> None:
    playback = Playback(profile())
    for day in range(3):
        playback.receive(heart(24 * day, 72 if day == 1 else 104), heart(24 * day, 0).ts)
    playback.wait(heart(80, 0).ts)
    found = [each for each in playback.episodes if each.kind is IncidentKind.SPOT_VALUE]
    assert [(each.opened_as, each.ended_at is None) for each in found] == [
        (Severity.TASK, False),
        (Severity.TASK, False),
    ]


def test_a_single_value_crashes_nothing() -> None:
    playback = Playback(profile())
    playback.receive(heart(0, 104), heart(0, 0).ts)
    assert playback.episodes == []


# Properties -----------------------------------------------------------------------------------------------------

_BPM = st.sampled_from([0, 38, 50, 56, 72, 94, 99, 100, 120])
_VALUES = st.lists(st.tuples(st.integers(0, 300), _BPM), min_size=1, max_size=20)
_OF_TWO_HOURS = st.lists(st.tuples(st.integers(0, 120), _BPM), min_size=1, max_size=20)
_FEW = settings(max_examples=30)


def heard(values: list[tuple[int, float]], spot: Spot | None = None) -> Spot:
    spot = spot or Spot()
    for minute, bpm in values:
        reading = heart(minute / 60, bpm)
        spot = spot_value.hear(spot, reading, profile(), reading.ts.timestamp())
    return spot


@given(_OF_TWO_HOURS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_what_is_remembered(values: list[tuple[int, float]], random: Any) -> None:
    shuffled = values + values
    random.shuffle(shuffled)
    assert heard(shuffled) == heard(values)
    once = heard(values)
    assert once == heard(values, once)


@_FEW
@given(_VALUES, st.randoms(use_true_random=False))
def test_within_ten_minutes_the_order_in_which_they_come_does_not_matter(
    values: list[tuple[int, float]], random: Any
) -> None:
    """A value that comes up to nine minutes late is told of as it would have been in order, at the same time."""
    by_minute = sorted(dict(values).items())

    def played(delays: dict[int, float]) -> list[tuple[datetime, str]]:
        playback = trends.Heard(profile())
        coming = sorted((minute + delays.get(minute, 0.0), minute, bpm) for minute, bpm in by_minute)
        for came, minute, bpm in coming:
            playback.receive(heart(minute / 60, bpm), heart(came / 60, 0).ts)
        playback.wait(heart(8, 0).ts)
        return [(each.at, each.reason) for each in playback.found if each.kind is IncidentKind.SPOT_VALUE]

    delays = {minute: random.uniform(0, 9) for minute, _ in by_minute}
    assert played(delays) == played({})


@_FEW
@given(_VALUES)
def test_a_restart_changes_nothing(values: list[tuple[int, float]]) -> None:
    one, other = Life(), Life()
    for minute, bpm in sorted(dict(values).items()):
        one.hear(heart(minute / 60, bpm))
        other.state = read_state(other.state.to_json())
        other.hear(heart(minute / 60, bpm))
    assert one.until(40).said == other.until(40).said
    assert one.state == other.state


@_FEW
@given(_VALUES)
def test_there_is_never_more_than_one_a_day(values: list[tuple[int, float]]) -> None:
    life = Life()
    for minute, bpm in sorted(dict(values).items()):
        life.hear(heart(minute / 6, bpm))
    life.until(60)
    days = [each.at.astimezone(SHANGHAI).date() for each in life.said if isinstance(each, Finding)]
    assert len(days) == len(set(days))


# Recordings -----------------------------------------------------------------------------------------------------


@pytest.mark.recordings
def test_days_that_clinicians_flagged_get_a_task_and_few_others() -> None:
    people = recordings.tihm()
    measured = {(who, reading.ts.date()) for who, readings in people.items() for reading in readings}
    alerts, found = recordings.tihm_pulse_alerts() & measured, trends.flagged(people)
    assert len(alerts) >= 40
    assert len(found & alerts) >= 0.96 * len(alerts)
    assert len(found & alerts) >= 0.83 * len(found)


def test_nobody_waits_for_a_device_that_is_used_a_few_times_a_day() -> None:
    band, last = Band(NOON), NOON
    for hours in range(72):
        if hours % 6 == 0:
            band.heart(72)
            last = band.now
        for _ in range(6):
            band.wait(10).watched(last)
    # Only after the second sitting is it known what she has.
    assert band.reasons == ["silent", "heard_again"] * 2
    for _ in range(3 * 144):
        band.wait(10).watched(last)
    assert band.reasons[4:] == ["silent"]


def test_a_third_sitting_waits_as_well() -> None:
    spot = Spot()
    for each in (heart(0, 70), heart(1.1, 70), heart(2.2, 140)):
        spot = spot_value.hear(spot, each, profile(), each.ts.timestamp())
    assert len(spot.waiting) == 3


def test_a_band_that_tells_of_movement_is_no_device_for_single_values() -> None:
    life = Life().hear(HeartRate(ts=heart(0, 0).ts, bpm=120, steps=0))
    assert life.until(10).reasons == []
    assert life.spot.continuous > 0


def test_a_band_that_was_tried_on_is_no_device_for_single_values() -> None:
    band = Band(NOON)
    for _ in range(3):
        for _ in range(40):
            band.wait(1).heart(72)
        last = band.now
        for _ in range(24):
            band.wait(10).watched(last)
    assert band.reasons.count("silent") == 3


def test_a_watch_that_tells_where_she_is_is_waited_for() -> None:
    band = Band(NOON)
    for _ in range(3):
        band.heart(72)
        for _ in range(20):
            band.wait(10).fix(5)
            band.watched(band.now)
    last = band.now
    for _ in range(6):
        band.wait(10).watched(last)
    assert band.reasons[-1] == "silent"


def test_a_band_that_measures_nothing_all_day_is_a_band() -> None:
    band = Band(NOON)
    for _ in range(4):
        band.heart(72)
        for _ in range(12):
            band.wait(10).watched(band.now)
    for _ in range(40):
        band.heart(0)
        band.wait(10).watched(band.now)
    assert "worn_without_value" in band.reasons
