"""The invented community: complete, callable by nobody real, and never poured over somebody's data."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from eldercare.accounts import sessions
from eldercare.community import consents, people
from eldercare.community.enroll import Written, enroll, write_broker_passwords
from eldercare.platform.database import Connection, connect
from eldercare.platform.errors import ConfigurationError, Conflict, InvalidInput
from eldercare.platform.settings import Settings, parse_mqtt_url
from eldercare.protocol.mqtt_v1 import Kind, topic
from eldercare.tools.seed.fill import seed
from tests.conftest import MakeSettings
from tests.support.community import NOW
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import wait_until


async def count(conn: Connection, table: str) -> int:
    row = await (await conn.execute(f"select count(*) from {table}")).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


async def test_the_json_is_what_was_agreed(conn: Connection) -> None:
    made = json.loads(json.dumps(await seed(conn, 50)))
    assert set(made) == {"residents", "users", "people"}
    assert [r["device_id"] for r in made["residents"]] == [f"band-{n:04}" for n in range(1, 51)]
    for one in made["residents"]:
        assert set(one) == {"id", "name", "device_id", "mqtt_password", "home"}
        assert 31.1 < one["home"]["lat"] < 31.3
        assert 121.3 < one["home"]["lon"] < 121.6
    assert {user["role"] for user in made["users"]} == {"duty", "grid", "family", "doctor", "admin"}
    phones = [person["phone"] for person in made["people"]]
    assert len(set(phones)) == len(phones) > 100
    assert all(phone.startswith("+999") for phone in phones)
    assert {role for person in made["people"] for role in person["roles"]} >= {
        "duty", "duty_lead", "grid", "family", "doctor", "admin",
    }  # fmt: skip


async def test_every_user_logs_in_as_their_role(conn: Connection) -> None:
    made = await seed(conn, 3)
    for user in made["users"]:
        login = await sessions.login(conn, user["username"], user["password"])
        assert login.viewer.role == user["role"]


async def test_the_lead_sees_what_duty_sees_but_is_not_rung_as_duty(conn: Connection) -> None:
    made = await seed(conn, 3)
    lead = next(person for person in made["people"] if "duty_lead" in person["roles"])
    assert "duty" not in lead["roles"]
    assert [user["username"] for user in made["users"] if user["role"] == "duty"] == ["duty", "lead"]


async def test_everybody_has_someone_to_go_there(conn: Connection) -> None:
    await seed(conn, 50)
    for grid in await people.grids(conn):
        assert [worker["position"] for worker in grid.workers] == [1, 2]
        assert len({worker["person_id"] for worker in grid.workers}) == 2
    rows = await (
        await conn.execute(
            "select r.id, r.grid_id, array_agg(k.kind) from resident r join resident_contact k on k.resident_id = r.id"
            " group by r.id order by r.id"
        )
    ).fetchall()
    assert len(rows) == 50
    assert all(grid_id is not None and {"family", "doctor"} <= set(kinds) for _, grid_id, kinds in rows)
    assert await count(conn, "assignment") == 50
    kinds = Counter(kind for _, _, kinds in rows for kind in kinds)
    assert kinds["neighbour"] > 10
    assert {consent.purpose for consent in await consents.standing(conn, rows[0][0])} == set(consents.Purpose)


async def test_the_same_people_whenever_it_runs_and_other_secrets(conn: Connection, empty: Connection) -> None:
    def without_secrets(made: dict[str, Any]) -> str:
        return json.dumps(
            [[r["name"], r["home"]] for r in made["residents"]] + [p["name"] for p in made["people"]],
            ensure_ascii=False,
        )

    first, second = await seed(conn, 5), await seed(empty, 5)
    assert without_secrets(first) == without_secrets(second)
    assert first["residents"][0]["mqtt_password"] != second["residents"][0]["mqtt_password"]


@pytest.fixture
async def empty(database_server: Any) -> Any:
    """A connection to a second fresh database."""
    with database_server.database() as url:
        async with await connect(url) as connection:
            yield connection


async def test_run_again_it_adds_keeps_and_gives_new_passwords(conn: Connection) -> None:
    first = await seed(conn, 5)
    await conn.execute("update resident set notes = 'kept' where id = %s", (first["residents"][0]["id"],))
    token = (await sessions.login(conn, "duty", first["users"][0]["password"])).token
    again = await seed(conn, 8)
    assert await count(conn, "resident") == 8
    assert [r["id"] for r in again["residents"]][:5] == [r["id"] for r in first["residents"]]
    assert again["residents"][0]["mqtt_password"] != first["residents"][0]["mqtt_password"]
    row = await (await conn.execute("select count(*) from resident where notes = 'kept'")).fetchone()
    assert row == (1,)
    with pytest.raises(Exception, match="nobody is logged in"):
        await sessions.resume(conn, token)
    await sessions.login(conn, "duty", again["users"][0]["password"])
    persons = await count(conn, "person")
    await seed(conn, 8)
    assert (await count(conn, "person"), await count(conn, "grid_worker")) == (persons, 4)


@pytest.mark.parametrize(
    "already",
    [
        "insert into resident (name, address) values ('王秀英', '梧桐路1号')",
        "insert into person (name) values ('张伟')",
        "insert into device (id) values ('band-0001')",
    ],
)
async def test_it_refuses_a_database_that_it_did_not_fill(conn: Connection, already: str) -> None:
    await conn.execute(already)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="refuses"):
        await seed(conn, 5)
    assert await count(conn, "resident") + await count(conn, "person") + await count(conn, "device") == 1


@pytest.mark.parametrize("residents", [0, -1, 20_001])
async def test_the_number_is_checked(conn: Connection, residents: int) -> None:
    with pytest.raises(InvalidInput, match="residents"):
        await seed(conn, residents)


async def test_the_real_broker_lets_the_seeded_bands_in(
    conn: Connection, settings: Settings, clean_broker: Mosquitto
) -> None:
    made = await seed(conn, 2)
    await conn.execute("insert into device (id) values ('spare')")
    await conn.execute("update device set retired_at = %s where id = 'band-0002'", (NOW,))
    before = clean_broker._reloads()
    assert await write_broker_passwords(conn, settings) == Written(bands=1, told=True)
    assert clean_broker.passwords.stat().st_mode & 0o777 == 0o640
    await asyncio.to_thread(wait_until, lambda: clean_broker._reloads() > before, "the broker's reload")
    one, retired = made["residents"]
    mqtt = parse_mqtt_url(clean_broker.url)
    async with aiomqtt.Client(mqtt.host, mqtt.port, username=mqtt.username, password=mqtt.password) as service:
        await service.subscribe("eldercare/v1/+/sos", qos=1)
        async with aiomqtt.Client(
            "127.0.0.1", clean_broker.bands_port, username="band-0001", password=one["mqtt_password"]
        ) as band:
            await band.publish(topic("band-0001", Kind.SOS), "{}", qos=1)
        message = await asyncio.wait_for(anext(service.messages), 60)
    assert str(message.topic) == topic("band-0001", Kind.SOS)
    with pytest.raises(aiomqtt.MqttError, match=r"(?i)not authori[sz]ed"):
        async with aiomqtt.Client(
            "127.0.0.1", clean_broker.bands_port, username="band-0002", password=retired["mqtt_password"]
        ):
            pass


async def test_enrolling_again_gives_another_password(conn: Connection) -> None:
    first = await enroll(conn, ["band-1", "band-2"])
    second = await enroll(conn, ["band-1"])
    assert set(first) == {"band-1", "band-2"}
    assert first["band-1"] != second["band-1"]
    for name in ("#", "eldercare", "Eldercare-sos-1"):
        with pytest.raises(InvalidInput, match="device_id"):
            await enroll(conn, [name])
    await conn.execute("update device set retired_at = %s", (NOW,))
    with pytest.raises(Conflict, match="retired"):
        await enroll(conn, ["band-1"])


async def test_a_broker_that_does_not_run_reads_the_file_at_its_start(
    conn: Connection, make_settings: MakeSettings, tmp_path: Path
) -> None:
    for pid_file in (tmp_path / "no.pid", tmp_path / "stale.pid"):
        (tmp_path / "stale.pid").write_text("4194304\n")
        settings = make_settings(
            mqtt_url="mqtt://eldercare:secret@127.0.0.1",
            broker_passwords=tmp_path / "passwords",
            broker_pid_file=pid_file,
        )
        assert await write_broker_passwords(conn, settings) == Written(bands=0, told=False)
    assert (tmp_path / "passwords").read_text().startswith("eldercare:$7$101$")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"mqtt_url": "mqtt://127.0.0.1"}, "ELDERCARE_MQTT_URL names no user"),
        ({"mqtt_url": None}, "ELDERCARE_MQTT_URL is not set"),
        ({"broker_passwords": Path("/nowhere/passwords")}, "ELDERCARE_BROKER_PASSWORDS: /nowhere is no folder"),
    ],
)
async def test_settings_that_would_lock_the_services_out_are_refused(
    conn: Connection, make_settings: MakeSettings, tmp_path: Path, change: dict[str, Any], line: str
) -> None:
    good = {"mqtt_url": "mqtt://eldercare:secret@127.0.0.1", "broker_passwords": tmp_path / "passwords"}
    with pytest.raises(ConfigurationError, match=line):
        await write_broker_passwords(conn, make_settings(**{**good, **change}))
    assert not (tmp_path / "passwords").exists()
