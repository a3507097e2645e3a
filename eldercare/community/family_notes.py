"""Words that the relatives of one resident leave each other ("called her at ten, all well").

They speak of her, so they follow her consent to share daily life with family: without it nobody of the family reads or
writes one. Duty reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, NotFound
from eldercare.platform.validation import fields

MOST_CHARS = 500
SHOWN = 10
"""So many are shown of each resident, the newest."""


@dataclass(frozen=True, slots=True)
class FamilyNote:
    """One word: by whom, what they are to the resident ("" where they no longer are), when (aware)."""

    id: int
    author_id: int
    author: str
    relation: str
    written_at: datetime
    text: str


_NEWEST = sql.SQL(
    """
    select r.id, n.id, n.author_id, p.name, coalesce(k.relation, ''), n.written_at, n.text
    from resident r
    cross join lateral (
        select * from family_note where resident_id = r.id order by id desc limit {most}
    ) n
    join person p on p.id = n.author_id
    left join resident_contact k on k.resident_id = r.id and k.person_id = n.author_id and k.kind = 'family'
    where r.id = any({residents}) and {may_read}
    order by r.id, n.id desc
    """
)


async def newest(conn: Connection, viewer: Viewer, resident_ids: Sequence[int]) -> dict[int, list[FamilyNote]]:
    """The newest of each resident, newest first; nothing of whom the viewer may not read. The caller audits."""
    found: dict[int, list[FamilyNote]] = {resident_id: [] for resident_id in resident_ids}
    query = _NEWEST.format(
        most=sql.Literal(SHOWN), residents=sql.Literal(list(resident_ids)), may_read=_may_read(viewer)
    )
    for resident_id, *values in await (await conn.execute(query)).fetchall():
        found[resident_id].append(FamilyNote(*values))
    return found


async def write(conn: Connection, viewer: Viewer, resident_id: int, text: str, now: datetime) -> int:
    """Leave a word as of `now`; returns its id, and leaves a row in the audit log.

    Raises Forbidden for whoever is not family, or to whom her daily life is not open; NotFound for whom they may not
    know, InvalidInput for an empty text or one of more than `MOST_CHARS` characters.
    """
    access.require_role(viewer, Role.FAMILY)
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    query = sql.SQL("select {} from resident r where r.id = {}").format(_may_write(viewer), sql.Literal(resident_id))
    row = await (await conn.execute(query)).fetchone()
    if row is None:
        raise NotFound("resident", resident_id)
    if not row[0]:
        raise Forbidden(f"words about resident {resident_id} are for family to whom daily life is open")
    written = await conn.execute(
        "insert into family_note (resident_id, author_id, written_at, text) values (%s, %s, %s, %s) returning id",
        (resident_id, viewer.person_id, now, fields.text("text", text, most=MOST_CHARS, required=True)),
    )
    made = await written.fetchone()
    assert made is not None  # noqa: S101  an insert returns its row
    note_id: int = made[0]
    await audit.record(conn, viewer, "family_note", resident_id=resident_id, action="write")
    return note_id


def _may_read(viewer: Viewer) -> sql.Composable:
    return access.TRUE if viewer.has(Role.DUTY) else _may_write(viewer)


def _may_write(viewer: Viewer) -> sql.Composable:
    """Family by consent, and by no other way: a grid worker who is called sees her health, and is not family."""
    return access.family(viewer, Scope.HEALTH)
