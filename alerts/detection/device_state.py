"""The memory of each band (`device_state`): locked in the order of ids, read with its wearer, written back.

Whoever evaluates a band holds its row: ingest for a batch of readings, `absence` for what was not said.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

import orjson

from alerts.detection.devices import Device, Latest
from alerts.rules import Profile, State, Thresholds, read_state, registry
from alerts.rules.rule import Learnt
from eldercare.community.resident_schema import NOT_DRAWN_M
from eldercare.platform import clock, pg_arrays
from eldercare.platform.database import Connection
from eldercare.platform.log import logger

_log = logger(__name__)


class Locked(NamedTuple):
    """The bands whose rows this transaction has, as of `now` (aware). Somebody else has those of `held`."""

    now: datetime
    devices: dict[str, Device]
    held: frozenset[str]


# `now` is asked once, not once per row; the ids are a table, so that thousands of them are joined and not compared;
# coalesce() keeps the planner from the index of periods, where all of today's assignments are.
_LOOK = """
with moment as materialized (select eldercare_now() as now)
select now, state.device_id, state.rules::text, last_seen_at, lower(period), resident.id, home_lat, home_lon,
       safe_radius_m, away_until, rule_overrides::text, renewed_at
from moment
cross join unnest(%s::text[]) as wanted (id)
join device_state state on state.device_id = wanted.id
join device on device.id = state.device_id and retired_at is null
left join assignment on assignment.device_id = state.device_id and coalesce(period @> now, false)
left join resident on resident.id = assignment.resident_id
left join habits on habits.resident_id = resident.id
order by state.device_id
"""
_LOCK = f"{_LOOK} for no key update of state skip locked"


async def lock(conn: Connection, device_ids: Iterable[str], zone: tzinfo) -> Locked:
    """Lock the rows of these bands until the transaction ends, except those that somebody else holds.

    A band without a row gets one. An id that names no band, or a retired one, is missing from the answer. `zone` is the
    community's.
    """
    wanted = set(device_ids)
    now, devices = await _read(conn, _LOCK, wanted, zone)
    missing = wanted - devices.keys()
    known = await _known(conn, missing) if missing else set()
    if known and await _create(conn, known):
        now, created = await _read(conn, _LOCK, known, zone)
        devices |= created
    return Locked(now or await clock.now(conn), devices, frozenset(known - devices.keys()))


async def look(conn: Connection, device_ids: Iterable[str], zone: tzinfo) -> tuple[datetime, dict[str, Device]]:
    """Now (aware), and these bands as they are, with nothing locked: to store what is not evaluated."""
    wanted = set(device_ids)
    await _create(conn, await _known(conn, wanted))
    now, devices = await _read(conn, _LOOK, wanted, zone)
    return now or await clock.now(conn), devices


async def _read(
    conn: Connection, query: str, device_ids: set[str], zone: tzinfo
) -> tuple[datetime | None, dict[str, Device]]:
    devices: dict[str, Device] = {}
    now: datetime | None = None
    rows = await (await conn.execute(query, (pg_arrays.names(device_ids),), prepare=True)).fetchall()
    habits = await habits_of(conn, {row[5]: row[11] for row in rows if row[11] is not None})
    for row in rows:
        now, device_id, rules, last_seen_at, worn_since, resident_id, lat, lon, radius_m, away_until, overrides, _ = row
        profile = None
        if resident_id is not None:
            known = habits.get(resident_id, NOT_LEARNT)
            profile = profile_of(resident_id, lat, lon, radius_m, away_until, overrides, known, zone)
        devices[device_id] = Device(device_id, state_of(device_id, rules), profile, last_seen_at, worn_since)
    return now, devices


def profile_of(
    resident_id: int,
    home_lat: float | None,
    home_lon: float | None,
    radius_m: float,
    away_until: datetime | None,
    overrides: str,
    learnt: Learnt,
    zone: tzinfo,
) -> Profile:
    """A resident as the rules see them, from the columns of their row; `overrides` is the JSON of their own limits."""
    drawn_m = None if radius_m == NOT_DRAWN_M else radius_m
    limits = _thresholds(resident_id, overrides)
    return Profile(resident_id, home_lat, home_lon, drawn_m, away_until, zone, limits, learnt)


async def _known(conn: Connection, device_ids: set[str]) -> set[str]:
    query = "select id from device where id = any(%s::text[]) and retired_at is null"
    return {row[0] for row in await (await conn.execute(query, (list(device_ids),))).fetchall()}


async def _create(conn: Connection, device_ids: set[str]) -> int:
    """Rows for bands heard for the first time; returns how many are new."""
    created = await conn.execute(
        "insert into device_state (device_id) select unnest(%s::text[]) on conflict (device_id) do nothing",
        (sorted(device_ids),),
    )
    return created.rowcount


def state_of(device_id: str, rules: str) -> State:
    """What the rules remember of a band, from its JSON; nothing where that cannot be read, which the log says."""
    if rules == "{}":
        return State()
    try:
        return read_state(rules)
    except ValueError as error:
        # Its rules begin anew. A broken memory must not keep it, and all bands of its batch, from being evaluated.
        _log.error("state_unreadable", device_id=device_id, error=error)
        return State()


KNOWN_HABITS = 16384
"""Of how many people what is learnt is kept in memory, some 5 KB each; it changes once a day."""
NOT_LEARNT: Learnt = {}
"""What is known of somebody new."""
_kept: dict[int, tuple[datetime, Learnt]] = {}


async def habits_of(conn: Connection, renewed: Mapping[int, datetime]) -> dict[int, Learnt]:
    """What is learnt of these people, by resident id; `renewed` says when it last changed."""
    found = {each: _kept[each][1] for each, at in renewed.items() if each in _kept and _kept[each][0] == at}
    missing = [each for each in renewed if each not in found]
    if missing:
        rows = await conn.execute(
            "select resident_id, renewed_at, learnt::text from habits where resident_id = any(%s)", (missing,)
        )
        for resident_id, at, text in await rows.fetchall():
            _kept.pop(resident_id, None)  # the newest stand last
            found[resident_id] = learnt(resident_id, text)
            _kept[resident_id] = at, found[resident_id]
    while len(_kept) > KNOWN_HABITS:
        del _kept[next(iter(_kept))]
    return found


def learnt(resident_id: int, text: str | None) -> Learnt:
    """What is learnt of a resident, from its JSON; nothing where that cannot be read, which the log says."""
    if text is None:
        return NOT_LEARNT
    try:
        found, wrong = registry.read_learnt(text)
    except ValueError as error:
        found, wrong = NOT_LEARNT, [str(error)]
    if wrong:
        _log.error("habits_unreadable", resident_id=resident_id, error="; ".join(wrong))
    return found


@lru_cache(maxsize=16384)
def _thresholds(resident_id: int, overrides: str) -> Thresholds:
    if overrides == "{}":
        return _DEFAULTS
    held, wrong = _DEFAULTS.with_stored(orjson.loads(overrides))
    if wrong:
        # Wrong personal limits must not leave her without any.
        _log.error("rule_overrides_refused", resident_id=resident_id, error="; ".join(map(str, wrong)))
    return held


async def refused_overrides(conn: Connection) -> list[int]:
    """Ids of the residents whose stored limits do not hold as they are, in order."""
    rows = await (
        await conn.execute(
            "select id, rule_overrides from resident where left_at is null and rule_overrides <> '{}' order by id"
        )
    ).fetchall()
    return [resident_id for resident_id, stored in rows if _DEFAULTS.with_stored(stored)[1]]


_DEFAULTS = Thresholds()

# A comparison with a null is not true, and greatest() leaves nulls out: what a batch does not bring stays.
_SAVE = """
update device_state state set
    last_seen_at = coalesce(%s::timestamptz, last_seen_at),
    rules = new.rules,
    bpm = case when new.bpm_ts > coalesce(state.bpm_ts, '-infinity') then new.bpm else state.bpm end,
    bpm_ts = greatest(new.bpm_ts, state.bpm_ts),
    lat = case when new.location_ts > coalesce(state.location_ts, '-infinity') then new.lat else state.lat end,
    lon = case when new.location_ts > coalesce(state.location_ts, '-infinity') then new.lon else state.lon end,
    accuracy_m = case when new.location_ts > coalesce(state.location_ts, '-infinity')
                      then new.accuracy_m else state.accuracy_m end,
    location_ts = greatest(new.location_ts, state.location_ts),
    battery_pct = case when new.status_ts < state.status_ts then state.battery_pct
                       else coalesce(new.battery_pct, state.battery_pct) end,
    charging = case when new.status_ts < state.status_ts then state.charging
                    else coalesce(new.charging, state.charging) end,
    worn = case when new.status_ts < state.status_ts then state.worn else coalesce(new.worn, state.worn) end,
    signal_dbm = case when new.status_ts < state.status_ts then state.signal_dbm
                      else coalesce(new.signal_dbm, state.signal_dbm) end,
    firmware = case when new.status_ts < state.status_ts then state.firmware
                    else coalesce(new.firmware, state.firmware) end,
    status_ts = greatest(new.status_ts, state.status_ts)
