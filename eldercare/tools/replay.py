"""`eldercare replay`: recordings through the broker, with the clock of the database moved along.

The player is `python -m device_sim replay`; it says on its output how far it is and waits for a line before it goes on.
At a given speed the clock runs at that speed. At `max` it stands still at the beginning of each stretch of four
recorded minutes and moves on when ingest has stored the stretch before: no value is then late or ahead of its time,
however long that takes. Gaps of the recording take no time.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.channels import registry
from eldercare.platform import clock, heartbeats
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.errors import ConfigurationError, Unavailable
from eldercare.platform.settings import Settings

STRETCH_S = 240.0
"""Recorded seconds between two moves of a clock that stands still: below the 5 minutes at which a value is ahead."""
QUIET_S = 0.5
"""When nothing more is stored for this many seconds, the rest of a stretch is duplicates and values not measured."""
POLL_S = 0.005
INGEST_WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands in the database of the bands played, in the recorded time played."""

    rows: dict[str, int]
    person_days: int
    rejected: dict[str, int]
    incidents: dict[str, int]

    def lines(self) -> list[str]:
        """The figures for people."""
        days = self.person_days
        return [
            f"存入 rows: {_counted(self.rows)}",
            f"拒收 rejected: {_counted(self.rejected) or '0'}",
            f"人日 person-days: {days}",
            *(
                f"事件 incidents {kind}: {count}（每人日 per person-day {count / days if days else 0:.3f}）"
                for kind, count in self.incidents.items()
            ),
        ]


@dataclass(frozen=True, slots=True)
class Pace:
    """How the clock goes: `speed` times as fast (0: as fast as is stored), moved every `stretch_s` recorded seconds."""

    speed: float
    stretch_s: float
    devices: list[str]

    def __str__(self) -> str:
        return f"{self.speed:g}" if self.speed else "max"


async def run(settings: Settings, bands: Path, arguments: Sequence[str], speed: float) -> int:
    """Play the files on the bands of the seed's JSON; returns the player's exit status. `speed` 0 is `max`.

    Raises Conflict while any channel is real, ConfigurationError for a wrong setting, Unavailable.
    """
    url = settings.required("database_url")
    settings.required("mqtt_url")
    devices = _devices(bands)
    stretch = max(60.0, speed) if speed else STRETCH_S
    async with await connect(url, autocommit=True, application_name="eldercare replay", limits=COMMAND) as conn:
        await _wait_for_ingest(conn)
        begun = await _newest(conn)
        player = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "device_sim", "replay", *_at_speed(arguments, speed),
            "--pace", str(stretch), "--bands", str(bands),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        try:
            summary = await _follow(conn, settings, player, Pace(speed, stretch, devices))
        finally:
            if player.stdin is not None:
                player.stdin.close()
        status = await player.wait()
        if summary:
            await _tell(conn, summary, begun)
        return status


async def _wait_for_ingest(conn: Connection) -> None:
    """Return when ingest listens: before its first time nothing is kept for it. Raises Unavailable."""
    end = time.monotonic() + INGEST_WAIT_S
    while not await heartbeats.fresh(conn, "ingest.telemetry"):
        if time.monotonic() > end:
            raise Unavailable("no `eldercare ingest` is running on this database: start it first")
        await asyncio.sleep(0.2)


async def _follow(
    conn: Connection, settings: Settings, player: asyncio.subprocess.Process, pace: Pace
) -> dict[str, Any] | None:
    """Move the clock along with the player, until it gives its summary or ends."""
    assert player.stdin is not None and player.stdout is not None  # noqa: S101, PT018  both are pipes
    before: tuple[datetime, int] | None = None
    try:
        async for line in player.stdout:
            said = json.loads(line)
            if "now" not in said:
                return dict(said)
            now, published = datetime.fromisoformat(said["now"]), int(said["published"])
            if before is None:
                print(f"时钟设为 · the clock is set to {now.isoformat()} × {pace}", file=sys.stderr)
            elif not pace.speed:
                end = before[0] + timedelta(seconds=pace.stretch_s)
                await _stored(conn, pace.devices, before[0], end, published - before[1])
            await clock.set_clock(conn, now, pace.speed, real=registry.is_real(settings))
            before = (now, published)
            player.stdin.write(b"\n")
            await player.stdin.drain()
        return None
    finally:
        if before:
            await _leave_clock(conn, settings)


async def _stored(conn: Connection, devices: list[str], start: datetime, end: datetime, messages: int) -> None:
    """Return when ingest has stored `messages` rows of this recorded time, or stores no more of them."""
    seen, since = -1, time.monotonic()
    while (found := sum((await _rows(conn, devices, start, end)).values())) < messages:
        if found != seen:
            seen, since = found, time.monotonic()
        elif time.monotonic() - since > QUIET_S:
            return
        await asyncio.sleep(POLL_S)


