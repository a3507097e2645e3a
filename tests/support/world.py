"""A small community for tests of the API: two grids, two residents who could not be more different to each viewer.

`own` lives in the grid worker's grid, and has consented to everything; `other` lives in another grid and has not.
`called` has the accepted incident `own_incident`, to which duty, the grid worker and the daughter were called and which
the grid worker owns; `other_incident` is an open SOS of `other`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from eldercare.accounts import sessions
from eldercare.platform.database import Connection

ROLES = ("duty", "grid", "family", "doctor", "admin")
PASSWORD = "a long password"
PASSWORD_HASH = sessions.hash_password(PASSWORD)
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@dataclass
class World:
    """Ids of what there is, and the password of everybody."""

    people: dict[str, int] = field(default_factory=dict)
    own: int = 0
    called: int = 0
    other: int = 0
    own_incident: int = 0
    other_incident: int = 0
    own_notification: int = 0
    own_policy: int = 0
    other_policy: int = 0
    grids: list[int] = field(default_factory=list)
    own_device: str = "band-own"
    other_device: str = "band-other"


async def build(conn: Connection) -> World:
    """Fill an empty database; the clock stands still at `NOW`."""
    world = World()
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, clock_timestamp(), 0)", (NOW,))
    for number, role in enumerate((*ROLES, "other_grid", "duty_lead"), start=1):
        world.people[role] = await _person(conn, role, number)
    grids = [
        await _one(conn, "insert into grid (name, community) values (%s, '朝阳里') returning id", f"网格{n}")
        for n in (1, 2)
    ]
    world.grids = grids
    await conn.execute("insert into device (id, model) values ('band-spare', 'B2')")
    for grid_id, worker in zip(grids, ("grid", "other_grid"), strict=True):
        await conn.execute("insert into grid_worker values (%s, %s, 1)", (grid_id, world.people[worker]))
    world.own = await _resident(conn, "张桂英", grids[0], "band-own")
    world.called = await _resident(conn, "李秀兰", grids[0], "band-called")
    world.other = await _resident(conn, "王淑珍", grids[1], "band-other")
    for resident in (world.own, world.called):
        for person, kind in (("family", "family"), ("doctor", "doctor")):
            await conn.execute(
                "insert into resident_contact (resident_id, person_id, kind, relation) values (%s, %s, %s, '')",
                (resident, world.people[person], kind),
            )
        for purpose in ("family_health", "family_location", "clinic"):
            await conn.execute(
                "insert into consent (resident_id, purpose, given_by, given_at) values (%s, %s, '本人', %s)",
                (resident, purpose, NOW - timedelta(days=30)),
            )
    await _incidents(conn, world)
    ladder = '{"steps": [{"after_s": 0, "targets": ["duty"], "channels": ["voice"]}], "repeat_s": 300}'
    for name, resident in (("own_policy", world.own), ("other_policy", None)):
        query = (
            "insert into policy (kind, severity, resident_id, ladder) values ('sos', 'sos', %s, %s)"
            " on conflict (kind, severity, (coalesce(resident_id, 0))) do update set ladder = excluded.ladder"
            " returning id"
        )
        setattr(world, name, await _one(conn, query, resident, ladder))
    await conn.commit()
    return world


def phone(number: int) -> str:
    """The number of the person who was made as `number`."""
    return f"+9991000{number:04d}"


async def _incidents(conn: Connection, world: World) -> None:
    open_one = (
        "insert into incident (subject, kind, severity, state, resident_id, device_id, source, occurred_at, opened_at,"
        " round_started_at, next_step, due_at, owner_id, accepted_at, accepted_via, lat, lon, accuracy_m, position_at,"
        " bpm) values ('resident:' || %(resident)s, 'sos', 'sos', %(state)s, %(resident)s, %(device)s, 'button',"
        " %(now)s, %(now)s, %(now)s, 1, %(due)s, %(owner)s, case when %(owner)s::bigint is not null then %(now)s end,"
        " case when %(owner)s::bigint is not null then 'voice' end, 31.2, 121.5, 15, %(now)s, 96) returning id"
    )
    values = {"now": NOW, "due": NOW + timedelta(minutes=1)}
    world.own_incident = await _one(
        conn,
        open_one,
        resident=world.called,
        device="band-called",
        state="accepted",
        owner=world.people["grid"],
        **values,
    )
    world.other_incident = await _one(
        conn, open_one, resident=world.other, device="band-other", state="open", owner=None, **values
    )
    for incident in (world.own_incident, world.other_incident):
        await conn.execute(
            "insert into incident_event (incident_id, at, kind, via) values (%s, %s, 'opened', 'band')", (incident, NOW)
        )
    ask = (
        "insert into notification (incident_id, person_id, channel, address, purpose, step, content, status,"
        " provider_id, send_after, created_at, sent_at)"
        " values (%s, %s, 'voice', %s, 'alarm', 0, '{}', 'sent', %s, %s, %s, %s) returning id"
    )
    for number, role in ((1, "duty"), (2, "grid"), (3, "family")):
        world.own_notification = await _one(
            conn, ask, world.own_incident, world.people[role], phone(number), f"CA{number:032d}", NOW, NOW, NOW
        )


async def _person(conn: Connection, role: str, number: int) -> int:
    person_id = await _one(
        conn,
        "insert into person (name, phone, username, password_hash) values (%s, %s, %s, %s) returning id",
        f"{role} 先生", phone(number), role, PASSWORD_HASH,
    )  # fmt: skip
    await conn.execute(
        "insert into person_role (person_id, role) values (%s, %s)", (person_id, role.removeprefix("other_"))
    )
    for channel in ("voice", "sms"):
        await conn.execute(
            "insert into contact_method (person_id, channel, address) values (%s, %s, %s)",
            (person_id, channel, phone(number)),
        )
    return person_id


async def _resident(conn: Connection, name: str, grid_id: int, device_id: str) -> int:
    resident_id = await _one(
        conn,
        "insert into resident (name, birth_date, address, grid_id, home_lat, home_lon, conditions, entry)"
        " values (%s, '1940-03-02', '朝阳里3号楼501室', %s, 31.2, 121.5, '高血压', '钥匙在邻居处') returning id",
        name, grid_id,
    )  # fmt: skip
    await conn.execute("insert into device (id, model) values (%s, 'B2')", (device_id,))
    await conn.execute(
        "insert into assignment (device_id, resident_id, period) values (%s, %s, tstzrange(%s, null))",
        (device_id, resident_id, NOW - timedelta(days=30)),
    )
    await conn.execute(
        "insert into device_state (device_id, last_seen_at, bpm, bpm_ts, lat, lon, accuracy_m, location_ts,"
        " battery_pct, worn, status_ts) values (%s, %s, 72, %s, 31.2001, 121.5001, 12, %s, 78, true, %s)",
        (device_id, NOW, NOW, NOW, NOW),
    )
    for minute in range(30):
        ts = NOW - timedelta(minutes=minute)
        await conn.execute(
            "insert into heart_rate (device_id, ts, received_at, bpm) values (%s, %s, %s, %s)",
            (device_id, ts, ts, 70 + minute % 5),
        )
    await conn.execute(
        "insert into location (device_id, ts, received_at, lat, lon) values (%s, %s, %s, 31.2, 121.5)",
        (device_id, NOW, NOW),
    )
    await conn.execute(
        "insert into device_status (device_id, ts, received_at, battery_pct) values (%s, %s, %s, 78)",
        (device_id, NOW, NOW),
    )
    return resident_id


async def _one(conn: Connection, query: str, *values: object, **named: object) -> int:
    row = await (await conn.execute(query, named or values)).fetchone()
    assert row is not None
    return int(row[0])
