"""The console in a real browser, on the real service and real TimescaleDB."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from alerts.incidents import opening
from alerts.incidents.opening import Press
from alerts.model.incident import Finding, IncidentKind, Severity, SubjectVerdict, resident_subject
from api.console.shell import times
from api.console.shell.i18n import LANGUAGES, Language, Translator
from api.console.shell.screen import LANGUAGE_COOKIE
from eldercare.platform import clock
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.tools.seed.fill import seed
from ingest.protocols.gcj02 import to_wgs84
from tests.browser import history
from tests.browser.console import ROOT, Console, console, log_in
from tests.support.services.databases import DatabaseServer
from tests.support.services.missing import missing
from tests.support.services.timescale import HOW

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


async def _seed(database_url: str) -> dict[str, Any]:
    conn = await connect(database_url)
    made = await seed(conn, 8)
    await history.newest(conn, await clock.now(conn))
    await conn.commit()
    await conn.close()
    return made


@pytest.fixture(scope="module")
def shared(_timescale: DatabaseServer | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One console for the whole file, over eight seeded residents whose bands have just been heard."""
    server = _timescale or missing("TimescaleDB", HOW)
    with server.database() as url:
        running = console(url, tmp_path_factory.mktemp("console"), asyncio.run(_seed(url)))
        running.start()
        yield running
        running.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def conn(shared: Console) -> AsyncIterator[Connection]:
    """A connection to the console's database, in which no incident is left of the tests before."""
    connection = await connect(shared.database_url, limits=COMMAND)
    await connection.execute("delete from incident")
    await connection.commit()
    yield connection
    await connection.close()


@pytest.fixture
def service(shared: Console, conn: Connection) -> Console:
    """The console, running, with nothing open, even where the test before failed while it was stopped."""
    if not shared.server.running:
        shared.start()
    return shared


async def press(conn: Connection, service: Console, number: int = 0, **said: object) -> int:
    """A band's SOS, as ingest writes it; returns the incident's id."""
    device_id = str(service.residents[number]["device_id"])
    raised = await opening.raise_sos(conn, Press(device_id, b"{}", device_id, **said))  # type: ignore[arg-type]
    await conn.commit()
    return raised.incident_id


async def state_of(conn: Connection, incident_id: int) -> tuple[str, str | None]:
    row = await (
        await conn.execute(
            "select i.state, p.username from incident i left join person p on p.id = i.owner_id where i.id = %s",
            (incident_id,),
        )
    ).fetchone()
    await conn.rollback()
    assert row is not None
    return row[0], row[1]


async def live(page: Page) -> None:
    await expect(page.locator("#link-state")).to_have_attribute("data-state", "live")


@asynccontextmanager
async def standing_still(page: Page) -> AsyncIterator[None]:
    """The page's own time stands still: what lasts a moment lasts, however busy this machine is.

    The page's clock must be installed before its first page is opened.
    """
    now = await page.evaluate("Date.now()")
    await page.clock.pause_at((now + 3_000) / 1000)  # past the guard of what was just drawn
    yield
    await page.clock.resume()


