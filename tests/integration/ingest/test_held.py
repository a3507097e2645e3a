"""What somebody holds in the database holds up nobody else's press, and what waits for it is raised once it lets go."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiomqtt
import pytest

from alerts.incidents.opening import raise_sos
from alerts.model.incident import Press
from eldercare.platform.settings import Settings
from ingest.pipeline import handover
from ingest.pipeline.pipelines import Sos
from ingest.transports.mqtt.packets import Published
from tests.conftest import MakeSettings
from tests.integration.ingesting import Database, Publish, asking, consuming, until
from tests.support.services.mosquitto import Mosquitto

BANDS = [f"band-{number}" for number in range(1, 11)]
HELD = "band-1"


def sos(band: str) -> str:
    return f"eldercare/v1/{band}/sos"


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, clean_broker: Mosquitto) -> Settings:
    return make_settings(database_url=database_url, mqtt_url=clean_broker.url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with asking(database_url) as database:
        await database.enroll(*BANDS)
        yield database


@pytest.fixture
async def holder(database_url: str) -> AsyncIterator[Database]:
    """Somebody whose transaction stays open: a process that was stopped, an operator at a prompt."""
    async with asking(database_url) as holder:
        await holder.conn.set_autocommit(False)
        yield holder


async def heard(bands: aiomqtt.Client) -> tuple[str, str]:
    """Which band hears that its press was received, and of which."""
    message = await asyncio.wait_for(anext(bands.messages), 60)
    state = json.loads(bytes(message.payload))  # type: ignore[arg-type]
    assert state["state"] == "received"
    return str(message.topic).split("/")[2], state["event_id"]


async def waiting(database: Database, number: int) -> None:
    async def kept() -> bool:
        return bool(await database.value("select count(*) from sos_aside") == number)

    await until(kept, f"{number} presses to be set aside")


async def everything_once(database: Database, presses: dict[str, int]) -> None:
    """One incident for each band, with so many presses, and nothing left behind."""
    await waiting(database, 0)
    counted = await database.rows("select device_id, press_count from incident")
    assert dict(counted) == presses
    assert len(counted) == len(presses)
    assert await database.value("select count(*) from sos_press") == sum(presses.values())


async def test_presses_of_others_go_through_while_an_incident_is_held(
    settings: Settings, database: Database, holder: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        await publish(sos(HELD), {"event_id": "first"})
        assert await heard(bands) == (HELD, "first")
        await holder.conn.execute("select from incident for update")
        await publish(sos(HELD), {"event_id": "again"})
        await waiting(database, 1)
        await publish(sos(HELD), {"event_id": "and again"})
        for band in BANDS[1:]:
            await publish(sos(band), {"event_id": "e"})
        assert {await heard(bands) for _ in BANDS[1:]} == {(band, "e") for band in BANDS[1:]}
        await waiting(database, 2)
        await holder.conn.rollback()
        assert {await heard(bands), await heard(bands)} == {(HELD, "again"), (HELD, "and again")}
    await everything_once(database, {HELD: 3, **dict.fromkeys(BANDS[1:], 1)})


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_a_process_that_was_stopped_within_a_batch_holds_up_only_the_bands_of_that_batch(
    settings: Settings, database: Database, holder: Database, publish: Publish, bands: aiomqtt.Client, ending: str
) -> None:
    async with consuming(settings, "sos"):
        press = Press(HELD, b"", "digest", event_id="first")
        await raise_sos(holder.conn, press)
        await publish(sos(HELD), {"event_id": "first"})
        for band in BANDS[1:]:
            await publish(sos(band), {"event_id": "e"})
        assert {await heard(bands) for _ in BANDS[1:]} == {(band, "e") for band in BANDS[1:]}
        await waiting(database, 1)
        await getattr(holder.conn, ending)()
        assert await heard(bands) == (HELD, "first")
    await everything_once(database, dict.fromkeys(BANDS, 1))


async def test_of_a_batch_only_the_held_presses_wait(
    settings: Settings, database: Database, holder: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        pass  # the broker keeps what is sent meanwhile, and hands it out at once
    for band in BANDS[::2]:
        await raise_sos(holder.conn, Press(band, b"", "digest", event_id="stopped"))
    for number in range(3):
        for band in BANDS:
            await publish(sos(band), {"event_id": f"e{number}"})
    async with consuming(settings, "sos"):
        free = {(band, f"e{number}") for band in BANDS[1::2] for number in range(3)}
        assert {await heard(bands) for _ in free} == free
        await waiting(database, 15)
        await holder.conn.rollback()
        later = {(band, f"e{number}") for band in BANDS[::2] for number in range(3)}
        assert {await heard(bands) for _ in later} == later
    await everything_once(database, dict.fromkeys(BANDS, 3))


async def test_what_of_a_batch_is_committed_counts_once_whatever_becomes_of_the_rest(
    settings: Settings, database: Database, holder: Database
) -> None:
    """One is held and one is poison, and those without a name beside them are pressed once."""
    await database.conn.execute("alter table incident add constraint dislike check (bpm is distinct from 99)")
    await raise_sos(holder.conn, Press("band-4", b"", "digest", event_id="stopped"))
    pipeline, messages = Sos(), []
    for number, body in {1: b"{}", 2: b"{}", 3: b"{}", 4: b"{}", 5: b'{"bpm": 99}', 6: b"{}"}.items():
        taken = pipeline.receive(Published(number, sos(f"band-{number}"), body, False, False), 0.0)
        messages.append(taken.message)
    stored = await pipeline.store(database.conn, messages)
    assert (stored.counters.opened, stored.counters.merged, stored.counters.duplicates) == (5, 0, 0)
    await holder.conn.rollback()
    await pipeline._aside.turn(database.conn, lambda _: None, 0.0)
    await everything_once(database, {f"band-{number}": 1 for number in range(1, 7)})


async def test_a_press_is_handed_over_once_however_often_that_is_tried(database: Database) -> None:
    pipeline = Sos()
    messages = [
        pipeline.receive(Published(number, sos(band), body, False, False), 0.0).message
        for number, (band, body) in enumerate((("band-1", b""), ("band-2", b"{}"), ("band-2", b'{"event_id": 1}')), 1)
    ]
    assert await handover.give(database.conn, messages) == 3
    assert await handover.give(database.conn, messages) == 0
    assert await database.value("select count(*) from sos_aside") == 3
    while await pipeline._aside.turn(database.conn, lambda _: None, 0.0):
        pass
    await everything_once(database, {"band-1": 1, "band-2": 2})


@pytest.mark.parametrize("table", ["resident", "device", "assignment", "device_state", "policy", "person"])
async def test_a_press_opens_its_incident_whatever_rows_beside_it_are_held(
    settings: Settings,
    database: Database,
    holder: Database,
    publish: Publish,
    bands: aiomqtt.Client,
    table: str,
) -> None:
    await database.conn.execute("insert into person (name) values ('张伟')")
    await database.conn.execute("insert into device_state (device_id) select id from device")
    await holder.conn.execute(f"select from {table} for update")
    async with consuming(settings, "sos"):
        await publish(sos(HELD), {"event_id": "e"})
        assert await heard(bands) == (HELD, "e")
        await publish(sos(HELD), {"event_id": "f"})
        assert await heard(bands) == (HELD, "f")
    await everything_once(database, {HELD: 2})


async def test_a_press_needs_no_lock_on_people(
    settings: Settings, database: Database, holder: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        await holder.conn.execute("lock table resident, person in access exclusive mode")
        await publish(sos(HELD), {"event_id": "e"})
        assert await heard(bands) == (HELD, "e")
        await holder.conn.rollback()


@pytest.mark.parametrize("table", ["incident", "sos_press", "incident_event", "assignment"])
async def test_presses_are_kept_while_a_table_is_locked_and_raised_when_it_is_not(
    settings: Settings,
    database: Database,
    holder: Database,
    publish: Publish,
    bands: aiomqtt.Client,
    table: str,
) -> None:
    async with consuming(settings, "sos") as consumer:
        await holder.conn.execute(f"lock table {table} in access exclusive mode")
        for band in BANDS:
            await publish(sos(band), {"event_id": "e"})
        await waiting(database, len(BANDS))
        assert consumer.connected
        await holder.conn.rollback()
        assert {await heard(bands) for _ in BANDS} == {(band, "e") for band in BANDS}
    await everything_once(database, dict.fromkeys(BANDS, 1))


async def test_what_a_process_set_aside_is_raised_by_another_when_it_is_killed(
    settings: Settings, database: Database, holder: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"):
        await raise_sos(holder.conn, Press(HELD, b"", "digest", event_id="stopped"))
        await publish(sos(HELD), {"event_id": "e", "lat": 31.25, "lon": 121.5, "ts": "2026-01-01T00:00:00+08:00"})
        await waiting(database, 1)
    await holder.conn.rollback()
    async with consuming(settings, "sos"):
        assert await heard(bands) == (HELD, "e")
    await everything_once(database, {HELD: 1})
    assert await database.rows("select lat, lon from incident") == [(31.25, 121.5)]


OF_NO_VERSION = ("of no version", "[]", '{"payload": "no hex"}', '{"payload": "", "press": {"device_id": []}}')


@pytest.mark.parametrize("text", OF_NO_VERSION)
async def test_a_press_that_no_version_can_read_rings_all_the_same(
    settings: Settings, database: Database, bands: aiomqtt.Client, text: str
) -> None:
    pipeline = Sos()
    await database.conn.execute(
        "insert into sos_aside (received_at, topic, message) values (eldercare_now() - interval '1 minute', %s, %s)",
        (sos(HELD), text),
    )
    at = 0.0
    for _ in range(5):
        await pipeline._aside.turn(database.conn, lambda _: None, at)
        at += 8
    assert await database.rows(
        "select device_id, press_count, source, occurred_at < opened_at - interval '50 seconds' from incident"
    ) == [(HELD, 1, "button", True)]
    assert await database.value("select count(*) from sos_aside") == 0


async def test_a_press_that_cannot_be_raised_is_tried_less_and_less_and_keeps_no_later_one_waiting(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = Sos()

    async def keep(**said: object) -> None:
        taken = pipeline.receive(Published(1, sos(HELD), json.dumps(said).encode(), False, False), 0.0)
        await pipeline._aside.keep(database.conn, [taken.message])

    async def turns(*, seconds: int, begin: float) -> int:
        """Ten a second, as where something is held."""
        return [await pipeline._aside.turn(database.conn, lambda _: None, begin + n / 10) for n in range(10 * seconds)][
            -1
        ]

    # A mistake of ours, for as long as it lasts, of whatever names the press.
    await database.conn.execute("alter table sos_press rename to hidden")
    await keep(event_id="first")
    assert await turns(seconds=30, begin=0) == 1
    assert capsys.readouterr().out.count("press_not_raised") == 5
    await database.conn.execute("alter table hidden rename to sos_press")
    await keep(event_id="later")
    assert await turns(seconds=1, begin=30) == 1
    assert await database.rows("select device_id, press_count from incident") == [(HELD, 1)]
    assert await turns(seconds=2, begin=31) == 0
    assert await database.rows("select device_id, press_count from incident") == [(HELD, 2)]


async def test_two_processes_raise_what_both_set_aside_once(
    settings: Settings, database: Database, holder: Database, publish: Publish, bands: aiomqtt.Client
) -> None:
    async with consuming(settings, "sos"), consuming(settings, "sos"):
        await raise_sos(holder.conn, Press(HELD, b"", "digest", event_id="stopped"))
        for number in range(20):
            await publish(sos(HELD), {"event_id": f"e{number}"})
        await waiting(database, 40)
        await holder.conn.rollback()
        assert {await heard(bands) for _ in range(40)} == {(HELD, f"e{number}") for number in range(20)}
    await everything_once(database, {HELD: 20})


async def stored(database: Database, number: int, band: str = "") -> None:
    async def there() -> bool:
        query = "select count(*) from heart_rate where starts_with(device_id, %s)"
        return bool(await database.value(query, band) == number)

    await until(there, f"{number} readings")


def beat(number: int, bpm: int = 70) -> dict[str, Any]:
    return {"ts": (datetime.now(UTC) - timedelta(seconds=100 - number)).isoformat(), "bpm": bpm, "quality": 90}


async def test_a_held_band_keeps_nobody_elses_readings_waiting_and_its_own_in_order(
    settings: Settings, database: Database, holder: Database, publish: Publish
) -> None:
    await database.conn.execute("insert into device_state (device_id) select id from device")
    async with consuming(settings, "telemetry") as consumer:
        await holder.conn.execute("select from device_state where device_id = %s for update", (HELD,))
        for number in range(5):
            for band in BANDS:
                await publish(f"eldercare/v1/{band}/heart_rate", beat(number, 70 + number))
        await stored(database, 5 * (len(BANDS) - 1))
        await holder.conn.rollback()
        await stored(database, 5 * len(BANDS))
        query = "select bpm from device_state where device_id = %s"

        async def judged() -> bool:
            return bool(await database.value(query, HELD) == 74)

        await until(judged, "the newest to be remembered")
        assert consumer.counters.reconnects == 0
    assert (consumer.counters.unjudged, consumer.counters.rows) == (0, 50)


async def test_what_a_finding_needs_keeps_nobody_elses_readings_waiting(
    settings: Settings, database: Database, holder: Database, publish: Publish
) -> None:
    """The incident that a reading of one band opens is just being opened by somebody else."""
    subject = await database.value("select 'resident:' || resident_id from assignment where device_id = %s", HELD)
    await holder.conn.execute(
        "insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)"
        " values (%s, 'low_battery', 'task', 'rule', now(), now(), now(), now())",
        (subject,),
    )
    async with consuming(settings, "telemetry"):
        await publish(f"eldercare/v1/{HELD}/status", {"ts": datetime.now(UTC).isoformat(), "battery_pct": 2})
        for band in BANDS[1:]:
            await publish(f"eldercare/v1/{band}/heart_rate", beat(1))
        await stored(database, len(BANDS) - 1)
        assert await database.value("select count(*) from device_status") == 0
        await holder.conn.rollback()

        async def opened() -> bool:
            return bool(await database.value("select count(*) from incident where subject = %s", subject) == 1)

        await until(opened, "the finding to open its incident")
    assert await database.value("select count(*) from device_status") == 1


async def test_what_is_held_for_too_long_is_stored_all_the_same(
    make_settings: MakeSettings,
    database_url: str,
    clean_broker: Mosquitto,
    database: Database,
    holder: Database,
    publish: Publish,
) -> None:
    settings = make_settings(database_url=database_url, mqtt_url=clean_broker.url, batch_size=10)
    await database.conn.execute("insert into device_state (device_id) select id from device")
    async with consuming(settings, "telemetry") as consumer:
        await holder.conn.execute("select from device_state where device_id = %s for update", (HELD,))
        for number in range(50):
            await publish(f"eldercare/v1/{HELD}/heart_rate", beat(number))

        async def given_up() -> bool:
            return consumer.counters.unjudged > 0

        await until(given_up, "readings that are stored without being judged")
        await holder.conn.rollback()
        await stored(database, 50)
    assert consumer.counters.rows == 50


@pytest.mark.parametrize("pipeline", ["sos", "telemetry"])
async def test_a_heartbeat_that_cannot_be_written_costs_no_press(
    settings: Settings,
    database: Database,
    holder: Database,
    publish: Publish,
    bands: aiomqtt.Client,
    monkeypatch: pytest.MonkeyPatch,
    pipeline: str,
) -> None:
    monkeypatch.setattr("eldercare.platform.heartbeats.INTERVAL_S", 0.05)
    missed = asyncio.Event()
    async with consuming(settings, pipeline) as consumer:
        monkeypatch.setattr(consumer, "_log", _Listening(missed))
        await holder.conn.execute("lock table heartbeat in access exclusive mode")
        await asyncio.wait_for(missed.wait(), 60)
        if pipeline == "sos":
            await publish(sos(HELD), {"event_id": "e"})
            assert await heard(bands) == (HELD, "e")
        assert consumer.connected
        assert consumer.counters.reconnects == 0
        await holder.conn.rollback()


class _Listening:
    def __init__(self, missed: asyncio.Event) -> None:
        self._missed = missed

    def warning(self, event: str, **_: Any) -> None:
        if event == "beat_missed":
            self._missed.set()

    def info(self, event: str, **_: Any) -> None: ...

    def error(self, event: str, **_: Any) -> None: ...


async def test_arrays_of_a_held_band_keep_nobody_elses_from_being_read(
    make_settings: MakeSettings,
    database_url: str,
    clean_broker: Mosquitto,
    database: Database,
    holder: Database,
    publish: Publish,
) -> None:
    """Few messages of much weight fill what may be read before it is written."""
    settings = make_settings(database_url=database_url, mqtt_url=clean_broker.url, batch_size=10)
    await database.conn.execute("insert into device_state (device_id) select id from device")
    async with consuming(settings, "telemetry"):
        await holder.conn.execute("select from device_state where device_id = %s for update", (HELD,))
        for number in range(4):
            body = [beat(10 * number + each) for each in range(30)]
            await publish(f"eldercare/v1/{HELD}/heart_rate", body)
        await publish(f"eldercare/v1/{BANDS[1]}/heart_rate", beat(1))
        await stored(database, 1, BANDS[1])
        await holder.conn.rollback()


async def test_a_press_that_only_the_telemetry_pipeline_hears_waits_for_no_band(
    settings: Settings, database: Database, holder: Database, publish: Publish
) -> None:
    await database.conn.execute("insert into device_state (device_id) select id from device")
    async with consuming(settings, "telemetry"):
        await holder.conn.execute("select from device_state where device_id = %s for update", (HELD,))
        await publish(f"eldercare/v1/{HELD}/heart_rate", beat(1))
        await publish(sos(HELD), {"event_id": "e"})
        await waiting(database, 1)
        await holder.conn.rollback()
        await stored(database, 1, HELD)
