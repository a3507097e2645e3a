"""A person at the page of the simulated telephones."""

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.support.services.telephones import Bench, answering, prompt, telephones


@pytest_asyncio.fixture(loop_scope="module")
async def bench() -> AsyncIterator[Bench]:
    async with answering() as application, telephones(application) as bench:
        yield bench


async def test_she_answers_hears_presses_and_is_thanked(bench: Bench, page: Page) -> None:
    bench.application.answers["/gather"] = "<Response><Say>谢谢，小张。</Say></Response>"
    await page.goto(bench.telephones.url)
    await expect(page.get_by_role("status")).to_contain_text("实时")
    await expect(page.get_by_text("点一下这里就能听见铃声")).to_be_visible()
    await bench.call(prompt(bench.application))
    await expect(page.get_by_text("1 部在响")).to_be_visible()
    await page.get_by_role("button", name="接听 Answer").click()
    await expect(page.locator(".said")).to_contain_text("王秀英按了求助。")
    await expect(page.get_by_text("点一下这里就能听见铃声")).to_be_hidden()
    await page.get_by_role("button", name="1", exact=True).click()
    await expect(page.locator(".said")).to_contain_text("谢谢，小张。")
    await bench.advance(5)
    await expect(page.locator("summary")).to_contain_text("已通话")
    assert "1" in [call.get("Digits") for call in bench.application.calls]


async def test_keys_of_the_keyboard_work_too(bench: Bench, page: Page) -> None:
    await page.goto(bench.telephones.url)
    await bench.call(prompt(bench.application))
    await page.get_by_role("button", name="接听 Answer").click()
    await expect(page.get_by_text("请按键")).to_be_visible()
    await page.keyboard.press("2")
    await expect(page.locator("summary")).to_contain_text("已通话")
    await bench.settle()
    assert bench.application.calls[-2].get("Digits") == "2"


async def test_she_declines_and_calls_back(bench: Bench, page: Page) -> None:
    bench.application.answers["/webhooks/twilio/voice"] = prompt(bench.application)
    await page.goto(bench.telephones.url)
    sid = await bench.call(prompt(bench.application))
    await page.get_by_role("button", name="拒接 Decline").click()
    await expect(page.locator("summary")).to_contain_text("已拒接")
    assert await bench.status(sid) == "busy"
    await page.get_by_role("button", name="回拨 Call back").click()
    await expect(page.locator(".said")).to_contain_text("王秀英按了求助。")
    await page.get_by_role("button", name="挂断 Hang up").click()
    await expect(page.locator("summary").nth(1)).to_contain_text("已回拨")


async def test_texts_are_read_and_answered_at_phone_size(bench: Bench, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(bench.telephones.url)
    await bench.text("王秀英求助 <b>三号楼</b>")
    row = page.get_by_role("button", name=re.compile("张伟"))
    await expect(row).to_contain_text("<b>三号楼</b>")
    await row.click()
    await expect(page.locator(".sms")).to_contain_text("已送达")
    await page.get_by_placeholder("回短信").fill("马上到")
    await page.get_by_role("button", name="发送 Send").click()
    await expect(page.locator(".sms.mine")).to_contain_text("马上到")
    await page.get_by_role("button", name="1 我去 I am going").click()
    await expect(page.locator(".sms.mine")).to_have_count(2)
    await bench.settle()
    bodies = [call["Body"] for call in bench.application.calls if call["path"] == "/webhooks/twilio/sms"]
    assert bodies == ["马上到", "1"]
    await page.get_by_role("button", name="返回 Back").click()
    await expect(row).to_be_visible()
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width == 390


async def test_a_lost_connection_shows(page: Page) -> None:
    async with answering() as application, telephones(application) as bench:
        await page.goto(bench.telephones.url)
        await expect(page.get_by_role("status")).to_contain_text("实时")
    await expect(page.get_by_role("status")).to_contain_text("连接断开")


async def test_a_telephone_of_the_desk_has_two_ways_to_say_yes(bench: Bench, page: Page) -> None:
    await page.goto(bench.telephones.url)
    await bench.sim("PUT", "phones/+99910000001", name="沈值班", roles=["duty"])
    await bench.text("王秀英求助")
    await page.get_by_role("button", name=re.compile("沈值班")).click()
    for label, body in (("1 在处理 I am handling it", "1"), ("3 我去 I am going", "3")):
        await page.get_by_role("button", name=label).click()
        await expect(page.locator(".sms.mine").last).to_contain_text(body)
    await expect(page.get_by_role("button", name="1 我去 I am going")).to_have_count(0)
    await bench.settle()
    bodies = [call["Body"] for call in bench.application.calls if call["path"] == "/webhooks/twilio/sms"]
    assert bodies == ["1", "3"]
