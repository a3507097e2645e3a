"""Deletes what is kept for a time only, by kind: once an hour, in slices, each a transaction of its own.

What is about an incident stays as long as that is not over. TimescaleDB drops readings by whole chunks of a week.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from eldercare.accounts import audit_chain
from eldercare.platform import heartbeats
from eldercare.platform.database import Connection
from eldercare.platform.log import logger
from eldercare.platform.settings import Settings
from eldercare.protocol.mqtt_v1 import MAX_AGE

KEEP_PRESSES = MAX_AGE
"""A retained press must be known as old for as long as a band may keep it."""
KEEP_TEXTS = timedelta(days=7)
"""How long texts that were acted upon are kept: a provider hands one in again within hours."""
KEEP_FAMILY_NOTES = timedelta(days=90)
"""How long relatives' words to each other are kept: the page shows the newest ten."""
SLICE = 5_000
"""How many rows one transaction deletes."""
SLICES = 20
"""How many slices of each kind one look deletes: the next look comes in an hour, and nobody waits long for these
rows."""
SEALS = 2_000
"""How many periods of the audit log one look drops; a day has 1,440 at most."""

_LOCK_KEY = 0x72657461
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each kind is kept."""

    readings: timedelta
    positions: timedelta
    incidents: timedelta
    audit: timedelta
    rejected: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Keep":
        """How long the settings say."""
        return cls(
            timedelta(days=settings.keep_readings_days),
            timedelta(days=settings.keep_positions_days),
            timedelta(days=settings.keep_incidents_days),
            timedelta(days=settings.keep_audit_days),
            timedelta(days=settings.keep_rejected_days),
        )


_OLD_CASES = """
    select i.id from incident i
    where i.state = 'resolved' and i.resolved_at < %(before)s and i.opened_at < %(before)s
      and (i.lat is not null or i.bpm is not null or i.note is not null or i.detail <> '{}'
           or exists (select from incident_event e where e.incident_id = i.id)
           or exists (select from notification n where n.incident_id = i.id))
    order by i.id limit 200 for update skip locked
"""
# Foreign keys take the attempts along, and the end of a call with the call. What stays is that it happened, when, how
# it was handled and how it ended.
_FORGET_CASES = f"""
with old as ({_OLD_CASES}),
told as (delete from notification where incident_id in (select id from old)),
done as (delete from incident_event where incident_id in (select id from old)),
presses as (delete from sos_press where incident_id in (select id from old) and received_at < %(presses_before)s)
update incident set
    lat = null, lon = null, accuracy_m = null, position_at = null, bpm = null, note = null, detail = '{{}}'
where id in (select id from old)
"""  # noqa: S608  constants of ours
_FORGET_COMMANDS = """
with old as (
    select id from notification
    where incident_id is null and created_at < %(before)s order by id limit %(most)s for update skip locked
)
delete from notification where id in (select id from old)
"""
_FORGET_ANSWERS = """
delete from command where id in (select id from command where created_at < %(before)s limit %(most)s)
"""
_FORGET_PRESSES = """
delete from sos_press where (device_id, dedup_key) in (
    select p.device_id, p.dedup_key from sos_press p join incident i on i.id = p.incident_id
    where p.received_at < %(before)s and i.state = 'resolved' limit %(most)s)
"""
# No provider hands a text in again after so long; what was answered names people and addresses.
_FORGET_TEXTS = """
delete from heard_text where name in (
    select name from heard_text where heard_at < %(before)s order by heard_at limit %(most)s)
"""
_FORGET_FAMILY_NOTES = """
delete from family_note where id in (select id from family_note where written_at < %(before)s limit %(most)s)
"""
_FORGET_REJECTED = """
delete from rejected where id in (
    select id from rejected where received_at < %(before)s order by received_at limit %(most)s)
