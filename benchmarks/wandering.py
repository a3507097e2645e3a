"""Whereabouts without a circle: nuisance per person-day on tracks, and what of exits, circles and pacing is found.

    python -m benchmarks.wandering

Nothing here is chosen by a person or a file. What is put in has the drift of recorded windows in which somebody stood
still, turned by a random angle every ten minutes.
"""

import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, pi, radians, sin
from zoneinfo import ZoneInfo

from alerts.model.incident import IncidentKind
from alerts.rules import Profile, Thresholds, places_learnt
from alerts.rules.places_learnt import PlacesLearnt
from alerts.rules.playback import Playback
from alerts.rules.rule import Day
from alerts.rules.whereabouts import METRES_PER_DEGREE, SLOT
from benchmarks import recordings
from benchmarks.goals import Goals
from benchmarks.rules import Quiet, home_of, standing
from eldercare.protocol.mqtt_v1 import Location

SEED = 1
INCIDENTS_PER_DAY = 0.05
SLOWEST_GOAL_S = 300
"""Goals: incidents a day, and the slowest rhythm in which every night exit has to be found in time."""
ZONE = ZoneInfo("Asia/Shanghai")
HOME = (31.2304, 121.4737)
ABROAD = {"posmo": ZoneInfo("Europe/Zurich")}
"""Whoever did not live in `ZONE`."""
RHYTHMS_S = (60, 120, 300, 600)
"""Seconds from a fix to the next."""
STRANGER = Profile(1, None, None, None, None, ZONE, Thresholds())
"""Nothing is known of her, not even home."""
AT_HOME = replace(STRANGER, home_lat=HOME[0], home_lon=HOME[1])
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)
NIGHT_IN_TIME_S = 720
CIRCLES_IN_TIME_S = 3600
ODD_IN_TIME_S = 2700
SELDOM_DAYS = 21
"""Whoever goes out seldom in the evening does so once in so many days, on a day that chance chooses."""

RINGS_WHY = "20 of 42 missed of 800 are rings of 60 m at a fix every 5 min, whose way from fix to fix is as drift's"
PACING_WHY = (
    "of 402 missed of 1,200 looked into, 357 go no longer from fix to fix than drift does (80 m at a fix every "
    "2 min, 120 m at 3 min, 200 m at 5 min), and 45 show no even line; with steps see benchmarks.on_foot"
)

Point = tuple[float, float]
"""Metres east and north of home."""
Way = Callable[[float], Point]
"""Where somebody is, so many seconds after a beginning."""


# Drift ----------------------------------------------------------------------------------------------------------

Window = Sequence[tuple[float, float, float]]
"""Seconds since its beginning, metres east and north of its middle."""


def drift_windows(tracks: Mapping[str, list[Location]]) -> list[Window]:
    """What fixes did while somebody stood still for ten minutes."""
    windows: list[Window] = []
    for fixes in tracks.values():
        for window in standing(fixes):
            lat = statistics.median(fix.lat for fix in window)
            lon = statistics.median(fix.lon for fix in window)
            begin = window[0].ts
            windows.append([((fix.ts - begin).total_seconds(), *_metres(fix, (lat, lon))) for fix in window])
    return windows


def _metres(fix: Location, origin: Point) -> Point:
    east = (fix.lon - origin[1]) * METRES_PER_DEGREE * cos(radians(origin[0]))
    return east, (fix.lat - origin[0]) * METRES_PER_DEGREE


