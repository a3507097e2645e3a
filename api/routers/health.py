"""Whether this service lives, and whether it can work: outside the prefix, without a login, without personal data."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import Db
from api.problems import documented
from eldercare.database import Connection

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Annotated[Literal["ok"], Field(examples=["ok"])] = "ok"


class Ready(BaseModel):
    """The database answers, and is migrated."""

    status: Annotated[Literal["ready"], Field(examples=["ready"])] = "ready"


@router.get("/healthz")
async def healthz() -> Alive:
    """Alive, whatever the database does."""
    return Alive()


@router.get("/readyz", responses=documented(503))
async def readyz(conn: Db) -> Ready:
    """Ready to answer; 503 while the database is away."""
    await _probe(conn)
    return Ready()


async def _probe(conn: Connection) -> None:
    await conn.execute("select eldercare_now()")
