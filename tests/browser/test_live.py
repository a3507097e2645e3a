"""What a page knows, and what it says when it knows nothing: frozen services, many windows, a session near its end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from eldercare.accounts import sessions
from eldercare.platform.database import Connection, connect
from eldercare.tools.seed.fill import seed
from tests.browser.console import Console, console, log_in
from tests.browser.test_console import live, press
from tests.support.services.timescale import Timescale

LOST = 20_000
"""A page that is frozen showed "live" for more than half a minute; how long it may take is set in live.js (ms)."""


@pytest_asyncio.fixture(loop_scope="module")
async def service(
    timescale_server: Timescale, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Console]:
    """A console of this test's own, whose database may be stopped."""
    conn = await connect(database_url)
    made = await seed(conn, 8)
    await conn.commit()
    await conn.close()
    running = console(database_url, tmp_path_factory.mktemp("console"), made)
    running.start()
    yield running
    running.stop()


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """The processes do nothing, and their sockets stay open."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGCONT)


async def at_rest(page: Page) -> None:
    """Live, and nothing is under way whose absence would be noticed."""
    await live(page)
    await page.evaluate("""() => new Promise((resolve) => {
      let answered = 0;
      document.body.addEventListener('htmx:afterRequest', () => { answered += 1; if (answered === 3) resolve(); });
      document.body.dispatchEvent(new CustomEvent('live:changed'));
    })""")
    await expect(page.locator(".htmx-request")).to_have_count(0)


async def is_lost(page: Page) -> None:
    await expect(page.locator("#link-state")).to_have_attribute("data-state", "lost", timeout=LOST)
    await expect(page.locator("#banner-lost")).to_contain_text("连接已断开")


async def test_a_page_whose_service_is_frozen_says_so_and_goes_on_with_it(page: Page, service: Console) -> None:
    await log_in(page, service)
    await at_rest(page)
    with frozen(service.server.pid):
        await is_lost(page)
    await live(page)
    await expect(page.locator("#banner-lost")).to_be_hidden()


async def test_a_page_whose_database_is_stopped_says_so_and_so_does_a_new_one(
    page: Page, service: Console, timescale_server: Timescale
) -> None:
    await log_in(page, service)
    await at_rest(page)
    timescale_server.stop()
    await is_lost(page)
    other = await page.context.new_page()
    answer = await other.goto(f"{service.url}/")
    assert answer is not None
    assert answer.status == 503
    await expect(other.locator("main")).to_contain_text("数据库暂时连不上")
    timescale_server.start()
    await live(page)


async def test_a_page_whose_database_is_frozen_says_so_and_so_does_a_new_one(
    page: Page, service: Console, timescale_server: Timescale
) -> None:
    await log_in(page, service)
    await at_rest(page)
    server = psutil.Process(timescale_server.pid)
    # First the one that starts sessions: none may begin between.
    with frozen(server.pid), frozen(*(child.pid for child in server.children(recursive=True))):
        await is_lost(page)
        other = await page.context.new_page()
        answer = await other.goto(f"{service.url}/")
        assert answer is not None
        assert answer.status == 503
    await live(page)


async def test_eight_windows_are_all_live_and_an_sos_is_accepted_in_the_last(page: Page, service: Console) -> None:
    await log_in(page, service)
    windows = [page, *[await page.context.new_page() for _ in range(7)]]
    for window in windows[1:]:
        await window.goto(f"{service.url}/")
    for window in windows:
        await live(window)
    conn = await connect(service.database_url)
    incident_id = await press(conn, service)
    for window in windows:
        await expect(window.locator(f"#incident-{incident_id}")).to_be_visible()
    # Whoever came first is closed, the next is frozen by the browser: the stream is nobody's in particular.
    await windows[0].close()
    debugger = await page.context.new_cdp_session(windows[1])
    await debugger.send("Page.setWebLifecycleState", {"state": "frozen"})
    second = await press(conn, service, 1)
    await conn.close()
    for window in windows[2:]:
        await expect(window.locator(f"#incident-{second}")).to_be_visible()
        await live(window)
    last = windows[-1]
    await last.bring_to_front()
    await last.locator(f"#incident-{incident_id}").locator("[data-key=a]").click()
    await expect(last.locator(f"#incident-{incident_id}")).to_contain_text("沈值班 在值班台处理")


@pytest.mark.parametrize(
    "without",
    [
        "delete window.SharedWorker",
        "window.SharedWorker = class extends EventTarget { port = new MessageChannel().port1; }",  # says nothing
    ],
)
async def test_without_a_worker_that_works_a_page_has_a_stream_of_its_own(
    page: Page, service: Console, without: str
) -> None:
    await page.add_init_script(without)
    await log_in(page, service)
    await live(page)
    conn = await connect(service.database_url)
    incident_id = await press(conn, service)
    await conn.close()
    await expect(page.locator(f"#incident-{incident_id}")).to_be_visible()


async def _age(conn: Connection, minutes_left: int) -> None:
    """All sessions are as old as that."""
    await conn.execute(
        "update session set created_at = clock_timestamp() - %s + make_interval(mins => %s)",
        (sessions.LONGEST, minutes_left),
    )
    await conn.commit()


async def test_the_session_of_a_board_in_use_begins_anew_before_it_ends(page: Page, service: Console) -> None:
    conn = await connect(service.database_url)
    await log_in(page, service)
    await live(page)
    before = await _token(page)
    await _age(conn, 30)
    async with asyncio.timeout(60):
        while (now := await _token(page)) == before:  # noqa: ASYNC110  the browser has no event for a cookie
            await asyncio.sleep(0.1)
    assert (await sessions.resume(conn, now)).ends_at is None
    await page.reload()
    await live(page)
    await expect(page.locator("#banner-session")).to_be_hidden()
    await conn.close()


async def _token(page: Page) -> str:
    return next(each["value"] for each in await page.context.cookies() if each.get("name") == "eldercare_session")


async def test_whoever_has_no_board_is_told_before_the_session_ends(page: Page, service: Console) -> None:
    conn = await connect(service.database_url)
    await log_in(page, service, "family")
    await _age(conn, 30)
    await expect(page.locator("#banner-session")).to_contain_text("这次登录到")
    await conn.close()


async def test_a_board_that_shows_it_all_already_is_sent_nothing_and_still_hears_of_the_next_press(
    page: Page, service: Console, database_url: str
) -> None:
    await log_in(page, service)
    await at_rest(page)
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "/parts/" in answer.url else None)
    await at_rest(page)
    assert set(answers) == {304}, answers
    conn = await connect(database_url)
    await press(conn, service)
    await conn.close()
    await expect(page.locator("#incidents [data-incident]")).to_have_count(1)
    await expect(page.locator("#tiles [data-level=sos]")).to_have_count(1)
    assert 200 in answers
