"""The clinic's sessions: when a doctor sees people, who comes when and why."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict, Field

from api import examples
from api.deps import CurrentViewer, Db, Id, Now
from api.query import EXAMPLE, MONTH, span
from api.responses import Json, answers
from eldercare.community import clinic_sessions
from eldercare.community.clinic_sessions import LONGEST_SLOT_MIN, MOST_IN_PLACE, MOST_IN_WHY, Session, Wanted
from eldercare.platform.validation.moments import Moment

router = APIRouter(prefix="/clinic/sessions", tags=["clinic"])

From = Annotated[Moment | None, Query(alias="from", description="included; now when absent", examples=[EXAMPLE])]
To = Annotated[
    Moment | None, Query(alias="to", description="excluded; a week after `from` when absent", examples=[EXAMPLE])
]
AHEAD = timedelta(days=7)
"""How far sessions are listed where nobody says until when."""


class NewSession(BaseModel):
    """When and where; whose, if not one's own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "begins_at": "2026-12-02T14:00:00+08:00",
                "ends_at": "2026-12-02T16:00:00+08:00",
                "place": "居委会二楼",
            }
        },
    )

    begins_at: Moment
    ends_at: Moment
    place: Annotated[str, Field(min_length=1, max_length=MOST_IN_PLACE)]
    doctor_id: Annotated[int | None, Field(ge=1, le=2**63 - 1, description="absent: the viewer")] = None


class WantedSlot(BaseModel):
    """When they come and for how long. `why` absent: as it stands."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"begins_at": "2026-12-02T14:00:00+08:00", "minutes": 15, "why": "夜间静息升高"}},
    )

    begins_at: Moment
    minutes: Annotated[int, Field(ge=1, le=LONGEST_SLOT_MIN)]
    why: Annotated[str | None, Field(max_length=MOST_IN_WHY)] = None
    outcome: Annotated[Literal["came", "missed"] | None, Field(description="absent: nobody has said")] = None


@router.get("", response_model=list[Session], responses=answers([examples.CLINIC_SESSION], 403, 413, 422))
async def list_sessions(conn: Db, viewer: CurrentViewer, now: Now, start: From = None, end: To = None) -> Json:
    """The sessions that begin from `from` on and before `to`, by time. A doctor sees their own, duty and admin all.
    `why` is null where no consent to the clinic lets the viewer read it."""
    first = start or min(now, end or now)
    first, last = span(first, end or first + AHEAD, now, MONTH)
    return Json(await clinic_sessions.listing(conn, viewer, first, last))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=Session,
    responses=answers(examples.CLINIC_SESSION, 403, 413, 422, status=201),
)
async def make_session(new: NewSession, conn: Db, viewer: CurrentViewer) -> Json:
    """Make a session: doctors their own, duty and admin anybody's. Two of one doctor do not overlap."""
    made = await clinic_sessions.make(conn, viewer, new.doctor_id, new.begins_at, new.ends_at, new.place)
    return Json(await clinic_sessions.get(conn, viewer, made), status_code=status.HTTP_201_CREATED)


@router.delete(
    "/{id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses={key: value for key, value in answers(None, 403, 404, 409, 422).items() if key != 200},
)
async def cancel_session(id: Id, conn: Db, viewer: CurrentViewer) -> None:
    """Take back a session that nobody is in: its doctor, duty and admin. 409 while somebody is."""
    await clinic_sessions.cancel(conn, viewer, id)


@router.put(
    "/{id}/slots/{resident_id}",
    response_model=Session,
    responses=answers(examples.CLINIC_SESSION, 403, 404, 413, 422),
)
async def put_slot(id: Id, resident_id: Id, wanted: WantedSlot, conn: Db, viewer: CurrentViewer) -> Json:
    """Put somebody in, move them, or say whether they came. The session's doctor for patients who have consented, duty
    for anybody. The answer is the session."""
    slot = Wanted(wanted.begins_at, wanted.minutes, wanted.why, wanted.outcome)
    await clinic_sessions.put(conn, viewer, id, resident_id, slot)
    return Json(await clinic_sessions.get(conn, viewer, id))


@router.delete(
    "/{id}/slots/{resident_id}",
    response_model=Session,
    responses=answers(examples.CLINIC_SESSION, 403, 404, 422),
)
async def take_out(id: Id, resident_id: Id, conn: Db, viewer: CurrentViewer) -> Json:
    """Take somebody out. The session's doctor, and duty. The answer is the session."""
    await clinic_sessions.take_out(conn, viewer, id, resident_id)
    return Json(await clinic_sessions.get(conn, viewer, id))
