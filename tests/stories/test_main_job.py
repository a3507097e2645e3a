"""The main job, told with the real services: recordings run through the broker, somebody presses, a digit accepts, the
band hears. Once on real recordings, where they are at hand, and once on simulated ones, which are everywhere.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from queue import Empty, Queue

import paho.mqtt.client as mqtt
import pytest

from eldercare.platform.settings import parse_mqtt_url
from tests.faults.line import ROOT, Line, wait_until
from tests.stories import recorded, simulated
from tests.support.services.mosquitto import Mosquitto

RECORDINGS = Path(os.environ.get("ELDERCARE_SHARED_DATA") or ROOT.parent / "shared" / "data")
HEART_RATES = RECORDINGS / "hr_stanford" / "heartrate.csv.gz"
TRACKS = RECORDINGS / "gps_geolife" / "gps.csv.gz"


class Wrist:
    """What the bands hear, in the order in which the broker hands it on."""

    def __init__(self, broker: Mosquitto) -> None:
        self._heard: Queue[tuple[str, str]] = Queue()
        address = parse_mqtt_url(broker.url)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(address.username, address.password)
        self._client.on_message = self._on_message
        self._client.connect(address.host, address.port)
        self._client.subscribe("eldercare/v1/+/sos_state", qos=1)
        self._client.loop_start()

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self._heard.put((message.topic.split("/")[2], json.loads(message.payload)["state"]))

    def next(self) -> tuple[str, str]:
        """The band and the state it is told next."""
        try:
            return self._heard.get(timeout=60)
        except Empty:
            pytest.fail("no band was told anything for a minute")

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(params=["recorded", "simulated"])
def recordings(request: pytest.FixtureRequest, tmp_path: Path) -> list[Path]:
    """Heart rates of several subjects and tracks of several others."""
    if request.param == "simulated":
        return simulated.recordings(tmp_path)
    if not HEART_RATES.exists():
        pytest.skip(f"the recordings are not here: {HEART_RATES.name}")
    return recorded.mornings([HEART_RATES, TRACKS], tmp_path)


def test_a_press_in_the_middle_of_recorded_days_rings_a_telephone_and_is_accepted(
    recordings: list[Path], database_url: str, clean_broker: Mosquitto, tmp_path: Path
) -> None:
    with Line(database_url, clean_broker, tmp_path) as line:
        seeded = json.loads(line.run("eldercare", "seed", "--residents", "12", "--json"))
        bands = tmp_path / "seed.json"
        bands.write_text(json.dumps(seeded))
        presser = seeded["residents"][0]["device_id"]
        line.start_phones("--bands", str(bands))
        line.start_api()
        line.start_ingest()
        line.start_alerts()
        line.phones("PUT", "phones/*/calls", {"does": "answer", "answer_after_s": 0.2, "digits": ["1"]})
        wrist = Wrist(clean_broker)
        player = subprocess.Popen(
            [sys.executable, "-m", "eldercare", "replay", *map(str, recordings), "--bands", str(bands),
             "--speed", "120", "--align", "--hours", "0.3", "--origin", "2026-03-12T08:00:00+08:00",
             "--sos-at", "2026-03-12T08:08:00+08:00", "--sos-band", presser],
            cwd=ROOT, env=line.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert wrist.next() == (presser, "received")
        assert wrist.next() == (presser, "accepted")
        output, _ = player.communicate(timeout=120)
        wrist.close()
        assert player.returncode == 0, output
        wait_until(lambda: line.value("select state from incident where kind = 'sos'") == "accepted", "the acceptance")
        assert line.value("select accepted_via from incident where kind = 'sos'") == "voice"
        assert line.value("select count(*) from incident where kind = 'sos'") == 1
        owner_was_called = line.value(
            "select count(*) from notification n join incident i on i.id = n.incident_id and i.owner_id = n.person_id"
            " where n.channel = 'voice' and n.purpose = 'alarm' and i.kind = 'sos'"
        )
        assert owner_was_called >= 1
        assert line.value("select count(*) from rejected") == 0
        assert line.value("select count(distinct device_id) from heart_rate") == 6
        assert line.value("select count(distinct device_id) from location") == 6
