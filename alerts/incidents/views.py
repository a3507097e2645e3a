"""Incidents as people see them: what a viewer may not know is None; an incident that they may not know of is not
found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row, tuple_row

from alerts.incidents.detail import Incident, IncidentDetail, Notification, TimelineRow
from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.model.references import Reference
from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.community import emergency_note
from eldercare.community.resident_schema import EmergencyNote
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput, NotFound
from eldercare.platform.pagination import Page
from eldercare.platform.validation import fields


@dataclass(frozen=True, slots=True)
class CalledFrom:
    """An incident to which a number was called, whose number it is, and by which message it was last called; the
    incident's `round` now."""

    incident_id: int
    state: str
    person_id: int
    language: str
    owner_id: int | None
    desk: bool = False
    """Whether they were called as somebody of the desk, who may deal with it without going."""
    round: int = 1
    notification_id: int = 0
    reference: Reference | None = None


_INCIDENT = sql.SQL(
    """
    with seen as (
        select i.*, coalesce({health}, false) as sees_health, coalesce({location}, false) as sees_location,
               {technical} as sees_facts, {notes} as sees_notes, coalesce({goes}, false) as goes
        from incident i where ({seen}) and {condition}
        order by i.opened_at desc, i.id desc limit {limit}
    )
    select i.id, i.kind, i.severity, i.state, i.source, i.resident_id, r.name as resident_name, r.address, i.device_id,
           i.occurred_at, i.opened_at, i.late, i.press_count, i.round, i.next_step, i.due_at, i.owner_id,
           o.name as owner_name, i.accepted_at, i.accepted_via, i.arrival_due_at, i.arrived_at, i.resolved_at,
           i.disposition, case when sees_health or sees_notes then i.note end as note,
           exists (select from incident_event e where e.incident_id = i.id and e.kind = 'ask_120'
                   and e.at >= i.round_started_at) as ask_120,
           sees_health, sees_location,
           case when sees_health then i.bpm end as bpm,
           case when sees_health or sees_notes then i.detail - 'presses'
                when sees_facts then i.detail - array['presses', 'said']
                when goes and i.detail ? 'said' then jsonb_build_object('said', i.detail -> 'said') end as detail,
           case when sees_location then i.lat end as lat, case when sees_location then i.lon end as lon,
           case when sees_location then i.accuracy_m end as accuracy_m,
           case when sees_location then i.position_at end as position_at,
           i.handler_id, h.name as handler_name, i.handled_at, i.handled_via, i.handling_until,
           i.wearer_asked_at, i.wearer_said, i.wearer_said_at,
           case when i.state = 'open' and i.wearer_asked_at >= i.round_started_at and i.wearer_said is null
                     and i.next_step = 1 and i.due_at > eldercare_now() then i.due_at end as asking_until
    from seen i left join resident r on r.id = i.resident_id left join person o on o.id = i.owner_id
         left join person h on h.id = i.handler_id
    order by i.opened_at desc, i.id desc
    """
)


def _query(viewer: Viewer, conditions: Sequence[sql.Composable], limit: int) -> sql.Composed:
    return _INCIDENT.format(
        health=access.incident(viewer, Scope.HEALTH),
        location=access.incident(viewer, Scope.LOCATION),
        technical=access.technical(viewer),
        notes=access.notes(viewer),
        goes=access.goes(viewer),
        seen=access.incident(viewer, Scope.CONTACT),
        condition=sql.SQL(" and ").join(conditions),
        limit=sql.Literal(limit),
    )


async def listing(
    conn: Connection,
    viewer: Viewer,
    *,
    states: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    severities: Sequence[str] | None = None,
    resident_id: int | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Incident]:
    """Incidents that `viewer` may know of, the newest first; filters left None do not filter. `states` may hold
    `unresolved`. Raises InvalidInput for an unknown state, kind or severity, a wrong cursor or limit."""
    pagination.check_limit(limit, 500)
    after = pagination.decode("incidents", cursor, (datetime, int))
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if states is not None:
        conditions.append(sql.SQL("i.state = any({})").format(sql.Literal(_states(states))))
    if kinds is not None:
        conditions.append(sql.SQL("i.kind = any({})").format(sql.Literal(_known("kind", kinds, list(IncidentKind)))))
    if severities is not None:
        known = _known("severity", severities, list(Severity))
        conditions.append(sql.SQL("i.severity = any({})").format(sql.Literal(known)))
    if resident_id is not None:
        conditions.append(sql.SQL("i.resident_id = {}").format(sql.Literal(resident_id)))
    if after is not None:
        conditions.append(
            sql.SQL("(i.opened_at, i.id) < ({}, {})").format(sql.Literal(after[0]), sql.Literal(after[1]))
        )
    async with conn.cursor(row_factory=class_row(Incident)) as rows:
        await rows.execute(_query(viewer, conditions, limit + 1))
        found = await rows.fetchall()
    return pagination.page("incidents", found, limit, lambda incident: (incident.opened_at, incident.id))


async def get(conn: Connection, viewer: Viewer, incident_id: int) -> IncidentDetail:
    """One incident with its timeline and notifications, oldest first. Raises NotFound, also for what `viewer` may not
    know of."""
    async with conn.cursor(row_factory=class_row(Incident)) as rows:
        await rows.execute(_query(viewer, [sql.SQL("i.id = {}").format(sql.Literal(incident_id))], 1))
        incident = await rows.fetchone()
    if incident is None:
        raise NotFound("incident", incident_id)
    told = await notifications_of(conn, [incident])
    notifications = [_as_seen_by(viewer, notification) for notification in told[incident.id]]
    timeline = await _timeline(conn, viewer, incident)
    return IncidentDetail(incident, timeline, notifications, await _emergency_note(conn, viewer, incident))


