"""Somebody leaves the service: called no more, logged in no more, and nothing waits for them.

`python -m alerts.leaving ID` is what `eldercare person remove` starts.
"""

import sys
from datetime import datetime

from alerts import desk, incidents
from alerts.kinds import IncidentState
from eldercare import access, audit, clock, people, people_changes
from eldercare.access import Role, Viewer
from eldercare.cli_connection import with_connection
from eldercare.cli_settings import load_settings
from eldercare.database import Connection
from eldercare.errors import Conflict, EldercareError

REASON = "已离开服务 / has left the service"


async def remove(conn: Connection, viewer: Viewer, person_id: int, via: str, now: datetime) -> list[int]:
    """The person leaves; returns the incidents that they had in hand or were called to, which go on without them.

    What they had accepted starts again at its first step, whoever rings for them is hung up, their sessions end and
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
            await incidents.pass_on(conn, incident_id, person_id, via, now)
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


def main(arguments: list[str]) -> None:
    """Remove the person of this id, and say what goes on without them."""
    person_id = int(arguments[0])

    async def work(conn: Connection) -> list[int]:
        return await remove(conn, access.COMMAND_LINE, person_id, "api", await clock.now(conn))

    concerned = with_connection(load_settings(), work)
    print(f"{person_id} 不再被呼叫，也不能登录 · is called no more and logs in no more")
    if concerned:
        print(f"重新呼叫其他人的报警 · alarms that go on without them: {', '.join(map(str, concerned))}")
    print(f"若是误操作 · undo: eldercare person restore {person_id}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except EldercareError as error:
        print(f"eldercare: {error}", file=sys.stderr)
        raise SystemExit(1) from error
