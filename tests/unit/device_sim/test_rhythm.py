"""A day without gaps, the same in every run."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from device_sim.bands.places import METRES_PER_DEGREE, loop, moved
from device_sim.bands.rhythm import (
    MAX_DEAD_ZONE_MIN,
    Activity,
    day,
    dead_zones,
    in_dead_zone,
    position,
    span_at,
    wearer,
)

ZONE = ZoneInfo("Asia/Shanghai")
HOME = (31.2304, 121.4737)
names = st.from_regex(r"band-[0-9]{4}", fullmatch=True)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(names, days, st.integers(0, 24 * 60 - 1))
def test_every_minute_of_every_day_has_an_activity(name: str, when: date, minute: int) -> None:
    who = wearer(name, HOME)
    now = datetime.combine(when, datetime.min.time(), tzinfo=ZONE) + timedelta(minutes=minute)
    span = span_at(who, now, ZONE)
    assert span.start <= now < span.end
    assert 0 <= span.fraction(now) < 1


@given(names, days)
def test_she_sleeps_at_night_eats_thrice_and_charges_once(name: str, when: date) -> None:
    spans = day(wearer(name, HOME), when, ZONE)
    activities = [span.activity for span in spans]
    assert activities[0] is activities[-1] is Activity.SLEEP
    assert (activities.count(Activity.MEAL), activities.count(Activity.CHARGING)) == (3, 1)
    charging = next(span for span in spans if span.activity is Activity.CHARGING)
    assert timedelta(minutes=25) < charging.end - charging.start < timedelta(minutes=80)


@given(names, days, st.integers(0, 24 * 60 - 1))
def test_a_usual_walk_stays_near_home(name: str, when: date, minute: int) -> None:
    who = wearer(name, HOME)
    now = datetime.combine(when, datetime.min.time(), tzinfo=ZONE) + timedelta(minutes=minute)
    lat, lon = position(who, span_at(who, now, ZONE), now)
    assert abs(lat - HOME[0]) * METRES_PER_DEGREE < 400
    assert abs(lon - HOME[1]) * METRES_PER_DEGREE < 470


@given(names, days)
def test_dead_zones_are_shorter_than_what_counts_as_lost(name: str, when: date) -> None:
    for start, end in dead_zones(wearer(name, HOME), when, ZONE):
        assert start.date() == when
        assert timedelta(0) < end - start <= timedelta(minutes=MAX_DEAD_ZONE_MIN)


@given(names, days, st.integers(0, 24 * 60 - 1))
def test_the_band_is_cut_off_exactly_inside_its_dead_zones(name: str, when: date, minute: int) -> None:
    who = wearer(name, HOME)
    now = datetime.combine(when, datetime.min.time(), tzinfo=ZONE) + timedelta(minutes=minute)
    expected = any(start <= now < end for start, end in dead_zones(who, when, ZONE))
    assert in_dead_zone(who, now, ZONE) is expected
    for start, end in dead_zones(who, when, ZONE):
        assert in_dead_zone(who, start + (end - start) / 2, ZONE)


def test_the_day_of_a_change_to_summer_time_has_no_hole() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    who = wearer("band-0001", (52.5, 13.4))
    moment = datetime(2026, 3, 29, 0, 0, tzinfo=berlin).astimezone(ZoneInfo("UTC"))
    for _ in range(26 * 60):
        span_at(who, moment, berlin)
        moment += timedelta(minutes=1)


def test_walks_are_taken_on_some_days_and_not_on_others() -> None:
    who = wearer("band-0001", HOME)
    days_of_winter = [date(2026, 1, 1) + timedelta(days=number) for number in range(60)]
    walks = [[span for span in day(who, when, ZONE) if span.activity is Activity.WALK] for when in days_of_winter]
    assert {len(each) for each in walks} == {0, 1, 2}
    walk = next(span for each in walks for span in each)
    half_way = walk.start + (walk.end - walk.start) / 2
    assert position(who, span_at(who, half_way, ZONE), half_way) != HOME
    before = walk.start - timedelta(minutes=1)
    assert position(who, span_at(who, before, ZONE), before) == HOME


def test_some_days_have_a_dead_zone_and_some_have_none() -> None:
    who = wearer("band-0001", HOME)
    days_of_winter = [date(2026, 1, 1) + timedelta(days=number) for number in range(60)]
    assert {bool(dead_zones(who, when, ZONE)) for when in days_of_winter} == {True, False}
    start, end = next(zone for when in days_of_winter for zone in dead_zones(who, when, ZONE))
    assert in_dead_zone(who, start, ZONE)
    assert not in_dead_zone(who, end, ZONE)


def test_a_walk_begins_and_ends_at_home() -> None:
    for fraction in (0.0, 1.0):
        assert max(map(abs, loop(fraction, 300, 1.2))) < 1e-9
    assert abs(moved(*HOME, 1000, 0)[0] - HOME[0] - 1000 / METRES_PER_DEGREE) < 1e-9
