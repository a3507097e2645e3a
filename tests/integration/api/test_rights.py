"""Who may do what: every route of the documentation, for every role, with what is theirs and what is not.

The routes come from the OpenAPI document itself, so that a new one cannot be forgotten. Each request is rehearsed: its
transaction is rolled back, and all of them meet the same community. Every answer is held against its documentation.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI

from alerts.model.incident import IncidentKind, Severity
from alerts.policies import store
from alerts.policies.escalation_policy import EscalationPolicy
from api.app import create_app
from api.deps import COOKIE
from eldercare.platform.database import Connection, Pool
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import NOW, USERS, AtWork

PUBLIC = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("POST", "/api/v1/session")}
STREAMS = {("GET", "/api/v1/events")}
"""An answer without end: test_api_events.py."""

LADDER = {"steps": [{"after_s": 0, "targets": ["duty"], "channels": ["voice"]}], "repeat_s": 300}
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/residents/{id}"): {"needs": "助餐"},
    ("PUT", "/residents/{id}/emergency_note"): {"text": "服华法林"},
    ("POST", "/residents/{id}/consultations"): {"reason": "例行"},
    ("PUT", "/consultations/{id}"): {"reason": "例行", "findings": "无变化", "advice": "照旧", "version": 1},
    ("POST", "/consultations/{id}/sign"): {"version": 1},
    ("POST", "/consultations/{id}/amendments"): {"text": "家属来电"},
    ("POST", "/residents/{id}/limits/preview"): {"rule_overrides": {"hr_high_warning": 125}},
    ("POST", "/residents"): {"name": "新来的", "address": "梧桐路99号"},
    ("POST", "/residents/{id}/consents"): {"purpose": "clinic", "given_by": "本人"},
    ("POST", "/devices/{id}/commands"): {"action": "buzz"},
    ("POST", "/devices/{id}/assign"): {"resident_id": 1},
    ("POST", "/devices/{id}/replace"): {"by": "band-spare", "state": "lost"},
    ("POST", "/devices/{id}/state"): {"state": "in_repair"},
    ("PUT", "/residents/{id}/contacts/{person_id}"): {"kind": "family", "relation": "女儿"},
    ("PUT", "/residents/{id}/keys/{person_id}"): {"holds_key": True},
    ("POST", "/people"): {"name": "李强", "roles": ["volunteer"], "phone": "+99910000099"},
    ("POST", "/people/{id}/password"): {},
    ("PUT", "/people/{id}/phone"): {"phone": "+99910000099"},
    ("PUT", "/people/{id}/roles"): {"roles": ["grid", "volunteer"]},
    ("POST", "/grids"): {"name": "第九网格"},
    ("PATCH", "/grids/{id}"): {"name": "第九网格"},
    ("POST", "/incidents/{id}/resolve"): {"disposition": "helped"},
    ("POST", "/incidents/{id}/reopen"): {"note": "还没到"},
    ("POST", "/incidents/{id}/take-back"): {"note": "半小时没动"},
    ("POST", "/incidents/{id}/notes"): {"text": "已联系家属"},
    ("PUT", "/policies/{kind}/{severity}"): LADDER,
}

# One status for each of duty, grid, family, doctor, admin: first with what is theirs, then with what is not.
EVERYBODY = "200 200 200 200 200"
DEED_OF_OWNER = ("200 200 403 403 404", "409 404 404 404 404")
DUTY_AND_ADMIN = ("200 403 403 403 200", "200 403 403 403 200")
ADMINS = ("403 403 403 403 200", "403 403 403 403 200")
EXPECTED: dict[tuple[str, str], tuple[str, str]] = {
    ("POST", "/devices/{id}/assign"): ("409 403 403 403 409", "409 403 403 403 409"),  # worn by somebody
    ("POST", "/devices/{id}/take-off"): DUTY_AND_ADMIN,
    ("POST", "/devices/{id}/replace"): DUTY_AND_ADMIN,
    ("POST", "/devices/{id}/state"): DUTY_AND_ADMIN,
    ("PUT", "/residents/{id}/contacts/{person_id}"): DUTY_AND_ADMIN,
    ("PUT", "/residents/{id}/keys/{person_id}"): ("200 403 403 403 200", "404 403 403 403 404"),
    ("DELETE", "/residents/{id}/contacts/{person_id}/{kind}"): ("200 403 403 403 200", "404 403 403 403 404"),
    ("GET", "/people"): DUTY_AND_ADMIN,
    ("POST", "/people"): ("403 403 403 403 201", "403 403 403 403 201"),
    ("GET", "/people/{id}"): DUTY_AND_ADMIN,
    ("POST", "/people/{id}/remove"): ADMINS,
    ("POST", "/people/{id}/restore"): ("403 403 403 403 404", "403 403 403 403 404"),  # has not left
    ("POST", "/people/{id}/password"): ADMINS,
    ("PUT", "/people/{id}/phone"): ADMINS,
    ("PUT", "/people/{id}/roles"): ADMINS,
    ("GET", "/grids"): ("200 200 403 403 200", "200 200 403 403 200"),
    ("POST", "/grids"): ("403 403 403 403 201", "403 403 403 403 201"),
    ("PATCH", "/grids/{id}"): ADMINS,
    ("PUT", "/grids/{id}/workers"): ADMINS,
    ("GET", "/session"): (EVERYBODY, EVERYBODY),
    ("POST", "/session/renew"): ("409 403 403 403 403", "409 403 403 403 403"),
    ("DELETE", "/session"): ("204 204 204 204 204", "204 204 204 204 204"),
    ("GET", "/residents"): (EVERYBODY, EVERYBODY),
    ("POST", "/residents"): ("201 403 403 403 201", "201 403 403 403 201"),
    ("GET", "/residents/{id}"): (EVERYBODY, "200 404 404 404 200"),
    ("GET", "/residents/{id}/dossier"): (EVERYBODY, "200 404 404 404 200"),
    ("GET", "/residents/{id}/unwatched"): (EVERYBODY, "200 404 404 404 200"),
    ("GET", "/residents/{id}/history"): ("200 403 200 200 403", "200 404 404 404 403"),
    ("GET", "/residents/{id}/emergency_note"): ("200 403 200 200 403", "200 404 404 404 403"),
    ("PUT", "/residents/{id}/emergency_note"): ("200 403 403 200 403", "200 404 404 404 403"),
    ("GET", "/residents/{id}/consultations"): ("200 403 403 200 403", "200 404 404 404 403"),
    ("POST", "/residents/{id}/consultations"): ("403 403 403 201 403", "403 404 404 404 403"),
    # Mine is a draft of the doctor's, which is nobody else's to know of; the other one is signed.
    ("PUT", "/consultations/{id}"): ("404 404 404 200 404", "403 404 404 409 404"),
    ("POST", "/consultations/{id}/sign"): ("404 404 404 200 404", "403 404 404 409 404"),
    ("POST", "/consultations/{id}/amendments"): ("404 404 404 409 404", "403 404 404 201 404"),
    ("GET", "/clinic/sessions"): ("200 403 403 200 200", "200 403 403 200 200"),
    ("POST", "/clinic/sessions"): ("201 403 403 201 201", "201 403 403 201 201"),
    # Both are the doctor's sessions: Wang is her patient, Chen was put in by the desk.
    ("DELETE", "/clinic/sessions/{id}"): ("409 403 403 409 409", "409 403 403 409 409"),
    ("PUT", "/clinic/sessions/{id}/slots/{resident_id}"): ("200 403 403 200 403", "200 403 403 404 403"),
    ("DELETE", "/clinic/sessions/{id}/slots/{resident_id}"): ("200 403 403 200 403", "200 403 403 200 403"),
    ("POST", "/residents/{id}/limits/preview"): ("200 403 403 200 403", "200 404 404 404 403"),
    ("PATCH", "/residents/{id}"): ("200 200 403 403 200", "200 404 404 404 200"),
    ("POST", "/residents/{id}/consents"): ("409 403 403 403 409", "201 404 404 404 201"),
    ("DELETE", "/residents/{id}/consents/{purpose}"): ("200 403 403 403 200", "404 404 404 404 404"),
    ("GET", "/residents/{id}/heart-rate"): ("200 403 200 200 403", "200 404 404 404 403"),
    ("GET", "/residents/{id}/locations"): ("200 403 200 403 403", "200 404 404 404 403"),
    ("GET", "/residents/{id}/status"): (EVERYBODY, "200 404 404 404 200"),
    ("GET", "/residents/{id}/incidents"): (EVERYBODY, "200 404 404 404 200"),
    ("GET", "/devices"): (EVERYBODY, EVERYBODY),
    ("GET", "/devices/{id}"): (EVERYBODY, "200 404 404 404 200"),
    ("GET", "/devices/{id}/commands"): (EVERYBODY, "200 404 404 404 200"),
    ("POST", "/devices/{id}/commands"): ("202 403 403 403 403", "202 404 404 404 403"),
    ("GET", "/incidents"): (EVERYBODY, EVERYBODY),
    ("POST", "/incidents"): ("201 403 403 403 403", "201 403 403 403 403"),
    ("GET", "/incidents/{id}"): ("200 200 200 200 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/accept"): ("200 200 200 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/handle"): ("200 403 403 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/send"): ("409 403 403 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/add"): ("200 403 403 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/take-back"): ("200 403 403 403 404", "409 404 404 404 404"),
    ("POST", "/incidents/{id}/call-again"): ("409 403 403 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/pass"): ("200 200 200 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/en-route"): DEED_OF_OWNER,
    ("POST", "/incidents/{id}/arrive"): DEED_OF_OWNER,
    ("POST", "/incidents/{id}/hand-to-120"): ("200 200 403 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/resolve"): ("200 200 403 403 404", "200 404 404 404 404"),
    ("POST", "/incidents/{id}/reopen"): DEED_OF_OWNER,
    ("POST", "/incidents/{id}/notes"): ("201 201 201 403 404", "201 404 404 404 404"),
    ("GET", "/policies"): ("200 403 403 403 200", "200 403 403 403 200"),
    ("PUT", "/policies/{kind}/{severity}"): ("403 403 403 403 200", "403 403 403 403 200"),
    # `other` is the community's default, which can be changed and not removed.
    ("DELETE", "/policies/{id}"): ("403 403 403 403 204", "403 403 403 403 422"),
    ("GET", "/audit"): ("403 403 403 403 200", "403 403 403 403 200"),
    ("GET", "/rejected"): ("200 403 403 403 200", "200 403 403 403 200"),
}


class Rehearsal:
    """A pool whose transactions are all rolled back."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:  # noqa: ASYNC109
        async with self._pool.connection(timeout) as conn:
            try:
                yield conn
            finally:
                await conn.rollback()


