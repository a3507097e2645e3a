"""Bands: periods that never overlap, the wearer's memory forgotten, commands."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from alerts.detection import device_state
from eldercare.accounts.viewers import Role
from eldercare.community import commands, consents, devices, people
from eldercare.community.consents import Purpose
from eldercare.platform.database import Connection, connect
from eldercare.platform.errors import Conflict, Forbidden, InvalidInput, NotFound
from eldercare.platform.listen import INCIDENT_CHANNEL
from tests.support.community import NOW, call, incident, resident, viewer, wears

HOUR = timedelta(hours=1)


async def test_a_band_has_one_wearer_at_a_time(conn: Connection) -> None:
    first, second = await resident(conn), await resident(conn)
    await wears(conn, first, "band-1", since=NOW - HOUR)
    with pytest.raises(Conflict, match=rf"worn by .+ \(resident {first}\)"):
        await devices.assign(conn, "band-1", second, since=NOW)
    with pytest.raises(Conflict, match=rf"worn by .+ \(resident {first}\)"):
        await devices.assign(conn, "band-1", first, since=NOW - 2 * HOUR, until=NOW)
    await devices.assign(conn, "band-1", second, since=NOW - 3 * HOUR, until=NOW - HOUR)
    periods = await devices.assignments(conn, device_id="band-1")
    assert [(a.resident_id, a.since, a.until) for a in periods] == [
        (second, NOW - 3 * HOUR, NOW - HOUR),
        (first, NOW - HOUR, None),
    ]


async def test_two_desks_assign_the_same_band_and_one_is_refused(database_url: str, conn: Connection) -> None:
    first, second = await resident(conn), await resident(conn)
    await devices.create(conn, "band-1")
    await conn.commit()

    async def assign(resident_id: int) -> bool:
        async with await connect(database_url) as other:
            try:
                await devices.assign(other, "band-1", resident_id, since=NOW)
            except Conflict:
                return False
            return True

    assert sorted(await asyncio.gather(assign(first), assign(second))) == [False, True]


async def test_the_band_is_held_while_its_periods_are_written(database_url: str, conn: Connection) -> None:
    wearer = await resident(conn)
    await wears(conn, wearer, "band-1", since=NOW - HOUR)
    await conn.commit()

    async def free() -> bool:
        async with await connect(database_url) as other:
            row = await other.execute("select from device where id = 'band-1' for no key update skip locked")
            return row.rowcount == 1

    assert await free()
    await devices.unassign(conn, "band-1", at=NOW)
    assert not await free()
    await conn.commit()
    await devices.assign(conn, "band-1", wearer, since=NOW)
    assert not await free()


async def test_handing_on_a_band_forgets_the_wearer_and_keeps_the_band(conn: Connection) -> None:
    first, second = await resident(conn), await resident(conn)
    await wears(conn, first, "band-1", since=NOW - HOUR)
    await conn.execute(
        "insert into device_state (device_id, last_seen_at, bpm, bpm_ts, lat, lon, location_ts, battery_pct, rules)"
        " values ('band-1', %(t)s, 60, %(t)s, 31.2, 121.4, %(t)s, 80, '{\"slow\": 1}')",
        {"t": NOW},
    )
    ended = await devices.unassign(conn, "band-1", at=NOW)
    assert (ended.resident_id, ended.until) == (first, NOW)
    await devices.assign(conn, "band-1", second, since=NOW)
    row = await (
        await conn.execute(
            "select bpm, bpm_ts, lat, lon, location_ts, rules, battery_pct, last_seen_at from device_state"
        )
    ).fetchone()
    assert row == (None, None, None, None, None, {}, 80, NOW)


async def test_what_cannot_be_assigned_is_said(conn: Connection) -> None:
    old = await resident(conn)
    await devices.create(conn, "band-1")
    with pytest.raises(NotFound, match="device band-9"):
        await devices.assign(conn, "band-9", old, since=NOW)
    with pytest.raises(NotFound, match="resident 999"):
        await devices.assign(conn, "band-1", 999, since=NOW)
    with pytest.raises(InvalidInput, match="until"):
        await devices.assign(conn, "band-1", old, since=NOW, until=NOW)
    with pytest.raises(NotFound, match="wearer"):
        await devices.unassign(conn, "band-1", at=NOW)
    await devices.assign(conn, "band-1", old, since=NOW)
    with pytest.raises(InvalidInput, match="only begun"):
        await devices.unassign(conn, "band-1", at=NOW)
    with pytest.raises(Conflict):
        await devices.create(conn, "band-1")
    with pytest.raises(InvalidInput, match="device_id"):
        await devices.create(conn, "band/+")


async def test_a_retired_band_is_worn_no_more(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1", since=NOW - HOUR)
    await devices.retire(conn, "band-1", at=NOW)
    assert (await devices.assignments(conn, resident_id=old))[0].until == NOW
    with pytest.raises(Conflict, match="retired"):
        await devices.assign(conn, "band-1", old, since=NOW)
    with pytest.raises(NotFound):
        await devices.retire(conn, "band-1", at=NOW)


async def test_lists_show_the_bands_of_ones_own_residents(conn: Connection) -> None:
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, now(), 0)", (NOW,))
    old = await resident(conn)
    await wears(conn, old, "band-2", since=NOW - HOUR)
    for device_id in ("band-1", "band-3"):
        await devices.create(conn, device_id)
    await devices.retire(conn, "band-3", at=NOW)
    duty, stranger = await viewer(conn, Role.DUTY), await viewer(conn, Role.GRID)
    assert [d.id for d in (await devices.listing(conn, duty)).items] == ["band-1", "band-2"]
    assert [d.id for d in (await devices.listing(conn, duty, free=True)).items] == ["band-1"]
    assert [d.id for d in (await devices.listing(conn, duty, retired=True)).items] == ["band-1", "band-2", "band-3"]
    assert (await devices.get(conn, duty, "band-2")).resident_id == old
    assert (await devices.listing(conn, stranger)).items == []
    with pytest.raises(NotFound):
        await devices.get(conn, stranger, "band-2")
    page = await devices.listing(conn, duty, limit=1)
    assert [d.id for d in (await devices.listing(conn, duty, limit=1, cursor=page.next_cursor)).items] == ["band-2"]


async def test_a_command_is_written_queued_and_wakes_the_deliverer(database_url: str, conn: Connection) -> None:
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, now(), 0)", (NOW,))
    old, duty = await resident(conn), await viewer(conn, Role.DUTY)
    await wears(conn, old, "band-1", since=NOW - HOUR)
    await conn.commit()
    async with await connect(database_url, autocommit=True) as listener:
        await listener.execute(f"listen {INCIDENT_CHANNEL}")
        command = await commands.request(conn, duty, "band-1", "locate", NOW)
        await conn.commit()
        assert [notice.channel async for notice in listener.notifies(timeout=60, stop_after=1)] == [INCIDENT_CHANNEL]
    row = await (
        await conn.execute("select channel, purpose, address, status, send_after, content from notification")
    ).fetchone()
    content = {"id": command.id, "action": "locate", "expires_at": (NOW + commands.VALID_FOR).isoformat()}
    assert row == ("band", "command", "band-1", "queued", NOW, content)
    assert not await commands.answer(conn, "band-2", command.id, "done", None, NOW)
    assert await commands.answer(conn, "band-1", command.id, "done", "31.2,121.4", NOW)
    assert await commands.answer(conn, "band-1", command.id, "failed", "again", NOW + HOUR)
    answered = (await commands.listing(conn, duty, "band-1"))[0]
    assert (answered.status, answered.detail, answered.answered_at) == ("done", "31.2,121.4", NOW)


async def test_who_may_command_a_band(conn: Connection) -> None:
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, now(), 0)", (NOW,))
    old, duty, worker = await resident(conn), await viewer(conn, Role.DUTY), await viewer(conn, Role.GRID)
    await wears(conn, old, "band-1", since=NOW - HOUR)
    await devices.create(conn, "band-2")
    with pytest.raises(NotFound):
        await commands.request(conn, worker, "band-1", "buzz", NOW)
    await call(conn, await incident(conn, old), worker.person_id)
    await commands.request(conn, worker, "band-1", "buzz", NOW)
    with pytest.raises(Forbidden):
        await commands.request(conn, await viewer(conn, Role.ADMIN), "band-1", "buzz", NOW)
    with pytest.raises(Conflict, match="nobody wears"):
        await commands.request(conn, duty, "band-2", "buzz", NOW)
    with pytest.raises(InvalidInput, match="action"):
        await commands.request(conn, duty, "band-1", "explode", NOW)


async def test_what_a_lent_band_answered_on_another_wrist_stays_there(conn: Connection) -> None:
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, now(), 0)", (NOW,))
    before, after = await resident(conn, "王秀英"), await resident(conn, "李秀兰")
    duty, daughter = await viewer(conn, Role.DUTY), await viewer(conn, Role.FAMILY)
    await people.link(conn, after, daughter.person_id, "family")
    await consents.give(conn, after, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    await wears(conn, before, "band-1", since=NOW - 3 * HOUR)
    then = NOW - 2 * HOUR
    for action, answer in (("locate", "31.2,121.4"), ("measure_heart_rate", "71")):
        await _answered(conn, "band-1", action, answer, then)
    await devices.unassign(conn, "band-1", at=NOW - HOUR)
    assert await commands.listing(conn, duty, "band-1") == []
    await wears(conn, after, "band-1", since=NOW - HOUR)
    assert await commands.listing(conn, duty, "band-1") == []
    for action, answer in (("locate", "31.3,121.5"), ("measure_heart_rate", "80"), ("buzz", "felt")):
        await _answered(conn, "band-1", action, answer, NOW - HOUR / 2)
    for who, wanted in (
        (duty, {"locate": "31.3,121.5", "measure_heart_rate": "80", "buzz": "felt"}),
        (daughter, {"locate": None, "measure_heart_rate": "80", "buzz": "felt"}),
        (await viewer(conn, Role.ADMIN), {"locate": None, "measure_heart_rate": None, "buzz": "felt"}),
    ):
        assert {each.action: each.detail for each in await commands.listing(conn, who, "band-1")} == wanted
    trail = await (await conn.execute("select role, what, resident_id from audit order by id")).fetchall()
    assert trail == [(role, "commands", after) for role in ("duty", "family", "admin")]


async def _answered(conn: Connection, device_id: str, action: str, answer: str, at: datetime) -> None:
    duty = await viewer(conn, Role.DUTY)
    command = await commands.request(conn, duty, device_id, action, at)
    await commands.answer(conn, device_id, command.id, "done", answer, at)


async def test_what_comes_late_from_the_wrist_before_is_not_the_newest_of_this_one(conn: Connection) -> None:
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, now(), 0)", (NOW,))
    old, duty = await resident(conn), await viewer(conn, Role.DUTY)
    await wears(conn, old, "band-1", since=NOW - HOUR)
    late, fresh = NOW - 2 * HOUR, NOW - HOUR / 2
    for at, values in ((late, (131, 31.2, 121.4, 55, True)), (fresh, (71, 31.3, 121.5, 54, False))):
        _, locked, _ = await device_state.lock(conn, ["band-1"], UTC)
        bpm, lat, lon, battery, worn = values
        latest = device_state.Latest(bpm, at, lat, lon, 10.0, at, battery, None, worn, None, None, at)
        await device_state.save(conn, list(locked.values()), {"band-1": latest}, NOW)
        row = await (await conn.execute("select bpm, lat, battery_pct, worn, location_ts from device_state")).fetchone()
        assert row == ((71, 31.3, 54, False, fresh) if at == fresh else (None, None, 55, None, None))
        assert (await devices.get(conn, duty, "band-1")).worn == (False if at == fresh else None)
