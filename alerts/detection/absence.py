"""Finds silent bands and a silent network.

Absence is evaluated only while somebody listens: with no consumer alive, every band would seem silent. One process at a
time does it, the one that gets the lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import psycopg

from alerts.detection import device_state
from alerts.detection.devices import Device
from alerts.incidents.opening import apply_verdicts
from alerts.model.incident import NETWORK, Cleared, IncidentKind, SubjectVerdict, resident_subject
from alerts.rules import Thresholds, evaluate_absence, network_outage
from eldercare.platform import heartbeats
from eldercare.platform.database import Connection
from eldercare.platform.log import logger

DEAF_S = 60.0
"""Seconds. After nobody has listened for so long, silence is counted from when somebody listens again."""
SLICE = 200
"""How many bands one transaction holds, so that their rows are not kept from the consumers."""

HELD_MS = 100
"""Milliseconds to wait for an incident that somebody holds."""

_HARDLY_WAIT = f"set local lock_timeout = {HELD_MS}"
_LOCK_KEY = 0x656C6465

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class AbsenceCheck:
    """What a look found: how many devices were evaluated, how many verdicts there were, and why none was evaluated
    (None: they were)."""

    devices: int = 0
    verdicts: int = 0
    suspended: str | None = None


_LISTENING = """
insert into meta (key, value)
values ('listening', jsonb_build_object('since', %(now)s::timestamptz, 'heard_at', clock_timestamp()))
on conflict (key) do update set value = case
    when (meta.value ->> 'heard_at')::timestamptz > clock_timestamp() - make_interval(secs => %(deaf_s)s)
         and (meta.value ->> 'since')::timestamptz <= %(now)s  -- unless the clock went back since
    then meta.value || jsonb_build_object('heard_at', clock_timestamp()) else excluded.value end