@dataclass
class Stage:
    app: FastAPI
    client: httpx.AsyncClient
    here: AtWork
    policies: tuple[int, int]
    consultations: tuple[int, int]
    clinic: tuple[int, int]
    tokens: dict[str, str]

    async def ask(self, method: str, path: str, mine: bool, **more: Any) -> httpx.Response:
        """The route at `path` of the documentation, about what is mine or about what is not."""
        key = (method, path.removeprefix("/api/v1"))
        body = BODIES.get(key)
        if key == ("POST", "/incidents"):
            body = {"resident_id": self.here.wang if mine else self.here.chen}
        if key == ("POST", "/clinic/sessions"):
            times = {"begins_at": "2026-12-02T14:00:00+08:00", "ends_at": "2026-12-02T16:00:00+08:00"}
            body = {"doctor_id": self.here.doctor, "place": "居委会二楼", **times}
        if path.endswith("/assign"):
            body = {"resident_id": self.here.wang}
        if "/slots/" in path and method == "PUT":
            body = {"begins_at": (NOW + timedelta(hours=0 if mine else 1)).isoformat(), "minutes": 10}
        if path.endswith("/workers"):
            body = {"person_ids": [self.here.other_grid, self.here.grid]}
        if path.endswith(("/send", "/add")):
            body = {"person_id": self.here.daughter}
        return await self.client.request(method, self._filled(path, mine), json=body, **more)

    def _filled(self, path: str, mine: bool) -> str:
        here = self.here
        ids: dict[str, tuple[object, object]] = {
            "/residents/": (here.wang, here.chen),
            "/devices/": ("band-wang", "band-chen"),
            "/incidents/": (here.accepted, here.opened),
            "/policies/{id}": self.policies,
            "/consultations/": self.consultations,
            "/clinic/sessions/": self.clinic,
            "/people/": (here.grid, here.other_grid),
            "/grids/": (here.grid_id, here.other_grid_id),
        }
        id_of = next((pair for part, pair in ids.items() if part in path), (1, 1))[0 if mine else 1]
        kind = "family" if "/contacts/" in path else "sos"
        return path.format(id=id_of, purpose="clinic", kind=kind, severity="sos", person_id=here.daughter,
                           resident_id=here.wang if mine else here.chen)  # fmt: skip


