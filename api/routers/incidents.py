"""Incidents: the list, one with its timeline, and what people do with it. Every change is a row in the timeline."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts.incidents import desk, handling, permissions, views
from alerts.incidents.actions import Action
from alerts.incidents.case import Disposition
from alerts.incidents.detail import Incident, IncidentDetail
from alerts.incidents.outcomes import (
    Accepted,
    AlreadyHandled,
    AlreadyOwned,
    AlreadyYours,
    Asked,
    Declined,
    Handling,
    Joined,
    Over,
)
from alerts.model.incident import IncidentKind, IncidentState
from api import examples
from api.deps import CurrentViewer, Db, Id, Now
from api.query import Cursor
from api.responses import Json, answers
from eldercare.accounts import audit
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import residents
from eldercare.platform.errors import Forbidden
from eldercare.platform.pagination import Page

router = APIRouter(tags=["incidents"])

VIA = "api"
Limit = Annotated[int, Query(ge=1, le=500)]
Note = Annotated[str, Field(max_length=2000, examples=["女儿来电，说老人在家摔倒"])]
States = Annotated[
    list[IncidentState] | None, Query(alias="state", description="several may be asked for; absent: all")
]
Kinds = Annotated[list[IncidentKind] | None, Query(alias="kind", description="several may be asked for; absent: all")]
Unresolved = Annotated[bool, Query(description="every state but `resolved`; goes before `state`")]
_ACTION = answers(examples.WHOLE, 403, 404, 409, 413, 422)


class Passed(Declined):
    """They cannot go: the policy moved on, an owner handed back, or somebody else goes anyway (`noted`)."""

    # A decline, under the name that the OpenAPI document has for it.


class Reported(BaseModel):
    """An emergency that came by telephone."""

    model_config = ConfigDict(extra="forbid")

    resident_id: Annotated[int, Field(ge=1, le=2**63 - 1, examples=[12])]
    note: Note = ""


class Remark(BaseModel):
    """Some words for the timeline."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=2000, examples=["已联系家属"])]


class Reason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    note: Note = ""


NO_REASON = Reason()


class Named(BaseModel):
    """One person."""

    model_config = ConfigDict(extra="forbid")

    person_id: Annotated[int, Field(ge=1, le=2**63 - 1, examples=[7])]


class Resolution(BaseModel):
    """How it ended."""

    model_config = ConfigDict(extra="forbid")

    disposition: Annotated[Disposition, Field(examples=["helped"])]
    note: Note = ""
    known_until: Annotated[
        AwareDatetime | None,
        Field(description="while it goes on: until then it opens no new incident, unless it gets graver"),
    ] = None