async def faults(page: Page) -> list[str]:
    """What axe finds wrong, as rule and element; of a card that takes no click for a moment, when it does again."""
    await expect(page.locator(".just-moved")).to_have_count(0)
    # By the debugger's way in, not as a script of the page: the policy allows none from elsewhere.
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("tags => axe.run(document, { runOnly: tags })", RULES)
    return [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_goes_on_in_the_words_in_which_the_server_has_begun(
    page: Page, service: Console, language: Language
) -> None:
    await page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": service.url}])
    await page.goto(f"{service.url}/login")
    script = str(await page.locator("script[src$='js/page.js']").get_attribute("src")).replace("page.js", "clock.js")
    hours, days = range(3600, 3 * 86400, 1799), range(86400, 1200 * 86400, 86399)
    lengths = [*range(-5, 3 * 3600), *hours, *days]
    said = await page.evaluate(
        "async ([script, lengths]) => { const clock = await import(script);"
        " return lengths.map(seconds => clock.ago(seconds * 1000)); }",
        [script, lengths],
    )
    now = datetime.now(UTC)
    expected = [times.ago(Translator(language), now - timedelta(seconds=length), now) for length in lengths]
    assert dict(zip(lengths, said, strict=True)) == dict(zip(lengths, expected, strict=True))


async def test_an_sos_appears_without_a_reload_and_is_accepted_with_one_key(
    page: Page, service: Console, conn: Connection
) -> None:
    await log_in(page, service)
    await expect(page.locator("#incidents")).to_contain_text("现在没有待处理的事件")
    await live(page)
    await page.evaluate("window.sameVisit = true")

    incident_id = await press(conn, service, bpm=96)

    card = page.locator(f"#incident-{incident_id}")
    await expect(card).to_contain_text(str(service.residents[0]["name"]))
    await expect(card).to_contain_text("紧急呼救")
    await expect(card).to_contain_text("进门")
    await expect(page.locator("#alarms")).to_contain_text("1 件还没有人去")
    await expect(page.locator(f"[data-resident='{service.residents[0]['id']}']")).to_have_attribute("data-level", "sos")
    await expect(page.locator("#board-map .pin-sos")).to_have_count(1)

    await page.keyboard.down("g")  # nothing was selected: it selects, and takes nobody's SOS
    await expect(card).to_be_focused()
    await page.keyboard.down("g")  # still held
    await page.keyboard.up("g")
    await expect(page.locator("body")).to_have_attribute("data-siren", "sounding")
    assert await state_of(conn, incident_id) == ("open", None)
    await page.keyboard.press("j")
    await expect(card).to_be_focused()
    await page.keyboard.press("g")

    await expect(page.locator("#toasts")).to_contain_text("由您去")
    await expect(card).to_contain_text("沈值班 去")
    await expect(page.locator("body")).to_have_attribute("data-siren", "silent")
    await expect(card).to_be_focused()
    assert await state_of(conn, incident_id) == ("accepted", "duty")

    for key, words in (("w", "正在赶去"), ("t", "已到场")):
        await page.keyboard.press(key)
        await expect(card.locator(".owner")).to_contain_text(words)
    await page.keyboard.press("r")
    await page.locator("#dialog").get_by_text("已现场帮助").click()
    await page.locator("#dialog [name=note]").fill("扶起来了，没有受伤")
    await page.locator("#dialog button[type=submit]").click()
    await expect(page.locator("#incidents")).to_contain_text("现在没有待处理的事件")
    assert (await state_of(conn, incident_id))[0] == "resolved"
    assert await page.evaluate("window.sameVisit")

    await page.goto(f"{service.url}/incidents/{incident_id}")
    await expect(page.locator(".timeline")).to_contain_text("沈值班处理完毕：已现场帮助（控制台）")
    await expect(page.locator(".timeline")).to_contain_text("老人按下手环求助")


@pytest.mark.parametrize(
    ("language", "width", "found", "told"),
    [
        ("zh", 390, "人已找到", "人已找到（控制台）。还在持续时"),
        ("en", 1280, "Found", "Found (console). While it goes on"),
    ],
)
async def test_who_wandered_off_is_found_and_known_to_be_out(
    page: Page, service: Console, conn: Connection, language: str, width: int, found: str, told: str
) -> None:
    await page.context.add_cookies([{"name": "eldercare_language", "value": language, "url": service.url}])
    await page.set_viewport_size({"width": width, "height": 844})
    await log_in(page, service)
    now = await clock.now(conn)
    left = Finding(IncidentKind.WANDERING, Severity.URGENT, "left_at_night", now, episode_at=now)
    who = service.residents[0]
    await opening.apply_verdicts(conn, [SubjectVerdict(resident_subject(int(who["id"]), who["device_id"]), left)], now)
    await conn.commit()
    await page.locator("[id^=resolve-]").click()
    dialog = page.locator("#dialog")
    await expect(dialog.locator("[name=disposition]:checked")).to_have_count(0)
    await expect(dialog.locator("[name=known_h]:checked")).to_have_value("2")
    await dialog.get_by_label(found).check()
    assert await faults(page) == []
    if shots := os.environ.get("SHOTS"):
        await page.screenshot(path=f"{shots}/found-{language}{width}.png")
    await dialog.locator("[name=known_h][value='8']").check()
    await dialog.locator("button[type=submit]").click()
    await expect(page.locator("#incidents .incident")).to_have_count(0)
    row = await (
        await conn.execute("select id, disposition, known_until - resolved_at = '8 hours' from incident")
    ).fetchone()
    assert row is not None
    assert row[1:] == ("found", True)
    await page.goto(f"{service.url}/incidents/{row[0]}")
    await expect(page.locator(".timeline")).to_contain_text(told)
    if shots:
        await page.screenshot(path=f"{shots}/found-over-{language}{width}.png", full_page=True)


async def test_the_siren_is_silenced_for_one_press_and_sounds_for_the_next(
    page: Page, service: Console, conn: Connection
) -> None:
    await log_in(page, service)
    await page.locator("h1, h2").first.click(force=True)  # a gesture: now the browser lets it sound
    incident_id = await press(conn, service, event_id="one")
    await expect(page.locator("body")).to_have_attribute("data-siren", "sounding")
    await page.locator(f"#mute-{incident_id}").click()
    await expect(page.locator("body")).to_have_attribute("data-siren", "silent")
    await expect(page.locator(f"#mute-{incident_id}")).to_have_attribute("aria-pressed", "true")
    await press(conn, service, event_id="two")
    await expect(page.locator("body")).to_have_attribute("data-siren", "sounding")


async def test_the_keyboard_silences_the_card_that_is_selected_and_none_before(
    page: Page, service: Console, conn: Connection
) -> None:
    await log_in(page, service)
    await live(page)
    for number in range(2):
        await press(conn, service, number, event_id=f"first of {number}")
    await expect(page.locator("[data-mute]")).to_have_count(2)
    first, other = [
        int(await card.get_attribute("data-incident") or 0) for card in await page.locator(".queue > *").all()
    ]
    await page.keyboard.press("m")
    await expect(page.locator(f"#incident-{first}")).to_be_focused()
    await expect(page.locator(f"#mute-{first}")).to_have_attribute("aria-pressed", "false")
    await page.keyboard.press("m")
    await expect(page.locator(f"#mute-{first}")).to_have_attribute("aria-pressed", "true")
    for number in range(2):
        await press(conn, service, number, event_id=f"second of {number}")
    await expect(page.locator(f"#incident-{first}")).to_contain_text("按了 2 次")
    await expect(page.locator(f"#mute-{first}")).to_have_attribute("aria-pressed", "false")
    await expect(page.locator(f"#incident-{first}")).to_be_focused()
    await page.keyboard.press("m")
    await expect(page.locator(f"#mute-{first}")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(f"#mute-{other}")).to_have_attribute("aria-pressed", "false")


async def test_a_pressed_button_leaves_the_keyboard_with_its_card(
    page: Page, service: Console, conn: Connection
) -> None:
    """The browser takes the focus from a button that is disabled; the next key must not begin at the first card."""
    lost = asyncio.Event()

    async def keep_waiting(route: Route) -> None:
        await lost.wait()
        await route.abort()

    await page.route("**/accept", keep_waiting)
    await log_in(page, service)
    await live(page)
    for number in range(2):
        await press(conn, service, number)
    await expect(page.locator("[data-mute]")).to_have_count(2)
    _, last = [int(await card.get_attribute("data-incident") or 0) for card in await page.locator(".queue > *").all()]
    await page.locator(f"#accept-{last}").click()
    await expect(page.locator(f"#accept-{last}")).not_to_be_focused()
    await page.keyboard.press("m")
    await expect(page.locator(f"#mute-{last}")).to_have_attribute("aria-pressed", "true")
    lost.set()
    await expect(page.locator("#toasts")).to_contain_text("没有发出去")
    await expect(page.locator(f"#incident-{last}")).to_be_focused()
    await page.locator(".section-head h2").first.click()
    await page.keyboard.press("m")  # who clicked beside the cards has selected none
    await expect(page.locator(".queue > *").first).to_be_focused()
    await expect(page.locator(f"#mute-{last}")).to_have_attribute("aria-pressed", "true")


async def test_a_key_does_nothing_to_a_card_that_is_out_of_view(page: Page, service: Console, conn: Connection) -> None:
    await page.set_viewport_size({"width": 390, "height": 700})
    await log_in(page, service)
    await live(page)
    taken, *waiting = [await press(conn, service, number) for number in range(4)]
    await expect(page.locator("[data-mute]")).to_have_count(4)
    await page.keyboard.press("j")
    await page.keyboard.press("g")
    await expect(page.locator("#toasts")).to_contain_text(str(service.residents[0]["name"]))
    await expect(page.locator(".queue > *").last).to_have_attribute("id", f"incident-{taken}")
    await expect(page.locator(f"#incident-{taken}")).to_be_focused()
    await expect(page.locator(f"#incident-{waiting[0]}")).to_be_in_viewport()
    await page.keyboard.press("w")  # its card left the view when it was accepted: this only shows it
    await expect(page.locator(f"#incident-{taken}")).to_be_in_viewport()
    assert await state_of(conn, taken) == ("accepted", "duty")
    await page.keyboard.press("w")
    await expect(page.locator(f"#incident-{taken} .owner")).to_contain_text("正在赶去")
    await page.evaluate("scrollTo(0, 0)")
    await page.keyboard.press("g")  # that one is not accepted twice: another is meant, and selected first
    await expect(page.locator(f"#incident-{waiting[0]}")).to_be_focused()
    assert await state_of(conn, waiting[0]) == ("open", None)


async def under(page: Page, x: float, y: float) -> str | None:
    return await page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y)?.closest('[data-incident]')?.dataset.incident ?? null", [x, y]
    )


