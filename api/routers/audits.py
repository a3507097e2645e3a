"""Who read what of whom. The admin may read that, and nothing else of it."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import examples
from api.deps import CurrentViewer, Db
from api.query import Cursor
from api.responses import Json, answers
from eldercare.accounts import audit
from eldercare.accounts.audit import Entry
from eldercare.platform.pagination import Page

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", response_model=Page[Entry], responses=answers(examples.page(examples.AUDIT), 403, 422))
async def list_audit(
    conn: Db,
    viewer: CurrentViewer,
    resident_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Newest first; the table can only grow."""
    return Json(await audit.listing(conn, viewer, resident_id=resident_id, cursor=cursor, limit=limit))
