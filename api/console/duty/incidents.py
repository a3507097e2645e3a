"""The pages of incidents: the list, one with its timeline, and one that came by telephone."""

import re
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response, status

from alerts.incidents import handling, permissions, views
from alerts.incidents.actions import Action
from alerts.incidents.detail import IncidentDetail
from api.console.duty import calls, cards, queries, timeline
from api.console.shell import render
from api.console.shell.login import see
from api.console.shell.screen import CurrentScreen, Screen
from api.deps import Db, Id
from eldercare.accounts import audit
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role
from eldercare.community import residents
from eldercare.community.resident_schema import Resident
from eldercare.community.residents import Filters
from eldercare.platform.database import Connection

router = APIRouter(include_in_schema=False)

PAGE = 50
OPTIONS = 20
"""Residents offered while somebody types a name."""
_NUMBERED = re.compile(r"#(\d{1,18})\s*$")


@router.get("/incidents")
async def listing(
    request: Request,
    conn: Db,
    screen: CurrentScreen,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """All incidents that the viewer may know of, the newest first."""
    page = await handling.listing(conn, queries.viewer_of(screen), cursor=cursor, limit=PAGE)
    await audit.shown(conn, queries.viewer_of(screen), "incidents", views.shown(page.items))
    return render.page(
        request,
        screen,
        "incidents.html",
        here="incidents",
        alarms=await queries.alarms(conn, screen),
        cards=[cards.card(screen, incident) for incident in page.items],
        next_url=f"/incidents?{urlencode({'cursor': page.next_cursor})}" if page.next_cursor else None,
    )


@router.get("/incidents/new")
async def new_form(request: Request, conn: Db, screen: CurrentScreen) -> Response:
    """The form for an emergency that came by telephone."""
    require_role(queries.viewer_of(screen), Role.DUTY)
    return await _new_form(request, conn, screen)


@router.get("/parts/resident-options")
async def options(
    request: Request, conn: Db, screen: CurrentScreen, resident: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Residents whose name or address holds what was typed so far."""
    found = await _matching(conn, screen, resident, OPTIONS)
    return render.page(request, screen, "parts/resident_options.html", options=found)


@router.post("/incidents/new")
async def new(
    request: Request,
    conn: Db,
    screen: CurrentScreen,
    resident: Annotated[str, Form(max_length=200)] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Raise an incident as a pressed band does, or add one more cry to the incident that is open already."""
    viewer = queries.viewer_of(screen)
    require_role(viewer, Role.DUTY)
    found = await _matching(conn, screen, resident, 2) if resident.strip() else []
    if len(found) != 1:
        error = screen.t("new.ambiguous" if found else "new.unknown")
        return await _new_form(request, conn, screen, resident, note, error)
    incident_id = await handling.open_by_telephone(conn, found[0].id, viewer.person_id, note, screen.when.now)
    if render.is_part(request):
        return render.done(screen.t("done.raised"), close_dialog=True)
    return see(f"/incidents/{incident_id}")


@router.get("/incidents/{id}")
async def one(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """One incident with its timeline, and who was told what."""
    viewer = queries.viewer_of(screen)
    whole = await views.read(conn, viewer, id)
    facts = await _facts(conn, screen, whole)
    waiting = await queries.alarms(conn, screen)
    return render.page(request, screen, "incident.html", here="incidents", alarms=waiting, **facts)


@router.get("/parts/incidents/{id}")
async def one_anew(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """The same incident, anew."""
    whole = await views.read(conn, queries.viewer_of(screen), id)
    return render.part(request, screen, "parts/incident_body.html", **await _facts(conn, screen, whole))


async def _facts(conn: Connection, screen: Screen, whole: IncidentDetail) -> dict[str, Any]:
    allowed_actions = permissions.allowed(queries.viewer_of(screen), whole)
    return {
        "card": await queries.card_of(conn, screen, whole.incident),
        "entries": timeline.entries(screen.t, whole.timeline, whole.notifications, screen.when),
        "told": calls.everything(screen.t, whole.notifications),
        "emergency_note": whole.emergency_note,
        "may_note": Action.NOTE in allowed_actions,
    }


async def _new_form(
    request: Request, conn: Connection, screen: Screen, resident: str = "", note: str = "", error: str | None = None
) -> Response:
    return render.dialog(
        request,
        screen,
        "parts/new_incident.html",
        screen.t("new.title"),
        status.HTTP_422_UNPROCESSABLE_CONTENT if error else status.HTTP_200_OK,
        alarms=[] if render.is_part(request) else await queries.alarms(conn, screen),
        options=await _matching(conn, screen, resident, OPTIONS),
        resident=resident,
        note=note,
        error=error,
    )


async def _matching(conn: Connection, screen: Screen, typed: str, most: int) -> list[Resident]:
    """The residents whom a typed text means: the one whose number stands at its end, else all that hold the text."""
    viewer = queries.viewer_of(screen)
    numbered = _NUMBERED.search(typed)
    if numbered:
        files = await residents.files(conn, viewer, [int(numbered[1])])
        return [file.resident for file in files.values()]
    return (await residents.listing(conn, viewer, Filters(text=typed.strip() or None), limit=most)).items