async def test_a_second_click_hits_no_other_card_that_has_come_under_the_pointer(
    page: Page, service: Console, conn: Connection
) -> None:
    await page.clock.install()
    await log_in(page, service)
    await live(page)
    first, second = [await press(conn, service, number) for number in range(2)]
    await expect(page.locator("[data-mute]")).to_have_count(2)
    # Where the second card's button will lie once the first card has gone.
    x, y = await page.evaluate(
        "([first, second]) => {"
        " const box = (id) => document.getElementById(id).getBoundingClientRect();"
        " const button = box(`accept-${second}`), into = button.top - box(`incident-${second}`).top;"
        " return [button.left + button.width / 2, box(`incident-${first}`).top + into + button.height / 2]; }",
        [first, second],
    )
    async with standing_still(page):
        await page.mouse.move(x, y)
        await page.evaluate("id => document.getElementById(`accept-${id}`).click()", first)
        await expect(page.locator(".queue > *").first).to_have_id(f"incident-{second}")
        assert await under(page, x, y) == str(second)
        await page.mouse.click(x, y)
        await page.mouse.click(x, y)
        await expect(page.locator("#toasts")).to_contain_text("由您去")
        assert await state_of(conn, first) == ("accepted", "duty")
        assert await state_of(conn, second) == ("open", None)
    # Whoever aims anew hits what is there now.
    await page.mouse.move(x, y + 200)
    await page.locator(f"#accept-{second}").click()
    await expect(page.locator(f"#incident-{second}")).to_contain_text("沈值班 去")
    assert await state_of(conn, second) == ("accepted", "duty")


