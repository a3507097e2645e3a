"""Whether fixes show that she has left home, or what fixes do indoors."""

from alerts.rules import leaving
from alerts.rules.leaving import Edges, Leaving
from alerts.rules.thresholds import Thresholds
from alerts.rules.whereabouts import Fix

LIMITS = Thresholds()
EDGES = Edges(75, 150)


def at(*places: tuple[float, float], every_s: int = 300) -> list[Fix]:
    return [Fix(1_000_000 + n * every_s, east, north, 20) for n, (east, north) in enumerate(places)]


def fixes(*metres: float, every_s: int = 300, north: float = 0.0, accuracy_m: float = 20) -> list[Fix]:
    return [Fix(1_000_000 + n * every_s, each, north, accuracy_m) for n, each in enumerate(metres)]


def left(*metres: float, every_s: int = 300, accuracy_m: float = 20) -> Leaving | None:
    return leaving.find(fixes(*metres, every_s=every_s, accuracy_m=accuracy_m), EDGES, LIMITS)


def test_two_fixes_further_and_further_away_are_enough() -> None:
    found = left(0, 5, 0, 90, 340)
    assert found is not None
    assert (found.began.east, found.first.east, found.fixes) == (90, 340, 1)
    assert left(0, 5, 0, 180, 430) is not None
    assert left(90, 340) is not None


def test_one_fix_is_not() -> None:
    assert left(0, 5, 0, 340) is None
    assert left(0, 5, 0, 1400) is None
    assert left() is None


def test_a_fix_that_may_be_at_home_shows_nothing() -> None:
    assert left(0, 0, 100, 165) is None
    assert left(0, 0, 340, 100) is None


def test_a_poor_fix_near_home_begins_nothing() -> None:
    assert left(0, 0, 90, 340, accuracy_m=100) is None
    assert left(0, 0, 140, 390, accuracy_m=100) is not None


def test_dense_fixes_need_four_minutes() -> None:
    walk = [0, 0, 0, 50, 100, 150, 200, 250, 300, 350]
    assert left(*walk[:7], every_s=60) is None
    assert left(*walk[:8], every_s=60) is not None


def test_whoever_stays_a_little_way_off_is_told_of_later() -> None:
    assert left(0, 0, 0, 190, 200) is None
    assert left(0, 0, 0, 190, 200, 195) is not None


def test_a_jump_has_to_stay_for_longer_still() -> None:
    assert left(0, 0, 0, 800, 810, 805, every_s=200) is None
    assert left(0, 0, 0, 800, 810, 805, 800, every_s=200) is not None


def test_a_ride_is_further_than_any_drift() -> None:
    assert left(0, 0, 0, 2500) is None
    assert left(0, 0, 0, 2500, 5000) is not None
    assert left(0, 0, 0, 1200, 1450) is None


def test_a_slow_change_is_drift() -> None:
    assert left(0, 0, 0, 100, 110, 105, 100, 100, 105, 110, 150, 175) is None


def test_fixes_on_two_sides_of_home_are_drift() -> None:
    assert left(0, 0, 0, -190, 260) is None
    assert left(0, 0, 0, -190, 200, 190, 260, every_s=120) is None


def test_a_ride_after_a_walk_goes_on() -> None:
    assert left(0, 0, 0, 100, 200, 2500, 5000, every_s=120) is not None
    assert left(0, 0, 0, 100, 2500, every_s=300) is None


def test_a_fix_that_drifted_as_she_left_hides_nothing() -> None:
    """The first fix away from home lies on its other side, with a walk or a ride behind it."""
    walk = [(0, 0), (0, 0), (-30, -103), (388, 0), (768, 0)]
    assert leaving.find(at(*walk), EDGES, LIMITS) is not None
    assert leaving.find(at(*walk[:-1]), EDGES, LIMITS) is None
    assert leaving.find(at((0, 0), (0, 0), (-552, 0), (2149, 0), (4672, 0)), EDGES, LIMITS) is not None
    dense = [(0, 0), (0, 0), (210, 52), (74, -18), (28, -89), (36, -144), (56, -220), (56, -300), (74, -374)]
    assert leaving.find(at(*dense, every_s=60), EDGES, LIMITS) is not None


