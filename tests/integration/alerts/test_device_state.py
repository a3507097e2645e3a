"""The rows of the bands: locked in order, read with the wearer, written back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from alerts.__main__ import _upkeep
from alerts.detection import device_state
from alerts.detection.devices import Latest
from alerts.monitoring.health import Health
from alerts.rules import State, Thresholds
from eldercare.platform import pg_arrays
from eldercare.platform.database import Connection, pool
from tests.integration.ingesting import Database, asking

ZONE = ZoneInfo("Asia/Shanghai")


async def test_a_band_comes_with_its_wearer(database_url: str) -> None:
    async with asking(database_url) as database:
        await database.enroll("band-1", "band-2")
        await database.conn.execute("insert into device (id, retired_at) values ('spare', null), ('retired', now())")
        await database.conn.execute(
            "update resident set rule_overrides = '{\"hr_high_urgent\": 150}', safe_radius_m = 900"
            " where name = 'band-1'"
        )
        async with database.conn.transaction():
            now, found, _ = await device_state.lock(
                database.conn, ["spare", "retired", "band-1", "nobody", "band-1"], ZONE
            )
        assert set(found) == {"spare", "band-1"}
        assert found["spare"].profile is None
        profile = found["band-1"].profile
        assert profile is not None
        assert (profile.home_lat, profile.safe_radius_m, profile.thresholds.hr_high_urgent) == (31.2, 900, 150)
        assert found["band-1"].worn_since is not None
        _, others = await device_state.look(database.conn, ["band-2"], ZONE)
        other = others["band-2"].profile
        assert other is not None
        assert other.safe_radius_m is None, "500 m is the default, which nobody has drawn"
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
        assert await database.value("select count(*) from device_state") == 3


async def test_without_any_known_band_it_is_still_some_time(conn: Connection) -> None:
    now, found, _ = await device_state.lock(conn, [], ZONE)
    assert found == {}
    assert now.tzinfo is not None


async def test_one_personal_limit_beyond_the_bounds_leaves_the_others(database_url: str) -> None:
    async with asking(database_url) as database:
        await database.enroll("band-1", "band-2")
        stored = '{"hr_high_urgent": 1000, "hr_high_warning": 125, "unknown": 1}'
        await database.conn.execute("update resident set rule_overrides = %s where name = 'band-1'", (stored,))
        await database.conn.execute("update resident set rule_overrides = '{\"silent_s\": 900}' where name = 'band-2'")
        ids = await database.rows("select id from resident where name = 'band-1'")
        await database.conn.commit()
        health = Health()
        async with pool(database_url, max_size=1, application_name="alerts") as shared:
            await _upkeep(shared, ZONE, health)
        assert health.detail()["overrides_refused"] == [ids[0][0]]  # which the doctor reads in the heartbeat
        async with database.conn.transaction():
            _, found, _ = await device_state.lock(database.conn, ["band-1"], ZONE)
    profile = found["band-1"].profile
    assert profile is not None
    assert profile.thresholds == Thresholds(hr_high_urgent=170, hr_high_warning=125)


async def test_only_ingest_says_that_a_band_was_heard(database_url: str) -> None:
    async with asking(database_url) as database:
        await database.enroll("band-1")
        async with database.conn.transaction():
            now, found, _ = await device_state.lock(database.conn, ["band-1"], ZONE)
            await device_state.save(database.conn, list(found.values()))
            assert await database.value("select last_seen_at from device_state") is None
            await device_state.save(database.conn, list(found.values()), {"band-1": Latest(bpm=70, bpm_ts=now)}, now)
            await device_state.save(database.conn, [])
        assert await database.rows("select last_seen_at, bpm from device_state") == [(now, 70)]


async def test_who_comes_second_goes_on_without_and_sees_what_the_first_wrote_afterwards(database_url: str) -> None:
    async with asking(database_url) as database, asking(database_url) as other:
        await database.enroll("band-1", "band-2")
        async with database.conn.transaction():
            _, found, _ = await device_state.lock(database.conn, ["band-1"], ZONE)
            band = found["band-1"]
            band.state = replace(band.state, heard=12.5)
            await device_state.save(database.conn, [band])
            async with other.conn.transaction():
                _, free, held = await device_state.lock(other.conn, ["band-2", "nobody"], ZONE)
                assert (set(free), held) == ({"band-2"}, set())
        async with database.conn.transaction():
            await device_state.lock(database.conn, ["band-1"], ZONE)
            async with other.conn.transaction():
                _, free, held = await device_state.lock(other.conn, ["band-1", "band-2", "nobody"], ZONE)
                assert (set(free), held) == ({"band-2"}, {"band-1"})
            _, seen = await device_state.look(other.conn, ["band-1", "nobody"], ZONE)
            assert {name: each.state.heard for name, each in seen.items()} == {"band-1": 12.5}
        async with other.conn.transaction():
            _, later, held = await device_state.lock(other.conn, ["band-1"], ZONE)
            assert (later["band-1"].state.heard, held) == (12.5, set())


@pytest.mark.parametrize("text", ["plain", 'quote " and \\ backslash', "{a,b}", "null", "", "中文, 空格", None])
async def test_any_text_passes_through_an_array(conn: Connection, text: str | None) -> None:
    rows = await conn.execute("select unnest(%s::text[])", (pg_arrays.texts([text, "x"]),))
    assert await rows.fetchall() == [(text,), ("x",)]


async def test_numbers_and_times_pass_through_an_array(conn: Connection) -> None:
    at = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=ZONE)
    rows = await conn.execute(
        "select * from unnest(%s::float8[], %s::boolean[], %s::timestamptz[])",
        (pg_arrays.numbers([1e-7, -3, None]), pg_arrays.numbers([True, False, None]), pg_arrays.times([at, None, at])),
    )
    assert await rows.fetchall() == [(1e-7, True, at), (-3.0, False, None), (None, None, at)]
    assert await Database(conn).value("select cardinality(%s::text[])", pg_arrays.names([])) == 0


async def test_what_is_remembered_and_cannot_be_read_begins_anew(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(database_url) as database:
        await database.enroll("band-1", "band-2")
        await database.conn.execute(
            "insert into device_state (device_id, rules)"
            " values ('band-1', '{\"heart\": 5}'), ('band-2', '{\"heard\": 7}')"
        )
        async with database.conn.transaction():
            _, found, _ = await device_state.lock(database.conn, ["band-1", "band-2"], ZONE)
    assert found["band-1"].state == State()
    assert found["band-2"].state == State(heard=7.0)
    assert "state_unreadable" in capsys.readouterr().out
