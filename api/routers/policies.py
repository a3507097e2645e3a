"""Policies: who is asked for help, in which order, for which kind of incident."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from alerts.model.incident import IncidentKind, Severity
from alerts.policies import store
from alerts.policies.escalation_policy import EscalationPolicy
from alerts.policies.store import Policy
from api import examples
from api.deps import CurrentViewer, Db, Id, Now
from api.responses import Json, answers
from eldercare.accounts import audit
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import residents

router = APIRouter(prefix="/policies", tags=["policies"])

ResidentId = Annotated[
    int | None, Query(ge=1, le=2**63 - 1, description="that resident's override; absent: the community's default")
]


class Ladder(EscalationPolicy):
    """The steps, and the deadlines of the person who accepts."""

    # An escalation policy, under the name that the OpenAPI document has for it.


@router.get("", response_model=list[Policy], responses=answers([examples.POLICY], 403, 404, 422))
async def list_policies(conn: Db, viewer: CurrentViewer, resident_id: ResidentId = None) -> Json:
    """The community's policies and, where a resident is named, that resident's overrides."""
    require_role(viewer, Role.DUTY, Role.ADMIN)
    if resident_id is not None:
        await residents.get(conn, viewer, resident_id)
    return Json(await store.listing(conn, resident_id))


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
    """Replace a policy, for everybody or for one resident. Open incidents follow it at their next step."""
    require_role(viewer, Role.ADMIN, Role.DUTY_LEAD)
    stored = await store.put(conn, kind, severity, resident_id, ladder, viewer.person_id, now)
    await _record(conn, viewer, "put", stored)
    return Json(stored)


@router.delete(
    "/{id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses={key: value for key, value in answers(None, 403, 404, 422).items() if key != 200},
)
async def remove_policy(id: Id, conn: Db, viewer: CurrentViewer) -> None:
    """Remove a resident's override; the community's default holds again."""
    require_role(viewer, Role.ADMIN, Role.DUTY_LEAD)
    removed = await store.get(conn, id)
    await store.remove(conn, id)
    await _record(conn, viewer, "remove", removed)


async def _record(conn: Db, viewer: Viewer, action: str, policy: Policy) -> None:
    """Record who changed the policy, when, and what stands there now: it decides who is called."""
    detail = {"kind": policy.kind, "severity": policy.severity, "ladder": policy.ladder}
    await audit.record(conn, viewer, "policy", resident_id=policy.resident_id, action=action, detail=detail)