from unnest(
    %s::text[], %s::jsonb[], %s::smallint[], %s::timestamptz[], %s::float8[], %s::float8[], %s::float8[],
    %s::timestamptz[], %s::smallint[], %s::boolean[], %s::boolean[], %s::smallint[], %s::text[], %s::timestamptz[]
) as new (device_id, rules, bpm, bpm_ts, lat, lon, accuracy_m, location_ts, battery_pct, charging, worn,
          signal_dbm, firmware, status_ts)
where state.device_id = new.device_id
"""


async def save(
    conn: Connection,
    devices: Sequence[Device],
    latest: Mapping[str, Latest] | None = None,
    heard_at: datetime | None = None,
) -> None:
    """Write the states of locked bands, and of `latest` (by device id) what is newer by the band's own time.

    `heard_at` (aware): these bands have just been heard; None: they have not.
    """
    if not devices:
        return
    news = [_of_wearer((latest or {}).get(device.device_id, _NOTHING), device.worn_since) for device in devices]
    bpm, bpm_ts, lat, lon, accuracy, location_ts, battery, charging, worn, signal, firmware, status_ts = zip(
        *news, strict=True
    )
    await conn.execute(
        _SAVE,
        (
            heard_at,
            pg_arrays.names(device.device_id for device in devices),
            pg_arrays.texts(device.state.to_json() for device in devices),
            pg_arrays.numbers(bpm),
            pg_arrays.times(bpm_ts),
            pg_arrays.numbers(lat),
            pg_arrays.numbers(lon),
            pg_arrays.numbers(accuracy),
            pg_arrays.times(location_ts),
            pg_arrays.numbers(battery),
            pg_arrays.numbers(charging),
            pg_arrays.numbers(worn),
            pg_arrays.numbers(signal),
            pg_arrays.texts(firmware),
            pg_arrays.times(status_ts),
        ),
        prepare=True,
    )


_NOTHING = Latest()


def _of_wearer(latest: Latest, worn_since: datetime | None) -> Latest:
    """`latest` without what came late and was said on the wrist before, which would count as the present wearer's
    newest."""
    if worn_since is None:
        return latest
    if latest.bpm_ts is not None and latest.bpm_ts < worn_since:
        latest = latest._replace(bpm=None, bpm_ts=None)
    if latest.location_ts is not None and latest.location_ts < worn_since:
        latest = latest._replace(lat=None, lon=None, accuracy_m=None, location_ts=None)
    if latest.status_ts is not None and latest.status_ts < worn_since:
        latest = latest._replace(worn=None)
    return latest
