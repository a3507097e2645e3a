"""The family's page in a real browser: a daughter through an alarm, on a telephone and on a desk, in both languages."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from alerts.incidents import handling
from api.console.shell.i18n import LANGUAGES, Language
from eldercare.platform import clock
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.tools.seed.fill import seed
from tests.browser import history
from tests.browser.console import Console, console, log_in, shoot
from tests.browser.test_console import agree_to, faults, live, press
from tests.browser.test_narrow import LONG, NEXT_FRAME, OUTSIDE
from tests.support.services.databases import DatabaseServer
from tests.support.services.missing import missing
from tests.support.services.timescale import HOW

DESK = "+99910000001"
PURPOSES = ("family_health", "family_location", "clinic")
WIDTHS = (320, 360, 390, 640, 768, 1024, 1280, 2560)

_WALKS = """
update heart_rate set motion = 'active', steps = 40 + 3 * extract(day from ts)::int
where device_id = 'band-0001' and extract(hour from ts at time zone 'Asia/Shanghai') in (7, 8, 9, 10, 13, 16, 18)
"""


async def _prepare(url: str) -> dict[str, Any]:
    conn = await connect(url)
    made = await seed(conn, 3)
    now = await clock.now(conn)
    await history.month(conn, now)
    await history.newest(conn, now)
    await conn.execute(_WALKS)
    await conn.commit()
    await conn.close()
    return made


@pytest.fixture(scope="module")
def shared(_timescale: DatabaseServer | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One console for the whole file, over three residents and a month of the first one's life."""
    server = _timescale or missing("TimescaleDB", HOW)
    with server.database() as url:
        running = console(url, tmp_path_factory.mktemp("family"), asyncio.run(_prepare(url)), DESK_PHONE=DESK)
        running.start()
        yield running
        running.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def conn(shared: Console) -> AsyncIterator[Connection]:
    """A connection to the console's database; nothing has happened, the band is at home, all is agreed to."""
    connection = await connect(shared.database_url, limits=COMMAND)
    await connection.execute("delete from incident")
    now = await clock.now(connection)
    await connection.execute(
        "update device_state set last_seen_at = %(now)s, bpm_ts = %(now)s, status_ts = %(now)s, location_ts = %(now)s,"
        " worn = true, charging = false, battery_pct = 92",
        {"now": now},
    )
    # At home, so that the page reads the same at whatever hour of the day this runs.
    await connection.execute(
        "update device_state s set lat = r.home_lat, lon = r.home_lon from resident r"
        " where r.id = 1 and s.device_id = 'band-0001'"
    )
    await connection.execute(
        "insert into heart_rate (device_id, ts, received_at, bpm, quality, motion, steps)"
        " select 'band-0001', ts, ts, 70, 90, 'active', 30"
        " from generate_series(%(now)s - interval '20 minutes', %(now)s, interval '5 minutes') ts"
        " on conflict do nothing",
        {"now": now},
    )
    await agree_to(connection, 1, *PURPOSES)
    yield connection
    await connection.close()


async def come_in(
    page: Page, service: Console, language: Language = "zh", width: int = 390, theme: str = "light"
) -> None:
    await page.set_viewport_size({"width": width, "height": 844 if width < 600 else 900})
    await log_in(page, service, "family", language, theme)


async def person(conn: Connection, username: str) -> int:
    row = await (await conn.execute("select id from person where username = %s", (username,))).fetchone()
    assert row is not None
    return int(row[0])


def said(page: Page, sentence: str) -> Any:
    return expect(page.locator("#said-1")).to_contain_text(sentence)


STORY: dict[Language, tuple[str, ...]] = {
    "zh": ("按了求助，正在叫附近的人去。", "正赶去看", "已经在", "头晕，坐一会儿就好了", "帮到了，"),
    "en": ("pressed for help at", "is on the way to", "is with", "头晕，坐一会儿就好了", "Helped; "),
}


@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1280)])
async def test_a_daughter_through_an_alarm(
    page: Page, shared: Console, conn: Connection, language: Language, width: int
) -> None:
    words = STORY[language]
    await come_in(page, shared, language, width)
    await live(page)
    await expect(page.locator("[data-tone]")).not_to_have_attribute("data-tone", "alarm")
    await shoot(page, f"calm-{language}-{width}")
    assert await faults(page) == []

    incident_id = await press(conn, shared)
    await said(page, words[0])
    await expect(page.locator("[data-tone=alarm]")).to_be_visible()
    await expect(page.locator(".rings a").first).to_have_attribute("href", f"tel:{DESK}")
    await shoot(page, f"pressed-{language}-{width}")
    assert await faults(page) == []

    grid = await person(conn, "grid1")
    await _deed(conn, handling.accept, incident_id, grid, "voice")
    await said(page, words[1])
    phone = await (await conn.execute("select phone from person where id = %s", (grid,))).fetchone()
    assert phone is not None
    await expect(page.locator(f'.rings a[href="tel:{phone[0]}"]')).to_be_visible()
    await shoot(page, f"going-{language}-{width}")

    await _deed(conn, handling.arrive, incident_id, grid, "sms")
    await said(page, words[2])
    await _deed(conn, handling.resolve, incident_id, grid, "sms", "helped", words[3])
    await said(page, words[3])
    await expect(page.locator("[data-tone=alarm]")).to_have_count(0)
    await expect(page.locator(".story")).to_contain_text(words[4])
    await expect(page.locator(f'.rings a[href="tel:{phone[0]}"]')).to_have_count(0)
    await shoot(page, f"well-{language}-{width}")
    assert await faults(page) == []


