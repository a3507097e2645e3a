"""Consultations: a draft is its author's alone, what is signed stays, and both follow the resident's consent."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from eldercare.accounts import audit
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import consents, consultations, people
from eldercare.community.consents import Purpose
from eldercare.community.consultations import Consultation, Draft
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, Forbidden, InvalidInput, NotFound, Outdated
from tests.support.community import NOW, call, incident, resident, viewer

TODAY = NOW.date()
WHOLE = Draft("夜间静息升高", "血压 138/82", "早晚量血压", TODAY + timedelta(days=14))


@dataclass(frozen=True)
class Room:
    """A resident with two doctors to whom she has consented."""

    conn: Connection
    old: int
    doctor: Viewer
    other: Viewer
    duty: Viewer

    async def begin(self, draft: Draft = WHOLE, who: Viewer | None = None) -> int:
        return await consultations.begin(self.conn, who or self.doctor, self.old, draft, NOW, TODAY)

    async def save(self, number: int, draft: Draft, version: int, who: Viewer | None = None) -> None:
        await consultations.save(self.conn, who or self.doctor, number, draft, version, NOW, TODAY)

    async def sign(self, number: int, version: int, who: Viewer | None = None) -> None:
        await consultations.sign(self.conn, who or self.doctor, number, version, NOW, TODAY)

    async def seen(self, who: Viewer) -> list[Consultation]:
        return (await consultations.listing(self.conn, who, self.old)).items


@pytest.fixture
async def room(conn: Connection) -> Room:
    await set_clock(conn, NOW, 0, real=False)
    old = await resident(conn)
    doctors = [await viewer(conn, Role.DOCTOR) for _ in range(2)]
    for each in doctors:
        await people.link(conn, old, each.person_id, "doctor")
    await consents.give(conn, old, Purpose.CLINIC, given_by="本人", now=NOW)
    return Room(conn, old, *doctors, await viewer(conn, Role.DUTY))


async def test_a_draft_is_its_authors_alone_and_what_is_signed_is_for_her_doctors_and_duty(room: Room) -> None:
    number = await room.begin()
    assert [each.state for each in await room.seen(room.doctor)] == ["draft"]
    assert await room.seen(room.other) == await room.seen(room.duty) == []
    for deed in (room.save(number, WHOLE, 1, room.other), room.sign(number, 1, room.other)):
        with pytest.raises(NotFound):
            await deed
    await room.sign(number, 1)
    (signed,) = await room.seen(room.doctor)
    assert (signed.id, signed.state, signed.signed_at, signed.doctor_id) == (
        number,
        "signed",
        NOW,
        room.doctor.person_id,
    )
    assert (signed.reason, signed.findings, signed.advice, signed.next_on) == (
        WHOLE.reason, WHOLE.findings, WHOLE.advice, WHOLE.next_on,
    )  # fmt: skip
    assert await room.seen(room.other) == await room.seen(room.duty) == [signed]


async def test_family_grid_and_admin_read_none_called_or_not(room: Room) -> None:
    conn, old = room.conn, room.old
    await room.sign(await room.begin(), 1)
    daughter, worker = await viewer(conn, Role.FAMILY), await viewer(conn, Role.GRID)
    await people.link(conn, old, daughter.person_id, "family")
    await consents.give(conn, old, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    opened = await incident(conn, old)
    for who in (daughter, worker, await viewer(conn, Role.ADMIN)):
        await call(conn, opened, who.person_id)
        with pytest.raises(Forbidden):
            await room.seen(who)
        with pytest.raises(Forbidden):
            await room.begin(who=who)


async def test_a_withdrawal_acts_at_the_next_request(room: Room) -> None:
    number = await room.begin()
    await consents.withdraw(room.conn, room.old, Purpose.CLINIC, NOW)
    for deed in (room.seen(room.doctor), room.save(number, WHOLE, 1), room.sign(number, 1), room.begin()):
        with pytest.raises(NotFound):
            await deed
    await consents.give(room.conn, room.old, Purpose.CLINIC, given_by="本人", now=NOW)
    assert [each.id for each in await room.seen(room.doctor)] == [number]


async def test_each_doctor_has_one_draft_of_her_and_is_shown_it(room: Room) -> None:
    number = await room.begin()
    with pytest.raises(Outdated) as error:
        await room.begin(replace(WHOLE, reason="别的"))
    assert (error.value.stands.id, error.value.stands.reason) == (number, WHOLE.reason)
    assert await room.begin(who=room.other) != number
    await room.sign(number, 1)
    assert await room.begin() != number


async def test_two_windows_do_not_write_over_each_other(room: Room) -> None:
    number = await room.begin()
    await room.save(number, replace(WHOLE, advice="第一个窗口"), 1)
    with pytest.raises(Outdated) as error:
        await room.save(number, replace(WHOLE, advice="第二个窗口"), 1)
    assert (error.value.stands.version, error.value.stands.advice) == (2, "第一个窗口")
    with pytest.raises(Outdated):
        await room.sign(number, 1)
    await room.save(number, replace(WHOLE, advice="看过了"), 2)
    await room.sign(number, 3)


async def test_what_was_agreed_is_signed_however_late(room: Room) -> None:
    number = await room.begin()
    later = NOW + timedelta(days=30)
    await consultations.sign(room.conn, room.doctor, number, 1, later, later.date())
    assert [(each.state, each.next_on) for each in await room.seen(room.duty)] == [("signed", WHOLE.next_on)]


async def test_what_is_signed_is_only_added_to(room: Room) -> None:
    number = await room.begin()
    with pytest.raises(Conflict, match="draft"):
        await consultations.amend(room.conn, room.doctor, number, "更正", NOW)
    await room.sign(number, 1)
    for deed in (room.save(number, WHOLE, 1), room.sign(number, 1)):
        with pytest.raises(Conflict, match="signed"):
            await deed
    for foreign in (room.save(number, WHOLE, 1, room.other), room.sign(number, 1, room.duty)):
        with pytest.raises(Forbidden):
            await foreign
    await consultations.amend(room.conn, room.doctor, number, " 血压应为 148/82 ", NOW)
    await consultations.amend(room.conn, room.other, number, "已停布洛芬", NOW + timedelta(hours=1))
    with pytest.raises(Forbidden):
        await consultations.amend(room.conn, room.duty, number, "x", NOW)
    (signed,) = await room.seen(room.duty)
    assert [(each.consultation_id, each.author_id, each.text) for each in signed.amendments] == [
        (number, room.doctor.person_id, "血压应为 148/82"), (number, room.other.person_id, "已停布洛芬"),
    ]  # fmt: skip
    assert (signed.findings, signed.version) == (WHOLE.findings, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "update consultation set advice = 'x'",
        "update consultation set state = 'draft', signed_at = null",
        "delete from consultation",
        "truncate consultation cascade",
        "update consultation_amendment set text = 'x'",
        "delete from consultation_amendment",
        "truncate consultation_amendment",
    ],
)
async def test_the_database_holds_what_is_signed(room: Room, statement: str) -> None:
    number = await room.begin()
    await room.sign(number, 1)
    await consultations.amend(room.conn, room.doctor, number, "更正", NOW)
    await room.conn.commit()
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
        await room.conn.execute(statement.encode())
    await room.conn.rollback()
    # Only with the resident, who takes along all that was written of them.
    await room.conn.execute("delete from resident where id = %s", (room.old,))
    row = await (await room.conn.execute("select count(*) from consultation_amendment")).fetchone()
    assert row == (0,)


async def test_the_database_adds_nothing_to_a_draft(room: Room) -> None:
    number = await room.begin()
    with pytest.raises(psycopg.errors.CheckViolation):
        await room.conn.execute(
            "insert into consultation_amendment (consultation_id, author_id, at, text) values (%s, %s, %s, 'x')",
            (number, room.doctor.person_id, NOW),
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reason", ""), ("reason", " \n"), ("reason", "长" * 501), ("findings", "长" * 4001), ("advice", "长" * 4001),
        ("next_on", TODAY - timedelta(days=1)), ("at", NOW + timedelta(minutes=1)),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_names_its_field(room: Room, field: str, value: Any) -> None:
    wrong = replace(WHOLE, **{field: value})
    with pytest.raises(InvalidInput) as error:
        await room.begin(wrong)
    assert error.value.field == field
    number = await room.begin()
    with pytest.raises(InvalidInput, match=field):
        await room.save(number, wrong, 1)


@pytest.mark.parametrize("field", ["findings", "advice"])
async def test_a_draft_may_be_half_written_and_is_not_signed_then(room: Room, field: str) -> None:
    number = await room.begin(replace(WHOLE, **{field: ""}))
    with pytest.raises(InvalidInput, match=field):
        await room.sign(number, 1)
    await room.save(number, WHOLE, 1)
    await room.sign(number, 2)
    for text in ("", " ", "长" * 4001):
        with pytest.raises(InvalidInput, match="text"):
            await consultations.amend(room.conn, room.doctor, number, text, NOW)


async def test_when_she_was_seen_stays_as_it_was_said(room: Room) -> None:
    yesterday = NOW - timedelta(days=1)
    number = await room.begin(replace(WHOLE, at=yesterday))
    await room.save(number, WHOLE, 1)
    assert (await consultations.get(room.conn, room.doctor, number)).at == yesterday


async def test_the_last_signed_one_and_the_own_draft_are_found(room: Room) -> None:
    assert await consultations.last_signed(room.conn, room.doctor, [room.old]) == {}
    for reason in ("一", "二"):
        await room.sign(await room.begin(replace(WHOLE, reason=reason)), 1)
    assert await consultations.own_draft(room.conn, room.doctor, room.old) is None
    draft = await room.begin(replace(WHOLE, reason="三"))
    for who in (room.doctor, room.other, room.duty):
        found = await consultations.last_signed(room.conn, who, [room.old])
        assert {old: each.reason for old, each in found.items()} == {room.old: "二"}
    own = await consultations.own_draft(room.conn, room.doctor, room.old)
    assert own is not None
    assert own.id == draft
    pages = [(await consultations.listing(room.conn, room.doctor, room.old, limit=2))]
    pages.append(await consultations.listing(room.conn, room.doctor, room.old, limit=2, cursor=pages[0].next_cursor))
    assert [[each.reason for each in page.items] for page in pages] == [["三", "二"], ["一"]]


async def test_each_reading_and_writing_is_in_the_audit_log(room: Room) -> None:
    number = await room.begin()
    await room.save(number, WHOLE, 1)
    await room.sign(number, 2)
    await consultations.amend(room.conn, room.other, number, "更正", NOW)
    await room.seen(room.duty)
    log = (await audit.listing(room.conn, await viewer(room.conn, Role.ADMIN), resident_id=room.old)).items
    assert [(each.viewer_id, each.what, each.action, each.detail.get("consultation_id")) for each in reversed(log)] == [
        (room.doctor.person_id, "consultation", "write", number),
        (room.doctor.person_id, "consultation", "write", number),
        (room.doctor.person_id, "consultation", "sign", number),
        (room.other.person_id, "consultation", "amend", number),
        (room.duty.person_id, "consultations", "read", None),
    ]


async def test_a_temporary_table_makes_nobody_gone_whose_consultations_could_go(room: Room) -> None:
    number = await room.begin()
    await room.sign(number, 1)
    await consultations.amend(room.conn, room.doctor, number, "已停用布洛芬", NOW)
    await room.conn.execute("create temporary table resident (id bigint)")
    await room.conn.execute("create temporary table consultation (id bigint, state text)")
    for table in ("consultation", "consultation_amendment"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
            async with room.conn.transaction():
                await room.conn.execute(f"delete from public.{table}".encode())
