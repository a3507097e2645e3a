"""What goes over the wire: compressed, kept, asked for by its head, redirected, and asked for by names that exist."""

import gzip
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from alerts.incidents.opening import raise_sos
from alerts.model.incident import Press
from api.app import create_app
from eldercare.accounts import sessions
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import AtWork


@dataclass
class Desk:
    client: httpx.AsyncClient
    here: AtWork
    headers: dict[str, str]


@pytest.fixture
async def desk(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Desk]:
    built = await community.at_work(conn)
    token = (await sessions.login(conn, "duty", community.PASSWORD)).token
    await conn.commit()
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client,
    ):
        yield Desk(client, built, {"Cookie": f"eldercare_session={token}"})


async def test_pages_and_answers_are_compressed_for_who_can_read_that(desk: Desk) -> None:
    for path in ("/", "/residents", "/parts/tiles", "/api/v1/openapi.json"):
        async with desk.client.stream("GET", path, headers=desk.headers) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip", path
        assert len(raw) < len(gzip.decompress(raw)) / 2
        assert "accept-encoding" in answer.headers["vary"].lower()
        plain = await desk.client.get(path, headers=desk.headers | {"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers


async def test_static_files_are_kept_for_good_under_their_version(desk: Desk) -> None:
    page = (await desk.client.get("/", headers=desk.headers)).text
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert any(address.endswith("/js/page.js") for address in addresses)
    for address in addresses:
        kept = await desk.client.get(address)
        assert kept.status_code == 200, address
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    # What a script imports by a plain name is of the same version.
    folder = next(address for address in addresses if address.endswith("/js/page.js")).removesuffix("page.js")
    assert "immutable" in (await desk.client.get(f"{folder}live.js")).headers["cache-control"]
    of_before = await desk.client.get("/static/v-0123456789/js/page.js")
    assert (of_before.status_code, of_before.headers["cache-control"]) == (200, "no-cache")
    unversioned = await desk.client.get("/static/js/page.js")
    assert unversioned.headers["cache-control"] == "no-cache"
    etag = {"If-None-Match": unversioned.headers["etag"]}
    assert (await desk.client.get("/static/js/page.js", headers=etag)).status_code == 304
    assert "cache-control" not in (await desk.client.get(f"{folder}nothing.js")).headers


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/", "/residents", "/api/v1/incidents", "/static/js/page.js", "/nowhere"]
)
async def test_a_head_is_what_get_would_say_without_its_body(desk: Desk, path: str) -> None:
    head, get = [await desk.client.request(method, path, headers=desk.headers) for method in ("HEAD", "GET")]
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert get.content
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_the_head_of_a_stream_is_not_begun(desk: Desk) -> None:
    assert (await desk.client.head("/api/v1/events", headers=desk.headers)).status_code == 405


@pytest.mark.parametrize("path", ["/residents/", "/api/v1/incidents/"])
async def test_a_redirect_leaves_scheme_and_host_as_the_browser_has_them(desk: Desk, path: str) -> None:
    answer = await desk.client.get(path, params={"limit": 3}, headers=desk.headers)
    assert answer.status_code == 307
    assert answer.headers["location"] == f"{path[:-1]}?limit=3"


async def test_a_parameter_that_no_route_knows_is_refused_by_name(desk: Desk) -> None:
    own = desk.here.wang
    for path, wrong in (
        ("/residents", "txt"), (f"/residents/{own}/heart-rate", "start"), ("/incidents", "status"),
        (f"/residents/{own}", "fields"), ("/session", "x"), ("/policies", "kind"), ("/openapi.json", "version"),
    ):  # fmt: skip
        answer = await desk.client.get(f"/api/v1{path}", params={wrong: "1"}, headers=desk.headers)
        assert answer.status_code == 422, path
        assert answer.headers["content-type"] == "application/problem+json"
        (error,) = answer.json()["errors"]
        assert error["field"] == f"query.{wrong}"
    known = await desk.client.get("/api/v1/residents", params={"txt": "1"}, headers=desk.headers)
    assert "text" in known.json()["detail"]
    right = {"from": "2026-11-24T05:00:00Z", "to": "2026-11-24T06:00:00Z", "bucket": "raw", "limit": 5}
    answer = await desk.client.get(f"/api/v1/residents/{own}/heart-rate", params=right, headers=desk.headers)
    assert answer.status_code == 200, answer.text


async def test_pages_take_a_parameter_that_they_do_not_know(desk: Desk) -> None:
    assert (await desk.client.get("/residents", params={"utm": "1"}, headers=desk.headers)).status_code == 200


async def test_whoever_changes_whom_is_called_is_written_down(desk: Desk, conn: Connection) -> None:
    token = (await sessions.login(conn, "admin", community.PASSWORD)).token
    await conn.commit()
    admin = {"Authorization": f"Bearer {token}"}
    ladder = {"steps": [{"after_s": 0, "targets": ["duty"], "channels": ["voice"]}], "repeat_s": 300}
    path = f"/api/v1/policies/sos/sos?resident_id={desk.here.wang}"
    stored = await desk.client.put(path, json=ladder, headers=admin)
    assert stored.status_code == 200, stored.text
    assert (await desk.client.delete(f"/api/v1/policies/{stored.json()['id']}", headers=admin)).status_code == 204
    entries = (await desk.client.get("/api/v1/audit", headers=admin)).json()["items"]
    found = [(entry["action"], entry["resident_id"]) for entry in entries if entry["what"] == "policy"]
    assert found == [("remove", desk.here.wang), ("put", desk.here.wang)]
    assert entries[0]["detail"]["ladder"]["repeat_s"] == 300


async def test_a_part_that_looks_as_it_did_is_not_sent_again(desk: Desk, conn: Connection) -> None:
    """A board asks for its parts at each change of anything, and every half minute."""
    parts = ("/parts/tiles", "/parts/incidents", "/parts/alarms")
    seen = {part: await desk.client.get(part, headers=desk.headers) for part in parts}
    reads = "select count(*) from audit where action = 'board'"
    before = await (await conn.execute(reads)).fetchone()
    for part in parts:
        again = await desk.client.get(part, headers=desk.headers | {"If-None-Match": seen[part].headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), part
        assert again.headers["etag"] == seen[part].headers["etag"]
    # Who is shown something is written down, whether or not it has to be sent for that.
    after = await (await conn.execute(reads)).fetchone()
    assert before is not None
    assert after == (before[0] + 2,)
    await raise_sos(conn, Press("band-wang", b"1", "1", event_id="1"))
    await conn.commit()
    for part in parts:
        again = await desk.client.get(part, headers=desk.headers | {"If-None-Match": seen[part].headers["etag"]})
        assert again.status_code == 200, part
        assert again.headers["etag"] != seen[part].headers["etag"]


async def test_what_the_pages_clock_writes_is_no_change_and_what_it_does_not_write_is(
    desk: Desk, conn: Connection, make_settings: MakeSettings
) -> None:
    """The clock of a running SOS changes each second, "3 minutes ago" each minute; at midnight 14:32 is yesterday's."""
    night = datetime(2026, 5, 4, 15, 50, tzinfo=UTC)  # ten to midnight in Shanghai
    await set_clock(conn, night, 0, real=False)
    await raise_sos(conn, Press("band-wang", b"1", "1", event_id="1"))
    await conn.execute(
        "insert into heart_rate (device_id, ts, received_at, bpm) values ('band-wang', %(at)s, %(at)s, 70)",
        {"at": night},
    )
    await conn.commit()
    parts = ("/parts/tiles", "/parts/incidents", "/parts/alarms")
    seen = {part: await desk.client.get(part, headers=desk.headers) for part in parts}
    assert "data-running" in seen["/parts/incidents"].text

    async def looked(later: timedelta) -> list[int]:
        await set_clock(conn, night + later, 0, real=False)
        await conn.commit()
        return [
            (
                await desk.client.get(part, headers=desk.headers | {"If-None-Match": seen[part].headers["etag"]})
            ).status_code
            for part in parts
        ]

    assert await looked(timedelta(seconds=7)) == [304, 304, 304]
    assert await looked(timedelta(minutes=4)) == [304, 304, 304]
    _, queue, alarms = await looked(timedelta(minutes=11))
    assert (queue, alarms) == (200, 304)
