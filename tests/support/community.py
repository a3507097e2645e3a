"""One invented community for all tests: who lives and works in it, and how anybody else is written to the database.

`settle` writes its people and bands. `at_work` adds a moment of its life, which the tests of the API look at. The other
functions add one more of something, to this community or to an empty database. The caller commits.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from eldercare.accounts import sessions, viewers
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import consents, devices, people, residents
from eldercare.community.consents import Purpose
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
"""Two o'clock in Shanghai."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

CAST = {
    "duty": ("张值班", Role.DUTY),
    "lead": ("赵组长", Role.DUTY_LEAD),
    "grid": ("钱网格", Role.GRID),
    "backup": ("孙网格", Role.GRID),
    "daughter": ("Wang Min", Role.FAMILY),
    "doctor": ("周医生", Role.DOCTOR),
    "admin": ("吴管理", Role.ADMIN),
    "other_grid": ("郑网格", Role.GRID),
}
"""Names and roles. The keys are their usernames, and the fields of `Community` with their ids."""
PHONES = {who: f"+9991000{number:04}" for number, who in enumerate(CAST, start=1)}
PHONES["wang"] = "+99920000001"
"""Wang's own telephone. It stands in her file where a test has written it there."""
NAMES = {phone: who for who, phone in PHONES.items()}
USERS = ("duty", "grid", "daughter", "doctor", "admin")
"""One of each role that sees something of its own."""
PASSWORD = "a long password"
_numbers = iter(range(1, 10_000_000))


@dataclass(frozen=True)
class Community:
    """Ids. Wang Xiuying and Li Guilan live in the grid of `grid` and `backup`, and wear band-wang and band-li.

    Wang has a daughter, who reads English, and a doctor.
    """

    duty: int
    lead: int
    grid: int
    backup: int
    daughter: int
    doctor: int
    admin: int
    other_grid: int
    grid_id: int
    wang: int
    li: int


@dataclass(frozen=True)
class AtWork(Community):
    """The community at `NOW`: the bands have just reported, two residents have pressed, band-spare is in stock.

    Chen Shuzhen lives in the grid of `other_grid`, wears band-chen, has nobody and has consented to nothing. Daughter
    and doctor are Li's as well as Wang's, and both have consented to everything. `accepted` is Li's incident: duty,
    grid and daughter were called, grid goes. `opened` is Chen's, to which nobody was called yet.
    """

    other_grid_id: int
    chen: int
    accepted: int
    opened: int


async def settle(conn: Connection) -> Community:
    """Everybody, with bands that have not reported yet."""
    password_hash = sessions.hash_password(PASSWORD)
    ids = {
        who: await person(
            conn, role, name=name, phone=PHONES[who], language="en" if who == "daughter" else "zh",
            username=who, password_hash=password_hash,
        )
        for who, (name, role) in CAST.items()
    }  # fmt: skip
    ids["grid_id"] = await _grid(conn, "一号网格", ids["grid"], ids["backup"])
    ids["wang"] = await _wearer(conn, "band-wang", ids["grid_id"], "王秀英", "2号301室")
    ids["li"] = await _wearer(conn, "band-li", ids["grid_id"], "李桂兰", "5号102室")
    await people.link(conn, ids["wang"], ids["daughter"], "family", relation="女儿")
    await people.link(conn, ids["wang"], ids["doctor"], "doctor")
    return Community(**ids)


async def at_work(conn: Connection) -> AtWork:
    """`settle`, and what has happened by `NOW`, where the clock stands still."""
    here = await settle(conn)
    await set_clock(conn, NOW, 0, real=False)
    other_grid_id = await _grid(conn, "二号网格", here.other_grid)
    chen = await _wearer(conn, "band-chen", other_grid_id, "陈淑珍", "9号501室")
    await people.link(conn, here.li, here.daughter, "family", relation="女儿")
    await people.link(conn, here.li, here.doctor, "doctor")
    for resident_id in (here.wang, here.li):
        for purpose in Purpose:
            await consents.give(conn, resident_id, purpose, given_by="本人", now=LONG_AGO)
    await devices.create(conn, "band-spare")
    for band in ("band-wang", "band-li", "band-chen"):
        await _reports(conn, band)
    going = {"state": "accepted", "owner_id": here.grid, "accepted_at": NOW, "accepted_via": "voice"}
    accepted = await incident(conn, here.li, device_id="band-li", **going)
    opened = await incident(conn, chen, device_id="band-chen")
    for each in (accepted, opened):
        await insert(conn, "incident_event", incident_id=each, at=NOW, kind="opened", via="band")
    for number, who in enumerate(("duty", "grid", "daughter"), start=1):
        sent = {"status": "sent", "sent_at": NOW, "provider_id": f"CA{number:032}"}
        await call(conn, accepted, getattr(here, who), address=PHONES[who], **sent)
    return AtWork(**vars(here), other_grid_id=other_grid_id, chen=chen, accepted=accepted, opened=opened)


