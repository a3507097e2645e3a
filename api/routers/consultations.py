"""Consultations of a resident: drafts, signed ones, and what was added to them."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict, Field

from api import examples
from api.deps import CurrentViewer, Db, Id, Now, SettingsOf
from api.query import Cursor
from api.responses import Json, answers
from eldercare.community import consultations
from eldercare.community.consultations import MOST_IN_REASON, MOST_IN_TEXT, Consultation, Draft
from eldercare.platform.pagination import Page
from eldercare.platform.validation.moments import Moment

router = APIRouter(tags=["clinic"])

Text = Annotated[str, Field(max_length=MOST_IN_TEXT)]
_EXAMPLE: dict[str, Any] = {
    "reason": "夜间静息心率四周升高",
    "findings": "血压 138/82，双下肢无水肿",
    "advice": "早晚量血压，两周后复查",
    "next_on": "2026-12-14",
}


class NewConsultation(BaseModel):
    """What a doctor writes; findings and advice may come later, and have to be there to sign."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    reason: Annotated[str, Field(min_length=1, max_length=MOST_IN_REASON)]
    findings: Text = ""
    advice: Text = ""
    next_on: Annotated[date | None, Field(description="the day on which she should come again")] = None
    at: Annotated[Moment | None, Field(description="when she was seen; when the draft was begun, if absent")] = None

    def draft(self) -> Draft:
        """The same for the noun."""
        return Draft(self.reason, self.findings, self.advice, self.next_on, self.at)


class SavedConsultation(NewConsultation):
    """The whole text anew, and the version that it was written on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {**_EXAMPLE, "version": 1}})

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class Signature(BaseModel):
    """The version that is signed: the one that its author has seen."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=2**31 - 1, examples=[2])]


class NewAmendment(BaseModel):
    """What is added."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MOST_IN_TEXT, examples=["家属来电：已停用布洛芬"])]


@router.get(
    "/residents/{id}/consultations",
    response_model=Page[Consultation],
    responses=answers(examples.page(examples.CONSULTATION), 403, 404, 422),
)
async def list_consultations(
    id: Id,
    conn: Db,
    viewer: CurrentViewer,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Json:
    """The signed consultations, and the viewer's own draft, newest first. For duty, and for doctors whom the resident
    has consented to."""
    return Json(await consultations.listing(conn, viewer, id, cursor=cursor, limit=limit))


@router.post(
    "/residents/{id}/consultations",
    status_code=status.HTTP_201_CREATED,
    response_model=Consultation,
    responses=answers(examples.DRAFT, 403, 404, 409, 413, 422, status=201),
)
async def begin_consultation(
    id: Id, new: NewConsultation, conn: Db, viewer: CurrentViewer, now: Now, settings: SettingsOf
) -> Json:
    """Begin a draft, which only its author sees. Where they have one of this resident already, the answer is 409 with
    what `stands`. Doctors whom the resident has consented to."""
    today = now.astimezone(settings.zone).date()
    made = await consultations.begin(conn, viewer, id, new.draft(), now, today)
    return Json(await consultations.get(conn, viewer, made), status_code=status.HTTP_201_CREATED)


@router.put(
    "/consultations/{id}",
    response_model=Consultation,
    responses=answers(examples.DRAFT, 403, 404, 409, 413, 422),
)
async def save_consultation(
    id: Id, saved: SavedConsultation, conn: Db, viewer: CurrentViewer, now: Now, settings: SettingsOf
) -> Json:
    """Write over one's own draft. Where it was saved elsewhere since `version`, the answer is 409 with what
    `stands`."""
    today = now.astimezone(settings.zone).date()
    await consultations.save(conn, viewer, id, saved.draft(), saved.version, now, today)
    return Json(await consultations.get(conn, viewer, id))


@router.post(
    "/consultations/{id}/sign",
    response_model=Consultation,
    responses=answers(examples.CONSULTATION, 403, 404, 409, 413, 422),
)
async def sign_consultation(
    id: Id, signature: Signature, conn: Db, viewer: CurrentViewer, now: Now, settings: SettingsOf
) -> Json:
    """Sign one's own draft: nobody changes it any more. Reason, findings and advice have to be there."""
    today = now.astimezone(settings.zone).date()
    await consultations.sign(conn, viewer, id, signature.version, now, today)
    return Json(await consultations.get(conn, viewer, id))


@router.post(
    "/consultations/{id}/amendments",
    status_code=status.HTTP_201_CREATED,
    response_model=Consultation,
    responses=answers(examples.CONSULTATION, 403, 404, 409, 413, 422, status=201),
)
async def amend_consultation(id: Id, new: NewAmendment, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Add to a signed consultation; the answer is all of it. Doctors whom the resident has consented to."""
    await consultations.amend(conn, viewer, id, new.text, now)
    return Json(await consultations.get(conn, viewer, id), status_code=status.HTTP_201_CREATED)
