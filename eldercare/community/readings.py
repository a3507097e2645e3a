"""What a resident's bands have told: heart rates, tracks, status. History follows the assignment, not the band.

Times are the band's own (`ts`, aware, UTC). Gaps stay gaps: nothing is filled in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import LiteralString, TypeVar
from zoneinfo import ZoneInfo

from psycopg.rows import class_row

from eldercare.accounts import access
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.community import plausible
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput
from eldercare.platform.pagination import Page

MOST_POINTS = 50_000
"""The most points of one page: a month of values every minute is 43,200."""

UTC = ZoneInfo("UTC")


class Bucket(StrEnum):
    """How wide a point of a chart is; days begin at midnight of the community's zone."""

    RAW = "raw"
    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"


_WIDTHS = {
    Bucket.MINUTE: timedelta(minutes=1),
    Bucket.FIVE_MINUTES: timedelta(minutes=5),
    Bucket.QUARTER: timedelta(minutes=15),
    Bucket.HOUR: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class HeartRate:
    """`count` values from `ts` on, within one bucket, in beats per minute; a raw value is a bucket of one."""

    ts: datetime
    min: int
    avg: float
    max: int
    count: int


@dataclass(frozen=True, slots=True)
class Location:
    """A fix, WGS-84 degrees; `accuracy_m` metres (None: not said), `speed_mps` metres per second."""

    ts: datetime
    device_id: str
    lat: float
    lon: float
    accuracy_m: float | None
    source: str | None
    speed_mps: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """What a band said of itself."""

    ts: datetime
    device_id: str
    battery_pct: int | None
    charging: bool | None
    worn: bool | None
    signal_dbm: int | None
    firmware: str | None


@dataclass(frozen=True, slots=True)
class _Worn:
    """One band in the part of the asked time in which the resident wore it."""

    device_id: str
    start: datetime
    end: datetime


_Told = TypeVar("_Told", Location, Status)


async def heart_rate(
    conn: Connection,
    viewer: Viewer,
    resident_id: int,
    start: datetime,
    end: datetime,
    bucket: Bucket = Bucket.HOUR,
    *,
    zone: ZoneInfo = UTC,
    cursor: str | None = None,
    limit: int = MOST_POINTS,
) -> Page[HeartRate]:
    """The chart of [`start`, `end`): plausible values of usable quality, by bucket; an empty bucket is absent.

    Raises NotFound, Forbidden, InvalidInput naming `from`, `to`, `cursor` or `limit`. The caller audits.
    """
    await access.require(conn, viewer, resident_id, Scope.HEALTH)
    _check_range(start, end)
    pagination.check_limit(limit, MOST_POINTS)
    noun = f"heart_rate {bucket}"
    after = pagination.decode(noun, cursor, (datetime,))
    begin = _following(after[0], bucket, zone) if after else start
    points: dict[datetime, HeartRate] = {}
    for worn in await _worn(conn, resident_id, max(begin, start), end):
        for point in await _of_band(conn, worn, bucket, zone, limit + 1):
            met = points.get(point.ts)
            points[point.ts] = _joined(met, point) if met else point
    ordered = sorted(points.values(), key=lambda point: point.ts)[: limit + 1]
    return pagination.page(noun, ordered, limit, lambda point: (point.ts,))


async def locations(
    conn: Connection,
    viewer: Viewer,
    resident_id: int,
    start: datetime,
    end: datetime,
    *,
    cursor: str | None = None,
    limit: int = 5000,
) -> Page[Location]:
    """The track of [`start`, `end`) in the order of the band's time. Raises as `heart_rate`. The caller audits."""
    await access.require(conn, viewer, resident_id, Scope.LOCATION)
    return await _in_order(conn, "locations", Location, _LOCATIONS, resident_id, start, end, cursor, limit)


async def status(
    conn: Connection,
    viewer: Viewer,
    resident_id: int,
    start: datetime,
    end: datetime,
    *,
    cursor: str | None = None,
    limit: int = 5000,
) -> Page[Status]:
    """Battery, charging, worn and signal in [`start`, `end`). Raises as `heart_rate`."""
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    return await _in_order(conn, "status", Status, _STATUSES, resident_id, start, end, cursor, limit)


_LOCATIONS = """
    select ts, device_id, lat, lon, accuracy_m, source, speed_mps from location
    where device_id = %s and ts >= %s and ts < %s and (ts, device_id) > (%s, %s) order by ts limit %s
"""
_STATUSES = """
    select ts, device_id, battery_pct, charging, worn, signal_dbm, firmware from device_status
    where device_id = %s and ts >= %s and ts < %s and (ts, device_id) > (%s, %s) order by ts limit %s
"""


async def _in_order(
    conn: Connection,
    noun: str,
    kind: type[_Told],
    query: LiteralString,
    resident_id: int,
    start: datetime,
    end: datetime,
    cursor: str | None,
    limit: int,
) -> Page[_Told]:
    """A page of what all bands of the resident have told in [`start`, `end`), in the order of their time."""
    _check_range(start, end)
    pagination.check_limit(limit, MOST_POINTS)
    after: tuple[datetime, str] | None = pagination.decode(noun, cursor, (datetime, str))
    found: list[_Told] = []
    for worn in await _worn(conn, resident_id, start, end):
        async with conn.cursor(row_factory=class_row(kind)) as rows:
            values = (worn.device_id, _from(worn, after), worn.end, *_after(after), limit + 1)
            await rows.execute(query, values, prepare=False)
            found += await rows.fetchall()
    found.sort(key=lambda told: (told.ts, told.device_id))
    return pagination.page(noun, found[: limit + 1], limit, lambda told: (told.ts, told.device_id))


_RAW = """
    select ts, bpm, bpm::float8, bpm, 1
    from heart_rate
    where device_id = %(device)s and ts >= %(start)s and ts < %(end)s
      and bpm between %(least)s and %(most)s and (quality is null or quality >= %(quality)s)
    order by ts
    limit %(limit)s
"""
_BY_WIDTH = """
    select date_bin(%(width)s, ts, %(origin)s), min(bpm), avg(bpm)::float8, max(bpm), count(*)
    from heart_rate
    where device_id = %(device)s and ts >= %(start)s and ts < %(end)s
      and bpm between %(least)s and %(most)s and (quality is null or quality >= %(quality)s)
    group by 1
    order by 1
    limit %(limit)s
"""
_BY_DAY = """
    select date_trunc('day', ts, %(zone)s), min(bpm), avg(bpm)::float8, max(bpm), count(*)
    from heart_rate
    where device_id = %(device)s and ts >= %(start)s and ts < %(end)s
      and bpm between %(least)s and %(most)s and (quality is null or quality >= %(quality)s)
    group by 1
    order by 1
    limit %(limit)s
"""


async def _of_band(conn: Connection, worn: _Worn, bucket: Bucket, zone: ZoneInfo, limit: int) -> list[HeartRate]:
    query = {Bucket.RAW: _RAW, Bucket.DAY: _BY_DAY}.get(bucket, _BY_WIDTH)
    values = {
        "device": worn.device_id,
        "start": worn.start,
        "end": worn.end,
        "least": plausible.BPM[0],
        "most": plausible.BPM[1],
        "quality": plausible.LEAST_QUALITY,
        "zone": zone.key,
        "width": _WIDTHS.get(bucket),
        "origin": datetime(2000, 1, 1, tzinfo=zone),  # a midnight there, so that hours begin with its hours
        "limit": limit,
    }
    # The statement stays unprepared: a plan made for these very times leaves out every chunk but the few that hold
    # them.
    rows = await (await conn.execute(query, values, prepare=False)).fetchall()
    return [HeartRate(*row) for row in rows]


async def _worn(conn: Connection, resident_id: int, start: datetime, end: datetime) -> list[_Worn]:
    """The bands that the resident wore within [`start`, `end`), each with the part of that time it was theirs."""
    async with conn.cursor(row_factory=class_row(_Worn)) as cursor:
        await cursor.execute(
            "select device_id, greatest(lower(period), %(start)s) as start, least(upper(period), %(end)s) as end"
            " from assignment where resident_id = %(resident)s and period && tstzrange(%(start)s, %(end)s)"
            " order by lower(period), id",
            {"resident": resident_id, "start": start, "end": max(start, end)},
        )
        return await cursor.fetchall()


def _joined(one: HeartRate, other: HeartRate) -> HeartRate:
    count = one.count + other.count
    mean = (one.avg * one.count + other.avg * other.count) / count
    return HeartRate(one.ts, min(one.min, other.min), mean, max(one.max, other.max), count)


def _following(ts: datetime, bucket: Bucket, zone: ZoneInfo) -> datetime:
    """Where the point after the one at `ts` may begin."""
    if bucket is Bucket.RAW:
        return ts + timedelta(microseconds=1)
    if bucket is Bucket.DAY:
        tomorrow = ts.astimezone(zone).date() + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return ts + _WIDTHS[bucket]


def _from(worn: _Worn, after: tuple[datetime, str] | None) -> datetime:
    return max(worn.start, after[0]) if after else worn.start


def _after(after: tuple[datetime, str] | None) -> tuple[datetime, str]:
    return after or (datetime.min.replace(tzinfo=UTC), "")


def _check_range(start: datetime, end: datetime) -> None:
    for field, moment in (("from", start), ("to", end)):
        if moment.tzinfo is None:
            raise InvalidInput(field, "has no offset")
        if not 1900 <= moment.year <= 2200:
            raise InvalidInput(field, "is not between the years 1900 and 2200")
    if end <= start:
        raise InvalidInput("to", "is not after from")
