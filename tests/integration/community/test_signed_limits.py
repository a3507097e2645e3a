"""Limits of a resident's own say who signed them, when and why; a signature is of the very limits that were signed."""

from datetime import timedelta

import pytest

from eldercare.accounts import audit
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import consents, people, resident_changes, residents
from eldercare.community.consents import Purpose
from eldercare.community.resident_schema import File
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, InvalidInput
from eldercare.tools.doctor import community as doctor
from tests.support.community import NOW, resident, viewer

TODAY = NOW.date()
LOW = {"hr_low_urgent": 38}
REASON = "运动员，静息心率一向偏低"


@pytest.fixture(autouse=True)
async def _now(conn: Connection) -> None:
    await set_clock(conn, NOW, 0, real=False)


async def signature(conn: Connection, who: Viewer, resident_id: int) -> tuple[object, ...]:
    file: File = await residents.file(conn, who, resident_id)
    return file.rule_overrides, file.limits_signed_by, file.limits_signed_at, file.limits_reason


async def patient(conn: Connection, doctor: Viewer) -> int:
    old = await resident(conn)
    await people.link(conn, old, doctor.person_id, "doctor")
    await consents.give(conn, old, Purpose.CLINIC, given_by="本人", now=NOW)
    return old


async def named(conn: Connection, who: Viewer) -> str:
    row = await (await conn.execute("select name from person where id = %s", (who.person_id,))).fetchone()
    assert row is not None
    return str(row[0])


async def test_a_doctor_signs_the_limits_of_a_patient_who_has_consented(conn: Connection) -> None:
    who, duty = await viewer(conn, Role.DOCTOR), await viewer(conn, Role.DUTY)
    old = await patient(conn, who)
    await residents.update(conn, who, old, {"rule_overrides": LOW, "limits_reason": REASON}, TODAY)
    assert await signature(conn, duty, old) == (LOW, await named(conn, who), NOW, REASON)
    assert await signature(conn, who, old) == await signature(conn, duty, old)
    entries = (await audit.listing(conn, await viewer(conn, Role.ADMIN), resident_id=old)).items
    assert [(entry.viewer_id, entry.action, entry.detail["fields"]) for entry in entries] == [
        (who.person_id, "update", ["limits_reason", "rule_overrides"])
    ]


async def test_a_doctor_changes_nothing_else_and_nobodys_limits_without_a_consent(conn: Connection) -> None:
    who = await viewer(conn, Role.DOCTOR)
    old = await patient(conn, who)
    with pytest.raises(Forbidden, match="conditions"):
        await residents.update(conn, who, old, {"rule_overrides": LOW, "conditions": "x"}, TODAY)
    await consents.withdraw(conn, old, Purpose.CLINIC, NOW)
    await consents.give(conn, old, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    # Who knows of her as a grid worker too is still no doctor whom she has agreed to.
    grid_id = await people.create_grid(conn, "一", "梧桐里")
    both = await viewer(conn, Role.DOCTOR, Role.GRID)
    await people.set_grid_workers(conn, grid_id, [both.person_id])
    await residents.update(conn, await viewer(conn, Role.DUTY), old, {"grid_id": grid_id}, TODAY)
    await people.link(conn, old, both.person_id, "doctor")
    with pytest.raises(Forbidden, match="rule_overrides"):
        await residents.update(conn, both, old, {"rule_overrides": LOW}, TODAY)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.GRID, Role.FAMILY])
