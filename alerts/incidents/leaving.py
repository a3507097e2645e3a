"""Somebody leaves the service: they are called no more, logged in no more, and nothing waits for them."""

from datetime import datetime

from alerts.incidents import desk, handling
from alerts.model.incident import IncidentState
from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import people, people_changes
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict

REASON = "已离开服务 / has left the service"


async def remove(conn: Connection, viewer: Viewer, person_id: int, via: str, now: datetime) -> list[int]:
    """The person leaves; returns the incidents that they had in hand or were called to, which go on without them.

    What they had accepted starts again at its first step, their ringing calls are hung up, their sessions end, and
    their telephones are called no more; `people.come_back` undoes all but the calls. Raises Conflict for oneself, for
    the only admin, and where they have left already; NotFound, Forbidden.
    """
    access.require_role(viewer, Role.ADMIN)
    person = await people.get(conn, person_id)
    if person.left_at is not None:
        raise Conflict(f"{person.name} has left already")
    if viewer.person_id == person_id:
        raise Conflict("nobody removes themselves")
    await people_changes.refuse_last_admin(conn, person)
    await conn.execute("delete from session where person_id = %s", (person_id,))
    by = viewer.person_id or person_id
    concerned = []
    rows = await (await conn.execute(_CONCERNED, {"id": person_id})).fetchall()
    for incident_id, owned, state in rows:
        if not owned:
            await handling.decline(conn, incident_id, person_id, via, now)
        elif state != IncidentState.HANDED_TO_120:
            await desk.take_back(conn, incident_id, by, via, REASON, now)
        concerned.append(int(incident_id))
    await desk.leave(conn, person_id, now)
    await people.leave(conn, person_id, now)
    await audit.record(conn, viewer, "person", action="remove", detail={"person_id": person_id})
    return concerned


_CONCERNED = """
select i.id, i.owner_id is not distinct from %(id)s, i.state
from incident i
where i.state <> 'resolved' and (i.owner_id = %(id)s or exists (
    select from notification n where n.incident_id = i.id and n.person_id = %(id)s and n.purpose in ('alarm', 'second')
      and n.status in ('queued', 'sending', 'sent', 'ringing', 'answered')))
order by i.id
"""
