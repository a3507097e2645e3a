"""What being somebody's relative lets one know, function by function: whom, whose number, which words."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import consents, family_notes, hours, people, relatives
from eldercare.community.consents import Purpose
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, NotFound
from tests.support import community
from tests.support.community import LONG_AGO, NOW, PHONES, Community, incident


@pytest.fixture
async def here(conn: Connection) -> Community:
    """Wang, whose daughter may know of her days."""
    settled = await community.settle(conn)
    await set_clock(conn, NOW, 0, real=False)
    await consents.give(conn, settled.wang, Purpose.FAMILY_HEALTH, given_by="本人", now=LONG_AGO)
    return settled


def viewer(person_id: int, *roles: Role) -> Viewer:
    return Viewer(person_id, "看的人", frozenset(roles), roles[0])


def daughter(here: Community) -> Viewer:
    return viewer(here.daughter, Role.FAMILY)


@pytest.mark.parametrize(
    ("state", "rings"),
    [
        ("open", False), ("accepted", True), ("en_route", True), ("on_site", True),
        ("handed_to_120", False), ("resolved", False),
    ],
)  # fmt: skip
async def test_the_number_of_whoever_goes_is_known_while_they_go(
    conn: Connection, here: Community, state: str, rings: bool
) -> None:
    incident_id = await incident(conn, here.wang, state=state, owner_id=here.grid, accepted_at=NOW)
    found = await relatives.number_of_who_goes(conn, daughter(here), incident_id)
    assert found == (PHONES["grid"] if rings else None)


@pytest.mark.parametrize("role", list(Role))
async def test_the_number_is_that_of_somebody_whose_work_it_is(conn: Connection, here: Community, role: Role) -> None:
    goer = await community.person(conn, role, phone="+99910009200")
    incident_id = await incident(conn, here.wang, state="accepted", owner_id=goer, accepted_at=NOW)
    found = await relatives.number_of_who_goes(conn, daughter(here), incident_id)
    assert (found is not None) is (role in relatives.STAFF)


async def test_nobody_elses_relative_learns_a_number(conn: Connection, here: Community) -> None:
    incident_id = await incident(conn, here.li, state="accepted", owner_id=here.grid, accepted_at=NOW)
    assert await relatives.number_of_who_goes(conn, daughter(here), incident_id) is None
    of_wang = await incident(conn, here.wang, state="accepted", owner_id=here.grid, accepted_at=NOW)
    assert await relatives.number_of_who_goes(conn, viewer(here.doctor, Role.DOCTOR), of_wang) is None
    await consents.withdraw(conn, here.wang, Purpose.FAMILY_HEALTH, NOW)
    assert await relatives.number_of_who_goes(conn, daughter(here), of_wang) is None
    # Who was called knows of it, and rings whoever goes.
    await community.call(conn, of_wang, here.daughter)
    assert await relatives.number_of_who_goes(conn, daughter(here), of_wang) == PHONES["grid"]


async def test_whoever_goes_oneself_has_nobody_to_ring(conn: Connection, here: Community) -> None:
    incident_id = await incident(conn, here.wang, state="accepted", owner_id=here.daughter, accepted_at=NOW)
    assert await relatives.number_of_who_goes(conn, daughter(here), incident_id) is None


async def test_whose_relative_one_is(conn: Connection, here: Community) -> None:
    (wang,) = await relatives.wards(conn, daughter(here))
    assert (wang.name, wang.relation, wang.sees_health, wang.sees_location) == ("王秀英", "女儿", True, False)
    await people.link(conn, here.li, here.daughter, "neighbour")
    assert [each.id for each in await relatives.wards(conn, daughter(here))] == [here.wang]
    await conn.execute("update resident set left_at = %s where id = %s", (NOW, here.wang))
    assert await relatives.wards(conn, daughter(here)) == []
    with pytest.raises(Forbidden):
        await relatives.wards(conn, viewer(here.duty, Role.DUTY))


async def test_without_consent_one_knows_the_name_and_no_number(conn: Connection, here: Community) -> None:
    await conn.execute("update resident set phone = '+99910009001'")
    assert (await relatives.wards(conn, daughter(here)))[0].phone == "+99910009001"
    await consents.withdraw(conn, here.wang, Purpose.FAMILY_HEALTH, NOW)
    (wang,) = await relatives.wards(conn, daughter(here))
    assert (wang.name, wang.phone, wang.sees_health) == ("王秀英", None, False)


async def test_who_reads_relatives_words(conn: Connection, here: Community) -> None:
    """Duty, and the family to whom her days are open; not who is called, nor whom she has agreed to otherwise."""
    await family_notes.write(conn, daughter(here), here.wang, "她都好", NOW)
    await consents.give(conn, here.wang, Purpose.CLINIC, given_by="本人", now=LONG_AGO)
    incident_id = await incident(conn, here.wang)
    await community.call(conn, incident_id, here.grid)
    stranger = await community.person(conn, Role.FAMILY)
    readers = {
        "daughter": daughter(here),
        "duty": viewer(here.duty, Role.DUTY),
        "grid": viewer(here.grid, Role.GRID),
        "doctor": viewer(here.doctor, Role.DOCTOR),
        "admin": viewer(here.admin, Role.ADMIN),
        "stranger": viewer(stranger, Role.FAMILY),
    }
    read = [who for who, each in readers.items() if (await family_notes.newest(conn, each, [here.wang]))[here.wang]]
    assert read == ["daughter", "duty"]
    await consents.withdraw(conn, here.wang, Purpose.FAMILY_HEALTH, NOW)
    assert await family_notes.newest(conn, daughter(here), [here.wang]) == {here.wang: []}


async def test_hours_are_health_and_follow_the_assignment(conn: Connection, here: Community) -> None:
    start = NOW - timedelta(hours=3)
    await community.beats(conn, "band-wang", start, [60, 0, 80, 70], step_s=1800)
    await conn.execute("update heart_rate set steps = 20, motion = 'active' where bpm = 80")
    asked: dict[str, Any] = {"zone": ZoneInfo("Asia/Shanghai"), "few_steps": 10}
    found = await hours.listing(conn, daughter(here), here.wang, start, NOW, **asked)
    assert [(each.at, each.values, each.bpm, each.steps) for each in found] == [
        (start, 1, 60, None),
        (start + timedelta(hours=1), 2, 75, 20),
    ]
    assert found[1].moved_at == start + timedelta(hours=1)
    assert found[1].heart_at == start + timedelta(hours=1, minutes=30)
    assert await hours.moved(conn, daughter(here), here.wang, start, NOW, few_steps=10) == [found[1].moved_at]
    with pytest.raises(Forbidden):
        await hours.listing(conn, viewer(here.grid, Role.GRID), here.wang, start, NOW, **asked)
    with pytest.raises(NotFound):
        await hours.moved(conn, daughter(here), here.li, start, NOW, few_steps=10)
    # The band goes to another: what it told of Wang stays hers, and what it tells now is not.
    await conn.execute(
        "update assignment set period = tstzrange(lower(period), %s) where device_id = 'band-wang'",
        (start + timedelta(minutes=45),),
    )
    found = await hours.listing(conn, daughter(here), here.wang, start, NOW, **asked)
    assert [each.bpm for each in found] == [60]