"""
# The newest value of a band that has said nothing since is as old as any.
_FORGET_NEWEST = """
with old as (
    select device_id from device_state
    where location_ts < %(positions)s or bpm_ts < %(readings)s
    order by device_id limit %(most)s for no key update skip locked
)
update device_state set
    lat = case when location_ts < %(positions)s then null else lat end,
    lon = case when location_ts < %(positions)s then null else lon end,
    accuracy_m = case when location_ts < %(positions)s then null else accuracy_m end,
    location_ts = case when location_ts < %(positions)s then null else location_ts end,
    bpm = case when bpm_ts < %(readings)s then null else bpm end,
    bpm_ts = case when bpm_ts < %(readings)s then null else bpm_ts end
where device_id in (select device_id from old)
"""


async def moment(conn: Connection) -> datetime:
    """The time from which ages are counted back: a clock that was set ahead makes nothing old."""
    row = await (await conn.execute("select least(eldercare_now(), clock_timestamp())")).fetchone()
    assert row is not None  # noqa: S101  a select of a value
    found: datetime = row[0]
    return found


async def run_once(conn: Connection, keep: Keep, now: datetime) -> Mapping[str, int]:
    """Delete what is older than is kept, as of `now` (aware); returns how much of each kind. Commits, in slices.

    One process does so at a time; nothing is deleted where another one is at it.
    """
    if not await _lock(conn):
        await conn.rollback()
        return {}
    try:
        gone = {
            "heart_rate": await _readings(conn, "heart_rate", now - keep.readings),
            "device_status": await _readings(conn, "device_status", now - keep.readings),
            "location": await _readings(conn, "location", now - keep.positions),
            "newest": await _slices(conn, _FORGET_NEWEST, positions=now - keep.positions, readings=now - keep.readings),
            "incidents": await _slices(
                conn, _FORGET_CASES, before=now - keep.incidents, presses_before=now - KEEP_PRESSES
            ),
            "commands": await _slices(conn, _FORGET_COMMANDS, before=now - keep.incidents),
            "answers": await _slices(conn, _FORGET_ANSWERS, before=now - keep.readings),
            "presses": await _slices(conn, _FORGET_PRESSES, before=now - KEEP_PRESSES),
            "texts": await _slices(conn, _FORGET_TEXTS, before=now - KEEP_TEXTS),
            "family_notes": await _slices(conn, _FORGET_FAMILY_NOTES, before=now - KEEP_FAMILY_NOTES),
            "rejected": await _slices(conn, _FORGET_REJECTED, before=now - keep.rejected),
            "audit": await audit_chain.drop(conn, now - keep.audit, SEALS),
            **await _ended(conn),
        }
        await conn.commit()
    finally:
        await conn.rollback()
        await conn.execute("select pg_advisory_unlock(%s)", (_LOCK_KEY,))
        await conn.commit()
    if any(gone.values()):
        _log.info("cleared_away", **gone)
    return gone


async def _lock(conn: Connection) -> bool:
    row = await (await conn.execute("select pg_try_advisory_lock(%s)", (_LOCK_KEY,))).fetchone()
    return bool(row and row[0])


async def _readings(conn: Connection, noun: str, before: datetime) -> int:
    """Drop readings; returns how many chunks or rows. On TimescaleDB one call drops all there is."""
    gone = 0
    for _ in range(SLICES):
        row = await (await conn.execute("select drop_readings(%s, %s, %s)", (noun, before, SLICE))).fetchone()
        await conn.commit()
        gone += row[0] if row else 0
        if row is None or row[0] < SLICE:
            break
    return gone


async def _slices(conn: Connection, query: str, **values: datetime) -> int:
    gone = 0
    for _ in range(SLICES):
        rows = (await conn.execute(query.encode(), {**values, "most": SLICE})).rowcount
        await conn.commit()
        gone += rows
        if not rows:
            break
    return gone


async def _ended(conn: Connection) -> dict[str, int]:
    """Delete ended sessions and old heartbeats. They live on the wall's clock, whatever `now` is."""
    sessions = (await conn.execute("delete from session where expires_at < clock_timestamp()")).rowcount
    return {"sessions": sessions, "heartbeats": await heartbeats.forget(conn)}
