"""What every change of an incident leaves behind: a row in its timeline, and the hint that something changed."""

from datetime import UTC, datetime

from psycopg.types.json import Jsonb

from eldercare.platform.database import Connection
from eldercare.platform.errors import NotFound
from eldercare.platform.listen import INCIDENT_CHANNEL
from eldercare.platform.validation import fields


def tell(source: str) -> str:
    """SQL that writes each row of `source` into the timeline, and gives notice to whoever listens.

    `source` is a relation of `incident_id`, `at`, `kind`, `actor_id`, `via` and `detail`. It returns the incidents.
    """
    return f"""
    insert into incident_event (incident_id, at, kind, actor_id, via, detail)
    select incident_id, at, kind, actor_id, via, detail from {source} happened
    returning incident_id, pg_notify('{INCIDENT_CHANNEL}', incident_id::text)"""  # noqa: S608  constants of ours


_EVENT = tell("""(
    select %(id)s::bigint as incident_id, %(now)s::timestamptz as at, %(kind)s as kind, %(actor)s::bigint as actor_id,
           %(via)s as via, jsonb_strip_nulls(%(detail)s) as detail
)""")


async def event(
    conn: Connection, incident_id: int, kind: str, person_id: int | None, via: str, now: datetime, **detail: object
) -> None:
    """Write one row of the timeline; details that are None are left out, times are written in UTC.

    `person_id` None: nobody did it.
    """
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
