"""What the clinic writes of a resident, and what stood there before."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api import examples
from api.deps import CurrentViewer, Db, Id, Now
from api.query import Cursor
from api.responses import Json, answers
from eldercare.community import emergency_note, resident_history
from eldercare.community.resident_history import Change, MedicalFact
from eldercare.community.resident_schema import MOST_IN_EMERGENCY_NOTE, EmergencyNote
from eldercare.platform.pagination import Page

router = APIRouter(tags=["clinic"])


class Note(BaseModel):
    """What whoever goes there has to know; empty takes it away."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str, Field(max_length=MOST_IN_EMERGENCY_NOTE, examples=["服华法林，出血难止；头部垫高；左耳有助听器"])
    ]


@router.get(
    "/residents/{id}/history",
    response_model=Page[Change],
    responses=answers(examples.page(examples.CHANGE), 403, 404, 422),
)
async def list_history(
    id: Id,
    conn: Db,
    viewer: CurrentViewer,
    fact: Annotated[MedicalFact | None, Query(description="of this fact alone; absent: of all")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Who changed the resident's medical facts, from what to what and when, newest first. For whoever sees their
    health."""
    return Json(await resident_history.listing(conn, viewer, id, fact=fact, cursor=cursor, limit=limit))


@router.get(
    "/residents/{id}/emergency_note",
    response_model=EmergencyNote | None,
    responses=answers(examples.EMERGENCY_NOTE, 403, 404, 422),
)
async def get_emergency_note(id: Id, conn: Db, viewer: CurrentViewer) -> Json:
    """急救须知: what whoever goes to the resident has to know, or null. For duty, their doctors, family with consent to
    health, and whoever is called there or goes there now. It is on the incident too."""
    return Json(await emergency_note.get(conn, viewer, id))


@router.put(
    "/residents/{id}/emergency_note",
    response_model=EmergencyNote | None,
    responses=answers(examples.EMERGENCY_NOTE, 403, 404, 413, 422),
)
async def put_emergency_note(id: Id, note: Note, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Write what whoever goes there has to know, at most 500 characters. Duty, and a doctor whom the resident has
    consented to. The answer is what stands now."""
    return Json(await emergency_note.write(conn, viewer, id, note.text, now))
