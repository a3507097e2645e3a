"""The first page: the duty board, or what anybody else may see; and the parts that fetch themselves anew."""

from typing import Any

from fastapi import APIRouter, Request, Response

from alerts.incidents import views
from alerts.incidents.detail import Incident
from alerts.model.incident import Severity
from api.console.committee import labels
from api.console.duty import queries, tiles, unwatched
from api.console.duty.tiles import Tile
from api.console.shell import render
from api.console.shell.login import see
from api.console.shell.screen import CurrentScreen, Screen
from api.deps import Db, SettingsOf
from eldercare.accounts import audit
from eldercare.community import residents
from eldercare.community.resident_schema import Resident
from eldercare.community.residents import Filters
from eldercare.platform.database import Connection
from eldercare.platform.pagination import Page
from eldercare.platform.settings import Settings

router = APIRouter(include_in_schema=False)

MOST_TILES = 5000
HOME_RESIDENTS = 20


@router.get("/")
async def first_page(request: Request, conn: Db, screen: CurrentScreen, settings: SettingsOf) -> Response:
    """The duty board for duty; a home page for the other roles, which for a relative is the family's and for a doctor
    the patients."""
    if screen.first_page != "/":
        return see(screen.first_page)
    found = await queries.unresolved(conn, screen)
    facts = await queue_of(conn, screen, found)
    if not screen.on_duty:
        page = await residents.listing(conn, queries.viewer_of(screen), limit=HOME_RESIDENTS)
        await _audit(conn, screen, found, page.items)
        return render.page(request, screen, "home.html", here="board", **facts, **_own_residents(screen, page))
    shown = await _tiles(request, conn, screen, found)
    await _audit(conn, screen, found, [tile.resident for tile in shown])
    return render.page(request, screen, "board.html", here="board", map_tiles=map_tiles(settings), **facts, tiles=shown)


@router.get("/parts/alarms")
async def alarms(request: Request, conn: Db, screen: CurrentScreen) -> Response:
    """The alarms that wait for somebody, for the bar of every page and its siren."""
    return render.part(request, screen, "parts/alarms.html", alarms=await queries.alarms(conn, screen))


@router.get("/parts/incidents")
async def queue(request: Request, conn: Db, screen: CurrentScreen) -> Response:
    """The cards, anew."""
    found = await queries.unresolved(conn, screen)
    facts = await queue_of(conn, screen, found)
    await _audit(conn, screen, found, [])
    return render.part(request, screen, "parts/queue.html", **facts)


@router.get("/parts/tiles")
async def tiles_anew(request: Request, conn: Db, screen: CurrentScreen) -> Response:
    """The tiles, anew."""
    found = await _tiles(request, conn, screen, await queries.unresolved(conn, screen))
    await _audit(conn, screen, [], [tile.resident for tile in found])
    return render.part(request, screen, "parts/tiles.html", tiles=found)


def map_tiles(settings: Settings) -> dict[str, str | None]:
    """Where map tiles come from, for a map's script. Where `url` is None, the script draws a plain grid."""
    return {
        "url": settings.map_tile_url,
        "datum": settings.map_tile_datum,
        "attribution": settings.map_tile_attribution,
    }


async def queue_of(conn: Connection, screen: Screen, found: list[Incident]) -> dict[str, Any]:
    """What `parts/queue.html` shows of these incidents."""
    shown = await queries.cards_of(conn, screen, found)
    return {
        "cards": [card for card in shown if card.severity != Severity.TASK],
        "tasks": [card for card in shown if card.severity == Severity.TASK],
        "alarms": queries.alarms_of(found),
    }


async def _tiles(request: Request, conn: Connection, screen: Screen, found: list[Incident]) -> list[Tile]:
    page = await residents.listing(conn, queries.viewer_of(screen), Filters(with_band=True), limit=MOST_TILES)
    severities = tiles.gravest((incident.resident_id, incident.severity) for incident in found)
    blind = await unwatched.blind_rules(request, conn, screen.when.now, screen.when.zone)
    return tiles.tiles(page.items, severities, screen.when.now, blind)


def _own_residents(screen: Screen, page: Page[Resident]) -> dict[str, Any]:
    shown = [labels.row(screen.t, resident, screen.when.now, screen.when.zone) for resident in page.items]
    return {"residents": shown, "more": page.next_cursor is not None}


async def _audit(conn: Connection, screen: Screen, found: list[Incident], listed: list[Resident]) -> None:
    """Write one row for this look, with everybody whose health or whereabouts it showed."""
    seen = [resident.id for resident in listed if resident.sees_health or resident.sees_location]
    ids = [*views.shown(found), *seen]
    await audit.shown(conn, queries.viewer_of(screen), "board", ids, action="board")
