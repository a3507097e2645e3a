"""The whole API against its own documentation, with requests that nobody would think of.

As duty, who may do the most. Each transaction is rolled back, so that no request stands in the way of the next.
"""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from api.app import create_app
from eldercare.accounts import sessions
from eldercare.platform.database import connect
from eldercare.platform.settings import Settings
from tests.integration.api.test_rights import Rehearsal
from tests.support import community
from tests.support.services.databases import DatabaseServer
from tests.support.services.missing import missing
from tests.support.services.processes import free_port, wait_until
from tests.support.services.timescale import HOW

NOWHERE = Settings(_env_file=None, database_url="postgresql://nobody@127.0.0.1:1/none")  # type: ignore[call-arg]
schema = schemathesis.openapi.from_dict(create_app(NOWHERE).openapi()).exclude(path="/api/v1/events")
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "ignored_auth",
        "unsupported_method",
    ]
)


@dataclass(frozen=True)
class Service:
    url: str
    token: str
    session: requests.Session
    """One connection for all requests: to make one takes longer than most answers."""


@pytest.fixture(scope="module")
def service(_timescale: DatabaseServer | None) -> Iterator[Service]:
    server = _timescale or missing("TimescaleDB", HOW)
    with server.database() as url:
        token = asyncio.run(_prepare(url))
        port = free_port()
        app = create_app(Settings(_env_file=None, database_url=url))  # type: ignore[call-arg]
        web = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=web.run, daemon=True)
        thread.start()
        wait_until(lambda: web.started, "the service")
        real = app.state.pools
        app.state.pools = real.through(Rehearsal)
        with requests.Session() as session:
            yield Service(f"http://127.0.0.1:{port}", token, session)
        app.state.pools = real
        web.should_exit = True
        thread.join()


async def _prepare(url: str) -> str:
    conn = await connect(url)
    await community.at_work(conn)
    token = (await sessions.login(conn, "duty", community.PASSWORD)).token
    await conn.commit()
    await conn.close()
    return token


@schema.parametrize()
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
def test_nothing_is_undocumented_and_nothing_breaks(case: schemathesis.Case, service: Service) -> None:
    headers = {"Authorization": f"Bearer {service.token}"}
    case.call_and_validate(base_url=service.url, session=service.session, headers=headers, checks=CHECKED)
