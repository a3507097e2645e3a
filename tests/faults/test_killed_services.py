"""A service may be killed at any point: every press is one incident, and every incident rang a telephone."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest

from alerts.notifications import outbox
from eldercare.platform.settings import parse_mqtt_url
from tests.faults.line import Line, wait_until
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import Server

PRESSES = 1000
KILLS = 4


def _community(database_url: str) -> list[str]:
    """One duty officer, and a resident with a band for every press; returns the bands."""
    with psycopg.connect(database_url) as conn:
        conn.execute("insert into person (name, phone) values ('王值班', '+99911110000')")
        conn.execute("insert into person_role select id, 'duty' from person")
        conn.execute("insert into contact_method (person_id, channel, address) select id, 'voice', phone from person")
        conn.execute(
            "insert into resident (name, address) select '老人' || n, n || ' 号' from generate_series(1, %s) n",
            (PRESSES,),
        )
        conn.execute("insert into device (id) select 'band-' || lpad(id::text, 4, '0') from resident")
        conn.execute(
            "insert into assignment (device_id, resident_id, period)"
            " select 'band-' || lpad(id::text, 4, '0'), id, tstzrange(now() - interval '1 day', null) from resident"
        )
        return [row[0] for row in conn.execute("select id from device order by id")]


class Bands:
    """Every band presses, and presses again with the same event until the test is over, as a real one would."""

    def __init__(self, broker: Mosquitto, devices: list[str]) -> None:
        address = parse_mqtt_url(broker.url)
        self._devices = devices
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="thousand-bands")
        self._client.username_pw_set(address.username, address.password)
        self._client.max_inflight_messages_set(200)
        self._client.connect(address.host, address.port)
        self._client.loop_start()

    def press(self, share: slice) -> None:
        """Publish the presses of a part of the bands at QoS 1."""
        for device in self._devices[share]:
            self._client.publish(f"eldercare/v1/{device}/sos", json.dumps({"event_id": f"press-{device}"}), qos=1)

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()


@pytest.mark.parametrize("victim", ["ingest", "alerts"])
def test_a_thousand_presses_survive_a_killed_service(
    victim: str, database_url: str, clean_broker: Mosquitto, tmp_path: Path
) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    devices = _community(database_url)
    with Line(database_url, clean_broker, tmp_path) as line:
        line.start_phones()
        starts: dict[str, Callable[[], Server]] = {"ingest": line.start_ingest, "alerts": line.start_alerts}
        running = {name: start() for name, start in starts.items()}
        bands = Bands(clean_broker, devices)
        part = PRESSES // KILLS
        for kill in range(KILLS):
            bands.press(slice(kill * part, (kill + 1) * part))
            time.sleep(chance.uniform(0, 0.4))  # the moment of the kill is the chance here, not a wait for anything
            running[victim].signal_and_wait(9)
            bands.press(slice(kill * part, (kill + 1) * part))
            running[victim] = starts[victim]()
        bands.press(slice(0, PRESSES))
        wait_until(lambda: line.value("select count(distinct device_id) from sos_press") == PRESSES, "every press", 60)
        _wait_for_every_call(line)
        bands.close()
        assert line.value("select count(*) from incident") == PRESSES
        assert line.value("select count(*) from sos_press") == PRESSES
        assert line.value("select count(*) from incident where press_count > 1") == 0
        called = line.called_notifications()
        assert _incidents_of(line, called) == PRESSES, f"seed {seed}"


def _incidents_of(line: Line, notifications: set[str]) -> int:
    count: int = line.value(
        "select count(distinct incident_id) from notification where reference = any(%s)", list(notifications)
    )
    return count


def _wait_for_every_call(line: Line) -> None:
    """The lease of a killed sender has to end first: as much time passes at once."""
    line.let_pass(outbox.LEASE)
    wait_until(lambda: _incidents_of(line, line.called_notifications()) == PRESSES, "a call for every incident", 120)
