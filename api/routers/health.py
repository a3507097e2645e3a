"""Whether this service lives, and whether it can work: outside the prefix, without a login, without personal data."""

from typing import Annotated, Literal

import psycopg
import psycopg_pool
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from alerts import counts
from api import metrics
from api.deps import pools_of
from api.problems import documented
from eldercare import clock, heartbeats
from eldercare.errors import Unavailable

router = APIRouter(tags=["health"])

PATIENCE_S = 1.0
"""Whoever asks whether we are there does not wait long for the answer."""


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


@router.get("/readyz", responses=documented(429, 503))
async def readyz(request: Request) -> Ready:
    """Ready to answer; 503 while the database is away or not migrated."""
    try:
        async with pools_of(request).everybody.connection("health", timeout=PATIENCE_S) as conn:
            await clock.now(conn)
    except psycopg.ProgrammingError as error:
        raise Unavailable("the database is not migrated: run `eldercare migrate`") from error
    return Ready()


@router.get(
    "/metrics",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "eldercare_database_up 1.0"}}}
    },
    response_class=Response,
)
async def scrape(request: Request) -> Response:
    """Metrics for Prometheus: signs of life of the services, open incidents, waiting messages. Nothing personal."""
    try:
        async with pools_of(request).everybody.connection("health", timeout=PATIENCE_S) as conn:
            text = metrics.render(
                await heartbeats.listing(conn), await counts.incidents(conn), await counts.notifications(conn)
            )
    except (psycopg.OperationalError, psycopg_pool.PoolTimeout):
        text = metrics.DATABASE_AWAY
    return Response(text, media_type=CONTENT_TYPE_LATEST)
