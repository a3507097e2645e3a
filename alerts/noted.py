"""What every change of an incident leaves behind: a row in its timeline, and the hint that something changed."""

from datetime import UTC, datetime

from psycopg.types.json import Jsonb

from eldercare import fields
from eldercare.database import Connection
from eldercare.errors import NotFound

_EVENT = """
with told as (
    insert into incident_event (incident_id, at, kind, actor_id, via, detail)
    values (%(id)s, %(now)s, %(kind)s, %(actor)s, %(via)s, jsonb_strip_nulls(%(detail)s)) returning incident_id
)
select pg_notify('incident', incident_id::text) from told
"""


async def event(
    conn: Connection, incident_id: int, kind: str, person_id: int, via: str, now: datetime, **detail: object
) -> None:
    """Write one row of the timeline; details that are None are left out, times are written in UTC."""
    plain = {
        key: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for key, value in detail.items()
    }
    values = {"id": incident_id, "now": now, "kind": kind, "actor": person_id, "via": via, "detail": Jsonb(plain)}
    await conn.execute(_EVENT, values)


async def name_of(conn: Connection, person_id: int) -> str:
    """A person's name. Raises NotFound."""
    row = await (await conn.execute("select name from person where id = %s", (person_id,))).fetchone()
    if row is None:
        raise NotFound("person", person_id)
    return str(row[0])


def note(text: str) -> str:
    """A note as it is stored. Raises InvalidInput for an empty or very long one."""
    return fields.text("note", text, most=2000, required=True)
