"""The family's page as plain HTTP: who sees what of whom, from a quiet day to the end of an alarm; what is logged."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import combinations
from typing import NamedTuple

import httpx
import pytest

from alerts.incidents import handling
from api.app import create_app
from api.deps import COOKIE
from eldercare.accounts import sessions
from eldercare.accounts.viewers import Role
from eldercare.community import consents, people
from eldercare.community.consents import Purpose
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import LONG_AGO, NOW, PHONES, Community, call, incident, insert

DESK = "+99921000000"
PAGES = ("/family", "/parts/family")


class Home(NamedTuple):
    """The pages of one community at `NOW`; `as_user` says who looks from now on."""

    conn: Connection
    client: httpx.AsyncClient
    here: Community
    tokens: dict[str, str]

    async def look(self, who: str = "daughter", path: str = "/family", status: int = 200, language: str = "zh") -> str:
        cookies = f"{COOKIE}={self.tokens[who]}; eldercare_language={language}"
        answer = await self.client.get(path, headers={"Cookie": cookies})
        assert answer.status_code == status, answer.text
        return answer.text

    async def trail(self) -> list[tuple[str, str, list[int]]]:
        rows = await self.conn.execute(
            "select role, what, case when resident_id is not null then array[resident_id]"
            " else (select array_agg(n order by n) from unnest(residents) run,"
            "       generate_series(lower(run), upper(run) - 1) n) end from audit order by id"
        )
        return [tuple(row) for row in await rows.fetchall()]  # type: ignore[misc]

    async def at(self, moment: datetime) -> None:
        await set_clock(self.conn, moment, 0, real=False)
        await self.conn.commit()


@pytest.fixture
async def home(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Home]:
    here = await community.settle(conn)
    await set_clock(conn, NOW, 0, real=False)
    await conn.execute("update resident set gender = 'female', phone = '+99910009001' where id = %s", (here.wang,))
    for purpose in Purpose:
        await consents.give(conn, here.wang, purpose, given_by="本人", now=LONG_AGO)
    await two_weeks(conn, "band-wang")
    tokens = await community.log_in(conn, "daughter", "duty", "grid", "doctor", "admin")
    await conn.commit()
    app = create_app(make_settings(database_url=database_url, desk_phone=DESK))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://desk.example", headers={"Accept": "text/html"}
        ) as client,
    ):
        yield Home(conn, client, here, tokens)


async def two_weeks(conn: Connection, device_id: str) -> None:
    """Two weeks of a heart a quarter of an hour, of walks by day, up to `NOW`; and the band's newest words."""
    await conn.execute(
        "insert into heart_rate (device_id, ts, received_at, bpm, quality, motion, steps)"
        " select %(band)s, ts, ts, case when night then 58 else 72 end, 90,"
        "        case when night then 'rest' else 'active' end, case when night then 0 else 25 end"
        " from generate_series(%(now)s::timestamptz - interval '14 days', %(now)s, interval '15 min') ts,"
        "      lateral (select extract(hour from ts at time zone 'Asia/Shanghai') not between 7 and 20 as night) n",
        {"band": device_id, "now": NOW},
    )
    await conn.execute(
        "insert into device_state (device_id, last_seen_at, bpm, bpm_ts, lat, lon, accuracy_m, location_ts,"
        " battery_pct, worn, charging, status_ts) values (%(band)s, %(now)s, 72, %(now)s, 31.2305, 121.4738, 12,"
        " %(now)s, 78, true, false, %(now)s)",
        {"band": device_id, "now": NOW},
    )


async def agree(home: Home, *purposes: Purpose) -> None:
    """From now on exactly these consents of hers stand."""
    await home.conn.execute("update consent set withdrawn_at = given_at where withdrawn_at is null")
    for purpose in purposes:
        await consents.give(home.conn, home.here.wang, purpose, given_by="本人", now=LONG_AGO, method="door")
    await home.conn.commit()


async def opened(home: Home, **values: object) -> int:
    incident_id = await incident(home.conn, home.here.wang, device_id="band-wang", **values)
    happened = {"via": "band", "detail": '{"trigger": "button"}'}
    await insert(home.conn, "incident_event", incident_id=incident_id, at=NOW, kind="opened", **happened)
    await home.conn.commit()
    return incident_id


