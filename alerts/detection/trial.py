"""What the rules would have said of a resident in the last weeks, under the limits that stand and under others.

Played as `eldercare evaluate` plays recordings, with a value a minute, which bounds what is read; what the weeks before
show of her is learnt first. It writes nothing. As in any recording nobody closes an incident, values are taken to have
come when they were measured, and nobody knows of absences that are over.
"""

import asyncio
import dataclasses
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import msgspec
import orjson
from psycopg import sql

from alerts.detection import device_state, habits, trial_play
from alerts.detection.trial_play import Fix, Found, Heart, Played, Told, Work
from alerts.model.incident import IncidentKind
from alerts.policies import acts, store
from alerts.policies.escalation_policy import LAST_RESORT, EscalationPolicy, parse
from alerts.rules import Profile, Thresholds
from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.platform.database import Connection
from eldercare.platform.errors import NotFound, Unavailable
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import HeartRate

DAYS = 30
"""How many days are played, and how many before them are learnt from: `habits.BACK_DAYS`."""
SLICE = timedelta(days=1)
"""How much is read at once. While the rows of a statement become readings, which takes 0.3 s for a week with a value a
minute, this process answers nobody."""
PATIENCE_S = 80.0
"""Seconds after which a play is given up. With a heart rate and a position a minute it took 16 to 28 s of one core, and
others may want that core."""
MOST_LISTED = 1_000
"""So many incidents of each side are listed, the newest; all are counted."""

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """One incident that would have been opened; times aware. `severity` is the gravest that was reached, and `acts`
    what it would have made happen first: `call`, `text`, `task` or `ask`."""

    kind: str
    severity: str
    reason: str
    opened_at: datetime
    ended_at: datetime | None
    acts: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many of a kind and severity there would have been, and what they would have made happen first: how often."""

    kind: str
    severity: str
    count: int
    acts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would have been under one set of limits: all of it counted, and the newest `MOST_LISTED` by time."""

    counts: list[Count]
    incidents: list[Opened]


@dataclass(frozen=True, slots=True)
class Trial:
    """Both outcomes, from `since` to `until` (aware).

    In that time there were `minutes` with a heart rate, on `days` days: few of them show little. `whereabouts`: whether
    incidents about where she is are among them, which are for whoever sees that.
    """

    since: datetime
    until: datetime
    days: int
    minutes: int
    whereabouts: bool
    stands: Outcome
    wanted: Outcome


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is read for a trial; the database is not needed any more."""

    work: Work
    since: datetime
    until: datetime
    zone: tzinfo
    whereabouts: bool
    policies: Mapping[tuple[str, str], EscalationPolicy]


_RESIDENT = sql.SQL(
    """
    select r.home_lat, r.home_lon, r.safe_radius_m, r.rule_overrides::text, {location}
    from resident r where r.id = {id}
    """
)
# The last word of each minute.
_TOLD = """
select distinct on (date_trunc('minute', d.ts)) d.ts, d.battery_pct, d.charging, d.worn
from assignment a
join device_status d on d.device_id = a.device_id and d.ts >= lower(a.period)
                    and d.ts < coalesce(upper(a.period), 'infinity') and d.ts >= %(begin)s and d.ts < %(end)s
