"""What cannot be watched of somebody: as JSON, on their page and on the board, for whom it is."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from alerts.detection import device_state
from api.app import create_app
from api.console.duty import unwatched
from api.deps import COOKIE
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.integration.alerts.test_unwatched import LEARNT, renew, told
from tests.support import community
from tests.support.community import NOW, USERS, AtWork

OF_BAND = {"off_wrist", "battery_low", "silent"}


@dataclass
class Desk:
    client: httpx.AsyncClient
    conn: Connection
    here: AtWork
    tokens: dict[str, str]

    async def lacks(self, who: str, resident_id: int) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        answer = await self.client.get(f"/api/v1/residents/{resident_id}/unwatched", headers=headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def page(self, who: str, path: str, language: str = "zh") -> str:
        cookies = f"{COOKIE}={self.tokens[who]}; eldercare_language={language}"
        answer = await self.client.get(path, headers={"Cookie": cookies, "Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return answer.text

    async def told(self, device_id: str, **what: Any) -> None:
        """What the rules remember of the band from now on."""
        rules = told(**what).to_json()
        await self.conn.execute("update device_state set rules = %s where device_id = %s", (rules, device_id))
        await self.conn.commit()


@pytest.fixture
async def desk(
    conn: Connection, database_url: str, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Wang's band tells everything, Li's a position every 20 minutes, Chen's nothing of movement."""
    monkeypatch.setattr(device_state, "_kept", {})  # ids are those of the test before
    built = await community.at_work(conn)
    tokens = await community.log_in(conn, *USERS)
    for resident_id in (built.wang, built.li, built.chen):
        await renew(conn, resident_id, NOW, LEARNT)
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.example") as client,
    ):
        found = Desk(client, conn, built, tokens)
        await found.told("band-wang")
        await found.told("band-li", fix_min=20)
        await found.told("band-chen", quality=90)
        yield found


def section(page: str) -> str:
    """The words of the section on a resident's page; nothing where there is none."""
    found = re.search(r'<section class="card" id="unwatched">(.*?)</section>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split()) if found else ""


def tile(page: str, resident_id: int) -> str:
    found = re.search(rf'<a\s+class="tile"\s+id="tile-{resident_id}"(.*?)</a>', page, re.DOTALL)
    assert found is not None
    return " ".join(found[1].split())


async def test_the_api_names_rules_and_reasons_with_numbers(desk: Desk) -> None:
    assert await desk.lacks("duty", desk.here.wang) == []
    slow = {"reason": "fixes_too_slow", "known": 1200, "unit": "s"}
    assert await desk.lacks("duty", desk.here.li) == [
        slow | {"rule": "left_at_night", "needed": 600},
        slow | {"rule": "going_in_circles", "needed": 300},
        slow | {"rule": "out_at_odd_hour", "needed": 600},
    ]
    await desk.conn.execute("update habits set learnt = '{}', renewed_at = renewed_at + interval '1 minute'")
    await desk.conn.commit()
    learning = {each["rule"]: each for each in await desk.lacks("duty", desk.here.wang)}
    assert learning["resting_rate"] == {
        "rule": "resting_rate", "reason": "learning", "known": 0, "needed": 7, "unit": "days",
    }  # fmt: skip
    nothing = {"known": None, "needed": None, "unit": None}
    movement = [each for each in await desk.lacks("duty", desk.here.chen) if each["reason"] == "no_movement"]
    assert movement == [{"rule": rule, "reason": "no_movement"} | nothing for rule in ("stillness", "above_usual")]


async def test_each_role_reads_of_what_is_theirs(desk: Desk) -> None:
    await desk.conn.execute("update device_state set last_seen_at = %s", (NOW - timedelta(hours=2),))
    await desk.conn.commit()
    seen = {who: {each["rule"] for each in await desk.lacks(who, desk.here.wang)} for who in USERS}
    place = {"left_at_night", "going_in_circles", "unusually_far", "lost_outside", "out_at_odd_hour"}
    assert seen["duty"] == seen["daughter"]
    assert seen["duty"] > place
    assert seen["doctor"] == seen["duty"] - place
    assert seen["grid"] == seen["admin"] == OF_BAND - {"silent"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh",
            "这些规则现在看不到 按键求助照常响。下面这些情况，规则现在发现不了。 位置来得太少 约每20分钟一次"
            " 夜间离家（要每10分钟一次）、原地打转（要每5分钟一次）、不寻常的时间外出（要每10分钟一次）"
            " 把定位间隔调到每 5 分钟以内。",
        ),
        (
            "en",
            "What cannot be watched now A press rings as always. Rules cannot find what is below. Positions come too"
            " seldom about every 20 mins Left home at night (wants one every 10 mins), Going in circles (wants one"
            " every 5 mins), Out at an odd hour (wants one every 10 mins) Set it to tell"
            " a position every 5 minutes or more often.",
        ),
    ],
)
async def test_the_page_says_calmly_why_and_what_would_help(desk: Desk, language: str, words: str) -> None:
    assert section(await desk.page("duty", f"/residents/{desk.here.li}", language)) == words
    assert section(await desk.page("duty", f"/residents/{desk.here.wang}", language)) == ""