async def test_the_button_that_takes_the_place_of_a_pressed_one_takes_no_double_click(
    page: Page, service: Console, conn: Connection
) -> None:
    await page.clock.install()
    await log_in(page, service, "grid1")
    await live(page)
    incident_id = await press(conn, service)
    button = page.locator(f"#accept-{incident_id}")
    await expect(button).to_be_visible()
    box = await button.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    async with standing_still(page):
        await button.click()
        await page.clock.run_for(200)  # the hand has let go
        await expect(page.locator(f"#en-route-{incident_id}")).to_be_visible()
        await page.mouse.click(x, y)
        await expect(page.locator("#toasts")).to_contain_text("由您去")
        assert await state_of(conn, incident_id) == ("accepted", "grid1")
    await page.locator(f"#en-route-{incident_id}").click()
    await expect(page.locator(f"#incident-{incident_id}")).to_contain_text("正在赶去")


async def test_what_is_sent_names_what_was_under_the_pointer(page: Page, service: Console, conn: Connection) -> None:
    await page.clock.install()
    await log_in(page, service)
    await live(page)
    incident_id = await press(conn, service)
    button = page.locator(f"#accept-{incident_id}")
    await button.hover()
    async with standing_still(page):
        await page.mouse.down()
        await page.evaluate(
            "id => { const form = document.querySelector(`#accept-${id}`).form;"
            " form.setAttribute('hx-post', `/incidents/${id}/accept`);"
            " form.querySelector('[name=seen]').value = '0:open:0'; }",
            incident_id,
        )
        async with page.expect_request(f"**/incidents/{incident_id}/accept") as sent:
            await page.mouse.up()
    assert f"seen={incident_id}%3Aopen%3A0" in ((await sent.value).post_data or "")


