"""Counts open incidents, and waiting and failing messages. Numbers only, nothing of anybody."""

from dataclasses import dataclass

from psycopg.rows import class_row

from eldercare.platform.database import Connection


@dataclass(frozen=True, slots=True)
class IncidentCount:
    """Incidents that are not resolved; `overdue` of them have been due for more than 10 s."""

    kind: str
    severity: str
    state: str
    count: int
    overdue: int


@dataclass(frozen=True, slots=True)
class NotificationCount:
    """Messages of the last day; `waiting` of them were due for more than 10 s and are not sent."""

    channel: str
    purpose: str
    status: str
    count: int
    waiting: int


async def incidents(conn: Connection) -> list[IncidentCount]:
    """Incidents that are not resolved, by kind, severity and state."""
    async with conn.cursor(row_factory=class_row(IncidentCount)) as cursor:
        await cursor.execute(
            "select kind, severity, state, count(*), count(*) filter (where due_at < eldercare_now() - interval '10 s')"
            " as overdue from incident where state <> 'resolved' group by kind, severity, state"
            " order by kind, severity, state"
        )
        return await cursor.fetchall()


async def notifications(conn: Connection) -> list[NotificationCount]:
    """Messages of the last day, by channel, purpose and status."""
    async with conn.cursor(row_factory=class_row(NotificationCount)) as cursor:
        await cursor.execute(
            "select channel, purpose, status, count(*), count(*) filter (where status in ('queued', 'sending')"
            " and coalesce(leased_until, send_after) < eldercare_now() - interval '10 s') as waiting"
            " from notification where created_at > eldercare_now() - interval '1 day'"
            " group by channel, purpose, status order by channel, purpose, status"
        )
        return await cursor.fetchall()
