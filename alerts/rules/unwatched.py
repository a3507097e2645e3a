"""Which rule cannot watch whom, and why: what each rule needs, held against what is known of her band and of her weeks.

A rule that is given too little is silent, and silence looks like health. What is not known is no reason: of a band that
has just begun to speak nothing is said to be missing.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from math import hypot
from typing import Any, NamedTuple

from alerts.rules import absence, heart_rate, minutes, places_learnt, registry, spot_value, stillness, wear, zone
from alerts.rules.places import Places
from alerts.rules.profile import Profile
from alerts.rules.rule import Needs
from alerts.rules.state import State
from alerts.rules.stillness import Stillness
from alerts.rules.whereabouts import SLOT, Track, recall

NEEDS: tuple[Needs, ...] = (
    *heart_rate.NEEDS,
    *(needs for rule in registry.RULES for needs in rule.needs),
    *zone.NEEDS,
    *wear.NEEDS,
    *absence.NEEDS,
)
"""What every rule about one person needs. That many bands are silent at once is about nobody."""
SLACK = 1.25
"""Bands are late, and messages are lost: a rhythm is too slow when it is so many times what a rule needs."""
DAY_S = 86400.0
"""Seconds for which a band is worn and heard, after which what it has never said in them it does not say."""
NO_FIX_S = 7 * 86400.0
"""The same for one that has told a position before: many tell none indoors, and some people stay in for days."""
LEAST_VALUES = 3
PAUSE_MIN = 120.0
"""So many values show a rhythm; two do where they are so far apart."""


class Reason(StrEnum):
    """Why a rule cannot watch somebody."""

    NO_BAND = "no_band"
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    NOT_WORN = "not_worn"
    NO_HEART = "no_heart"
    HEART_TOO_SLOW = "heart_too_slow"
    NO_MOVEMENT = "no_movement"
    COUNTS_NO_STEPS = "counts_no_steps"
    NO_STATUS = "no_status"
    NO_WEAR = "no_wear"
    NO_FIXES = "no_fixes"
    FIXES_TOO_SLOW = "fixes_too_slow"
    HOME_UNKNOWN = "home_unknown"
    SILENT_OUTSIDE = "silent_outside"
    LEARNING = "learning"


PASSING = frozenset({Reason.NEVER_HEARD, Reason.SILENT, Reason.NOT_WORN, Reason.LEARNING})
"""What is over by itself, or is told of otherwise: everything else stays until somebody does something about it."""


class Unwatched(NamedTuple):
    """A rule that cannot watch her. `known` and `needed` are seconds of a rhythm, or days where it is still learning;
    None where there is no number."""

    needs: Needs
    reason: Reason
    known: float | None = None
    needed: float | None = None

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return self.needs.rule


def unwatched(
    state: State | None, profile: Profile, worn_since: datetime | None, last_seen: datetime | None, now: datetime
) -> tuple[Unwatched, ...]:
    """What cannot be watched of her as of `now`, each rule with each of its reasons, in the order of `NEEDS`.

    `state` is that of the band which she wears since `worn_since`, heard of last at `last_seen`; all None where she
    wears none. All times are aware, by the service's clock. While she is away no rule speaks, which is no lack.
    """
    if profile.is_away(now.timestamp()):
        return ()
    wanted = [needs for needs in NEEDS if _is_wanted(needs, state, profile)]
    if state is None or worn_since is None:
        return tuple(Unwatched(needs, Reason.NO_BAND) for needs in wanted)
    lost = _lost(state, profile, worn_since, last_seen, now)
    if lost is not None:
        # Silence itself is what that rule watches for.
        return tuple(Unwatched(needs, lost) for needs in wanted if needs not in absence.NEEDS)
    known = _known(state, profile, worn_since.timestamp(), now.timestamp())
    return tuple(found for needs in wanted for found in _lacks(needs, known))


def _is_wanted(needs: Needs, state: State | None, profile: Profile) -> bool:
    """Whether the rule is for her at all: nobody misses a circle that was not drawn."""
    if needs.circle and profile.safe_radius_m is None:
        return False
    return not needs.seldom or (state is not None and spot_value.is_measured_seldom(state))


def _lost(
    state: State, profile: Profile, worn_since: datetime, last_seen: datetime | None, now: datetime
) -> Reason | None:
    """Whether nothing is heard of the band; a new one is given the time that silence is."""
    limit_s = absence.SELDOM_S if spot_value.is_measured_seldom(state) else profile.thresholds.silent_s
    heard = last_seen if last_seen is not None and last_seen >= worn_since else None
    if (now - (heard or worn_since)).total_seconds() < limit_s:
        return None
    return Reason.NEVER_HEARD if heard is None else Reason.SILENT


class _Known(NamedTuple):
    """What is known of her and her band. A rhythm is None, and a lack False, where that is not known."""

    profile: Profile
    off_wrist: bool
    no_heart: bool
    heart_s: float | None
    no_movement: bool
    no_steps: bool
    no_status: bool
    no_wear: bool
    tells_absence: bool
    no_fixes: bool
    fix_s: float | None


def _known(state: State, profile: Profile, worn_since: float, ts: float) -> _Known:
    heart, band, seldom = state.heart, state.wear, spot_value.is_measured_seldom(state)
    since = max(worn_since, profile.away_before(ts))
    is_new, fix = ts - since < DAY_S, _track(state).newest
    return _Known(
        profile,
        off_wrist=_is_off(state, profile, ts),
        no_heart=not seldom and not is_new and ts - (heart.measured or heart.waiting or 0.0) >= DAY_S,
        heart_s=absence.SELDOM_S if seldom else heart_rhythm_s(state),
        no_movement=heart.newest is not None and not tells_movement(state),
        no_steps=stillness.counts_no_steps(profile),
        no_status=not is_new and band.newest is None,
        no_wear=band.worn is None and (band.newest is not None or not is_new),
        tells_absence=any(not each.values for each in heart.minutes),
        no_fixes=ts - max(fix, since) >= NO_FIX_S if fix else not is_new,
        fix_s=fix_rhythm_s(state, profile),
    )


def _is_off(state: State, profile: Profile, ts: float) -> bool:
    """Whether the band has been off the wrist for a while, as far as it is to be believed."""
    band, measured = state.wear, state.heart.measured
    if band.worn is not False or ts - band.since < profile.thresholds.off_wrist_s:
        return False
    return measured is None or measured <= (band.newest or 0.0)


def _lacks(needs: Needs, known: _Known) -> Sequence[Unwatched]:
    on_wrist = needs.heart_every_s is not None or needs.fix_every_s is not None
    if on_wrist and known.off_wrist:
        return [Unwatched(needs, Reason.NOT_WORN)]
    return [*_of_heart(needs, known), *_of_band(needs, known), *_of_place(needs, known), *_of_weeks(needs, known)]


def _of_heart(needs: Needs, known: _Known) -> Sequence[Unwatched]:
    every_s = needs.heart_every_s
    if every_s is None:
        return []
    if known.no_heart:
        return [Unwatched(needs, Reason.NO_HEART)]
    if known.heart_s is not None and known.heart_s > SLACK * every_s:
        return [Unwatched(needs, Reason.HEART_TOO_SLOW, known.heart_s, every_s)]
    return []


def _of_band(needs: Needs, known: _Known) -> Sequence[Unwatched]:
    found = []
    if needs.movement and known.no_movement:
        found.append(Unwatched(needs, Reason.NO_MOVEMENT))
    elif needs.movement and known.no_steps:
        found.append(Unwatched(needs, Reason.COUNTS_NO_STEPS))
    if needs.status and known.no_status:
        found.append(Unwatched(needs, Reason.NO_STATUS))
    if known.no_wear and (needs.wear or (needs.absence and not known.tells_absence)):
        found.append(Unwatched(needs, Reason.NO_WEAR))
    return found


def _of_place(needs: Needs, known: _Known) -> Sequence[Unwatched]:
    found, every_s = [], needs.fix_every_s
    if every_s is not None and known.no_fixes:
        found.append(Unwatched(needs, Reason.NO_FIXES))
    elif every_s is not None and known.fix_s is not None and known.fix_s > SLACK * every_s:
        found.append(Unwatched(needs, Reason.FIXES_TOO_SLOW, known.fix_s, every_s))
    # A drawn circle lies around home as given; all else knows her home by her nights, too.
    home = known.profile.home_lat if needs.circle else places_learnt.home(known.profile)
    if needs.home and home is None:
        found.append(Unwatched(needs, Reason.HOME_UNKNOWN))
    return found


def _of_weeks(needs: Needs, known: _Known) -> Sequence[Unwatched]:
    learnt = known.profile.learnt.get(needs.slot)
    days = needs.learnt(learnt) if learnt is not None and needs.learnt is not None else 0
    if days < needs.days:
        return [Unwatched(needs, Reason.LEARNING, days, needs.days)]
    if needs.heard_outside and not places_learnt.known(known.profile).heard:
        return [Unwatched(needs, Reason.SILENT_OUTSIDE)]
    return []


def heart_rhythm_s(state: State) -> float | None:
    """Seconds from one value that counts to the next, of the last that are remembered; None where too few are."""
    measured = tuple(each for each in state.heart.minutes if each.values)
    if len(measured) < 2:
        return None
    rhythm_s = 60 * minutes.rhythm_min(measured)
    return rhythm_s if sum(each.values for each in measured) >= LEAST_VALUES or rhythm_s >= 60 * PAUSE_MIN else None


def tells_movement(state: State) -> bool:
    """Whether the band has told of movement, or of none."""
    if state.heart.active is not None or any(each.steps != minutes.UNKNOWN for each in state.heart.minutes):
        return True
    still: Any = state.slots.get(stillness.RULE.slot)
    return isinstance(still, Stillness) and (still.moved is not None or still.slots > 0)


def fix_rhythm_s(state: State, profile: Profile) -> float | None:
    """Seconds from one fix to the next while she is out, in which bands tell positions most often: now, or on the last
    day that was learnt; None where neither is known. Where no home is known, all fixes count."""
    track, lives = _track(state), places_learnt.home(profile)
    fixes = recall(track, *(lives or track.position()))
    if lives is not None:
        fixes = [fix for fix in fixes if hypot(fix.east, fix.north) > profile.thresholds.exit_m]
    return places_learnt.fastest_s([fix.ts for fix in fixes]) or places_learnt.rhythm_s(profile)


def _track(state: State) -> Track:
    """The fixes that are remembered: those that are good enough to be believed."""
    places: Any = state.slots.get(SLOT)
    return places.track if isinstance(places, Places) else Track()
