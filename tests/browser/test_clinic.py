"""The doctor's pages in a real browser: from the list to a person's weeks, at every width, and the sheet on paper."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from api.console.shell.i18n import LANGUAGES, Language
from eldercare.platform import clock
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.tools.seed.fill import seed
from tests.browser import history
from tests.browser.console import Console, console, log_in, shoot
from tests.browser.test_console import agree_to, faults
from tests.browser.test_narrow import LONG, NEXT_FRAME, OUTSIDE
from tests.support import weeks
from tests.support.services.databases import DatabaseServer
from tests.support.services.missing import missing
from tests.support.services.timescale import HOW

WIDTHS = (320, 390, 768, 1280, 2560)


async def _prepare(url: str) -> dict[str, Any]:
    conn = await connect(url)
    made = await seed(conn, 3)
    now = await clock.now(conn)
    await weeks.two_months(conn, "band-0001", now)
    await history.newest(conn, now)
    # The seed gives its residents to two doctors by turns; here they are all the one's who logs in.
    await conn.execute(
        "update resident_contact set person_id = p.id from person p where p.username = 'doctor' and kind = 'doctor'"
    )
    for days, severity, kind, note in ((20, "sos", "sos", "头晕，坐着"), (6, "urgent", "heart_rate", None)):
        at = now - timedelta(days=days)
        await conn.execute(
            "insert into incident (subject, kind, severity, state, resident_id, device_id, source, occurred_at,"
            " opened_at, round_started_at, arrived_at, resolved_at, disposition, note, bpm, owner_id)"
            " select 'resident:1', %(kind)s, %(severity)s, 'resolved', 1, 'band-0001', 'button', %(at)s, %(at)s,"
            " %(at)s, %(at)s + interval '9 min', %(at)s + interval '30 min', 'helped', %(note)s, 134, id"
            " from person where username = 'grid1'",
            {"kind": kind, "severity": severity, "at": at, "note": note},
        )
    for resident_id in (1, 2):
        await agree_to(conn, resident_id, "clinic")
    await agree_to(conn, 3)
    await conn.commit()
    await conn.close()
    return made


@pytest.fixture(scope="module")
def shared(_timescale: DatabaseServer | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One console for the whole file, over three residents and two months of the first one's life."""
    server = _timescale or missing("TimescaleDB", HOW)
    with server.database() as url:
        running = console(url, tmp_path_factory.mktemp("clinic"), asyncio.run(_prepare(url)))
        running.start()
        yield running
        running.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def conn(shared: Console) -> AsyncIterator[Connection]:
    """A connection to the console's database."""
    connection = await connect(shared.database_url, limits=COMMAND)
    yield connection
    await connection.close()


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
async def test_a_doctor_goes_from_the_list_to_a_persons_weeks(
    page: Page, shared: Console, conn: Connection, language: Language, theme: str
) -> None:
    await log_in(page, shared, "doctor", language, theme)
    await expect(page.locator("#patient-1 .reasons li").first).to_be_visible()
    await expect(page.locator("#not-agreed")).to_be_visible()
    for width in WIDTHS:
        await _fits(page, width, f"list-{language}")
    await page.locator("#patient-1 a").click()
    await expect(page.locator(".changes li").first).to_be_visible()
    for window in ("day", "week", "year", "month"):
        await page.goto(f"{shared.url}/clinic/1?window={window}")
        await expect(page.locator(f"a[href*='window={window}']")).to_have_attribute("aria-current", "true")
        await expect(page.locator("#heart svg.weeks .line")).to_have_attribute("d", re.compile(r"^M.* L"))
        await page.set_viewport_size({"width": 1280, "height": 900})
        await shoot(page, f"person-{language}-{window}-1280")
    for width in WIDTHS:
        await _fits(page, width, f"person-{language}")


async def _fits(page: Page, width: int, name: str) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.evaluate(NEXT_FRAME)
    assert await page.evaluate(OUTSIDE) == [], width
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
    if width in (390, 1280):
        await shoot(page, f"{name}-{width}")
        assert await faults(page) == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_sheet_is_one_page_whatever_is_written_in_the_file(
    page: Page, shared: Console, conn: Connection, language: Language
) -> None:
    await log_in(page, shared, "doctor", language)
    await page.goto(f"{shared.url}/clinic/1")
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": 794, "height": 1123})
    await shoot(page, f"sheet-{language}")
    plain = await page.pdf(prefer_css_page_size=True, print_background=True)
    assert pages_of(plain) == 1
    words = await (
        await conn.execute("select name, address, conditions, medicines from resident where id = 1")
    ).fetchone()
    assert words is not None
    await conn.execute(
        "update resident set name = %s, address = %s, conditions = %s, medicines = %s where id = 1",
        (LONG[1], "安平路" * 40, "高血压，" * 80, "美托洛尔 25 mg 早晚，" * 80),
    )
    await conn.commit()
    await page.reload()
    await page.emulate_media(media="print")
    assert pages_of(await page.pdf(prefer_css_page_size=True, print_background=True)) == 1
    await expect(page.locator(".sheet-file")).to_be_visible()
    await page.set_viewport_size({"width": 794, "height": 1123})
    await shoot(page, f"sheet-long-{language}")
    await expect(page.locator("h1")).to_be_hidden()
    # Nothing lies on something else: blocks follow each other.
    edges = await page.locator(".sheet > *").evaluate_all(
        "all => all.map((each) => [each.getBoundingClientRect().top, each.getBoundingClientRect().bottom])"
    )
    assert all(sooner[1] <= later[0] + 0.5 for sooner, later in pairwise(edges))
    await conn.execute(
        "update resident set name = %s, address = %s, conditions = %s, medicines = %s where id = 1", tuple(words)
    )
    await conn.commit()


async def test_the_windows_and_the_table_are_reached_by_keyboard(page: Page, shared: Console, conn: Connection) -> None:
    await log_in(page, shared, "doctor")
    await page.goto(f"{shared.url}/clinic/1")
    await page.locator("#heart a").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#heart a[aria-current]")).to_have_text("24 小时")
    await page.wait_for_load_state()
    await page.locator("#heart summary").press("Enter")
    await expect(page.locator("#heart tbody tr").first).to_be_visible()
    assert await page.locator("#heart tbody tr").count() in (24, 25)
    assert await faults(page) == []
