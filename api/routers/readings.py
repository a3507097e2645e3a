"""What the bands of one resident have told, from when to when."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import examples
from api.deps import CurrentViewer, Db, Id, Now, SettingsOf
from api.query import MONTH, SEASON, YEAR, Cursor, From, To, span
from api.responses import Json, answers
from eldercare.accounts import audit
from eldercare.community import readings
from eldercare.community.readings import MOST_POINTS, Bucket, HeartRate, Location, Status
from eldercare.platform.pagination import Page

router = APIRouter(prefix="/residents/{id}", tags=["readings"])

MOST_SPAN = {
    Bucket.RAW: MONTH,
    Bucket.MINUTE: MONTH,
    Bucket.FIVE_MINUTES: SEASON,
    Bucket.QUARTER: SEASON,
    Bucket.HOUR: YEAR,
    Bucket.DAY: YEAR,
}
"""The longest time for each width of a point. Finer points have a shorter one: each span is some thousands of points,
and one query of well under the time that a read has."""


@router.get(
    "/heart-rate",
    response_model=Page[HeartRate],
    responses=answers(examples.page(examples.HEART_RATE), 403, 404, 413, 422),
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
    first, last = span(start, end, now, MOST_SPAN[bucket])
    page = await readings.heart_rate(
        conn, viewer, id, first, last, bucket, zone=settings.zone, cursor=cursor, limit=limit
    )
    await audit.record(conn, viewer, "heart_rate", resident_id=id)
    return Json(page)


@router.get(
    "/locations",
    response_model=Page[Location],
    responses=answers(examples.page(examples.LOCATION), 403, 404, 413, 422),
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
    first, last = span(start, end, now, SEASON)
    page = await readings.locations(conn, viewer, id, first, last, cursor=cursor, limit=limit)
    await audit.record(conn, viewer, "locations", resident_id=id)
    return Json(page)


@router.get(
    "/status", response_model=Page[Status], responses=answers(examples.page(examples.STATUS), 403, 404, 413, 422)
)
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
    first, last = span(start, end, now, SEASON)
    return Json(await readings.status(conn, viewer, id, first, last, cursor=cursor, limit=limit))
