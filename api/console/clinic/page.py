"""The doctor's pages: the patients and why to look at each, and one person's weeks, which print on one sheet."""

from fastapi import APIRouter, Request, Response

from alerts.incidents import views
from api.console.clinic import facts, sheet, words
from api.console.clinic.facts import Window
from api.console.duty import queries
from api.console.duty.board import queue_of
from api.console.shell import render
from api.console.shell.screen import CurrentScreen
from api.deps import Db, Id
from eldercare.accounts import audit

router = APIRouter(include_in_schema=False)


@router.get("/clinic")
async def listing(request: Request, conn: Db, screen: CurrentScreen) -> Response:
    """Who needs the doctor, the worst first. Raises Forbidden for whoever is no doctor and not of the desk."""
    viewer = queries.viewer_of(screen)
    found, rows = await facts.listing(conn, screen, viewer)
    waiting = await queries.unresolved(conn, screen)
    await audit.shown(conn, viewer, "clinic", [*(each.patient.id for each in rows), *views.shown(waiting)])
    return render.page(
        request,
        screen,
        "clinic.html",
        here="clinic",
        **await queue_of(conn, screen, waiting),
        rows=[words.row(screen, each) for each in rows],
        more=found.more,
        not_agreed=words.not_agreed(screen, found.not_agreed),
    )


@router.get("/clinic/{id}")
async def one(request: Request, id: Id, conn: Db, screen: CurrentScreen, window: Window = Window.MONTH) -> Response:
    """One person's weeks. Raises Forbidden, and NotFound for a doctor to whose seeing her she has not agreed."""
    viewer = queries.viewer_of(screen)
    person = await facts.gather(conn, screen, viewer, id, window)
    await audit.record(conn, viewer, "clinic", resident_id=id)
    return render.page(
        request,
        screen,
        "patient.html",
        here="clinic",
        alarms=await queries.alarms(conn, screen),
        person=words.person(screen, person, window),
        sheet=sheet.sheet(screen, person, viewer.name),
    )
