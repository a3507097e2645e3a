"""Narrow windows, enlarged pages and long names: everything stays where it can be seen and pressed."""

import os
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from eldercare.platform import clock
from eldercare.platform.database import COMMAND, connect
from eldercare.tools.seed.fill import seed
from tests.browser import history
from tests.browser.console import Console, console, log_in
from tests.browser.test_console import press
from tests.support.services.databases import DatabaseServer
from tests.support.services.missing import missing
from tests.support.services.timescale import HOW

LONG = (
    "阿不都热合曼·麦麦提吐尔孙·阿卜杜拉",
    "ئابدۇراخمان مەمەتتۇرسۇن ئابدۇللا ئوغلى",
    "Bartholomew Featherstonehaugh-Cholmondeley",
    "Supercalifragilisticexpialidociousbergerstein",
)
NAME = {"zh": "守望 · 老人手环值守", "en": "Eldercare watch"}
NEXT_FRAME = """() => new Promise(
    (done) => requestAnimationFrame(() => requestAnimationFrame(done)))"""
OUTSIDE = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const found = [];
  for (const part of wide > 0 ? document.body.querySelectorAll('*') : []) {
    const { right } = part.getBoundingClientRect();
    if (right > innerWidth + 1) found.push(`${wide} px too wide: ${part.outerHTML.slice(0, 80)}`);
  }
  for (const button of document.querySelectorAll('.button')) {
    if (button.offsetHeight > 100) found.push(`squeezed: ${button.outerHTML.slice(0, 80)}`);
  }
  for (const tile of document.querySelectorAll('.tile')) {
    const own = tile.getBoundingClientRect();
    for (const part of tile.querySelectorAll('*')) {
      const box = part.getBoundingClientRect();
      const inside = box.right <= own.right + 1 && box.left >= own.left - 1;
      if (box.width && !inside) found.push(part.outerHTML.slice(0, 80));
    }
  }
  return found;
}"""

COVERED = """(map) => {
  const own = map.getBoundingClientRect();
  const controls = [...map.querySelectorAll('.leaflet-control')].map((control) => control.getBoundingClientRect());
  return [...map.querySelectorAll('.leaflet-tooltip')].filter((label) => {
    const box = label.getBoundingClientRect();
    const cut = box.left < own.left || box.right > own.right;
    const over = (other) => box.left < other.right && box.right > other.left
      && box.top < other.bottom && box.bottom > other.top;
    return cut || controls.some(over);
  }).map((label) => label.textContent);
}"""


@pytest.fixture(scope="module")
def service(_timescale: DatabaseServer | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    import asyncio

    async def prepare(url: str) -> dict[str, list[dict[str, str]]]:
        conn = await connect(url)
        made = await seed(conn, 8)
        for number, name in enumerate(LONG):
            await conn.execute("update resident set name = %s where id = %s", (name, made["residents"][number]["id"]))
        await conn.execute("update person set name = %s where username = 'duty'", (LONG[2],))
        await conn.commit()
        await conn.close()
        return made

    server = _timescale or missing("TimescaleDB", HOW)
    with server.database() as url:
        running = console(url, tmp_path_factory.mktemp("console"), asyncio.run(prepare(url)))
        running.start()

        async def presses() -> None:
            conn = await connect(url)
            for number in range(2):
                await press(conn, running, number)
            await conn.close()

        asyncio.run(presses())
        yield running
        running.stop()


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_nothing_leaves_the_window_or_its_tile_at_any_width(page: Page, service: Console, language: str) -> None:
    await page.context.add_cookies([{"name": "eldercare_language", "value": language, "url": service.url}])
    await log_in(page, service)
    pages = ("/", f"/residents/{service.residents[0]['id']}", "/residents", "/incidents")
    for path in pages:
        await page.goto(f"{service.url}{path}")
        # 640 is 1280 at 200 %, 410 is 820 at 200 %.
        for width in (360, 390, 410, 640, 700, 768, 820, 1024, 1280):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.evaluate(NEXT_FRAME)  # in which the page's scripts fit what they draw
            assert await page.evaluate(OUTSIDE) == [], (path, width)
            await expect(page.get_by_role("link", name=NAME[language])).to_be_visible()
            if shots := os.environ.get("SHOTS"):
                await page.screenshot(path=f"{shots}/{language}{path.replace('/', '-')}{width}.png")
            menu = page.locator("details.menu > summary")
            await menu.click()
            box = await page.locator("form[action='/logout'] button").bounding_box()
            assert box is not None, (path, width)
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert 0 <= box["y"] < 900
            await menu.click()


async def test_choices_are_as_large_beside_a_long_name(page: Page, service: Console) -> None:
    """A thumb finds one as well as the other; a text of two lines takes nothing from its button."""
    await page.context.add_cookies([{"name": "eldercare_language", "value": "en", "url": service.url}])
    await page.set_viewport_size({"width": 390, "height": 844})
    await log_in(page, service, "lead")
    await page.locator("a[id^=send-]").first.click()
    await expect(page.locator("#dialog .choice").filter(has_text=LONG[2])).to_be_visible()
    sizes = await page.locator("#dialog .choice input").evaluate_all(
        "buttons => buttons.map((button) => button.getBoundingClientRect()).map(({width, height}) => [width, height])"
    )
    assert len({(round(width, 1), round(height, 1)) for width, height in sizes}) == 1, sizes


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_no_label_covers_what_a_small_map_is_moved_with(page: Page, service: Console, language: str) -> None:
    conn = await connect(service.database_url, limits=COMMAND)
    await history.month(conn, await clock.now(conn))
    await conn.commit()
    await conn.close()
    await page.context.add_cookies([{"name": "eldercare_language", "value": language, "url": service.url}])
    await log_in(page, service)
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto(f"{service.url}/residents/{service.residents[1]['id']}")
        await expect(page.locator("#track-over")).to_contain_text("·")  # the newest fix is named below it as well
        await page.wait_for_function("document.querySelector('#track-map').dataset.points > 300")
        assert await page.locator("#track-map").evaluate(COVERED) == [], width


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_bar_of_those_who_are_not_on_duty_fits(page: Page, service: Console, language: str) -> None:
    await page.context.add_cookies([{"name": "eldercare_language", "value": language, "url": service.url}])
    await log_in(page, service, "admin")
    for width in (360, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        assert await page.evaluate(OUTSIDE) == [], width
        alarms = await page.locator("#alarms").bounding_box()
        menu = await page.locator("details.menu > summary").bounding_box()
        assert alarms is not None
        assert menu is not None
        assert menu["y"] < alarms["y"] + alarms["height"], width  # one line, so that more of the page is seen
        if shots := os.environ.get("SHOTS"):
            await page.screenshot(path=f"{shots}/{language}-admin-{width}.png")