async def test_a_quiet_day(home: Home) -> None:
    page = await home.look()
    assert 'data-tone="calm"' in page
    assert "一切如常，14:00 还在走动。" in page
    for words in ("像平时一样", "戴着", "电量 78%", "在家，14:00", "7 天里戴了 7 天手环", "这一周没有求助", "一周来信"):
        assert words in page, words
    assert 'class="heart-line" d="M' in page
    assert 'href="tel:+99910009001"' in page
    assert f'href="tel:{DESK}"' in page
    english = await home.look(language="en")
    assert "All as usual; up and about at 14:00." in english


async def test_a_band_that_came_off_is_no_calm_page(home: Home) -> None:
    await home.conn.execute("update device_state set worn = false, status_ts = %s", (NOW - timedelta(hours=1),))
    await home.conn.commit()
    page = await home.look()
    assert 'data-tone="unknown"' in page
    assert "手环 13:00 起没戴，所以现在不知道她怎样。" in page


async def test_since_when_a_band_is_off_is_when_it_first_said_so(home: Home) -> None:
    for minutes, worn in ((200, False), (90, True), (60, False), (5, False)):
        ts = NOW - timedelta(minutes=minutes)
        await home.conn.execute(
            "insert into device_status (device_id, ts, received_at, worn) values ('band-wang', %s, %s, %s)",
            (ts, ts, worn),
        )
    await home.conn.execute("update device_state set worn = false, status_ts = %s", (NOW - timedelta(minutes=5),))
    await home.conn.commit()
    assert "手环 13:00 起没戴" in await home.look()


async def test_an_alarm_from_the_press_to_she_is_well(home: Home) -> None:
    conn, here = home.conn, home.here
    incident_id = await opened(home)
    page = await home.look()
    assert 'data-tone="alarm"' in page
    assert "\n        正在叫人\n" in page
    assert "她 14:00 按了求助，正在叫附近的人去。" in page
    assert "她按了求助" in page
    assert "华法林" in page  # what to tell the desk
    # Whom nobody called answers for nothing.
    assert f"/incidents/{incident_id}/accept" not in page

    await call(conn, incident_id, here.grid, address=PHONES["grid"])
    await home.at(NOW + timedelta(minutes=2))
    await handling.accept(conn, incident_id, here.grid, "voice", NOW + timedelta(minutes=2))
    await conn.commit()
    page = await home.look()
    assert "钱网格 正赶去看她，" in page
    assert "\n        正在叫人\n" not in page
    assert "\n        有人在忙这件事\n" in page
    assert f'href="tel:{PHONES["grid"]}"' in page  # for as long as they go

    await handling.arrive(conn, incident_id, here.grid, "sms", NOW + timedelta(minutes=9))
    await conn.commit()
    assert "钱网格 已经在她身边。" in await home.look()

    await handling.resolve(
        conn, incident_id, here.grid, "sms", "helped", "头晕，坐一会儿就好了", NOW + timedelta(minutes=20)
    )
    await home.at(NOW + timedelta(minutes=21))
    await conn.execute("update device_state set last_seen_at = %s", (NOW + timedelta(minutes=20),))
    await conn.commit()
    page = await home.look()
    assert 'data-tone="calm"' in page
    assert "14:09 有人去看过她：头晕，坐一会儿就好了" in page
    assert "帮到了，她平安" in page
    assert PHONES["grid"] not in page
    for words in ("失能", "编号", "data-running", "误报", "已送达"):
        assert words not in page, words


async def test_who_arrived_and_met_nobody_has_not_seen_her(home: Home) -> None:
    conn, here = home.conn, home.here
    incident_id = await opened(home)
    await call(conn, incident_id, here.grid, address=PHONES["grid"])
    await handling.accept(conn, incident_id, here.grid, "voice", NOW + timedelta(minutes=2))
    await handling.arrive(conn, incident_id, here.grid, "sms", NOW + timedelta(minutes=9))
    await handling.resolve(conn, incident_id, here.grid, "sms", "nobody_there", None, NOW + timedelta(minutes=20))
    await home.at(NOW + timedelta(minutes=21))
    page = await home.look()
    assert 'data-tone="look"' in page
    assert "她 14:00 求助过，还没有记下谁见到了她。请打值班台。" in page
    assert "平安" not in page


async def test_an_open_press_is_not_pushed_out_by_what_came_after(home: Home) -> None:
    await opened(home)
    for minute in range(40):
        at = NOW + timedelta(minutes=minute)
        await incident(
            home.conn, home.here.wang, kind="heart_rate", severity="warning", source="rule", state="resolved",
            disposition="cleared", occurred_at=at, opened_at=at, resolved_at=at,
        )  # fmt: skip
    await home.at(NOW + timedelta(minutes=41))
    page = await home.look()
    assert 'data-tone="alarm"' in page
    assert "她 14:00 按了求助，正在叫附近的人去。" in page


