"""The clinic's sessions: who makes them, who is put in by whom, and what the doctor then sees of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from eldercare.accounts import audit
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import clinic_sessions, consents, people, resident_changes
from eldercare.community.clinic_sessions import Session, Slot, Wanted
from eldercare.community.consents import Purpose
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.support.community import NOW, resident, viewer

END = NOW + timedelta(hours=2)


@dataclass(frozen=True)
class Clinic:
    """A doctor's session of two hours from `NOW` on; `patient` has consented to the doctor, `stranger` to nothing."""

    conn: Connection
    doctor: Viewer
    duty: Viewer
    patient: int
    stranger: int
    session: int

    async def put(self, who: Viewer, old: int, at: int = 0, minutes: int = 15, **more: Any) -> None:
        wanted = Wanted(NOW + timedelta(minutes=at), minutes, **more)
        await clinic_sessions.put(self.conn, who, self.session, old, wanted)

    async def slots(self, who: Viewer) -> list[Slot]:
        return (await clinic_sessions.get(self.conn, who, self.session)).slots


@pytest.fixture
async def clinic(conn: Connection) -> Clinic:
    await set_clock(conn, NOW, 0, real=False)
    doctor, duty = await viewer(conn, Role.DOCTOR), await viewer(conn, Role.DUTY)
    patient, stranger = await resident(conn, "于阿根"), await resident(conn, "王宝根")
    await people.link(conn, patient, doctor.person_id, "doctor")
    await consents.give(conn, patient, Purpose.CLINIC, given_by="本人", now=NOW)
    session = await clinic_sessions.make(conn, doctor, None, NOW, END, "居委会二楼")
    return Clinic(conn, doctor, duty, patient, stranger, session)


async def test_a_doctor_makes_their_own_and_the_desk_and_admin_anybodys(clinic: Clinic) -> None:
    conn, doctor = clinic.conn, clinic.doctor.person_id
    other = await viewer(conn, Role.DOCTOR)
    later = NOW + timedelta(days=1)
    with pytest.raises(Forbidden):
        await clinic_sessions.make(conn, other, doctor, later, later + timedelta(hours=1), "二楼")
    for days, who in enumerate((clinic.duty, await viewer(conn, Role.ADMIN)), start=1):
        begin = NOW + timedelta(days=days)
        await clinic_sessions.make(conn, who, doctor, begin, begin + timedelta(hours=1), "二楼")
        with pytest.raises(InvalidInput, match="doctor_id"):
            await clinic_sessions.make(conn, who, None, begin, begin + timedelta(hours=1), "二楼")
    for role in (Role.GRID, Role.FAMILY):
        with pytest.raises(Forbidden):
            await clinic_sessions.make(conn, await viewer(conn, role), doctor, later, END + timedelta(days=1), "二楼")
    log = (await audit.listing(conn, await viewer(conn, Role.ADMIN))).items
    made = [each.detail for each in log if each.what == "clinic_session"]
    assert [each["doctor"] for each in made] == [doctor] * 3