@pytest.fixture
async def stage(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Stage]:
    built = await community.at_work(conn)
    policies = await _policy(conn, built.wang), await _policy(conn, None)
    consultations = await _consultation(conn, built), await _consultation(conn, built, signed_at=NOW, state="signed")
    clinic = await _session(conn, built, built.wang, 0), await _session(conn, built, built.chen, 1)
    tokens = await community.log_in(conn, *USERS)
    await conn.commit()
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client,
    ):
        real = app.state.pools
        app.state.pools = real.through(Rehearsal)
        yield Stage(app, client, built, policies, consultations, clinic, tokens)
        app.state.pools = real


async def _policy(conn: Connection, resident_id: int | None) -> int:
    ladder = EscalationPolicy.model_validate(LADDER)
    return (await store.put(conn, IncidentKind.SOS, Severity.SOS, resident_id, ladder, None, NOW)).id


async def _consultation(conn: Connection, here: AtWork, **values: Any) -> int:
    """Li's, by her doctor."""
    texts = {"reason": "例行", "findings": "无变化", "advice": "照旧"}
    times = {"at": NOW, "saved_at": NOW}
    about = {"resident_id": here.li, "doctor_id": here.doctor}
    return await community.insert(conn, "consultation", **about, **texts, **times, **values)


async def _session(conn: Connection, here: AtWork, resident_id: int, hours: int) -> int:
    """An hour of the doctor's, into which the desk has put somebody."""
    begin = NOW + timedelta(hours=hours)
    about = {"doctor_id": here.doctor, "place": "居委会二楼", "made_by": here.duty}
    ends_at = begin + timedelta(hours=1)
    session_id = await community.insert(conn, "clinic_session", **about, begins_at=begin, ends_at=ends_at)
    await conn.execute(
        "insert into clinic_slot (session_id, resident_id, begins_at, ends_at, why) values (%s, %s, %s, %s, '例行')",
        (session_id, resident_id, begin, begin + timedelta(minutes=15)),
    )
    return session_id


