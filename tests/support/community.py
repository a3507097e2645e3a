"""A small invented community for tests: one grid, everybody a ladder can name, two residents with bands."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from eldercare.accounts.viewers import Role
from eldercare.community import devices, people, residents
from eldercare.platform.database import Connection

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Community:
    """Ids; numbers are +999 and the person's place in this list."""

    duty: int
    lead: int
    grid: int
    backup: int
    daughter: int
    doctor: int
    admin: int
    wang: int
    li: int
    grid_id: int


PHONES = {
    "duty": "+99910000001",
    "lead": "+99910000002",
    "grid": "+99910000003",
    "backup": "+99910000004",
    "daughter": "+99910000005",
    "doctor": "+99910000006",
    "admin": "+99910000007",
}
NAMES = {phone: name for name, phone in PHONES.items()}


async def settle(conn: Connection) -> Community:
    """Create them; the caller commits. Wang Xiuying wears band-wang, Li Guilan wears band-li."""
    duty = await people.create(conn, name="张值班", phone=PHONES["duty"], roles=[Role.DUTY])
    lead = await people.create(conn, name="赵组长", phone=PHONES["lead"], roles=[Role.DUTY_LEAD])
    grid = await people.create(conn, name="钱网格", phone=PHONES["grid"], roles=[Role.GRID])
    backup = await people.create(conn, name="孙网格", phone=PHONES["backup"], roles=[Role.GRID])
    daughter = await people.create(conn, name="Wang Min", phone=PHONES["daughter"], roles=[Role.FAMILY], language="en")
    doctor = await people.create(conn, name="周医生", phone=PHONES["doctor"], roles=[Role.DOCTOR])
    admin = await people.create(conn, name="吴管理", phone=PHONES["admin"], roles=[Role.ADMIN])
    grid_id = await people.create_grid(conn, "一号网格", "幸福社区")
    await people.set_grid_workers(conn, grid_id, [grid, backup])
    wang = await _resident(conn, "王秀英", "幸福路1弄2号301室", grid_id, "band-wang")
    li = await _resident(conn, "李桂兰", "幸福路1弄5号102室", grid_id, "band-li")
    await people.link(conn, wang, daughter, "family", relation="女儿")
    await people.link(conn, wang, doctor, "doctor")
    return Community(duty, lead, grid, backup, daughter, doctor, admin, wang, li, grid_id)


async def _resident(conn: Connection, name: str, address: str, grid_id: int, band: str) -> int:
    values = {
        "name": name,
        "address": address,
        "grid_id": grid_id,
        "birth_date": date(1938, 5, 1),
        "home_lat": 31.2304,
        "home_lon": 121.4737,
        "entry": "钥匙在门卫",
    }
    resident = await residents.create(conn, values, date(2026, 11, 24))
    await devices.create(conn, band)
    await devices.assign(conn, band, resident, since=LONG_AGO)
    return resident


def moments(start: datetime, *seconds: float) -> list[datetime]:
    """Times counted from `start`."""
    return [start + timedelta(seconds=each) for each in seconds]
