"""Several applications in one process, as the tests have them: the routes are one, everything else is each its own."""

import httpx
from fastapi import FastAPI

from api.app import create_app
from tests.conftest import MakeSettings


async def _metrics(app: FastAPI, token: str) -> int:
    """The status that somebody with this token gets, who comes through a proxy."""
    headers = {"Authorization": f"Bearer {token}", "X-Real-IP": "192.0.2.7"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client:
        return (await client.get("/metrics", headers=headers)).status_code


async def test_applications_share_their_routes_and_answer_by_their_own_settings(make_settings: MakeSettings) -> None:
    guarded, plain = create_app(make_settings(metrics_token="a" * 32)), create_app(make_settings())
    assert [await _metrics(app, "b" * 32) for app in (guarded, plain, guarded)] == [401, 404, 401]
    shared = set(map(id, guarded.router.routes)) & set(map(id, plain.router.routes))
    assert len(shared) == len(guarded.router.routes) == len(plain.router.routes)


def test_a_route_of_one_application_is_none_of_another(make_settings: MakeSettings) -> None:
    one, other = create_app(make_settings()), create_app(make_settings())
    one.add_api_route("/only-here", lambda: None)
    assert "/only-here" in one.openapi()["paths"]
    assert "/only-here" not in other.openapi()["paths"]
