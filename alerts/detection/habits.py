"""Learns what the rules know of each person's weeks, a day at a time, beside the line of readings.

A day ends at noon of the community's zone, and is learnt when what came late of it is there. Each person's day is one
transaction: what is learnt, and what there is to say of it.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg import sql

from alerts.detection import device_state
from alerts.incidents.opening import apply_verdicts
from alerts.model.incident import SubjectVerdict, Verdict, resident_subject
from alerts.rules import Profile, Reading, registry, resting_rate, stillness
from alerts.rules.resting_rate import Nights
from alerts.rules.rule import Day, Learnt
from alerts.rules.stillness import Usual
from eldercare.accounts import access
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.platform.database import Connection
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import HeartRate, Location

SETTLED = timedelta(minutes=30)
"""How long after noon the day is learnt: what came late of it is there."""
BACK_DAYS = 28
"""How far back somebody of whom nothing is known is learnt."""
MOST = 100
"""How many days of people are learnt in one go, so that nothing else waits for long."""
LARGEST = 8192
"""Bytes of what is learnt of one person."""
HELD_MS = 100
"""Milliseconds to wait for an incident that somebody holds."""

_log = logger(__name__)


class Due(NamedTuple):
    """A person, with what is learnt so far, whose next day can be learnt."""

    profile: Profile
    day: date
    device_id: str | None


_DUE = """
select r.id, home_lat, home_lon, safe_radius_m, away_until, rule_overrides::text, h.learnt::text,
       greatest(h.through + 1, worn.since, %(oldest)s::date), worn.device_id
from resident r
join lateral (
    select (min(lower(period)) at time zone %(zone)s)::date + 1 as since,
           (array_agg(device_id order by lower(period) desc) filter (where period @> %(now)s::timestamptz))[1]
               as device_id
    from assignment where resident_id = r.id
) worn on worn.since is not null
left join habits h on h.resident_id = r.id and h.through <= %(today)s::date  -- unless the clock was ahead
where r.left_at is null and greatest(h.through + 1, worn.since, %(oldest)s::date) <= %(today)s::date
order by h.through nulls first, md5(r.id::text || %(now)s::text)  -- nobody always stands first
limit %(most)s
"""
# A value a minute is enough to learn from, and a band may send one a second.
_HEARTS = """
select date_trunc('minute', h.ts) as minute,
       coalesce(avg(bpm) filter (where bpm between %(least)s and %(most)s
                                   and coalesce(quality, 100) >= %(quality)s), 0)::float8,
       least(sum(steps), 100000)::integer, bool_or(motion = 'active')
from assignment a
join heart_rate h on h.device_id = a.device_id and h.ts >= lower(a.period)
                 and h.ts < coalesce(upper(a.period), 'infinity') and h.ts >= %(begin)s and h.ts < %(end)s
where a.resident_id = %(resident_id)s and a.period && tstzrange(%(begin)s, %(end)s)
group by minute order by minute
"""
_FIXES = """
select distinct on (date_trunc('minute', l.ts)) l.ts, lat, lon, accuracy_m
from assignment a
join location l on l.device_id = a.device_id and l.ts >= lower(a.period)
               and l.ts < coalesce(upper(a.period), 'infinity') and l.ts >= %(begin)s and l.ts < %(end)s
where a.resident_id = %(resident_id)s and a.period && tstzrange(%(begin)s, %(end)s)
order by date_trunc('minute', l.ts), accuracy_m nulls last
"""
_SAVE = """
insert into habits (resident_id, learnt, through, renewed_at) values (%s, %s, %s, %s)
on conflict (resident_id) do update set learnt = excluded.learnt, through = excluded.through,
    renewed_at = excluded.renewed_at