async def test_a_press_counts_though_the_cards_change_before_the_hand_lets_go(
    page: Page, service: Console, conn: Connection
) -> None:
    await page.clock.install()
    await log_in(page, service)
    await live(page)
    first, second = [await press(conn, service, number) for number in range(2)]
    await expect(page.locator("[data-mute]")).to_have_count(2)
    await page.locator(f"#accept-{second}").hover()
    async with standing_still(page):
        await page.mouse.down()
        # As somebody else's click does, and what the stream says of it.
        await page.request.post(f"{service.url}/incidents/{first}/accept", headers={"Origin": service.url})
        assert await state_of(conn, first) == ("accepted", "duty")
        await page.evaluate(
            "new Promise((drawn) => {"
            " document.body.addEventListener('htmx:beforeSwap', (event) => {"
            "  if (event.target.id === 'incidents') queueMicrotask(drawn); });"
            " document.body.dispatchEvent(new CustomEvent('live:changed')); })"
        )
        await page.mouse.up()
    await expect(page.locator(f"#incident-{second}")).to_contain_text("沈值班 去")
    await expect(page.locator(f"#incident-{first}")).to_contain_text("沈值班 去")
    assert await state_of(conn, second) == ("accepted", "duty")


async def test_the_desk_handles_it_and_its_siren_falls_silent_while_the_street_is_called(
    page: Page, service: Console, conn: Connection
) -> None:
    await log_in(page, service)
    await live(page)
    incident_id = await press(conn, service)
    card = page.locator(f"#incident-{incident_id}")
    await expect(card).to_be_visible()
    await page.keyboard.press("j")  # a gesture of hers, without which the browser lets nothing sound
    await expect(page.locator("body")).to_have_attribute("data-siren", "sounding")
    await page.keyboard.press("a")
    await expect(card).to_contain_text("沈值班 在值班台处理")
    await expect(page.locator("body")).to_have_attribute("data-siren", "silent")
    await expect(page.locator("#alarms")).to_contain_text("1 件还没有人去")
    assert await state_of(conn, incident_id) == ("open", None)
    await page.keyboard.press("d")
    dialog = page.locator("#dialog")
    await expect(dialog).to_contain_text("派谁去")
    await dialog.locator(".choice").first.click()
    await dialog.get_by_role("button", name="马上打给他").click()
    await expect(page.locator("#toasts")).to_contain_text("正在打给")
    assert await state_of(conn, incident_id) == ("open", None)


async def test_a_browser_that_blocks_sound_is_told_of(page: Page, service: Console) -> None:
    await page.add_init_script(
        "AudioContext.prototype.resume = () => new Promise(() => {});"
        "Object.defineProperty(AudioContext.prototype, 'state', { get: () => window.heard ? 'running' : 'suspended' });"
    )
    await log_in(page, service)
    await expect(page.locator("#banner-siren")).to_contain_text("浏览器还不允许出声")
    # Another window lets the page look again. A part that is fetched does so only where it shows anything new.
    again = "dispatchEvent(new StorageEvent('storage', { key: 'eldercare-silenced' }))"
    await page.evaluate(f"window.heard = true; {again}")
    await expect(page.locator("#banner-siren")).to_be_hidden()


async def test_a_lost_connection_shows_at_once_and_heals_itself(page: Page, service: Console, conn: Connection) -> None:
    await log_in(page, service)
    await live(page)
    service.stop()
    await expect(page.locator("#banner-lost")).to_contain_text("连接已断开")
    incident_id = await press(conn, service)
    service.start()
    await expect(page.locator(f"#incident-{incident_id}")).to_be_visible()
    await expect(page.locator("#banner-lost")).to_be_hidden()
    await expect(page.locator("#link-state")).to_have_attribute("data-state", "live")


async def test_without_the_event_stream_the_board_is_polled(page: Page, service: Console, conn: Connection) -> None:
    await page.add_init_script("delete window.SharedWorker")  # what the worker asks for, no test comes between
    await page.route("**/api/v1/events", lambda route: route.abort())
    await log_in(page, service)
    await expect(page.locator("#link-state")).to_have_attribute("data-state", "polling")
    incident_id = await press(conn, service)
    await expect(page.locator(f"#incident-{incident_id}")).to_be_visible()
    await expect(page.locator("#banner-lost")).to_be_hidden()


