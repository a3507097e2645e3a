"""Bands: which there are, who wears them, and what they are asked to do."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from api import examples
from api.deps import CurrentViewer, Db, DeviceId, Now
from api.query import Cursor
from api.responses import Json, answers
from eldercare.community import assignments, commands, devices
from eldercare.community.commands import Action, Command
from eldercare.community.devices import BandState, Device
from eldercare.platform.pagination import Page

router = APIRouter(prefix="/devices", tags=["devices"])


class Wearer(BaseModel):
    """Who wears the band from now on; `also` where they go on wearing another."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"resident_id": 12}})

    resident_id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    also: StrictBool = False


class PutAway(BaseModel):
    """Where the band is from now on, worn by nobody."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"state": "in_repair"}})

    state: Literal["in_stock", "in_repair", "lost", "retired"]


class Replacement(PutAway):
    """The band that is worn instead, and where the old one is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"by": "band-0099", "state": "in_repair"}})

    by: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


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


@router.post("/{id}/assign", response_model=Device, responses=answers(examples.DEVICE, 403, 404, 409, 413, 422))
async def assign(id: DeviceId, wearer: Wearer, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """The resident wears the band from now on. Duty and admin."""
    await assignments.assign(conn, viewer, id, wearer.resident_id, now, also=wearer.also)
    return Json(await devices.get(conn, viewer, id))


@router.post("/{id}/take-off", response_model=Device, responses=answers(examples.FREE_DEVICE, 403, 404, 409, 422))
async def take_off(id: DeviceId, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Nobody wears the band from now on, and it is in stock. Duty and admin."""
    await assignments.take_off(conn, viewer, id, now)
    return Json(await devices.get(conn, viewer, id))


@router.post("/{id}/replace", response_model=Device, responses=answers(examples.DEVICE, 403, 404, 409, 413, 422))
async def replace(id: DeviceId, replacement: Replacement, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """The wearer of the band wears another from now on; the answer is the new one. Duty and admin."""
    await assignments.replace(conn, viewer, id, replacement.by, BandState(replacement.state), now)
    return Json(await devices.get(conn, viewer, replacement.by))


@router.post("/{id}/state", response_model=Device, responses=answers(examples.FREE_DEVICE, 403, 404, 409, 413, 422))
async def set_state(id: DeviceId, put: PutAway, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """The band is in stock, in repair, lost or retired from now on, and worn by nobody. Duty and admin.

    If it presses all the same, it rings as a band that is nobody's.
    """
    await assignments.set_state(conn, viewer, id, BandState(put.state), now)
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
