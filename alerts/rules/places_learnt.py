"""What a person's own weeks show of her whereabouts: where she sleeps, when she is out, and how far she goes.

A day is learnt at noon, of the fixes and values from noon to noon. A bad fix, one strange night and one strange day
change nothing: nights must agree, hours need several days, and a distance two fixes.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import TypeVar

from msgspec import Struct

from alerts.model.incident import Verdict
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, Day
from alerts.rules.state import Memory
from alerts.rules.thresholds import Thresholds
from alerts.rules.whereabouts import SLOT, accuracy_of, metres_off
from eldercare.protocol.mqtt_v1 import HeartRate, Location

NIGHTS, DAYS = 14, 28
"""How many nights and days are kept."""
THIN_S = 600
"""Seconds from one fix that is learnt from to the next, so that a fix a second weighs no more than one in ten min."""
NIGHT_FROM_H, NIGHT_TO_H = 23, 6
"""Hours, local time, in which people sleep where they live."""
NIGHT_FIXES, NIGHT_SPAN_S, NIGHT_SHARE = 3, 3600, 0.6
"""A night tells where she sleeps by so many fixes over so many seconds, this share of them within `SAME_M`."""
SAME_M = 150.0
"""Metres within which two places are the same."""
GIVEN_M = 300.0
"""Metres: home as given is an address on a map, so that nights this near to it know better where it is."""
OWN_NIGHTS = 5
"""So many nights that agree, none of them near home as given, know better than an address wherever they are,"""
GIVEN_S = 3600
"""unless she spends so many seconds of her days where that is: whoever works at night sleeps by day."""
WIDEST_SPREAD_M = 150.0
"""Metres to which the drift of her own nights widens the edges, at most."""
HABIT_DAYS, HABIT_SHARE, HABIT_OUT = 5, 0.3, 3
"""An hour is usual after so many days, if she is out in it on this share of them and on so many."""
DEEP_H = (1, 2, 3)
"""Hours in which being out is usual on more than half of the nights only, of at least `DEEP_NIGHTS`."""
DEEP_NIGHTS = 7
EDGE_H = (5, 6, 20, 21, 22)
"""Hours of the day, local time, at which being out may be unusual: by day anybody may go out for once."""
NEVER_DAYS, NEVER_SHARE = 14, 0.8
"""She never is out at an hour if she was known to be at home then on so many days, on this share of all, and was not
seen outside in it, nor in the hour before or after it, on any."""
KNOWN_DAYS = 7
"""Days after which distances and silences are known."""
QUIET_S = 1800
"""Seconds without a reading: while she was out, by two fixes in a row, such a day is one of silence."""

# All of these numbers are proposals.


class Night(Struct, frozen=True, array_like=True):
    """Where a night was spent: date of its morning (ordinal), 1e-5 degrees, metres that hold 9 of 10 fixes, and whether
    any of the day before or after it was spent at home as given."""

    date: int
    lat: int
    lon: int
    spread_m: int
    at_given: bool = True


_ANY_HOUR = (1 << 24) - 1


class Outing(Struct, frozen=True, array_like=True):
    """One day (ordinal): the hours in which anything is known and those in which she was out, a bit each; the furthest
    in metres; whether nothing was heard for half an hour while she was out; the fastest rhythm of its fixes, in seconds
    from one to the next, 0 where it is not known; the hours in which she was outside for two fixes in a row, which may
    be any where it was not counted."""

    date: int
    known: int
    out: int
    far_m: int
    silent: bool
    rhythm_s: int = 0
    seen: int = _ANY_HOUR


class PlacesLearnt(Memory, frozen=True):
    """Nights and days, and what follows from them: so that nothing has to be computed when a fix comes."""

    nights: tuple[Night, ...] = ()
    outings: tuple[Outing, ...] = ()
    home: tuple[float, float] | None = None
    """Where she sleeps, WGS-84 degrees."""
    spread_m: float = 0.0
    """The drift of her own nights: 9 of 10 fixes lie within it, in the median night."""
    usual: int = 0
    """The hours of the day in which being out is usual, a bit each."""
    far_m: float | None = None
    """The furthest of her weeks, metres; None until it is known."""
    heard: bool = False
    """Whether her band is known to be heard all the time when she is out."""
    sure: bool = False
    """Whether `home` holds whatever address was given."""
    never: int = 0
    """The hours of `EDGE_H` at which she never is out, a bit each."""


NOTHING_LEARNT = PlacesLearnt()


def home(profile: Profile) -> tuple[float, float] | None:
    """Home in WGS-84 degrees: as given, made exact by her nights, or put right by many of them; else where she sleeps;
    None where not known."""
    weeks = known(profile)
    learnt = weeks.home
    if profile.home_lat is None or profile.home_lon is None or weeks.sure:
        return learnt
    if learnt is not None and metres_off(*learnt, profile.home_lat, profile.home_lon) <= GIVEN_M:
        return learnt
    return profile.home_lat, profile.home_lon


def is_near_given(lat: float, lon: float, profile: Profile, within_m: float = GIVEN_M) -> bool:
    """Whether a place (WGS-84 degrees) may be home as given."""
    if profile.home_lat is None or profile.home_lon is None:
        return False
    return metres_off(lat, lon, profile.home_lat, profile.home_lon) <= within_m


def known(profile: Profile) -> PlacesLearnt:
    """What is learnt of this person."""
    learnt = profile.learnt.get(SLOT)
    return learnt if isinstance(learnt, PlacesLearnt) else NOTHING_LEARNT


def learn(learnt: PlacesLearnt, day: Day, profile: Profile) -> tuple[PlacesLearnt, tuple[Verdict, ...]]:
    """What is learnt with one day more. A day away or without a fix teaches nothing; one told again counts once."""
    limits = profile.thresholds
    fixes = _thinned((fix for fix in day.fixes if not profile.is_away(fix.ts.timestamp())), limits)
    if not fixes:
        return learnt, NOTHING
    date = day.date.toordinal()
    night = _night(date, fixes, profile)
    nights = _kept(learnt.nights, night, NIGHTS) if night is not None else learnt.nights
    place, spread, agree = _sleeps(nights)
    sure = agree >= OWN_NIGHTS and not any(
        each.at_given or is_near_given(each.lat / 1e5, each.lon / 1e5, profile) for each in nights
    )
    learnt = PlacesLearnt(
        nights, learnt.outings, place, spread, learnt.usual, learnt.far_m, learnt.heard, sure, learnt.never
    )
    lives = home(_with(profile, learnt))
    if lives is None:
        return learnt, NOTHING
    outings = _kept(learnt.outings, _outing(date, day, fixes, lives, profile), DAYS)
    enough = len(outings) >= KNOWN_DAYS
    far_m = float(max(each.far_m for each in outings)) if enough else None
    heard = enough and not any(each.silent for each in outings)
    never = never_out(outings)
    return PlacesLearnt(nights, outings, place, spread, _usual(outings), far_m, heard, sure, never), NOTHING


def _with(profile: Profile, learnt: PlacesLearnt) -> Profile:
    return Profile(
        profile.resident_id,
        profile.home_lat,
        profile.home_lon,
        profile.safe_radius_m,
        profile.away_until,
        profile.zone,
        profile.thresholds,
        {SLOT: learnt},
    )


_Each = TypeVar("_Each", bound=Night | Outing)


def _kept(before: Sequence[_Each], new: _Each, most: int) -> tuple[_Each, ...]:
    others = tuple(each for each in before if each.date != new.date)
    return (*others[1 - most :], new)


def _thinned(fixes: Iterable[Location], limits: Thresholds) -> list[Location]:
    """The first fix to be believed of every ten minutes."""
    first: dict[int, Location] = {}
    for fix in fixes:
        if accuracy_of(fix, limits) is not None:
            first.setdefault(int(fix.ts.timestamp() // THIN_S), fix)
    return list(first.values())


def _night(date: int, fixes: Sequence[Location], profile: Profile) -> Night | None:
    """Where she slept, if most of the fixes of the night agree on it."""
    hours = [(fix, fix.ts.astimezone(profile.zone).hour) for fix in fixes]
    own = [fix for fix, hour in hours if hour >= NIGHT_FROM_H or hour < NIGHT_TO_H]
    if len(own) < NIGHT_FIXES or (own[-1].ts - own[0].ts).total_seconds() < NIGHT_SPAN_S:
        return None
    lat, lon = median(fix.lat for fix in own), median(fix.lon for fix in own)
    off = sorted(metres_off(fix.lat, fix.lon, lat, lon) for fix in own)
    if sum(metres <= SAME_M for metres in off) < NIGHT_SHARE * len(off):
        return None
    given = sum(is_near_given(fix.lat, fix.lon, profile, SAME_M) for fix in fixes) * THIN_S >= GIVEN_S
    return Night(date, round(lat * 1e5), round(lon * 1e5), round(off[int(0.9 * (len(off) - 1))]), given)


def _sleeps(nights: Sequence[Night]) -> tuple[tuple[float, float] | None, float, int]:
    """The place of most nights, of the latest where several have as many, how far fixes drift there, and how many
    nights these are."""
    most: list[Night] = []
    for night in nights:
        same = [each for each in nights if _apart_m(each, night) <= SAME_M]
        if len(same) >= len(most):
            most = same
    if not most:
        return None, 0.0, 0
    place = median(each.lat for each in most) / 1e5, median(each.lon for each in most) / 1e5
    return place, min(WIDEST_SPREAD_M, float(median(each.spread_m for each in most))), len(most)


def _apart_m(one: Night, other: Night) -> float:
    return metres_off(one.lat / 1e5, one.lon / 1e5, other.lat / 1e5, other.lon / 1e5)


def _outing(date: int, day: Day, fixes: Sequence[Location], lives: tuple[float, float], profile: Profile) -> Outing:
    limits = profile.thresholds
    inside: dict[int, int] = {}
    outside: dict[int, int] = {}
    distances = [0.0, 0.0]
    seen, before = 0, -1
    for fix in fixes:
        off, hour = metres_off(fix.lat, fix.lon, *lives), fix.ts.astimezone(profile.zone).hour
        distances.append(off)
        is_out = _is_out(fix, lives, limits)
        counts = outside if is_out else inside
        counts[hour] = counts.get(hour, 0) + 1
        if is_out and before >= 0:
            seen |= 1 << hour | 1 << before
        before = hour if is_out else -1
    known_hours = sum(1 << hour for hour in inside.keys() | outside.keys())
    out_hours = sum(1 << hour for hour, count in outside.items() if count >= inside.get(hour, 0))
    # One fix alone may be anywhere, so that the second of all is the furthest.
    silent = _fell_silent(day, lives, limits)
    rhythm_s = fastest_s([fix.ts.timestamp() for fix in day.fixes]) or 0.0
    far_m = round(sorted(distances)[-2])
    return Outing(date, known_hours, out_hours, far_m, silent, round(rhythm_s), seen)


def fastest_s(times: Sequence[float]) -> float | None:
    """The fastest rhythm in which fixes came three times in a row, in seconds from one to the next; of fewer, the
    slowest of two; None where that is not known. `times` are seconds since the epoch, in their order.

    Bands tell positions more often when their wearer is out, and it is then that the rules need them.
    """
    gaps = [later - sooner for sooner, later in pairwise(times)]
    if len(gaps) < 2:
        return None
    return min(max(gaps[at : at + 3]) for at in range(max(len(gaps) - 2, 1)))


def rhythm_s(profile: Profile) -> float | None:
    """The rhythm of fixes on the last day on which she was out, in seconds from one to the next; None: not known."""
    days = [each for each in known(profile).outings if each.out and each.rhythm_s]
    return float(max(days, key=lambda each: each.date).rhythm_s) if days else None


def _is_out(fix: Location, lives: tuple[float, float], limits: Thresholds) -> bool:
    """Whether a fix is surely not at home."""
    accuracy = fix.accuracy_m or limits.zone_assumed_accuracy_m
    return metres_off(fix.lat, fix.lon, *lives) - accuracy > limits.exit_m


def _fell_silent(day: Day, lives: tuple[float, float], limits: Thresholds) -> bool:
    """Whether nothing was heard for half an hour after two fixes in a row that were not at home: one may be drift."""
    heard: list[HeartRate | Location] = sorted([*day.hearts, *day.fixes], key=lambda each: each.ts)
    out = 0
    for reading, following in pairwise(heard):
        if isinstance(reading, Location):
            out = out + 1 if _is_out(reading, lives, limits) else 0
        if out > 1 and (following.ts - reading.ts).total_seconds() >= QUIET_S:
            return True
    return False


def never_out(outings: Sequence[Outing], hours: Iterable[int] = EDGE_H) -> int:
    """The hours, of those at the edges of the day or of others, at which she never is out, by her days; a bit each."""
    seen = 0
    for each in outings:
        seen |= each.seen
    seen |= seen << 1 | seen >> 1
    never = 0
    for hour in hours:
        at_home = sum((each.known & ~each.out) >> hour & 1 for each in outings)
        if not seen >> hour & 1 and at_home >= max(NEVER_DAYS, NEVER_SHARE * len(outings)):
            never |= 1 << hour
    return never


def _usual(outings: Sequence[Outing]) -> int:
    usual = 0
    for hour in range(24):
        days = sum(each.known >> hour & 1 for each in outings)
        out = sum(each.out >> hour & 1 for each in outings)
        if hour in DEEP_H:
            is_usual = days >= DEEP_NIGHTS and 2 * out > days
        else:
            is_usual = days >= HABIT_DAYS and out >= max(HABIT_OUT, HABIT_SHARE * days)
        usual |= is_usual << hour
    return usual
