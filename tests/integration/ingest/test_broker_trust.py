"""The CA of the broker: wrong at the start it is one line, gone for a moment it stops nothing."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts.channels import band
from eldercare.platform import heartbeats, tasks
from eldercare.platform.database import Connection
from ingest.pipeline.consumer import Consumer
from ingest.pipeline.pipelines import Sos
from tests.conftest import MakeSettings
from tests.integration.deploy.test_deploy import prepare
from tests.support.services import mosquitto
from tests.support.services.missing import missing
from tests.support.services.mosquitto import Mosquitto

SERVICES = {
    "ingest": ("-m", "ingest"),
    "the telemetry pipeline": ("-m", "ingest", "--lane", "telemetry"),
    "alerts": ("-m", "alerts"),
    "the simulated bands": ("-m", "device_sim", "bands", "--bands", "seed.json"),
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("ca", ["missing.crt", "garbage.crt", "empty.crt", "folder", "unreadable.crt"])
def test_a_wrong_ca_is_one_line_and_status_2(service: str, ca: str, tmp_path: Path) -> None:
    (tmp_path / "garbage.crt").write_bytes(os.urandom(200))
    (tmp_path / "empty.crt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "unreadable.crt").symlink_to(tmp_path / "unreadable.crt")  # root may read whatever has a mode
    (tmp_path / "seed.json").write_text('{"residents": []}')
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ELDERCARE_")},
        "ELDERCARE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "ELDERCARE_MQTT_URL": "mqtts://eldercare:secret@127.0.0.1:1",
        "ELDERCARE_MQTT_CA": str(tmp_path / ca),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    ended = subprocess.run(
        [sys.executable, *SERVICES[service]],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stdout + ended.stderr
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith(f"eldercare: ELDERCARE_MQTT_CA: {tmp_path / ca}: ")


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


@pytest.fixture
def trusted(tmp_path: Path) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker whose listener for services speaks TLS, and the file of its CA."""
    if not mosquitto.found():
        missing("Mosquitto", mosquitto.HOW)
    prepare(tmp_path)
    certs = tmp_path / "mosquitto" / "certs"
    (certs / "broker.key").chmod(0o644)
    broker = Mosquitto({})
    (broker.folder / "listeners" / "services.conf").write_text(
        f"listener {broker.port} 127.0.0.1\ncafile {certs}/ca.crt\n"
        f"certfile {certs}/broker.crt\nkeyfile {certs}/broker.key\n"
    )
    broker.start()
    copy = tmp_path / "trusted.crt"
    copy.write_bytes((certs / "ca.crt").read_bytes())
    yield broker, copy
    broker.close()


async def test_a_ca_that_is_gone_while_it_reconnects_stops_nothing(
    trusted: tuple[Mosquitto, Path], database_url: str, conn: Connection, make_settings: MakeSettings
) -> None:
    broker, ca = trusted
    settings = make_settings(database_url=database_url, mqtt_url=broker.url.replace("mqtt://", "mqtts://"), mqtt_ca=ca)
    pipeline = Consumer(settings, Sos())
    async with asyncio.timeout(90), band.connected(settings) as channel:
        consuming = tasks.brief(pipeline.run(), "pipeline")
        await channel.connects(30)
        await until(lambda: pipeline.connected)
        ca.unlink()
        broker.kill9()
        await until(lambda: channel.unbroken_s is None and not pipeline.connected)
        broker.start()
        await until(lambda: channel.unbroken_s is not None and pipeline.connected)
        pipeline.stop()
        await consuming
    assert not await heartbeats.fresh(conn, "ingest.sos")