@pytest.mark.parametrize(("severity", "kind"), [("task", "spot_value"), ("warning", "heart_rate")])
async def test_a_press_of_which_nobody_was_met_is_not_pushed_out_either(home: Home, severity: str, kind: str) -> None:
    over = {"state": "resolved", "resolved_at": NOW}
    await opened(home, disposition="nobody_there", **over)
    for minute in range(1, 41):
        at = NOW + timedelta(minutes=minute)
        await incident(
            home.conn, home.here.wang, kind=kind, severity=severity, source="rule", state="resolved",
            disposition="cleared", occurred_at=at, opened_at=at, resolved_at=at,
        )  # fmt: skip
    await home.at(NOW + timedelta(minutes=41))
    assert "她 14:00 求助过，还没有记下谁见到了她。请打值班台。" in await home.look()


async def test_what_a_rule_saw_and_was_nothing_is_no_touch(home: Home) -> None:
    incident_id = await incident(
        home.conn, home.here.wang, kind="stillness", severity="urgent", source="rule", state="resolved",
        disposition="false_alarm", resolved_at=NOW,
    )  # fmt: skip
    await insert(home.conn, "incident_event", incident_id=incident_id, at=NOW, kind="opened", via="rule")
    ended = {"via": "console", "detail": '{"disposition": "false_alarm"}'}
    await insert(home.conn, "incident_event", incident_id=incident_id, at=NOW, kind="resolved", **ended)
    await home.conn.commit()
    page = await home.look()
    assert "14:00 注意到的情况已经弄清楚，没有什么事。" in page
    assert "碰到" not in page


async def test_away_changes_are_not_watched_and_the_button_works(home: Home) -> None:
    await home.conn.execute("update resident set away_until = %s", (NOW + timedelta(days=1),))
    await home.conn.commit()
    page = await home.look()
    assert 'data-tone="unknown"' in page
    assert "这段时间不看有没有变化；求助按钮照常有用。" in page


async def test_out_at_night_is_no_calm_page_where_her_place_is_shared(home: Home) -> None:
    night = NOW + timedelta(hours=12)
    await home.conn.execute(
        "insert into heart_rate (device_id, ts, received_at, bpm) values ('band-wang', %(at)s, %(at)s, 58)",
        {"at": night},
    )
    await home.conn.execute(
        "update device_state set last_seen_at = %(at)s, status_ts = %(at)s, location_ts = %(at)s, lat = 31.2404",
        {"at": night},
    )
    await home.at(night)
    page = await home.look()
    assert 'data-tone="look"' in page
    assert "02:00 手环的位置不在家。" in page
    await agree(home, Purpose.FAMILY_HEALTH)
    page = await home.look()
    assert "手环的位置" not in page
    assert "不在家" not in page


async def test_a_neighbours_number_is_the_neighbours(home: Home) -> None:
    conn, here = home.conn, home.here
    neighbour = await community.person(conn, Role.VOLUNTEER, name="赵邻居", phone="+99910009100")
    incident_id = await opened(home, state="accepted", owner_id=neighbour, accepted_at=NOW, accepted_via="voice")
    page = await home.look()
    assert "赵邻居 正赶去看她。" in page
    assert "+99910009100" not in page
    assert "去的人的电话不在这里" in page
    await people.link(conn, here.li, neighbour, "neighbour")
    assert incident_id


async def test_a_relative_who_is_called_answers_here(home: Home) -> None:
    conn, here = home.conn, home.here
    incident_id = await opened(home)
    await call(conn, incident_id, here.daughter, address=PHONES["daughter"])
    await people.hold_key(conn, here.wang, here.daughter, True)
    await conn.commit()
    page = await home.look()
    assert f'action="/incidents/{incident_id}/accept"' in page
    assert "您有钥匙。能去，就按“我去”。" in page
    assert "钥匙在门卫" in page
    await handling.accept(conn, incident_id, here.daughter, "console", NOW)
    await conn.commit()
    page = await home.look()
    assert "您正赶去看她，" in page
    assert f'action="/incidents/{incident_id}/arrive"' in page


