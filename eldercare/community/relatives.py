"""Whose relative somebody is, and the little that this alone lets them know: the name, and whom to ring."""

from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import class_row

from eldercare.accounts import access
from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.platform.database import Connection

STAFF = (Role.GRID, Role.DUTY, Role.DUTY_LEAD, Role.CARE_WORKER)
"""Who goes to people as their work. Their number may be rung while they go; that of a neighbour is the neighbour's."""


@dataclass(frozen=True, slots=True)
class Ward:
    """A resident whose relative the viewer is. `relation` is the relative's, as 女儿; `phone` is the resident's own,
    None without any consent."""

    id: int
    name: str
    gender: str | None
    relation: str
    holds_key: bool
    phone: str | None
    sees_health: bool
    sees_location: bool


_WARDS = sql.SQL(
    """
    select r.id, r.name, r.gender, k.relation, k.holds_key, case when {contact} then r.phone end as phone,
           {health} as sees_health, {location} as sees_location
    from resident_contact k join resident r on r.id = k.resident_id and r.left_at is null
    where k.person_id = {viewer} and k.kind = 'family'
    order by k.resident_id
    """
)
_NUMBER = sql.SQL(
    """
    select p.phone from incident i join person p on p.id = i.owner_id and p.left_at is null
    where i.id = {incident} and i.state in ('accepted', 'en_route', 'on_site') and i.owner_id <> {viewer} and {knows}
      and exists (select from person_role o where o.person_id = p.id and o.role = any({staff}))
      and exists (select from resident_contact k where k.resident_id = i.resident_id and k.person_id = {viewer}
                  and k.kind = 'family')
    """
)


async def wards(conn: Connection, viewer: Viewer) -> list[Ward]:
    """The residents whose relative `viewer` is, by id. Raises Forbidden for whoever is not family."""
    access.require_role(viewer, Role.FAMILY)
    query = _WARDS.format(
        contact=access.family(viewer, Scope.CONTACT),
        health=access.family(viewer, Scope.HEALTH),
        location=access.family(viewer, Scope.LOCATION),
        viewer=sql.Literal(viewer.person_id),
    )
    async with conn.cursor(row_factory=class_row(Ward)) as rows:
        return await (await rows.execute(query)).fetchall()


async def number_of_who_goes(conn: Connection, viewer: Viewer, incident_id: int) -> str | None:
    """The number (E.164) of somebody of the staff who goes to the viewer's relative now; None where there is none that
    the viewer may ring. It is theirs to ring for as long as they go."""
    query = _NUMBER.format(
        incident=sql.Literal(incident_id),
        viewer=sql.Literal(viewer.person_id),
        knows=access.incident(viewer, Scope.CONTACT),
        staff=sql.Literal([str(role) for role in STAFF]),
    )
    row = await (await conn.execute(query)).fetchone()
    return row[0] if row else None
