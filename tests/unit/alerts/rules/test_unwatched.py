"""Which rule cannot watch whom, and why: each lack is named for the rules that it blinds, and for no other."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from alerts.model.incident import IncidentKind
from alerts.rules import Profile, State, registry
from alerts.rules.envelope import Level, Levels
from alerts.rules.places_learnt import Outing, PlacesLearnt
from alerts.rules.resting_rate import Nights
from alerts.rules.rule import Needs
from alerts.rules.stillness import NEVER_MOVED, Habit, Seen
from alerts.rules.unwatched import NEEDS, PASSING, Reason, Unwatched, fix_rhythm_s, heart_rhythm_s, unwatched
from eldercare.accounts.viewers import Scope
from tests.unit.alerts.rules.band import MIDNIGHT, NOON, Band, profile

LONG_AGO = NOON - timedelta(days=30)
HEART = {"heart_rate", "heart_asleep", "no_pulse", "stillness", "above_usual", "resting_rate"}
MOVEMENT = {"stillness", "above_usual"}
PLACE = {"left_at_night", "going_in_circles", "unusually_far", "lost_outside", "out_at_odd_hour"}
ALL = HEART | PLACE | {"worn_without_value", "off_wrist", "battery_low", "silent"}
WEEKS = {
    "envelope": Levels(awake=Level(usual=(75.0,) * 7)),
    "places": PlacesLearnt(outings=tuple(Outing(day, 0, 0, 0, False) for day in range(14)), heard=True),
    "resting_rate": Nights(usual=(60.0,) * 7),
    "stillness": Habit(tuple(Seen(420, 60) for _ in range(7))),
}


def known(learnt: dict[str, Any] | None = None, **values: Any) -> Profile:
    return profile(safe_radius_m=None, learnt=WEEKS | (learnt or {}), **values)


def speaking(every_min: float = 1, fix_min: float = 5, hours: float = 2, who: Profile | None = None,
             worn: bool | None = True, metres: float = 0, **fields: Any) -> Band:  # fmt: skip
    """A band that has told of everything for a while, at these rhythms."""
    band = Band(who=who or known())
    told = fields or {"steps": 0}
    begin, heart, fix, status = band.now, band.now, band.now, band.now
    while band.now - begin < timedelta(hours=hours):
        if band.now >= status:
            band.status(worn=worn, battery_pct=80)
            status += timedelta(minutes=15)
        if every_min and band.now >= heart:
            band.heart(70, **told)
            heart += timedelta(minutes=every_min)
        if fix_min and band.now >= fix:
            band.fix(metres)
            fix += timedelta(minutes=fix_min)
        band.wait(1)
    return band


def lacks(band: Band, **values: Any) -> dict[Reason, set[str]]:
    """The names of the rules by what they lack."""
    given = {"worn_since": LONG_AGO, "last_seen": band.now, "now": band.now} | values
    found: dict[Reason, set[str]] = {}
    for each in unwatched(band.state, band.profile, **given):
        found.setdefault(each.reason, set()).add(each.rule)
    return found


def test_every_rule_says_what_it_needs_and_each_once() -> None:
    assert all(rule.needs for rule in registry.RULES)
    assert len({needs.rule for needs in NEEDS}) == len(NEEDS)
    assert {needs.rule for needs in NEEDS} == ALL | {"spot_value", "left_zone"}
    # A new kind is found by some rule, which has to be among them.
    assert len(IncidentKind) - len({IncidentKind.SOS, IncidentKind.NETWORK}) == 9


def test_a_band_that_tells_everything_lets_every_rule_watch() -> None:
    assert lacks(speaking()) == {}


def test_whoever_wears_no_band_is_watched_by_nothing() -> None:
    found = unwatched(None, known(), None, None, NOON)
    assert {each.rule for each in found} == ALL
    assert {each.reason for each in found} == {Reason.NO_BAND}


@pytest.mark.parametrize(
    ("seen_ago", "worn_ago", "reason"),
    [(44, 1000, None), (45, 1000, Reason.SILENT), (None, 44, None), (None, 45, Reason.NEVER_HEARD),
     (1000, 45, Reason.NEVER_HEARD)],
)  # fmt: skip
def test_silence_blinds_all_but_the_rule_about_silence(
    seen_ago: int | None, worn_ago: int, reason: Reason | None
) -> None:
    band = speaking()
    last = None if seen_ago is None else band.now - timedelta(minutes=seen_ago)
    found = lacks(band, last_seen=last, worn_since=band.now - timedelta(minutes=worn_ago))
    assert found == ({reason: ALL - {"silent"}} if reason else {})


def test_a_band_off_the_wrist_sees_nothing_of_her_and_still_speaks_of_itself() -> None:
    band = speaking()
    band.status(worn=False)
    assert lacks(band.wait(29)) == {}
    band.status(worn=False)
    band.wait(2)
    assert lacks(band) == {Reason.NOT_WORN: HEART | PLACE}
    # A band that said so long ago and measures since is believed no more.
    band.wait(50).heart(70, steps=0)
    assert Reason.NOT_WORN not in lacks(band)


def test_without_a_value_for_a_day_there_is_no_heart_to_watch() -> None:
    band = speaking(every_min=0, hours=25)
    assert lacks(band)[Reason.NO_HEART] == HEART
    assert lacks(band, worn_since=band.now - timedelta(hours=23)) == {}
    back = known(away_until=band.now - timedelta(hours=23))
    band.profile = back
    assert lacks(band) == {}


@pytest.mark.parametrize(("every_min", "reason"), [(30, None), (37, None), (40, Reason.HEART_TOO_SLOW)])
def test_a_heart_that_is_measured_too_seldom_is_not_watched(every_min: int, reason: Reason | None) -> None:
    band = speaking(every_min=every_min, hours=6)
    assert lacks(band) == ({reason: HEART} if reason else {})
    if reason:
        first = unwatched(band.state, band.profile, LONG_AGO, band.now, band.now)[0]
        assert (first.known, first.needed) == (every_min * 60, 1800)


def test_two_values_are_a_rhythm_only_where_they_are_far_apart() -> None:
    assert heart_rhythm_s(State()) is None
    band = Band(who=known())
    band.heart(70, steps=0)
    band.wait(50).heart(70, steps=0)
    assert heart_rhythm_s(band.state) is None
    assert heart_rhythm_s(speaking(every_min=180, hours=5).state) == 180 * 60
    assert heart_rhythm_s(speaking(every_min=1).state) == 60


def test_a_few_values_a_day_are_watched_as_single_values() -> None:
    band = Band(who=known())
    for _ in range(6):
        band.heart(70)
        band.wait(600)
    found = lacks(band, last_seen=band.now - timedelta(hours=30))
    assert found[Reason.HEART_TOO_SLOW] == HEART
    assert "spot_value" not in set().union(*found.values())
    silent = lacks(band, last_seen=band.now - timedelta(days=3))
    assert silent == {Reason.SILENT: ALL - {"silent"} | {"spot_value"}}


def test_movement_that_is_never_told_blinds_what_needs_it_alone() -> None:
    assert lacks(speaking(quality=90)) == {Reason.NO_MOVEMENT: MOVEMENT}
    assert lacks(speaking(motion="rest")) == {}
    # What was told is remembered for longer than minutes are.
    band = speaking(steps=30)
    heart = replace(band.state.heart, minutes=(), active=None)
    band.state = replace(band.state, heart=heart)
    assert lacks(band) == {}


def test_a_band_that_counts_no_step_blinds_what_needs_movement() -> None:
    band = speaking(who=known({"stillness": Habit(tuple(Seen(None, NEVER_MOVED) for _ in range(5)))}))
    assert lacks(band) == {Reason.COUNTS_NO_STEPS: MOVEMENT}


def test_a_band_that_never_says_whether_it_is_worn() -> None:
    band = speaking(worn=None)
    assert lacks(band) == {Reason.NO_WEAR: {"off_wrist", "no_pulse"}}
    band.heart(0, steps=0)  # it says that it measures nothing, so that a missing pulse is known to be missing
    assert lacks(band) == {Reason.NO_WEAR: {"off_wrist"}}


def test_a_band_that_tells_nothing_of_itself() -> None:
    band = Band(who=known())
    for _ in range(20):
        band.heart(70, steps=0)
        band.fix(0)
        band.wait(5)
    assert lacks(band) == {Reason.NO_STATUS: {"battery_low"}, Reason.NO_WEAR: {"off_wrist", "no_pulse"}}
    assert lacks(band, worn_since=band.now - timedelta(hours=23)) == {}


def test_positions_that_never_come_or_come_no_more() -> None:
    band = speaking(fix_min=0)
    assert lacks(band) == {Reason.NO_FIXES: PLACE}
    assert lacks(band, worn_since=band.now - timedelta(hours=23)) == {}
    band.fix(0, accuracy_m=500)  # none that is believed
    assert lacks(band) == {Reason.NO_FIXES: PLACE}
    told = speaking()
    assert lacks(told, now=told.now + timedelta(days=6), last_seen=told.now + timedelta(days=6)).keys() == {
        Reason.NO_HEART
    }
    late = told.now + timedelta(days=8)
    assert lacks(told, now=late, last_seen=late) == {Reason.NO_HEART: HEART, Reason.NO_FIXES: PLACE}


@pytest.mark.parametrize(
    ("fix_min", "blind"),
    [(5, set()), (6, set()), (8, {"going_in_circles"}), (12, {"going_in_circles"}),
     (20, {"going_in_circles", "left_at_night", "out_at_odd_hour"})],
)  # fmt: skip
def test_positions_that_come_too_seldom_while_she_is_out(fix_min: int, blind: set[str]) -> None:
    band = speaking(fix_min=fix_min, hours=4, metres=1000)
    assert lacks(band) == ({Reason.FIXES_TOO_SLOW: blind} if blind else {})


def test_a_band_that_rests_at_home_is_known_by_the_last_day_out() -> None:
    assert lacks(speaking(fix_min=20, hours=4)) == {}
    days = (Outing(1, 1, 1, 900, False, 60), Outing(3, 1, 0, 0, False, 1200), Outing(2, 1, 1, 900, False, 3600))
    slow = {"places": replace(WEEKS["places"], outings=(*WEEKS["places"].outings[3:], *days))}
    assert lacks(speaking(who=known(slow))) == {Reason.FIXES_TOO_SLOW: PLACE}
    assert lacks(speaking(who=known(slow), metres=1000)) == {}  # she is out now, and it tells every five minutes
    assert fix_rhythm_s(State(), known()) is None


def test_where_no_home_is_known_all_fixes_count() -> None:
    band = speaking(fix_min=20, hours=4, who=known(home_lat=None, home_lon=None))
    assert lacks(band)[Reason.FIXES_TOO_SLOW] == {"going_in_circles", "left_at_night", "out_at_odd_hour"}


def test_where_no_home_is_known_nobody_has_left_it() -> None:
    nowhere = {"home_lat": None, "home_lon": None}
    assert lacks(speaking(who=known(**nowhere))) == {Reason.HOME_UNKNOWN: PLACE - {"going_in_circles"}}
    slept = WEEKS["places"]
    nights = {"places": replace(slept, home=(31.2, 121.4))}
    assert lacks(speaking(who=known(nights, **nowhere))) == {}
    # A drawn circle lies around the home that was given.
    drawn = profile(safe_radius_m=800, learnt=WEEKS | nights, **nowhere)
    assert lacks(speaking(who=drawn)) == {Reason.HOME_UNKNOWN: {"left_zone"}}


def test_a_circle_is_missed_only_where_somebody_has_drawn_one() -> None:
    drawn = profile(safe_radius_m=800, learnt=WEEKS)
    assert lacks(speaking(who=drawn)) == {}
    assert "left_zone" in lacks(speaking(who=drawn, fix_min=0))[Reason.NO_FIXES]


def test_what_is_not_learnt_yet_says_how_many_days_are_known() -> None:
    band = speaking(who=profile(safe_radius_m=None, learnt={"resting_rate": Nights(usual=(60.0,) * 3)}))
    assert lacks(band) == {
        Reason.LEARNING: {"above_usual", "resting_rate", "unusually_far", "lost_outside", "out_at_odd_hour"}
    }
    days = {
        each.rule: (each.known, each.needed)
        for each in unwatched(band.state, band.profile, LONG_AGO, band.now, band.now)
    }
    assert days == {
        "above_usual": (0, 7),
        "out_at_odd_hour": (0, 14),
        "resting_rate": (3, 7),
        "unusually_far": (0, 7),
        "lost_outside": (0, 7),
    }
    assert Reason.LEARNING in PASSING


def test_a_band_that_is_often_out_of_reach_is_not_missed_when_it_is() -> None:
    often = {"places": replace(WEEKS["places"], heard=False)}
    assert lacks(speaking(who=known(often))) == {Reason.SILENT_OUTSIDE: {"lost_outside"}}


def test_whoever_is_back_sooner_than_written_is_given_a_day_to_measure() -> None:
    band = speaking(hours=26, who=known(away_until=NOON + timedelta(days=9)))
    band.profile = known()
    assert Reason.NO_HEART not in lacks(band)


def test_while_she_is_away_no_rule_speaks_and_none_is_missed() -> None:
    away = known(away_until=NOON + timedelta(days=1))
    assert unwatched(None, away, None, None, NOON) == ()


def test_rules_say_whose_part_of_her_they_speak_of() -> None:
    scopes: dict[Scope, set[str]] = {}
    for needs in NEEDS:
        scopes.setdefault(needs.scope, set()).add(needs.rule)
    assert scopes[Scope.LOCATION] == PLACE | {"left_zone"}
    assert scopes[Scope.CONTACT] == {"off_wrist", "battery_low", "silent"}
    assert Unwatched(NEEDS[0], Reason.NO_BAND).rule == "heart_rate"


def needs_of(rule: str) -> Any:
    return next(each for each in NEEDS if each.rule == rule)


def fast(band: Band, every: float) -> None:
    for _ in range(8):
        band.heart(150, steps=0)
        band.wait(every)


def still(band: Band, every: float) -> None:
    band.heart(70, steps=100)
    for _ in range(int(300 / every)):
        band.wait(every).heart(70, steps=0)


def lost_pulse(band: Band, every: float) -> None:
    still(band, every)
    for _ in range(7):
        band.wait(13).status(worn=True)
        heard = band.now
        band.wait(2).watched(heard)


@pytest.mark.parametrize(
    ("rule", "reason", "play"),
    [("heart_rate", "high_urgent", fast), ("stillness", "still", still), ("no_pulse", "no_pulse", lost_pulse)],
)
def test_a_rule_about_the_heart_works_at_the_slowest_rhythm_that_it_states(
    rule: str, reason: str, play: Callable[[Band, float], None]
) -> None:
    band = Band(who=known())
    play(band, needs_of(rule).heart_every_s / 60)
    assert reason in band.reasons


@pytest.mark.parametrize(
    ("rule", "reason", "start", "metres"),
    [("left_at_night", "left_at_night", MIDNIGHT, (0, 0, 0, 400, 900, 900)),
     ("unusually_far", "unusually_far", NOON, (0, 4000, 9000, 9000, 9000, 9000, 9000)),
     ("left_zone", "left_zone", NOON, (0, 2000, 2000, 2000, 2000))],
)  # fmt: skip
def test_a_rule_about_whereabouts_works_at_the_slowest_rhythm_that_it_states(
    rule: str, reason: str, start: Any, metres: tuple[int, ...]
) -> None:
    band = Band(start, profile(safe_radius_m=800 if rule == "left_zone" else None,
                               learnt={"places": replace(WEEKS["places"], far_m=1000.0)}))  # fmt: skip
    for each in metres:
        band.fix(each)
        band.wait(needs_of(rule).fix_every_s / 60)
    assert reason in band.reasons


def in_docs(needs: Needs) -> str:
    """The row of a rule in the documentation."""
    besides = {
        "says that it is worn, or that it measures nothing": needs.absence,
        "movement": needs.movement,
        "home": needs.home,
        "a drawn circle": needs.circle,
        "heard outside": needs.heard_outside,
        "only for who is measured a few times a day": needs.seldom,
        "says whether it is worn": needs.wear,
        "tells of itself": needs.status,
    }
    rhythms = ["" if each is None else f"{each:g} s" for each in (needs.heart_every_s, needs.fix_every_s)]
    told = ", ".join(word for word, is_needed in besides.items() if is_needed)
    cells = [f"`{needs.rule}`", *rhythms, told, str(needs.days or "")]
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def test_the_documentation_says_what_each_rule_needs() -> None:
    text = (Path(__file__).parents[4] / "docs" / "rules.md").read_text(encoding="utf-8")
    assert [row for row in map(in_docs, NEEDS) if row not in text.splitlines()] == []
