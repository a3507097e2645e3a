"""Reads stored readings of bands back where new ones came out of order."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from alerts.rules.disorder import StoredReading
from eldercare.platform import pg_arrays
from eldercare.platform.database import Connection
from eldercare.protocol.mqtt_v1 import MAX_AHEAD, HeartRate, Location, Status
from ingest.pipeline.evaluation import Again
from ingest.protocols.mqtt_v1 import Reading

MOST = 1800
"""How many readings of one kind and band are read, the newest: a value a second for half an hour. A band that sends
more is evaluated by these."""


def _newest(columns: str, table: str) -> str:
    # The earliest of all is a constant of the plan, so that no chunk before it is opened.
    return f"""
select wanted.id, told.* from unnest(%(ids)s::text[], %(begins)s::timestamptz[]) as wanted (id, begin)
cross join lateral (
    select received_at, ts, {columns} from {table}
    where device_id = wanted.id and ts >= wanted.begin and ts >= %(earliest)s and ts <= %(latest)s
    order by ts desc limit %(most)s
) told
"""  # noqa: S608  constants of ours


_HEART_RATE = _newest("bpm, quality, motion, steps", "heart_rate")
_LOCATION = _newest("lat, lon, accuracy_m", "location")
_STATUS = _newest("battery_pct, charging, worn", "device_status")


def _heart_rate(ts: datetime, bpm: int, quality: int | None, motion: Any, steps: int | None) -> HeartRate:
    return HeartRate.model_construct(ts=ts, bpm=bpm, quality=quality, motion=motion, steps=steps)


def _location(ts: datetime, lat: float, lon: float, accuracy_m: float | None) -> Location:
    return Location.model_construct(ts=ts, lat=lat, lon=lon, accuracy_m=accuracy_m)


def _status(ts: datetime, battery_pct: int | None, charging: bool | None, worn: bool | None) -> Status:
    return Status.model_construct(ts=ts, battery_pct=battery_pct, charging=charging, worn=worn)


class _Table(NamedTuple):
    query: str
    read: Callable[..., Reading]


_TABLES: Mapping[type[Reading], _Table] = {
    HeartRate: _Table(_HEART_RATE, _heart_rate),
    Location: _Table(_LOCATION, _location),
    Status: _Table(_STATUS, _status),
}


async def recall(conn: Connection, again: Mapping[str, Again], now: datetime) -> dict[str, list[StoredReading]]:
    """What the rules need, by device id, in any order; nothing that lies more than `MAX_AHEAD` after `now` (aware)."""
    stored: dict[str, list[StoredReading]] = {device_id: [] for device_id in again}
    for kind, table in _TABLES.items():
        begins = {device_id: each.begins[kind] for device_id, each in again.items() if kind in each.begins}
        if not begins:
            continue
        answer = await conn.execute(
            table.query,
            {
                "ids": pg_arrays.names(begins),
                "begins": pg_arrays.times(begins.values()),
                "earliest": min(begins.values()),
                "latest": now + MAX_AHEAD,
                "most": MOST,
            },
        )
        for device_id, received_at, *values in await answer.fetchall():
            stored[device_id].append(StoredReading(table.read(*values), received_at))
    return stored
