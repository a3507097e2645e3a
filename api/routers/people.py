"""People: who is called and who logs in, their passwords, telephones and roles, and their leaving. Admin's."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict, Field

from alerts.incidents import leaving
from api import examples
from api.deps import CurrentViewer, Db, Id, Now
from api.query import Cursor
from api.responses import Json, answers
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role
from eldercare.community import people, people_changes
from eldercare.community.people import Person
from eldercare.platform.pagination import Page

router = APIRouter(prefix="/people", tags=["people"])

Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,62}$")]


class NewPerson(BaseModel):
    """Somebody who is called or logs in; `grid` for a grid worker, by its name."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "李强", "roles": ["grid"], "phone": "+99910000031", "grid": "第三网格"}},
    )

    name: Annotated[str, Field(min_length=1, max_length=100)]
    roles: Annotated[list[Role], Field(min_length=1, max_length=8)]
    phone: Annotated[str, Field(max_length=100)] | None = None
    grid: Annotated[str, Field(max_length=100)] | None = None
    username: Username | None = None
    language: Annotated[str, Field(pattern="^(zh|en)$")] = "zh"


class NewLogin(BaseModel):
    """Gives or changes the name to log in by; without one it stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"username": None}})

    username: Username | None = None


class NewPhone(BaseModel):
    """The person is called and texted at this number from now on and at no other; null: at none."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"phone": "+99910000032"}})

    phone: Annotated[str, Field(max_length=100)] | None


class NewRoles(BaseModel):
    """Exactly these roles from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"roles": ["duty", "duty_lead"]}})

    roles: Annotated[list[Role], Field(min_length=1, max_length=8)]


@dataclass(frozen=True, slots=True)
class Made:
    """A person just added. `password` is told this once; `shares` are others at the same number."""

    id: int
    password: str | None
    shares: list[str]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to log in by; the password is told this once."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Who left, and the incidents that go on without them."""

    person: Person
    incidents: list[int]


@router.get("", response_model=Page[Person], responses=answers(examples.page(examples.PERSON), 403, 422))
async def list_people(
    conn: Db,
    viewer: CurrentViewer,
    role: Annotated[Role | None, Query()] = None,
    left: Annotated[bool, Query(description="also those who have left")] = False,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Everybody who is called or logs in. Duty and admin."""
    require_role(viewer, Role.DUTY, Role.ADMIN)
    return Json(await people.listing(conn, role=role, left=left, cursor=cursor, limit=limit))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=Made,
    responses=answers({"id": 31, "password": None, "shares": []}, 403, 413, 422, status=201),
)
async def add_person(new: NewPerson, conn: Db, viewer: CurrentViewer) -> Json:
    """Add somebody. Admin."""
    added = await people_changes.add(
        conn, viewer, new.name, list(new.roles), new.phone, new.grid, new.username, new.language
    )
    return Json(Made(added.id, added.password, list(added.shares)), status_code=status.HTTP_201_CREATED)


@router.get("/{id}", response_model=Person, responses=answers(examples.PERSON, 403, 404, 422))
async def get_person(id: Id, conn: Db, viewer: CurrentViewer) -> Json:
    """One person, also one who has left. Duty and admin."""
    require_role(viewer, Role.DUTY, Role.ADMIN)
    return Json(await people.get(conn, id))


@router.post(
    "/{id}/remove",
    response_model=Removed,
    responses=answers({"person": examples.PERSON, "incidents": [41]}, 403, 404, 409, 422),
)
async def remove_person(id: Id, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """The person is called no more and logs in no more; what they had in hand starts again. Admin."""
    concerned = await leaving.remove(conn, viewer, id, "api", now)
    return Json(Removed(await people.get(conn, id), concerned))


@router.post("/{id}/restore", response_model=Person, responses=answers(examples.PERSON, 403, 404, 422))
async def restore_person(id: Id, conn: Db, viewer: CurrentViewer) -> Json:
    """Undo a removal: telephones, grids and residents as they were. Admin."""
    await people_changes.come_back(conn, viewer, id)
    return Json(await people.get(conn, id))


@router.post(
    "/{id}/password",
    response_model=Credentials,
    responses=answers({"username": "liqiang", "password": "…"}, 403, 404, 409, 413, 422),
)
async def reset_password(id: Id, login: NewLogin, conn: Db, viewer: CurrentViewer) -> Json:
    """Give the person a new password, told this once; every session of theirs ends. Admin."""
    return Json(Credentials(*await people_changes.reset_password(conn, viewer, id, login.username)))


@router.put("/{id}/phone", response_model=Person, responses=answers(examples.PERSON, 403, 404, 409, 413, 422))
async def set_phone(id: Id, new: NewPhone, conn: Db, viewer: CurrentViewer) -> Json:
    """Give the person another telephone number. Admin."""
    await people_changes.set_phone(conn, viewer, id, new.phone)
    return Json(await people.get(conn, id))


@router.put("/{id}/roles", response_model=Person, responses=answers(examples.PERSON, 403, 404, 409, 413, 422))
async def set_roles(id: Id, new: NewRoles, conn: Db, viewer: CurrentViewer) -> Json:
    """Give the person exactly these roles from now on. Admin."""
    await people_changes.set_roles(conn, viewer, id, new.roles)
    return Json(await people.get(conn, id))