async def test_what_was_not_agreed_to_is_not_shown(home: Home) -> None:
    await opened(home)
    await agree(home)
    for path in PAGES:
        page = await home.look(path=path)
        assert 'data-tone="unknown"' in page
        assert "日常情况没有开放。她求助时，附近没有人说去，就会打电话给您。" in page
        for words in (
            "heart-line",
            "按了求助，",
            "华法林",
            "电量",
            "在家",
            "一周来信",
            "+99910009001",
            "幸福路",
            "128",
        ):
            assert words not in page, words
    assert await home.trail() == []


async def test_each_consent_opens_its_own_part_and_no_other(home: Home) -> None:
    await agree(home, Purpose.FAMILY_LOCATION)
    page = await home.look()
    assert "在家，14:00" in page
    for words in ("heart-line", "电量", "走动", "华法林"):
        assert words not in page, words
    await agree(home, Purpose.FAMILY_HEALTH)
    page = await home.look()
    assert "heart-line" in page
    assert "没有开放给家人" in page
    assert "在家" not in page


async def test_the_page_shows_exactly_what_the_interface_gives(home: Home) -> None:
    """Every set of consents, called or not: heart, place and file are on the page where the API answers, and nowhere
    else."""
    conn, here = home.conn, home.here
    headers = {"Authorization": f"Bearer {home.tokens['daughter']}", "Accept": "application/json"}
    range_ = {"from": (NOW - timedelta(hours=1)).isoformat(), "to": NOW.isoformat()}

    async def answers(part: str, **query: str) -> bool:
        path = f"/api/v1/residents/{here.wang}{part}"
        return (await home.client.get(path, headers=headers, params=query)).status_code == 200

    incident_id = await opened(home)
    for called in (False, True):
        if called:
            await call(conn, incident_id, here.daughter, address=PHONES["daughter"])
        for size in range(len(Purpose) + 1):
            for purposes in combinations(Purpose, size):
                await agree(home, *purposes)
                page = await home.look()
                where = f"{purposes} {called}"
                health = await answers("/heart-rate", **range_)
                for words in ("heart-line", "电量 78%", "华法林", "一周来信"):
                    assert (words in page) is health, (words, where)
                assert ("在家，14:00" in page) is await answers("/locations", **range_), where
                assert ("+99910009001" in page) is await answers(""), where
                incident = await home.client.get(f"/api/v1/incidents/{incident_id}", headers=headers)
                assert ("按了求助，" in page) is (incident.status_code == 200), where
                assert ("钥匙在门卫" in page) is called, where


async def test_a_withdrawal_acts_at_the_next_request(home: Home) -> None:
    assert "heart-line" in await home.look(path="/parts/family")
    await consents.withdraw(home.conn, home.here.wang, Purpose.FAMILY_HEALTH, NOW)
    await home.conn.commit()
    page = await home.look(path="/parts/family")
    assert "heart-line" not in page
    assert "现在不开放" in page


async def test_called_without_consent_she_is_told_what_she_was_called_for_and_the_door(home: Home) -> None:
    incident_id = await opened(home)
    await agree(home)
    await call(home.conn, incident_id, home.here.daughter, address=PHONES["daughter"])
    await home.conn.commit()
    page = await home.look()
    assert "她 14:00 按了求助，正在叫附近的人去。" in page
    assert "钥匙在门卫" in page
    for words in ("heart-line", "华法林", "电量", "+99910009001", "128"):
        assert words not in page, words
    assert await home.trail() == [("family", "family", [home.here.wang])]


async def test_consents_say_who_gave_them_and_when(home: Home) -> None:
    await agree(home, Purpose.FAMILY_HEALTH)
    page = await home.look()
    assert "本人于1月1日同意（当面）" in page
    assert 'data-purpose="family_location"' in page
    assert "现在不开放" in page
    await agree(home)
    assert 'data-purpose="clinic"' not in await home.look()


async def test_whoever_is_not_called_reads_so(home: Home) -> None:
    await home.conn.execute("update contact_method set active = false where person_id = %s", (home.here.daughter,))
    await agree(home)
    page = await home.look()
    assert "先叫名单上的人；这里不会显示。" in page
    assert "您不在她求助时要叫的名单上" in page


async def test_only_whom_a_telephone_reaches_is_promised_a_call(home: Home) -> None:
    assert "她求助时，附近没有人说去，就会打电话给您。这不能关掉。" in await home.look()
    await home.conn.execute(
        "update contact_method set active = channel = 'sms' where person_id = %s", (home.here.daughter,)
    )
    await agree(home)
    page = await home.look()
    assert "附近没有人说去，就会发短信给您。" in page
    assert "打电话给您" not in page


