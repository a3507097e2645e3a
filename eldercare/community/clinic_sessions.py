"""The hours in which a doctor sees people (坐诊), and who comes when and why.

A doctor makes their own, and puts in patients who have consented to the clinic. Duty puts in anybody of the community:
where no consent to that doctor stands, the doctor sees the name and the time, and not why.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, Forbidden, InvalidInput, NotFound
from eldercare.platform.validation import fields

MOST_IN_PLACE = 200
MOST_IN_WHY = 500
"""Characters."""
LONGEST = timedelta(hours=12)
"""The longest session; a longer one is a mistyped day."""
LONGEST_SLOT_MIN = 240
MOST_SESSIONS = 500
"""So many are listed at most."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Who comes when (aware), for how many minutes. `why` is None where it is not the viewer's to read; `consented` is
    whether the resident has consented to this doctor now. `outcome` is `came`, `missed`, or None: nobody has said."""

    session_id: int
    resident_id: int
    name: str
    begins_at: datetime
    minutes: int
    why: str | None
    outcome: str | None
    consented: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a doctor; times aware. The slots are in the order of time."""

    id: int
    doctor_id: int
    doctor: str
    begins_at: datetime
    ends_at: datetime
    place: str
    slots: list[Slot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to stand in a slot. `why` None: as it stands."""

    begins_at: datetime
    minutes: int
    why: str | None = None
    outcome: str | None = None


_SESSIONS = sql.SQL(
    """
    select s.id, s.doctor_id, p.name as doctor, s.begins_at, s.ends_at, s.place
    from clinic_session s join person p on p.id = s.doctor_id
    where {condition} and {mine} order by s.begins_at, s.id limit {limit}
    """
)
_CONSENTED = sql.SQL(
    """
    exists (select from consent c join resident_contact k on k.resident_id = c.resident_id
            where c.resident_id = r.id and c.withdrawn_at is null and c.purpose = 'clinic'
              and k.person_id = s.doctor_id and k.kind = 'doctor')
    """
)
_SLOTS = sql.SQL(
    """
    select t.session_id, t.resident_id, r.name, t.begins_at,
           (extract(epoch from t.ends_at - t.begins_at) / 60)::integer as minutes,
           case when {clinic} then t.why end as why, t.outcome, {consented} as consented
    from clinic_slot t join clinic_session s on s.id = t.session_id join resident r on r.id = t.resident_id
    where t.session_id = any({sessions}) order by t.begins_at, t.resident_id
    """
)


async def listing(conn: Connection, viewer: Viewer, start: datetime, end: datetime) -> list[Session]:
    """The sessions that begin from `start` on and before `end` (aware), by time, at most `MOST_SESSIONS`: for a doctor
    their own, for duty and admin all. Leaves a row in the audit log where it shows why somebody comes. Raises
    Forbidden."""
    access.require_role(viewer, Role.DOCTOR, Role.DUTY, Role.ADMIN)
    condition = sql.SQL("s.begins_at >= {} and s.begins_at < {}").format(sql.Literal(start), sql.Literal(end))
    found = await _sessions(conn, viewer, condition)
    await _shown(conn, viewer, found)
    return found


async def get(conn: Connection, viewer: Viewer, session_id: int) -> Session:
    """One session. Leaves a row as `listing` does. Raises NotFound, also for another doctor's, and Forbidden."""
    access.require_role(viewer, Role.DOCTOR, Role.DUTY, Role.ADMIN)
    found = await _sessions(conn, viewer, sql.SQL("s.id = {}").format(sql.Literal(session_id)))
    if not found:
        raise NotFound("clinic session", session_id)
    await _shown(conn, viewer, found)
    return found[0]


async def make(
    conn: Connection, viewer: Viewer, doctor_id: int | None, begins_at: datetime, ends_at: datetime, place: str
) -> int:
    """Make a session; returns its id. `doctor_id` None is the viewer.

    A doctor makes their own, duty and admin anybody's. Raises Forbidden, InvalidInput naming the field, also where the
    doctor has another session at that time.
    """
    access.require_role(viewer, Role.DOCTOR, Role.DUTY, Role.ADMIN)
    doctor = viewer.person_id if doctor_id is None else doctor_id
    if doctor != viewer.person_id and not viewer.has(Role.DUTY, Role.ADMIN):
        raise Forbidden("a doctor makes sessions of their own")
    await _check_doctor(conn, doctor)
    begin, end = fields.moment("begins_at", begins_at), fields.moment("ends_at", ends_at)
    if not begin < end <= begin + LONGEST:
        hours = LONGEST // timedelta(hours=1)
        raise InvalidInput(
            "ends_at", f"应在开始之后 {hours} 小时内 / should be within {hours} hours after the beginning"
        )
    values = (doctor, begin, end, fields.text("place", place, most=MOST_IN_PLACE, required=True), viewer.person_id)
    try:
        async with conn.transaction():
            row = await (await conn.execute(_MAKE, values)).fetchone()
    except psycopg.errors.ExclusionViolation as error:
        raise InvalidInput("begins_at", "这位医生此时已有坐诊 / the doctor has another session then") from error
    assert row is not None  # noqa: S101  an insert returns its row
    await audit.record(conn, viewer, "clinic_session", action="create", detail={"session_id": row[0], "doctor": doctor})
    return int(row[0])


_MAKE = """
insert into clinic_session (doctor_id, begins_at, ends_at, place, made_by) values (%s, %s, %s, %s, %s) returning id
"""


async def put(conn: Connection, viewer: Viewer, session_id: int, resident_id: int, wanted: Wanted) -> None:
    """Put the resident into the session, move them, or say whether they came; leaves a row in the audit log.

    The session's doctor does so for patients who have consented, duty for anybody who is looked after. Raises NotFound,
    Forbidden, InvalidInput naming the field: outside the session, or where somebody else has that time.
    """
    session = await _changed(conn, viewer, session_id)
    await _require_patient(conn, viewer, resident_id)
    begin = fields.moment("begins_at", wanted.begins_at)
    if not 1 <= wanted.minutes <= LONGEST_SLOT_MIN:
        raise InvalidInput("minutes", f"应为 1 至 {LONGEST_SLOT_MIN} 分钟 / should be 1 to {LONGEST_SLOT_MIN} minutes")
    end = begin + timedelta(minutes=wanted.minutes)
    if not session.begins_at <= begin < session.ends_at:
        raise InvalidInput("begins_at", "不在坐诊时间内 / is outside the session")
    if end > session.ends_at:
        raise InvalidInput("minutes", "超出坐诊时间 / goes beyond the end of the session")
    values = {
        "session": session_id, "resident": resident_id, "begin": begin, "end": end, "outcome": wanted.outcome,
        "why": None if wanted.why is None else fields.text("why", wanted.why, most=MOST_IN_WHY),
    }  # fmt: skip
    try:
        async with conn.transaction():
            await conn.execute(_PUT, values)
    except psycopg.errors.ExclusionViolation as error:
        raise InvalidInput("begins_at", "此时已有别人 / somebody else has that time") from error
    detail = {"session_id": session_id, "outcome": wanted.outcome}
    await audit.record(conn, viewer, "clinic_slot", resident_id=resident_id, action="write", detail=detail)


_PUT = """
insert into clinic_slot (session_id, resident_id, begins_at, ends_at, why, outcome)
values (%(session)s, %(resident)s, %(begin)s, %(end)s, coalesce(%(why)s, ''), %(outcome)s)
on conflict (session_id, resident_id) do update set begins_at = excluded.begins_at, ends_at = excluded.ends_at,
    why = coalesce(%(why)s, clinic_slot.why), outcome = excluded.outcome
"""


async def take_out(conn: Connection, viewer: Viewer, session_id: int, resident_id: int) -> None:
    """Take the resident out of the session, as duty or its doctor, consent or not; leaves a row in the audit log.
    Raises NotFound, Forbidden."""
    await _changed(conn, viewer, session_id)
    gone = await conn.execute(
        "delete from clinic_slot where session_id = %s and resident_id = %s", (session_id, resident_id)
    )
    if not gone.rowcount:
        raise NotFound("slot of resident", resident_id)
    detail = {"session_id": session_id}
    await audit.record(conn, viewer, "clinic_slot", resident_id=resident_id, action="delete", detail=detail)


async def cancel(conn: Connection, viewer: Viewer, session_id: int) -> None:
    """Take back a session into which nobody is put, as its doctor, duty or admin; leaves a row in the audit log.
    Raises NotFound, Forbidden, and Conflict while somebody is in it: they were told when to come."""
    access.require_role(viewer, Role.DOCTOR, Role.DUTY, Role.ADMIN)
    row = await (
        await conn.execute("select doctor_id from clinic_session where id = %s for update", (session_id,))
    ).fetchone()
    if row is None or not (row[0] == viewer.person_id or viewer.has(Role.DUTY, Role.ADMIN)):
        raise NotFound("clinic session", session_id)
    gone = await conn.execute(
        "delete from clinic_session s where id = %s and not exists (select from clinic_slot where session_id = s.id)",
        (session_id,),
    )
    if not gone.rowcount:
        raise Conflict(f"somebody is put into clinic session {session_id}; take them out first")
    detail = {"session_id": session_id, "doctor": row[0]}
    await audit.record(conn, viewer, "clinic_session", action="delete", detail=detail)


async def _sessions(conn: Connection, viewer: Viewer, condition: sql.Composable) -> list[Session]:
    mine = access.TRUE if viewer.has(Role.DUTY, Role.ADMIN) else sql.SQL("s.doctor_id = {}")
    query = _SESSIONS.format(
        condition=condition, mine=mine.format(sql.Literal(viewer.person_id)), limit=sql.Literal(MOST_SESSIONS)
    )
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        sessions = await (await cursor.execute(query)).fetchall()
    slots: dict[int, list[Slot]] = {each.id: [] for each in sessions}
    query = _SLOTS.format(clinic=access.clinic(viewer), consented=_CONSENTED, sessions=sql.Literal(list(slots)))
    async with conn.cursor(row_factory=class_row(Slot)) as cursor_:
        for slot in await (await cursor_.execute(query)).fetchall():
            slots[slot.session_id].append(slot)
    return [dataclasses.replace(each, slots=slots[each.id]) for each in sessions]


async def _shown(conn: Connection, viewer: Viewer, sessions: Iterable[Session]) -> None:
    """Write down of whom it was shown why they come."""
    seen = (slot.resident_id for session in sessions for slot in session.slots if slot.why)
    await audit.shown(conn, viewer, "clinic_sessions", seen)


async def _changed(conn: Connection, viewer: Viewer, session_id: int) -> Session:
    """The session, held, for whoever may change its slots: its doctor, and duty."""
    access.require_role(viewer, Role.DOCTOR, Role.DUTY)
    await conn.execute("select from clinic_session where id = %s for no key update", (session_id,))
    found = await _sessions(conn, viewer, sql.SQL("s.id = {}").format(sql.Literal(session_id)))
    if not found:
        raise NotFound("clinic session", session_id)
    if found[0].doctor_id != viewer.person_id and not viewer.has(Role.DUTY):
        raise Forbidden(f"the slots of clinic session {session_id} are its doctor's and the desk's")
    return found[0]


async def _require_patient(conn: Connection, viewer: Viewer, resident_id: int) -> None:
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    await access.require_clinic(conn, viewer, resident_id)
    row = await (await conn.execute("select left_at is null from resident where id = %s", (resident_id,))).fetchone()
    if row is None or not row[0]:
        raise InvalidInput("resident_id", "已不在照护中 / is no longer looked after")


async def _check_doctor(conn: Connection, person_id: int) -> None:
    row = await (
        await conn.execute(
            "select from person p join person_role r on r.person_id = p.id and r.role = 'doctor'"
            " where p.id = %s and p.left_at is null",
            (person_id,),
        )
    ).fetchone()
    if row is None:
        raise InvalidInput("doctor_id", f"{person_id} 不是医生 / is no doctor")
