"""The pages as plain HTTP: what works without any script, what a page brings along, who may not come in."""

from collections.abc import AsyncIterator

import httpx
import pytest

from alerts.incidents import handling, opening
from alerts.incidents.opening import Press
from api.app import create_app
from api.console.duty import queries
from api.console.shell.render import STATIC
from eldercare.platform import clock
from eldercare.platform.database import Connection
from eldercare.tools.seed.fill import seed
from tests.conftest import MakeSettings

OWN = {"Origin": "http://desk.example", "Accept": "text/html"}


@pytest.fixture
async def users(conn: Connection) -> dict[str, str]:
    """Passwords by user name, of a community of two."""
    made = await seed(conn, 2)
    await conn.commit()
    return {user["username"]: user["password"] for user in made["users"]}


@pytest.fixture
async def client(
    users: dict[str, str], database_url: str, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example", headers=OWN) as found,
    ):
        yield found


async def log_in(client: httpx.AsyncClient, users: dict[str, str], username: str = "duty") -> httpx.Response:
    form = {"username": username, "password": users[username], "next": "/"}
    return await client.post("/login", data=form)


async def press(conn: Connection) -> int:
    raised = await opening.raise_sos(conn, Press("band-0001", b"{}", "one"))
    await conn.commit()
    return raised.incident_id


