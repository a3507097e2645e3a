"""Grids: which there are and who works them."""

from typing import Annotated

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from api import examples
from api.deps import CurrentViewer, Db, Id
from api.responses import Json, answers
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role
from eldercare.community import people, people_changes
from eldercare.community.people import Grid

router = APIRouter(prefix="/grids", tags=["grids"])

Name = Annotated[str, Field(min_length=1, max_length=100)]


class NewGrid(BaseModel):
    """A grid by its name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "第三网格"}})

    name: Name
    community: Annotated[str, Field(max_length=100)] = ""


class NewName(BaseModel):
    """Another name for the grid."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "梧桐里第三网格"}})

    name: Name


class Workers(BaseModel):
    """Who works the grid: its own worker first, then the backups in order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"person_ids": [31, 32]}})

    person_ids: Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(min_length=1, max_length=100)]


@router.get("", response_model=list[Grid], responses=answers([examples.GRID], 403))
async def list_grids(conn: Db, viewer: CurrentViewer) -> Json:
    """Every grid, with who works it. Duty, grid workers and admin."""
    require_role(viewer, Role.DUTY, Role.GRID, Role.ADMIN)
    return Json(await people.grids(conn))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=Grid,
    responses=answers(examples.GRID, 403, 409, 413, 422, status=201),
)
async def create_grid(new: NewGrid, conn: Db, viewer: CurrentViewer) -> Json:
    """Make a grid. Admin."""
    grid_id = await people_changes.create_grid(conn, viewer, new.name, new.community)
    return Json(await people.grid_of(conn, grid_id), status_code=status.HTTP_201_CREATED)


@router.patch("/{id}", response_model=Grid, responses=answers(examples.GRID, 403, 404, 409, 413, 422))
async def rename_grid(id: Id, new: NewName, conn: Db, viewer: CurrentViewer) -> Json:
    """Give the grid another name. Admin."""
    await people_changes.rename_grid(conn, viewer, id, new.name)
    return Json(await people.grid_of(conn, id))


@router.put("/{id}/workers", response_model=Grid, responses=answers(examples.GRID, 403, 404, 409, 413, 422))
async def set_workers(id: Id, workers: Workers, conn: Db, viewer: CurrentViewer) -> Json:
    """Exactly these people work the grid. Admin."""
    await people_changes.set_grid_workers(conn, viewer, id, workers.person_ids)
    return Json(await people.grid_of(conn, id))
