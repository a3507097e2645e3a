"""A handful of residents and people for tests of the kernel, made by its own functions."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from eldercare.accounts import viewers
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import devices, people, residents
from eldercare.platform.database import Connection

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TODAY = date(2026, 5, 4)
_numbers = iter(range(1, 10_000_000))


async def resident(conn: Connection, name: str = "王秀英", **values: Any) -> int:
    """A resident with a medical file; `values` as for `residents.create`."""
    medical = {"conditions": "心房颤动", "medicines": "华法林", "allergies": "青霉素", "notes": "听力差"}
    return await residents.create(conn, {"name": name, "address": "梧桐路1号", **medical, **values}, TODAY)


async def person(conn: Connection, *roles: Role, name: str = "张伟") -> int:
    """Somebody with a telephone of their own and these roles."""
    return await people.create(conn, name=name, phone=f"+9997{next(_numbers):07}", roles=roles)


async def viewer(conn: Connection, *roles: Role, person_id: int | None = None) -> Viewer:
    """A person of these roles, as who asks."""
    found = viewers.viewer_of(person_id or await person(conn, *roles), "看的人", roles)
    assert found is not None
    return found


async def wears(conn: Connection, resident_id: int, device_id: str, since: datetime = NOW - timedelta(days=30)) -> None:
    """The resident wears the band, made if it is new, from `since` on."""
    await conn.execute("insert into device (id) values (%s) on conflict do nothing", (device_id,))
    await devices.assign(conn, device_id, resident_id, since=since)


async def incident(conn: Connection, resident_id: int | None, state: str = "open", kind: str = "sos") -> int:
    """An incident about the resident, with a heart rate and a position."""
    row = await (
        await conn.execute(
            "insert into incident (subject, kind, severity, state, resident_id, source, occurred_at, opened_at,"
            " round_started_at, due_at, bpm, lat, lon) values (%s, %s, 'sos', %s, %s, 'button', %s, %s, %s, %s,"
            " 128, 31.2, 121.4) returning id",
            (f"resident:{resident_id}", kind, state, resident_id, NOW, NOW, NOW, NOW),
        )
    ).fetchone()
    assert row is not None
    return int(row[0])


async def call(conn: Connection, incident_id: int, person_id: int) -> None:
    """The person was called to the incident."""
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, send_after, created_at)"
        " values (%s, %s, 'voice', '+99970000000', 'alarm', '{}', %s, %s)",
        (incident_id, person_id, NOW, NOW),
    )


async def beats(conn: Connection, device_id: str, start: datetime, values: list[int], step_s: int = 60) -> None:
    """Heart rates of a band, one every `step_s` seconds from `start`."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into heart_rate (device_id, ts, received_at, bpm) values (%s, %s, %s, %s)",
            [(device_id, start + timedelta(seconds=i * step_s), NOW, bpm) for i, bpm in enumerate(values)],
        )