@router.get("/incidents", response_model=Page[Incident], responses=answers(examples.page(examples.INCIDENT), 422))
async def list_incidents(
    conn: Db,
    viewer: CurrentViewer,
    unresolved: Unresolved = False,
    states: States = None,
    kinds: Kinds = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Json:
    """Incidents that the viewer may know of, newest first."""
    page = await handling.listing(
        conn, viewer, states=_wanted(unresolved, states), kinds=kinds, cursor=cursor, limit=limit
    )
    await audit.shown(conn, viewer, "incidents", views.shown(page.items))
    return Json(page)


@router.get(
    "/residents/{id}/incidents",
    response_model=Page[Incident],
    responses=answers(examples.page(examples.INCIDENT), 404, 422),
)
async def list_incidents_of_resident(
    id: Id, conn: Db, viewer: CurrentViewer, unresolved: Unresolved = False, cursor: Cursor = None, limit: Limit = 100
) -> Json:
    """The incidents of one resident, newest first."""
    with suppress(Forbidden):  # a person who is called to them knows of the incident, and of nothing more
        await residents.get(conn, viewer, id)
    page = await handling.listing(
        conn, viewer, states=_wanted(unresolved, None), resident_id=id, cursor=cursor, limit=limit
    )
    await audit.shown(conn, viewer, "incidents", views.shown(page.items))
    return Json(page)


@router.get("/incidents/{id}", response_model=IncidentDetail, responses=answers(examples.WHOLE, 404, 422))
async def get_incident(id: Id, conn: Db, viewer: CurrentViewer) -> Json:
    """One incident with its timeline, and who was told of it."""
    return Json(await _read(conn, viewer, id))


@router.post(
    "/incidents",
    status_code=status.HTTP_201_CREATED,
    response_model=IncidentDetail,
    responses=answers(examples.WHOLE, 403, 404, 413, 422, status=201),
)
async def report(reported: Reported, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """An emergency that came by telephone: an SOS like one from a band, or one more cry in the one that is open."""
    require_role(viewer, Role.DUTY)
    incident_id = await handling.open_by_telephone(conn, reported.resident_id, viewer.person_id, reported.note, now)
    return Json(await _read(conn, viewer, incident_id), status_code=status.HTTP_201_CREATED)


@router.post(
    "/incidents/{id}/accept",
    response_model=Accepted | AlreadyYours | AlreadyOwned | Joined | Over,
    responses=answers(examples.ACCEPTED, 403, 404, 422),
)
async def accept(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """ "I am going." One becomes the owner; `reason` says whether it is you, somebody else already, or over."""
    await _may(conn, viewer, id, Action.ACCEPT)
    return Json(await handling.accept(conn, id, viewer.person_id, VIA, now))


@router.post(
    "/incidents/{id}/handle",
    response_model=Handling | AlreadyHandled | Over,
    responses=answers(examples.HANDLING, 403, 404, 422),
)
async def handle(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """ "I am handling it, keep calling." Everybody but the desk goes on being called; the band hears nothing."""
    await _may(conn, viewer, id, Action.HANDLE)
    return Json(await desk.handle(conn, id, viewer.person_id, VIA, now))


@router.post("/incidents/{id}/send", response_model=Asked, responses=answers(examples.ASKED, 403, 404, 409, 413, 422))
async def send(id: Id, named: Named, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Ask one person by name to go: called and texted at once. They own it when they say yes; all else goes on."""
    await _may(conn, viewer, id, Action.SEND)
    return Json(await desk.send(conn, id, viewer.person_id, named.person_id, VIA, now))


@router.post("/incidents/{id}/add", response_model=Asked, responses=answers(examples.ASKED, 403, 404, 409, 413, 422))
async def add(id: Id, named: Named, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Add one person to those who are called; beside an owner, they are asked to go as well."""
    await _may(conn, viewer, id, Action.ADD)
    return Json(await desk.add(conn, id, viewer.person_id, named.person_id, VIA, now))


@router.post("/incidents/{id}/take-back", response_model=IncidentDetail, responses=_ACTION)
async def take_back(id: Id, conn: Db, viewer: CurrentViewer, now: Now, reason: Reason = NO_REASON) -> Json:
    """The owner does not go any more: the policy starts again, without them in this round."""
    await _may(conn, viewer, id, Action.TAKE_BACK)
    await desk.take_back(conn, id, viewer.person_id, VIA, reason.note or None, now)
    return Json(await handling.get(conn, viewer, id))


@router.post("/incidents/{id}/call-again", response_model=IncidentDetail, responses=_ACTION)
async def call_again(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Start the policy at its first step, now."""
    await _may(conn, viewer, id, Action.CALL_AGAIN)
    await desk.call_again(conn, id, viewer.person_id, VIA, now)
    return Json(await handling.get(conn, viewer, id))


@router.post("/incidents/{id}/pass", response_model=Passed, responses=answers(examples.PASSED, 403, 404, 409, 422))
async def pass_on(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """ "I cannot go." The next step comes at once; an owner hands the incident back."""
    await _may(conn, viewer, id, Action.DECLINE)
    return Json(await handling.decline(conn, id, viewer.person_id, VIA, now))


@router.post("/incidents/{id}/en-route", response_model=IncidentDetail, responses=_ACTION)
async def en_route(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """The owner has left; the band hears `arriving`."""
    await _may(conn, viewer, id, Action.EN_ROUTE)
    await handling.en_route(conn, id, viewer.person_id, VIA, now)
    return Json(await handling.get(conn, viewer, id))


@router.post("/incidents/{id}/arrive", response_model=IncidentDetail, responses=_ACTION)
async def arrive(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Somebody is there."""
    await _may(conn, viewer, id, Action.ARRIVE)
    await handling.arrive(conn, id, viewer.person_id, VIA, now)
    return Json(await handling.get(conn, viewer, id))


@router.post("/incidents/{id}/hand-to-120", response_model=IncidentDetail, responses=_ACTION)
async def hand_to_120(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """The ambulance was called; somebody has to confirm that it came."""
    await _may(conn, viewer, id, Action.HAND_TO_120)
    await handling.hand_to_120(conn, id, viewer.person_id, VIA, now)
    return Json(await handling.get(conn, viewer, id))


@router.post("/incidents/{id}/resolve", response_model=IncidentDetail, responses=_ACTION)
async def resolve(id: Id, resolution: Resolution, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """It is over. Say how it ended; the band hears `closed`."""
    await _may(conn, viewer, id, Action.RESOLVE)
    note = resolution.note or None
    until = resolution.known_until
    await handling.resolve(conn, id, viewer.person_id, VIA, resolution.disposition, note, now, until)
    return Json(await handling.get(conn, viewer, id))


@router.post("/incidents/{id}/reopen", response_model=IncidentDetail, responses=_ACTION)
async def reopen(id: Id, reason: Reason, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Start again at the first step; the owner so far is among those who are called."""
    await _may(conn, viewer, id, Action.REOPEN)
    await handling.reopen(conn, id, viewer.person_id, VIA, reason.note or None, now)
    # The note, which nobody was shown while the incident was over.
    return Json(await _read(conn, viewer, id))


@router.post(
    "/incidents/{id}/notes",
    status_code=status.HTTP_201_CREATED,
    response_model=IncidentDetail,
    responses=answers(examples.WHOLE, 403, 404, 413, 422, status=201),
)
async def add_note(id: Id, remark: Remark, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Write a note into the timeline."""
    await _may(conn, viewer, id, Action.NOTE)
    await handling.add_note(conn, id, viewer.person_id, VIA, remark.text, now)
    return Json(await handling.get(conn, viewer, id), status_code=status.HTTP_201_CREATED)


async def _read(conn: Db, viewer: Viewer, incident_id: int) -> IncidentDetail:
    return await views.read(conn, viewer, incident_id)


async def _may(conn: Db, viewer: Viewer, incident_id: int, action: Action) -> None:
    permissions.require(viewer, await _read(conn, viewer, incident_id), action)


def _wanted(unresolved: bool, states: list[IncidentState] | None) -> list[str] | None:
    return ["unresolved"] if unresolved else [*states] if states else None
