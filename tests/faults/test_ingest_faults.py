"""Ingest, the database and the broker may go away under load: every reading is stored once, every press raised once."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest

from eldercare.platform.settings import parse_mqtt_url
from tests.faults.line import Line, wait_until
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import PATIENCE_S, Server
from tests.support.services.timescale import Timescale

BANDS = 20
ROUNDS = 300
FAULTS = 3


class Load:
    """Bands that publish in rounds, and press now and then. Like a band, it keeps what is not taken."""

    def __init__(self, broker: Mosquitto) -> None:
        address = parse_mqtt_url(broker.url)
        self._began = datetime.now(UTC) - timedelta(minutes=9)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="load", clean_session=False)
        self._client.username_pw_set(address.username, address.password)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.max_inflight_messages_set(100)
        self._client.on_publish = self._on_publish
        self._sent = self._taken = 0
        self._client.connect(address.host, address.port)
        self._client.loop_start()

    def publish(self, rounds: range) -> None:
        """Every band tells its heart rate once per round, and presses every hundredth."""
        for number in rounds:
            ts = (self._began + timedelta(seconds=number)).isoformat()
            for band in range(BANDS):
                body = json.dumps({"ts": ts, "bpm": 60 + band})
                self._send(f"eldercare/v1/load-{band}/heart_rate", body)
                if number % 100 == band:
                    press = json.dumps({"event_id": f"press-{number}"})
                    self._send(f"eldercare/v1/load-{band}/sos", press)

    def _send(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1)
        self._sent += 1

    def _on_publish(self, *_: object) -> None:
        # A message handed in without a connection is sent later, though its own `is_published` raises for ever.
        self._taken += 1

    def close(self) -> None:
        """Wait until the broker has taken everything, and hang up."""
        wait_until(lambda: self._taken == self._sent, "the broker to take everything", 60)
        self._client.disconnect()
        self._client.loop_stop()


def _enroll(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        for band in range(BANDS):
            conn.execute("insert into device (id) values (%s)", (f"load-{band}",))
            conn.execute(
                "with worn as (insert into resident (name, address) values (%s, '1 号') returning id)"
                " insert into assignment (device_id, resident_id, period)"
                " select %s, id, tstzrange(now() - interval '1 day', null) from worn",
                (f"老人 {band}", f"load-{band}"),
            )


def _answers(line: Line, question: str, answer: int) -> Callable[[], bool]:
    def holds() -> bool:
        try:
            return bool(line.value(question) == answer)
        except psycopg.OperationalError:
            return False

    return holds


@pytest.fixture
def line(database_url: str, clean_broker: Mosquitto, tmp_path: Path) -> Iterator[Line]:
    _enroll(database_url)
    with Line(database_url, clean_broker, tmp_path) as line:
        yield line


def _everything_is_there_once(line: Line) -> None:
    wait_until(_answers(line, "select count(*) from heart_rate", BANDS * ROUNDS), "every reading", 90)
    presses = BANDS * ROUNDS // 100
    wait_until(_answers(line, "select count(*) from sos_press", presses), "every press", 90)
    assert line.value("select sum(press_count) from incident where kind = 'sos'") == presses
    assert line.value("select count(*) from incident where kind = 'sos'") == BANDS
    assert line.value("select count(*) from rejected") == 0


def _under_load(line: Line, broker: Mosquitto, fault: Callable[[], None]) -> None:
    load = Load(broker)
    part = ROUNDS // FAULTS
    for number in range(FAULTS):
        load.publish(range(number * part, (number + 1) * part))
        fault()
    load.close()
    _everything_is_there_once(line)


def test_ingest_is_killed(line: Line, clean_broker: Mosquitto) -> None:
    running: list[Server] = [line.start_ingest()]

    def kill() -> None:
        running[-1].signal_and_wait(9)
        running.append(line.start_ingest())

    _under_load(line, clean_broker, kill)


def test_ingest_is_ended_and_started(line: Line, clean_broker: Mosquitto) -> None:
    running: list[Server] = [line.start_ingest()]

    def restart() -> None:
        assert running[-1].signal_and_wait(15, timeout_s=PATIENCE_S) == 0
        running.append(line.start_ingest())

    _under_load(line, clean_broker, restart)
    assert line.value("select count(*) from heartbeat") == 2


def test_the_telemetry_child_is_killed(line: Line, clean_broker: Mosquitto) -> None:
    line.start_ingest()

    def pid() -> int:
        instance: str = line.value("select instance from heartbeat where service = 'ingest.telemetry'"
                                   " order by started_at desc limit 1")  # fmt: skip
        return int(instance.rpartition(":")[2])

    def kill() -> None:
        old = pid()
        os.kill(old, 9)
        wait_until(lambda: pid() != old, "another child")

    _under_load(line, clean_broker, kill)


def test_one_unit_becomes_two_and_each_is_killed(line: Line, clean_broker: Mosquitto) -> None:
    both = line.start_ingest()
    lanes: dict[str, Server] = {}

    def move() -> None:
        lanes.update({lane: line.start_lane(lane) for lane in ("sos", "telemetry")})
        both.signal_and_wait(15)

    def kill(lane: str, other: str) -> None:
        lanes[lane].signal_and_wait(9)
        assert lanes[other].running
        lanes[lane] = line.start_lane(lane)

    faults = iter([move, partial(kill, "telemetry", "sos"), partial(kill, "sos", "telemetry")])
    _under_load(line, clean_broker, lambda: next(faults)())


def test_the_database_stops_and_starts(line: Line, clean_broker: Mosquitto, timescale_server: Timescale) -> None:
    line.start_ingest()

    def restart() -> None:
        timescale_server.stop()
        timescale_server.start()

    _under_load(line, clean_broker, restart)


def test_the_broker_stops_and_starts(line: Line, clean_broker: Mosquitto) -> None:
    line.start_ingest()

    def restart() -> None:
        clean_broker.stop()
        clean_broker.start()

    _under_load(line, clean_broker, restart)


class Presser:
    """Bands that repeat each press, as ours do, until they hear that it was received."""

    def __init__(self, broker: Mosquitto) -> None:
        address = parse_mqtt_url(broker.url)
        self._waiting: dict[tuple[str, str], bytes] = {}
        self._again_at = 0.0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="presser", clean_session=True)
        self._client.username_pw_set(address.username, address.password)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.on_connect = lambda client, *_: client.subscribe("eldercare/v1/+/sos_state", 1)
        self._client.on_message = self._heard
        self._client.connect(address.host, address.port)
        self._client.loop_start()

    def press(self, device_id: str, event_id: str) -> None:
        """Press once; `heard` repeats it."""
        topic = f"eldercare/v1/{device_id}/sos"
        self._waiting[topic, event_id] = json.dumps({"event_id": event_id}).encode()
        self._client.publish(topic, self._waiting[topic, event_id], qos=1)

    def heard(self) -> bool:
        """Whether every press has been answered; what has not is pressed again every second."""
        if time.monotonic() < self._again_at:
            return not self._waiting
        self._again_at = time.monotonic() + 1
        for (topic, _), body in list(self._waiting.items()):
            self._client.publish(topic, body, qos=1)
        return not self._waiting

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = message.topic.removesuffix("_state")
        self._waiting.pop((topic, str(json.loads(message.payload)["event_id"])), None)


def test_the_broker_is_killed_and_no_press_of_a_band_that_repeats_it_is_lost(
    line: Line, clean_broker: Mosquitto
) -> None:
    line.start_ingest()
    bands = Presser(clean_broker)
    try:
        for fault in range(FAULTS):
            for band in range(BANDS):
                bands.press(f"load-{band}", f"press-{fault}")
            clean_broker.kill9()
            clean_broker.start()
        wait_until(bands.heard, "every press to be received", 90)
    finally:
        bands.close()
    assert line.value("select count(*) from sos_press") == BANDS * FAULTS
    assert line.value("select sum(press_count) from incident where kind = 'sos'") == BANDS * FAULTS
    assert line.value("select count(*) from incident where kind = 'sos'") == BANDS


def test_a_second_ingest_takes_over_from_a_killed_one(line: Line, clean_broker: Mosquitto) -> None:
    first = line.start_ingest()
    standby = line.start("ingest", is_ready=_answers(line, "select count(*) from heartbeat where service ="
                                                     " 'ingest.standby'", 1))  # fmt: skip
    load = Load(clean_broker)
    load.publish(range(ROUNDS // 2))
    first.signal_and_wait(9)
    load.publish(range(ROUNDS // 2, ROUNDS))
    load.close()
    _everything_is_there_once(line)
    assert standby.running
