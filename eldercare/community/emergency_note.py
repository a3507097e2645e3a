"""What whoever goes to a resident has to know (急救须知), such as "takes warfarin, keep the head up".

A doctor writes it, or duty. It is the one part of somebody's health that is opened by going there: whoever is called to
them, or goes, reads it while that lasts (`access.emergency_note`), and nothing else of the file.
"""

from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.community import resident_history
from eldercare.community.resident_schema import MOST_IN_EMERGENCY_NOTE, EmergencyNote
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, NotFound
from eldercare.platform.validation import fields

_NOTES = sql.SQL(
    """
    select r.id, r.emergency_note, r.emergency_note_by, p.name, r.emergency_note_at
    from resident r left join person p on p.id = r.emergency_note_by
    where r.id = any({residents}) and r.emergency_note is not null and {may_read}
    """
)


async def of(conn: Connection, viewer: Viewer, resident_ids: Sequence[int]) -> dict[int, EmergencyNote]:
    """The notes of those of these residents, by id, who have one that the viewer may read. The caller audits."""
    query = _NOTES.format(residents=sql.Literal(list(resident_ids)), may_read=access.emergency_note(viewer))
    rows = await (await conn.execute(query)).fetchall()
    return {row[0]: EmergencyNote(*row[1:]) for row in rows}


async def get(conn: Connection, viewer: Viewer, resident_id: int) -> EmergencyNote | None:
    """The resident's note, None where there is none; leaves a row in the audit log. Raises NotFound, also for whom the
    viewer may not know, and Forbidden."""
    query = sql.SQL("select {} or {}, {} from resident r where r.id = {}").format(
        access.resident(viewer, Scope.CONTACT),
        access.called_now(viewer),
        access.emergency_note(viewer),
        sql.Literal(resident_id),
    )
    row = await (await conn.execute(query)).fetchone()
    if row is None or not (row[0] or row[1]):
        raise NotFound("resident", resident_id)
    if not row[1]:
        raise Forbidden(f"the emergency note of resident {resident_id} is for whoever goes there, or sees their health")
    found = (await of(conn, viewer, [resident_id])).get(resident_id)
    if found is not None:
        await audit.record(conn, viewer, "emergency_note", resident_id=resident_id)
    return found


async def write(conn: Connection, viewer: Viewer, resident_id: int, text: str, now: datetime) -> EmergencyNote | None:
    """Write the note as of `now` (aware); an empty text takes it away. Returns what stands now, and leaves a row in the
    audit log. A text that stands already keeps its author and its time.

    For duty, and for doctors whom the resident has consented to. Raises Forbidden for everybody else, NotFound for whom
    they may not know, InvalidInput for more than `MOST_IN_EMERGENCY_NOTE` characters.
    """
    await access.require(conn, viewer, resident_id, Scope.CONTACT)
    await access.require_clinic(conn, viewer, resident_id)
    checked = fields.text("text", text, most=MOST_IN_EMERGENCY_NOTE) or None
    await resident_history.writes(conn, viewer.person_id)
    await conn.execute(
        "update resident set emergency_note = %(text)s, emergency_note_by = %(by)s, emergency_note_at = %(now)s"
        " where id = %(id)s and emergency_note is distinct from %(text)s",
        {"text": checked, "by": viewer.person_id, "now": now, "id": resident_id},
    )
    await audit.record(conn, viewer, "emergency_note", resident_id=resident_id, action="write")
    return (await of(conn, viewer, [resident_id])).get(resident_id)
