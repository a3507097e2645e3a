"""What bands sent that could not be used: for the makers of bands, by way of duty and admin."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import examples
from api.deps import CurrentViewer, Db, Now
from api.query import EXAMPLE, Cursor
from api.responses import Json, answers
from eldercare.community import rejected
from eldercare.community.rejected import RejectedMessage
from eldercare.platform.pagination import Page
from eldercare.platform.validation.moments import Moment

router = APIRouter(prefix="/rejected", tags=["devices"])

Device = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="of this band only", examples=["band-0012"])
]
Since = Annotated[Moment | None, Query(description="included; a day ago when absent", examples=[EXAMPLE])]


@router.get("", response_model=Page[RejectedMessage], responses=answers(examples.page(examples.REJECTED), 403, 422))
async def list_rejected(
    conn: Db,
    viewer: CurrentViewer,
    now: Now,
    device: Device = None,
    since: Since = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Newest first, each with its reason and the field. What was in it is for duty alone."""
    start = since or now - rejected.SHOWN
    return Json(await rejected.listing(conn, viewer, device_id=device, since=start, cursor=cursor, limit=limit))