async def test_what_somebody_types_survives_a_change_on_the_board(
    page: Page, service: Console, conn: Connection
) -> None:
    await log_in(page, service)
    await live(page)
    incident_id = await press(conn, service)
    await page.goto(f"{service.url}/incidents/{incident_id}")
    await live(page)
    await page.locator("#note").fill("正在打给女")
    await press(conn, service, event_id="again")
    await expect(page.locator("#incident")).to_contain_text("按了 2 次")
    await expect(page.locator("#note")).to_be_focused()
    await page.keyboard.type("儿")
    await expect(page.locator("#note")).to_have_value("正在打给女儿")
    await page.get_by_role("button", name="记录", exact=True).click()
    await expect(page.locator(".timeline")).to_contain_text("正在打给女儿")
    await expect(page.locator("#note")).to_have_value("")


async def test_a_second_click_and_a_slower_colleague_are_told_in_words(
    browser: Browser, page: Page, service: Console, conn: Connection
) -> None:
    await log_in(page, service)
    incident_id = await press(conn, service)
    await expect(page.locator(f"#accept-{incident_id}")).to_be_visible()
    context = await browser.new_context(locale="zh-CN")
    other = await context.new_page()
    await log_in(other, service, "lead")
    send = "url => fetch(url, { method: 'POST', headers: { 'HX-Request': 'true' } })"
    told = f"{send}.then((answer) => JSON.parse(answer.headers.get('HX-Trigger')).toast.text)"
    address = f"/incidents/{incident_id}/accept"
    about = f"关于{service.residents[0]['name']}："
    assert await page.evaluate(told, address) == f"{about}由您去，其他人会收到通知。"
    assert await page.evaluate(told, address) == f"{about}您已经说过您去。"
    assert await other.evaluate(told, address) == f"{about}沈值班 已经在去，您不用去了。"
    for expected in (f"{about}已处理完毕。", "这件事已经处理完毕，不能这样操作。"):
        body = "body: new URLSearchParams({ disposition: 'helped' })"
        assert (
            await page.evaluate(told.replace("method:", f"{body}, method:"), f"/incidents/{incident_id}/resolve")
            == expected
        )
    await context.close()


async def test_a_form_of_another_site_changes_nothing(page: Page, service: Console, conn: Connection) -> None:
    await log_in(page, service)
    incident_id = await press(conn, service)
    answer = await page.request.post(
        f"{service.url}/incidents/{incident_id}/accept", headers={"Origin": "https://evil.example"}
    )
    assert answer.status == 403
    assert await state_of(conn, incident_id) == ("open", None)


async def test_an_emergency_that_came_by_telephone(page: Page, service: Console, conn: Connection) -> None:
    await log_in(page, service)
    await page.keyboard.press("n")
    form = page.locator("#dialog")
    await form.locator("[name=resident]").fill("查无此人")
    await form.locator("[name=note]").fill("女儿来电，说老人摔倒")
    await form.locator("button[type=submit]").click()
    await expect(form).to_contain_text("没有找到这位老人")
    await expect(form.locator("[name=note]")).to_have_value("女儿来电，说老人摔倒")
    await form.locator("[name=resident]").fill(f"{service.residents[2]['name']} #{service.residents[2]['id']}")
    await form.locator("button[type=submit]").click()
    await expect(page.locator("#incidents")).to_contain_text("来电求助")
    await expect(page.locator("#incidents")).to_contain_text("来电说：女儿来电，说老人摔倒")
    await expect(form).to_be_hidden()


async def files_read(conn: Connection, service: Console) -> int:
    """How often the file of the resident who presses was read, by any test so far."""
    row = await (
        await conn.execute(
            "select count(*) from audit where what = 'file' and resident_id = %s", (service.residents[1]["id"],)
        )
    ).fetchone()
    await conn.rollback()
    assert row is not None
    return int(row[0])


async def test_a_residents_page_draws_heart_rate_and_track(page: Page, service: Console, conn: Connection) -> None:
    await log_in(page, service)
    await history.month(conn, await clock.now(conn))
    incident_id = await press(conn, service, 1)
    read_before = await files_read(conn, service)
    await page.goto(f"{service.url}/residents/{service.residents[1]['id']}")
    chart, track = page.locator("#heart-chart"), page.locator("#track-map")
    await expect(chart.locator("canvas")).to_be_visible()
    day = int(await chart.get_attribute("data-points") or 0)
    assert 200 < day < 300
    await page.locator("[data-view=month]").click()
    await expect(chart).to_have_attribute("data-wide", "true")
    month = int(await chart.get_attribute("data-points") or 0)
    assert 600 < month < 721
    await expect(track.locator("path.leaflet-interactive")).not_to_have_count(0)
    assert int(await track.get_attribute("data-points") or 0) > 300
    await expect(page.locator(f"a[href='/incidents/{incident_id}']")).to_contain_text("紧急呼救")
    assert await files_read(conn, service) == read_before + 1


