"""Signs of life of the services, which serve no HTTP themselves. They keep the wall's clock, not the settable one."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from eldercare.platform.database import Connection

INTERVAL_S = 5.0
"""Seconds between two beats of a service."""
FRESH_S = 20.0
"""A service whose last beat is older, in seconds, is taken for dead; a few beats may be lost on the way."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The newest beat of one process. `age_s` seconds old; `detail` holds its counters."""

    instance: str
    service: str
    started_at: datetime
    beat_at: datetime
    age_s: float
    detail: dict[str, Any]


def instance_of(service: str) -> str:
    """The name of this process among those of the service: service, host, process id."""
    return f"{service}@{socket.gethostname()}:{os.getpid()}"


async def beat(
    conn: Connection, instance: str, service: str, detail: Mapping[str, Any], started_at: datetime | None = None
) -> None:
    """Say that this process lives. `instance` names it for good (`instance_of`)."""
    await conn.execute(
        "insert into heartbeat (instance, service, started_at, detail)"
        " values (%s, %s, coalesce(%s, clock_timestamp()), %s)"
        " on conflict (instance) do update set service = excluded.service, beat_at = clock_timestamp(),"
        " detail = excluded.detail",
        (instance, service, started_at, Jsonb(dict(detail))),
    )


async def fresh(conn: Connection, service: str, within_s: float = FRESH_S) -> bool:
    """Whether any process of `service` (such as `ingest.telemetry`) has beaten lately."""
    row = await (
        await conn.execute(
            "select exists (select from heartbeat where service = %(service)s"
            # A beat in the future is from before the clock went back: whoever lives beats again within seconds.
            " and beat_at between clock_timestamp() - make_interval(secs => %(within)s)"
            " and clock_timestamp() + make_interval(secs => %(within)s))",
            {"service": service, "within": within_s},
        )
    ).fetchone()
    return bool(row and row[0])


async def listing(conn: Connection, within_s: float = 86_400) -> list[Heartbeat]:
    """The newest beat of every process that beat within `within_s` seconds, by service."""
    async with conn.cursor(row_factory=class_row(Heartbeat)) as cursor:
        await cursor.execute(
            "select instance, service, started_at, beat_at,"
            " extract(epoch from clock_timestamp() - beat_at)::double precision as age_s, detail"
            " from heartbeat where beat_at > clock_timestamp() - make_interval(secs => %s)"
            " order by service, instance",
            (within_s,),
        )
        return await cursor.fetchall()


async def end(conn: Connection, instance: str) -> None:
    """Remove the heartbeat of a service that leaves cleanly, so that nobody misses it."""
    await conn.execute("delete from heartbeat where instance = %s", (instance,))


async def forget(conn: Connection, older_than_s: float = 7 * 86_400) -> int:
    """Remove the beats of processes long gone; returns how many."""
    return (
        await conn.execute(
            "delete from heartbeat where beat_at < clock_timestamp() - make_interval(secs => %s)", (older_than_s,)
        )
    ).rowcount
