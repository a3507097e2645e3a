"""Whether this service lives, and whether it can work: outside the prefix, without a login, without personal data.

How much is going on is for the monitoring only.
"""

from ipaddress import ip_address
from secrets import compare_digest
from typing import Annotated, Literal

import psycopg
import psycopg_pool
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from alerts.monitoring import counts
from api import metrics
from api.deps import SettingsOf, pools_of
from api.problems import documented
from eldercare.platform import clock, heartbeats
from eldercare.platform.errors import Unauthenticated, Unavailable

router = APIRouter(tags=["health"])

PATIENCE_S = 1.0
"""Seconds to wait for the database, because nobody waits long to hear whether we are there."""


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


_FORWARDING = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def _for_the_monitoring(request: Request, settings: SettingsOf) -> None:
    """Let a request with METRICS_TOKEN in; without that setting, one of this machine itself.

    Raises Unauthenticated for a missing or wrong token. Anybody else, or a proxy on this machine that speaks for
    somebody else, hears that there is no such page.
    """
    if settings.metrics_token is not None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        own = settings.metrics_token.get_secret_value()
        if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), own.encode()):
            raise Unauthenticated("the metrics need their token")
    elif any(name in request.headers for name in _FORWARDING) or not _from_this_machine(request):
        raise HTTPException(404)


def _from_this_machine(request: Request) -> bool:
    try:
        return ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


@router.get(
    "/metrics",
    dependencies=[Depends(_for_the_monitoring)],
    responses=documented(401, 404)
    | {200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "eldercare_database_up 1.0"}}}},
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
