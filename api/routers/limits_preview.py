"""What other limits of a resident's own would have changed in the last thirty days, before anybody signs them."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from alerts.detection import trial
from alerts.detection.trial import Trial
from api import examples
from api.deps import Id, SettingsOf, credentials, pools_of
from api.fairness import Limits
from api.responses import Json, answers
from api.turns import Turns
from api.visitors import visitor_of
from eldercare.accounts import sessions
from eldercare.platform import clock

router = APIRouter(tags=["clinic"])


class WantedLimits(BaseModel):
    """Limits of a resident's own, as they would be saved; an empty object is none."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"rule_overrides": {"hr_high_warning": 125}}}
    )

    rule_overrides: dict[str, Any]


def one_at_a_time() -> Turns:
    """The one place for a trial in a process; whoever comes meanwhile is told to come again."""
    return Turns(Limits(at_once=1, each_at_once=1, each_waiting=0, waiting=0))


@router.post(
    "/residents/{id}/limits/preview",
    response_model=Trial,
    responses=answers(examples.TRIAL, 403, 404, 413, 422),
)
async def preview_limits(
    id: Id, limits: WantedLimits, request: Request, settings: SettingsOf, token: Annotated[str, Depends(credentials)]
) -> Json:
    """先试算: what the rules would have said in the last 30 days under the limits that stand and under these, a value a
    minute. It changes nothing. Duty, and a doctor whom the resident has consented to. One at a time: 429 meanwhile."""
    visitor, pools = visitor_of(request), pools_of(request)
    way = pools.duty if visitor.on_duty else pools.others
    async with cast(Turns, request.app.state.trials).turn(visitor.key):
        # Nobody's connection is held while it is played.
        async with way.connection(visitor.key) as conn:
            viewer = (await sessions.resume(conn, token)).viewer
            now = await clock.now(conn)
            prepared = await trial.prepare(conn, viewer, id, limits.rule_overrides, now, settings.zone)
        return Json(await trial.play(prepared))
