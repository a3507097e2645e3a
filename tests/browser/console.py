"""The real service on a real database, as a browser meets it: started, stopped and started again."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

from api.console.shell.i18n import Language
from api.console.shell.screen import LANGUAGE_COOKIE, THEME_COOKIE
from tests.support.services.processes import Server, dies_with_parent, free_port, listens

ROOT = Path(__file__).parents[2]


@dataclass
class Console:
    """`python -m api` on a port of its own; `users` are passwords by user name, `residents` as the seed told them."""

    server: Server
    database_url: str
    url: str
    users: Mapping[str, str]
    residents: list[dict[str, object]]

    def stop(self) -> None:
        """End it, as a crash of the machine would look to a browser: nobody answers any more."""
        self.server.signal_and_wait(signal.SIGKILL)

    def start(self) -> None:
        """Start it (again), at the same address."""
        self.server.start()


def console(database_url: str, folder: Path, seeded: Mapping[str, list[dict[str, str]]], **more: str) -> Console:
    """The console over this database; it still has to be started. `seeded` is what `eldercare seed --json` prints,
    `more` are further settings."""
    port = free_port()
    settings = {
        "DATABASE_URL": database_url,
        "API_PORT": str(port),
        "DATA_DIR": str(folder / "data"),
        **more,
    }
    variables = [f"ELDERCARE_{name}={value}" for name, value in settings.items()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ELDERCARE_")}
    command = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), f"PYTHONPATH={ROOT}"]
    server = Server(
        "the console",
        [*dies_with_parent("KILL"), *command, *variables, sys.executable, "-m", "api"],
        folder,
        folder / "api.log",
        lambda: listens(port),
    )
    users = {user["username"]: user["password"] for user in seeded["users"]}
    return Console(server, database_url, f"http://127.0.0.1:{port}", users, list(seeded["residents"]))  # type: ignore[arg-type]


async def log_in(
    page: Page, service: Console, username: str = "duty", language: Language | None = None, theme: str | None = None
) -> None:
    """Log in as a person does, in a language and a look where these are given, and land on their own page."""
    chosen = {LANGUAGE_COOKIE: language, THEME_COOKIE: theme}
    await page.context.add_cookies(
        [{"name": name, "value": value, "url": service.url} for name, value in chosen.items() if value]
    )
    await page.goto(f"{service.url}/login")
    await page.locator("[name=username]").fill(username)
    await page.locator("[name=password]").fill(service.users[username])
    await page.locator("form.card button").click()
    own = {"family": "/family", "doctor": "/clinic"}
    await page.wait_for_url(f"{service.url}{own.get(username, '/')}")


async def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page in the folder that SHOTS names, for somebody who looks."""
    if shots := os.environ.get("SHOTS"):
        await page.screenshot(path=f"{shots}/{name}.png", full_page=True)
