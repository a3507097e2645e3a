"""What the clinic writes, over HTTP: what a page gets to show where two windows met, and what is read is in the log."""

from datetime import timedelta
from typing import Any

import httpx

from tests.integration.api.test_readings import Desk, desk
from tests.support.community import NOW

__all__ = ["desk"]  # the fixture

TEXT = {"reason": "例行", "findings": "无变化", "advice": "照旧", "next_on": "2026-12-08"}


async def ask(desk: Desk, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {desk.tokens[who]}"}
    return await desk.client.request(method, f"/api/v1{path}", json=body, headers=headers)


async def test_two_windows_are_shown_what_stands(desk: Desk) -> None:
    wang = desk.here.wang
    begun = (await ask(desk, "doctor", "POST", f"/residents/{wang}/consultations", TEXT)).json()
    assert (begun["state"], begun["version"], begun["at"]) == ("draft", 1, NOW.isoformat())
    again = await ask(desk, "doctor", "POST", f"/residents/{wang}/consultations", TEXT)
    assert (again.status_code, again.json()["stands"]) == (409, begun)
    path = f"/consultations/{begun['id']}"
    saved = (await ask(desk, "doctor", "PUT", path, {**TEXT, "advice": "第一个窗口", "version": 1})).json()
    late = await ask(desk, "doctor", "PUT", path, {**TEXT, "advice": "第二个窗口", "version": 1})
    assert late.json()["type"] == "urn:eldercare:problem:outdated"
    assert (late.status_code, late.json()["stands"]) == (409, saved)
    empty = await ask(desk, "doctor", "PUT", path, {**TEXT, "reason": " ", "version": 2})
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "reason")
    signed = (await ask(desk, "doctor", "POST", f"{path}/sign", {"version": 2})).json()
    assert (signed["state"], signed["advice"]) == ("signed", "第一个窗口")
    added = await ask(desk, "doctor", "POST", f"{path}/amendments", {"text": "家属来电"})
    assert [each["text"] for each in added.json()["amendments"]] == ["家属来电"]
    assert await desk.get("duty", f"/residents/{wang}/consultations") == {"items": [added.json()], "next_cursor": None}


async def test_the_history_is_read_of_one_fact_and_of_all(desk: Desk) -> None:
    wang = desk.here.wang
    await ask(desk, "duty", "PATCH", f"/residents/{wang}", {"medicines": "阿司匹林", "mobility": "拄拐"})
    path = f"/residents/{wang}/history"
    (change, _) = (await desk.get("doctor", path, fact="medicines"))["items"]
    assert (change["before"], change["after"], change["by_name"]) == ("华法林", "阿司匹林", "张值班")
    assert {each["fact"] for each in (await desk.get("doctor", path))["items"]} >= {"medicines", "mobility"}
    await desk.get("doctor", path, status=422, fact="phone")
    assert (await desk.trail())[-2:] == [("doctor", "history", wang)] * 2


async def test_the_emergency_note_is_on_the_file_and_on_the_incident_of_whoever_goes(desk: Desk) -> None:
    li = desk.here.li
    written = await ask(desk, "doctor", "PUT", f"/residents/{li}/emergency_note", {"text": "头部垫高"})
    note = written.json()
    assert (note["text"], note["written_by"], note["written_at"]) == ("头部垫高", "周医生", NOW.isoformat())
    for who, path in (("grid", f"/incidents/{desk.here.accepted}"), ("daughter", f"/residents/{li}/dossier")):
        assert (await desk.get(who, path))["emergency_note"] == note
    assert (await desk.trail())[-2:] == [("grid", "incident,emergency_note", li), ("family", "file,emergency_note", li)]
    too_long = await ask(desk, "doctor", "PUT", f"/residents/{li}/emergency_note", {"text": "长" * 501})
    assert (too_long.status_code, too_long.json()["errors"][0]["field"]) == (422, "body.text")


async def test_the_weeks_sessions_begin_now_and_say_what_is_wrong_with_a_slot(desk: Desk) -> None:
    here, begin, end = desk.here, NOW + timedelta(days=1), NOW + timedelta(days=1, hours=2)
    new = {"begins_at": begin.isoformat(), "ends_at": end.isoformat(), "place": "居委会二楼"}
    made = (await ask(desk, "doctor", "POST", "/clinic/sessions", new)).json()
    again = await ask(desk, "admin", "POST", "/clinic/sessions", {**new, "doctor_id": here.doctor})
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "begins_at")
    slot = {"begins_at": begin.isoformat(), "minutes": 15, "why": "夜间静息升高"}
    path = f"/clinic/sessions/{made['id']}/slots"
    await ask(desk, "doctor", "PUT", f"{path}/{here.wang}", slot)
    taken = await ask(desk, "duty", "PUT", f"{path}/{here.chen}", slot)
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (422, "begins_at")
    later = {**slot, "begins_at": (begin + timedelta(minutes=15)).isoformat()}
    assert (await ask(desk, "duty", "PUT", f"{path}/{here.chen}", later)).status_code == 200
    (session,) = await desk.get("doctor", "/clinic/sessions")
    assert [(each["name"], each["why"]) for each in session["slots"]] == [("王秀英", "夜间静息升高"), ("陈淑珍", None)]
    assert await desk.get("duty", "/clinic/sessions", to=begin.isoformat()) == []
    await desk.get("duty", "/clinic/sessions", status=413, to=(NOW + timedelta(days=36)).isoformat())
    left = (await ask(desk, "doctor", "DELETE", f"{path}/{here.chen}")).json()
    assert [each["resident_id"] for each in left["slots"]] == [here.wang]


async def test_an_incident_that_is_opened_again_shows_the_note_and_the_log_says_so(desk: Desk) -> None:
    wang = desk.here.wang
    await ask(desk, "duty", "PUT", f"/residents/{wang}/emergency_note", {"text": "服华法林"})
    whole = (await ask(desk, "duty", "POST", "/incidents", {"resident_id": wang, "note": "来电"})).json()
    path = f"/incidents/{whole['incident']['id']}"
    over = (await ask(desk, "duty", "POST", f"{path}/resolve", {"disposition": "false_alarm"})).json()
    assert over["emergency_note"] is None
    again = (await ask(desk, "duty", "POST", f"{path}/reopen", {})).json()
    assert again["emergency_note"]["text"] == "服华法林"
    assert (await desk.trail())[-1] == ("duty", "incident,emergency_note", wang)
