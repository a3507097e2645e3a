"""Whereabouts without a circle: leaving home at night, going in circles, far beyond anything usual, lost outside.

All of them are one incident of the kind `WANDERING`, which ends when none of them holds any more, and the circle that
somebody may have drawn (`zone`) neither. Going out by day is normal and is told to nobody.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import hypot
from statistics import median
from typing import Any

from msgspec import Struct, field

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import leaving, loops, movement, places_learnt, whereabouts
from alerts.rules.places_learnt import PlacesLearnt
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, Needs, Rule
from alerts.rules.state import Memory, State
from alerts.rules.whereabouts import SLOT, Fix, Track, way_m
from eldercare.accounts.viewers import Scope
from eldercare.protocol.mqtt_v1 import Location

NIGHT, FAR, CIRCLES, LOST = "left_at_night", "unusually_far", "going_in_circles", "lost_outside"
ODD = "out_at_odd_hour"
EVENING_S = 2 * 3600.0
"""Seconds before the night in which whoever left home on foot, and is out in the depth of it, is called about;"""
DAY_S = 24 * 3600.0
"""and whoever was at home in so many before it is told of then: a journey is told of once."""
ALONE_S = 3600.0
"""Seconds without any fix at home, after which nobody knows whether she goes or comes."""
FAR_TIMES = 2.0
"""Unusually far is beyond so many times the furthest of her weeks, and beyond it by `far_more_m`."""
FAR_OUT_M = 1000.0
"""Metres beyond the furthest of her weeks, where silence by day is told of."""
STILL_S = 1800.0
"""Whoever is outside and has not moved at all is told of after so many seconds. All of these numbers are proposals."""
LOOP_OVER_S = 1200
"""Seconds of fixes that show no circle any more, after which they are over."""
NEAR_S = 1800.0
"""The last fix must be so young, in seconds, when nothing is heard any more."""
NIGHT_FIX_S, LOOP_FIX_S = 600.0, 300.0
"""Seconds from one fix to the next in the slowest rhythms that leaving at night and circles were measured with."""
LOOP_EVERY_S = 300
"""Seconds after which circles and distances are looked for again."""
MINUTE_S = 60
REST_M, REST_STEPS = 20.0, 5
"""Nobody walks about of whose last steps from fix to fix most are shorter."""
_OUTINGS = (NIGHT, FAR, ODD)
"""What is over when she is at home again."""
_RANKS = {Severity.WARNING: 1, Severity.URGENT: 2}


class Standing(Struct, frozen=True, array_like=True, gc=False):
    """What stands: when it began, when it was last told, when it was last seen, and how grave it was told."""

    since: int
    told: int
    seen: int
    rank: int = 2


class Places(Memory, frozen=True):
    """The whereabouts of a band. Times are seconds since the epoch, 0 is never.

    `home` is the latest fix at home. `out` is the last but one minute with a fix surely outside that was not at night
    (`exit_from_h`), since one alone may be drift, and `later` how many minutes after it the last one was.
    """

    track: Track = Track()
    fresh: bool = False
    """Something was heard since the last look."""
    home: int = 0
    out: int = 0
    standing: Mapping[str, Standing] = field(default_factory=dict)
    """What stands, by its reason."""
    told: int = 0
    """When anything was told last, and how grave that was."""
    rank: int = 0
    over: int = 0
    """When the last of what stood was over, unless anything was told since."""
    far: int = 0
    """When it was last told that she is unusually far."""
    later: int = 0
    odd: int = 0
    """When it was last told that she is out at an hour at which she never is."""


def hear(memory: Places, reading: Location, profile: Profile, ts: float) -> Places:
    """Take one fix: the first of each minute, the latest at home and the latest two outside by day, in any order."""
    limits = profile.thresholds
    accuracy = whereabouts.accuracy_of(reading, limits)
    if accuracy is None:
        return memory
    moment, at_home, out, later = int(ts), memory.home, memory.out, memory.later
    lives = places_learnt.home(profile)
    if lives is not None:
        outer = leaving.edges(places_learnt.known(profile).spread_m, limits).outer
        off = whereabouts.metres_off(reading.lat, reading.lon, *lives)
        if off <= outer:
            at_home = max(at_home, moment)
        elif moment > out and off - accuracy > outer and not is_exit_hour(moment, profile):
            out, later = _latest_two(moment // MINUTE_S, out // MINUTE_S, later)
    track = whereabouts.remember(memory.track, reading, moment)
    if track is memory.track and (at_home, out, later) == (memory.home, memory.out, memory.later):
        return memory
    fresh = memory.fresh or track is not memory.track
    standing, told, rank = memory.standing, memory.told, memory.rank
    return Places(track, fresh, at_home, out, standing, told, rank, memory.over, memory.far, later, memory.odd)


def _latest_two(minute: int, before: int, later: int) -> tuple[int, int]:
    """The latest two of three minutes, of which the third comes `later` after the second: `out` and `later` again."""
    before, newest = sorted({minute, before, before + later})[-2:]
    return before * MINUTE_S, newest - before


def look(memory: Places, state: State, profile: Profile, ts: float) -> tuple[Places, tuple[Verdict, ...]]:
    """What there is to say of her whereabouts as of `ts`: only after a fix, where nothing is heard any more, or while
    anything stands."""
    quiet = state.heard is not None and ts - state.heard >= profile.thresholds.lost_s
    if not (memory.fresh or quiet or memory.standing):
        return memory, NOTHING
    one = _Look(memory, state, profile, ts)
    if memory.fresh and not one.is_idle():
        fixes = one.fixes()
        if fixes:
            one.judge(fixes)
    one.judge_silence(quiet)
    one.judge_return(quiet)
    return one.close()


class _Look:
    """One look: what stands, what is found, and what is told of it. It is made for it and thrown away after it."""

    def __init__(self, memory: Places, state: State, profile: Profile, ts: float) -> None:
        self._memory, self._state, self._profile, self._ts = memory, state, profile, ts
        self._limits = profile.thresholds
        self._learnt, self._lives = places_learnt.known(profile), places_learnt.home(profile)
        self._edges = leaving.edges(self._learnt.spread_m, self._limits)
        self._standing = dict(memory.standing)
        self._told, self._rank, self._far, self._odd = memory.told, memory.rank, memory.far, memory.odd
        self._said: list[Verdict] = []

    def is_idle(self) -> bool:
        """Whether nothing stands and nothing can be found: then nothing more has to be computed. Circles and distances
        are looked for every few minutes, and circles not while she does not walk about."""
        if self._standing:
            return False
        track, reference = self._memory.track, self._reference()
        newest, before = whereabouts.newest(track, *reference)
        is_due = newest.ts // LOOP_EVERY_S != before // LOOP_EVERY_S
        is_away = self._lives is not None and hypot(newest.east, newest.north) > self._edges.inner
        if is_away and self._may_leave(newest):
            return False
        if not is_due:
            return True
        if is_away and self._is_far(newest):
            return False
        if self._walks_oddly():
            return False
        fixes = whereabouts.recall(track, *reference, last=REST_STEPS + 1)
        return 2 * sum(way_m(one, other) < REST_M for one, other in pairwise(fixes)) > REST_STEPS

    def _reference(self) -> tuple[float, float]:
        """From where metres are counted: home, or the newest fix where none is known."""
        return self._lives or self._memory.track.position()

    def _may_leave(self, newest: Fix) -> bool:
        """Whether leaving home may be told of now, or was within the last hour."""
        hour = _hour(newest.ts, self._profile)
        return hour >= self._limits.exit_from_h or hour <= self._limits.exit_to_h or self._is_never(newest.ts)

    def fixes(self) -> list[Fix]:
        """The fixes of the last hour that are believed, in metres from home (from the newest, where none is known),
        since she was away last."""
        since = self._profile.away_before(self._ts)
        track = self._memory.track
        return whereabouts.believed(whereabouts.recall(track, *self._reference(), since=since), self._limits)

    def judge(self, fixes: Sequence[Fix]) -> None:
        """Compare the last hour with what is usual."""
        self._judge_circles(fixes)
        if self._lives is None:
            return
        if leaving.is_back(fixes, self._edges, self._limits):
            self._end_outing()
            return
        self._judge_night(fixes)
        self._judge_hour(fixes)
        self._judge_distance(fixes)

    def judge_silence(self, quiet: bool) -> None:
        """She was out when her band, which is heard all the time otherwise, fell silent: at night, or far away."""
        heard, lives, learnt = self._state.heard, self._lives, self._learnt
        if not quiet or heard is None or lives is None:
            self._standing.pop(LOST, None)
            return
        since = max(heard - NEAR_S, self._profile.away_before(self._ts))
        fixes = whereabouts.recall(self._memory.track, *lives, since=since)[-2:]
        if not learnt.heard or not fixes or not leaving.is_out(fixes[-1], self._edges, self._limits):
            return
        is_sure = all(leaving.is_out(fix, self._edges, self._limits) for fix in fixes)
        has_moved = self._state.heart.active is not None and self._state.heart.active >= fixes[-1].ts
        distance = min(hypot(fix.east, fix.north) for fix in fixes)
        at_night = self._profile.is_night(self._ts) and not self._is_usual(self._ts)
        if ((is_sure or has_moved) and at_night) or (is_sure and distance > (learnt.far_m or 0.0) + FAR_OUT_M):
            self._find(LOST, Severity.WARNING, int(heard), self._place(fixes[-1]))

    def judge_return(self, quiet: bool) -> None:
        """Whoever has come home, and of whom no fix comes indoors, is back by a single one after a while."""
        if quiet or self._lives is None or self._standing.keys().isdisjoint((*_OUTINGS, CIRCLES)):
            return
        newest, _ = whereabouts.newest(self._memory.track, *self._lives)
        is_old = self._ts - newest.ts >= self._limits.zone_gap_s
        if is_old and leaving.is_near(newest, self._edges, self._limits):
            self._end_outing()
            self._standing.pop(CIRCLES, None)  # no fix will show that they are over

    def _end_outing(self) -> None:
        for reason in _OUTINGS:
            self._standing.pop(reason, None)

    def close(self) -> tuple[Places, tuple[Verdict, ...]]:
        """What is remembered, and what there is to say. What stood is over when nothing of it holds any more."""
        memory, over = self._memory, self._memory.over
        if memory.standing and not self._standing:
            over = int(self._ts)
            at = datetime.fromtimestamp(self._ts, UTC)
            self._said.append(Cleared(IncidentKind.WANDERING, "no_longer_wandering", at))
        standing, told, rank = self._standing, self._told, self._rank
        if told > over:
            over = 0
        track, home, out, later = memory.track, memory.home, memory.out, memory.later
        after = Places(track, False, home, out, standing, told, rank, over, self._far, later, self._odd)
        return memory if after == memory else after, tuple(self._said)

    def _judge_circles(self, fixes: Sequence[Fix]) -> None:
        found = None if movement.sits(self._state, self._ts) else loops.find(fixes, self._walked_m(fixes))
        if found is not None:
            severity = Severity.URGENT if self._profile.is_night(self._ts) else Severity.WARNING
            seen = {"path_m": round(found.path_m), "width_m": round(found.width_m)}
            self._find(CIRCLES, severity, found.since, self._place(fixes[-1]) | seen)
        elif CIRCLES in self._standing and fixes[-1].ts - self._standing[CIRCLES].seen >= LOOP_OVER_S:
            del self._standing[CIRCLES]

    def _walks_oddly(self) -> float:
        """The metres that her steps show her to have walked without a rest at an hour at which she never is out; else
        0, since whoever dances on the square walks as well."""
        never = places_learnt.never_out(self._learnt.outings, (_hour(self._ts, self._profile),))
        return movement.walked_m(self._state, self._ts) if never else 0.0

    def _walked_m(self, fixes: Sequence[Fix]) -> float:
        """The same where it is out of doors: whoever cleans at ten in the evening, or cannot sleep, walks at home. Then
        the fixes that drift lie around it."""
        if self._lives is None:
            return 0.0
        recent = [fix for fix in fixes if fix.ts >= fixes[-1].ts - loops.WINDOW_S]
        middle = hypot(median(fix.east for fix in recent), median(fix.north for fix in recent))
        return self._walks_oddly() if middle > self._edges.inner else 0.0

    def _judge_night(self, fixes: Sequence[Fix]) -> None:
        if NIGHT not in self._standing and not self._may_leave(fixes[-1]):
            return
        off_m = hypot(fixes[-1].east, fixes[-1].north)
        walks = movement.went_out(self._state, self._memory.home, off_m)
        left = leaving.find(fixes, self._edges, self._limits, walks=walks)
        if left is None:
            return
        severity = self._how_grave(fixes, left)
        if severity is not None:
            detail = self._place(fixes[-1]) | {"fixes": left.fixes}
            self._find(NIGHT, severity, left.began.ts, detail)

    def _how_grave(self, fixes: Sequence[Fix], left: leaving.Leaving) -> Severity | None:
        """How grave it is that she is outside; None where it is not told of."""
        first, newest, stands = left.first, fixes[-1], self._standing.get(NIGHT)
        if stands is not None and stands.rank == _RANKS[Severity.URGENT]:
            return Severity.URGENT
        is_exit = is_exit_hour(first.ts, self._profile) and not self._is_usual(first.ts)
        if is_exit and self._was_at_home(fixes, left):
            severity = Severity.URGENT
        elif self._is_deep(newest):
            severity = Severity.URGENT if self._left_in_the_evening(newest) else Severity.WARNING
        else:
            return None
        if not movement.is_still(self._state, left.began.ts, self._ts):
            return severity
        # She sleeps, or sits, and it is the fixes that move.
        return Severity.WARNING if newest.ts - first.ts >= STILL_S else None

    def _is_deep(self, newest: Fix) -> bool:
        """Whether it is the depth of the night, in which whoever was at home on the day before is told of, however
        she left. Home as given counts as home here, even where her nights know better."""
        profile, home = self._profile, self._memory.home
        if _hour(newest.ts, profile) not in places_learnt.DEEP_H or self._is_usual(newest.ts):
            return False
        if home < exit_began(newest.ts, profile) - DAY_S:
            return False
        return not (self._learnt.sure and places_learnt.is_near_given(*self._memory.track.position(), profile))

    def _left_in_the_evening(self, newest: Fix) -> bool:
        """Whether she was at home shortly before the night, and is no further than she could have walked since."""
        home = self._memory.home
        if home < exit_began(newest.ts, self._profile) - EVENING_S:
            return False
        return leaving.could_walk(newest, min(newest.ts - home, EVENING_S))

    def _was_at_home(self, fixes: Sequence[Fix], left: leaving.Leaving) -> bool:
        """Whether it was home that she left, and in this night: not a ride that passed by, nor an evening out."""
        first, home = left.first, self._memory.home
        if home <= self._memory.out:
            return False
        came_back = 0 < first.ts - self._memory.over < ALONE_S
        if not came_back and not leaving.was_settled(fixes, first.ts, self._edges, self._limits):
            return False
        pause = first.ts - home
        if pause > ALONE_S and leaving.is_nearing(left, fixes[-1]):
            return False
        if pause <= self._limits.zone_gap_s:
            return True
        # Nothing is known of the pause. Whoever is further off than she could have walked had left before the night.
        return leaving.could_walk(first, min(pause, first.ts - exit_began(first.ts, self._profile)))

    def _judge_hour(self, fixes: Sequence[Fix]) -> None:
        """Out for half an hour by day, at an hour at which she never is."""
        newest = fixes[-1]
        since = newest.ts - self._limits.odd_hour_s
        if not (self._is_never(newest.ts) and self._is_never(since)) or ODD in self._standing:
            return
        if self._odd and self._ts - self._odd < self._limits.task_repeat_s:
            return
        if self._memory.home < self._ts - DAY_S:
            return  # a journey is none of this
        left = leaving.find(fixes, self._edges, self._limits)
        if left is None or left.first.ts > since or movement.is_still(self._state, left.began.ts, self._ts):
            return
        if self._find(ODD, Severity.WARNING, left.began.ts, self._place(newest) | {"fixes": left.fixes}):
            self._odd = int(self._ts)

    def _is_never(self, moment: float) -> bool:
        """Whether she never is out at this hour, which is none of the night's."""
        return bool(self._learnt.never >> _hour(moment, self._profile) & 1) and not is_exit_hour(moment, self._profile)

    def _judge_distance(self, fixes: Sequence[Fix]) -> None:
        if len(fixes) < 2 or (self._far and self._ts - self._far < self._limits.task_repeat_s):
            return
        if all(self._is_far(fix) for fix in fixes[-2:]):
            detail = self._place(fixes[-1]) | {"usual_m": round(self._learnt.far_m or 0.0)}
            if self._find(FAR, Severity.WARNING, fixes[-2].ts, detail):
                self._far = int(self._ts)

    def _is_far(self, fix: Fix) -> bool:
        """Whether a fix is surely far beyond the furthest of her weeks."""
        usual, limits = self._learnt.far_m, self._limits
        if usual is None:
            return False
        least = max(FAR_TIMES * usual, usual + limits.far_more_m)
        return hypot(fix.east, fix.north) - whereabouts.sure_m(fix, limits) > least

    def _place(self, fix: Fix) -> dict[str, Any]:
        """Where a fix is, the newest; the distance is None where home is not known."""
        lat, lon = self._memory.track.position()
        distance = None if self._lives is None else round(hypot(fix.east, fix.north))
        accuracy = round(whereabouts.sure_m(fix, self._limits))
        return {"distance_m": distance, "accuracy_m": accuracy, "lat": lat, "lon": lon}

    def _is_usual(self, moment: float) -> bool:
        return bool(self._learnt.usual >> _hour(moment, self._profile) & 1)

    def _find(self, reason: str, severity: Severity, since: int, detail: dict[str, Any]) -> bool:
        """Something is wrong; whether it is told. It is if it is new, got graver or was told long ago, but for a while
        after anything else about wandering only if it is graver than that."""
        now, limits, rank = int(self._ts), self._limits, _RANKS[severity]
        stands = self._standing.get(reason)
        if stands is not None:
            since = stands.since
            if reason == CIRCLES:
                self._standing[reason] = Standing(since, stands.told, now, stands.rank)
            if now - stands.told < limits.zone_repeat_s and rank <= stands.rank:
                return False
        drawn = int(self._state.zone.alarmed or 0)
        last, last_rank = (self._told, self._rank) if self._told >= drawn else (drawn, _RANKS[Severity.WARNING])
        over = self._memory.over
        if rank == _RANKS[Severity.URGENT] and over >= last:
            last_rank = 0  # that was over: whoever leaves again is called about again
        if now - max(last, over) < limits.cool_down_s and rank <= last_rank:
            return False
        self._standing[reason] = Standing(since, now, now, rank)
        self._told, self._rank = now, max(each.rank for each in self._standing.values())
        at, began = datetime.fromtimestamp(self._ts, UTC), datetime.fromtimestamp(since, UTC)
        detail = detail | {"duration_s": now - since}
        self._said.append(Finding(IncidentKind.WANDERING, severity, reason, at, detail, began))
        return True


