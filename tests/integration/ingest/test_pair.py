"""Ingest on the embedded pair, and over TLS: the same code, other parts."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eldercare.demo.embedded import EmbeddedBroker
from eldercare.platform.settings import Settings
from tests.conftest import MakeSettings
from tests.integration.ingesting import asking, consuming, listener, publisher, until
from tests.support.services import mosquitto
from tests.support.services.missing import missing
from tests.support.services.mosquitto import Mosquitto


@pytest.fixture
def pair(
    request: pytest.FixtureRequest, make_settings: MakeSettings, plain_database_url: str, tmp_path: Path
) -> Iterator[Settings]:
    """The parameter, if any: after how many seconds the broker sends again what nobody acknowledged."""
    broker = EmbeddedBroker(tmp_path / "broker", port=0, ack_wait_s=getattr(request, "param", 30))
    broker.start({"band-1": "one"})
    yield make_settings(database_url=plain_database_url, mqtt_url=broker.url, batch_age_ms=20)
    broker.stop()


async def test_a_press_and_a_day_of_telemetry_on_the_embedded_pair(pair: Settings) -> None:
    now = datetime.now(UTC)
    async with asking(str(pair.database_url)) as database, publisher(pair) as publish:
        await database.enroll("band-1")
        async with listener(str(pair.mqtt_url), "eldercare/v1/band-1/sos_state") as band:
            async with consuming(pair, "sos"), consuming(pair, "telemetry") as telemetry:
                await publish("eldercare/v1/band-1/sos", {"event_id": "e1"})
                answer = await asyncio.wait_for(anext(band.messages), 60)
                assert json.loads(bytes(answer.payload)) == {"event_id": "e1", "state": "received"}  # type: ignore[arg-type]
                for second in range(300):
                    ts = (now - timedelta(seconds=second)).isoformat()
                    await publish("eldercare/v1/band-1/heart_rate", {"ts": ts, "bpm": 70})

                async def all_there() -> bool:
                    return bool(await database.value("select count(*) = 300 from heart_rate"))

                await until(all_there, "every reading")
            assert telemetry.counters.rows == 300
            async with consuming(pair, "telemetry") as next_one:
                await publish("eldercare/v1/band-1/status", {"ts": now.isoformat(), "battery_pct": 50})

                async def said() -> bool:
                    return bool(await database.value("select count(*) = 1 from device_status"))

                await until(said, "the status")
                assert next_one.counters.messages == 1  # everything before was acknowledged


@pytest.mark.parametrize("pair", [1], indirect=True)
async def test_a_copy_on_the_live_connection_is_stored_and_acknowledged_once(pair: Settings) -> None:
    """This broker sends again after `ack_wait`, without a reconnect, while the database is slow."""
    async with asking(str(pair.database_url)) as database, publisher(pair) as publish:
        await database.enroll("band-1")
        await database.conn.execute("insert into device_state (device_id) values ('band-1')")
        async with consuming(pair, "telemetry") as telemetry:
            async with database.conn.transaction():
                await database.conn.execute("select from device_state for update")
                for second in range(20):
                    ts = (datetime.now(UTC) - timedelta(seconds=second)).isoformat()
                    await publish("eldercare/v1/band-1/heart_rate", {"ts": ts, "bpm": 70})

                async def sent_again() -> bool:
                    return telemetry.counters.messages >= 40

                await until(sent_again, "every message to come twice")
                while_held = telemetry.counters.messages

            async def all_there() -> bool:
                return bool(await database.value("select count(*) = 20 from heart_rate"))

            await until(all_there, "every reading")
        assert telemetry.counters.rows == 20
        # What was sent again meanwhile is one message; a copy may still have crossed with the acknowledgement.
        assert telemetry.counters.duplicates <= telemetry.counters.messages - while_held


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker whose only listener speaks TLS, with a certificate of its own making."""
    if not mosquitto.found():
        missing("Mosquitto", mosquitto.HOW)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o644)
    broker = Mosquitto({})
    (broker.folder / "listeners" / "services.conf").write_text(
        f"listener {broker.port} 127.0.0.1\ncafile {certificate}\ncertfile {certificate}\nkeyfile {key}\n"
    )
    broker.start()
    yield broker, certificate
    broker.close()


async def test_readings_come_over_tls(
    encrypted: tuple[Mosquitto, Path], make_settings: MakeSettings, database_url: str
) -> None:
    broker, certificate = encrypted
    settings = make_settings(
        database_url=database_url,
        mqtt_url=broker.url.replace("mqtt://", "mqtts://"),
        mqtt_ca=certificate,
        batch_age_ms=20,
    )
    trusted = ssl.create_default_context(cafile=certificate)
    async with asking(database_url) as database, publisher(settings, tls_context=trusted) as publish:
        await database.enroll("band-1")
        async with consuming(settings, "telemetry"):
            now = datetime.now(UTC)
            for number in range(40):
                body = [{"ts": (now - timedelta(seconds=number * 100 + n)).isoformat(), "bpm": 70} for n in range(100)]
                await publish("eldercare/v1/band-1/heart_rate", body)

            async def all_there() -> bool:
                return bool(await database.value("select count(*) = 4000 from heart_rate"))

            await until(all_there, "every reading")