async def test_nobody_else_signs_and_the_desk_does_as_before(conn: Connection, role: Role) -> None:
    who, duty = await viewer(conn, role), await viewer(conn, Role.DUTY)
    grid_id = await people.create_grid(conn, "一", "梧桐里")
    old = await resident(conn, grid_id=grid_id)
    await people.set_grid_workers(conn, grid_id, [who.person_id])
    await people.link(conn, old, who.person_id, "family")
    await consents.give(conn, old, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    for change in ({"rule_overrides": LOW}, {"limits_reason": REASON}):
        with pytest.raises(Forbidden, match=next(iter(change))):
            await residents.update(conn, who, old, change, TODAY)
    await residents.update(conn, duty, old, {"rule_overrides": LOW}, TODAY)
    assert await signature(conn, duty, old) == (LOW, await named(conn, duty), NOW, None)


async def test_who_does_not_see_health_sees_no_limits_and_no_reason(conn: Connection) -> None:
    duty, old = await viewer(conn, Role.DUTY), await resident(conn)
    await residents.update(conn, duty, old, {"rule_overrides": LOW, "limits_reason": REASON}, TODAY)
    assert await signature(conn, await viewer(conn, Role.ADMIN), old) == (None, None, None, None)


async def test_new_limits_are_signed_anew_and_an_old_reason_is_not_theirs(conn: Connection) -> None:
    duty, old = await viewer(conn, Role.DUTY), await resident(conn)
    await residents.update(conn, duty, old, {"rule_overrides": LOW, "limits_reason": REASON}, TODAY)
    later = NOW + timedelta(days=3)
    await set_clock(conn, later, 0, real=False)
    await residents.update(conn, duty, old, {"rule_overrides": {"hr_high_urgent": 140}}, TODAY)
    assert await signature(conn, duty, old) == ({"hr_high_urgent": 140}, await named(conn, duty), later, None)


async def test_what_somebody_wrote_without_a_signature_is_signed_by_writing_it_again(conn: Connection) -> None:
    duty, old = await viewer(conn, Role.DUTY), await resident(conn)
    await residents.update(conn, duty, old, {"rule_overrides": LOW, "limits_reason": REASON}, TODAY)
    # So the version before changes them.
    await conn.execute("update resident set rule_overrides = '{\"hr_low_urgent\": 35}' where id = %s", (old,))
    assert await signature(conn, duty, old) == ({"hr_low_urgent": 35}, None, None, None)
    with pytest.raises(InvalidInput, match="rule_overrides"):
        await residents.update(conn, duty, old, {"limits_reason": "主任同意"}, TODAY)
    again = {"rule_overrides": {"hr_low_urgent": 35}, "limits_reason": "主任同意"}
    await residents.update(conn, duty, old, again, TODAY)
    assert await signature(conn, duty, old) == ({"hr_low_urgent": 35}, await named(conn, duty), NOW, "主任同意")


async def test_where_there_are_no_limits_there_is_nothing_to_sign(conn: Connection) -> None:
    duty, old = await viewer(conn, Role.DUTY), await resident(conn)
    with pytest.raises(InvalidInput, match="limits_reason"):
        await residents.update(conn, duty, old, {"limits_reason": REASON}, TODAY)
    await residents.update(conn, duty, old, {"rule_overrides": LOW, "limits_reason": REASON}, TODAY)
    await residents.update(conn, duty, old, {"rule_overrides": {}}, TODAY)
    assert await signature(conn, duty, old) == ({}, None, None, None)
    row = await (await conn.execute("select limits_signed, limits_signed_by, limits_reason from resident")).fetchone()
    assert row == (None, None, None)


async def test_what_is_not_about_limits_leaves_the_signature(conn: Connection) -> None:
    duty, old = await viewer(conn, Role.DUTY), await resident(conn)
    await residents.update(conn, duty, old, {"rule_overrides": LOW, "limits_reason": REASON}, TODAY)
    before = await signature(conn, duty, old)
    await set_clock(conn, NOW + timedelta(days=1), 0, real=False)
    await residents.update(conn, await viewer(conn, Role.DUTY), old, {"conditions": "冠心病"}, TODAY)
    assert await signature(conn, duty, old) == before


async def test_somebody_new_with_limits_is_signed_for_by_whoever_adds_them(conn: Connection) -> None:
    duty = await viewer(conn, Role.DUTY)
    new = {"name": "王秀英", "address": "梧桐路1号", "rule_overrides": LOW, "limits_reason": REASON}
    added = await resident_changes.add(conn, duty, new, TODAY)
    assert await signature(conn, duty, added) == (LOW, await named(conn, duty), NOW, REASON)


async def test_the_doctor_names_whose_limits_nobody_signed(conn: Connection) -> None:
    duty = await viewer(conn, Role.DUTY)
    signed, unsigned, gone = await resident(conn, "王"), await resident(conn, "李"), await resident(conn, "张")
    assert await doctor.unsigned_limits(conn) == []
    await residents.update(conn, duty, signed, {"rule_overrides": LOW}, TODAY)
    await conn.execute(
        "update resident set rule_overrides = '{\"hr_low_urgent\": 35}' where id = any(%s)", ([unsigned, gone],)
    )
    await resident_changes.leave(conn, duty, gone, NOW, TODAY)
    (found,) = await doctor.unsigned_limits(conn)
    assert f"李 ({unsigned})" in found.what
    assert "王" not in found.what
    assert "张" not in found.what