async def test_without_consent_the_story_does_not_say_that_the_desk_is_at_her_door(home: Home) -> None:
    conn, here = home.conn, home.here
    incident_id = await opened(home)
    await call(conn, incident_id, here.daughter, address=PHONES["daughter"])
    await handling.accept(conn, incident_id, here.grid, "voice", NOW)
    await handling.arrive(conn, incident_id, here.duty, "console", NOW + timedelta(minutes=9))
    await agree(home)
    page = await home.look()
    assert "有人到了她身边" in page
    assert "张值班" not in page
    assert "按了求助" not in page
    await agree(home, Purpose.FAMILY_HEALTH)
    page = await home.look()
    assert "钱网格到了她身边" in page
    assert "张值班" not in page


async def test_each_look_is_one_row_with_whom_it_showed(home: Home) -> None:
    conn, here = home.conn, home.here
    await home.look()
    await home.look(path="/parts/family")
    await people.link(conn, here.li, here.daughter, "family")
    await conn.commit()
    await home.look()  # Li has agreed to nothing
    await consents.give(conn, here.li, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    await conn.commit()
    await home.look()
    one, both = ("family", "family", [here.wang]), ("family", "family", sorted([here.wang, here.li]))
    assert await home.trail() == [one, one, one, both]


@pytest.mark.parametrize("who", ["duty", "grid", "doctor", "admin"])
async def test_the_page_is_for_family_alone(home: Home, who: str) -> None:
    for path in PAGES:
        await home.look(who, path, 403)
    assert 'href="/family"' not in await home.look(who, "/residents")


async def test_nobody_gets_in_without_a_login(home: Home) -> None:
    for path in PAGES:
        answer = await home.client.get(path)
        assert answer.headers["location"].startswith("/login"), path


async def test_the_first_page_of_family_is_theirs(home: Home) -> None:
    assert await home.look("daughter", "/", 303) == ""
    page = await home.look()
    assert 'href="/residents"' not in page
    assert 'id="alarms"' not in page
    assert 'id="link-state"' in page


async def test_a_relative_who_also_works_has_both(home: Home) -> None:
    await people.set_roles(home.conn, home.here.daughter, [Role.FAMILY, Role.GRID])
    await home.conn.commit()
    assert 'href="/family"' in await home.look("daughter", "/")
    page = await home.look()
    assert 'href="/residents"' in page
    assert 'id="alarms"' in page


async def test_whoever_is_linked_to_nobody_is_told_whom_to_ask(home: Home) -> None:
    await people.unlink(home.conn, home.here.wang, home.here.daughter, "family")
    await home.conn.commit()
    page = await home.look()
    assert "社区还没有把您和家人关联起来" in page
    assert f'href="tel:{DESK}"' in page
    assert "state-calm" not in page


async def test_who_is_a_neighbour_only_is_nobodys_family(home: Home) -> None:
    await people.unlink(home.conn, home.here.wang, home.here.daughter, "family")
    await people.link(home.conn, home.here.wang, home.here.daughter, "neighbour")
    await home.conn.commit()
    assert "王秀英" not in await home.look()


async def test_of_several_it_is_said_first_who_is_how(home: Home) -> None:
    """Each has her place, whoever needs something: the way there is on top."""
    conn, here = home.conn, home.here
    assert "data-whose" not in await home.look()
    await people.link(conn, here.li, here.daughter, "family")
    await conn.commit()
    await opened(home)
    page = await home.look()
    ways = [f'href="#relative-{each}"' for each in sorted([here.wang, here.li])]
    assert all(each in page for each in ways)
    assert page.index(ways[0]) < page.index(ways[1]) < page.index("<article")
    assert 'data-whose="alarm"' in page
    assert 'data-whose="unknown"' in page


async def test_a_part_that_looks_as_it_did_is_not_sent_again(home: Home) -> None:
    headers = {"Cookie": f"{COOKIE}={home.tokens['daughter']}"}
    first = await home.client.get("/parts/family", headers=headers)
    again = await home.client.get("/parts/family", headers=headers | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.text) == (304, "")


async def test_nothing_inline_and_nothing_kept(home: Home) -> None:
    answer = await home.client.get("/family", headers={"Cookie": f"{COOKIE}={home.tokens['daughter']}"})
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert "onclick=" not in answer.text


async def test_names_are_never_taken_for_markup(home: Home) -> None:
    await home.conn.execute("update resident set name = '<b>王</b>', gender = null where id = %s", (home.here.wang,))
    await home.conn.commit()
    page = await home.look()
    assert "<b>王</b>" not in page
    assert "&lt;b&gt;王&lt;/b&gt;" in page


async def leave(home: Home, resident_id: int, text: str, who: str = "daughter", **headers: str) -> httpx.Response:
    sent = {"Cookie": f"{COOKIE}={home.tokens[who]}", "Origin": "http://desk.example"} | headers
    return await home.client.post(f"/family/{resident_id}/notes", data={"text": text}, headers=sent)


async def test_relatives_leave_each_other_a_word_that_duty_reads(home: Home) -> None:
    conn, here = home.conn, home.here
    brother = await community.person(
        conn, Role.FAMILY, name="王建国", username="brother", password_hash=sessions.hash_password(community.PASSWORD)
    )
    await people.link(conn, here.wang, brother, "family", relation="儿子")
    home.tokens.update(await community.log_in(conn, "brother"))
    await conn.commit()
    answer = await leave(home, here.wang, "我 10 点打过电话，她都好")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/family#notes-{here.wang}")
    answer = await leave(home, here.wang, "  <b>谢谢</b>  ", "brother", **{"HX-Request": "true"})
    assert answer.status_code == 204
    for who in ("daughter", "brother"):
        page = await home.look(who)
        assert page.index("&lt;b&gt;谢谢&lt;/b&gt;") < page.index("我 10 点打过电话，她都好")
        assert "王建国 · 儿子 · 14:00" in page.replace("</span>", "")
    assert "我 10 点打过电话，她都好" in await home.look("duty", f"/residents/{here.wang}")
    written = await conn.execute(
        "select viewer_id, action, resident_id from audit where what = 'family_note' order by id"
    )
    assert await written.fetchall() == [(here.daughter, "write", here.wang), (brother, "write", here.wang)]


async def test_words_follow_her_consent(home: Home) -> None:
    await leave(home, home.here.wang, "我 10 点打过电话，她都好")
    await agree(home, Purpose.FAMILY_LOCATION)
    assert "打过电话" not in await home.look()
    assert (await leave(home, home.here.wang, "再说一句")).status_code == 403
    await agree(home)
    assert "打过电话" not in await home.look()
    assert (await leave(home, home.here.wang, "再说一句")).status_code == 404
    await agree(home, Purpose.FAMILY_HEALTH)
    page = await home.look()
    assert "打过电话" in page
    assert "再说一句" not in page


async def test_nobody_but_family_leaves_a_word_or_reads_it(home: Home) -> None:
    conn, here = home.conn, home.here
    await leave(home, here.wang, "只给家里人")
    incident_id = await opened(home)
    await call(conn, incident_id, here.grid, address=PHONES["grid"])  # sees her health now
    await conn.commit()
    for who in ("duty", "grid", "doctor", "admin"):
        assert (await leave(home, here.wang, "不是家人", who)).status_code == 403, who
    for who in ("grid", "doctor", "admin"):
        assert "只给家里人" not in await home.look(who, f"/residents/{here.wang}"), who
    # Of somebody whose relative she is not, she is told nothing.
    assert (await leave(home, here.li, "认错人")).status_code == 404
    row = await (await conn.execute("select count(*) from family_note")).fetchone()
    assert row == (1,)


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "长" * 501])
async def test_an_empty_or_endless_word_is_refused(home: Home, text: str) -> None:
    assert (await leave(home, home.here.wang, text)).status_code == 422


async def test_a_word_of_five_hundred_characters_is_kept_whole(home: Home) -> None:
    assert (await leave(home, home.here.wang, "长" * 500)).status_code == 303
    assert "长" * 500 in await home.look()


async def test_no_word_is_left_from_another_site(home: Home) -> None:
    for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert (await leave(home, home.here.wang, "假的", **origin)).status_code == 403
    row = await (await home.conn.execute("select count(*) from family_note")).fetchone()
    assert row == (0,)


async def test_the_newest_ten_words_are_shown(home: Home) -> None:
    for number in range(12):
        await leave(home, home.here.wang, f"第 {number} 句")
    page = await home.look()
    assert [f"第 {number} 句" in page for number in (0, 1, 2, 11)] == [False, False, True, True]
