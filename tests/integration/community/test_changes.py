"""What a person did by mistake has a way back: bands, people, contacts, grids."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from alerts.incidents import leaving
from eldercare.accounts import access, sessions
from eldercare.accounts.viewers import COMMAND_LINE, Role, Viewer
from eldercare.community import assignments, devices, people, people_changes
from eldercare.community.devices import BandState
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from tests.support import community
from tests.support.community import NOW, PHONES, AtWork

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
async def here(conn: Connection) -> AtWork:
    return await community.at_work(conn)


async def state_of(conn: Connection, device_id: str) -> tuple[str, int | None]:
    band = await devices.get(conn, COMMAND_LINE, device_id)
    row = await (
        await conn.execute("select state, retired_at is not null from device where id = %s", (device_id,))
    ).fetchone()
    assert row is not None
    assert row == (band.state, band.state == "retired")
    return band.state, band.resident_id


async def rows(conn: Connection, query: str, *values: object) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query, values)).fetchall()


async def audited(conn: Connection) -> list[tuple[Any, ...]]:
    return await rows(conn, "select viewer_id, what, action, resident_id from audit order by id")


async def test_a_band_is_taken_off_and_given_back(conn: Connection, here: AtWork) -> None:
    assert await state_of(conn, "band-wang") == ("worn", here.wang)
    assert await assignments.take_off(conn, COMMAND_LINE, "band-wang", NOW) == here.wang
    assert await state_of(conn, "band-wang") == ("in_stock", None)
    with pytest.raises(NotFound):
        await assignments.take_off(conn, COMMAND_LINE, "band-wang", NOW)
    await assignments.assign(conn, COMMAND_LINE, "band-wang", here.wang, NOW)
    assert await state_of(conn, "band-wang") == ("worn", here.wang)
    assert await audited(conn) == [(0, "device", "take_off", here.wang), (0, "device", "assign", here.wang)]


async def test_a_resident_wears_one_band_unless_two_are_meant(conn: Connection, here: AtWork) -> None:
    with pytest.raises(Conflict, match="wears band-wang"):
        await assignments.assign(conn, COMMAND_LINE, "band-spare", here.wang, NOW)
    await assignments.assign(conn, COMMAND_LINE, "band-spare", here.wang, NOW, also=True)
    assert await devices.worn_by(conn, here.wang, NOW) == ["band-spare", "band-wang"]
    await conn.execute("update resident set left_at = %s where id = %s", (NOW, here.chen))
    with pytest.raises(Conflict, match="has left"):
        await assignments.assign(conn, COMMAND_LINE, "band-spare", here.chen, NOW)


async def test_a_band_is_replaced_in_one_step(conn: Connection, here: AtWork) -> None:
    assert await assignments.replace(conn, COMMAND_LINE, "band-wang", "band-spare", BandState.LOST, NOW) == here.wang
    assert await state_of(conn, "band-wang") == ("lost", None)
    assert await state_of(conn, "band-spare") == ("worn", here.wang)
    for old, new, error in (
        ("band-spare", "band-spare", InvalidInput),
        ("band-wang", "band-spare", Conflict),
        ("band-spare", "band-chen", Conflict),
        ("band-spare", "band-wang", Conflict),
        ("band-spare", "band-nowhere", NotFound),
    ):
        async with conn.transaction(force_rollback=True):
            with pytest.raises(error):
                await assignments.replace(conn, COMMAND_LINE, old, new, BandState.IN_STOCK, LATER)


@pytest.mark.parametrize("state", [BandState.LOST, BandState.IN_REPAIR, BandState.RETIRED])
async def test_a_band_that_is_put_away_is_nobodys_until_it_is_in_stock_again(
    conn: Connection, here: AtWork, state: BandState
) -> None:
    await conn.execute("update device set mqtt_password_hash = 'x'")
    assert await assignments.set_state(conn, COMMAND_LINE, "band-wang", state, NOW) == here.wang
    assert await state_of(conn, "band-wang") == (state, None)
    with pytest.raises(Conflict, match=state.replace("_", " ")):
        await assignments.assign(conn, COMMAND_LINE, "band-wang", here.wang, NOW)
    kept = await rows(conn, "select mqtt_password_hash from device where id = 'band-wang'")
    assert kept == [(None if state is BandState.RETIRED else "x",)]
    await assignments.set_state(conn, COMMAND_LINE, "band-wang", BandState.IN_STOCK, NOW)
    await assignments.assign(conn, COMMAND_LINE, "band-wang", here.wang, NOW)
    assert await state_of(conn, "band-wang") == ("worn", here.wang)
    with pytest.raises(InvalidInput, match="state"):
        await assignments.set_state(conn, COMMAND_LINE, "band-wang", BandState.WORN, NOW)
    with pytest.raises(NotFound):
        await assignments.set_state(conn, COMMAND_LINE, "nowhere", BandState.LOST, NOW)


async def test_the_state_follows_assignments_and_retirements_of_the_version_before(
    conn: Connection, here: AtWork
) -> None:
    assign = "insert into assignment (device_id, resident_id, period) values ('band-spare', %s, tstzrange(%s, null))"
    await conn.execute(assign, (here.wang, NOW))
    assert await state_of(conn, "band-spare") == ("worn", here.wang)
    await conn.execute("delete from assignment where device_id = 'band-spare'")
    assert await state_of(conn, "band-spare") == ("in_stock", None)
    await conn.execute("update device set retired_at = %s where id = 'band-spare'", (NOW,))
    assert await state_of(conn, "band-spare") == ("retired", None)
    await conn.execute("update device set retired_at = null where id = 'band-spare'")
    assert await state_of(conn, "band-spare") == ("in_stock", None)
    await conn.execute("update device set state = 'retired' where id = 'band-spare'")
    assert await state_of(conn, "band-spare") == ("retired", None)
    await conn.execute("update device set state = 'lost' where id = 'band-spare'")
    assert await state_of(conn, "band-spare") == ("lost", None)


async def test_only_duty_and_admin_move_bands(conn: Connection, here: AtWork) -> None:
    grid = Viewer(here.grid, "", frozenset({Role.GRID}), Role.GRID)
    duty = Viewer(here.duty, "", frozenset({Role.DUTY}), Role.DUTY)
    with pytest.raises(Forbidden):
        await assignments.take_off(conn, grid, "band-wang", NOW)
    await assignments.take_off(conn, duty, "band-wang", NOW)
    with pytest.raises(Forbidden):
        await people_changes.create_grid(conn, duty, "第九网格", "")
    with pytest.raises(Forbidden):
        await leaving.remove(conn, duty, here.grid, "api", NOW)


async def test_who_is_removed_is_not_rung_and_not_logged_in_and_what_they_had_goes_on(
    conn: Connection, here: AtWork
) -> None:
    worker = here.grid
    login = await sessions.login(conn, "grid", community.PASSWORD)
    await people.add_contact_method(conn, worker, "voice", "+99910000088")
    assert await leaving.remove(conn, COMMAND_LINE, worker, "api", NOW) == [here.accepted]
    incident = await rows(conn, "select state, owner_id, taken_off_id from incident where id = %s", here.accepted)
    assert incident == [("open", None, worker)]
    with pytest.raises(Unauthenticated):
        await sessions.resume(conn, login.token)
    with pytest.raises(Unauthenticated):
        await sessions.login(conn, "grid", community.PASSWORD)
    assert await people.contact_methods(conn, [worker]) == []
    assert await rows(conn, "select from grid_worker where person_id = %s", worker) == []
    with pytest.raises(Conflict, match="has left already"):
        await leaving.remove(conn, COMMAND_LINE, worker, "api", NOW)


async def test_a_removal_is_undone_whole(conn: Connection, here: AtWork) -> None:
    worker, daughter = here.grid, here.daughter
    await conn.execute("update contact_method set active = false where person_id = %s and channel = 'sms'", (worker,))
    tables = {
        "contact_method": "select id, active from contact_method order by id",
        "grid_worker": "select * from grid_worker order by 1, 2",
        "resident_contact": "select * from resident_contact order by 1, 2, 3",
    }
    before = {name: await rows(conn, query) for name, query in tables.items()}
    for person in (worker, daughter):
        await leaving.remove(conn, COMMAND_LINE, person, "api", NOW)
    assert {name: await rows(conn, query) for name, query in tables.items()} != before
    for person in (worker, daughter):
        await people_changes.come_back(conn, COMMAND_LINE, person)
    assert {name: await rows(conn, query) for name, query in tables.items()} == before
    assert (await sessions.login(conn, "grid", community.PASSWORD)).viewer.person_id == worker
    with pytest.raises(NotFound):
        await people_changes.come_back(conn, COMMAND_LINE, worker)


async def test_whoever_is_asked_and_removed_moves_the_ladder_on(conn: Connection, here: AtWork) -> None:
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, step, content, status,"
        " send_after, created_at) values (%s, %s, 'voice', '+99910000007', 'alarm', 0, '{}', 'queued', %s, %s)",
        (here.opened, here.lead, NOW, NOW),
    )
    assert await leaving.remove(conn, COMMAND_LINE, here.lead, "api", NOW) == [here.opened]
    assert await rows(conn, "select due_at from incident where id = %s", here.opened) == [(NOW,)]
    waiting = "select status from notification where person_id = %s and purpose = 'alarm'"
    assert await rows(conn, waiting, here.lead) == [("done",)]


async def test_the_only_admin_stays_and_nobody_removes_themselves(conn: Connection, here: AtWork) -> None:
    with pytest.raises(Conflict, match="only admin"):
        await leaving.remove(conn, COMMAND_LINE, here.admin, "api", NOW)
    with pytest.raises(Conflict, match="only admin"):
        await people_changes.set_roles(conn, COMMAND_LINE, here.admin, [Role.DUTY])
    admin = Viewer(here.admin, "", frozenset({Role.ADMIN}), Role.ADMIN)
    with pytest.raises(Conflict, match="themselves"):
        await leaving.remove(conn, admin, here.admin, "api", NOW)
    with pytest.raises(NotFound):
        await leaving.remove(conn, admin, 99_999, "api", NOW)
    await people_changes.add(conn, admin, "新主任", ["admin"], None, None, "second", "zh")
    await leaving.remove(conn, COMMAND_LINE, here.admin, "api", NOW)


async def removed(conn: Connection, person_id: int) -> None:
    await leaving.remove(conn, COMMAND_LINE, person_id, "api", NOW)


async def no_admin_any_more(conn: Connection, person_id: int) -> None:
    await people_changes.set_roles(conn, COMMAND_LINE, person_id, [Role.DUTY])


@pytest.mark.parametrize("one", [removed, no_admin_any_more])
@pytest.mark.parametrize("other", [removed, no_admin_any_more])
async def test_of_two_admins_who_are_taken_away_at_the_same_moment_one_stays(
    conn: Connection,
    here: AtWork,
    database_url: str,
    one: Callable[[Connection, int], Awaitable[None]],
    other: Callable[[Connection, int], Awaitable[None]],
) -> None:
    second = (await people_changes.add(conn, COMMAND_LINE, "新主任", ["admin"], None, None, "second", "zh")).id
    await conn.commit()
    async with await connect(database_url) as first, await connect(database_url, limits=COMMAND) as then:
        await one(first, second)
        taking = asyncio.create_task(other(then, here.admin))
        while not taking.done() and not await rows(  # noqa: ASYNC110  the database says it
            conn, "select from pg_locks where pid = %s and not granted", then.info.backend_pid
        ):
            await asyncio.sleep(0.01)
        await first.commit()
        with pytest.raises(Conflict, match="only admin"):
            await taking
    assert await people.other_admins(conn, second) == 1


async def test_a_password_is_reset_and_old_logins_end(conn: Connection, here: AtWork) -> None:
    old = await sessions.login(conn, "grid", community.PASSWORD)
    name, new = await people_changes.reset_password(conn, COMMAND_LINE, here.grid)
    assert name == "grid"
    with pytest.raises(Unauthenticated):
        await sessions.resume(conn, old.token)
    with pytest.raises(Unauthenticated):
        await sessions.login(conn, "grid", community.PASSWORD)
    assert (await sessions.login(conn, "grid", new)).viewer.person_id == here.grid
    added = await people_changes.add(conn, COMMAND_LINE, "赵志愿", ["volunteer"], "+99910000077", None, None, "zh")
    with pytest.raises(Conflict, match="no username"):
        await people_changes.reset_password(conn, COMMAND_LINE, added.id)
    with pytest.raises(Conflict, match="no role that logs in"):
        await people_changes.reset_password(conn, COMMAND_LINE, added.id, "zhao")
    await people_changes.set_roles(conn, COMMAND_LINE, added.id, [Role.VOLUNTEER, Role.DUTY])
    with pytest.raises(InvalidInput, match="taken"):
        await people_changes.reset_password(conn, COMMAND_LINE, added.id, "grid")
    with pytest.raises(InvalidInput, match="username"):
        await people_changes.reset_password(conn, COMMAND_LINE, added.id, "Zhao!")
    assert (await people_changes.reset_password(conn, COMMAND_LINE, added.id, "zhao"))[0] == "zhao"
    with pytest.raises(InvalidInput, match="roles"):
        await people_changes.set_roles(conn, COMMAND_LINE, added.id, [])


async def test_another_telephone_is_the_only_one(conn: Connection, here: AtWork) -> None:
    worker = here.grid
    assert await people_changes.set_phone(conn, COMMAND_LINE, worker, "138 1234 5678") == ()
    methods = await people.contact_methods(conn, [worker])
    assert {(method.channel, method.address) for method in methods} == {
        ("voice", "+8613812345678"), ("sms", "+8613812345678"),
    }  # fmt: skip
    assert await people_changes.set_phone(conn, COMMAND_LINE, worker, PHONES["duty"]) == ("张值班",)
    await people_changes.set_phone(conn, COMMAND_LINE, worker, None)
    assert await people.contact_methods(conn, [worker]) == []
    with pytest.raises(InvalidInput, match="phone"):
        await people_changes.set_phone(conn, COMMAND_LINE, worker, "120")


async def test_relatives_doctors_and_keys(conn: Connection, here: AtWork) -> None:
    daughter, doctor = here.daughter, here.doctor
    await people_changes.link(conn, COMMAND_LINE, here.chen, daughter, "family", relation="女儿")
    await people_changes.link(conn, COMMAND_LINE, here.chen, doctor, "doctor", position=2)
    await people_changes.hold_key(conn, COMMAND_LINE, here.chen, daughter, True)
    found = await people.contacts_of(conn, COMMAND_LINE, here.chen)
    assert [(contact.person_id, contact.kind, contact.holds_key) for contact in found] == [
        (daughter, "family", True), (doctor, "doctor", False),
    ]  # fmt: skip
    await people_changes.hold_key(conn, COMMAND_LINE, here.chen, daughter, False)
    await people_changes.unlink(conn, COMMAND_LINE, here.chen, daughter, "family")
    await people_changes.unlink(conn, COMMAND_LINE, here.chen, doctor, "doctor")
    assert await people.contacts_of(conn, COMMAND_LINE, here.chen) == []
    for change in (
        people_changes.unlink(conn, COMMAND_LINE, here.chen, daughter, "family"),
        people_changes.hold_key(conn, COMMAND_LINE, here.chen, daughter, True),
        people_changes.link(conn, COMMAND_LINE, 99_999, daughter, "family"),
        people_changes.link(conn, COMMAND_LINE, here.chen, 99_999, "family"),
    ):
        with pytest.raises(NotFound):
            await change
    with pytest.raises(Conflict, match="no doctor"):
        await people_changes.link(conn, COMMAND_LINE, here.chen, daughter, "doctor")
    with pytest.raises(InvalidInput, match="kind"):
        await people_changes.link(conn, COMMAND_LINE, here.chen, daughter, "friend")
    await people_changes.link(conn, COMMAND_LINE, here.chen, doctor, "family")
    assert (await people.get(conn, doctor)).roles == ["doctor", "family"]


async def test_grids_are_made_renamed_and_worked(conn: Connection, here: AtWork) -> None:
    grid_id = await people_changes.create_grid(conn, COMMAND_LINE, "第三网格", "朝阳里")
    with pytest.raises(Conflict, match="第三网格"):
        await people_changes.create_grid(conn, COMMAND_LINE, "3号网格", "")
    with pytest.raises(Conflict, match="一号网格"):
        await people_changes.rename_grid(conn, COMMAND_LINE, grid_id, "第1网格")
    await people_changes.rename_grid(conn, COMMAND_LINE, grid_id, "3网格")
    workers = [here.other_grid, here.grid]
    await people_changes.set_grid_workers(conn, COMMAND_LINE, grid_id, workers)
    found = await people.grid_of(conn, await people.grid_named(conn, "三号网格"))
    assert (found.name, [worker["person_id"] for worker in found.workers]) == ("3网格", workers)
    for wrong in ([], [workers[0], workers[0]], [here.duty]):
        with pytest.raises(InvalidInput, match="person_ids"):
            await people_changes.set_grid_workers(conn, COMMAND_LINE, grid_id, wrong)
    await leaving.remove(conn, COMMAND_LINE, workers[0], "api", NOW)
    with pytest.raises(Conflict, match="has left"):
        await people_changes.set_grid_workers(conn, COMMAND_LINE, grid_id, workers)
    for missing in (people_changes.rename_grid(conn, COMMAND_LINE, 99_999, "x"), people.grid_of(conn, 99_999)):
        with pytest.raises(NotFound):
            await missing
    with pytest.raises(InvalidInput, match="there are: 3网格"):
        await people.grid_named(conn, "第九网格")


def test_the_command_line_may_what_admin_may() -> None:
    access.require_role(COMMAND_LINE, Role.ADMIN)
    assert not COMMAND_LINE.has(Role.DUTY)