def is_exit_hour(moment: float, profile: Profile) -> bool:
    """Whether leaving home is told of at this hour (local time; `moment` in seconds since the epoch)."""
    hour = _hour(moment, profile)
    return hour >= profile.thresholds.exit_from_h or hour < profile.thresholds.exit_to_h


def exit_began(moment: float, profile: Profile) -> float:
    """When the night of `moment`, in which leaving home is told of, began; seconds since the epoch."""
    local = datetime.fromtimestamp(moment, profile.zone)
    began = local.replace(hour=profile.thresholds.exit_from_h, minute=0, second=0, microsecond=0)
    return (began if began <= local else began - timedelta(days=1)).timestamp()


def _hour(moment: float, profile: Profile) -> int:
    return datetime.fromtimestamp(moment, profile.zone).hour


def stands(memory: Places) -> bool:
    """Whether anything of it holds still."""
    return bool(memory.standing)


def _known_days(learnt: PlacesLearnt) -> int:
    return len(learnt.outings)


_KNOWN = Needs(
    "", Scope.LOCATION, fix_every_s=NEAR_S, home=True, days=places_learnt.KNOWN_DAYS, slot=SLOT, learnt=_known_days
)
NEEDS = (
    Needs(NIGHT, Scope.LOCATION, fix_every_s=NIGHT_FIX_S, home=True),
    Needs(CIRCLES, Scope.LOCATION, fix_every_s=LOOP_FIX_S),
    _KNOWN._replace(rule=FAR),
    _KNOWN._replace(rule=LOST, heard_outside=True),
    _KNOWN._replace(rule=ODD, fix_every_s=NIGHT_FIX_S, days=places_learnt.NEVER_DAYS),
)
RULE = Rule(
    SLOT,
    Places,
    (Location,),
    hear,
    look,
    NEEDS,
    PlacesLearnt,
    places_learnt.learn,
    kind=IncidentKind.WANDERING,
    stands=stands,
)
