"""The contract as makers of bands read it: every example of the page goes through a real broker, as a band sends it."""

import asyncio
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from eldercare.platform.settings import Settings
from eldercare.protocol.mqtt_v1 import Command, Kind, SosStateMessage, parse_topic
from ingest.protocols.mqtt_v1 import Reason
from tests.conftest import MakeSettings
from tests.integration.ingesting import Database, asking, consuming, listener, publisher, until
from tests.support.services.missing import missing
from tests.support.services.mosquitto import Mosquitto, program

PAGE = Path(__file__).parents[3] / "docs" / "mqtt.md"
BAND = "band-0001"
NOW = datetime.fromisoformat("2026-11-28T08:01:00+08:00")
TABLES = {Kind.HEART_RATE: "heart_rate", Kind.LOCATION: "location", Kind.STATUS: "device_status"}


class Example(NamedTuple):
    topic: str
    outcome: str
    payload: bytes

    @property
    def kind(self) -> Kind:
        return parse_topic(self.topic)[1]


EXAMPLES = [
    Example(topic, outcome, body.encode())
    for topic, outcome, body in re.findall(r"^```json (\S+) (\S+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
]
SENT = [example for example in EXAMPLES if example.outcome != "down"]


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, clean_broker: Mosquitto) -> Settings:
    return make_settings(database_url=database_url, mqtt_url=clean_broker.url, batch_age_ms=20)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with asking(database_url) as database:
        await database.conn.execute(
            "insert into clock (origin, started_at, speed) values (%s, clock_timestamp(), 0)", (NOW,)
        )
        await database.enroll(BAND, since="30 days")
        await database.conn.execute(
            "with asker as (insert into person (name) values ('值班') returning id)"
            " insert into command (id, device_id, action, requested_by, created_at, expires_at)"
            " select '9f2b6c1d0a4e7f35', %s, 'locate', id, %s, %s from asker",
            (BAND, NOW, NOW),
        )
        yield database


@pytest.fixture
def band(settings: Settings, clean_broker: Mosquitto, make_settings: MakeSettings) -> Settings:
    """What the band knows: the listener for bands, and its own password."""
    return make_settings(mqtt_url=clean_broker.band_url(BAND, clean_broker.add_band(BAND)))


def test_the_page_shows_every_kind_and_most_reasons() -> None:
    assert {example.kind for example in EXAMPLES} == set(Kind)
    assert {example.outcome for example in EXAMPLES} >= {
        "stored",
        "press",
        "down",
        "answer",
        "schema",
        "range",
        "clock",
    }
    named = set(re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \| ", PAGE.read_text().split("## What is refused")[1], re.M))
    assert {name for pair in named for name in pair if name} == {str(reason) for reason in Reason} - {"database"}


async def test_what_a_band_sends_becomes_what_the_page_says(
    settings: Settings, database: Database, band: Settings
) -> None:
    refused = Counter(example.outcome for example in SENT if example.outcome in set(Reason))
    async with consuming(settings, "telemetry"), consuming(settings, "sos"), publisher(band) as publish:
        for example in SENT:
            await publish(example.topic, example.payload)

        async def everything_has_come() -> bool:
            answered = await database.value("select count(*) from command where answered_at is not null")
            return bool(
                await stored(database) == expected_rows()
                and answered
                and await presses(database) == 2
                and sum((await database.rejects()).values()) >= refused.total()
            )

        await until(everything_has_come, "the examples")
    assert await database.rejects() == refused
    assert await stored(database) == expected_rows()
    assert await database.value("select count(*) from incident where kind = 'sos'") == 1


async def stored(database: Database) -> dict[Kind, int]:
    return {kind: await database.value(f"select count(*) from {table}") for kind, table in TABLES.items()}


async def presses(database: Database) -> int:
    return int(await database.value("select press_count from incident where kind = 'sos'") or 0)


def expected_rows() -> dict[Kind, int]:
    rows = dict.fromkeys(TABLES, 0)
    for example in SENT:
        if example.outcome == "stored":
            body = orjson.loads(example.payload)
            rows[example.kind] += len(body) if isinstance(body, list) else 1
    return rows


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.outcome == "down"], ids=lambda each: each.kind)
def test_what_is_said_to_a_band_has_the_shape_that_the_page_shows(example: Example) -> None:
    model = {Kind.SOS_STATE: SosStateMessage, Kind.COMMAND: Command}[example.kind]
    said = orjson.loads(example.payload)
    assert model.model_validate_json(example.payload).model_dump(mode="json") == said
    assert set(said) == set(model.model_fields)


async def test_the_commands_of_the_page_ring_somebody_and_hear_so(
    settings: Settings, database: Database, band: Settings
) -> None:
    command = program("mosquitto_pub") or missing("mosquitto_pub", "on Debian: apt-get install mosquitto-clients")
    [line] = re.findall(r"^    (mosquitto_pub .*)$", PAGE.read_text(), re.M)
    mqtt = band.mqtt
    words = line.replace("BROKER", mqtt.host).replace("8883", str(mqtt.port)).replace("PASSWORD", str(mqtt.password))
    _, *arguments = shlex.split(words.replace("--cafile ca.crt ", ""))  # the listener of the tests is a plain one
    async with (
        consuming(settings, "sos"),
        listener(settings.required("mqtt_url"), f"eldercare/v1/{BAND}/sos_state") as ear,
    ):
        await asyncio.to_thread(subprocess.run, [command, *arguments], check=True)
        async with asyncio.timeout(60):
            heard = await anext(aiter(ear.messages))
    assert orjson.loads(bytes(heard.payload)) == {"event_id": "try-1", "state": "received"}