async def test_the_page_shows_nobody_what_is_not_theirs(desk: Desk) -> None:
    await desk.told("band-wang", fix_min=20)
    shown = {who: section(await desk.page(who, f"/residents/{desk.here.wang}")) != "" for who in USERS}
    assert shown == {"duty": True, "grid": False, "daughter": True, "doctor": False, "admin": False}


async def test_nobody_is_told_that_a_press_rings_where_no_band_is_heard(desk: Desk) -> None:
    await desk.conn.execute("update device_state set last_seen_at = %s", (NOW - timedelta(hours=2),))
    await desk.conn.commit()
    words = section(await desk.page("duty", f"/residents/{desk.here.wang}"))
    assert "现在没有手环的消息" in words
    assert "按键求助照常响" not in words
    await desk.conn.execute("update resident set left_at = %s where id = %s", (NOW, desk.here.wang))
    await desk.conn.commit()
    assert section(await desk.page("duty", f"/residents/{desk.here.wang}")) == ""


async def test_the_board_marks_whom_a_rule_cannot_watch_in_words_and_as_no_alarm(desk: Desk) -> None:
    board = await desk.page("duty", "/")
    assert "看不到" not in tile(board, desk.here.wang)
    assert "3 项看不到" in tile(board, desk.here.li)
    assert 'title="规则看不到：夜间离家、原地打转、不寻常的时间外出"' in tile(board, desk.here.li)
    assert 'data-level="sos"' in tile(board, desk.here.li)
    assert "2 not watched" in tile(await desk.page("duty", "/parts/tiles", "en"), desk.here.chen)
    assert 'data-level="ok"' in tile(board, desk.here.wang)


async def test_the_board_looks_again_after_minutes_and_not_at_every_fetch(desk: Desk) -> None:
    assert "3 项看不到" in tile(await desk.page("duty", "/"), desk.here.li)
    await desk.told("band-li")
    assert "3 项看不到" in tile(await desk.page("duty", "/parts/tiles"), desk.here.li)
    await set_clock(desk.conn, NOW + unwatched.KEPT, 0, real=False)
    await desk.conn.commit()
    assert "看不到" not in tile(await desk.page("duty", "/parts/tiles"), desk.here.li)
    await desk.told("band-li", fix_min=20)
    assert "看不到" not in tile(await desk.page("duty", "/parts/tiles"), desk.here.li)
    await set_clock(desk.conn, NOW, 0, real=False)  # back
    await desk.conn.commit()
    assert "3 项看不到" in tile(await desk.page("duty", "/parts/tiles"), desk.here.li)


async def test_what_is_over_by_itself_or_told_of_already_is_not_marked(desk: Desk) -> None:
    await desk.conn.execute("update habits set learnt = '{}', renewed_at = renewed_at + interval '1 minute'")
    await desk.conn.execute(
        "update device_state set last_seen_at = %s where device_id = 'band-li'", (NOW - timedelta(hours=2),)
    )
    await desk.conn.execute(
        "update resident set away_until = %s where id = %s", (NOW + timedelta(days=1), desk.here.chen)
    )
    await desk.conn.commit()
    board = await desk.page("duty", "/")
    assert [each for each in (desk.here.wang, desk.here.li, desk.here.chen) if "看不到" in tile(board, each)] == []
