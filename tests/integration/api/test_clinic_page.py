"""The doctor's pages as plain HTTP: who sees whom, what is said of two months, what is logged."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple

import httpx
import pytest

from alerts.rules import registry
from alerts.rules.resting_rate import Nights
from api.app import create_app
from api.deps import COOKIE
from eldercare.community import consents, people
from eldercare.community.consents import Purpose
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.support import community, weeks
from tests.support.community import LONG_AGO, NOW, Community, incident


class Practice(NamedTuple):
    """The pages of one community at `NOW`."""

    conn: Connection
    client: httpx.AsyncClient
    here: Community
    tokens: dict[str, str]

    async def look(self, path: str, who: str = "doctor", status: int = 200, language: str = "zh") -> str:
        cookies = f"{COOKIE}={self.tokens[who]}; eldercare_language={language}"
        answer = await self.client.get(path, headers={"Cookie": cookies})
        assert answer.status_code == status, answer.text
        return answer.text

    async def trail(self) -> list[tuple[str, str, int | None]]:
        rows = await self.conn.execute("select role, what, resident_id from audit order by id")
        return [tuple(row) for row in await rows.fetchall()]  # type: ignore[misc]


@pytest.fixture
async def practice(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Practice]:
    here = await community.settle(conn)
    await set_clock(conn, NOW, 0, real=False)
    await people.link(conn, here.li, here.doctor, "doctor")
    await consents.give(conn, here.wang, Purpose.CLINIC, given_by="本人", now=LONG_AGO)
    await weeks.two_months(conn, "band-wang", NOW, "5 minutes")
    tokens = await community.log_in(conn, "daughter", "duty", "grid", "doctor", "admin")
    await conn.commit()
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://desk.example", headers={"Accept": "text/html"}
        ) as client,
    ):
        yield Practice(conn, client, here, tokens)


async def test_a_doctor_sees_the_weeks_of_whoever_agreed_and_each_look_is_logged(practice: Practice) -> None:
    here = practice.here
    over = {"state": "resolved", "disposition": "helped", "resolved_at": NOW, "owner_id": here.grid, "due_at": None}
    await incident(
        practice.conn, here.wang, device_id="band-wang", note="头晕，坐着", arrived_at=NOW - timedelta(days=5),
        occurred_at=NOW - timedelta(days=5, minutes=9), opened_at=NOW - timedelta(days=5, minutes=9), **over,
    )  # fmt: skip
    await practice.conn.execute(
        "update resident set medicines = '美托洛尔 25 mg', allergies = '青霉素' where id = %s", (here.wang,)
    )
    await practice.conn.commit()

    for kind in ("spot_value", "off_wrist"):  # of which the second is the desk's
        await incident(practice.conn, here.wang, device_id="band-wang", kind=kind, severity="task")
    await practice.conn.commit()

    nights = Nights(usual=(58.0,) * 28, last=NOW.date().toordinal(), rate=67.0, side=1)
    await practice.conn.execute(
        "insert into habits (resident_id, learnt, through) values (%s, %s, %s)",
        (here.wang, registry.write_learnt({"resting_rate": nights}), NOW.date()),
    )
    await practice.conn.commit()

    listed = await practice.look("/clinic")
    assert "王秀英" in listed
    assert "11月24日 夜间静息 67，与本人基线 58 相比高 9" in listed
    assert "诊所待办 1 件" in listed
    assert "求助 1 次" in listed
    assert "李桂兰" not in listed
    assert "另有 1 位登记在您名下" in listed
    page = await practice.look(f"/clinic/{here.wang}")
    for words in (
        "美托洛尔 25 mg", "青霉素", "自 10月26日 以来", "有过求助：头晕，坐着。", "夜间静息", "与本人基线相比高",
        "无信号", "未佩戴", "每 5 分钟一个值", "位置没有开放给诊所", "9 分钟", "▼ 减慢心率的药",
        "打印 2026-11-24 14:00", "底色是本人平时的范围 47.5–56.5",
    ):  # fmt: skip
        assert words in page, words
    for window in ("day", "week", "year"):
        shown = await practice.look(f"/clinic/{here.wang}?window={window}", language="en")
        assert re.search(r'class="line" d="M\S+ \S+ L', shown), window
    assert await practice.trail() == [("doctor", "clinic", here.wang)] * 5
    await practice.look(f"/clinic/{here.wang}?window=century", status=422)

    # Nothing on these pages judges: no illness, no score. Below the list stand the desk's cards, in its words.
    for text in (listed.partition('id="incidents"')[0], page):
        assert not re.search("诊断|异常|评分|风险", text)


async def test_consent_and_role_decide_and_a_withdrawal_acts_at_once(practice: Practice) -> None:
    here = practice.here
    for who in ("daughter", "grid", "admin"):
        await practice.look("/clinic", who, status=403)
        await practice.look(f"/clinic/{here.wang}", who, status=403)
    assert "王秀英" in await practice.look("/clinic", "duty")
    await practice.look(f"/clinic/{here.wang}", "duty")
    await practice.look(f"/clinic/{here.li}", status=404)
    await practice.look("/clinic/999", status=404)
    before = await practice.trail()

    await consents.withdraw(practice.conn, here.wang, Purpose.CLINIC, NOW)
    await practice.conn.commit()
    listed = await practice.look("/clinic")
    assert "王秀英" not in listed
    assert "另有 2 位" in listed
    await practice.look(f"/clinic/{here.wang}", status=404)
    assert await practice.trail() == before


async def test_who_is_her_family_too_reads_her_as_family_and_not_as_her_doctor(practice: Practice) -> None:
    conn, here = practice.conn, practice.here
    await conn.execute("insert into person_role (person_id, role) values (%s, 'family')", (here.doctor,))
    await people.link(conn, here.wang, here.doctor, "family")
    await consents.give(conn, here.wang, Purpose.FAMILY_HEALTH, given_by="本人", now=LONG_AGO)
    await conn.commit()
    await practice.look(f"/clinic/{here.wang}")
    before = await practice.trail()

    # She agreed that the clinic sees her, and this is her relative and no longer her doctor.
    await conn.execute("delete from resident_contact where resident_id = %s and kind = 'doctor'", (here.wang,))
    await conn.commit()
    await practice.look(f"/clinic/{here.wang}", status=403)
    assert "王秀英" not in (await practice.look("/clinic")).partition('id="incidents"')[0]
    await people.link(conn, here.wang, here.doctor, "doctor")

    await consents.withdraw(conn, here.wang, Purpose.CLINIC, NOW)
    await conn.commit()
    await practice.look(f"/clinic/{here.wang}", status=403)
    assert "王秀英" not in (await practice.look("/clinic")).partition('id="incidents"')[0]
    assert await practice.trail() == before


async def test_little_data_are_said_to_be_little_and_a_doctor_begins_at_the_clinic(practice: Practice) -> None:
    here = practice.here
    await practice.conn.execute("delete from heart_rate where ts < %s", (NOW - timedelta(days=3),))
    await practice.conn.execute("delete from device_status where ts < %s", (NOW - timedelta(days=3),))
    await practice.conn.commit()
    page = await practice.look(f"/clinic/{here.wang}")
    assert "趋势不判断" in page
    assert "基线建立中" in page
    assert "数据不足（不到 70%），只供参考" in page
    await practice.conn.execute("delete from heart_rate")
    await practice.conn.execute("delete from device_status")
    await practice.conn.execute("update assignment set period = tstzrange(lower(period), %s)", (NOW,))
    await practice.conn.commit()
    nothing = await practice.look(f"/clinic/{here.wang}?window=year")
    assert "佩戴 0% · 有效 0%" in nothing
    # Where nothing was measured no number reads as "none at all", and the band is not said to be at fault.
    assert re.search(r'data-number="above">.*?<b>没有数据</b>', nothing, re.DOTALL)
    assert re.search(r'data-number="steps">.*?<b>没有报来步数</b>', nothing, re.DOTALL)
    assert "没有可说的变化" not in nothing
    assert "现在没有手环" in await practice.look("/clinic")
    first = await practice.client.get("/", headers={"Cookie": f"{COOKIE}={practice.tokens['doctor']}"})
    assert (first.status_code, first.headers["location"]) == (303, "/clinic")
    answer = await practice.client.get("/", headers={"Cookie": f"{COOKIE}={practice.tokens['duty']}"})
    assert answer.status_code == 200