@pytest.mark.parametrize(
    ("field", "begin", "end", "place"),
    [
        ("begins_at", NOW + timedelta(hours=1), END + timedelta(hours=1), "二楼"),
        ("begins_at", NOW - timedelta(hours=1), NOW + timedelta(minutes=1), "二楼"),
        ("ends_at", END, END, "二楼"),
        ("ends_at", END + timedelta(hours=1), END, "二楼"),
        ("ends_at", END, END + timedelta(hours=12, seconds=1), "二楼"),
        ("place", END, END + timedelta(hours=1), " "),
        ("place", END, END + timedelta(hours=1), "长" * 201),
    ],
)
async def test_a_session_that_cannot_be_names_its_field(
    clinic: Clinic, field: str, begin: datetime, end: datetime, place: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        await clinic_sessions.make(clinic.conn, clinic.doctor, None, begin, end, place)
    assert error.value.field == field


async def test_sessions_may_touch_and_two_doctors_may_sit_at_once(clinic: Clinic) -> None:
    await clinic_sessions.make(clinic.conn, clinic.doctor, None, END, END + timedelta(hours=12), "二楼")
    other = await viewer(clinic.conn, Role.DOCTOR)
    await clinic_sessions.make(clinic.conn, other, None, NOW, END, "三楼")
    week = NOW + timedelta(days=7)
    found = [await clinic_sessions.listing(clinic.conn, who, NOW, week) for who in (clinic.doctor, other, clinic.duty)]
    places = [[each.place for each in one] for one in found]
    assert places == [["居委会二楼", "二楼"], ["三楼"], ["居委会二楼", "三楼", "二楼"]]
    assert await clinic_sessions.listing(clinic.conn, clinic.duty, NOW - timedelta(days=7), NOW) == []
    with pytest.raises(NotFound):
        await clinic_sessions.get(clinic.conn, other, clinic.session)


async def test_a_doctor_puts_in_who_has_consented_and_the_desk_anybody(clinic: Clinic) -> None:
    await clinic.put(clinic.doctor, clinic.patient, why="夜间静息升高")
    with pytest.raises(NotFound):
        await clinic.put(clinic.doctor, clinic.stranger, 15)
    await clinic.put(clinic.duty, clinic.stranger, 15, 20, why="头晕")
    seen = [(each.name, each.minutes, each.why, each.consented) for each in await clinic.slots(clinic.doctor)]
    assert seen == [("于阿根", 15, "夜间静息升高", True), ("王宝根", 20, None, False)]
    assert [each.why for each in await clinic.slots(clinic.duty)] == ["夜间静息升高", "头晕"]
    assert [each.why for each in await clinic.slots(await viewer(clinic.conn, Role.ADMIN))] == [None, None]
    for who in (await viewer(clinic.conn, Role.ADMIN), await viewer(clinic.conn, Role.GRID)):
        with pytest.raises(Forbidden):
            await clinic.put(who, clinic.patient, 60)


async def test_a_withdrawal_leaves_the_name_and_the_time(clinic: Clinic) -> None:
    await clinic.put(clinic.doctor, clinic.patient, why="夜间静息升高")
    await consents.withdraw(clinic.conn, clinic.patient, Purpose.CLINIC, NOW)
    assert [(each.name, each.why, each.consented) for each in await clinic.slots(clinic.doctor)] == [
        ("于阿根", None, False)
    ]
    with pytest.raises(NotFound):
        await clinic.put(clinic.doctor, clinic.patient)
    await clinic_sessions.take_out(clinic.conn, clinic.doctor, clinic.session, clinic.patient)
    assert await clinic.slots(clinic.duty) == []
    with pytest.raises(NotFound):
        await clinic_sessions.take_out(clinic.conn, clinic.doctor, clinic.session, clinic.patient)


@pytest.mark.parametrize(
    ("field", "at", "minutes"),
    [
        ("begins_at", -1, 15), ("begins_at", 120, 15), ("minutes", 110, 15), ("minutes", 0, 0), ("minutes", 0, 241),
        ("begins_at", 29, 15), ("begins_at", 31, 1), ("begins_at", 20, 60),
    ],
)  # fmt: skip
async def test_a_slot_that_cannot_be_names_its_field(clinic: Clinic, field: str, at: int, minutes: int) -> None:
    await clinic.put(clinic.duty, clinic.stranger, 30)
    with pytest.raises(InvalidInput) as error:
        await clinic.put(clinic.doctor, clinic.patient, at, minutes)
    assert error.value.field == field
    await clinic.put(clinic.doctor, clinic.patient, 45, 75)


async def test_who_is_in_is_moved_and_said_to_have_come(clinic: Clinic) -> None:
    await clinic.put(clinic.doctor, clinic.patient, why="夜间静息升高")
    await clinic.put(clinic.doctor, clinic.patient, 5, 10, outcome="came")
    (slot,) = await clinic.slots(clinic.doctor)
    assert (slot.begins_at, slot.minutes, slot.why, slot.outcome) == (
        NOW + timedelta(minutes=5), 10, "夜间静息升高", "came",
    )  # fmt: skip
    await clinic.put(clinic.doctor, clinic.patient, 5, 10, why="", outcome=None)
    assert [(each.why, each.outcome) for each in await clinic.slots(clinic.doctor)] == [("", None)]


async def test_whoever_has_left_is_put_in_by_nobody(clinic: Clinic) -> None:
    await resident_changes.leave(clinic.conn, clinic.duty, clinic.stranger, NOW, NOW.date())
    with pytest.raises(InvalidInput, match="resident_id"):
        await clinic.put(clinic.duty, clinic.stranger)


async def test_a_session_is_taken_back_while_nobody_is_in_it(clinic: Clinic) -> None:
    conn = clinic.conn
    await clinic.put(clinic.doctor, clinic.patient)
    for who in (clinic.doctor, clinic.duty):
        with pytest.raises(Conflict, match="take them out first"):
            await clinic_sessions.cancel(conn, who, clinic.session)
    with pytest.raises(NotFound):
        await clinic_sessions.cancel(conn, await viewer(conn, Role.DOCTOR), clinic.session)
    await clinic_sessions.take_out(conn, clinic.doctor, clinic.session, clinic.patient)
    await clinic_sessions.cancel(conn, clinic.doctor, clinic.session)
    with pytest.raises(NotFound):
        await clinic_sessions.get(conn, clinic.duty, clinic.session)
    await clinic_sessions.make(conn, clinic.duty, clinic.doctor.person_id, NOW, END, "三楼")


async def test_it_is_in_the_log_whose_reasons_were_shown(clinic: Clinic) -> None:
    await clinic.put(clinic.doctor, clinic.patient, why="夜间静息升高")
    await clinic.put(clinic.duty, clinic.stranger, 15, why="头晕")
    for who in (clinic.doctor, clinic.duty):
        (session,) = await clinic_sessions.listing(clinic.conn, who, NOW, END)
        assert isinstance(session, Session)
    log = (await audit.listing(clinic.conn, await viewer(clinic.conn, Role.ADMIN))).items
    both = sorted([clinic.patient, clinic.stranger])
    assert [(each.viewer_id, each.what, each.action, each.resident_ids) for each in reversed(log)][1:] == [
        (clinic.doctor.person_id, "clinic_slot", "write", [clinic.patient]),
        (clinic.duty.person_id, "clinic_slot", "write", [clinic.stranger]),
        (clinic.doctor.person_id, "clinic_sessions", "read", [clinic.patient]),
        (clinic.duty.person_id, "clinic_sessions", "read", both),
    ]