class Drift:
    """The drift of fixes: another recorded window, turned, every ten minutes."""

    def __init__(self, windows: Sequence[Window], chance: random.Random) -> None:
        self._windows, self._chance = windows, chance
        self._block: int | None = None
        self._window: Window = windows[0]
        self._turn = (1.0, 0.0)

    def at(self, second: float) -> Point:
        """Metres east and north; seconds never go back."""
        block = int(second // 600)
        if block != self._block:
            self._block, self._window = block, self._chance.choice(self._windows)
            angle = self._chance.uniform(0, 2 * pi)
            self._turn = cos(angle), sin(angle)
        # Fix by fix, so that each weighs as much as it was recorded to.
        _, east, north = self._window[int(second % 600 / 600 * len(self._window))]
        return east * self._turn[0] - north * self._turn[1], east * self._turn[1] + north * self._turn[0]


def fixes_of(way: Way, begin: datetime, seconds: float, rhythm_s: float, drift: Drift) -> Iterator[Location]:
    """The fixes of a band on a way, with drift, from a random moment on; it says no accuracy."""
    second = drift._chance.uniform(0, rhythm_s)
    while second < seconds:
        (east, north), (off_east, off_north) = way(second), drift.at(second)
        yield _location(begin + timedelta(seconds=second), east + off_east, north + off_north)
        second += rhythm_s


def _location(ts: datetime, east: float, north: float) -> Location:
    lat = HOME[0] + north / METRES_PER_DEGREE
    lon = HOME[1] + east / METRES_PER_DEGREE / cos(radians(HOME[0]))
    return recordings.location(ts.astimezone(UTC), lat, lon, None)


# Nuisance -------------------------------------------------------------------------------------------------------


def quiet(who: str, fixes: Iterable[Location], profile: Profile) -> Quiet:
    """Play somebody's fixes, each delivered when it was made, or with the newest before it."""
    playback, days = Playback(profile), set()
    now: datetime | None = None
    for fix in fixes:
        now = fix.ts if now is None else max(now, fix.ts)
        days.add(fix.ts.astimezone(ZONE).date())
        playback.receive(fix, now)
    if now is not None:
        playback.wait(now + timedelta(hours=2))
    found = [each for each in playback.episodes if each.kind is IncidentKind.WANDERING]
    return Quiet(who, max(1, len(days)), found)


def thinned(fixes: Sequence[Location], rhythm_s: float) -> list[Location]:
    """A fix every so many seconds, where there is any; in the order of their times."""
    kept: list[Location] = []
    for fix in sorted(fixes, key=lambda each: each.ts):
        if not kept or (fix.ts - kept[-1].ts).total_seconds() >= rhythm_s:
            kept.append(fix)
    return kept


def night_home(fixes: Sequence[Location]) -> Point:
    """Where somebody probably lives: the middle of the first and the last fix of every day."""
    days: dict[object, list[Location]] = defaultdict(list)
    for fix in fixes:
        days[(fix.ts.astimezone(ZONE) - timedelta(hours=4)).date()].append(fix)
    ends = [end for day in days.values() for end in (day[0], day[-1])]
    return home_of(sorted(ends, key=lambda fix: fix.ts))


# What is put in -------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """How many were put in, how many found, how many in time, and after how many seconds."""

    put_in: int = 0
    found: int = 0
    in_time: int = 0
    delays_s: list[float] = field(default_factory=list)

    def add(self, delay_s: float | None, in_time_s: float) -> None:
        """Count one."""
        self.put_in += 1
        if delay_s is not None:
            self.found += 1
            self.in_time += delay_s <= in_time_s
            self.delays_s.append(delay_s)

    def join(self, other: "Found") -> None:
        """Count those of another as well."""
        self.put_in, self.found = self.put_in + other.put_in, self.found + other.found
        self.in_time, self.delays_s = self.in_time + other.in_time, self.delays_s + other.delays_s

    def __str__(self) -> str:
        middle = statistics.median(self.delays_s) / 60 if self.delays_s else float("nan")
        found, in_time = (100 * part / max(1, self.put_in) for part in (self.found, self.in_time))
        return f"{self.found} of {self.put_in} found ({found:.1f} %), {in_time:.1f} % in time, median {middle:.1f} min"


def leaves(kmh: float, angle: float, at_s: float) -> Way:
    """At home, and from then on away in one direction."""

    def way(second: float) -> Point:
        metres = max(0.0, second - at_s) * kmh / 3.6
        return metres * cos(angle), metres * sin(angle)

    return way


def circle(radius_m: float, kmh: float, middle: Point, phase: float, turn: int) -> Way:
    """Round and round."""

    def way(second: float) -> Point:
        angle = phase + turn * kmh / 3.6 * second / radius_m
        return middle[0] + radius_m * cos(angle), middle[1] + radius_m * sin(angle)

    return way


def pacing(length_m: float, kmh: float, middle: Point, phase: float, angle: float) -> Way:
    """Back and forth."""

    def way(second: float) -> Point:
        along = (kmh / 3.6 * second + phase * length_m) % (2 * length_m)
        along = length_m / 2 - abs(along - length_m)
        return middle[0] + along * cos(angle), middle[1] + along * sin(angle)

    return way


def first_told(fixes: Iterable[Location], reasons: set[str], begin: datetime, who: Profile = AT_HOME) -> float | None:
    """Seconds from `begin` to the first incident of these reasons; None where there is none."""
    playback, now = Playback(who), begin
    for fix in fixes:
        now = fix.ts
        playback.receive(fix, now)
    told = [each.opened_at for each in playback.episodes if each.reason in reasons and each.opened_at >= begin]
    return (min(told) - begin).total_seconds() if told else None


def night_exits(windows: Sequence[Window], rhythm_s: float, kmh: float, count: int) -> Found:
    """Somebody at home for an hour who leaves at a random moment between 23:05 and 04:25 and walks for half an hour."""
    chance, found = random.Random(f"{SEED} exit {rhythm_s} {kmh}"), Found()
    for _ in range(count):
        begin = MONDAY + timedelta(hours=22, seconds=chance.uniform(300, 5.4 * 3600))
        way = leaves(kmh, chance.uniform(0, 2 * pi), 3600)
        fixes = fixes_of(way, begin, 3600 + 1800, rhythm_s, Drift(windows, chance))
        found.add(first_told(fixes, {"left_at_night"}, begin + timedelta(hours=1)), NIGHT_IN_TIME_S)
    return found


def at_home_by_night(windows: Sequence[Window], days: int, number: int) -> Profile:
    """Somebody of whom so many days are learnt, on which she was out between eight in the morning and noon alone."""
    chance = random.Random(f"{SEED} odd {number}")
    drift, learnt = Drift(windows, chance), PlacesLearnt()
    fixes: list[Location] = []
    for day, plan in enumerate(week(days, chance)):
        mornings = [stop for stop in plan if stop[0] < 12]
        at = along([*mornings, (12.0, (0, 0)), (24.0, (0, 0))])
        fixes += fixes_of(at, MONDAY + timedelta(days=day), 86400, 600, drift)
    for day in range(1, days):
        noon = MONDAY + timedelta(days=day, hours=12)
        learnt, _ = places_learnt.learn(learnt, Day.ending(noon, fixes), AT_HOME)
    return replace(AT_HOME, learnt={SLOT: learnt})


def odd_hours(windows: Sequence[Window], rhythm_s: float, count: int) -> Found:
    """Whoever never is out before seven nor after eight in the evening leaves at such an hour and walks for an hour."""
    chance, found = random.Random(f"{SEED} odd {rhythm_s}"), Found()
    people = [at_home_by_night(windows, 28, number) for number in range(4)]
    for number in range(count):
        hour = chance.choice((chance.uniform(5.05, 6.2), chance.uniform(20.05, 22.2)))
        begin = MONDAY + timedelta(days=29, hours=hour - 1)
        way = leaves(chance.uniform(2, 4.5), chance.uniform(0, 2 * pi), 3600)
        fixes = fixes_of(way, begin, 7200, rhythm_s, Drift(windows, chance))
        # Whoever is out still when the night begins is told of by that.
        who = people[number % len(people)]
        found.add(first_told(fixes, {"out_at_odd_hour"}, begin + timedelta(hours=1), who), ODD_IN_TIME_S)
    return found


def goes_round(chance: random.Random, size_m: float, *, paces: bool) -> tuple[Way, float]:
    """A way of somebody who goes in circles of this radius, or paces over this length, up to 600 m from home; and how
    many kilometres an hour they walk."""
    kmh, off, angle = chance.uniform(2.5, 4.5), chance.uniform(0, 600), chance.uniform(0, 2 * pi)
    middle = off * cos(angle), off * sin(angle)
    if paces:
        return pacing(size_m, kmh, middle, chance.uniform(0, 2), chance.uniform(0, pi)), kmh
    return circle(size_m, kmh, middle, chance.uniform(0, 2 * pi), chance.choice((1, -1))), kmh


def rounds(windows: Sequence[Window], rhythm_s: float, size_m: float, count: int, *, paces: bool) -> Found:
    """Somebody who sits at home and at ten in the morning goes in circles for an hour, up to 600 m from there."""
    chance, found = random.Random(f"{SEED} rounds {rhythm_s} {size_m} {paces}"), Found()
    begin = MONDAY + timedelta(hours=10)
    for _ in range(count):
        way, _ = goes_round(chance, size_m, paces=paces)
        drift = Drift(windows, chance)
        before = list(fixes_of(lambda _: (0.0, 0.0), begin - timedelta(hours=1), 3600, rhythm_s, drift))
        walk = list(fixes_of(way, begin, 3600, rhythm_s, drift))
        found.add(first_told([*before, *walk], {"going_in_circles"}, begin), CIRCLES_IN_TIME_S)
    return found


# Weeks of an old person -----------------------------------------------------------------------------------------

Stop = tuple[float, Point]
"""An hour of the day, and where she is then; between two of them she moves on evenly."""


def week(days: int, chance: random.Random) -> Iterator[list[Stop]]:
    """Home all day; shopping on two mornings, the clinic by bus once, round the block or the square in the evening."""
    shop, clinic, stop_, square = (350.0, 200.0), (3200.0, -2100.0), (150.0, -180.0), (-260.0, 90.0)
    for day in range(days):
        plan: list[Stop] = [(0.0, (0, 0))]
        if day % 7 in (1, 4):
            at = 9 + chance.uniform(0, 0.5)
            plan += [(at, (0, 0)), (at + 0.15, shop), (at + 0.7, shop), (at + 0.87, (0, 0))]
        if day % 7 == 2:
            at = 8 + chance.uniform(0, 0.5)
            plan += [(at, (0, 0)), (at + 0.1, stop_), (at + 0.2, stop_), (at + 0.5, clinic), (at + 2.5, clinic)]
            plan += [(at + 2.9, stop_), (at + 3.0, (0, 0))]
        if day % 2:
            at = 18.5 + chance.uniform(0, 0.3)
            corners: list[Point] = [(0, 0), (180, 0), (180, 160), (0, 160), (0, 0)]
            plan += [(at + 0.11 * number, corner) for number, corner in enumerate(corners)]
        else:
            # She dances on the spot, and every ten minutes or so on another, within 100 m.
            plan += [(18.8, (0, 0)), (19.0, square)]
            at, spot = 19.0, square
            while at < 20.8:
                near = square[0] + chance.uniform(-40, 40), square[1] + chance.uniform(-40, 40)
                plan += [(at, spot), (at + 0.02, near)]
                at, spot = at + chance.uniform(0.1, 0.25), near
            plan += [(20.85, spot), (21.05, (0, 0))]
        yield [*plan, (24.0, (0, 0))]


def seldom(days: int, chance: random.Random) -> Iterator[list[Stop]]:
    """The same, but the evenings are spent at home, and one of `SELDOM_DAYS` with friends, 900 m off, until ten."""
    friends, out = (-700.0, 560.0), 0
    for day, plan in enumerate(week(days, chance)):
        if day % SELDOM_DAYS == 0:
            out = day + chance.randrange(SELDOM_DAYS)
        plan = [stop for stop in plan if stop[0] < 18]
        if day == out:
            begin = 18.5 + chance.uniform(0, 1.5)
            plan += [(begin, (0, 0)), (begin + 0.3, friends), (21.6, friends), (21.9, (0, 0))]
        yield [*plan, (24.0, (0, 0))]


def along(plan: Sequence[Stop]) -> Way:
    """The way through a day."""

    def way(second: float) -> Point:
        hour = second / 3600
        for (begin, here), (end, there) in pairwise(plan):
            if begin <= hour < end:
                share = (hour - begin) / (end - begin)
                return here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])
        return plan[-1][1]

    return way