async def _rows(conn: Connection, devices: list[str], start: datetime, end: datetime) -> dict[str, int]:
    row = await (
        await conn.execute(
            "select (select count(*) from heart_rate"
            "  where device_id = any(%(devices)s) and ts >= %(start)s and ts < %(end)s),"
            " (select count(*) from location"
            "  where device_id = any(%(devices)s) and ts >= %(start)s and ts < %(end)s)",
            {"devices": devices, "start": start, "end": end},
            prepare=False,
        )
    ).fetchone()
    return {"heart_rate": row[0], "location": row[1]} if row else {}


async def _tell(conn: Connection, summary: dict[str, Any], begun: tuple[int, int]) -> None:
    print(json.dumps(summary, ensure_ascii=False))
    if not summary.get("from"):
        return
    span = (
        sorted(set(summary["bands"].values())),
        # A value whose time steps back is delivered when the one before it is: its own time may be days earlier.
        datetime.fromisoformat(summary["from"]) - timedelta(days=30),
        datetime.fromisoformat(summary["to"]) + timedelta(days=1),
    )
    await _quiet(conn, *span)
    figures = Figures(await _rows(conn, *span), await _person_days(conn, *span), *await _since(conn, begun))
    print("\n".join(figures.lines()))


async def _quiet(conn: Connection, devices: list[str], start: datetime, end: datetime) -> None:
    """Return when ingest has stored what is still on its way: nothing new for two seconds."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 2:
        found = sum((await _rows(conn, devices, start, end)).values())
        if found != seen:
            seen, since = found, time.monotonic()
        await asyncio.sleep(0.2)


async def _newest(conn: Connection) -> tuple[int, int]:
    """The last rejected message and the last incident before the replay."""
    row = await (
        await conn.execute(
            "select coalesce((select max(id) from rejected), 0), coalesce((select max(id) from incident), 0)"
        )
    ).fetchone()
    if row is None:
        raise Unavailable("the database gave no answer")
    return row[0], row[1]


async def _person_days(conn: Connection, devices: list[str], start: datetime, end: datetime) -> int:
    """Days (UTC) with any value, summed over the wearers."""
    row = await (
        await conn.execute(
            "select count(*) from (select device_id, date_trunc('day', ts, 'UTC') from heart_rate"
            " where device_id = any(%(devices)s) and ts >= %(start)s and ts < %(end)s"
            " union select device_id, date_trunc('day', ts, 'UTC') from location"
            " where device_id = any(%(devices)s) and ts >= %(start)s and ts < %(end)s) days",
            {"devices": devices, "start": start, "end": end},
        )
    ).fetchone()
    return int(row[0]) if row else 0


async def _since(conn: Connection, begun: tuple[int, int]) -> tuple[dict[str, int], dict[str, int]]:
    """What was rejected, by reason, and which incidents were opened, by kind, since the replay began."""
    rejected = await (
        await conn.execute("select reason, count(*) from rejected where id > %s group by 1 order by 1", (begun[0],))
    ).fetchall()
    incidents = await (
        await conn.execute(
            "select kind || ' ' || severity, count(*) from incident where id > %s group by 1 order by 1", (begun[1],)
        )
    ).fetchall()
    return dict(rejected), dict(incidents)


async def _leave_clock(conn: Connection, settings: Settings) -> None:
    """Let the clock go on from where the recording ended, at the pace of the wall's."""
    now = await clock.now(conn)
    await clock.set_clock(conn, now, 1, real=registry.is_real(settings))
    print(
        f"时钟留在 · the clock is left at {now.isoformat()} × 1 → `eldercare clock reset`",
        file=sys.stderr,
    )


def _devices(bands: Path) -> list[str]:
    try:
        residents = json.loads(bands.read_text(encoding="utf-8"))["residents"]
        return [resident["device_id"] for resident in residents if resident.get("device_id")]
    except OSError as error:
        raise ConfigurationError(f"--bands {bands}: {error.strerror}; `eldercare seed --json` prints it") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"--bands {bands}: is not what `eldercare seed --json` prints") from error


def _at_speed(arguments: Sequence[str], speed: float) -> list[str]:
    for argument in arguments:
        if argument == "--pace" or argument.startswith("--pace="):
            raise ConfigurationError("--pace is ours: `eldercare replay` moves the clock itself")
    return [*arguments, "--speed", f"{speed:g}" if speed else "max"]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