async def read(conn: Connection, viewer: Viewer, incident_id: int) -> IncidentDetail:
    """As `get`, and leaves a row in the audit log of what of the resident it shows."""
    whole = await get(conn, viewer, incident_id)
    if whole.emergency_note is None:
        await audit.shown(conn, viewer, "incident", shown([whole.incident]))
    else:
        await audit.record(conn, viewer, "incident,emergency_note", resident_id=whole.incident.resident_id)
    return whole


async def _emergency_note(conn: Connection, viewer: Viewer, incident: Incident) -> EmergencyNote | None:
    resident_id = incident.resident_id
    nobody_goes = incident.state == IncidentState.RESOLVED or incident.severity == Severity.TASK
    if resident_id is None or nobody_goes:
        return None
    return (await emergency_note.of(conn, viewer, [resident_id])).get(resident_id)


def shown(incidents: Iterable[Incident]) -> list[int]:
    """The residents whose health or whereabouts these incidents show: what the audit log has to know."""
    return [
        incident.resident_id
        for incident in incidents
        if incident.resident_id is not None and (incident.sees_health or incident.sees_location)
    ]


async def notifications_of(conn: Connection, incidents: Sequence[Incident]) -> dict[int, list[Notification]]:
    """What was sent about each of these incidents (of `listing` or `get`: the viewer knows of them), oldest first."""
    found: dict[int, list[Notification]] = {incident.id: [] for incident in incidents}
    async with conn.cursor(row_factory=tuple_row) as rows:
        await rows.execute(_NOTIFICATIONS, (list(found),))
        for incident_id, *values in await rows.fetchall():
            found[incident_id].append(Notification(*values))
    return found


_CALLED_FROM = """
    with called as materialized (
        select incident_id, max(id) as id from notification
        where address = %(address)s and purpose in ('alarm', 'second', 'pressed_again') and status <> 'cancelled'
        group by incident_id
    )
    select i.id as incident_id, i.state, p.id as person_id, p.language, i.owner_id, i.round,
           n.id as notification_id, n.reference, coalesce((n.content ->> 'desk')::boolean, false) as desk
    from called join incident i on i.id = called.incident_id and i.state <> 'resolved'
    join notification n on n.id = called.id join person p on p.id = n.person_id
    order by i.opened_at desc, i.id desc
"""
"""From the number to its messages to their incidents: what is open for others costs nothing."""


async def called_from(conn: Connection, address: str) -> list[CalledFrom]:
    """The unresolved incidents that somebody at this number (E.164) was called to, the newest first.

    Somebody who accepted by a click, and was only called when the band was pressed again, was called too.
    """
    async with conn.cursor(row_factory=class_row(CalledFrom)) as rows:
        await rows.execute(_CALLED_FROM, {"address": address})
        return await rows.fetchall()


_NOTIFICATIONS = """
    select n.incident_id, n.id, n.person_id, p.name, n.channel, n.address, n.purpose, n.round, n.step, n.status,
           n.reason, n.attempts, n.created_at, n.sent_at, n.finished_at
    from notification n left join person p on p.id = n.person_id
    where n.incident_id = any(%s) order by n.id
"""


_TIMELINE = sql.SQL(
    """
    select e.id, e.at, e.kind, e.actor_id, p.name as actor_name, e.via,
           case when {health} or {notes} or e.actor_id = {viewer} then e.detail
                when {technical} then e.detail - '{{text,note,said}}'::text[]
                     - case when e.kind = 'reopened' and e.actor_id is not null then 'reason' else '' end
                else '{{}}' end as detail
    from incident_event e join incident i on i.id = e.incident_id left join person p on p.id = e.actor_id
    where e.incident_id = {id} order by e.id
    """
)


async def _timeline(conn: Connection, viewer: Viewer, incident: Incident) -> list[TimelineRow]:
    """The timeline. What staff wrote shows to those who see the incident's health, who are called to it, and who wrote
    it."""
    query = _TIMELINE.format(
        health=sql.Literal(incident.sees_health),
        notes=access.notes(viewer),
        technical=access.technical(viewer),
        viewer=sql.Literal(viewer.person_id),
        id=sql.Literal(incident.id),
    )
    async with conn.cursor(row_factory=class_row(TimelineRow)) as rows:
        await rows.execute(query)
        return await rows.fetchall()


def _as_seen_by(viewer: Viewer, notification: Notification) -> Notification:
    """Numbers of other people are for those who work with them; family and doctor see the last digits."""
    if access.sees_numbers(viewer) or notification.person_id == viewer.person_id or notification.channel == "band":
        return notification
    return replace(notification, address=fields.masked(notification.address))


def _states(wanted: Sequence[str]) -> list[str]:
    unresolved = [state for state in IncidentState if state is not IncidentState.RESOLVED]
    named = _known("state", [state for state in wanted if state != "unresolved"], list(IncidentState))
    return [*named, *(str(state) for state in unresolved)] if "unresolved" in wanted else named


def _known(field: str, wanted: Sequence[str], words: Sequence[str]) -> list[str]:
    for word in wanted:
        if word not in words:
            raise InvalidInput(field, f"{word[:40]!r} is none of {', '.join(words)}")
    return list(wanted)
