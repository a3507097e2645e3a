"""Whereabouts without a circle: what is told, what is not, and when it is over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from math import cos, sin
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model.incident import Finding, IncidentKind, Severity
from alerts.rules import Profile, evaluate, read_state
from alerts.rules.places import Places, exit_began, hear
from alerts.rules.places_learnt import Outing, PlacesLearnt
from alerts.rules.playback import Playback
from alerts.rules.whereabouts import METRES_PER_DEGREE
from eldercare.protocol.mqtt_v1 import Location
from tests.unit.alerts.rules.band import HOME, Band, profile

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 3, 2, tzinfo=ZONE)


def open_profile(learnt: PlacesLearnt | None = None, **values: Any) -> Profile:
    """A resident at HOME around whom nobody has drawn a circle."""
    who = profile(safe_radius_m=None, **values)
    return who if learnt is None else replace(who, learnt={"places": learnt})


def band_at(hour: float, who: Profile | None = None) -> Band:
    return Band(DAY + timedelta(hours=hour), who or open_profile())


def stay(band: Band, metres: float, minutes: int, every: int = 5, accuracy_m: float | None = 10) -> Band:
    for _ in range(0, minutes, every):
        band.wait(every).fix(metres, accuracy_m)
    return band


def walk(band: Band, *metres: float, every: float = 5) -> Band:
    for each in metres:
        band.wait(every).fix(each)
    return band


def circle(band: Band, minutes: int, every: float = 2, radius_m: float = 120, begin: float = 0) -> Band:
    second, kmh = begin, 3.5
    while second < begin + minutes * 60:
        band.wait(every)
        second += every * 60
        angle = second * kmh / 3.6 / radius_m
        lat = HOME[0] + radius_m * sin(angle) / METRES_PER_DEGREE
        lon = HOME[1] + radius_m * cos(angle) / METRES_PER_DEGREE / cos(HOME[0] * 3.14159 / 180)
        band._evaluate(Location(ts=band.now, lat=lat, lon=lon, accuracy_m=8), 0)
    return band


WALK = (100, 350, 600, 850)


def test_leaving_at_night_is_urgent_within_twelve_minutes() -> None:
    band = walk(stay(band_at(23.5), 0, 60), *WALK[:2])
    [finding] = band.findings
    assert (finding.kind, finding.severity, finding.reason) == (
        IncidentKind.WANDERING,
        Severity.URGENT,
        "left_at_night",
    )
    assert (finding.detail["distance_m"], finding.detail["accuracy_m"], finding.detail["duration_s"]) == (350, 20, 300)
    assert finding.detail["lat"] == pytest.approx(HOME[0] + 350 / METRES_PER_DEGREE, abs=3e-5)
    assert finding.episode_at == finding.at - timedelta(minutes=5)


@pytest.mark.parametrize(("steps", "told"), [(90, True), (40, False), (None, False)])
def test_steps_show_that_two_fixes_a_little_way_off_are_no_drift(steps: int | None, told: bool) -> None:
    """She walks 300 m and sits down there: without her steps it takes three fixes."""
    band = stay(band_at(23.5), 0, 60)
    band.heart(70, steps=0 if steps is not None else None)
    for _ in range(2):
        band.wait(2).heart(70, steps=steps)
        band.wait(3).fix(300)
    assert (band.reasons == ["left_at_night"]) is told
    assert band.wait(5).fix(300) == [] if told else band.reasons == []


@pytest.mark.parametrize("hour", [5.2, 9, 14, 20, 21.5])
def test_going_out_by_day_is_normal(hour: float) -> None:
    assert walk(stay(band_at(hour), 0, 60), *WALK).said == []


@pytest.mark.parametrize("every", [1, 2, 5, 10])
@given(phase=st.floats(0, 1), kmh=st.floats(2.5, 4.5), hour=st.floats(23.2, 28))
@settings(max_examples=15)
def test_every_night_exit_is_told_in_time(every: int, phase: float, kmh: float, hour: float) -> None:
    band = stay(band_at(hour - 1), 0, 60, every)
    left = band.now + timedelta(minutes=phase * every)
    while band.now < left + timedelta(minutes=25):
        band.wait(every)
        band.fix((band.now - left).total_seconds() * kmh / 3.6)
    assert band.reasons[0] == "left_at_night"
    assert (band.findings[0].at - left).total_seconds() <= {1: 540, 2: 600, 5: 725, 10: 1330}[every]


def test_drift_indoors_alarms_nobody() -> None:
    band = stay(band_at(23.5), 0, 60)
    for metres in (0, 1400, 20, 0, 180, 0, 0, -300, 10, 260, 30):
        band.wait(5).fix(metres)
    assert band.said == []


def test_what_is_no_fix_is_not_heard() -> None:
    band = stay(band_at(23.5), 0, 60)
    before = band.state.slots
    band.wait(5).fix(400, 150)
    assert band.state.slots == before


def test_a_jump_by_far_too_fast_is_not_believed() -> None:
    band = stay(band_at(23.5), 0, 60)
    assert walk(band, 60_000, 61_000).said == []


def test_whoever_was_out_when_the_night_began_walks_home_in_peace() -> None:
    band = stay(band_at(20), 2000, 180)
    walk(band, 1500, 1000, 600, 300, 100, 0)
    assert stay(band, 0, 60).said == []
    walk(band, *WALK)
    assert band.reasons == ["left_at_night"]


def test_whoever_only_passes_home_has_not_left_it() -> None:
    band = stay(band_at(21.9), 2000, 60)
    assert walk(band, 800, 400, 60, -300, -700, -1100).said == []


def test_whoever_is_far_off_after_a_pause_had_left_before() -> None:
    band = stay(band_at(21), 0, 60)
    band.wait(90)
    assert walk(band, 30_000, 30_100, 30_000).said == []
    near = stay(band_at(21), 0, 60)
    near.wait(90)
    assert walk(near, 600, 850, 1100).reasons == ["left_at_night"]


def live(band: Band, until_h: float, metres: float | None = None, every: int = 5, accuracy_m: float = 10) -> Band:
    """Up and about until that hour, with a fix now and then or none at all."""
    while band.now < DAY + timedelta(hours=until_h):
        band.heart(70, steps=10)
        if metres is not None:
            band.fix(metres, accuracy_m)
        band.wait(every)
    return band


def stroll(band: Band, minutes: int, begin: float = 160, furthest: float = 2500, steps: int = 80) -> Band:
    """Away from home, 50 metres a minute, with a fix each minute."""
    for minute in range(minutes):
        band.fix(min(begin + 50 * minute, furthest))
        band.heart(90, steps=steps)
        band.wait(1)
    return band


def severities(band: Band) -> list[tuple[str, Severity]]:
    return [(finding.reason, finding.severity) for finding in band.findings]


URGENT_EXIT = [("left_at_night", Severity.URGENT)]


@pytest.mark.parametrize(("since_h", "accuracy_m"), [(12, None), (-14, None), (12, 120)])
def test_whoever_has_no_gps_indoors_is_watched_all_the_same(since_h: float, accuracy_m: float | None) -> None:
    band = band_at(since_h)
    band.fixes(5, 10)
    live(band, 25.5, None if accuracy_m is None else 40, accuracy_m=accuracy_m or 0)
    left = band.now
    stroll(band, 40)
    assert severities(band) == URGENT_EXIT
    assert band.findings[0].at <= left + timedelta(minutes=9)


def test_one_stray_fix_in_the_evening_switches_nothing_off() -> None:
    band = live(band_at(18), 22.75, 10)
    band.fix(350)
    live(band, 25.5)
    assert severities(stroll(band, 40)) == URGENT_EXIT
    out = live(band_at(18), 22, 10)
    out.fix(350)
    out.wait(1).fix(400)
    live(out, 24.2)
    assert stroll(out, 20, 300).findings == []


@given(moments=st.lists(st.integers(0, 40), min_size=2, max_size=12), random=st.randoms(use_true_random=False))
def test_the_latest_two_outside_do_not_depend_on_the_order(moments: list[int], random: Any) -> None:
    def latest(those: list[int]) -> tuple[int, int]:
        memory = Places()
        for minute in those:
            ts = DAY + timedelta(hours=15, minutes=minute)
            fix = Location(ts=ts, lat=HOME[0] + 0.01, lon=HOME[1], accuracy_m=10)
            memory = hear(memory, fix, open_profile(), ts.timestamp())
        return memory.out, memory.out + 60 * memory.later

    shuffled = latest(random.sample(moments, len(moments)))
    assert latest(moments) == shuffled == latest(sorted([*moments, *moments]))
    known = sorted(set(moments))[-2:]
    begin = int((DAY + timedelta(hours=15)).timestamp())
    assert [at for at in shuffled if at] == [begin + 60 * minute for minute in known]


def test_whoever_came_home_within_an_absence_is_watched_after_it() -> None:
    band = live(band_at(16, open_profile(away_until=DAY + timedelta(hours=18))), 17.75, 5)
    live(band, 24.5)
    assert severities(stroll(band, 40)) == URGENT_EXIT


def test_many_nights_elsewhere_know_better_than_an_address() -> None:
    where = (HOME[0] + 500 / METRES_PER_DEGREE, HOME[1])
    band = Band(DAY + timedelta(hours=23.5), open_profile(PlacesLearnt(home=where, sure=True)))
    stay(band, 500, 60)
    assert walk(band, *(500 + each for each in WALK)).reasons == ["left_at_night"]


@pytest.mark.parametrize("minute", [53, 56, 58])
def test_whoever_left_before_the_night_is_told_of_in_its_depth(minute: int) -> None:
    band = live(band_at(20), 22 + minute / 60, 10)
    band.now = DAY + timedelta(hours=22, minutes=minute)
    stroll(band, 340)
    assert severities(band) == URGENT_EXIT
    assert DAY + timedelta(hours=25) <= band.findings[0].at <= DAY + timedelta(hours=25, minutes=2)


def test_a_ride_in_the_evening_is_a_warning_in_the_depth_of_the_night() -> None:
    ride = live(band_at(18), 22.5, 10)
    live(ride, 28.5, 20_000)
    assert severities(ride) == [("left_at_night", Severity.WARNING)]
    early = live(band_at(12), 18.5, 10)
    live(early, 28.5, 250)
    assert severities(early) == [("left_at_night", Severity.WARNING)]
    party = live(band_at(12), 18.5, 10)
    live(party, 24.5, 900)
    assert live(party, 28.5, 10).said == []


def test_the_depth_of_the_night_away_is_told_of_once_and_not_where_usual() -> None:
    habit = open_profile(PlacesLearnt(usual=0b1110))
    assert live(live(band_at(12, habit), 18.5, 10), 28.5, 900).findings == []
    journey = live(live(band_at(12), 18.5, 10), 52, 90_000)
    assert severities(journey) == [("left_at_night", Severity.WARNING)]
    given = open_profile(PlacesLearnt(home=(HOME[0] + 0.1, HOME[1]), sure=True))
    assert live(live(band_at(12, given), 18.5, 0.1 * METRES_PER_DEGREE), 28.5, 0).findings == []


def asleep(band: Band, metres: float, minutes: int, every: int, accuracy_m: float = 30) -> Band:
    for _ in range(minutes):
        band.heart(60, steps=0)
        if band.now.minute % every == 0:
            band.fix(metres, accuracy_m)
        band.wait(1)
    return band


@pytest.mark.parametrize(("metres", "every"), [(400, 5), (600, 1), (600, 5), (600, 10), (1200, 10)])
def test_whoever_sleeps_has_not_left(metres: float, every: int) -> None:
    band = band_at(22)
    band.heart(70, steps=20)
    asleep(band, 10, 240, every)
    asleep(band, metres, 25, every, 60)
    assert asleep(band, 10, 30, every).findings == []
    asleep(band, metres, 45, every, 60)
    assert severities(band) == [("left_at_night", Severity.WARNING)]
    stroll(band, 10, metres + 100)
    assert severities(band)[1:] == URGENT_EXIT


def test_a_band_that_tells_no_movement_any_more_proves_no_sleep() -> None:
    band = asleep(band_at(22), 10, 120, 5)
    assert severities(asleep(band, 600, 25, 5)) == URGENT_EXIT


HOMEWARD = [700, 650, 600, 550, 500, 450, 400, 350, 300, 250, 200, 150, 100, 50, 5, 5]


def test_whoever_walks_home_after_hours_without_a_fix_rings_nobody() -> None:
    band = band_at(17)
    band.fixes(5, 5)
    live(band, 23.2)
    for metres in HOMEWARD:
        band.fix(metres, 20)
        band.heart(80, steps=60)
        band.wait(1)
    assert band.said == []


def test_what_is_less_grave_does_not_make_it_told_again() -> None:
    far = stroll(live(band_at(22, open_profile(PlacesLearnt(far_m=1000))), 24, 10, 2), 150, 160, 9000)
    assert severities(far) == [*URGENT_EXIT, ("unusually_far", Severity.WARNING)]
    lost = stroll(live(band_at(22, open_profile(HEARD)), 24, 10, 2), 30, 160)
    for _ in range(4):
        watch(lost, 34)
        for metres in range(1700, 1800, 20):
            lost.wait(1).fix(metres)
    assert severities(lost).count(URGENT_EXIT[0]) == 1


def test_whoever_leaves_again_soon_after_coming_home_is_told_of_in_time() -> None:
    band = live(band_at(23), 24, 5, 1)
    stroll(band, 8, 60)
    for metres in (*range(480, 0, -60), *[5] * 6):
        band.fix(metres)
        band.wait(1)
    assert band.reasons == ["left_at_night", "no_longer_wandering"]
    left = band.now
    stroll(band, 40, 60)
    assert band.reasons[2:] == ["left_at_night"]
    assert band.findings[1].at <= left + timedelta(minutes=9)


@pytest.mark.parametrize("minutes", [1, 2])
def test_whoever_only_passes_home_is_not_back(minutes: int) -> None:
    band = live(band_at(23), 24, 5, 1)
    stroll(band, 8, 60)
    for metres in (*range(480, 60, -60), *[60] * minutes):
        band.fix(metres)
        band.wait(1)
    stroll(band, 60, 120, 3500)
    assert band.reasons == ["left_at_night"]


def test_whoever_was_back_for_a_few_minutes_has_left_again() -> None:
    band = stroll(live(band_at(23), 24, 5, 1), 8, 60)
    for metres in (*range(480, 60, -60), 60, 60, 60, 60):
        band.fix(metres)
        band.wait(1)
    left = band.now
    stroll(band, 30, 110)
    assert band.reasons == ["left_at_night", "no_longer_wandering", "left_at_night"]
    assert band.findings[1].at <= left + timedelta(minutes=9)


@pytest.mark.parametrize("metres", [1740, 3600])
def test_one_poor_fix_at_home_is_no_return(metres: float) -> None:
    band = stroll(live(band_at(23), 24, 5, 1), 60, 60, metres)
    for number in range(40):
        band.fix(60 if number == 20 else metres, 90 if number == 20 else 20)
        band.wait(5)
    assert band.cleared == []
    band.fix(60, 90)
    band.wait(5).fix(5)
    assert band.reasons[-1] == "no_longer_wandering"


def test_one_fix_at_home_and_then_none_is_a_return_after_a_while() -> None:
    band = walk(stay(band_at(23.5), 0, 60), *WALK, 400, 5)
    band.hearts(70, 44)
    assert band.cleared == []
    band.hearts(70, 2)
    assert band.reasons == ["left_at_night", "no_longer_wandering"]
    out = walk(stay(band_at(23.5), 0, 60), *WALK, 400)
    out.hearts(70, 60)
    assert out.cleared == []


def test_whose_home_drifts_is_back_within_the_wider_edges() -> None:
    drifting = open_profile(PlacesLearnt(spread_m=150))
    band = walk(stay(band_at(23.5, drifting), 0, 60), *WALK)
    assert band.reasons == ["left_at_night"]
    assert walk(band, 170, 170).reasons == ["left_at_night", "no_longer_wandering"]
    assert walk(stay(band_at(20.5, drifting), 190, 240, accuracy_m=5), 450, 700, 950).reasons == ["left_at_night"]


HABIT = PlacesLearnt(usual=1 << 23 | 1 << 0)


def test_an_hour_at_which_she_usually_is_out_is_no_alarm() -> None:
    late = open_profile(HABIT)
    assert walk(stay(band_at(22.5, late), 0, 60), *WALK).said == []
    deep = walk(stay(band_at(25.5, late), 0, 60), *WALK)
    assert deep.reasons == ["left_at_night"]
    assert walk(stay(band_at(25.5, open_profile(PlacesLearnt(usual=1 << 2))), 0, 60), *WALK).said == []


def test_whose_fixes_drift_at_night_has_wider_edges() -> None:
    drifting = open_profile(PlacesLearnt(spread_m=140))
    assert walk(stay(band_at(23.5, drifting), 0, 60), 100, 215, 180, 200).said == []
    assert walk(stay(band_at(23.5, drifting), 0, 60), *WALK).reasons == ["left_at_night"]


def test_back_at_home_it_is_over_by_two_fixes() -> None:
    band = walk(stay(band_at(23.5), 0, 60), *WALK, 400, 140)
    assert band.reasons == ["left_at_night"]
    walk(band, 20)
    assert band.reasons == ["left_at_night"]
    walk(band, 20)
    assert band.reasons == ["left_at_night", "no_longer_wandering"]
    walk(stay(band, 0, 10), *WALK[:2])
    assert band.reasons[2:] == ["left_at_night"]


def test_whoever_stays_out_is_told_again_after_hours() -> None:
    band = stay(walk(stay(band_at(23.1), 0, 30), *WALK), 900, 245)
    assert band.reasons == ["left_at_night"] * 2
    first, second = band.findings
    assert first.episode_at == second.episode_at
    assert (second.at - first.at) >= timedelta(hours=4)


def test_without_any_home_nobody_leaves_it() -> None:
    unknown = open_profile(home_lat=None, home_lon=None)
    assert walk(stay(band_at(23.5, unknown), 0, 60), *WALK).said == []
    learnt = replace(unknown, learnt={"places": PlacesLearnt(home=HOME)})
    assert walk(stay(band_at(23.5, learnt), 0, 60), *WALK).reasons == ["left_at_night"]


NEVER_LATE = PlacesLearnt(never=sum(1 << hour for hour in (5, 6, 20, 21, 22)))


def test_out_at_an_hour_at_which_she_never_is_is_a_warning_after_half_an_hour() -> None:
    band = stay(band_at(19.5, open_profile(NEVER_LATE)), 0, 45)  # until 20:15
    walk(band, 200, 400, 600, 800, 1000, 1100)
    assert band.said == []
    walk(band, 1200, 1300)
    [finding] = band.findings
    assert (finding.kind, finding.severity, finding.reason) == (
        IncidentKind.WANDERING,
        Severity.WARNING,
        "out_at_odd_hour",
    )
    assert finding.detail["duration_s"] == 1800
    # Once, and not again on this day; when she is back, it is over.
    stay(walk(band, 1300, 1300), 1300, 60)
    stay(band, 0, 15)
    assert band.reasons == ["out_at_odd_hour", "no_longer_wandering"]
    stay(walk(band, *WALK), 850, 50)
    assert len(band.said) == 2


@pytest.mark.parametrize(
    ("begin_h", "learnt"),
    [
        (19.25, PlacesLearnt()),  # nothing is known of her
        (8, NEVER_LATE),  # by day anybody goes out for once
        (19.25, PlacesLearnt(never=1 << 21 | 1 << 22)),
        (21.25, PlacesLearnt(never=1 << 21)),  # half of it was at another hour
    ],
)
def test_out_at_any_other_hour_is_normal(begin_h: float, learnt: PlacesLearnt) -> None:
    band = stay(band_at(begin_h, open_profile(learnt)), 0, 30)
    assert stay(walk(band, *WALK), 850, 20).said == []


def test_an_errand_at_such_an_hour_is_none() -> None:
    band = stay(band_at(20, open_profile(NEVER_LATE)), 0, 30)
    assert stay(walk(band, 200, 400, 400, 200), 0, 60).said == []


def test_whoever_was_not_at_home_for_a_day_is_on_a_journey() -> None:
    band = stay(band_at(19.5, open_profile(NEVER_LATE)), 40000, 180)
    assert band.said == []


def test_out_at_an_odd_hour_soon_after_another_warning_is_told_later() -> None:
    who = open_profile(PlacesLearnt(far_m=100, never=NEVER_LATE.never))
    band = stay(band_at(19.5, who), 0, 45)
    stay(walk(band, 3000, 6000), 6000, 60)
    assert band.reasons == ["unusually_far", "out_at_odd_hour"]
    far, odd = band.findings
    assert odd.at - far.at == timedelta(minutes=30)


def test_what_the_night_knows_is_not_told_by_day() -> None:
    who = open_profile(NEVER_LATE, overrides={"exit_from_h": 20})
    band = walk(stay(band_at(20.1, who), 0, 30), *WALK)
    assert band.reasons == ["left_at_night"]
    assert stay(band, 850, 60).reasons.count("out_at_odd_hour") == 0


def test_whose_band_says_that_she_sits_is_not_out() -> None:
    band = band_at(19.5, open_profile(NEVER_LATE))
    band.heart(70, motion="active", steps=60)
    for minute in range(90):
        band.wait(1).heart(70, motion="rest", steps=0)
        if minute % 5 == 0:
            band.fix(0 if minute < 40 else 300)
    assert band.reasons == []


def test_far_beyond_anything_usual_is_a_warning_once_a_day() -> None:
    who = open_profile(PlacesLearnt(far_m=4000))
    band = walk(stay(band_at(9, who), 0, 30), 6000, 7900, 7950, 7800)
    assert band.said == []
    walk(band, 8100, 8200)
    assert band.reasons == ["unusually_far"]
    assert band.findings[0].severity is Severity.WARNING
    assert band.findings[0].detail["usual_m"] == 4000
    walk(band, 4000, 100, 0)
    assert band.reasons[1:] == ["no_longer_wandering"]
    walk(stay(band, 0, 60), 6000, 9000, 9000, 9000)
    assert len(band.said) == 2
    assert walk(stay(band_at(9), 0, 30), 6000, 9000, 12_000).said == []


def test_far_away_soon_after_another_warning_is_told_later() -> None:
    band = circle(band_at(9, open_profile(PlacesLearnt(far_m=1000))), 60)
    walk(band, 5000, 9000, 9000)
    assert band.reasons == ["going_in_circles"]
    stay(band, 9000, 30)
    assert band.reasons == ["going_in_circles", "unusually_far"]


@pytest.mark.parametrize(("hour", "severity"), [(10, Severity.WARNING), (23, Severity.URGENT)])
def test_circles_are_told_within_the_hour(hour: float, severity: Severity) -> None:
    band = circle(stay(band_at(hour), 0, 30), 60)
    finding = band.findings[0]
    assert (finding.reason, finding.severity) == ("going_in_circles", severity)
    assert finding.detail["width_m"] == pytest.approx(240, rel=0.2)
    assert finding.detail["path_m"] > 1500
    assert finding.episode_at is not None
    assert len(band.findings) == 1
    stay(band, 0, 30, 2)
    assert band.reasons == ["going_in_circles", "no_longer_wandering"]


def test_circles_are_over_where_she_came_home_and_no_fix_comes_indoors() -> None:
    band = circle(stay(band_at(10), 0, 30), 60)
    band.wait(1).fix(0)
    band.hearts(72, 44, motion="rest")
    assert band.reasons == ["going_in_circles"]
    band.hearts(72, 4, motion="rest")
    assert band.reasons == ["going_in_circles", "no_longer_wandering"]


def test_half_an_hour_in_the_park_is_none() -> None:
    assert stay(circle(stay(band_at(19), 400, 10), 30), 0, 30).said == []


def test_circles_that_go_on_into_the_night_become_urgent() -> None:
    band = circle(band_at(21), 90)
    assert [finding.severity for finding in band.findings] == [Severity.WARNING, Severity.URGENT]


def test_circles_need_no_home() -> None:
    band = circle(band_at(10, open_profile(home_lat=None, home_lon=None)), 60)
    assert band.findings[0].detail["distance_m"] is None


def test_whoever_has_not_moved_goes_in_no_circles() -> None:
    for active, told in ((0, []), (59, ["going_in_circles"])):
        band = band_at(10)
        for minute in range(60):
            band.heart(70, motion="active" if minute == active or active else "rest")
            circle(band, 1, 1, begin=60 * minute)
        assert band.reasons == told


HEARD = PlacesLearnt(heard=True, far_m=2000)


def watch(band: Band, minutes: int) -> Band:
    last = band.now
    for _ in range(minutes):
        band.wait(1).watched(last)
    return band


def test_silence_out_at_night_is_a_warning() -> None:
    band = watch(stay(band_at(21, open_profile(HEARD)), 800, 70), 44)
    [finding] = band.findings
    assert (finding.reason, finding.severity) == ("lost_outside", Severity.WARNING)
    assert finding.detail["duration_s"] == 1800
    assert finding.episode_at == finding.at - timedelta(seconds=1800)
    band.wait(1).heart(70)
    assert band.reasons == ["lost_outside", "no_longer_wandering"]


@pytest.mark.parametrize(
    ("hour", "metres", "learnt"),
    [
        (21, 0, HEARD),
        (14, 800, HEARD),
        (21, 800, PlacesLearnt(far_m=2000)),
        (21, 800, PlacesLearnt(heard=True, far_m=2000, usual=1 << 22)),
    ],
)
def test_silence_is_none_at_home_by_day_where_usual_or_unknown(
    hour: float, metres: float, learnt: PlacesLearnt
) -> None:
    assert watch(stay(band_at(hour, open_profile(learnt)), metres, 70), 44).findings == []


@pytest.mark.parametrize(("steps", "told"), [(80, ["lost_outside"]), (0, [])])
def test_silence_after_one_fix_outside_is_one_where_she_moved(steps: int, told: list[str]) -> None:
    band = live(band_at(22, open_profile(HEARD)), 25, 5)
    stay(band, 5, 5)
    band.wait(1).fix(300)
    band.heart(90, steps=steps)
    assert [finding.reason for finding in watch(band, 40).findings] == told


def test_silence_far_away_is_one_by_day() -> None:
    assert watch(stay(band_at(14, open_profile(HEARD)), 3800, 70), 44).reasons == ["lost_outside"]


def test_a_band_of_which_nothing_was_heard_is_not_lost() -> None:
    assert watch(band_at(23, open_profile(HEARD)), 40).findings == []


def test_a_drawn_circle_and_the_night_are_one_incident_that_ends_with_the_last() -> None:
    band = Band(DAY + timedelta(hours=23.5), profile(safe_radius_m=300))
    stay(band, 0, 60)
    walk(band, *WALK, 900, 900, 900, 900, 900, 900)
    assert band.reasons == ["left_at_night", "left_zone"]
    walk(band, 200)
    assert not band.state.zone.stands
    assert len(band.said) == 2
    walk(band, 0, 0)
    assert band.reasons[2:] == ["no_longer_wandering"]


def test_circles_that_end_within_what_the_drawn_circle_tells_end_nothing() -> None:
    band = Band(DAY + timedelta(hours=10), profile(safe_radius_m=50))
    stay(circle(band, 70), 120, 60)
    assert "left_zone" in band.reasons
    assert band.cleared == []
    walk(band, 0)
    assert band.reasons[-1] == "returned"


def test_what_is_graver_is_told_at_once_beside_the_drawn_circle() -> None:
    band = Band(DAY + timedelta(hours=22.6), profile(safe_radius_m=60))
    for metres in (0, 0, 0, 0, 95, 100, 100, 130, 380, 630, 880):
        band.wait(5).fix(metres)
    assert band.reasons == ["left_zone", "left_at_night"]


def test_away_nothing_is_told_and_nothing_is_counted() -> None:
    band = band_at(22.5, open_profile(away_until=DAY + timedelta(hours=23.8)))
    walk(stay(band, 0, 60), *WALK)
    assert band.said == []
    back = band_at(22, open_profile(away_until=DAY + timedelta(hours=23.6)))
    stay(back, 0, 60)
    walk(back, 0, 0, 0, 0, 0, 0, 100)
    assert walk(back, 350, 600, 850).reasons == ["left_at_night"]


def test_a_track_without_any_fix_after_being_away() -> None:
    band = stay(band_at(23.2), 0, 30)
    band.profile = open_profile(away_until=band.now + timedelta(minutes=20))
    walk(band, 600)
    band.wait(25).heart(70)
    assert band.said == []


def test_the_night_begins_on_the_evening_before() -> None:
    two = (DAY + timedelta(hours=26)).timestamp()
    assert exit_began(two, open_profile()) == (DAY + timedelta(hours=23)).timestamp()
    assert exit_began(two - 2.5 * 3600, open_profile()) == (DAY + timedelta(hours=23)).timestamp()


def test_the_state_is_small() -> None:
    band = circle(stay(band_at(23), 0, 60, 1), 60, 1)
    assert band.reasons != []
    assert len(band.state.to_json()) < 700
    assert len(msgspec.json.encode(band.state.slots["places"])) < 470


Said = list[tuple[str, Severity]]


def told(fixes: list[Location], order: Callable[[list[Location]], list[Location]], who: Profile) -> Said:
    """What is told of fixes that come in batches of ten minutes, each in some order, with doubles."""
    playback = Playback(who)
    for begin in range(0, len(fixes), 10):
        batch = fixes[begin : begin + 10]
        for fix in order(batch):
            playback.receive(fix, batch[-1].ts)
            playback.receive(fix, batch[-1].ts)
    playback.wait(fixes[-1].ts + timedelta(minutes=2))
    return [(episode.reason, episode.severity) for episode in playback.episodes]


@pytest.mark.parametrize("what", ["exit", "circles", "odd hour"])
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_of_what_is_on_time_changes_nothing(what: str, random: Any) -> None:
    source = stay(band_at(20.2 if what == "odd hour" else 23.2), 0, 30, 1)
    fixes: list[Location] = []
    keep = source._evaluate
    source._evaluate = lambda reading, delay: fixes.append(reading) or keep(reading, delay)  # type: ignore
    stay(source, 0, 30, 1)
    if what == "exit":
        walk(source, *range(50, 1050, 50), every=1)
    elif what == "circles":
        circle(source, 50, 1)
    else:
        walk(source, *range(50, 2550, 50), every=1)
    who = open_profile(NEVER_LATE)
    in_order = told(fixes, lambda batch: batch, who)
    assert in_order != []
    assert told(fixes, lambda batch: random.sample(batch, len(batch)), who) == in_order
    assert told(fixes, lambda batch: batch[::-1], who) == in_order


def test_a_restart_after_each_reading_changes_nothing() -> None:
    band, other = band_at(23.2), band_at(23.2)
    for metres in (*[0] * 14, *WALK, *WALK[::-1], 0, 0, 0):
        band.wait(5).fix(metres)
        other.state = read_state(other.state.to_json())
        other.wait(5).fix(metres)
    assert (other.state, other.said) == (band.state, band.said)
    assert len(band.said) == 2


def test_late_fixes_change_nothing() -> None:
    band = stay(band_at(23.5), 0, 60)
    before = band.state
    for metres in WALK:
        late = Location(ts=band.now - timedelta(minutes=11), lat=HOME[0] + metres / METRES_PER_DEGREE, lon=HOME[1])
        band.state, said = evaluate(band.state, late, band.profile, band.now)
        assert said == ()
    assert band.state == before


def test_every_finding_is_about_wandering() -> None:
    band = circle(stay(band_at(23), 0, 60), 60)
    assert {each.kind for each in band.said if isinstance(each, Finding)} == {IncidentKind.WANDERING}


def test_what_stood_before_it_was_known_how_grave_it_was_told_is_read_as_urgent() -> None:
    state = read_state('{"slots":{"places":{"standing":{"left_at_night":[1,2,3]},"told":2,"rank":2}}}')
    places: Any = state.slots["places"]
    assert places.standing["left_at_night"].rank == 2


HABITS = tuple(Outing(DAY.toordinal() - n, (1 << 24) - 1, 1 << 8, 900, False, 300, 1 << 8) for n in range(20))
"""Days on which she was out at eight in the morning alone."""


@pytest.mark.parametrize(
    ("hour", "steps", "outings", "told"),
    [
        (14, 60, HABITS, ["going_in_circles"]),
        (14, 0, HABITS, []),
        (14, None, HABITS, []),
        (14, 60, HABITS[:13], []),
        (8, 60, HABITS, []),
        (20.5, 60, (), []),
        (21.5, 60, (), []),
        (21.5, 60, HABITS, ["going_in_circles"]),
    ],
)
def test_steps_show_that_pacing_is_no_drift_where_she_never_walks(
    hour: float, steps: int | None, outings: tuple[Outing, ...], told: list[str]
) -> None:
    """Whoever dances on the square walks without a rest as well, and within a few metres."""
    band = stay(band_at(hour - 1, open_profile(PlacesLearnt(outings=outings))), 0, 60)
    for minute in range(50):
        band.wait(1).heart(80, steps=steps)
        if minute % 3 == 0:
            band.fix(250 + abs(minute * 55 % 240 - 120))
    assert [reason for reason in band.reasons if "circles" in reason] == told


@pytest.mark.parametrize("hour", [2, 5, 14, 22])
def test_whoever_walks_about_at_home_is_in_no_circles_however_her_fixes_drift(hour: float) -> None:
    band = stay(band_at(hour - 1, open_profile(PlacesLearnt(outings=HABITS))), 0, 60)
    for minute in range(50):
        band.wait(1).heart(80, steps=60)
        if minute % 3 == 0:
            band.fix(abs(minute * 55 % 240 - 120) - 60)
    assert [reason for reason in band.reasons if "circles" in reason] == []
