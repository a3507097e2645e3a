"""Who may see what of whom, decided in SQL.

Every reading function of health or whereabouts takes a `Viewer`. The functions here return conditions over the aliases
`r` (resident) and `i` (incident), so that a query can filter rows by one and blank fields by another:

    sql.SQL("select r.name, case when {} then r.conditions end from resident r where {}").format(
        access.resident(viewer, Scope.HEALTH), access.resident(viewer, Scope.CONTACT))

They read the consents as they stand in that very statement: a withdrawal acts at the next request.
"""

from psycopg import sql

from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, NotFound


def require_role(viewer: Viewer, *roles: Role) -> None:
    """Check that the viewer has one of these roles. Raises Forbidden where not."""
    if not viewer.has(*roles):
        raise Forbidden(f"needs the role {' or '.join(roles)}")


FALSE = sql.SQL("false")
TRUE = sql.SQL("true")

_OWN_GRID = sql.SQL("r.grid_id in (select g.grid_id from grid_worker g where g.person_id = {viewer})")
_CALLED = """
    exists (select from notification n where n.incident_id = {incident}.id and n.person_id = {{viewer}}
      and n.purpose in ('alarm', 'second')
      and not exists (select from incident_event e where e.incident_id = n.incident_id and e.actor_id = {{viewer}}
        and (e.kind = 'accepted' and n.step is not null and e.at < n.created_at
          or e.kind = 'reopened' and e.detail ->> 'was' = 'resolved' and e.at >= n.created_at)))
"""
"""Whether others had the viewer called. Two kinds of call are the viewer's own doing and do not count: calls after the
viewer accepted, and calls from before the viewer reopened a resolved incident. A message that belongs to no step of the
policy counts: duty sends it, or adds by name."""
_CALLED_NOW = sql.SQL(
    "exists (select from incident c where c.resident_id = r.id and c.state <> 'resolved' and c.severity <> 'task'"
    f" and {_CALLED.format(incident='c')})"
)
_HELPS_NOW = sql.SQL(
    "exists (select from incident c where c.resident_id = r.id and c.state <> 'resolved'"
    f" and (c.owner_id = {{viewer}} and c.severity <> 'task' or {_CALLED.format(incident='c')}))"
)
_GOES_THERE_NOW = sql.SQL(
    "exists (select from incident c where c.resident_id = r.id and c.state <> 'resolved' and c.severity <> 'task'"
    f" and (c.owner_id = {{viewer}} or {_CALLED.format(incident='c')}))"
)
_CONSENTED = sql.SQL(
    "exists (select from consent c join resident_contact k on k.resident_id = c.resident_id"
    " where c.resident_id = r.id and c.withdrawn_at is null and c.purpose in ({purposes})"
    " and k.person_id = {viewer} and k.kind = {kind})"
)
_KNOWS_OF = sql.SQL(
    "(i.owner_id = {viewer}"
    " or exists (select from notification n where n.incident_id = i.id and n.person_id = {viewer}))"
)
_CALLED_TO = sql.SQL(_CALLED.format(incident="i"))
_GOES = sql.SQL("(i.state <> 'resolved' and i.severity <> 'task' and i.owner_id = {viewer})")
_OF_RESIDENT = sql.SQL("exists (select from resident r where r.id = i.resident_id and {condition})")
_TECHNICAL = sql.SQL("i.kind in ('network', 'silent', 'low_battery')")

_FAMILY_PURPOSES = {
    Scope.CONTACT: ("family_health", "family_location"),
    Scope.HEALTH: ("family_health",),
    Scope.LOCATION: ("family_location",),
}


def resident(viewer: Viewer, scope: Scope) -> sql.Composable:
    """The condition over alias `r` under which `viewer` sees that part of a resident.

    Duty sees everything. A grid worker sees the contact data of their grid and of whom they go to. They see everything
    of a resident in an unresolved incident that they were called to, unless it is a task. Family and doctor see what
    was consented to. Admin sees the contact data. Accepting gives no health and no whereabouts: rights never come from
    a state that the viewer sets.
    """
    if viewer.has(Role.DUTY):
        return TRUE
    ways: list[sql.Composable] = []
    if viewer.has(Role.ADMIN) and scope is Scope.CONTACT:
        ways.append(TRUE)
    if viewer.has(Role.GRID):
        ways.append(_for(viewer, _HELPS_NOW if scope is Scope.CONTACT else _CALLED_NOW))
        if scope is Scope.CONTACT:
            ways.append(_for(viewer, _OWN_GRID))
    if viewer.has(Role.FAMILY):
        ways.append(family(viewer, scope))
    if viewer.has(Role.DOCTOR) and scope is not Scope.LOCATION:
        ways.append(_consented(viewer, "doctor", ("clinic",)))
    return _any(ways)


def family(viewer: Viewer, scope: Scope) -> sql.Composable:
    """The condition over alias `r` under which `viewer` sees that part of a resident as family, whatever else they
    are."""
    return _consented(viewer, "family", _FAMILY_PURPOSES[scope]) if viewer.has(Role.FAMILY) else FALSE


