"""An invented community, the same at every call: who lives where, who cares, who works. Pure; no secrets in it.

Every telephone number begins with +999, a country code assigned to nobody, so that nobody real is ever rung.
"""

import random
from dataclasses import dataclass
from datetime import date

from eldercare.community.resident_schema import ResidentFacts

COMMUNITY = "梧桐里社区"
CENTRE = (31.2106, 121.4415)
"""Degrees WGS-84, in the old town of Shanghai; streets and people are invented."""
BLOCK_DEGREES = 0.0022
"""About 240 m to the north, 210 m to the east: the streets one grid worker walks."""
RESIDENTS_PER_GRID = 15
LEAST_GRIDS = 2
MOST_GRIDS = 24

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余"
_WOMEN = (
    "秀英", "桂英", "玉兰", "秀珍", "凤英", "玉珍", "桂芳", "玉英", "兰英", "淑珍", "桂兰", "秀兰",
    "素珍", "月英", "阿妹", "惠珍", "根娣", "美娟", "金娣", "招娣", "佩珍", "文娟", "雅琴", "静芳",
)  # fmt: skip
_MEN = (
    "建国", "德明", "国华", "志明", "永康", "福生", "金龙", "阿根", "德福", "宝根", "长生", "祖荣",
    "培德", "善庆", "耀华", "文彬", "鸿生", "继昌", "士良", "仲文",
)  # fmt: skip
_DAUGHTERS = ("丽华", "敏", "晓红", "海燕", "静", "文婷", "雪梅", "莉", "娟", "慧", "爱华")
_SONS = ("建平", "志强", "卫东", "俊", "磊", "国强", "勇", "伟民", "斌")
_YOUNGER = _DAUGHTERS + _SONS
_STREETS = ("梧桐路", "安平路", "香樟路", "康宁路", "永福里", "长青路")
_CONDITIONS = (
    "高血压",
    "高血压、2型糖尿病",
    "冠心病，2019年放支架",
    "心房颤动，服华法林",
    "慢性阻塞性肺病",
    "脑梗后遗症，左侧无力",
    "骨质疏松，2022年髋部骨折",
    "帕金森病",
    "轻度认知障碍",
    "",
)
_MEDICINES = ("氨氯地平 5 mg 早", "二甲双胍 0.5 g 早晚", "阿司匹林 100 mg", "华法林 2.5 mg", "美托洛尔 25 mg 早晚", "")
_ALLERGIES = ("青霉素", "磺胺", "海鲜", "", "", "", "")
_MOBILITY = ("行走自如", "拄拐", "用助行架", "室内扶墙行走，不下楼", "轮椅")
_NEEDS = ("助餐：中午送餐", "助浴：每周一次", "助洁：每周一次", "助医：每月配药", "")
_ENTRY = ("邻居有钥匙", "密码锁，密码问值班台", "钥匙在居委会", "敲门要重，听力差", "按门铃，走路慢请等")


@dataclass(frozen=True, slots=True)
class PlannedPerson:
    """Somebody with a telephone; `username` where they also log in."""

    name: str
    phone: str
    roles: tuple[str, ...]
    username: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """What a planned person is to a resident."""

    person: PlannedPerson
    kind: str
    relation: str
    holds_key: bool
    position: int