async def test_the_first_click_of_a_page_counts_though_it_ends_the_banner_above(
    page: Page, service: Console, conn: Connection
) -> None:
    """A hand takes a tenth of a second from pressing to letting go, and what it has pressed stays there meanwhile."""
    await page.clock.install()
    await log_in(page, service)
    incident_id = await press(conn, service)
    for path, control in (
        (f"/residents/{service.residents[1]['id']}", "[data-view=month]"),
        ("/", f"#accept-{incident_id}"),
    ):
        await page.goto(service.url + path)
        await expect(page.locator("body")).to_have_attribute("data-siren", "blocked")
        await expect(page.locator("#banner-siren")).to_be_visible()
        await live(page)
        await page.locator(control).hover()
        async with standing_still(page):
            await page.mouse.down()
            await expect(page.locator("body")).to_have_attribute("data-siren", "sounding")
            await page.mouse.up()
        await expect(page.locator("#banner-siren")).to_be_hidden()
        if path != "/":
            await expect(page.locator("#heart-chart")).to_have_attribute("data-wide", "true")
    await expect(page.locator(f"#incident-{incident_id}")).to_contain_text("沈值班 去")


async def test_a_chart_leaves_gaps_where_nothing_was_measured(page: Page, service: Console, conn: Connection) -> None:
    """Twenty hours at one value every five minutes, with two pauses of two hours and one of ten minutes."""
    resident, band = service.residents[2]["id"], service.residents[2]["device_id"]
    await conn.execute("delete from heart_rate where device_id = %s", (band,))
    await conn.execute(
        "insert into heart_rate (device_id, ts, received_at, bpm)"
        " select %(band)s, ts, ts, 70 from eldercare_now() as now,"
        "  generate_series(now - interval '20 hours', now, interval '5 minutes') with ordinality as g (ts, step)"
        " where step not between 50 and 73 and step not between 120 and 143 and step <> 200",
        {"band": band},
    )
    await conn.commit()
    await log_in(page, service)
    await page.goto(f"{service.url}/residents/{resident}")
    chart = page.locator("#heart-chart")
    await expect(chart).to_have_attribute("data-gaps", "2")
    await expect(chart).to_have_attribute("data-points", str(241 - 2 * 24 - 1))


async def test_a_position_said_in_gcj02_comes_back_to_its_place_on_such_a_map(page: Page, service: Console) -> None:
    """Stored as WGS-84, converted once at the screen, and only where the tiles want it."""
    await log_in(page, service)
    said = (31.2397, 121.4998)
    shown = """async ([datum, place]) => {
        const board = document.querySelector("script[src*='/js/board.js']").src;
        const { createMap } = await import(board.replace("board", "map"));
        const element = document.createElement("div");
        Object.assign(element.dataset, { tileUrl: `${location.origin}/favicon.ico`, tileDatum: datum });
        return createMap(element).point(...place);
    }"""
    stored = to_wgs84(*said)
    assert max(abs(stored[0] - said[0]), abs(stored[1] - said[1])) > 0.001
    metre = 1e-5
    assert await page.evaluate(shown, ["gcj02", stored]) == pytest.approx(said, abs=metre)
    assert await page.evaluate(shown, ["wgs84", stored]) == pytest.approx(stored, abs=1e-9)


async def agree_to(conn: Connection, resident_id: int, *purposes: str) -> None:
    """From now on exactly these consents stand."""
    await conn.execute(
        "update consent set withdrawn_at = eldercare_now() where resident_id = %s and withdrawn_at is null",
        (resident_id,),
    )
    await conn.execute(
        "insert into consent (resident_id, purpose, given_by, given_at)"
        " select %s, unnest(%s::text[]), '本人', eldercare_now()",
        (resident_id, list(purposes)),
    )
    await conn.commit()