where habits.through < excluded.through or habits.through > %s
returning true
"""


async def run_once(conn: Connection, now: datetime, zone: tzinfo) -> int:
    """Learn the next day of whoever has one, as of `now` (aware); `zone` is the community's. Commits, person by person.

    Returns how many days were learnt; where it is `MOST`, there is more to do.
    """
    learnt = 0
    for person in await due(conn, now, zone):
        try:
            learnt += await renew(conn, person, now, zone)
        except psycopg.Error as error:
            if conn.closed:
                raise
            # Whoever stands behind her is not to wait for her.
            await conn.rollback()
            _log.exception("habits_failed", resident_id=person.profile.resident_id, error=error)
    return learnt


async def due(conn: Connection, now: datetime, zone: tzinfo) -> list[Due]:
    """Whose next day can be learnt as of `now`, at most `MOST`: who waits for longest first. Commits."""
    today = last_day(now, zone)
    values = {"now": now, "today": today, "oldest": today - timedelta(days=BACK_DAYS - 1)}
    rows = await (await conn.execute(_DUE, values | {"most": MOST, "zone": str(zone)})).fetchall()
    await conn.commit()
    return [_due(row, zone) for row in rows]


def last_day(now: datetime, zone: tzinfo) -> date:
    """The last day that has ended at noon, and of which what came late is there."""
    local = (now - SETTLED).astimezone(zone)
    return local.date() if local.time() >= time(12) else local.date() - timedelta(days=1)


def _due(row: Sequence[Any], zone: tzinfo) -> Due:
    resident_id, lat, lon, radius_m, away_until, overrides, learnt, day, device_id = row
    known = device_state.learnt(resident_id, learnt)
    profile = device_state.profile_of(resident_id, lat, lon, radius_m, away_until, overrides, known, zone)
    return Due(profile, day, device_id)


async def renew(conn: Connection, person: Due, now: datetime, zone: tzinfo) -> bool:
    """Learn one day of one person; returns whether this process did. Commits."""
    resident_id = person.profile.resident_id
    noon = datetime.combine(person.day, time(12), zone)
    try:
        recorded = await readings(conn, person.profile, noon - timedelta(days=1), noon)
        # Beside the event loop: calls go out from this process.
        learnt, verdicts = await asyncio.to_thread(_learn, person, noon, recorded)
        text = registry.write_learnt(learnt)
        if len(text) > LARGEST:
            _log.error("habits_too_large", resident_id=resident_id, bytes=len(text))
        await conn.execute(f"set local lock_timeout = {HELD_MS}")
        saved = await (await conn.execute(_SAVE, (resident_id, text, person.day, now, last_day(now, zone)))).fetchone()
        # What was found weeks ago is not told now.
        if saved is not None and person.day == last_day(now, zone) and verdicts:
            subject = resident_subject(resident_id, person.device_id)
            await apply_verdicts(conn, [SubjectVerdict(subject, verdict) for verdict in verdicts], now)
        await conn.commit()
        return saved is not None
    except psycopg.errors.LockNotAvailable:
        await conn.rollback()
        _log.warning("habits_not_renewed_now", resident_id=resident_id)
        return False


def _learn(person: Due, noon: datetime, readings: Sequence[Reading]) -> tuple[Learnt, tuple[Verdict, ...]]:
    try:
        return registry.learn(person.profile.learnt, Day.ending(noon, readings), person.profile)
    except Exception as error:
        # The rules are ours: their mistake costs her this day, and nobody else theirs.
        _log.exception("habits_failed", resident_id=person.profile.resident_id, day=person.day.isoformat(), error=error)
        return person.profile.learnt, ()


async def readings(conn: Connection, profile: Profile, begin: datetime, end: datetime) -> list[HeartRate | Location]:
    """The resident's heart rates from `begin` on and before `end` (aware), then their positions, one a minute at most;
    0 bpm where what was measured in a minute is none that counts by the profile's limits."""
    limits = profile.thresholds
    values = {"resident_id": profile.resident_id, "begin": begin, "end": end}
    bounds = {"least": limits.hr_min_bpm, "most": limits.hr_max_bpm, "quality": limits.hr_min_quality}
    hearts = await (await conn.execute(_HEARTS, values | bounds)).fetchall()
    fixes = await (await conn.execute(_FIXES, values)).fetchall()
    found: list[HeartRate | Location] = [
        HeartRate.model_construct(ts=ts, bpm=bpm, quality=None, steps=steps, motion=_MOTION[active])
        for ts, bpm, steps, active in hearts
    ]
    found += [
        Location.model_construct(ts=ts, lat=lat, lon=lon, accuracy_m=accuracy) for ts, lat, lon, accuracy in fixes
    ]
    return found


async def usual(conn: Connection, viewer: Viewer, resident_id: int, zone: tzinfo) -> Usual | None:
    """What is usual of her getting up, sitting and going to bed, as the rule about stillness takes it; `zone` is the
    community's. Raises NotFound, Forbidden. The caller audits."""
    profile = await profile_of(conn, viewer, resident_id, zone)
    return None if profile is None else stillness.usual(profile)


async def profile_of(conn: Connection, viewer: Viewer, resident_id: int, zone: tzinfo) -> Profile | None:
    """A resident as the rules see them, with what is learnt of them; `zone` is the community's. Raises NotFound,
    Forbidden. The caller audits."""
    await access.require(conn, viewer, resident_id, Scope.HEALTH)
    rows = await conn.execute(_ONE, (resident_id,))
    row = await rows.fetchone()
    if row is None:
        return None
    lat, lon, radius_m, away_until, overrides, learnt = row
    known = device_state.learnt(resident_id, learnt)
    return device_state.profile_of(resident_id, lat, lon, radius_m, away_until, overrides, known, zone)


async def nights(conn: Connection, viewer: Viewer, resident_ids: Sequence[int]) -> dict[int, Nights]:
    """What the rule about resting rates knows of the nights of these residents, by id; of whom it knows nothing, and
    whose health the viewer does not see, there is none. The caller audits."""
    query = _NIGHTS.format(ids=sql.Literal(list(resident_ids)), health=access.resident(viewer, Scope.HEALTH))
    rows = await (await conn.execute(query)).fetchall()
    known = ((row[0], device_state.learnt(row[0], row[1]).get(resting_rate.RULE.slot)) for row in rows)
    return {resident_id: found for resident_id, found in known if isinstance(found, Nights)}


_NIGHTS = sql.SQL(
    "select r.id, h.learnt::text from resident r join habits h on h.resident_id = r.id"
    " where r.id = any({ids}) and {health}"
)
_ONE = """
select home_lat, home_lon, safe_radius_m, away_until, rule_overrides::text, h.learnt::text
from resident r left join habits h on h.resident_id = r.id where r.id = %s
"""
_MOTION: dict[bool | None, Literal["active", "rest"] | None] = {None: None, True: "active", False: "rest"}