@dataclass(frozen=True, slots=True)
class PlannedResident:
    """One resident with band and contacts; `grid` is the grid's place in `Plan.grids`.

    A second seeding knows them by `external_id`. `facts` leaves that out, and the grid, whose id the database gives.
    """

    external_id: str
    device_id: str
    grid: int
    facts: ResidentFacts
    contacts: tuple[PlannedContact, ...]
    consents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole community. `grids` are names; `workers[i]` works grid i, backed up by the next one."""

    grids: tuple[str, ...]
    workers: tuple[PlannedPerson, ...]
    staff: tuple[PlannedPerson, ...]
    doctors: tuple[PlannedPerson, ...]
    residents: tuple[PlannedResident, ...]


def plan(residents: int) -> Plan:
    """The community with so many residents. A larger one holds the same people and more of them."""
    count = min(MOST_GRIDS, max(LEAST_GRIDS, -(-residents // RESIDENTS_PER_GRID)))
    doctors = _doctors()
    return Plan(
        grids=tuple(f"第{number}网格" for number in range(1, count + 1)),
        workers=tuple(_worker(number) for number in range(1, count + 1)),
        staff=_staff(),
        doctors=doctors,
        residents=tuple(_resident(number, count, doctors) for number in range(1, residents + 1)),
    )


def _staff() -> tuple[PlannedPerson, ...]:
    return (
        PlannedPerson("沈值班", _phone(10_000_001), ("duty",), "duty"),
        # A lead is not `duty` as well: they are rung at the second step, and see what duty sees all the same.
        PlannedPerson("陆班长", _phone(10_000_002), ("duty_lead",), "lead"),
        PlannedPerson("顾主任", _phone(10_000_003), ("admin",), "admin"),
    )


def _doctors() -> tuple[PlannedPerson, ...]:
    return (
        PlannedPerson("周医生", _phone(10_000_011), ("doctor",), "doctor"),
        PlannedPerson("钱医生", _phone(10_000_012), ("doctor",), None),
    )


def _worker(number: int) -> PlannedPerson:
    rng = _rng("worker", number)
    name = rng.choice(_SURNAMES) + rng.choice(_YOUNGER)
    return PlannedPerson(name, _phone(10_000_100 + number), ("grid",), f"grid{number}" if number <= 2 else None)


def _resident(number: int, grids: int, doctors: tuple[PlannedPerson, ...]) -> PlannedResident:
    rng = _rng("resident", number)
    woman = rng.random() < 0.65
    surname = rng.choice(_SURNAMES)
    grid = (number - 1) % MOST_GRIDS % grids
    lat, lon = _home(rng, grid)
    disabled = rng.random() < 0.15
    return PlannedResident(
        external_id=f"SEED-{number:05}",
        device_id=f"band-{number:04}",
        grid=grid,
        facts=ResidentFacts(
            name=surname + rng.choice(_WOMEN if woman else _MEN),
            gender="female" if woman else "male",
            birth_date=date(rng.randint(1929, 1946), rng.randint(1, 12), rng.randint(1, 28)),
            phone=_phone(20_000_000 + number * 10),
            address=_address(rng, grid),
            home_lat=lat,
            home_lon=lon,
            safe_radius_m=600,  # a circle is drawn, so that a walk away is told of by day as well
            lives_alone=number == 1 or rng.random() < 0.9,
            disabled=disabled,
            low_income=rng.random() < 0.15,
            hardship=rng.random() < 0.05,
            needs=rng.choice(_NEEDS),
            conditions=rng.choice(_CONDITIONS),
            medicines=rng.choice(_MEDICINES),
            allergies=rng.choice(_ALLERGIES),
            mobility="轮椅" if disabled else rng.choice(_MOBILITY[:4]),
            entry=rng.choice(_ENTRY),
        ),
        contacts=_contacts(rng, number, surname, doctors),
        consents=_consents(rng, number),
    )


def _home(rng: random.Random, grid: int) -> tuple[float, float]:
    row, column = divmod(grid, 6)
    lat = CENTRE[0] + (row - 1.5 + rng.uniform(-0.4, 0.4)) * BLOCK_DEGREES
    lon = CENTRE[1] + (column - 2.5 + rng.uniform(-0.4, 0.4)) * BLOCK_DEGREES
    return round(lat, 6), round(lon, 6)


def _address(rng: random.Random, grid: int) -> str:
    street = _STREETS[grid % len(_STREETS)]
    lane, house = 20 + grid * 7 + rng.randint(0, 6), rng.randint(1, 24)
    return f"{street}{lane}弄{house}号{rng.randint(1, 6)}0{rng.randint(1, 4)}室"


def _contacts(
    rng: random.Random, number: int, surname: str, doctors: tuple[PlannedPerson, ...]
) -> tuple[PlannedContact, ...]:
    first = 20_000_000 + number * 10
    relation, names = rng.choice((("女儿", _DAUGHTERS), ("儿子", _SONS)))
    child = PlannedPerson(
        surname + rng.choice(names), _phone(first + 1), ("family",), "family" if number == 1 else None
    )
    contacts = [PlannedContact(child, "family", relation, rng.random() < 0.5, 1)]
    if rng.random() < 0.4:
        relation, names = rng.choice((("外孙女", _DAUGHTERS), ("侄子", _SONS), ("儿媳", _DAUGHTERS)))
        # Only a brother's son bears the family's name.
        family = surname if relation == "侄子" else rng.choice(_SURNAMES)
        other = PlannedPerson(family + rng.choice(names), _phone(first + 2), ("family",))
        contacts.append(PlannedContact(other, "family", relation, False, 2))
    if rng.random() < 0.6:
        neighbour = PlannedPerson(rng.choice(_SURNAMES) + rng.choice(_WOMEN), _phone(first + 3), ("volunteer",))
        contacts.append(PlannedContact(neighbour, "neighbour", "邻居", True, 3))
    contacts.append(PlannedContact(doctors[number % 2 - 1], "doctor", "社区医院全科医生", False, 4))
    return tuple(contacts)


def _consents(rng: random.Random, number: int) -> tuple[str, ...]:
    likely = {"family_health": 0.9, "family_location": 0.6, "clinic": 0.8}
    return tuple(purpose for purpose, share in likely.items() if rng.random() < share or number == 1)


def _phone(number: int) -> str:
    return f"+999{number:08}"


def _rng(noun: str, number: int) -> random.Random:
    return random.Random(f"{noun} {number}")  # noqa: S311  invented names, no secrets