Days = Callable[[int, random.Random], Iterator[list[Stop]]]


def old_person(
    windows: Sequence[Window], rhythm_s: float, days: int, number: int, profile: Profile, lives: Days = week
) -> Quiet:
    """Play the weeks of somebody old who lives as many do."""
    chance = random.Random(f"{SEED} week {number} {rhythm_s}")
    drift = Drift(windows, chance)
    fixes: list[Location] = []
    for day, plan in enumerate(lives(days, chance)):
        fixes += fixes_of(along(plan), MONDAY + timedelta(days=day), 86400, rhythm_s, drift)
    return quiet(f"old {number}", fixes, profile)


# The report -----------------------------------------------------------------------------------------------------


def report_quiet(title: str, people: Sequence[Quiet]) -> float:
    """Print incidents per person-day by reason, and the worst person; returns that of all."""
    days = sum(one.days for one in people)
    worst = max(people, key=lambda one: one.per_day)
    reasons = Counter(each.reason for one in people for each in one.episodes)
    by_reason = ", ".join(f"{name} {count / days:.3f}" for name, count in sorted(reasons.items())) or "none"
    total = sum(len(one.episodes) for one in people) / days
    print(f"{title}: {len(people)} people, {days} person-days: {total:.3f} ({by_reason});", end=" ")
    print(f"worst {worst.who} {worst.per_day:.3f} on {worst.days} days")
    return total


