"""The demo's main path: whoever opens the duty board sees a press, and somebody who goes, within the first minute."""

from playwright.async_api import Page, expect

from tests.support.services.demo import Demo

FIRST_MINUTE_MS = 60_000


async def test_a_visitor_sees_a_press_and_somebody_who_goes(page: Page, demo: Demo) -> None:
    duty = next(user for user in demo.known["users"] if user["role"] == "duty")
    await page.goto(demo.known["urls"]["console"])
    await page.locator("[name=username]").fill(duty["username"])
    await page.locator("[name=password]").fill(duty["password"])
    await page.locator("form.card button").click()
    incidents = page.locator("#incidents")
    await expect(incidents).to_contain_text("紧急呼救", timeout=FIRST_MINUTE_MS)
    await expect(incidents).to_contain_text("有人去", timeout=FIRST_MINUTE_MS)


async def test_the_telephones_page_shows_whom_it_may_ring(page: Page, demo: Demo) -> None:
    grid_worker = next(person for person in demo.known["people"] if "grid" in person["roles"])
    await page.goto(demo.known["urls"]["phones"])
    await expect(page.locator("body")).to_contain_text(grid_worker["name"])