async def _deed(conn: Connection, deed: Any, incident_id: int, person_id: int, via: str, *more: object) -> None:
    await deed(conn, incident_id, person_id, via, *more, await clock.now(conn))
    await conn.commit()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_leaves_the_page_at_any_width_and_text_is_large(
    page: Page, shared: Console, conn: Connection, language: Language, theme: str
) -> None:
    """With the longest names, an alarm to which the relative is called, and everything agreed to."""
    named = await (await conn.execute("select name, gender from resident where id = 1")).fetchone()
    assert named is not None
    await conn.execute("update resident set name = %s, gender = null where id = 1", (LONG[0],))
    incident_id = await press(conn, shared)
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, send_after, created_at)"
        " select %s, id, 'voice', phone, 'alarm', '{}', now(), now() from person where username = 'family'",
        (incident_id,),
    )
    await conn.commit()
    await come_in(page, shared, language, 390, theme)
    await expect(page.locator(f"#accept-{incident_id}")).to_be_visible()
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.evaluate(NEXT_FRAME)
        assert await page.evaluate(OUTSIDE_OF_FAMILY) == [], width
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
        if width in (320, 1280):
            await shoot(page, f"called-{language}-{theme}-{width}")
            assert await faults(page) == []
    assert await page.evaluate(SMALL) == []
    await conn.execute("update resident set name = %s, gender = %s where id = 1", named)
    await conn.commit()


OUTSIDE_OF_FAMILY = OUTSIDE.replace("offsetHeight > 100", "offsetHeight > 400")
"""A button with a name of forty letters may have several lines here, where each is 20 px and more."""
SMALL = """() => [...document.querySelectorAll('body *')].filter((part) => {
    const own = [...part.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = part.getBoundingClientRect();
    const seen = own && box.width > 1 && box.height > 1 && part.checkVisibility();
    return seen && parseFloat(getComputedStyle(part).fontSize) < 20;
}).map((part) => part.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_two_parents(page: Page, shared: Console, conn: Connection, language: Language) -> None:
    """One is well and one has shared nothing; both ways are on top, and the second leads to the second."""
    await agree_to(conn, 2)
    await conn.execute(
        "insert into resident_contact (resident_id, person_id, kind, relation)"
        " select 2, id, 'family', '女儿' from person where username = 'family'"
    )
    await conn.commit()
    await come_in(page, shared, language)
    await expect(page.locator("article.relative")).to_have_count(2)
    await shoot(page, f"two-{language}")
    assert await faults(page) == []
    await page.locator(".whose a").nth(1).click()
    await expect(page.locator("#name-2")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await conn.execute("delete from resident_contact where resident_id = 2 and relation = '女儿'")
    await conn.commit()


async def test_every_button_is_large_enough_and_reached_by_keyboard(
    page: Page, shared: Console, conn: Connection
) -> None:
    await press(conn, shared)
    await come_in(page, shared)
    heights = await page.locator("main .button").evaluate_all("all => all.map((each) => each.offsetHeight)")
    assert heights
    assert min(heights) >= 60
    await page.keyboard.press("Tab")
    for _ in range(12):
        if await page.evaluate("document.activeElement.matches('.rings a')"):
            return
        await page.keyboard.press("Tab")
    pytest.fail("the desk is not reached within twelve stops")


async def test_a_word_to_the_others_is_written_in_peace_and_left(page: Page, shared: Console, conn: Connection) -> None:
    await come_in(page, shared)
    await live(page)
    field = page.locator("#note-1")
    await field.fill("我 10 点打过电话")
    await page.locator("h2").first.click()
    await press(conn, shared)
    await expect(page.locator("[data-tone=alarm]")).to_be_visible()
    await expect(field).to_have_value("我 10 点打过电话")
    await field.fill("我 10 点打过电话，她都好")
    await page.get_by_role("button", name="留言").click()
    await expect(page.locator(".notes")).to_contain_text("她都好")
    await expect(field).to_have_value("")
    assert page.url == f"{shared.url}/family"
    assert await faults(page) == []
    await shoot(page, "words")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_shared_is_no_calm_page(
    page: Page, shared: Console, conn: Connection, language: Language
) -> None:
    await agree_to(conn, 1)
    await come_in(page, shared, language)
    await expect(page.locator("[data-tone=unknown]")).to_be_visible()
    await said(page, {"zh": "日常情况没有开放", "en": "Daily life is not shared"}[language])
    await expect(page.locator(".heart-day")).to_have_count(0)
    await shoot(page, f"closed-{language}")
    assert await faults(page) == []


async def test_a_page_that_stands_still_looks_like_nothing_known(page: Page, shared: Console, conn: Connection) -> None:
    await come_in(page, shared)
    await live(page)
    await expect(page.locator(".said")).not_to_have_css("border-top-style", "dashed")
    shared.stop()
    await expect(page.locator("#banner-lost")).to_be_visible()
    await expect(page.locator(".said")).to_have_css("border-top-style", "dashed")
    await expect(page.locator(".said-lost")).to_contain_text("现在的情况还不知道")
    await expect(page.locator(".said-word")).to_be_hidden()
    assert await faults(page) == []
    await shoot(page, "lost")
    shared.start()
    await expect(page.locator(".said")).not_to_have_css("border-top-style", "dashed")


async def test_the_first_view_is_light(page: Page, shared: Console, conn: Connection) -> None:
    """At most 120 kB over the wire in at most twelve requests, as a browser without anything kept asks for it."""
    await come_in(page, shared)
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    urls: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    await page.goto(f"{shared.url}/family")
    await live(page)
    # What the page before had under way is not this one's, and to look again is no first view.
    found = {urls[number]: size for number, size in sizes.items() if "/parts/" not in urls.get(number, "/parts/")}
    assert f"{shared.url}/family" in found
    assert len(found) <= 12, sorted(url.rpartition("/")[2] for url in found)
    assert sum(found.values()) <= 120_000, found