def test_a_corner_on_her_way_hides_nothing() -> None:
    assert leaving.find(at((0, 0), (0, 0), (120, 0), (130, 220)), EDGES, LIMITS) is not None
    assert leaving.find(at((0, 0), (0, 0), (120, 0), (-60, 300)), EDGES, LIMITS) is None


def test_the_last_fix_that_may_be_at_home_may_be_on_her_way() -> None:
    assert left(0, 0, 0, 70, 300) is not None
    assert left(0, 0, 0, 40, 300) is None
    assert left(0, 0, 0, -70, 300) is None
    assert left(70, 300) is not None
    assert left(0, 0, 0, 70, 300, every_s=200) is None


def test_a_ride_on_three_wheels_is_told_by_two_fixes() -> None:
    assert left(0, 0, 0, 720, 1390) is not None


def test_whoever_walks_is_told_of_by_any_two_fixes_on_one_side_without_a_jump() -> None:
    def walked(*metres: float, every_s: float = 300) -> bool:
        return leaving.find(fixes(*metres, every_s=every_s), EDGES, LIMITS, walks=True) is not None

    assert left(0, 0, 0, 290, 295) is None
    assert walked(0, 0, 0, 290, 295)
    assert walked(0, 0, 0, 1100, 1110)
    assert not walked(0, 0, 0, -150, 250)
    assert not walked(0, 0, 0, 1200, 1210)
    assert not walked(0, 0, 0, 0, 290)
    assert not walked(0, 0, 0, 290, 295, every_s=200)


def test_one_fix_outside_is_enough_on_foot_alone() -> None:
    assert left(0, 0, 0, 55, 230) is not None
    assert left(0, 0, 0, 55, 540) is not None
    assert left(0, 0, 0, 55, 600) is None
    assert left(0, 0, 0, 55, 900) is None


def test_home_beside_where_the_map_says_it_is() -> None:
    """She lives 130 m from there: 190 m is no more than usual."""
    assert left(130, 128, 132, 130, 129, 190, 192, 190, 191) is None


def test_where_she_always_is_is_no_way_from_home() -> None:
    """She lives 60 or 100 m from home on a map, and one fix drifts."""
    assert left(60, 58, 62, 60, 59, 230) is None
    assert left(100, 98, 102, 100, 99, 255) is None
    assert left(60, 58, 62, 60, 59, 230, 480) is not None


def test_whoever_only_passed_by_was_not_at_home() -> None:
    def settled(*metres: float) -> bool:
        way = fixes(*metres, every_s=120)
        return leaving.was_settled(way, way[-1].ts, EDGES, LIMITS)

    assert settled(0, 0, 0, 0, 400)
    assert not settled(900, 400, 30, 100, 400)
    assert settled(900, 400, 30, 20, 30, 400)
    assert settled(0, 900, 0, 400)
    assert leaving.was_settled([], 0, EDGES, LIMITS)
    assert leaving.was_settled(fixes(0, 0), 10**9, EDGES, LIMITS)


def test_whoever_is_surely_near_for_four_minutes_is_back() -> None:
    def back(*those: tuple[float, float], every_s: int = 240) -> bool:
        fixes = [Fix(number * every_s, metres, 0.0, accuracy) for number, (metres, accuracy) in enumerate(those)]
        return leaving.is_back(fixes, EDGES, LIMITS)

    assert back((100, 20), (70, 100))
    assert not back()
    assert not back((100, 20))
    assert not back((100, 20), (140, 20))
    assert not back((140, 20), (100, 20))
    assert not back((100, 20), (400, 20), (100, 20))
    assert back((100, 20), (140, 20), (100, 20), every_s=120)
    assert not back(*[(5, 20)] * 4, every_s=60)
    assert back(*[(5, 20)] * 5, every_s=60)


def test_whose_fixes_drift_has_wider_edges() -> None:
    assert leaving.edges(0, LIMITS) == leaving.edges(75, LIMITS) == Edges(75, 150)
    wide = leaving.edges(150, LIMITS)
    assert wide == Edges(150, 225)
    assert leaving.is_near(Fix(0, 170, 0, 50), wide, LIMITS)
    assert not leaving.is_near(Fix(0, 170, 0, 50), EDGES, LIMITS)
