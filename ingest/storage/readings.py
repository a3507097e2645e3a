"""Writes readings into their hypertables: what is new is stored, and the caller learns what was new."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from eldercare.platform import pg_arrays
from eldercare.platform.database import Connection
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from ingest.protocols.device_reading import DeviceReading
from ingest.protocols.mqtt_v1 import Reading

# Each returns one row with the count where all readings were new, else one row per new one: counting costs less than
# sending them.
_HEART_RATE = """
with new as (
    insert into heart_rate (device_id, ts, received_at, bpm, quality, motion, steps)
    select device_id, ts, %s::timestamptz, bpm, quality, motion, steps
    from unnest(%s::text[], %s::timestamptz[], %s::smallint[], %s::smallint[], %s::text[], %s::integer[])
        as told (device_id, ts, bpm, quality, motion, steps)
    on conflict do nothing
    returning device_id, ts
), counted as (select count(*) as rows from new)
select rows, device_id, ts from counted left join new on rows < %s
"""

_LOCATION = """
with new as (
    insert into location (device_id, ts, received_at, lat, lon, accuracy_m, source, speed_mps)
    select device_id, ts, %s::timestamptz, lat, lon, accuracy_m, source, speed_mps
    from unnest(%s::text[], %s::timestamptz[], %s::float8[], %s::float8[], %s::real[], %s::text[], %s::real[])
        as told (device_id, ts, lat, lon, accuracy_m, source, speed_mps)
    on conflict do nothing
    returning device_id, ts
), counted as (select count(*) as rows from new)
select rows, device_id, ts from counted left join new on rows < %s
"""

_STATUS = """
with new as (
    insert into device_status (device_id, ts, received_at, battery_pct, charging, worn, signal_dbm, firmware)
    select device_id, ts, %s::timestamptz, battery_pct, charging, worn, signal_dbm, firmware
    from unnest(%s::text[], %s::timestamptz[], %s::smallint[], %s::boolean[], %s::boolean[], %s::smallint[], %s::text[])
        as told (device_id, ts, battery_pct, charging, worn, signal_dbm, firmware)
    on conflict do nothing
    returning device_id, ts
), counted as (select count(*) as rows from new)
select rows, device_id, ts from counted left join new on rows < %s
"""


def _rounded(values: Iterable[float | None]) -> str:
    return pg_arrays.numbers(None if value is None else round(value) for value in values)


def _heart_rate(readings: Sequence[HeartRate]) -> tuple[str, ...]:
    return (
        _rounded(each.bpm for each in readings),
        _rounded(each.quality for each in readings),
        pg_arrays.names(each.motion for each in readings),
        pg_arrays.numbers(each.steps for each in readings),
    )


def _location(readings: Sequence[Location]) -> tuple[str, ...]:
    return (
        pg_arrays.numbers(each.lat for each in readings),
        pg_arrays.numbers(each.lon for each in readings),
        pg_arrays.numbers(each.accuracy_m for each in readings),
        pg_arrays.names(each.source for each in readings),
        pg_arrays.numbers(each.speed_mps for each in readings),
    )


def _status(readings: Sequence[Status]) -> tuple[str, ...]:
    return (
        _rounded(each.battery_pct for each in readings),
        pg_arrays.numbers(each.charging for each in readings),
        pg_arrays.numbers(each.worn for each in readings),
        _rounded(each.signal_dbm for each in readings),
        pg_arrays.texts(each.firmware for each in readings),
    )


_TABLES: tuple[tuple[type[Reading], str, Callable[..., tuple[str, ...]]], ...] = (
    (HeartRate, _HEART_RATE, _heart_rate),
    (Location, _LOCATION, _location),
    (Status, _STATUS, _status),
)


async def store(conn: Connection, device_readings: Sequence[DeviceReading], now: datetime) -> list[DeviceReading]:
    """Write readings that came at `now` (aware); returns those that were new, kind by kind, in the order given.

    A second value of a band for the same instant is a duplicate, within `device_readings` too: the first one stands.
    """
    new: list[DeviceReading] = []
    for kind, statement, columns in _TABLES:
        of_kind = [each for each in device_readings if each.reading.__class__ is kind]
        if of_kind:
            new += await _insert(conn, statement, columns, of_kind, now)
    return new


async def _insert(
    conn: Connection,
    statement: str,
    columns: Callable[..., tuple[str, ...]],
    device_readings: list[DeviceReading],
    now: datetime,
) -> list[DeviceReading]:
    answer = await conn.execute(
        statement,
        (
            now,
            pg_arrays.names(each.device_id for each in device_readings),
            pg_arrays.times(each.reading.ts for each in device_readings),
            *columns([each.reading for each in device_readings]),
            len(device_readings),
        ),
        prepare=True,
    )
    rows = await answer.fetchall()
    if rows[0][0] == len(device_readings):
        return device_readings
    new = {(device_id, ts) for _, device_id, ts in rows}
    kept = []
    for each in device_readings:
        key = (each.device_id, each.reading.ts)
        if key in new:
            new.remove(key)
            kept.append(each)
    return kept
