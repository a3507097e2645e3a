"""Telemetry through real Mosquitto into real TimescaleDB: what is good is kept, what is bad named, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eldercare.platform.database import COMMAND, Limits, connect
from eldercare.platform.settings import Settings
from eldercare.protocol.mqtt_v1 import MAX_PAYLOAD_BYTES
from ingest.pipeline.pipelines import Telemetry
from tests.conftest import MakeSettings
from tests.integration.ingesting import Database, Publish, asking, consuming, listener, publisher, stored, until
from tests.support.services.mosquitto import Mosquitto

HEART = "eldercare/v1/band-1/heart_rate"


def ago(**delta: float) -> str:
    return (datetime.now(UTC) - timedelta(**delta)).isoformat()


def heart(bpm: Any = 72, **delta: float) -> dict[str, Any]:
    return {"ts": ago(**delta), "bpm": bpm}


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str, clean_broker: Mosquitto) -> Settings:
    return make_settings(database_url=database_url, mqtt_url=clean_broker.url, batch_age_ms=20)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with asking(database_url) as database:
        await database.enroll("band-1", "band-2")
        yield database


async def nothing_is_left(settings: Settings) -> None:
    """Everything was acknowledged: who takes the session over hears nothing. A last message shows that all has come."""
    async with publisher(settings) as publish, consuming(settings, "telemetry") as consumer:
        await publish("eldercare/v1/band-2/heart_rate", heart(minutes=9))

        async def heard() -> bool:
            return consumer.counters.messages > 0 and consumer.counters.batches > 0

        await until(heard, "the last message")
        assert consumer.counters.messages == 1


async def test_readings_are_stored_and_acknowledged(settings: Settings, database: Database, publish: Publish) -> None:
    at = ago(seconds=5)
    async with consuming(settings, "telemetry") as consumer:
        await publish(HEART, {"ts": at, "bpm": 72, "quality": 80, "motion": "active", "steps": 4})
        await publish(
            "eldercare/v1/band-1/location",
            {"ts": at, "lat": 31.2, "lon": 121.4, "accuracy_m": 8, "source": "gnss", "speed_mps": 1.5},
        )
        await publish(
            "eldercare/v1/band-1/status",
            {"ts": at, "battery_pct": 55, "charging": False, "worn": True, "signal_dbm": -70, "firmware": 'a"{,\\b'},
        )
        await stored(database, 1, "device_status")
        await stored(database, 1, "location")
        await stored(database, 1)
    ts = datetime.fromisoformat(at)
    assert await database.rows("select device_id, ts, bpm, quality, motion, steps from heart_rate") == [
        ("band-1", ts, 72, 80, "active", 4)
    ]
    assert await database.rows("select device_id, ts, lat, lon, accuracy_m, source, speed_mps from location") == [
        ("band-1", ts, 31.2, 121.4, 8, "gnss", 1.5)
    ]
    assert await database.rows(
        "select device_id, ts, battery_pct, charging, worn, signal_dbm, firmware from device_status"
    ) == [("band-1", ts, 55, False, True, -70, 'a"{,\\b')]
    assert await database.rows(
        "select bpm, bpm_ts, lat, lon, accuracy_m, location_ts, battery_pct, charging, worn, signal_dbm, firmware,"
        " status_ts, last_seen_at > %s from device_state where device_id = 'band-1'",
        ts,
    ) == [(72, ts, 31.2, 121.4, 8, ts, 55, False, True, -70, 'a"{,\\b', ts, True)]
    assert (consumer.counters.messages, consumer.counters.rows) == (3, 3)
    assert not consumer.counters.rejected
    await nothing_is_left(settings)


GOOD = {"ts": "GOOD", "bpm": 70}
BAD_INPUT: list[tuple[str, Any, str]] = [
    (HEART, b"not json", "json"),
    (HEART, b"", "json"),
    (HEART, b'{"ts": "2026-01-01T00:00:00Z", "bpm": NaN}', "range"),
    (HEART, b'{"ts": "2026-01-01T00:00:00Z", "bpm": 1e999}', "range"),
    (HEART, b"\xff\xfe", "json"),
    (HEART, {"bpm": 70}, "schema"),
    (HEART, {**GOOD, "bpm": "70"}, "schema"),
    (HEART, 70, "schema"),
    ("eldercare/v1/band-1/status", {"ts": "GOOD", "firmware": "zero \0"}, "field"),
    (HEART, {**GOOD, "bpm": 1e30}, "range"),
    ("eldercare/v1/band-1/location", {"ts": "GOOD", "lat": 123, "lon": 1}, "range"),
    (HEART, {**GOOD, "ts": "2026-01-01T00:00:00"}, "timestamp"),
    (HEART, {**GOOD, "ts": 1767225600}, "timestamp"),
    (HEART, {**GOOD, "ts": "1970-01-01T00:00:00Z"}, "clock"),
    (HEART, {**GOOD, "ts": "2099-01-01T00:00:00Z"}, "clock"),
    (HEART, b" " * (MAX_PAYLOAD_BYTES + 1), "size"),
    (HEART, [GOOD] * 1001, "items"),
    ("eldercare/v1/nobody/heart_rate", GOOD, "unknown_band"),
    ("eldercare/v1/retired/heart_rate", GOOD, "unknown_band"),
    ("eldercare/v1/band-1/blood_pressure", GOOD, "topic"),
    ("eldercare/v1/band 1/heart_rate", GOOD, "topic"),
    ("eldercare/v2/band-1/heart_rate", GOOD, "topic"),
    ("eldercare/v1/band-1", GOOD, "topic"),
    ("eldercare/junk", b"\0", "topic"),
    ("eldercare/v1/band-1/command_result", {"id": "never asked", "status": "done"}, "unknown_command"),
]


async def test_bad_input_is_counted_by_reason_and_stops_nothing(
    settings: Settings, database: Database, publish: Publish
) -> None:
    await database.conn.execute("insert into device (id, retired_at) values ('retired', now())")
    expected: dict[str, int] = {}
    async with consuming(settings, "telemetry") as consumer:
        for number, (topic, body, reason) in enumerate(BAD_INPUT):
            if isinstance(body, dict) and body.get("ts") == "GOOD":
                body = {**body, "ts": ago(seconds=1)}
            await publish(topic, body)
            await publish(HEART, heart(70, minutes=5, seconds=number))
            expected[reason] = expected.get(reason, 0) + 1
        await stored(database, len(BAD_INPUT))
        await stored(database, len(BAD_INPUT), "rejected")
    assert await database.rejects() == expected == dict(consumer.counters.rejected)
    assert (consumer.counters.rows, consumer.counters.partial) == (len(BAD_INPUT) + 1, 1)
    assert await database.value("select max(length(payload)) from rejected") == 1024
    assert await database.value("select count(*) from rejected where detail not like '%%: %%'") == 0
    await nothing_is_left(settings)


async def test_an_array_with_one_bad_element_keeps_the_others(
    settings: Settings, database: Database, publish: Publish
) -> None:
    body = [heart(70 + n, seconds=n) for n in range(10)]
    body[4]["bpm"] = None
    async with consuming(settings, "telemetry"):
        await publish(HEART, body)
        await stored(database, 9)
        await stored(database, 1, "rejected")
    [(reason, detail)] = await database.rows("select reason, detail from rejected")
    assert reason == "schema"
    assert detail.startswith("[4].bpm: ")


async def test_an_array_of_bad_elements_is_kept_once_for_each_reason_and_counted_in_full(
    settings: Settings, database: Database, publish: Publish
) -> None:
    bad = [{"bpm": 70}] * 600 + [{"ts": "2099-01-01T00:00:00Z", "bpm": 70}] * 399 + [heart(70)]
    async with consuming(settings, "telemetry") as consumer:
        await publish(HEART, bad)
        await publish("eldercare/v1/band-1/command_result", [{"id": "x", "status": "done"}] * 1000)
        await stored(database, 3, "rejected")
        await stored(database, 1)
    assert consumer.counters.rejected == {"schema": 600, "clock": 399, "unknown_command": 1000}
    rows = await database.rows("select reason, detail from rejected order by reason")
    assert [reason for reason, _ in rows] == ["clock", "schema", "unknown_command"]
    endings = ("(and 398 more)", "(and 599 more)", "(and 999 more)")
    for (_, detail), ending in zip(rows, endings, strict=True):
        assert detail.endswith(ending)
    assert rows[1][1].startswith("[0].ts: ")


async def test_a_wrong_clock_is_still_a_sign_of_life(settings: Settings, database: Database, publish: Publish) -> None:
    async with consuming(settings, "telemetry"):
        await publish(HEART, {"ts": "2099-01-01T00:00:00Z", "bpm": 70})
        await stored(database, 1, "rejected")
    assert await database.value("select last_seen_at > now() - interval '1 min' from device_state") is True
    assert await database.value("select bpm_ts from device_state") is None


async def test_a_press_and_an_empty_search_for_the_place_are_signs_of_life(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as consumer:
        await publish("eldercare/v1/band-1/sos", {})
        await publish("eldercare/v1/band-2/location", {"ts": ago(seconds=1), "lat": 0, "lon": 0})
        await stored(database, 2, "device_state where last_seen_at is not null")
    assert consumer.counters.no_fix == 1
    assert await database.value("select count(*) from location") == 0
    assert await database.value("select count(*) from incident") == 0


async def test_what_services_say_to_bands_is_no_business_of_ours(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as consumer:
        await publish("eldercare/v1/band-1/sos_state", {"state": "received"})
        await publish("eldercare/v1/nobody/command", {"id": "1", "action": "buzz"})
        await publish(HEART, heart(seconds=1))
        await stored(database, 1)
    assert consumer.counters.messages == 3
    assert await database.rejects() == {}


async def test_not_measured_is_stored_and_alarms_nobody(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as consumer:
        await publish(HEART, [heart(64, seconds=600)] + [heart(0, seconds=n) for n in range(500, 0, -20)])
        await stored(database, 26)
    assert consumer.counters.not_measured == 25
    assert await database.value("select bpm from device_state") == 64
    assert await database.value("select count(*) from incident") == 0


async def test_a_size_that_is_next_to_nothing_costs_no_reading(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as consumer:
        for number, tiny in enumerate((1e-300, 5e-324, 1e-46, 1e-38)):
            fix = {"ts": ago(seconds=number), "lat": 31.2, "lon": 121.4, "accuracy_m": tiny, "speed_mps": tiny}
            await publish("eldercare/v1/band-1/location", fix)
        await stored(database, 4, "location")
    assert consumer.counters.rejected == {}


async def test_a_second_value_for_the_same_instant_is_a_duplicate(
    settings: Settings, database: Database, publish: Publish
) -> None:
    same = heart(70, seconds=30)
    async with consuming(settings, "telemetry") as consumer:
        await publish(HEART, [same, {**same, "bpm": 99}, heart(71, seconds=20)])
        await stored(database, 2)
        await publish(HEART, [{**same, "bpm": 98}, heart(72, seconds=10), {**same, "bpm": 97}])
        await stored(database, 3)
    assert await database.rows("select bpm from heart_rate order by ts") == [(70,), (71,), (72,)]
    assert (consumer.counters.rows, consumer.counters.duplicates) == (3, 3)


async def test_the_newest_is_the_newest_by_the_bands_time(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry"):
        await publish(HEART, heart(80, seconds=10))
        await publish("eldercare/v1/band-1/status", {"ts": ago(seconds=10), "battery_pct": 40})
        await stored(database, 1, "device_status")
        await publish(HEART, heart(60, hours=2))
        await publish(
            "eldercare/v1/band-1/status", {"ts": ago(hours=2), "battery_pct": 90, "firmware": "old", "worn": True}
        )
        await stored(database, 2, "device_status")
        await stored(database, 2)
        await publish("eldercare/v1/band-1/status", {"ts": ago(seconds=5), "worn": False})
        await stored(database, 3, "device_status")
        await publish(
            "eldercare/v1/band-1/location", {"ts": ago(seconds=10), "lat": 31.2, "lon": 121.4, "accuracy_m": 9}
        )
        await stored(database, 1, "location")
        await publish("eldercare/v1/band-1/location", {"ts": ago(hours=2), "lat": 31.9, "lon": 121.9, "accuracy_m": 5})
        await stored(database, 2, "location")
    assert await database.rows("select bpm, battery_pct, worn, firmware from device_state") == [(80, 40, False, None)]
    assert await database.rows("select lat, lon, accuracy_m from device_state") == [(31.2, 121.4, 9)]


def racing(start_s: int) -> list[dict[str, Any]]:
    """Twenty minutes at 140, one value every 30 s, beginning so many seconds ago."""
    return [{**heart(140, seconds=start_s - 30 * n), "motion": "rest", "quality": 95} for n in range(40)]


async def test_a_racing_heart_opens_one_incident_and_a_backfill_none(
    settings: Settings, database: Database, publish: Publish
) -> None:
    await database.conn.execute("update device_state set rules = '{}'")
    async with consuming(settings, "telemetry"):
        await publish("eldercare/v1/band-2/heart_rate", racing(7200))
        for part in (slice(0, 13), slice(13, 26), slice(26, 40)):  # the state travels from batch to batch
            body = [{**each, "ts": ago(seconds=570 - 14 * n)} for n, each in enumerate(racing(570))][part]
            await publish(HEART, body)
            await stored(database, 40 + part.stop)
    rows = await database.rows("select kind, severity, device_id, bpm, state, source from incident")
    assert rows == [("heart_rate", "urgent", "band-1", 140, "open", "rule")]


async def test_readings_states_and_incidents_are_stored_together_or_not_at_all(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as consumer:
        await database.conn.execute("alter table incident rename to hidden")
        await publish(HEART, [{**each, "ts": ago(seconds=570 - 14 * n)} for n, each in enumerate(racing(570))])

        async def tried() -> bool:
            return consumer.counters.retries >= 2

        await until(tried, "two tries")
        assert await database.value("select count(*) from heart_rate") == 0
        assert await database.rows("select rules, bpm from device_state where device_id = 'band-1'") in (
            [], [({}, None)],
        )  # fmt: skip
        await database.conn.execute("alter table hidden rename to incident")
        await stored(database, 40)
    assert await database.rows("select kind, severity from incident") == [("heart_rate", "urgent")]


async def test_readings_from_before_this_wearer_say_nothing_of_them(
    settings: Settings, database: Database, publish: Publish
) -> None:
    await database.enroll("band-3", since="1 minute")
    async with consuming(settings, "telemetry"):
        await publish("eldercare/v1/band-3/heart_rate", [heart(140, seconds=n) for n in range(590, 125, -10)])
        await stored(database, 47)
        assert await database.value("select bpm from device_state where device_id = 'band-3'") is None
        await publish("eldercare/v1/band-3/heart_rate", heart(75, seconds=1))
        await stored(database, 48)
    assert await database.value("select bpm from device_state where device_id = 'band-3'") == 75
    assert await database.value("select count(*) from incident") == 0


async def test_a_band_that_nobody_wears_is_stored_and_not_judged(
    settings: Settings, database: Database, publish: Publish
) -> None:
    await database.conn.execute("insert into device (id) values ('spare')")
    async with consuming(settings, "telemetry"):
        await publish("eldercare/v1/spare/heart_rate", [heart(150, seconds=n) for n in range(580, 0, -20)])
        await stored(database, 29)
    assert await database.rows("select rules - 'v', bpm from device_state") == [({}, 150)]
    assert await database.value("select count(*) from incident") == 0


async def test_the_answer_to_a_command_is_kept(settings: Settings, database: Database, publish: Publish) -> None:
    await database.conn.execute("insert into person (name) values ('王值班')")
    await database.conn.execute(
        "insert into command (id, device_id, action, requested_by, created_at, expires_at)"
        " select 'c1', 'band-1', 'buzz', id, now(), now() from person"
    )
    async with consuming(settings, "telemetry") as consumer:
        await publish("eldercare/v1/band-2/command_result", {"id": "c1", "status": "done"})
        await publish("eldercare/v1/band-1/command_result", {"id": "c1", "status": "refused", "detail": "flat"})
        await stored(database, 1, "command where status is not null")
    assert await database.rows("select status, detail, answered_at is not null from command") == [
        ("refused", "flat", True)
    ]
    assert consumer.counters.answers == 2
    assert await database.rejects() == {"unknown_command": 1}


async def test_messages_without_delivery_guarantee_are_stored_each(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry"):
        for second in range(20):
            await publish(HEART, heart(70, seconds=second), qos=0)
        await stored(database, 20)


POISON = {
    "23514": "alter table heart_rate add constraint poison check (bpm not in (201, 202))",
    "22003": "create function poison() returns trigger language plpgsql as $$ begin"
    " raise exception 'out of range' using errcode = '22003'; end $$;"
    " create trigger poison before insert on heart_rate for each row when (new.bpm in (201, 202))"
    " execute function poison()",
}


@pytest.mark.parametrize("sqlstate", POISON)
async def test_the_one_message_that_cannot_be_stored_is_found_and_set_aside(
    settings: Settings, database: Database, publish: Publish, sqlstate: str
) -> None:
    await database.conn.execute(POISON[sqlstate])
    settings = settings.model_copy(update={"batch_age_ms": 500})
    async with consuming(settings, "telemetry") as consumer:
        for number in range(50):
            bpm = {17: 201, 18: 202, 49: 201}.get(number, 100)
            await publish(HEART, heart(bpm, seconds=number))
        await stored(database, 47)
        await stored(database, 3, "rejected")
    assert await database.rejects() == {"database": 3}
    assert await database.value("select count(*) from rejected where starts_with(detail, %s)", sqlstate) == 3
    assert (consumer.counters.rows, dict(consumer.counters.rejected)) == (47, {"database": 3})
    await nothing_is_left(settings)


async def test_what_of_a_batch_is_committed_is_counted_once_in_search_of_what_is_wrong(
    settings: Settings, database: Database, publish: Publish
) -> None:
    """A held incident parts the batch; one part is stored, and in the other is what the database will never take."""
    await database.enroll("band-3")
    await database.conn.execute("alter table rejected add constraint poison check (reason <> 'json')")
    settings = settings.model_copy(update={"batch_age_ms": 500})
    async with asking(str(settings.database_url)) as holder, consuming(settings, "telemetry") as consumer:
        await database.conn.execute(
            "insert into incident (subject, kind, severity, resident_id, device_id, source, occurred_at, opened_at,"
            " round_started_at, due_at) select 'resident:' || resident_id, 'heart_rate', 'warning', resident_id,"
            " device_id, 'rule', now(), now(), now(), now() from assignment where device_id = 'band-3'"
        )
        async with holder.conn.transaction(force_rollback=True):
            await holder.conn.execute("select from incident for update")
            at = [ago(seconds=570 - 14 * n) for n in range(40)]
            await publish(HEART, [{"ts": each, "bpm": 70} for each in at])
            await publish("eldercare/v1/band-2/heart_rate", b"no json")
            await publish("eldercare/v1/band-3/heart_rate", [{"ts": each, "bpm": 140, "motion": "rest"} for each in at])
            await stored(database, 40)
            await stored(database, 1, "rejected")
        await stored(database, 80)
    assert (consumer.counters.rows, consumer.counters.duplicates) == (80, 0)
    assert await database.rejects() == {"database": 1}


async def test_trouble_of_the_database_is_waited_out_with_nothing_lost(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as consumer:
        await database.conn.execute("alter table heart_rate rename to hidden")
        for number in range(30):
            await publish(HEART, heart(70, seconds=number))

        async def tried() -> bool:
            return consumer.counters.retries >= 2

        await until(tried, "two tries")
        assert await database.rejects() == {}
        await database.conn.execute("alter table hidden rename to heart_rate")
        await stored(database, 30)
    await nothing_is_left(settings)


@pytest.mark.parametrize("broker_restarts", [False, True])
async def test_past_its_bound_it_reads_no_further_until_something_is_written(
    settings: Settings,
    database: Database,
    publish: Publish,
    clean_broker: Mosquitto,
    database_url: str,
    broker_restarts: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Arrays weigh what they hold: of twenty with 60 values each, the fourth passes 4 times a batch of 50."""
    monkeypatch.setattr(Telemetry, "limits", Limits(lock_ms=0, statement_ms=0, idle_ms=0))
    holder = await connect(database_url, limits=COMMAND)
    small = settings.model_copy(update={"batch_size": 50})
    try:
        async with consuming(small, "telemetry") as consumer:
            await holder.execute("lock table heart_rate in access exclusive mode")
            async with listener(clean_broker.url, HEART) as broker:
                for number in range(20):
                    await publish(HEART, [heart(70, seconds=60 * number + second) for second in range(60)])
                for _ in range(20):  # the broker has sent them all to whoever reads
                    await anext(broker.messages)

            async def full() -> bool:
                return consumer.counters.messages >= 4

            await until(full, "the bound")
            assert consumer.counters.messages == 4
            if broker_restarts:
                await asyncio.to_thread(clean_broker.stop)
                await asyncio.to_thread(clean_broker.start)
            await holder.rollback()
            await stored(database, 20 * 60)

            async def all_read() -> bool:
                return consumer.counters.messages >= (24 if broker_restarts else 20)

            await until(all_read, "the rest")
            assert consumer.counters.reconnects == int(broker_restarts)
    finally:
        await holder.close()
    await nothing_is_left(settings)