where a.resident_id = %(resident_id)s and a.period && tstzrange(%(begin)s, %(end)s)
order by date_trunc('minute', d.ts), d.ts desc
"""


async def prepare(
    conn: Connection, viewer: Viewer, resident_id: int, overrides: Mapping[str, Any], now: datetime, zone: tzinfo
) -> Prepared:
    """Read what a trial of `overrides` needs, up to `now` (aware); leaves a row in the audit log. Commits nothing.

    Raises InvalidInput for limits that could not be saved, NotFound, and Forbidden for whoever is neither duty nor a
    doctor whom the resident has consented to.
    """
    wanted = Thresholds().with_overrides(dict(overrides))
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    await access.require_clinic(conn, viewer, resident_id)
    query = _RESIDENT.format(location=access.resident(viewer, Scope.LOCATION), id=sql.Literal(resident_id))
    row = await (await conn.execute(query)).fetchone()
    if row is None:
        raise NotFound("resident", resident_id)
    lat, lon, radius_m, stored, sees_location = row
    profile = device_state.profile_of(resident_id, lat, lon, radius_m, None, stored, {}, zone)
    since = now - timedelta(days=DAYS)
    first = since - timedelta(days=habits.BACK_DAYS)
    hearts, fixes = await _readings(conn, profile, first, now)
    other = replace(profile, thresholds=wanted)
    counted = None if _bounds(profile) == _bounds(other) else (await _readings(conn, other, first, now))[0]
    work = Work(
        zone=str(zone), home_lat=lat, home_lon=lon, safe_radius_m=profile.safe_radius_m,
        begin=since.timestamp(), end=now.timestamp(),
        hearts=hearts, fixes=fixes, told=await _told(conn, resident_id, since, now),
        stands=trial_play.Side(dataclasses.asdict(profile.thresholds)),
        wanted=trial_play.Side(dataclasses.asdict(wanted), counted),
    )  # fmt: skip
    policies = await _policies(conn, resident_id)
    await audit.record(
        conn, viewer, "limits_preview", resident_id=resident_id, detail={"fields": sorted(overrides), "days": DAYS}
    )
    return Prepared(work, since, now, zone, bool(sees_location), policies)


async def play(prepared: Prepared) -> Trial:
    """Play it in a process of its own. Raises Unavailable where that takes too long or fails."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            played = await _in_a_process(prepared.work)
    except TimeoutError as error:
        raise Unavailable("playing thirty days took too long; try again in a moment") from error
    begin = prepared.work.begin
    measured = [ts for ts, bpm, _, _ in prepared.work.hearts if ts >= begin and bpm]
    return Trial(
        prepared.since,
        prepared.until,
        len({datetime.fromtimestamp(ts, prepared.zone).date() for ts in measured}),
        len(measured),
        prepared.whereabouts,
        _outcome(prepared, played.stands),
        _outcome(prepared, played.wanted),
    )


async def _in_a_process(work: Work) -> Played:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", trial_play.__name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        said, wrong = await child.communicate(msgspec.json.encode(work))
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode:
        _log.error("trial_failed", status=child.returncode, said=wrong.decode(errors="replace")[-2000:])
        raise Unavailable("the limits could not be tried")
    return msgspec.json.decode(said, type=Played)


def _outcome(prepared: Prepared, found: Sequence[Found]) -> Outcome:
    opened = [
        _opened(prepared, each) for each in found if prepared.whereabouts or each.kind is not IncidentKind.WANDERING
    ]
    by_kind: dict[tuple[str, str], Counter[str]] = {}
    for each in opened:
        by_kind.setdefault((each.kind, each.severity), Counter())[each.acts] += 1
    counts = [Count(*key, count.total(), dict(sorted(count.items()))) for key, count in sorted(by_kind.items())]
    return Outcome(counts, opened[-MOST_LISTED:])


def _opened(prepared: Prepared, found: Found) -> Opened:
    policy = prepared.policies.get((found.kind, found.opened_as), LAST_RESORT)
    first = str(acts.first_of(policy))
    return Opened(str(found.kind), str(found.severity), found.reason, found.opened_at, found.ended_at, first)


async def _readings(
    conn: Connection, profile: Profile, begin: datetime, end: datetime
) -> tuple[list[Heart], list[Fix]]:
    hearts, fixes = list[Heart](), list[Fix]()
    while begin < end:
        until = min(begin + SLICE, end)
        for each in await habits.readings(conn, profile, begin, until):
            if isinstance(each, HeartRate):
                active = None if each.motion is None else each.motion == "active"
                hearts.append((each.ts.timestamp(), each.bpm, each.steps, active))
            else:
                fixes.append((each.ts.timestamp(), each.lat, each.lon, each.accuracy_m))
        begin = until
    return hearts, fixes


async def _told(conn: Connection, resident_id: int, begin: datetime, end: datetime) -> list[Told]:
    values = {"resident_id": resident_id, "begin": begin, "end": end}
    rows = await (await conn.execute(_TOLD, values)).fetchall()
    return [(ts.timestamp(), battery, charging, worn) for ts, battery, charging, worn in rows]


def _bounds(profile: Profile) -> tuple[float, float, float]:
    """What decides which heart rates count at all."""
    limits = profile.thresholds
    return limits.hr_min_bpm, limits.hr_max_bpm, limits.hr_min_quality


async def _policies(conn: Connection, resident_id: int) -> dict[tuple[str, str], EscalationPolicy]:
    """The policies that hold for the resident, her own after the community's."""
    stored = await store.listing(conn, resident_id)
    return {(each.kind, each.severity): parse(orjson.dumps(each.ladder).decode()) or LAST_RESORT for each in stored}
