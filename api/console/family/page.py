"""The family's page: one card for each resident whose relative the viewer is, its part that fetches itself anew, and
words from relative to relative."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from api.console.duty import queries
from api.console.family import facts, words
from api.console.family.facts import Known
from api.console.shell import render
from api.console.shell.login import see
from api.console.shell.screen import CurrentScreen, Screen
from api.deps import Db, Id, SettingsOf
from eldercare.accounts import audit
from eldercare.community import consents, family_notes, relatives
from eldercare.platform.database import Connection
from eldercare.platform.settings import Settings

router = APIRouter(include_in_schema=False)


@router.get("/family")
async def family(request: Request, conn: Db, screen: CurrentScreen, settings: SettingsOf) -> Response:
    """Is she all right, and what that rests on. Raises Forbidden for whoever is nobody's relative by role."""
    shown = await _cards(conn, screen, settings)
    waiting = [] if screen.only_family else await queries.alarms(conn, screen)
    return render.page(request, screen, "family.html", here="family", alarms=waiting, **shown)


@router.get("/parts/family")
async def family_anew(request: Request, conn: Db, screen: CurrentScreen, settings: SettingsOf) -> Response:
    """The cards, anew."""
    return render.part(request, screen, "parts/family.html", **await _cards(conn, screen, settings))


@router.post("/family/{id}/notes")
async def note(
    request: Request, id: Id, conn: Db, screen: CurrentScreen, text: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """A word to the other relatives. Raises Forbidden, NotFound, InvalidInput."""
    await family_notes.write(conn, queries.viewer_of(screen), id, text, screen.when.now)
    if render.is_part(request):
        return render.done(screen.t("family.note_done"), reset=f"note-{id}")
    return see(f"/family#notes-{id}")


async def _cards(conn: Connection, screen: Screen, settings: Settings) -> dict[str, Any]:
    viewer = queries.viewer_of(screen)
    found = [await facts.gather(conn, screen, viewer, ward) for ward in await relatives.wards(conn, viewer)]
    await audit.shown(conn, viewer, "family", [each.ward.id for each in found if _shows(each)])
    notes = await family_notes.newest(conn, viewer, [each.ward.id for each in found])
    cards = [
        words.card(
            screen, known, await consents.standing(conn, known.ward.id), notes[known.ward.id], settings.desk_phone
        )
        for known in found
    ]
    return {"family": cards}


def _shows(known: Known) -> bool:
    """Whether the card shows anything of her health or whereabouts; that somebody was called for her is health too."""
    return known.ward.sees_health or known.ward.sees_location or bool(known.episodes)
