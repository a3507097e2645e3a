"""A replay on a real broker, run as the command line runs it."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest

from eldercare.platform.settings import parse_mqtt_url
from eldercare.protocol.mqtt_v1 import HeartRate, Kind, Location, parse_topic, topic
from tests.support.services.mosquitto import Mosquitto

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("ELDERCARE_SHARED_DATA", ROOT.parent / "shared" / "data"))


class Replay:
    """The command with its settings and the service's ear on the broker."""

    def __init__(self, broker: Mosquitto, folder: Path, client: aiomqtt.Client) -> None:
        self.folder = folder
        self._client = client
        self.bands = [f"band-{i:04d}" for i in range(14)]
        passwords = broker.add_bands(self.bands)
        seed = {
            "residents": [
                {
                    "id": i,
                    "name": "x",
                    "device_id": band,
                    "mqtt_password": passwords[band],
                    "home": {"lat": 1, "lon": 2},
                }
                for i, band in enumerate(self.bands)
            ]
        }
        (folder / "bands.json").write_text(json.dumps(seed))
        self._environment = {
            **os.environ,
            "ELDERCARE_MQTT_URL": f"mqtt://127.0.0.1:{broker.bands_port}",
            "PYTHONPATH": str(ROOT),
        }

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        bands = str(self.folder / "bands.json")
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "device_sim", "replay", "--bands", bands, *arguments),
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        process = await self.start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode or 0, out.decode(), err.decode()

    async def next(self) -> tuple[str, Kind, Any]:
        """The next message from a band."""
        async with asyncio.timeout(60):
            async for message in self._client.messages:
                band, kind = parse_topic(str(message.topic))
                if kind is not Kind.SOS_STATE:
                    return band, kind, orjson.loads(message.payload)
        raise AssertionError("the stream of messages ended")

    async def tell(self, band: str, **state: str) -> None:
        await self._client.publish(topic(band, Kind.SOS_STATE), orjson.dumps(state), qos=1)


@pytest.fixture
async def replay(clean_broker: Mosquitto, tmp_path: Path) -> AsyncIterator[Replay]:
    address = parse_mqtt_url(clean_broker.url)
    async with aiomqtt.Client(
        address.host, address.port, username=address.username, password=address.password, identifier="listener"
    ) as client:
        await client.subscribe("eldercare/v1/+/+", qos=1)
        yield Replay(clean_broker, tmp_path, client)


def beats(folder: Path, minutes: int) -> str:
    path = folder / "beats.csv"
    lines = [f"{who},2020-01-01T08:{minute:02d}:00,{70 + minute}" for who in "ab" for minute in range(minutes)]
    path.write_text("\n".join(["subject,ts,bpm", *lines, ""]))
    return str(path)


async def test_every_row_arrives_in_order_under_its_band(replay: Replay) -> None:
    status, out, err = await replay.run(beats(replay.folder, 50), "--speed", "max")
    assert status == 0, err
    summary = json.loads(out)
    assert summary["messages"] == {"heart_rate": 100}
    assert summary["bands"] == {"a": "band-0000", "b": "band-0001"}
    heard: dict[str, list[float]] = {}
    for _ in range(100):
        band, _, message = await replay.next()
        heard.setdefault(band, []).append(message["bpm"])
    assert heard == {band: [70.0 + i for i in range(50)] for band in ("band-0000", "band-0001")}


async def test_at_a_speed_it_takes_as_long_as_recorded_divided_by_it(replay: Replay) -> None:
    status, out, _ = await replay.run(beats(replay.folder, 11), "--speed", "600")
    assert status == 0
    assert json.loads(out)["seconds"] >= 1


async def test_the_clock_is_moved_before_each_stretch_and_holds_the_replay(replay: Replay) -> None:
    process = await replay.start(beats(replay.folder, 4), "--speed", "max", "--pace", "120")
    assert process.stdin is not None
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    assert first == {"now": "2020-01-01T00:00:00+00:00", "published": 0}
    process.stdin.write(b"\n")
    second = json.loads(await process.stdout.readline())
    assert second == {"now": "2020-01-01T00:02:00+00:00", "published": 4}
    times = {(await replay.next())[2]["ts"] for _ in range(4)}
    assert times == {"2020-01-01T00:00:00+00:00", "2020-01-01T00:01:00+00:00"}
    process.stdin.write(b"\n")
    out, _ = await process.communicate()
    assert json.loads(out)["messages"] == {"heart_rate": 8}
    assert process.returncode == 0


async def test_an_unanswered_clock_ends_the_replay(replay: Replay) -> None:
    process = await replay.start(beats(replay.folder, 4), "--speed", "max", "--pace", "60")
    _, err = await process.communicate(b"\n")
    assert process.returncode == 1
    assert "nobody moves the clock" in err.decode()


async def test_an_sos_in_the_middle_is_pressed_at_its_time_until_received(replay: Replay) -> None:
    at = "2020-01-01T08:02:30+08:00"
    process = await replay.start(beats(replay.folder, 5), "--speed", "max", "--sos-at", at, "--sos-band", "band-0007")
    before = []
    while True:
        band, kind, message = await replay.next()
        if kind is Kind.SOS:
            break
        before.append(message["ts"])
    assert band == "band-0007"
    assert sorted(before) == sorted(f"2020-01-01T00:0{minute}:00+00:00" for minute in range(3) for _ in "ab")
    assert message["ts"] == at
    await replay.tell("band-0007", event_id=message["event_id"], state="received")
    out, _ = await process.communicate()
    assert json.loads(out)["sos"] == {"event_id": message["event_id"], "band": band, "sent": 1, "heard": ["received"]}


async def test_wrong_requests_are_one_line_and_status_two(replay: Replay) -> None:
    file = beats(replay.folder, 2)
    for arguments, reason in (
        ((file, "--sos-band", "band-0000"), "belong together"),
        ((file, "--map", "nobody=band-0000"), "no file has this subject"),
        ((file, "--map", "a=band-9999"), "no such band"),
    ):
        status, _, err = await replay.run(*arguments)
        assert (status, err.count("\n")) == (2, 1)
        assert reason in err


async def test_a_band_the_broker_does_not_know_is_named(replay: Replay) -> None:
    seed = json.loads((replay.folder / "bands.json").read_text())
    seed["residents"][1]["mqtt_password"] = "wrong"
    (replay.folder / "bands.json").write_text(json.dumps(seed))
    status, _, err = await replay.run(beats(replay.folder, 2), "--speed", "max")
    assert status == 1
    assert "band-0001: the broker refuses it" in err


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the recordings are not at {SHARED}")
async def test_real_recordings_speak_the_contract(replay: Replay) -> None:
    files = [
        SHARED / name for name in ("hr_stanford/heartrate.csv.gz", "hr_stanford/steps.csv.gz", "gps_other/gps.csv")
    ]
    files.append(SHARED / "gps_geolife/gps.csv.gz")
    status, out, err = await replay.run(*map(str, files), "--speed", "max", "--align", "--hours", "26")
    assert status == 0, err
    summary = json.loads(out)
    count: Counter[Kind] = Counter()
    for _ in range(sum(summary["messages"].values())):
        _, kind, message = await replay.next()
        model: Any = {Kind.HEART_RATE: HeartRate, Kind.LOCATION: Location}[kind]
        model.model_validate_json(orjson.dumps(message))
        count[kind] += 1
    assert count == summary["messages"]
    assert min(count.values()) > 1000
    assert len(summary["bands"]) == 13