returning (value ->> 'since')::timestamptz
"""

_WORN = """
select a.device_id, greatest(s.last_seen_at, lower(a.period), %(since)s),
       coalesce(s.rules #>> '{slots,spot_value,sittings}', '') <> '' and s.status_ts is null and s.location_ts is null
from assignment a
join device d on d.id = a.device_id and d.retired_at is null
join resident r on r.id = a.resident_id and r.left_at is null and (r.away_until is null or r.away_until <= %(now)s)
left join device_state s on s.device_id = a.device_id
where a.period @> %(now)s::timestamptz
order by a.device_id
"""


async def run_once(conn: Connection, now: datetime, zone: tzinfo) -> AbsenceCheck:
    """Evaluate every worn band and the network as of `now` (aware); `zone` is the community's. Commits, in slices."""
    if not await _lock(conn):
        await conn.rollback()
        return AbsenceCheck(suspended="another_process_watches")
    try:
        if not await heartbeats.fresh(conn, "ingest.telemetry"):
            return AbsenceCheck(suspended="no_consumer")
        row = await (await conn.execute(_LISTENING, {"now": now, "deaf_s": DEAF_S})).fetchone()
        assert row is not None  # noqa: S101  an upsert returns its row
        rows = await (await conn.execute(_WORN, {"now": now, "since": row[0]})).fetchall()
        last_seen: dict[str, datetime] = {device_id: seen for device_id, seen, _ in rows}
        awaited = {device_id: seen for device_id, seen, seldom in rows if not seldom}
        await conn.commit()
        try:
            await conn.execute(_HARDLY_WAIT)
            lost = await _evaluate_network(conn, awaited, now)
            await conn.commit()
        except psycopg.errors.LockNotAvailable:
            await conn.rollback()
            _log.warning("network_not_judged_now")
            outage = network_outage(awaited, len(awaited), now)
            lost = frozenset(outage.detail["devices"]) if outage else frozenset()
        verdicts = 0
        rest = sorted(last_seen.keys() - lost)
        for start in range(0, len(rest), SLICE):
            verdicts += await _evaluate_all(conn, rest[start : start + SLICE], last_seen, now, zone)
        return AbsenceCheck(len(last_seen), verdicts)
    finally:
        await conn.rollback()
        await conn.execute("select pg_advisory_unlock(%s)", (_LOCK_KEY,))
        await conn.commit()


async def _lock(conn: Connection) -> bool:
    row = await (await conn.execute("select pg_try_advisory_lock(%s)", (_LOCK_KEY,))).fetchone()
    return bool(row and row[0])


async def _evaluate_network(conn: Connection, last_seen: Mapping[str, datetime], now: datetime) -> frozenset[str]:
    """Open or close the network's incident; returns the bands that it explains."""
    outage = network_outage(last_seen, len(last_seen), now)
    if outage is not None:
        if not await _said_lately(conn, now):
            await apply_verdicts(conn, [SubjectVerdict(NETWORK, outage)], now)
        return frozenset(outage.detail["devices"])
    open_one = await conn.execute(
        "select from incident where subject = %s and kind = %s and state <> 'resolved' and not detail ? 'cleared_at'",
        (NETWORK.key, IncidentKind.NETWORK),
    )
    if await open_one.fetchone() is not None:
        await apply_verdicts(conn, [SubjectVerdict(NETWORK, Cleared(IncidentKind.NETWORK, "heard_again", now))], now)
    return frozenset()


_SAID_LATELY = """
select state = 'resolved' and disposition <> 'cleared' and not detail ? 'cleared_at'
       and resolved_at > %(now)s - make_interval(secs => %(cool_down_s)s)
from incident where subject = %(subject)s and kind = %(kind)s
order by opened_at desc, id desc limit 1
"""


async def _said_lately(conn: Connection, now: datetime) -> bool:
    """Whether somebody has just closed the incident of an outage that goes on, which is told again after the
    cool-down."""
    cool_down_s = Thresholds().cool_down_s
    values = {"subject": NETWORK.key, "kind": IncidentKind.NETWORK, "now": now, "cool_down_s": cool_down_s}
    row = await (await conn.execute(_SAID_LATELY, values)).fetchone()
    return row is not None and bool(row[0])


async def _evaluate_all(
    conn: Connection, device_ids: Sequence[str], last_seen: Mapping[str, datetime], now: datetime, zone: tzinfo
) -> int:
    """Evaluate these bands in one transaction, or one by one where somebody holds an incident of theirs; returns how
    many verdicts there were. Commits."""
    try:
        verdicts = await _evaluate(conn, device_ids, last_seen, now, zone)
        await conn.commit()
    except psycopg.errors.LockNotAvailable:
        await conn.rollback()
        if len(device_ids) == 1:
            _log.warning("not_judged_now", device_id=device_ids[0])
            return 0
        return sum([await _evaluate_all(conn, [each], last_seen, now, zone) for each in device_ids])
    return verdicts


async def _evaluate(
    conn: Connection, device_ids: Sequence[str], last_seen: Mapping[str, datetime], now: datetime, zone: tzinfo
) -> int:
    """Evaluate these bands in the open transaction; returns how many verdicts there were."""
    await conn.execute(_HARDLY_WAIT)
    # Bands that somebody else holds are evaluated next time.
    _, locked, _ = await device_state.lock(conn, device_ids, zone)
    found: list[SubjectVerdict] = []
    changed: list[Device] = []
    for device_id, device in sorted(locked.items()):
        if device.profile is None:
            continue
        # Read again under the lock: it may have been heard since.
        seen = max(filter(None, (device.last_seen_at, last_seen[device_id])))
        state, verdicts = evaluate_absence(device.state, seen, device.profile, now)
        found += [
            SubjectVerdict(resident_subject(device.profile.resident_id, device_id), verdict) for verdict in verdicts
        ]
        if state != device.state:
            device.state = state
            changed.append(device)
    await device_state.save(conn, changed)
    await apply_verdicts(conn, found, now)
    return len(found)