async def test_family_see_their_own_and_only_what_was_agreed_to(page: Page, service: Console, conn: Connection) -> None:
    row = await (
        await conn.execute(
            "select k.resident_id from resident_contact k join person p on p.id = k.person_id"
            " where p.username = 'family'"
        )
    ).fetchone()
    assert row is not None
    await agree_to(conn, row[0], "family_location")
    await log_in(page, service, "family")
    await expect(page.locator("h1")).to_contain_text("您好")
    await expect(page.locator(".heart-day")).to_have_count(0)
    await page.goto(f"{service.url}/residents/{row[0]}")
    await expect(page.locator("#track-map")).to_be_visible()
    await expect(page.locator("#heart-chart")).to_have_count(0)
    await expect(page.locator("body")).not_to_contain_text("病史")
    stranger = next(each["id"] for each in service.residents if each["id"] != row[0])
    answer = await page.goto(f"{service.url}/residents/{stranger}")
    assert answer is not None
    assert answer.status == 404
    await expect(page.locator("main")).to_contain_text("没有找到")


async def test_every_role_lands_on_a_page_of_its_own(page: Page, service: Console) -> None:
    for username, words in (("grid1", "您好"), ("doctor", "同意给诊所看的老人"), ("admin", "您好")):
        await page.goto("about:blank")  # or the page before asks for its parts without a cookie
        await page.context.clear_cookies()
        await log_in(page, service, username)
        await expect(page.locator("main h1")).to_contain_text(words)
        await expect(page.locator("#board-map")).to_have_count(0)
        await page.get_by_role("link", name="老人", exact=True).click()
        await expect(page.locator("main h1")).to_have_text("老人")


async def test_a_wrong_password_is_said_in_words_and_a_page_asked_for_comes_after_the_login(
    page: Page, service: Console
) -> None:
    await page.goto(f"{service.url}/residents?text=a")
    await page.locator("[name=username]").fill("duty")
    await page.locator("[name=password]").fill("wrong password")
    await page.locator("form.card button").click()
    await expect(page.get_by_role("alert")).to_contain_text("用户名或密码不对")
    await page.locator("[name=password]").fill(service.users["duty"])
    async with page.expect_response("**/parts/alarms"):  # what a live page asks for, and without a session in vain
        await page.locator("form.card button").click()
        await page.wait_for_url(f"{service.url}/residents?text=a")
    await page.locator(".menu summary").click()
    await page.get_by_role("button", name="退出登录").click()
    await page.wait_for_url(f"{service.url}/login")
    await page.goto(service.url)
    await page.wait_for_url(f"{service.url}/login?next=/")


async def test_the_language_switch_is_remembered(page: Page, service: Console, conn: Connection) -> None:
    await log_in(page, service)
    await press(conn, service)
    await page.locator(".menu summary").click()
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("#incidents")).to_contain_text("I go")
    assert await page.locator("html").get_attribute("lang") == "en"
    await page.goto(f"{service.url}/residents")
    await expect(page.locator("main h1")).to_have_text("Residents")
    await page.locator(".menu summary").click()
    await page.get_by_role("button", name="中文").click()
    await expect(page.locator("main h1")).to_have_text("老人")


async def test_on_a_phone_nothing_is_wider_than_the_screen(page: Page, service: Console, conn: Connection) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await log_in(page, service)
    incident_id = await press(conn, service)
    for path in (
        "/",
        f"/incidents/{incident_id}",
        f"/residents/{service.residents[0]['id']}",
        "/residents",
        "/incidents",
    ):
        await page.goto(service.url + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
    await page.goto(service.url)
    box = await page.locator(f"#accept-{incident_id}").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    await page.locator(f"#accept-{incident_id}").click()
    await expect(page.locator(f"#incident-{incident_id}")).to_contain_text("有人去")


@pytest.mark.parametrize(("theme", "language"), [("light", "zh"), ("dark", "en")])
async def test_axe_finds_nothing_wrong(
    page: Page, service: Console, conn: Connection, theme: str, language: str
) -> None:
    await page.context.add_cookies(
        [
            {"name": "eldercare_theme", "value": theme, "url": service.url},
            {"name": "eldercare_language", "value": language, "url": service.url},
        ]
    )
    await page.goto(f"{service.url}/login")
    assert await faults(page) == []
    await log_in(page, service)
    incident_id = await press(conn, service, bpm=96)
    await press(conn, service, 3, trigger="fall")
    await expect(page.locator(".incident")).to_have_count(2)
    assert await faults(page) == []
    await page.locator(f"#resolve-{incident_id}").click()
    await expect(page.locator("#dialog")).to_be_visible()
    assert await faults(page) == []
    for path in (
        f"/incidents/{incident_id}",
        f"/residents/{service.residents[0]['id']}",
        "/residents",
        "/incidents",
        "/nothing",
    ):
        await page.goto(service.url + path)
        assert await faults(page) == [], path
