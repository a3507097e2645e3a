"""Consultations: what a doctor found and advised when they saw a resident.

A draft is its author's alone, one for each doctor and resident, and each saving checks the version that the author has
seen. What is signed stays as it was signed, which the database holds; what has to be said afterwards is added to it.
Who reads and writes follows the resident's consent to the clinic as it stands at that moment.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, Forbidden, InvalidInput, NotFound, Outdated
from eldercare.platform.pagination import Page
from eldercare.platform.validation import fields

MOST_IN_REASON = 500
MOST_IN_TEXT = 4000
"""Characters of findings, of advice and of an amendment."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a doctor writes. `at` is when they saw her (aware; None: now, or as it stands), `next_on` the day on which
    she should come again."""

    reason: str
    findings: str = ""
    advice: str = ""
    next_on: date | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Amendment:
    """What somebody added to a signed consultation, at `at` (aware)."""

    id: int
    consultation_id: int
    author_id: int
    author: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Consultation:
    """One consultation; `state` is `draft` or `signed`. Times aware. `version` grows with each saving."""

    id: int
    resident_id: int
    doctor_id: int
    doctor: str
    at: datetime
    reason: str
    findings: str
    advice: str
    next_on: date | None
    state: str
    version: int
    saved_at: datetime
    signed_at: datetime | None
    amendments: list[Amendment] = field(default_factory=list)


_SELECT = sql.SQL(
    """
    select c.id, c.resident_id, c.doctor_id, p.name as doctor, c.at, c.reason, c.findings, c.advice, c.next_on, c.state,
           c.version, c.saved_at, c.signed_at
    from consultation c join resident r on r.id = c.resident_id join person p on p.id = c.doctor_id
    where (c.state = 'signed' and {clinic} or c.doctor_id = {viewer} and {own}) and {condition}
    order by c.id desc limit {limit} {hold}
    """
)
_HOLD = sql.SQL("for no key update of c")


async def listing(
    conn: Connection, viewer: Viewer, resident_id: int, *, cursor: str | None = None, limit: int = 100
) -> Page[Consultation]:
    """The resident's consultations, the newest first: the signed ones and the viewer's own draft. Leaves a row in the
    audit log. Raises NotFound, Forbidden, InvalidInput for a wrong cursor or limit."""
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    await access.require_clinic(conn, viewer, resident_id)
    pagination.check_limit(limit, 500)
    after = pagination.decode("consultations", cursor, (int,))
    condition = sql.SQL("c.resident_id = {} and c.id < {}").format(
        sql.Literal(resident_id), sql.Literal(after[0] if after else 2**63 - 1)
    )
    found = await _select(conn, viewer, condition, limit + 1)
    await audit.record(conn, viewer, "consultations", resident_id=resident_id)
    return pagination.page("consultations", found, limit, lambda each: (each.id,))


async def last_signed(conn: Connection, viewer: Viewer, resident_ids: Sequence[int]) -> dict[int, Consultation]:
    """The newest signed consultation of each of these residents who has one that the viewer may read. The caller
    audits."""
    condition = sql.SQL(
        "c.state = 'signed' and c.id = (select max(n.id) from consultation n"
        " where n.resident_id = c.resident_id and n.state = 'signed') and c.resident_id = any({})"
    ).format(sql.Literal(list(resident_ids)))
    return {each.resident_id: each for each in await _select(conn, viewer, condition, len(resident_ids))}


async def own_draft(conn: Connection, viewer: Viewer, resident_id: int) -> Consultation | None:
    """The draft that the viewer has begun of the resident, None without one. The caller audits."""
    condition = sql.SQL("c.state = 'draft' and c.resident_id = {}").format(sql.Literal(resident_id))
    found = await _select(conn, viewer, condition, 1)
    return found[0] if found else None


async def begin(conn: Connection, viewer: Viewer, resident_id: int, draft: Draft, now: datetime, today: date) -> int:
    """Begin a draft as of `now` (aware); returns its id. Raises Outdated with the draft that is there already,
    Forbidden for whoever is no doctor whom the resident has consented to, NotFound, InvalidInput naming the field."""
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    await _require_doctor(conn, viewer, resident_id)
    values = _checked(draft, now, today)
    about = {"resident": resident_id, "doctor": viewer.person_id, "now": now, "at": draft.at or now}
    try:
        async with conn.transaction():
            row = await (await conn.execute(_BEGIN, {**values, **about})).fetchone()
    except psycopg.errors.UniqueViolation as error:
        stands = await own_draft(conn, viewer, resident_id)
        raise Outdated("you have a draft of this resident already, perhaps in another window", stands) from error
    assert row is not None  # noqa: S101  an insert returns its row
    await _record(conn, viewer, resident_id, row[0], "write", 1)
    return int(row[0])


_BEGIN = """
insert into consultation (resident_id, doctor_id, at, reason, findings, advice, next_on, saved_at)
values (%(resident)s, %(doctor)s, %(at)s, %(reason)s, %(findings)s, %(advice)s, %(next_on)s, %(now)s) returning id
"""


async def save(
    conn: Connection, viewer: Viewer, consultation_id: int, draft: Draft, version: int, now: datetime, today: date
) -> None:
    """Write over one's own draft, of which one has seen `version`. Raises Outdated with what stands where that is
    another one; Conflict where it is signed, NotFound, Forbidden, InvalidInput naming the field."""
    stands = await _own(conn, viewer, consultation_id)
    values = _checked(draft, now, today)
    _check_version(stands, version)
    values |= {"id": consultation_id, "now": now, "at": draft.at or stands.at}
    await conn.execute(_SAVE, values)
    await _record(conn, viewer, stands.resident_id, consultation_id, "write", version + 1)


_SAVE = """
update consultation set at = %(at)s, reason = %(reason)s, findings = %(findings)s, advice = %(advice)s,
    next_on = %(next_on)s, saved_at = %(now)s, version = version + 1