def main() -> None:
    """Print all of it; exit status 1 where a figure misses its goal."""
    goals = Goals()
    if not recordings.found():
        sys.exit(f"benchmarks.wandering: {recordings.HOW}")
    tracks = recordings.tracks()
    windows = drift_windows(tracks)
    print(f"seed {SEED}; {len(windows)} windows of drift")
    for rhythm_s in RHYTHMS_S:
        thin = {who: thinned(fixes, rhythm_s) for who, fixes in tracks.items()}
        unknown = [quiet(who, fixes, replace(STRANGER, zone=ABROAD.get(who, ZONE))) for who, fixes in thin.items()]
        title = f"tracks, a fix per {rhythm_s} s, home learnt"
        goals.at_most(f"{title}, a day", report_quiet(title, unknown), INCIDENTS_PER_DAY)
        lives = {who: night_home(fixes) for who, fixes in thin.items()}
        given = [
            quiet(who, fixes, Profile(1, *lives[who], None, None, ABROAD.get(who, ZONE), Thresholds()))
            for who, fixes in thin.items()
        ]
        title = f"tracks, a fix per {rhythm_s} s, home given"
        goals.at_most(f"{title}, a day", report_quiet(title, given), INCIDENTS_PER_DAY)
    for rhythm_s in RHYTHMS_S:
        for name, profile in (("given", AT_HOME), ("learnt", STRANGER)):
            weeks = [old_person(windows, rhythm_s, 21, number, profile) for number in range(3)]
            title = f"weeks of somebody old, a fix per {rhythm_s} s, home {name}"
            goals.at_most(f"{title}, a day", report_quiet(title, weeks), INCIDENTS_PER_DAY)
    for rhythm_s in RHYTHMS_S:
        weeks = [old_person(windows, rhythm_s, 84, number, AT_HOME, seldom) for number in range(3)]
        title = f"twelve weeks of somebody who seldom goes out in the evening, a fix per {rhythm_s} s"
        goals.at_most(f"{title}, a day", report_quiet(title, weeks), INCIDENTS_PER_DAY)
        odd = odd_hours(windows, rhythm_s, 120)
        print(f"out at an hour at which she never is, a fix per {rhythm_s} s: {odd}")
        if rhythm_s <= SLOWEST_GOAL_S:
            goals.at_least(f"out at such an hour in time, a fix per {rhythm_s} s", odd.in_time / odd.put_in, 0.95)
    for rhythm_s in RHYTHMS_S:
        everything = Found()
        for kmh in (2.5, 3.5, 4.5, 30):
            found = night_exits(windows, rhythm_s, kmh, 60)
            everything.join(found)
            print(f"night exits at {kmh} km/h, a fix per {rhythm_s} s: {found}")
        print(f"night exits, a fix per {rhythm_s} s, all of these: {everything}")
        if rhythm_s <= SLOWEST_GOAL_S:
            why = "drift has hidden the only fix that is outside by then, or the way round a corner"
            goals.at_least(
                f"night exits in time, a fix per {rhythm_s} s", everything.in_time / everything.put_in, 1, why
            )
    for paces, sizes in ((False, (60, 100, 150, 200, 300)), (True, (80, 120, 150, 200, 300))):
        everything = Found()
        for rhythm_s in (60, 120, 180, 300):
            for size_m in sizes:
                name = f"pacing over {size_m} m" if paces else f"circles of {size_m} m radius"
                found = rounds(windows, rhythm_s, size_m, 40, paces=paces)
                everything.join(found)
                print(f"{name}, a fix per {rhythm_s} s: {found}")
        name = "pacing" if paces else "circles"
        print(f"{name}, all of these: {everything}")
        why = PACING_WHY if paces else RINGS_WHY
        goals.at_least(f"{name} found within the hour", everything.in_time / everything.put_in, 0.95, why)
    goals.finish()


if __name__ == "__main__":
    main()
