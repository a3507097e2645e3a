"""The simulated telephones, spoken to by the official library and answered by a small application."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.support.services.processes import free_port
from tests.support.services.telephones import HERS, OURS, SID, Application, Bench, answering, prompt, telephones


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with answering() as application:
        yield application


@pytest.fixture
async def bench(application: Application) -> AsyncIterator[Bench]:
    async with telephones(application) as bench:
        yield bench


async def test_a_digit_reaches_the_application_and_the_callbacks_come_in_order(bench: Bench) -> None:
    bench.application.answers["/gather"] = "<Response><Say>谢谢 Thank you</Say></Response>"
    sid = await bench.call(prompt(bench.application))
    assert await bench.status(sid) == "ringing"
    await bench.sim("POST", f"phones/{HERS}/answer")
    await bench.sim("POST", f"phones/{HERS}/press", digits="1")
    await bench.settle()
    await bench.advance(30)
    assert bench.application.heard("/gather?n=1&x=%E6%88%91", "Digits") == ["1"]
    assert bench.application.heard("/status", "CallStatus") == ["initiated", "ringing", "in-progress", "completed"]
    assert bench.application.heard("/status", "SequenceNumber") == ["0", "1", "2", "3"]
    log = (await bench.sim("GET", "log?kind=call"))["entries"]
    assert [note["text"] for note in log[0]["history"] if note["event"] == "said"] == [
        "王秀英按了求助。",
        "谢谢 Thank you",
    ]
    assert log[0]["sid"] == sid
    assert log[0]["status"] == "completed"


async def test_nobody_answers_for_thirty_seconds(bench: Bench) -> None:
    sid = await bench.call("<Response/>")
    await bench.advance(29)
    assert await bench.status(sid) == "ringing"
    await bench.advance(1)
    assert await bench.status(sid) == "no-answer"
    assert bench.application.heard("/status", "CallStatus")[-1] == "no-answer"


async def test_the_requested_timeout_is_kept(bench: Bench) -> None:
    sid = await bench.call("<Response/>", timeout=12)
    await bench.advance(12)
    assert await bench.status(sid) == "no-answer"


@pytest.mark.parametrize("does", ["busy", "failed", "no-answer"])
async def test_a_phone_told_not_to_answer(bench: Bench, does: str) -> None:
    await bench.sim("PUT", f"phones/{HERS}/calls", does=does)
    sid = await bench.call("<Response/>")
    await bench.advance(30)
    assert await bench.status(sid) == does
    assert bench.application.heard("/status", "CallStatus")[-1] == does


async def test_one_shot_behaviours_come_first_and_the_standing_one_stays(bench: Bench) -> None:
    await bench.sim("PUT", "phones/*/calls", does="busy")
    await bench.sim("PUT", f"phones/{HERS}/calls", does="failed", times=1)
    assert [await bench.status(await bench.call("<Response/>")) for _ in range(3)] == ["failed", "busy", "busy"]


async def test_a_scripted_phone_presses_one_entry_per_prompt(bench: Bench) -> None:
    bench.application.answers["/gather"] = prompt(bench.application)
    await bench.sim("PUT", f"phones/{HERS}/calls", does="answer", answer_after_s=3, digits=["2", "1"], digits_after_s=0)
    await bench.call(prompt(bench.application))
    await bench.advance(60)
    assert bench.application.heard("/gather?n=1&x=%E6%88%91", "Digits") == ["2", "1"]


async def test_a_machine_is_told_apart_without_holding_up_the_call(bench: Bench) -> None:
    await bench.sim("PUT", f"phones/{HERS}/calls", does="machine", answer_after_s=5)
    sid = await bench.call(
        prompt(bench.application),
        machine_detection="Enable",
        async_amd="true",
        async_amd_status_callback=f"{bench.application.url}/amd",
    )
    await bench.advance(5)
    assert await bench.status(sid) == "in-progress"
    await bench.advance(2)
    assert bench.application.heard("/amd", "AnsweredBy") == ["machine_start"]
    fetched = await asyncio.to_thread(bench.client.calls(sid).fetch)
    assert fetched.answered_by == "machine_start"
    await bench.advance(60)
    assert "Digits" not in {key for call in bench.application.calls for key in call}


async def test_the_application_hangs_up(bench: Bench) -> None:
    ringing, answered = await bench.call("<Response/>"), await bench.call(prompt(bench.application))
    await bench.sim("POST", f"phones/{HERS}/answer", sid=answered)
    for sid in (ringing, answered):
        await asyncio.to_thread(bench.client.calls(sid).update, status="completed")
    assert [await bench.status(sid) for sid in (ringing, answered)] == ["canceled", "completed"]
    state = await bench.sim("GET", "state")
    assert state["phones"][0]["calls"] == []


async def test_the_application_gives_an_answered_call_something_else_to_say(bench: Bench) -> None:
    sid = await bench.call(prompt(bench.application))
    with pytest.raises(TwilioRestException, match="not in-progress") as refused:
        await asyncio.to_thread(bench.client.calls(sid).update, twiml="<Response><Say>x</Say></Response>")
    assert refused.value.code == 21220
    await bench.sim("POST", f"phones/{HERS}/answer")
    await asyncio.to_thread(bench.client.calls(sid).update, twiml="<Response><Say>小张已经出发</Say></Response>")
    await bench.advance(10)
    entry = (await bench.sim("GET", "log"))["entries"][0]
    assert [note["text"] for note in entry["history"] if note["event"] == "said"][-1] == "小张已经出发"
    assert entry["status"] == "completed"


async def test_a_document_with_a_doctype_is_not_read(bench: Bench) -> None:
    await bench.call('<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><Response><Say>&e;</Say></Response>')
    await bench.sim("POST", f"phones/{HERS}/answer")
    await bench.advance(20)
    entry = (await bench.sim("GET", "log"))["entries"][0]
    assert "document type" in next(note["reason"] for note in entry["history"] if note["event"] == "error")
    assert entry["status"] == "completed"


async def test_a_text_message_is_delivered_and_answered(bench: Bench) -> None:
    bench.application.answers["/webhooks/twilio/sms"] = "<Response><Message>已记录 Noted</Message></Response>"
    await bench.text("王秀英求助")
    assert bench.application.heard("/sms-status", "MessageStatus") == ["queued", "sent", "delivered"]
    await bench.sim("POST", f"phones/{HERS}/sms", body="1")
    await bench.settle()
    incoming = [call for call in bench.application.calls if call["path"] == "/webhooks/twilio/sms"]
    assert [(call["From"], call["To"], call["Body"]) for call in incoming] == [(HERS, OURS, "1")]
    bodies = [message["body"] for message in (await bench.sim("GET", "state"))["phones"][0]["messages"]]
    assert bodies == ["王秀英求助", "1", "已记录 Noted"]


async def test_an_undelivered_text_message_says_why(bench: Bench) -> None:
    await bench.sim("PUT", f"phones/{HERS}/messages", ends="undelivered", error_code=30006)
    sid = await bench.text("x")
    last = bench.application.calls[-1]
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30006")
    assert (await asyncio.to_thread(bench.client.messages(sid).fetch)).error_code == 30006


async def test_a_phone_calls_back_and_accepts(bench: Bench) -> None:
    bench.application.answers["/webhooks/twilio/voice"] = prompt(bench.application)
    await bench.sim("POST", f"phones/{HERS}/call")
    await bench.settle()
    await bench.sim("POST", f"phones/{HERS}/press", digits="1")
    await bench.settle()
    voice, gather = bench.application.calls
    assert (voice["From"], voice["To"], voice["Direction"], voice["CallStatus"]) == (HERS, OURS, "inbound", "ringing")
    assert (gather["Digits"], gather["CallStatus"], gather["CallSid"]) == ("1", "in-progress", voice["CallSid"])


async def test_a_refused_incoming_call_is_never_answered(bench: Bench) -> None:
    bench.application.answers["/webhooks/twilio/voice"] = '<Response><Reject reason="busy"/></Response>'
    sid = (await bench.sim("POST", f"phones/{HERS}/call"))["sid"]
    await bench.settle()
    call = await asyncio.to_thread(bench.client.calls(sid).fetch)
    assert (call.status, call.direction, call.duration) == ("busy", "inbound", None)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"to": "12"}, 21211),
        ({"from_": "+99955555555"}, 21210),
        ({"twiml": "<Response>" + "x" * 4000}, 32018),
        ({"timeout": 0}, 21218),
    ],
)
async def test_a_wrong_request_is_refused_with_the_providers_code(
    bench: Bench, wrong: dict[str, Any], code: int
) -> None:
    request = {"to": HERS, "from_": OURS, "twiml": "<Response/>", **wrong}
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(bench.client.calls.create, **request)
    assert (refused.value.status, refused.value.code) == (400, code)


async def test_the_account_is_checked(bench: Bench) -> None:
    stranger = Client(SID, "wrong")
    stranger.api.base_url = bench.telephones.url
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(stranger.calls.create, to=HERS, from_=OURS, twiml="<Response/>")
    assert (refused.value.status, refused.value.code) == (401, 20003)


@pytest.mark.parametrize(("http_status", "code"), [(429, 20429), (500, 20500)])
async def test_a_provider_that_refuses_once(bench: Bench, http_status: int, code: int) -> None:
    await bench.sim("PUT", f"phones/{HERS}/calls", http_status=http_status, times=1)
    with pytest.raises(TwilioRestException) as refused:
        await bench.call("<Response/>")
    assert (refused.value.status, refused.value.code) == (http_status, code)
    await bench.call("<Response/>")
    statuses = [entry["status"] for entry in (await bench.sim("GET", "log?kind=call"))["entries"]]
    assert statuses == ["refused", "ringing"]


async def test_a_callback_is_tried_again_when_nobody_listens(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_sim.phones.webhooks.RETRY_AFTER_S", (0.1,) * 300)
    port = free_port()
    await asyncio.to_thread(
        bench.client.calls.create,
        to=HERS,
        from_=OURS,
        twiml="<Response/>",
        status_callback=f"http://127.0.0.1:{port}/status",
        status_callback_event=["initiated"],
    )
    server = web.Application()
    server.router.add_post("/status", bench.application.handle)
    bench.application.url = f"http://127.0.0.1:{port}"
    late = web.AppRunner(server, access_log=None, shutdown_timeout=1)
    await late.setup()
    await web.TCPSite(late, "127.0.0.1", port).start()
    await bench.settle()
    await late.cleanup()
    assert bench.application.heard("/status", "CallStatus") == ["initiated"]


async def test_the_log_survives_the_server_and_a_half_written_line(application: Application, tmp_path: Path) -> None:
    path = tmp_path / "phones.jsonl"
    async with telephones(application, log=path) as bench:
        sid = await bench.call("<Response/>")
    with path.open("ab") as file:
        file.write(b'{"event": "sta')
    async with telephones(application, log=path) as bench:
        second = await bench.call("<Response/>")
        entries = (await bench.sim("GET", "log"))["entries"]
    async with telephones(application, log=path) as bench:
        assert (await bench.sim("GET", "log"))["entries"][1]["sid"] == second
    assert [entry["sid"] for entry in entries] == [sid, second]
    assert entries[0]["to"] == HERS


async def test_waiting_for_the_log_ends_with_the_next_change(bench: Bench) -> None:
    version = (await bench.sim("GET", "log"))["version"]
    waiting = asyncio.create_task(bench.sim("GET", f"log?since={version}&wait_s=60"))
    await bench.text("x")
    assert (await waiting)["entries"][0]["body"] == "x"


async def test_reset_forgets_and_hangs_up(bench: Bench) -> None:
    await bench.sim("PUT", "phones/*/calls", does="busy")
    await bench.sim("PUT", f"phones/{HERS}/calls", does="manual", times=1)
    await bench.call("<Response/>")
    await bench.sim("POST", "reset")
    assert (await bench.sim("GET", "log"))["entries"] == []
    assert (await bench.sim("GET", "state"))["phones"][0]["calls"] == []
    assert await bench.status(await bench.call("<Response/>")) == "ringing"


async def test_controls_name_what_is_wrong(bench: Bench) -> None:
    assert "+1999" in (await bench.sim("POST", "phones/+1999/answer", expect=404))["detail"]
    assert "no call that is ringing" in (await bench.sim("POST", f"phones/{HERS}/answer", expect=409))["detail"]
    assert "does" in (await bench.sim("PUT", f"phones/{HERS}/calls", expect=422, does="explode"))["detail"]
    assert "digits" in (await bench.sim("POST", f"phones/{HERS}/press", expect=422))["detail"]


async def test_a_foreign_page_cannot_press_keys(bench: Bench) -> None:
    url = f"{bench.telephones.url}/sim/reset-of-nothing"
    async with aiohttp.ClientSession() as session:
        press = f"{bench.telephones.url}/sim/phones/{HERS}/press"
        async with session.post(press, data=b'{"digits":"1"}', headers={"Content-Type": "text/plain"}) as response:
            assert response.status == 422
        async with session.get(url) as response:
            assert response.status == 404


async def test_the_page_is_told_of_changes(bench: Bench) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{bench.telephones.url}/sim/events") as stream:
        assert "Asia/Shanghai" in (await stream.content.readuntil(b"\n\n")).decode()
        assert "张伟" in (await stream.content.readuntil(b"\n\n")).decode()
        await bench.call("<Response/>")
        assert "ringing" in (await stream.content.readuntil(b"\n\n")).decode()
