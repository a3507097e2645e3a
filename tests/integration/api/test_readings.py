"""Charts, tracks and files: what is in them for whom, page by page, and who left a trace of reading them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.app import create_app
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import NOW, PHONES, USERS, AtWork


@dataclass
class Desk:
    client: httpx.AsyncClient
    conn: Connection
    here: AtWork
    tokens: dict[str, str]

    async def get(self, who: str, path: str, status: int = 200, **query: Any) -> Any:
        answer = await self.client.get(
            f"/api/v1{path}", params=query, headers={"Authorization": f"Bearer {self.tokens[who]}"}
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    async def trail(self) -> list[tuple[str, str, int | None]]:
        """What the audit log holds: role, what, of whom."""
        rows = await (await self.conn.execute("select role, what, resident_id from audit order by id")).fetchall()
        await self.conn.commit()
        return rows


@pytest.fixture
async def desk(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Desk]:
    built = await community.at_work(conn)
    tokens = await community.log_in(conn, *USERS)
    await conn.commit()
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client,
    ):
        yield Desk(client, conn, built, tokens)


async def test_a_chart_has_the_lowest_mean_and_highest_of_each_bucket(desk: Desk) -> None:
    chart = await desk.get("duty", f"/residents/{desk.here.wang}/heart-rate", bucket="1h", to="2026-11-24T06:30:00Z")
    assert [(point["ts"], point["count"]) for point in chart["items"]] == [
        ("2026-11-24T05:00:00+00:00", 29),
        ("2026-11-24T06:00:00+00:00", 1),
    ]
    assert (chart["items"][0]["min"], chart["items"][0]["max"]) == (70, 74)
    assert chart["next_cursor"] is None


async def test_a_chart_in_pages_is_the_same_chart(desk: Desk) -> None:
    path = f"/residents/{desk.here.wang}/heart-rate"
    query = {"bucket": "raw", "from": "2026-11-24T13:00:00+08:00", "to": "2026-11-24T14:00:01+08:00"}
    whole = (await desk.get("duty", path, **query))["items"]
    assert len(whole) == 30
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await desk.get("duty", path, limit=7, **query, **cursor)
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole


async def test_the_last_day_is_shown_unless_asked_otherwise(desk: Desk) -> None:
    await desk.conn.execute(
        "insert into heart_rate (device_id, ts, received_at, bpm) values ('band-wang', %s, %s, 60)",
        (NOW - timedelta(days=2), NOW),
    )
    await desk.conn.commit()
    chart = await desk.get("duty", f"/residents/{desk.here.wang}/heart-rate", bucket="1d")
    assert sum(point["count"] for point in chart["items"]) == 29  # `to` is excluded, and it is now


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-24T08:00:00Z", "to": "2026-11-24T07:00:00Z"}, "to"),
        ({"from": "yesterday"}, "query.from"),
        ({"from": "2026-11-24T08:00:00"}, "query.from"),
        ({"bucket": "2h"}, "query.bucket"),
        ({"limit": 0}, "query.limit"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
)
async def test_a_wrong_parameter_is_named(desk: Desk, query: dict[str, Any], field: str) -> None:
    problem = await desk.get("duty", f"/residents/{desk.here.wang}/heart-rate", 422, **query)
    assert [each["field"] for each in problem["errors"]] == [field]


async def test_each_reading_leaves_one_row(desk: Desk) -> None:
    for path, what in (
        ("/heart-rate", "heart_rate"),
        ("/locations", "locations"),
        ("/dossier", "file"),
        ("/status", None),
        ("/incidents", None),
        ("", "newest"),
    ):
        before = len(await desk.trail())
        await desk.get("duty", f"/residents/{desk.here.wang}{path}")
        assert (await desk.trail())[before:] == ([("duty", what, desk.here.wang)] if what else [])


async def test_each_reading_of_an_incident_leaves_one_row_and_only_where_it_shows_health(desk: Desk) -> None:
    await desk.get("duty", f"/residents/{desk.here.li}/incidents")
    await desk.get("duty", f"/incidents/{desk.here.accepted}")
    await desk.get("daughter", f"/incidents/{desk.here.accepted}")
    assert await desk.trail() == [
        ("duty", "incidents", desk.here.li),
        ("duty", "incident", desk.here.li),
        ("family", "incident", desk.here.li),
    ]
    await desk.get("admin", f"/residents/{desk.here.li}")  # contact data only
    await desk.get("admin", f"/incidents/{desk.here.accepted}", 404)
    assert len(await desk.trail()) == 3


async def test_a_refused_reading_leaves_none(desk: Desk) -> None:
    await desk.get("grid", f"/residents/{desk.here.wang}/heart-rate", 403)
    assert await desk.trail() == []


async def test_each_list_leaves_one_row_with_whom_it_showed(desk: Desk) -> None:
    here = desk.here
    await desk.get("duty", "/residents")
    await desk.get("duty", "/incidents", unresolved=True)
    await desk.get("daughter", "/residents", limit=1)
    await desk.get("admin", "/residents")  # contact data only
    everybody = [here.wang, here.li, here.chen]
    found = (await desk.get("admin", "/audit"))["items"]
    assert [(row["role"], row["what"], row["resident_ids"]) for row in reversed(found)] == [
        ("duty", "residents", everybody),
        ("duty", "incidents", [here.li, here.chen]),
        ("family", "residents", [here.wang]),
    ]
    of_other = (await desk.get("admin", "/audit", resident_id=here.chen))["items"]
    assert [row["what"] for row in of_other] == ["incidents", "residents"]


async def test_lists_show_whom_and_what_is_ones_own(desk: Desk) -> None:
    here = desk.here
    listed = {who: (await desk.get(who, "/residents"))["items"] for who in USERS}
    seen = {who: {resident["id"] for resident in residents} for who, residents in listed.items()}
    assert seen == {
        "duty": {here.wang, here.li, here.chen},
        "grid": {here.wang, here.li},
        "daughter": {here.wang, here.li},
        "doctor": {here.wang, here.li},
        "admin": {here.wang, here.li, here.chen},
    }
    by_user = {who: {r["id"]: r for r in residents} for who, residents in listed.items()}
    assert by_user["duty"][here.chen]["bpm"] == 72
    assert (by_user["grid"][here.wang]["bpm"], by_user["grid"][here.wang]["lat"]) == (None, None)
    assert by_user["grid"][here.li]["bpm"] == 72  # called to the open incident of this one
    assert (by_user["doctor"][here.wang]["bpm"], by_user["doctor"][here.wang]["lat"]) == (72, None)
    assert (by_user["admin"][here.wang]["bpm"], by_user["admin"][here.wang]["sees_health"]) == (None, False)


async def test_consent_withdrawn_acts_at_the_next_request(desk: Desk) -> None:
    path = f"/residents/{desk.here.wang}/heart-rate"
    await desk.get("daughter", path)
    answer = await desk.client.delete(
        f"/api/v1/residents/{desk.here.wang}/consents/family_health",
        headers={"Authorization": f"Bearer {desk.tokens['duty']}"},
    )
    assert {consent["purpose"] for consent in answer.json()} == {"family_location", "clinic"}
    await desk.get("daughter", path, 403)


async def test_residents_are_filtered_and_paged(desk: Desk) -> None:
    first = await desk.get("duty", "/residents", limit=2)
    assert len(first["items"]) == 2
    second = await desk.get("duty", "/residents", limit=2, cursor=first["next_cursor"])
    assert [resident["id"] for resident in second["items"]] == [desk.here.chen]
    assert second["next_cursor"] is None
    found = await desk.get("duty", "/residents", text="淑珍")
    assert [resident["id"] for resident in found["items"]] == [desk.here.chen]
    for written in ("淑 珍", "淑\u3000珍", "淑·珍", " 淑\u200b珍 "):
        found = await desk.get("duty", "/residents", text=written)
        assert [resident["id"] for resident in found["items"]] == [desk.here.chen], written
    away = await desk.get("duty", "/residents", away=True)
    assert away["items"] == []


@pytest.mark.parametrize(
    "written",
    ["阿依古丽·买买提", "阿依古丽买买提", "阿依古丽•买买提", "阿依古丽 买买提", "wt－１", "WT1", "梧桐路１弄2-301",
     "梧桐路 1弄2—301室", "13812345678", "138-1234-5678", "+86 138 1234 5678", "１３８１２３４"],
)  # fmt: skip
async def test_residents_are_found_however_they_are_written(desk: Desk, written: str) -> None:
    url = f"/api/v1/residents/{desk.here.chen}"
    hers = {"name": "阿依古丽・买买提", "address": "梧桐路1弄２-301室", "phone": "13812345678", "external_id": "WT-1"}
    headers = {"Authorization": f"Bearer {desk.tokens['duty']}"}
    assert (await desk.client.patch(url, json=hers, headers=headers)).status_code == 200
    found = await desk.get("duty", "/residents", text=written)
    assert [resident["id"] for resident in found["items"]] == [desk.here.chen]


async def test_away_until_is_set_and_taken_back(desk: Desk) -> None:
    url = f"/api/v1/residents/{desk.here.wang}"
    headers = {"Authorization": f"Bearer {desk.tokens['grid']}"}
    until = "2026-12-01T08:00:00+08:00"
    changed = await desk.client.patch(url, json={"away_until": until, "away_reason": "住院"}, headers=headers)
    assert changed.json()["away_until"] == "2026-12-01T00:00:00+00:00"
    back = await desk.client.patch(url, json={"away_until": None}, headers=headers)
    assert (back.json()["away_until"], back.json()["away_reason"]) == (None, "住院")
    wrong = await desk.client.patch(url, json={"conditions": "?"}, headers=headers)
    assert wrong.status_code == 403


async def test_wrong_personal_limits_are_refused_by_name(desk: Desk) -> None:
    url = f"/api/v1/residents/{desk.here.wang}"
    headers = {"Authorization": f"Bearer {desk.tokens['duty']}"}
    wrong = await desk.client.patch(url, json={"rule_overrides": {"hr_low_urgent": 60}}, headers=headers)
    assert wrong.status_code == 422
    assert "hr_low_urgent: 60 is above hr_low_warning (50)" in wrong.text
    right = await desk.client.patch(url, json={"rule_overrides": {"hr_low_urgent": 38}}, headers=headers)
    assert right.status_code == 200


async def test_a_doctors_limits_say_who_when_and_why_to_whom_health_is_theirs(desk: Desk) -> None:
    url = f"/api/v1/residents/{desk.here.wang}"
    headers = {"Authorization": f"Bearer {desk.tokens['doctor']}"}
    given = {"rule_overrides": {"hr_low_urgent": 38}, "limits_reason": "一向偏低"}
    assert (await desk.client.patch(url, json=given, headers=headers)).status_code == 200
    file = (await desk.get("doctor", f"/residents/{desk.here.wang}/dossier"))["file"]
    assert {name: file[name] for name in given} == given
    assert (file["limits_signed_by"], file["limits_signed_at"]) == ("周医生", NOW.isoformat())
    hidden = (await desk.get("admin", f"/residents/{desk.here.wang}/dossier"))["file"]
    names = ("rule_overrides", "limits_reason", "limits_signed_by", "limits_signed_at")
    assert [hidden[name] for name in names] == [None] * 4
    long = await desk.client.patch(url, json=given | {"limits_reason": "长" * 501}, headers=headers)
    assert long.status_code == 422
    assert "limits_reason" in long.text
    elsewhere = await desk.client.patch(f"/api/v1/residents/{desk.here.chen}", json=given, headers=headers)
    assert elsewhere.status_code == 404


async def test_incidents_of_the_wanted_states_and_kinds(desk: Desk) -> None:
    here = desk.here
    everything = await desk.get("duty", "/incidents")
    assert {incident["id"] for incident in everything["items"]} == {here.accepted, here.opened}
    opened = await desk.get("duty", "/incidents", state="open")
    assert [incident["id"] for incident in opened["items"]] == [here.opened]
    both = await desk.get("duty", "/incidents", state=["open", "accepted"], kind=["sos", "network"])
    assert len(both["items"]) == 2
    assert (await desk.get("duty", "/incidents", kind="network"))["items"] == []
    await desk.get("duty", "/incidents", 422, state="half-open")


async def test_numbers_of_other_people_are_for_those_who_work_with_them(desk: Desk) -> None:
    path = f"/incidents/{desk.here.accepted}"
    seen = {who: [n["address"] for n in (await desk.get(who, path))["notifications"]] for who in USERS[:4]}
    assert seen["duty"] == seen["grid"] == [PHONES[who] for who in ("duty", "grid", "daughter")]
    assert seen["daughter"] == ["…0001", "…0003", PHONES["daughter"]]
    assert seen["doctor"] == ["…0001", "…0003", "…0005"]


async def test_metrics_count_what_is_open(desk: Desk) -> None:
    text = (await desk.client.get("/metrics")).text
    assert 'eldercare_incidents_open{kind="sos",severity="sos",state="open"} 1.0' in text
    assert 'eldercare_incidents_open{kind="sos",severity="sos",state="accepted"} 1.0' in text
    assert 'eldercare_notifications_day{channel="voice",purpose="alarm",status="sent"} 3.0' in text
    assert "王秀英" not in text
