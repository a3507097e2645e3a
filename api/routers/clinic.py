"""What the clinic writes of a resident, and what stood there before."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import examples
from api.deps import CurrentViewer, Db, Id
from api.query import Cursor
from api.responses import Json, answers
from eldercare.community import resident_history
from eldercare.community.resident_history import Change, MedicalFact
from eldercare.platform.pagination import Page

router = APIRouter(tags=["clinic"])


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
