"""What the bands of one resident have told, from when to when."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import examples
from api.answers import Json, answers
from api.deps import CurrentViewer, Db, Id, Now, SettingsOf
from api.query import Cursor, From, To, span
from eldercare import audit, readings
from eldercare.pages import Page
from eldercare.readings import MOST_POINTS, Bucket, HeartRate, Location, Status

router = APIRouter(prefix="/residents/{id}", tags=["readings"])


@router.get(
    "/heart-rate",
    response_model=Page[HeartRate],
    responses=answers(examples.page(examples.HEART_RATE), 403, 404, 422),
)
async def heart_rate(
    id: Id,
    conn: Db,
    viewer: CurrentViewer,
    now: Now,
    settings: SettingsOf,
    start: From = None,
    end: To = None,
    bucket: Annotated[Bucket, Query(description="width of a point; days begin at the community's midnight")] = (
        Bucket.HOUR
    ),
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_POINTS)] = MOST_POINTS,
) -> Json:
    """Lowest, mean and highest beats per minute of each bucket; a bucket without values is absent."""
    first, last = span(start, end, now)
    page = await readings.heart_rate(
        conn, viewer, id, first, last, bucket, zone=settings.zone, cursor=cursor, limit=limit
    )
    await audit.record(conn, viewer, "heart_rate", resident_id=id)
    return Json(page)


@router.get(
    "/locations",
    response_model=Page[Location],
    responses=answers(examples.page(examples.LOCATION), 403, 404, 422),
)
async def locations(
    id: Id,
    conn: Db,
    viewer: CurrentViewer,
    now: Now,
    start: From = None,
    end: To = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_POINTS)] = 5000,
) -> Json:
    """The track: WGS-84 degrees, in the order of the band's own time."""
    first, last = span(start, end, now)
    page = await readings.locations(conn, viewer, id, first, last, cursor=cursor, limit=limit)
    await audit.record(conn, viewer, "locations", resident_id=id)
    return Json(page)


@router.get("/status", response_model=Page[Status], responses=answers(examples.page(examples.STATUS), 403, 404, 422))
async def status(
    id: Id,
    conn: Db,
    viewer: CurrentViewer,
    now: Now,
    start: From = None,
    end: To = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_POINTS)] = 5000,
) -> Json:
    """Battery, charging, worn and signal."""
    first, last = span(start, end, now)
    return Json(await readings.status(conn, viewer, id, first, last, cursor=cursor, limit=limit))
