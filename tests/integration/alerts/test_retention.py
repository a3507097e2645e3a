"""What is kept for a time only: by kind, in slices, nothing of what is still open, and nothing early."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alerts.monitoring import retention
from alerts.monitoring.retention import Keep
from eldercare.accounts import audit_chain
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection, connect
from tests.conftest import MakeSettings
from tests.support.community import call, incident, person, resident, wears

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def keep(conn: Connection, make_settings: MakeSettings) -> Keep:
    await set_clock(conn, NOW, 0, real=False)
    return Keep.of(make_settings())


async def counts(conn: Connection, *tables: str) -> list[int]:
    found = []
    for table in tables:
        row = await (await conn.execute(f"select count(*) from {table}")).fetchone()
        assert row is not None
        found.append(int(row[0]))
    return found


async def put(conn: Connection, table: str, **values: object) -> None:
    """A row of these values."""
    names, holders = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    await conn.execute(f"insert into {table} ({names}) values ({holders})", values)


async def _readings(conn: Connection, device_id: str, *days: float) -> None:
    for age in days:
        said = {"device_id": device_id, "ts": NOW - age * DAY, "received_at": NOW - age * DAY}
        await put(conn, "heart_rate", **said, bpm=70)
        await put(conn, "device_status", **said)
        await put(conn, "location", **said, lat=31, lon=121)


async def test_readings_go_by_chunks_and_positions_sooner(conn: Connection, keep: Keep) -> None:
    await wears(conn, await resident(conn), "band-1", since=NOW - 500 * DAY)
    await _readings(conn, "band-1", 420, 390, 110, 80, 1)
    gone = await retention.run_once(conn, keep, NOW)
    assert (gone["heart_rate"], gone["device_status"], gone["location"]) == (1, 1, 3)
    assert await counts(conn, "heart_rate", "device_status", "location") == [4, 4, 2]


async def test_on_plain_postgresql_they_go_row_by_row(
    plain_database_url: str, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    async with await connect(plain_database_url) as conn:
        await set_clock(conn, NOW, 0, real=False)
        await wears(conn, await resident(conn), "band-1", since=NOW - 500 * DAY)
        await _readings(conn, "band-1", 420, 410, 402, 401, 399)
        gone = await retention.run_once(conn, Keep.of(make_settings()), NOW)
        assert (gone["heart_rate"], gone["location"]) == (4, 5)
        assert await counts(conn, "heart_rate", "device_status", "location") == [1, 1, 0]


async def test_the_newest_value_of_a_band_that_fell_silent_is_as_old_as_any(conn: Connection, keep: Keep) -> None:
    await conn.execute(
        "insert into device_state (device_id, bpm, bpm_ts, lat, lon, accuracy_m, location_ts, battery_pct) values"
        " ('old', 70, %(old)s, 31, 121, 5, %(old)s, 50), ('new', 70, %(new)s, 31, 121, 5, %(new)s, 50)",
        {"old": NOW - 100 * DAY, "new": NOW - DAY},
    )
    assert (await retention.run_once(conn, keep, NOW))["newest"] == 1
    rows = await (
        await conn.execute(
            "select device_id, bpm, lat, accuracy_m, location_ts, battery_pct from device_state order by 1"
        )
    ).fetchall()
    assert rows == [("new", 70, 31.0, 5.0, NOW - DAY, 50), ("old", 70, None, None, None, 50)]


@pytest.mark.parametrize(
    ("state", "opened", "resolved", "left"),
    [
        ("resolved", 1200, 1199, [0, 0, 0, 0]),
        ("resolved", 1200, 1000, [1, 1, 1, 0]),
        ("open", 1200, None, [1, 1, 1, 1]),
    ],
)
async def test_of_an_incident_it_stays_that_it_happened_and_all_of_an_open_one(
    conn: Connection, keep: Keep, state: str, opened: int, resolved: int | None, left: list[int]
) -> None:
    case = await incident(conn, await resident(conn))
    await call(conn, case, await person(conn))
    await conn.execute("insert into attempt (notification_id, started_at) select id, created_at from notification")
    await conn.execute(
        "insert into incident_event (incident_id, at, kind, via) values (%s, %s, 'opened', 'band')", (case, NOW)
    )
    await conn.execute(
        "insert into sos_press (device_id, dedup_key, received_at, incident_id, payload) values ('b', 'k', %s, %s, '')",
        (NOW - opened * DAY, case),
    )
    await conn.execute(
        """update incident set state = %s, opened_at = %s, resolved_at = %s, note = 'n', detail = '{"said": "x"}'""",
        (state, NOW - opened * DAY, NOW - resolved * DAY if resolved else None),
    )
    await retention.run_once(conn, keep, NOW)
    assert await counts(conn, "notification", "attempt", "incident_event", "sos_press") == left
    row = await (await conn.execute("select kind, bpm, lat, note, detail from incident")).fetchone()
    assert row == (("sos", None, None, None, {}) if left[0] == 0 else ("sos", 128, 31.2304, "n", {"said": "x"}))
    assert not (await retention.run_once(conn, keep, NOW))["incidents"]


async def test_presses_rejected_messages_commands_and_sessions(conn: Connection, keep: Keep) -> None:
    old = await resident(conn)
    case, worker = await incident(conn, old, state="resolved"), await person(conn)
    await conn.execute("update incident set resolved_at = %s", (NOW,))
    await wears(conn, old, "band-1")
    for days in (1, 31, 399, 401, 1100):
        at = NOW - days * DAY
        await put(conn, "heard_text", name=str(days), heard_at=at, answer="a")
        await put(conn, "rejected", received_at=at, topic="t", reason="json", detail="d", payload=b"")
        await put(conn, "sos_press", device_id="b", dedup_key=str(days), received_at=at, incident_id=case, payload=b"")
        await put(
            conn, "command",
            id=str(days), device_id="band-1", action="buzz", requested_by=worker, created_at=at, expires_at=at,
        )  # fmt: skip
        await put(
            conn, "notification",
            channel="band", address="band-1", purpose="command", content="{}", send_after=at, created_at=at,
        )  # fmt: skip
    await conn.execute(
        "insert into session (token_hash, person_id, expires_at)"
        " select hours::text::bytea, %s, clock_timestamp() + make_interval(hours => hours)"
        " from unnest(array[-1, 1]) hours",
        (worker,),
    )
    await retention.run_once(conn, keep, NOW)
    tables = ("rejected", "sos_press", "command", "notification", "session", "heard_text")
    assert await counts(conn, *tables) == [1, 3, 3, 4, 1, 1]


async def test_the_audit_log_goes_by_whole_periods(conn: Connection, keep: Keep) -> None:
    for days in (1200, 10):
        await conn.execute(
            "insert into audit (at, viewer_id, role, action, what) values (%s, 1, 'duty', 'read', 'file')",
            (NOW - days * DAY,),
        )
        await conn.commit()
        await audit_chain.seal(conn)
    assert (await retention.run_once(conn, keep, NOW))["audit"] == 1
    assert (await audit_chain.verify(conn)).broken is None


async def test_one_process_at_a_time(conn: Connection, keep: Keep, database_url: str) -> None:
    await conn.commit()
    async with await connect(database_url) as other:
        await other.execute("select pg_advisory_lock(%s)", (retention._LOCK_KEY,))
        assert await retention.run_once(conn, keep, NOW) == {}


async def test_a_clock_that_runs_ahead_makes_nothing_old(conn: Connection, make_settings: MakeSettings) -> None:
    await set_clock(conn, datetime(2150, 1, 1, tzinfo=UTC), 1, real=False)
    wall = await (await conn.execute("select clock_timestamp()")).fetchone()
    assert wall is not None
    assert abs(await retention.moment(conn) - wall[0]) < DAY
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="30 days"):
        await conn.execute("select drop_readings('heart_rate', %s, 1)", (wall[0] - 29 * DAY,))


async def test_relatives_words_to_each_other_go_after_three_months(conn: Connection, keep: Keep) -> None:
    about = {"resident_id": await resident(conn), "author_id": await person(conn), "text": "她都好"}
    for age in (91, 89, 0):
        await put(conn, "family_note", **about, written_at=NOW - age * DAY)
    assert (await retention.run_once(conn, keep, NOW))["family_notes"] == 1
    assert await counts(conn, "family_note") == [2]