async def log_in(conn: Connection, *users: str) -> dict[str, str]:
    """A session of each; their tokens."""
    return {who: (await sessions.login(conn, who, PASSWORD)).token for who in users}


async def person(conn: Connection, *roles: Role, name: str = "张伟", phone: str | None = None, **values: Any) -> int:
    """Somebody with these roles and, unless it is given, a telephone of their own; `values` as for `people.create`."""
    return await people.create(conn, name=name, phone=phone or f"+9997{next(_numbers):07}", roles=roles, **values)


async def viewer(conn: Connection, *roles: Role) -> Viewer:
    """Another person of these roles, as who asks."""
    found = viewers.viewer_of(await person(conn, *roles), "看的人", roles)
    assert found is not None
    return found


async def resident(conn: Connection, name: str = "王秀英", **values: Any) -> int:
    """A resident with a home and a medical file; `values` as for `residents.create`."""
    home = {"address": "梧桐路1号", "home_lat": 31.2304, "home_lon": 121.4737, "entry": "钥匙在门卫"}
    medical = {"conditions": "心房颤动", "medicines": "华法林", "allergies": "青霉素", "notes": "听力差"}
    born = {"birth_date": datetime(1938, 5, 1, tzinfo=UTC).date()}
    return await residents.create(conn, {"name": name, **born, **home, **medical, **values}, NOW.date())


async def wears(conn: Connection, resident_id: int, device_id: str, since: datetime = LONG_AGO) -> None:
    """The resident wears the band, made if it is new, from `since` on."""
    await conn.execute("insert into device (id) values (%s) on conflict do nothing", (device_id,))
    await devices.assign(conn, device_id, resident_id, since=since)


async def beats(conn: Connection, device_id: str, start: datetime, values: list[int], step_s: int = 60) -> None:
    """Heart rates of a band, one every `step_s` seconds from `start`."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into heart_rate (device_id, ts, received_at, bpm) values (%s, %s, %s, %s)",
            [(device_id, start + timedelta(seconds=i * step_s), NOW, bpm) for i, bpm in enumerate(values)],
        )


async def incident(conn: Connection, resident_id: int | None, **values: Any) -> int:
    """An SOS of the resident, open since `NOW`, with a heart rate and a position; `values` are further columns."""
    times = dict.fromkeys(("occurred_at", "opened_at", "round_started_at", "position_at"), NOW)
    next_step = {"next_step": 1, "due_at": NOW + timedelta(minutes=1)}
    where = {"lat": 31.2304, "lon": 121.4737, "accuracy_m": 15}
    what = {"subject": f"resident:{resident_id}", "kind": "sos", "severity": "sos", "state": "open", "source": "button"}
    return await insert(
        conn, "incident", resident_id=resident_id, bpm=128, **{**what, **times, **next_step, **where, **values}
    )


async def call(conn: Connection, incident_id: int, person_id: int, **values: Any) -> int:
    """A call to the person about the incident, waiting to be sent; `values` are further columns."""
    message = {"channel": "voice", "address": "+99970000000", "purpose": "alarm", "step": 0, "content": "{}"}
    times = {"send_after": NOW, "created_at": NOW}
    about = {"incident_id": incident_id, "person_id": person_id}
    return await insert(conn, "notification", **{**about, **message, **times, **values})


async def insert(conn: Connection, table: str, **values: Any) -> int:
    """A row; returns its id."""
    query = sql.SQL("insert into {} ({}) values ({}) returning id").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    row = await (await conn.execute(query, values)).fetchone()
    assert row is not None
    return int(row[0])


async def _grid(conn: Connection, name: str, *workers: int) -> int:
    grid_id = await people.create_grid(conn, name, "幸福社区")
    await people.set_grid_workers(conn, grid_id, workers)
    return grid_id


async def _wearer(conn: Connection, device_id: str, grid_id: int, name: str, house: str) -> int:
    resident_id = await resident(conn, name, address=f"幸福路1弄{house}", grid_id=grid_id)
    await wears(conn, resident_id, device_id)
    return resident_id


async def _reports(conn: Connection, device_id: str) -> None:
    """Half an hour of heart rates until `NOW`, and where and how the band is."""
    await beats(conn, device_id, NOW, [70 + minute % 5 for minute in range(30)], step_s=-60)
    band = {"band": device_id, "now": NOW, "lat": 31.2305, "lon": 121.4738}
    for query in (
        "insert into location (device_id, ts, received_at, lat, lon)"
        " values (%(band)s, %(now)s, %(now)s, %(lat)s, %(lon)s)",
        "insert into device_status (device_id, ts, received_at, battery_pct) values (%(band)s, %(now)s, %(now)s, 78)",
        "insert into device_state (device_id, last_seen_at, bpm, bpm_ts, lat, lon, accuracy_m, location_ts,"
        " battery_pct, worn, status_ts) values (%(band)s, %(now)s, 72, %(now)s, %(lat)s, %(lon)s, 12, %(now)s, 78,"
        " true, %(now)s)",
    ):
        await conn.execute(query, band)