async def test_a_backlog_heavier_than_the_bound_is_read_after_a_restart(
    settings: Settings, database: Database, publish: Publish
) -> None:
    """The broker sends what waited before it confirms the subscription; the bound must not keep that from coming."""
    small = settings.model_copy(update={"batch_size": 50})
    async with consuming(small, "telemetry"):
        pass  # from now on the broker keeps what comes
    for number in range(20):
        await publish(HEART, [heart(70, seconds=60 * number + second) for second in range(60)])
    async with consuming(small, "telemetry") as consumer:
        await stored(database, 20 * 60)
        assert consumer.counters.reconnects == 0
    await nothing_is_left(settings)


async def test_acknowledgements_of_an_old_connection_are_dropped(
    settings: Settings,
    database: Database,
    publish: Publish,
    clean_broker: Mosquitto,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The batch waits for a lock while the broker restarts: it is stored, and comes again as duplicates."""
    monkeypatch.setattr(Telemetry, "limits", Limits(lock_ms=0, statement_ms=0, idle_ms=0))
    holder = await connect(database_url, limits=COMMAND)
    try:
        async with consuming(settings, "telemetry") as consumer:
            await holder.execute("lock table heart_rate in access exclusive mode")
            for number in range(20):
                await publish(HEART, heart(70, seconds=number))

            async def waiting() -> bool:
                return consumer.counters.messages == 20 and bool(
                    await database.value("select count(*) from pg_locks where not granted")
                )

            await until(waiting, "the batch to wait")
            await asyncio.to_thread(clean_broker.stop)
            await asyncio.to_thread(clean_broker.start)
            await holder.rollback()

            async def again() -> bool:
                return consumer.counters.messages == 40 and consumer.counters.duplicates > 0

            await until(again, "the redelivery")
            await stored(database, 20)
            assert consumer.counters.reconnects == 1
    finally:
        await holder.close()
    await nothing_is_left(settings)


async def test_a_standby_waits_and_inherits_the_session(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry") as leader:
        await publish(HEART, heart(70, seconds=3))
        await stored(database, 1)
        async with consuming(settings, "telemetry", expect_slot=False) as standby:

            async def seen() -> bool:
                return bool(await database.value("select count(*) from heartbeat where service = 'ingest.standby'"))

            await until(seen, "the standby's sign of life")
            assert not standby.connected
            leader.stop()

            async def gone() -> bool:
                return not leader.connected

            await until(gone, "the leader to leave")
            await publish(HEART, heart(71, seconds=2))  # maybe before anybody listens: the session keeps it
            await stored(database, 2)
            assert standby.connected
            assert standby.counters.messages == 1
            assert await database.rows("select service from heartbeat") == [("ingest.telemetry",)]


async def test_a_leader_that_loses_its_connection_to_the_database_stops_consuming(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with (
        consuming(settings, "telemetry") as leader,
        consuming(settings, "telemetry", expect_slot=False) as standby,
    ):
        [(victim,)] = await database.rows("select pid from pg_locks where locktype = 'advisory'")
        await database.conn.execute("select pg_terminate_backend(%s)", (victim,))
        for number in range(30):
            await publish(HEART, heart(70, seconds=number))
        await stored(database, 30)

        async def one_leads() -> bool:
            return [leader.connected, standby.connected].count(True) == 1

        await until(one_leads, "one leader")
    await nothing_is_left(settings)


async def test_the_heartbeat_tells_what_was_done(settings: Settings, database: Database, publish: Publish) -> None:
    async def beaten() -> list[Any]:
        return await database.rows("select service, detail from heartbeat")

    async with consuming(settings, "telemetry"):
        await until(beaten, "the first heartbeat")
        [(service, detail)] = await beaten()
        assert service == "ingest.telemetry"
        assert detail | {"messages": 0, "rows": 0, "rejected": {}, "seat": 1} == detail
    assert await database.rows("select * from heartbeat") == []


async def test_large_arrays_of_one_band_hold_up_nobody_else(
    settings: Settings, database: Database, publish: Publish
) -> None:
    async with consuming(settings, "telemetry"):
        pass
    now = await database.value("select now()")
    for array in range(30):
        at = [now - timedelta(seconds=1000 * array + second) for second in range(1000)]
        await publish("eldercare/v1/band-1/heart_rate", [{"ts": moment.isoformat(), "bpm": 70} for moment in at])
    await publish("eldercare/v1/band-2/heart_rate", {"ts": now.isoformat(), "bpm": 71})
    async with consuming(settings, "telemetry"):

        async def all_are_stored() -> bool:
            return bool(await database.value("select count(*) from heart_rate") == 30_001)

        await until(all_are_stored, "everything")
    first, other, last = await database.rows(
        "select min(received_at) from heart_rate union all select received_at from heart_rate where bpm = 71"
        " union all select max(received_at) from heart_rate"
    )
    batches = await database.value(
        "select count(distinct received_at) from heart_rate where received_at <= %s", other[0]
    )
    assert first <= other < last
    assert batches <= 3


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("status", {"worn": True, "battery_pct": 5}),
        ("heart_rate", {"bpm": 70}),
        ("location", {"lat": 31.2, "lon": 121.4}),
        ("location", {"lat": 0, "lon": 0}),
        ("heart_rate", "rubbish"),
        ("command_result", {"id": "1", "status": "done"}),
        ("sos", {}),
        ("status", [{"worn": True}] * 900),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_what_the_broker_had_kept_is_no_sign_of_life(
    settings: Settings, database: Database, publish: Publish, kind: str, body: Any
) -> None:
    said = await database.value("select now() - interval '3 seconds'")
    for number, each in enumerate(body if isinstance(body, list) else [body]):
        if isinstance(each, dict) and kind != "sos":
            each["ts"] = (said - timedelta(seconds=number)).isoformat()
    await publish(f"eldercare/v1/band-1/{kind}", body, retain=True)
    silent = '{"v": 1, "silent": 1}'
    await database.conn.execute(
        "insert into device_state (device_id, last_seen_at, rules) values ('band-1', now() - interval '1 hour', %s)",
        (silent,),
    )
    async with consuming(settings, "telemetry") as consumer:
        await publish("eldercare/v1/band-2/status", {"ts": said.isoformat()})

        async def both_came() -> bool:
            heard = await database.value("select last_seen_at from device_state where device_id = 'band-2'")
            return heard is not None and consumer.counters.messages == 2

        await until(both_came, "both")
        state = await database.rows(
            "select last_seen_at < now() - interval '59 minutes', rules = %s from device_state"
            " where device_id = 'band-1'",
            silent,
        )
    assert state == [(True, True)]
