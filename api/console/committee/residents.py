"""The pages of residents: the list with its search, and everything about one."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from alerts.detection.unwatched import of_resident
from alerts.incidents import handling
from api.console.committee import labels, limits, unwatched
from api.console.duty import cards, queries, tiles
from api.console.duty.board import map_tiles
from api.console.duty.cards import Card
from api.console.shell import render
from api.console.shell.screen import CurrentScreen, Screen
from api.deps import Db, Id, SettingsOf
from eldercare.accounts import audit
from eldercare.community import family_notes, people, residents
from eldercare.community.people import Contact
from eldercare.community.resident_schema import NOT_DRAWN_M, File, Resident
from eldercare.community.residents import Filters
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden

router = APIRouter(include_in_schema=False)

PAGE = 50
HISTORY = 100
"""Incidents shown on a resident's page."""


@router.get("/residents")
async def listing(
    request: Request,
    conn: Db,
    screen: CurrentScreen,
    text: Annotated[str, Query(max_length=100)] = "",
    with_band: bool = False,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """The residents whom the viewer may see, by name, address or telephone."""
    filters = Filters(text=text.strip() or None, with_band=True if with_band else None)
    page = await residents.listing(conn, queries.viewer_of(screen), filters, cursor=cursor, limit=PAGE)
    seen = (resident.id for resident in page.items if resident.sees_health or resident.sees_location)
    await audit.shown(conn, queries.viewer_of(screen), "residents", seen)
    again = {"text": text, "cursor": page.next_cursor} | ({"with_band": "true"} if with_band else {})
    return render.page(
        request,
        screen,
        "residents.html",
        here="residents",
        alarms=await queries.alarms(conn, screen),
        residents=[labels.row(screen.t, each, screen.when.now, screen.when.zone) for each in page.items],
        next_url=f"/residents?{urlencode(again)}" if page.next_cursor else None,
        text=text,
        with_band=with_band,
    )


@router.get("/residents/{id}")
async def one(request: Request, id: Id, conn: Db, screen: CurrentScreen, settings: SettingsOf) -> Response:
    """One resident, with what the viewer may see: the rest of the fields is absent."""
    viewer = queries.viewer_of(screen)
    try:
        file = await residents.file(conn, viewer, id)
    except Forbidden:
        return await _called_to(request, conn, screen, id)
    resident = file.resident
    if resident.sees_health or resident.sees_location:
        await audit.record(conn, viewer, "file", resident_id=id)
    history = await _history(conn, screen, id)
    return render.page(
        request,
        screen,
        "resident.html",
        here="residents",
        alarms=await queries.alarms(conn, screen),
        file=file,
        age_and_gender=labels.age_and_gender(screen.t, resident, screen.when.now, screen.when.zone),
        flags=labels.flags(resident),
        away=tiles.is_away(resident, screen.when.now),
        contacts=[_contact(screen, contact) for contact in await people.contacts_of(conn, viewer, id)],
        facts=_facts(screen, file),
        limits=limits.limits(screen, file),
        unwatched=await _unwatched(conn, screen, resident),
        family_notes=(await family_notes.newest(conn, viewer, [id]))[id] if screen.on_duty else [],
        incidents=history,
        marks=[_mark(card) for card in history],
        circle_m=None if resident.safe_radius_m == NOT_DRAWN_M else resident.safe_radius_m,
        map_tiles=map_tiles(settings),
    )


async def _called_to(request: Request, conn: Connection, screen: Screen, resident_id: int) -> Response:
    """The page for a person who is called to a resident who has not agreed to be seen by them. It says who, where, how
    to get in, who else is called, and what they can answer."""
    viewer = queries.viewer_of(screen)
    door = (await residents.doors(conn, viewer, [resident_id]))[resident_id]
    page = await handling.listing(conn, viewer, states=["unresolved"], resident_id=resident_id, limit=HISTORY)
    return render.page(
        request,
        screen,
        "called_to.html",
        here="residents",
        alarms=await queries.alarms(conn, screen),
        door=door,
        cards=await queries.cards_of(conn, screen, page.items),
    )


async def _unwatched(conn: Connection, screen: Screen, resident: Resident) -> unwatched.Section | None:
    found = await of_resident(conn, resident, screen.when.now, screen.when.zone)
    return unwatched.section(screen.t, found)


async def _history(conn: Connection, screen: Screen, resident_id: int) -> list[Card]:
    page = await handling.listing(conn, queries.viewer_of(screen), resident_id=resident_id, limit=HISTORY)
    return [cards.card(screen, incident) for incident in page.items]


def _contact(screen: Screen, contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "relation": labels.relation(screen.t, contact),
        "phone": contact.phone,
        "holds_key": contact.holds_key,
    }


def _facts(screen: Screen, file: File) -> list[tuple[str, str | None]]:
    """The file as pairs of name and value, without what the viewer may not see."""
    resident = file.resident
    medical = [
        ("conditions", file.conditions),
        ("medicines", file.medicines),
        ("allergies", file.allergies),
        ("mobility", file.mobility),
        ("notes", file.notes),
    ]
    common = [
        ("needs", resident.needs),
        ("birth_date", resident.birth_date.isoformat() if resident.birth_date else None),
        ("language", screen.t(f"file.language_{resident.language}")),
        ("external_id", resident.external_id),
    ]
    return (medical if resident.sees_health else []) + common


def _mark(card: Card) -> dict[str, str]:
    return {"at": card.opened_at.isoformat(), "label": card.title, "severity": card.severity}