where id = %(id)s
"""


async def sign(
    conn: Connection, viewer: Viewer, consultation_id: int, version: int, now: datetime, today: date
) -> None:
    """Sign one's own draft, of which one has seen `version`: from now on nobody changes it. Raises as `save` does, and
    InvalidInput naming what is empty."""
    stands = await _own(conn, viewer, consultation_id)
    _check_version(stands, version)
    draft = Draft(stands.reason, stands.findings, stands.advice, stands.next_on, stands.at)
    # What was agreed stays so, however late it is signed.
    _checked(draft, now, min(today, stands.at.date()), whole=True)
    await conn.execute("update consultation set state = 'signed', signed_at = %s where id = %s", (now, consultation_id))
    await _record(conn, viewer, stands.resident_id, consultation_id, "sign", version)


async def amend(conn: Connection, viewer: Viewer, consultation_id: int, text: str, now: datetime) -> None:
    """Add to a signed consultation, as any doctor whom the resident has consented to. Raises Conflict for a draft,
    NotFound, Forbidden, InvalidInput."""
    stands = await _held(conn, viewer, consultation_id)
    await _require_doctor(conn, viewer, stands.resident_id)
    if stands.state != "signed":
        raise Conflict(f"consultation {consultation_id} is a draft; save it instead")
    await conn.execute(
        "insert into consultation_amendment (consultation_id, author_id, at, text) values (%s, %s, %s, %s)",
        (consultation_id, viewer.person_id, now, fields.text("text", text, most=MOST_IN_TEXT, required=True)),
    )
    await _record(conn, viewer, stands.resident_id, consultation_id, "amend", stands.version)


async def get(conn: Connection, viewer: Viewer, consultation_id: int) -> Consultation:
    """One consultation. Raises NotFound, also for what the viewer may not read. The caller audits."""
    found = await _select(conn, viewer, sql.SQL("c.id = {}").format(sql.Literal(consultation_id)), 1)
    if not found:
        raise NotFound("consultation", consultation_id)
    return found[0]


async def _select(
    conn: Connection, viewer: Viewer, condition: sql.Composable, limit: int, hold: sql.SQL | None = None
) -> list[Consultation]:
    query = _SELECT.format(
        clinic=access.clinic(viewer),
        own=access.signs_limits(viewer),
        viewer=sql.Literal(viewer.person_id),
        condition=condition,
        limit=sql.Literal(limit),
        hold=hold or sql.SQL(""),
    )
    async with conn.cursor(row_factory=class_row(Consultation)) as cursor:
        found = await (await cursor.execute(query)).fetchall()
    added = await _amendments(conn, [each.id for each in found if each.state == "signed"])
    return [dataclasses.replace(each, amendments=added.get(each.id, [])) for each in found]


async def _amendments(conn: Connection, ids: Sequence[int]) -> dict[int, list[Amendment]]:
    if not ids:
        return {}
    found: dict[int, list[Amendment]] = {}
    async with conn.cursor(row_factory=class_row(Amendment)) as cursor:
        await cursor.execute(_AMENDMENTS, (list(ids),))
        for each in await cursor.fetchall():
            found.setdefault(each.consultation_id, []).append(each)
    return found


_AMENDMENTS = """
select a.id, a.consultation_id, a.author_id, p.name as author, a.at, a.text
from consultation_amendment a join person p on p.id = a.author_id
where a.consultation_id = any(%s) order by a.id
"""


async def _held(conn: Connection, viewer: Viewer, consultation_id: int) -> Consultation:
    condition = sql.SQL("c.id = {}").format(sql.Literal(consultation_id))
    found = await _select(conn, viewer, condition, 1, _HOLD)
    if not found:
        raise NotFound("consultation", consultation_id)
    return found[0]


async def _own(conn: Connection, viewer: Viewer, consultation_id: int) -> Consultation:
    """The viewer's own draft, held until the transaction ends."""
    stands = await _held(conn, viewer, consultation_id)
    await _require_doctor(conn, viewer, stands.resident_id)
    if stands.doctor_id != viewer.person_id:
        raise Forbidden(f"consultation {consultation_id} is another doctor's; it can be amended")
    if stands.state != "draft":
        raise Conflict(f"consultation {consultation_id} is signed; it can only be amended")
    return stands


