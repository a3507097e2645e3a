"""The documentation of the API in a real browser, under the console's own content security policy."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from eldercare.platform.database import connect
from eldercare.tools.seed.fill import seed
from tests.browser.console import Console, console, log_in
from tests.support.services.databases import DatabaseServer
from tests.support.services.missing import missing
from tests.support.services.timescale import HOW


@pytest.fixture(scope="module")
def service(_timescale: DatabaseServer | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    server = _timescale or missing("TimescaleDB", HOW)
    with server.database() as url:
        running = console(url, tmp_path_factory.mktemp("console"), asyncio.run(_seed(url)))
        running.start()
        yield running
        running.stop()


async def _seed(database_url: str) -> dict[str, object]:
    async with await connect(database_url) as conn:
        return await seed(conn, 2)


async def test_whoever_is_logged_in_reads_and_tries_the_api(page: Page, service: Console) -> None:
    await page.goto(f"{service.url}/docs")
    await page.wait_for_url(f"{service.url}/login?**")
    await log_in(page, service, "admin")
    await page.goto(f"{service.url}/docs")
    await expect(page.locator("#operations-devices-list_rejected_api_v1_rejected_get")).to_be_visible()
    await page.locator("#operations-devices-list_rejected_api_v1_rejected_get button.opblock-summary-control").click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await expect(page.locator(".live-responses-table td.response-col_status").last).to_contain_text("200")