async def test_whoever_is_not_logged_in_is_led_to_the_login_and_back(
    client: httpx.AsyncClient, users: dict[str, str]
) -> None:
    answer = await client.get("/residents?text=a")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/residents%3Ftext%3Da"
    form = {"username": "duty", "password": users["duty"], "next": "https://evil.example/"}
    answer = await client.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_login_from_another_site_is_refused(client: httpx.AsyncClient, users: dict[str, str]) -> None:
    form = {"username": "duty", "password": users["duty"]}
    answer = await client.post("/login", data=form, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_who_guesses_reads_how_long_to_wait(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    assert (await log_in(client, {"duty": "guessed"})).status_code == 401
    await conn.execute("update login_failure set failures = 50")
    await conn.commit()
    answer = await log_in(client, users)
    assert answer.status_code == 429
    assert f"请 {answer.headers['retry-after']} 秒后再试" in answer.text
    assert 'value="duty"' in answer.text


async def test_an_error_page_has_the_way_on_for_whoever_is_logged_in(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    assert '<nav class="nav"' not in (await client.get("/nothing")).text
    await log_in(client, users)
    await press(conn)
    for path in ("/nothing", "/residents/9999999"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert 'href="/residents"' in answer.text, path
        assert "data-alarm=" in answer.text, path
    foreign = await client.post("/preferences", data={"theme": "dark"}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert '<nav class="nav"' in foreign.text


async def test_an_error_page_is_shown_though_the_way_on_fails_too(
    client: httpx.AsyncClient, users: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    await log_in(client, users)
    monkeypatch.setattr(queries, "alarms", fail)
    answer = await client.get("/nothing")
    assert answer.status_code == 404
    assert "没有找到" in answer.text
    assert '<nav class="nav"' not in answer.text


async def test_no_page_is_kept_by_a_browser_and_none_allows_anything_inline(
    client: httpx.AsyncClient, users: dict[str, str]
) -> None:
    await log_in(client, users)
    for path in ("/", "/residents", "/residents/1", "/incidents", "/parts/alarms", "/nothing"):
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "no-store", path
        assert "unsafe" not in answer.headers["content-security-policy"], path
        assert " style=" not in answer.text, path
        assert " onclick=" not in answer.text, path


async def test_static_files_are_asked_about_again(client: httpx.AsyncClient) -> None:
    answer = await client.get("/static/css/console.css")
    assert answer.headers["cache-control"] == "no-cache"
    again = await client.get("/static/css/console.css", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert (STATIC / "css" / "console.css").is_file()


async def test_an_incident_is_handled_without_any_script(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await log_in(client, users)
    incident_id = await press(conn)
    for deed in ("accept", "accept", "en-route", "arrive"):
        answer = await client.post(f"/incidents/{incident_id}/{deed}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{incident_id}")
    answer = await client.post(f"/incidents/{incident_id}/en-route")
    assert answer.status_code == 409
    assert "沈值班 已到场，不能这样操作。" in answer.text
    answer = await client.get(f"/incidents/{incident_id}/resolve")
    assert "<h2" in answer.text
    assert "已送医院" in answer.text
    answer = await client.post(f"/incidents/{incident_id}/resolve", data={"disposition": "cleared"})
    assert answer.status_code == 422
    assert "请选择结果" in answer.text
    await client.post(f"/incidents/{incident_id}/resolve", data={"disposition": "hospital", "note": "已送医"})
    answer = await client.get(f"/incidents/{incident_id}")
    assert "结果：已送医院。已送医" in answer.text
    answer = await client.post(f"/incidents/{incident_id}/reopen")
    assert answer.status_code == 303


async def test_board_and_page_say_when_calls_go_out_again_or_that_there_is_nobody_to_call(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await log_in(client, users)
    incident_id = await press(conn)
    await conn.execute("update incident set next_step = 3, due_at = now() + interval '5 min'")
    await conn.commit()
    for address in ("/", f"/incidents/{incident_id}"):
        assert "没有可以呼叫的人" in (await client.get(address)).text
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, status, reason,"
        " send_after, created_at) select %s, id, 'voice', phone, 'alarm', '{}', 'failed', 'busy', now(), now()"
        " from person where username = 'duty'",
        (incident_id,),
    )
    await conn.commit()
    for address in ("/", f"/incidents/{incident_id}"):
        text = (await client.get(address)).text
        assert ("没有可以呼叫的人" in text, "现在没有电话在响" in text) == (False, True)


@pytest.mark.parametrize(("column", "word"), [("kind", "flood"), ("severity", "grave")])
async def test_words_of_a_newer_version_stop_no_page(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection, column: str, word: str
) -> None:
    await log_in(client, users)
    incident_id = await press(conn)
    await conn.execute(f"alter table incident drop constraint incident_{column}_check")
    await conn.execute(f"update incident set {column} = %s where id = %s", (word, incident_id))
    await conn.commit()
    for address in ("/", f"/incidents/{incident_id}", "/incidents"):
        answer = await client.get(address)
        assert answer.status_code == 200
        assert f"/incidents/{incident_id}" in answer.text


async def test_what_to_tell_120_is_on_one_page(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await log_in(client, users)
    incident_id = await press(conn)
    told = (await client.get(f"/incidents/{incident_id}/hand-to-120")).text
    row = await (await conn.execute("select name, address, medicines from resident where id = 1")).fetchone()
    assert row is not None
    assert all(value in told for value in row)
    assert (await client.post(f"/incidents/{incident_id}/hand-to-120")).status_code == 303
    assert "已移交 120" in (await client.get("/")).text


async def test_only_duty_takes_calls_for_help(client: httpx.AsyncClient, users: dict[str, str]) -> None:
    await log_in(client, users, "grid1")
    assert (await client.get("/incidents/new")).status_code == 403
    answer = await client.post("/incidents/new", data={"resident": "#1"})
    assert answer.status_code == 403
    assert "没有权限" in answer.text


async def test_family_without_consent_find_no_one_and_can_do_nothing(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await conn.execute("update consent set withdrawn_at = eldercare_now() where withdrawn_at is null")
    incident_id = await press(conn)
    await log_in(client, users, "family")
    for path in ("/residents/1", f"/incidents/{incident_id}", f"/parts/incidents/{incident_id}"):
        assert (await client.get(path)).status_code == 404, path
    for deed in ("accept", "pass", "en-route", "arrive", "resolve", "hand-to-120", "reopen", "notes"):
        answer = await client.post(f"/incidents/{incident_id}/{deed}", data={"disposition": "helped", "text": "a"})
        assert answer.status_code == 404, deed
    assert (await client.get("/")).headers["location"] == "/family"
    page = (await client.get("/family")).text
    assert "日常情况没有开放" in page
    assert f"incidents/{incident_id}" not in page


async def test_family_called_without_consent_find_the_door_and_nothing_else(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await conn.execute("update consent set withdrawn_at = eldercare_now() where withdrawn_at is null")
    await conn.execute(
        "update resident set entry = '钥匙在门卫', conditions = '高血压', emergency_note = '服华法林，先看头部',"
        " emergency_note_at = eldercare_now() where id = 1"
    )
    incident_id = await press(conn)
    called = (
        "insert into notification (incident_id, person_id, channel, address, purpose, content, status, send_after,"
        " created_at) select %s, id, 'voice', '+99910009999', 'alarm', '{}', 'ringing', eldercare_now(),"
        " eldercare_now() from person where username = %s"
    )
    for username in ("family", "grid1"):
        await conn.execute(called, (incident_id, username))
    row = await (await conn.execute("select name, address from resident where id = 1")).fetchone()
    grid = await (await conn.execute("select name from person where username = 'grid1'")).fetchone()
    await conn.commit()
    assert row is not None
    assert grid is not None
    await log_in(client, users, "family")
    for path in ("/residents/1", f"/incidents/{incident_id}", "/family"):
        page = await client.get(path)
        assert page.status_code == 200, path
        # Who else is called is the desk's business: the family's page names who goes.
        others = () if path == "/family" else (grid[0],)
        # The note is for whoever goes to an incident, and stands where that is told.
        note = () if path == "/residents/1" else ("服华法林，先看头部",)
        for words in (*row, "钥匙在门卫", "因为您被叫到", *others, "我去", *note):
            assert words in page.text, f"{path}: {words}"
        for words in ("高血压", "+99910009999", "心率"):
            assert words not in page.text.replace("心率异常", ""), f"{path}: {words}"
    answer = await client.post(f"/incidents/{incident_id}/accept", headers={"HX-Request": "true"})
    assert answer.status_code == 204


@pytest.mark.parametrize("username", ["admin", "grid1", "doctor"])
async def test_nothing_one_may_see_is_no_sign_that_all_is_well(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection, username: str
) -> None:
    await conn.execute("update consent set withdrawn_at = eldercare_now() where withdrawn_at is null")
    await conn.execute("delete from grid_worker")
    await press(conn)
    await log_in(client, users, username)
    for path in ("/", "/incidents", "/parts/incidents", "/parts/alarms"):
        page = await client.get(path, follow_redirects=True)
        assert page.status_code == 200, path
        assert "state-calm" not in page.text, path
        assert "没有人在等" not in page.text, path
    assert "没有您可以看到的事件" in (await client.get("/", follow_redirects=True)).text


async def test_the_bar_denies_nothing_that_the_page_shows(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    """Somebody goes already: it waits for nobody, and the grid worker still sees it."""
    incident_id = await press(conn)
    await log_in(client, users)
    await client.post(f"/incidents/{incident_id}/accept", headers={"HX-Request": "true"})
    await log_in(client, users, "grid1")
    for language, waits, denied in (
        ("zh", "没有在等的", "没有您看得到的"),
        ("en", "None you see waits", "None you may see"),
    ):
        client.cookies.set("eldercare_language", language)
        page = (await client.get("/")).text
        assert f'id="incident-{incident_id}"' in page
        assert waits in page
        assert denied not in page


async def test_what_was_seen_is_what_is_done(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    incident_id, other = await press(conn), 0
    await log_in(client, users)
    deeds = ("accept", "handle", "call-again", "hand-to-120", "pass", "resolve", "send", "add", "take-back", "arrive")
    for seen in (f"{incident_id + 1}:open:0", f"{incident_id}:accepted:7", "nonsense"):
        for deed in deeds:
            if deed == "accept" and seen.startswith(f"{incident_id}:"):
                continue  # whoever is too late to say "I go" hears who goes
            form = {"seen": seen, "disposition": "helped", "person_id": "1"}
            answer = await client.post(f"/incidents/{incident_id}/{deed}", data=form)
            assert answer.status_code == 409, f"{deed} {seen}"
            assert "情况已经变了" in answer.text, deed
    row = await (await conn.execute("select state, handler_id, round from incident")).fetchone()
    assert row == ("open", None, 1)
    page = await client.get("/")
    assert page.text.count(f'name="seen" value="{incident_id}:open:{other}"') >= 3
    answer = await client.post(f"/incidents/{incident_id}/handle", data={"seen": f"{incident_id}:open:0"})
    assert answer.status_code == 303


async def test_the_desk_handles_sends_takes_back_and_calls_again(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    incident_id = await press(conn)
    await log_in(client, users)
    at, part = f"/incidents/{incident_id}", {"HX-Request": "true"}
    assert "我在处理，继续呼叫" in (await client.get(at)).text
    assert (await client.post(f"{at}/handle", headers=part)).status_code == 204
    page = (await client.get(at)).text
    assert "在值班台处理" in page
    assert "我还在处理" in page
    assert "data-alarm=" not in page  # handled at the desk it makes no sound
    assert "1 件还没有人去" in page
    form = (await client.get(f"{at}/send", headers=part)).text
    assert 'name="person_id"' in form
    refused = await client.post(f"{at}/send", data={"person_id": "x"}, headers=part)
    assert refused.status_code == 422
    assert "请选一个能打通电话的人" in refused.text
    query = "select id from person where username = any(%s) order by username"
    people = [row[0] for row in await (await conn.execute(query, (["grid1", "grid2"],))).fetchall()]
    await conn.rollback()
    for deed, person_id in zip(("send", "add"), people, strict=True):
        assert f'value="{person_id}"' in form
        asked = await client.post(f"{at}/{deed}", data={"person_id": str(person_id)}, headers=part)
        assert asked.status_code == 204
    query = "select count(*) from notification where person_id = any(%s) group by person_id"
    calls = await (await conn.execute(query, (people,))).fetchall()
    assert calls == [(2,), (2,)]
    assert (await client.post(f"{at}/call-again", headers=part)).status_code == 204
    assert (await client.get(f"{at}/take-back")).status_code == 409
    assert (await client.post(f"{at}/accept", headers=part)).status_code == 204
    page = (await client.get(at)).text
    assert "沈值班 去" in page or "去，应在" in page
    assert "收回" in (await client.get(f"{at}/take-back", headers=part)).text
    answer = await client.post(f"{at}/take-back", data={"note": "腿不方便"}, headers=part)
    assert answer.status_code == 204
    page = (await client.get(at)).text
    for words in ("收回，", "腿不方便", "在值班台处理（控制台）", "要求从头再叫一遍", "加叫"):
        assert words in page, words


async def test_each_look_at_the_board_and_at_a_resident_is_one_row_of_the_audit_with_whom_it_showed(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await log_in(client, users)
    everybody = [row[0] for row in await (await conn.execute("select resident_id from assignment")).fetchall()]
    for path in ("/parts/incidents", "/", "/parts/tiles", "/parts/alarms", "/residents/1", "/residents/1"):
        assert (await client.get(path)).status_code == 200
    rows = await (
        await conn.execute(
            "select action, what, resident_id,"
            " array(select generate_series(lower(run), upper(run) - 1) from unnest(residents) run)"
            " from audit order by id"
        )
    ).fetchall()
    assert len(everybody) > 1
    assert rows[:2] == [("board", "board", None, sorted(everybody))] * 2
    assert rows[2:] == [("read", "file", 1, [])] * 2


async def test_an_incidents_page_and_each_of_its_parts_is_one_row_of_the_audit(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    incident_id = await press(conn)
    await log_in(client, users)
    for path in ("/incidents/{}", "/parts/incidents/{}", "/incidents/{}/hand-to-120", "/parts/incidents"):
        assert (await client.get(path.format(incident_id))).status_code == 200
    rows = await (await conn.execute("select action, what, resident_id from audit order by id")).fetchall()
    assert rows == [("read", "incident", 1), ("read", "incident", 1), ("read", "file", 1), ("board", "board", 1)]
    await conn.execute("update resident set emergency_note = '服华法林', emergency_note_at = eldercare_now()")
    await conn.commit()
    assert "服华法林" in (await client.get(f"/incidents/{incident_id}")).text
    newest = await conn.execute("select what, resident_id from audit order by id desc limit 1")
    assert await newest.fetchone() == ("incident,emergency_note", 1)


async def test_names_are_never_taken_for_markup(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await conn.execute("update resident set name = '<img src=x>', entry = '<b>key</b>', notes = '<i>' where id = 1")
    incident_id = await press(conn)
    now = await clock.now(conn)
    await handling.add_note(conn, incident_id, 1, "console", "<script>1</script>", now)
    await conn.commit()
    await log_in(client, users)
    for path in ("/", "/residents", "/residents/1", f"/incidents/{incident_id}", "/incidents"):
        text = (await client.get(path)).text
        assert "&lt;img src=x&gt;" in text, path
        assert not any(markup in text for markup in ("<img src=x", "<b>key", "<script>1")), path


async def test_no_number_of_tasks_pushes_an_sos_off_the_board(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident_id = await press(conn)
    await conn.execute(
        "insert into incident (subject, kind, severity, device_id, source, occurred_at, opened_at, round_started_at,"
        " due_at) select 'device:' || n, 'low_battery', 'task', 'b' || n, 'rule', at, at, at, at"
        " from generate_series(1, 5) n, (select eldercare_now() + interval '1 minute' as at) later"
    )
    await conn.commit()
    monkeypatch.setattr(queries, "MOST_OPEN", 3)
    await log_in(client, users)
    for path in ("/", "/parts/incidents"):
        assert f"/incidents/{incident_id}" in (await client.get(path)).text
    assert f"{incident_id}:1:1" in (await client.get("/parts/alarms")).text


@pytest.mark.parametrize("kind", ["stillness", "wandering", "no_heart_rate"])
async def test_no_number_of_tasks_pushes_what_is_urgent_off_the_board(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    await conn.execute(
        "insert into incident (subject, kind, severity, device_id, source, occurred_at, opened_at, round_started_at,"
        " due_at) select 'device:' || n, kind, severity, 'b' || n, 'rule', at, at, at, at"
        " from (select n, case n when 1 then %s else 'spot_value' end as kind,"
        " case n when 1 then 'urgent' else 'task' end as severity,"
        " eldercare_now() + n * interval '1 minute' as at from generate_series(1, 5) n) each",
        (kind,),
    )
    urgent = await (await conn.execute("select id from incident where severity = 'urgent'")).fetchone()
    await conn.commit()
    monkeypatch.setattr(queries, "MOST_OPEN", 3)
    await log_in(client, users)
    assert urgent is not None
    assert f"/incidents/{urgent[0]}" in (await client.get("/")).text


async def test_a_circle_that_nobody_has_drawn_is_not_shown(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await log_in(client, users)
    row = await (await conn.execute("select min(id) from resident")).fetchone()
    assert row is not None
    shown = []
    for radius_m in (500, 501):
        await conn.execute("update resident set safe_radius_m = %s where id = %s", (radius_m, row[0]))
        await conn.commit()
        text = (await client.get(f"/residents/{row[0]}")).text
        assert "track-map" in text
        shown.append("data-radius" in text)
    assert shown == [False, True]


async def test_a_logout_ends_the_session(client: httpx.AsyncClient, users: dict[str, str]) -> None:
    await log_in(client, users)
    token = client.cookies["eldercare_session"]
    assert (await client.post("/logout")).headers["location"] == "/login"
    client.cookies.set("eldercare_session", token, domain="desk.example")
    assert (await client.get("/")).status_code == 303
    assert (await client.post("/logout")).status_code == 303


async def test_the_language_of_the_account_holds_until_the_switch(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection
) -> None:
    await conn.execute("update person set language = 'en' where username = 'duty'")
    await conn.commit()
    await log_in(client, users)
    assert "Duty board" in (await client.get("/")).text
    answer = await client.post("/preferences", data={"language": "zh", "back": "/incidents"})
    assert answer.headers["location"] == "/incidents"
    assert "值班台" in (await client.get("/")).text
    assert (await client.post("/preferences", data={"language": "tlh"})).status_code == 422


@pytest.mark.parametrize(
    "how",
    ["kind = 'flood'", "state = 'looked_for'", "severity = 'grave'", "stepped_at = 'infinity'"],
)
@pytest.mark.parametrize("way", ["/incidents/{}/resolve", "/api/v1/incidents/{}/resolve"])
async def test_one_that_cannot_be_read_is_ended_at_the_desk(
    client: httpx.AsyncClient, users: dict[str, str], conn: Connection, how: str, way: str
) -> None:
    await log_in(client, users)
    incident = await press(conn)
    for column in ("kind", "state", "severity"):
        await conn.execute(f"alter table incident drop constraint incident_{column}_check".encode())
    await conn.execute(f"update incident set {how}".encode())
    await conn.commit()
    said = {"disposition": "helped"}
    console = not way.startswith("/api")
    answer = await client.post(way.format(incident), **({"data": said} if console else {"json": said}))
    assert answer.status_code == (303 if console else 200), answer.text
    ended = await conn.execute("select state, disposition, due_at from incident")
    assert await ended.fetchone() == ("resolved", "helped", None)
    await conn.commit()
    page = await client.get(f"/incidents/{incident}")
    assert page.status_code == 200
    assert "系统读不出这件事" in page.text
