"""A database that is frozen and still takes connections is left for the one that has taken over: presses ring on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from alerts.escalation.situation import PlanningContext
from alerts.loop import EscalationLoop
from alerts.monitoring.health import Health
from alerts.notifications.sender import Sender
from eldercare.platform import database, listen
from eldercare.platform.database import URGENT, Connection
from tests.conftest import MakeSettings
from tests.integration.ingesting import asking, consuming, listener, publisher, until
from tests.stories.story import Recorder
from tests.support import community
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.proxy import Proxy


@pytest.fixture
def ways(database_url: str) -> Iterator[tuple[Proxy, Proxy]]:
    """Two addresses of the database."""
    port = urlsplit(database_url).port or 0
    with Proxy(port) as first, Proxy(port) as second:
        yield first, second


@pytest.fixture
def url(database_url: str, ways: tuple[Proxy, Proxy], monkeypatch: pytest.MonkeyPatch) -> str:
    """Both of them, in a service that waits less long than a real one."""
    short = replace(URGENT, statement_ms=1500)
    for module in ("alerts.loop", "alerts.notifications.sender", "ingest.pipeline.aside"):
        monkeypatch.setattr(f"{module}.URGENT", short)
    for pipeline in ("Sos", "Telemetry"):
        monkeypatch.setattr(f"ingest.pipeline.pipelines.{pipeline}.limits", short)
    monkeypatch.setattr(database, "GRACE_S", 0.5)
    parts = urlsplit(database_url)
    hosts = ",".join(f"127.0.0.1:{way.port}" for way in ways)
    return f"postgresql://{parts.username}@{hosts}{parts.path}?target_session_attrs=read-write"


async def test_presses_are_raised_when_another_address_has_taken_over(
    make_settings: MakeSettings, database_url: str, url: str, ways: tuple[Proxy, Proxy], clean_broker: Mosquitto
) -> None:
    settings = make_settings(database_url=url, mqtt_url=clean_broker.url)
    async with (
        asking(database_url) as there,
        listener(clean_broker.url, "eldercare/v1/+/sos_state") as bands,
        publisher(settings) as publish,
        consuming(settings, "sos"),
    ):
        heard: list[str] = []

        async def press(event_id: str) -> None:
            await publish("eldercare/v1/band-1/sos", {"event_id": event_id})
            while event_id not in heard:
                message = await asyncio.wait_for(anext(bands.messages), 60)
                heard.append(json.loads(bytes(message.payload))["event_id"])  # type: ignore[arg-type]

        await press("before")
        ways[0].freeze()
        await press("after")
        rows = await there.rows("select press_count from incident")
        assert rows == [(2,)]


@pytest.fixture
async def line(conn: Connection, url: str) -> AsyncIterator[tuple[Recorder, Callable[[], Sender]]]:
    await community.settle(conn)
    await conn.commit()
    voice = Recorder("voice")
    sender = Sender(url, {"voice": voice})
    planning = PlanningContext({"voice": timedelta(0)}, ZoneInfo("Asia/Shanghai"))
    tasks = [
        asyncio.create_task(EscalationLoop(url, sender, planning, Health()).run()),
        asyncio.create_task(sender.run()),
    ]
    yield voice, lambda: sender
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await sender.close()


async def test_people_are_called_and_outcomes_written_when_another_address_has_taken_over(
    conn: Connection, line: tuple[Recorder, Callable[[], Sender]], ways: tuple[Proxy, Proxy]
) -> None:
    from tests.integration.alerts.test_loop import press

    voice, _ = line

    async def sent(number: int) -> None:
        async def written() -> bool:
            row = await (await conn.execute("select count(*) from notification where status = 'sent'")).fetchone()
            await conn.commit()
            return row == (number,)

        await until(written, f"{number} outcomes", 60)

    await press(conn, "band-wang")
    await sent(2)
    ways[0].freeze()
    await press(conn, "band-li")
    await sent(4)
    assert len(voice.sent) == 4


async def test_who_only_listens_notices_that_nothing_is_there_to_be_heard(
    url: str, ways: tuple[Proxy, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SERVICE", replace(URGENT, statement_ms=500))
    listening = listen.wakeups(url, "incident", 0.2)
    assert await anext(listening) == ""
    ways[0].freeze()
    async with asyncio.timeout(60):
        while not ways[1].taken:
            await anext(listening)
    await listening.aclose()  # type: ignore[attr-defined]
