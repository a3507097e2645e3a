"""Policies: who is asked for help, in which order, for which kind of incident."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from alerts import policies
from alerts.kinds import IncidentKind, Severity
from alerts.ladder import Ladder
from alerts.policies import Policy
from api import examples
from api.answers import Json, answers
from api.deps import CurrentViewer, Db, Id, Now
from eldercare import residents
from eldercare.access import Role, require_role

router = APIRouter(prefix="/policies", tags=["policies"])

ResidentId = Annotated[
    int | None, Query(ge=1, le=2**63 - 1, description="that resident's override; absent: the community's default")
]


@router.get("", response_model=list[Policy], responses=answers([examples.POLICY], 403, 404, 422))
async def list_policies(conn: Db, viewer: CurrentViewer, resident_id: ResidentId = None) -> Json:
    """The community's ladders and, where a resident is named, that resident's overrides."""
    require_role(viewer, Role.DUTY, Role.ADMIN)
    if resident_id is not None:
        await residents.get(conn, viewer, resident_id)
    return Json(await policies.listing(conn, resident_id))


@router.put(
    "/{kind}/{severity}",
    response_model=Policy,
    responses=answers(examples.POLICY, 403, 404, 413, 422),
    openapi_extra={"requestBody": {"content": {"application/json": {"example": examples.LADDER}}}},
)
async def put_policy(
    kind: IncidentKind,
    severity: Severity,
    ladder: Ladder,
    conn: Db,
    viewer: CurrentViewer,
    now: Now,
    resident_id: ResidentId = None,
) -> Json:
    """Replace a ladder, for everybody or for one resident. Open incidents follow it at their next step."""
    require_role(viewer, Role.ADMIN, Role.DUTY_LEAD)
    return Json(await policies.put(conn, kind, severity, resident_id, ladder, viewer.person_id, now))


@router.delete(
    "/{id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses={key: value for key, value in answers(None, 403, 404, 422).items() if key != 200},
)
async def remove_policy(id: Id, conn: Db, viewer: CurrentViewer) -> None:
    """Remove a resident's override; the community's default holds again."""
    require_role(viewer, Role.ADMIN, Role.DUTY_LEAD)
    await policies.remove(conn, id)
