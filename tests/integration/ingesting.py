"""A pipeline of ingest inside a test, and the other side of its broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.settings import Settings, parse_mqtt_url
from ingest.pipeline.consumer import Consumer
from ingest.pipeline.pipelines import Sos, Telemetry
from tests.support.services.processes import PATIENCE_S

Publish = Callable[..., Awaitable[None]]


async def until(holds: Callable[[], Awaitable[object]], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Ask again and again until the answer is true. Raises TimeoutError naming `what`."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await holds():  # noqa: ASYNC110  the database has no event to wait for
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise TimeoutError(f"waited {timeout_s:g} s for {what}") from error


class Database:
    """Short questions, each on a transaction of its own."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    async def value(self, query: str, *arguments: Any) -> Any:
        """First column of the first row."""
        row = await (await self.conn.execute(query, arguments)).fetchone()
        return row[0] if row else None

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        """All rows."""
        return await (await self.conn.execute(query, arguments)).fetchall()

    async def rejects(self) -> dict[str, int]:
        """How many were rejected, by reason."""
        return dict(await self.rows("select reason, count(*) from rejected group by reason"))

    async def enroll(self, *device_ids: str, since: str = "1 day") -> None:
        """Known bands, each worn by a resident of its own since that long ago."""
        for device_id in device_ids:
            await self.conn.execute("insert into device (id) values (%s)", (device_id,))
            await self.conn.execute(
                "with worn as (insert into resident (name, address, home_lat, home_lon)"
                " values (%s, '1 号', 31.2, 121.4) returning id)"
                " insert into assignment (device_id, resident_id, period)"
                " select %s, id, tstzrange(eldercare_now() - %s::interval, null) from worn",
                (device_id, device_id, since),
            )


async def stored(database: Database, rows: int, table: str = "heart_rate") -> None:
    """Wait until so many rows are there."""

    async def enough() -> bool:
        return bool(await database.value(f"select count(*) >= {rows} from {table}"))

    await until(enough, f"{rows} rows of {table}")


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Database]:
    """An open door to the database."""
    conn = await connect(url, autocommit=True, application_name="test", limits=COMMAND)
    try:
        yield Database(conn)
    finally:
        await conn.close()


@asynccontextmanager
async def publisher(settings: Settings, **options: Any) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """`await publish(topic, body)` at QoS 1; a body that is not bytes is sent as JSON."""
    address = settings.mqtt
    async with aiomqtt.Client(
        address.host, address.port, username=address.username, password=address.password, **options
    ) as client:

        async def publish(topic: str, body: Any, *, qos: int = 1, retain: bool = False) -> None:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            await client.publish(topic, payload, qos=qos, retain=retain)

        yield publish


@asynccontextmanager
async def listener(url: str, *topics: str) -> AsyncIterator[aiomqtt.Client]:
    """A client that hears these topics."""
    address = parse_mqtt_url(url)
    async with aiomqtt.Client(
        address.host, address.port, username=address.username, password=address.password
    ) as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        yield client


@asynccontextmanager
async def consuming(settings: Settings, pipeline: str, *, expect_slot: bool = True) -> AsyncIterator[Consumer[Any]]:
    """A consumer that is subscribed; it finishes and leaves at the end."""
    chosen: Any = Telemetry(settings) if pipeline == "telemetry" else Sos()
    consumer: Consumer[Any] = Consumer(settings, chosen)
    running = asyncio.create_task(consumer.run())
    try:
        if expect_slot:
            await asyncio.wait_for(_subscribed(consumer, running), 60)
        yield consumer
    finally:
        consumer.stop()
        await asyncio.wait_for(running, PATIENCE_S)


async def _subscribed(consumer: Consumer[Any], running: "asyncio.Task[None]") -> None:
    while not consumer.connected:
        if running.done():
            await running
        await asyncio.sleep(0.01)
