"""Bands: which there are, who wears them, and what they are asked to do."""

from typing import Annotated

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict, Field

from api import examples
from api.answers import Json, answers
from api.deps import CurrentViewer, Db, DeviceId, Now
from api.query import Cursor
from eldercare import commands, devices
from eldercare.commands import Action, Command
from eldercare.devices import Device
from eldercare.pages import Page

router = APIRouter(prefix="/devices", tags=["devices"])


class Asked(BaseModel):
    """What the band should do."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[Action, Field(examples=["buzz"])]


@router.get("", response_model=Page[Device], responses=answers(examples.page(examples.DEVICE), 422))
async def list_devices(
    conn: Db,
    viewer: CurrentViewer,
    free: Annotated[bool | None, Query(description="worn by nobody")] = None,
    retired: Annotated[bool, Query(description="also those out of service")] = False,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Json:
    """The bands of the residents whom the viewer sees; all of them for duty and admin."""
    return Json(await devices.listing(conn, viewer, free=free, retired=retired, cursor=cursor, limit=limit))


@router.get("/{id}", response_model=Device, responses=answers(examples.DEVICE, 404, 422))
async def get_device(id: DeviceId, conn: Db, viewer: CurrentViewer) -> Json:
    """One band."""
    return Json(await devices.get(conn, viewer, id))


@router.get("/{id}/commands", response_model=list[Command], responses=answers([examples.COMMAND], 404, 422))
async def list_commands(id: DeviceId, conn: Db, viewer: CurrentViewer) -> Json:
    """What the band was asked lately on the wrist that it is on now, newest first, and how it answered."""
    return Json(await commands.listing(conn, viewer, id))


@router.post(
    "/{id}/commands",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Command,
    responses=answers(examples.COMMAND, 403, 404, 409, 413, 422, status=202),
)
async def command(id: DeviceId, asked: Asked, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Ask the band to do something; its answer comes by `GET …/commands`."""
    requested = await commands.request(conn, viewer, id, asked.action, now)
    return Json(requested, status_code=status.HTTP_202_ACCEPTED)