def documented(app: FastAPI) -> list[tuple[str, str]]:
    """Every route of the documentation."""
    return [(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item]


async def test_every_route_for_every_role(stage: Stage) -> None:
    wrong: list[str] = []
    for method, path in documented(stage.app):
        if (method, path) in PUBLIC | STREAMS:
            continue
        expected = EXPECTED[method, path.removeprefix("/api/v1")]
        for mine, statuses in zip((True, False), expected, strict=True):
            for who, status in zip(USERS, statuses.split(), strict=True):
                answer = await stage.ask(method, path, mine, headers={"Authorization": f"Bearer {stage.tokens[who]}"})
                if answer.status_code != int(status):
                    what = "own" if mine else "other"
                    wrong.append(f"{who} {method} {path} {what}: {answer.status_code}, not {status}: {answer.text}")
                wrong += _undocumented(stage.app, method, path, answer)
    assert not wrong, "\n".join(wrong)


async def test_nobody_gets_in(stage: Stage) -> None:
    for method, path in documented(stage.app):
        if (method, path) not in PUBLIC:
            answer = await stage.ask(method, path, mine=True)
            assert answer.status_code == 401, f"{method} {path}"


async def test_no_write_by_cookie_from_another_origin(stage: Stage) -> None:
    for method, path in documented(stage.app):
        if (method, path) in PUBLIC or method == "GET":
            continue
        for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            answer = await stage.ask(
                method, path, mine=True, headers={"Cookie": f"{COOKIE}={stage.tokens['duty']}", **origin}
            )
            assert answer.status_code == 403, f"{method} {path} {origin}"


def test_the_table_names_no_route_that_is_gone(make_settings: MakeSettings) -> None:
    app = create_app(make_settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    routes = {(method, path.removeprefix("/api/v1")) for method, path in documented(app)}
    assert set(EXPECTED) <= routes


def test_every_answer_and_body_has_an_example_that_fits_its_schema(make_settings: MakeSettings) -> None:
    app = create_app(make_settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    document = app.openapi()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                if not status.startswith("2") or status == "204":
                    continue
                content = next(iter(response["content"].values()))
                example = content.get("example") or _example(document, content["schema"])
                assert example is not None, f"{method} {path} {status} has no example"
                _validate(document, content["schema"], example)
            body = operation.get("requestBody")
            if body:
                content = body["content"]["application/json"]
                example = content.get("example") or _example(document, content["schema"])
                assert example is not None, f"{method} {path}: the body has no example"
                _validate(document, content["schema"], example)


def _undocumented(app: FastAPI, method: str, path: str, answer: httpx.Response) -> list[str]:
    """What the answer has that its documentation has not."""
    document = app.openapi()
    where = f"{method} {path} {answer.status_code}"
    response = document["paths"][path][method.lower()]["responses"].get(str(answer.status_code))
    if response is None:
        return [f"{where} is not documented"]
    if answer.headers.get("cache-control") != "no-store":
        return [f"{where} may be kept by a cache"]
    if not answer.content:
        return []
    media_type = answer.headers["content-type"].split(";")[0]
    if media_type not in response["content"]:
        return [f"{where}: {media_type} is not documented"]
    try:
        _validate(document, response["content"][media_type]["schema"], answer.json())
    except jsonschema_rs.ValidationError as error:
        return [f"{where}: {error.message} at {error.instance_path}"]
    return []


def _validate(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema_rs.validate({**schema, "components": document["components"]}, value)


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """An example put together from those of the fields."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if "example" in schema:
        return schema["example"]
    properties = schema.get("properties")
    if not properties:
        return None
    found = {name: each["examples"][0] for name, each in properties.items() if "examples" in each}
    for name, each in properties.items():
        if each.get("format") == "date-time":
            found.setdefault(name, "2026-11-24T08:00:00+08:00")
    return found