async def _require_doctor(conn: Connection, viewer: Viewer, resident_id: int) -> None:
    condition = access.signs_limits(viewer)
    query = sql.SQL("select from resident r where r.id = {} and {}").format(sql.Literal(resident_id), condition)
    if await (await conn.execute(query)).fetchone() is None:
        raise Forbidden(f"a consultation is written by a doctor whom resident {resident_id} has consented to")


def _check_version(stands: Consultation, version: int) -> None:
    if stands.version != version:
        raise Outdated(f"the draft was saved elsewhere meanwhile; version {stands.version} stands", stands)


def _checked(draft: Draft, now: datetime, today: date, *, whole: bool = False) -> dict[str, Any]:
    """The texts and the day as they are stored; all texts are there where it is to be `whole`."""
    values: dict[str, Any] = {
        "reason": fields.text("reason", draft.reason, most=MOST_IN_REASON, required=True),
        "findings": fields.text("findings", draft.findings, most=MOST_IN_TEXT, required=whole),
        "advice": fields.text("advice", draft.advice, most=MOST_IN_TEXT, required=whole),
        "next_on": draft.next_on,
    }
    if draft.next_on is not None and not (today <= draft.next_on and draft.next_on.year <= fields.LAST_YEAR):
        raise InvalidInput("next_on", "应在今天或以后 / should be today or later")
    if draft.at is not None and fields.moment("at", draft.at) > now:
        raise InvalidInput("at", "还没有到 / is in the future")
    return values


async def _record(
    conn: Connection, viewer: Viewer, resident_id: int, consultation_id: int, action: str, version: int
) -> None:
    detail = {"consultation_id": consultation_id, "version": version}
    await audit.record(conn, viewer, "consultation", resident_id=resident_id, action=action, detail=detail)