def incident(viewer: Viewer, scope: Scope) -> sql.Composable:
    """The condition over alias `i` under which `viewer` sees that part of an incident. CONTACT is knowing of it.

    Whoever was called to it, or owns it, sees it. They see its position until it is resolved, because they have to get
    there; a task shows none, because nobody has to find anybody. Its health (bpm, detail, what staff wrote) is for
    duty, for called grid workers, and by consent. Admin knows of the technical kinds.
    """
    if viewer.has(Role.DUTY):
        return TRUE
    called = _for(viewer, _CALLED_TO)
    ways: list[sql.Composable] = []
    if scope is Scope.CONTACT:
        ways.append(_for(viewer, _KNOWS_OF))
    if scope is Scope.LOCATION:
        ways.append(_for(viewer, _GOES))
        ways.append(sql.SQL("(i.state <> 'resolved' and i.severity <> 'task' and {})").format(called))
    if viewer.has(Role.GRID):
        ways.append(called if scope is Scope.CONTACT else sql.SQL("(i.severity <> 'task' and {})").format(called))
        if scope is Scope.CONTACT:
            ways.append(_OF_RESIDENT.format(condition=_for(viewer, _OWN_GRID)))
    if viewer.has(Role.ADMIN) and scope is Scope.CONTACT:
        ways.append(_TECHNICAL)
    if viewer.has(Role.FAMILY):
        # That something happened is health too: with consent to whereabouts alone, incidents stay unseen.
        purposes = ("family_location",) if scope is Scope.LOCATION else ("family_health",)
        ways.append(_OF_RESIDENT.format(condition=_consented(viewer, "family", purposes)))
    if viewer.has(Role.DOCTOR) and scope is not Scope.LOCATION:
        ways.append(_OF_RESIDENT.format(condition=_consented(viewer, "doctor", ("clinic",))))
    return _any(ways)


def called_now(viewer: Viewer) -> sql.Composable:
    """The condition over alias `r` under which `viewer` is called to the resident, or goes there, at this moment. Such
    a viewer has to find the door, consent or not."""
    return _for(viewer, _HELPS_NOW)


def signs_limits(viewer: Viewer) -> sql.Composable:
    """The condition over alias `r` under which `viewer` is a doctor who may set the resident's own limits: those whom
    the resident has consented to. Being called there gives no such right."""
    return _consented(viewer, "doctor", ("clinic",)) if viewer.has(Role.DOCTOR) else FALSE


def clinic(viewer: Viewer) -> sql.Composable:
    """The condition over alias `r` under which `viewer` works with what the clinic writes of a resident: duty, and
    doctors whom the resident has consented to. Neither family nor grid workers do, called there or not."""
    return TRUE if viewer.has(Role.DUTY) else signs_limits(viewer)


def emergency_note(viewer: Viewer) -> sql.Composable:
    """The condition over alias `r` under which `viewer` reads what whoever goes there has to know.

    It is for the clinic, for family who see the health, and, consent or not, for whoever is called to the resident or
    goes there at this moment, as the door is; not for a task, since nobody's illness has to be known to charge a band.
    """
    return _any([clinic(viewer), family(viewer, Scope.HEALTH), _for(viewer, _GOES_THERE_NOW)])


def technical(viewer: Viewer) -> sql.Composable:
    """The condition over alias `i` under which `viewer` sees the facts of a band or the network (its battery, since
    when it is silent), and not what staff wrote. It is for duty, admin and grid workers, of the incidents that they
    know of."""
    return _TECHNICAL if viewer.has(Role.DUTY, Role.ADMIN, Role.GRID) else FALSE


def notes(viewer: Viewer) -> sql.Composable:
    """The condition over alias `i` under which `viewer` reads what staff wrote about it, beside those who see its
    health. It is for grid workers who were called to it, also to a task."""
    if viewer.has(Role.DUTY):
        return TRUE
    return _for(viewer, _CALLED_TO) if viewer.has(Role.GRID) else FALSE


def goes(viewer: Viewer) -> sql.Composable:
    """The condition over alias `i` under which `viewer` is on the way to somebody. Such a viewer hears what the caller
    said, whether they were called or not."""
    return _for(viewer, _GOES)


def sees_numbers(viewer: Viewer) -> bool:
    """Whether `viewer` sees other people's telephone numbers whole, as those who work with them do. Family and doctors
    see the last digits (`fields.masked`), and their own number."""
    return viewer.has(Role.DUTY, Role.GRID, Role.ADMIN)


async def require(conn: Connection, viewer: Viewer, resident_id: int, scope: Scope) -> None:
    """Check that `viewer` may see that part of the resident. Raises NotFound where they may not even know of the
    resident, Forbidden where they may know of the resident but not see that part."""
    query = sql.SQL("select {} or {}, {} from resident r where r.id = {}").format(
        resident(viewer, Scope.CONTACT), called_now(viewer), resident(viewer, scope), sql.Literal(resident_id)
    )
    row = await (await conn.execute(query)).fetchone()
    if row is None or not (row[0] or row[1]):
        raise NotFound("resident", resident_id)
    if not row[1]:
        raise Forbidden(f"your role does not include the {scope} data of resident {resident_id}")


async def require_clinic(conn: Connection, viewer: Viewer, resident_id: int) -> None:
    """Check that `viewer` works with what the clinic writes of the resident (`clinic`). Raises Forbidden."""
    query = sql.SQL("select from resident r where r.id = {} and {}").format(sql.Literal(resident_id), clinic(viewer))
    if await (await conn.execute(query)).fetchone() is None:
        raise Forbidden(f"what the clinic writes of resident {resident_id} is for duty, and for their own doctors")


def _for(viewer: Viewer, condition: sql.SQL) -> sql.Composed:
    return condition.format(viewer=sql.Literal(viewer.person_id))


def _consented(viewer: Viewer, kind: str, purposes: tuple[str, ...]) -> sql.Composed:
    listed = sql.SQL(", ").join(sql.Literal(purpose) for purpose in purposes)
    return _CONSENTED.format(purposes=listed, viewer=sql.Literal(viewer.person_id), kind=sql.Literal(kind))


def _any(ways: list[sql.Composable]) -> sql.Composable:
    return sql.SQL("({})").format(sql.SQL(" or ").join(ways)) if ways else FALSE
