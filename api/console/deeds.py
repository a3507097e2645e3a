"""What people do with an incident by a click: the same nouns as the API calls, answered in words."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, status

from alerts import incidents, rights
from alerts.case import Case, Disposition
from alerts.incident_views import Incident
from alerts.kinds import IncidentState
from alerts.outcomes import AcceptOutcome, AlreadyOwned
from alerts.rights import Deed
from api.console import cards, reads, render
from api.console.entrance import see
from api.console.screen import CurrentScreen, Screen
from api.deps import Db, Id
from eldercare import audit
from eldercare.database import Connection
from eldercare.errors import Conflict

router = APIRouter(include_in_schema=False)

VIA = "console"
BY_HAND = tuple(disposition for disposition in Disposition if disposition is not Disposition.CLEARED)
"""What a person can choose; `cleared` is for the rules."""
Note = Annotated[str, Form(max_length=2000)]
Change = Callable[[Connection, int, int, str, datetime], Awaitable[Case]]


@router.post("/incidents/{id}/accept")
async def accept(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """ "I am going." Whoever is too late hears who goes."""
    viewer = reads.viewer_of(screen)
    incident = await _may(conn, screen, id, Deed.ACCEPT)
    outcome = await incidents.accept(conn, id, viewer.person_id, VIA, screen.when.now)
    return _answer(request, screen, incident, _accepted(screen, outcome), error=isinstance(outcome, AlreadyOwned))


@router.post("/incidents/{id}/pass")
async def pass_on(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """ "I cannot go." """
    viewer = reads.viewer_of(screen)
    incident = await _may(conn, screen, id, Deed.PASS)
    try:
        passed = await incidents.pass_on(conn, id, viewer.person_id, VIA, screen.when.now)
    except Conflict:
        return await _refuse(request, conn, screen, incident)
    return _answer(request, screen, incident, screen.t(f"done.{passed.reason}"))


@router.post("/incidents/{id}/en-route")
async def en_route(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """The owner has left."""
    return await _change(request, conn, screen, id, Deed.EN_ROUTE, incidents.en_route)


@router.post("/incidents/{id}/arrive")
async def arrive(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """Somebody is there."""
    return await _change(request, conn, screen, id, Deed.ARRIVE, incidents.arrive)


@router.post("/incidents/{id}/reopen")
async def reopen(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """Start again at the first step."""

    async def again(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> Case:
        return await incidents.reopen(conn, incident_id, person_id, via, None, now)

    return await _change(request, conn, screen, id, Deed.REOPEN, again)


@router.get("/incidents/{id}/hand-to-120")
async def handover_form(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """What to say to 120, and the button that confirms it was said."""
    incident = await _may(conn, screen, id, Deed.HAND_TO_120)
    await audit.record(conn, reads.viewer_of(screen), "file", resident_id=incident.resident_id)
    card = await reads.card_of(conn, screen, incident)
    facts = await _to_say(conn, screen, incident)
    waiting = await reads.alarms(conn, screen)
    title = screen.t("handover.title", name=card.name)
    return render.dialog(request, screen, "parts/handover.html", title, card=card, facts=facts, alarms=waiting)


@router.post("/incidents/{id}/hand-to-120")
async def hand_to_120(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """120 was called."""
    return await _change(request, conn, screen, id, Deed.HAND_TO_120, incidents.hand_to_120)


@router.get("/incidents/{id}/resolve")
async def resolve_form(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """How did it end?"""
    incident = await _may(conn, screen, id, Deed.RESOLVE)
    return await _resolve_form(request, conn, screen, incident)


@router.post("/incidents/{id}/resolve")
async def resolve(
    request: Request,
    id: Id,
    conn: Db,
    screen: CurrentScreen,
    disposition: Annotated[str, Form(max_length=40)] = "",
    note: Note = "",
) -> Response:
    """It is over."""
    incident = await _may(conn, screen, id, Deed.RESOLVE)
    if disposition not in BY_HAND:
        return await _resolve_form(request, conn, screen, incident, note, screen.t("resolve.choose"))

    async def close(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> Case:
        return await incidents.resolve(conn, incident_id, person_id, via, disposition, note.strip() or None, now)

    return await _change(request, conn, screen, id, Deed.RESOLVE, close)


@router.post("/incidents/{id}/notes")
async def add_note(request: Request, id: Id, conn: Db, screen: CurrentScreen, text: Note = "") -> Response:
    """Write a note into the timeline; an empty one is nothing."""
    viewer = reads.viewer_of(screen)
    incident = await _may(conn, screen, id, Deed.NOTE)
    if text.strip():
        await incidents.add_note(conn, id, viewer.person_id, VIA, text, screen.when.now)
    return _answer(request, screen, incident, screen.t("done.note"), reset="note")


async def _may(conn: Connection, screen: Screen, incident_id: int, deed: Deed) -> Incident:
    """The incident. Raises NotFound for whom it does not exist, Forbidden for who may not do this with it."""
    viewer = reads.viewer_of(screen)
    whole = await incidents.get(conn, viewer, incident_id)
    rights.require(viewer, whole, deed)
    return whole.incident


async def _change(
    request: Request, conn: Connection, screen: Screen, incident_id: int, deed: Deed, change: Change
) -> Response:
    viewer = reads.viewer_of(screen)
    incident = await _may(conn, screen, incident_id, deed)
    try:
        await change(conn, incident_id, viewer.person_id, VIA, screen.when.now)
    except Conflict:
        return await _refuse(request, conn, screen, incident)
    return _answer(request, screen, incident, cards.said(screen, "done", deed, incident))


def _answer(
    request: Request, screen: Screen, incident: Incident, text: str, *, error: bool = False, reset: str | None = None
) -> Response:
    """What was done, and with whose incident: another card may be where this one was."""
    if render.is_part(request):
        text = screen.t("done.about", name=cards.name(screen, incident), text=text)
        return render.done(text, error=error, close_dialog=True, reset=reset)
    return see(f"/incidents/{incident.id}")


async def _refuse(request: Request, conn: Connection, screen: Screen, before: Incident) -> Response:
    """Why it is not possible, from the state as it is now: a second click, or somebody was faster."""
    incident = (await incidents.get(conn, reads.viewer_of(screen), before.id)).incident
    name = incident.owner_name or screen.t("conflict.somebody")
    text = screen.t(f"conflict.{IncidentState(incident.state)}", name=name)
    if render.is_part(request):
        return render.done(text, error=True, close_dialog=True)
    title = screen.t("error.conflict")
    facts = {"title": title, "text": text, "home": f"/incidents/{incident.id}"}
    return render.page(request, screen, "error.html", status.HTTP_409_CONFLICT, **facts)


def _accepted(screen: Screen, outcome: AcceptOutcome) -> str:
    name = outcome.owner_name if isinstance(outcome, AlreadyOwned) else ""
    return screen.t(f"done.{outcome.reason}", name=name)


async def _resolve_form(
    request: Request, conn: Connection, screen: Screen, incident: Incident, note: str = "", error: str | None = None
) -> Response:
    card = await reads.card_of(conn, screen, incident)
    return render.dialog(
        request,
        screen,
        "parts/resolve.html",
        screen.t("resolve.title", name=card.name),
        status.HTTP_422_UNPROCESSABLE_CONTENT if error else status.HTTP_200_OK,
        card=card,
        dispositions=[(str(each), screen.t(f"disposition.{each}")) for each in BY_HAND],
        chosen=None,
        note=note,
        error=error,
        alarms=[] if render.is_part(request) else await reads.alarms(conn, screen),
    )


async def _to_say(conn: Connection, screen: Screen, incident: Incident) -> list[tuple[str, str]]:
    """What 120 asks, in the order in which it does: where, what, who, and what is known of their health."""
    card = await reads.card_of(conn, screen, incident)
    said: list[tuple[str, str | None]] = [
        ("address", card.address),
        ("entry", card.entry),
        ("position", card.position),
        ("what", cards.title(screen, incident)),
        ("who", " · ".join(filter(None, (card.name, card.age_and_gender)))),
        ("heart", card.heart),
    ]
    said += [*card.medical, ("phone", card.phone)]
    return [(name, value) for name, value in said if value]
