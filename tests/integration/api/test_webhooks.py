"""What the provider posts: keys, states, replies, people who call back. Every form signed as the provider signs it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from twilio.request_validator import RequestValidator

from alerts.replies import handle
from alerts.replies.handle import Answered
from api.app import create_app
from api.routers import webhooks
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.settings import Settings
from tests.conftest import MakeSettings
from tests.integration.provider import (
    DAUGHTER,
    DUTY,
    GRID,
    OURS,
    PUBLIC,
    SID,
    TOKEN,
    Line,
    line,
    reference,
    said,
    settings,
    tree,
)
from tests.support import community
from tests.support.community import NOW
from tests.support.services.timescale import Timescale

__all__ = ["line", "settings"]


async def test_a_form_that_is_not_signed_is_refused(line: Line) -> None:
    paths = ["call-status?n=1", "amd?n=1", "message-status?n=1", "gather?n=1", "voice", "sms"]
    form = {"CallSid": SID, "CallStatus": "completed", "From": DUTY, "Body": "1", "Digits": "1"}
    for path in paths:
        unsigned = await line.client.post(f"/webhooks/twilio/{path}", data=form)
        assert unsigned.status_code == 403, path
        assert (await line.post(path, token="another secret", **form)).status_code == 403, path


async def test_a_signature_holds_for_its_own_address_only(line: Line) -> None:
    form = {"CallSid": SID, "Digits": "1", "To": DUTY, "From": OURS}
    signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}/webhooks/twilio/gather?n=1", form)
    answer = await line.client.post("/webhooks/twilio/gather?n=2", data=form, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 403


async def test_without_a_provider_everything_is_refused(
    conn: Connection, make_settings: MakeSettings, database_url: str
) -> None:
    await community.at_work(conn)
    await conn.commit()
    app = create_app(make_settings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client,
    ):
        assert (await client.post("/webhooks/twilio/sms", data={"From": DUTY, "Body": "1"})).status_code == 403


async def test_key_1_makes_the_owner_and_says_who_is_told(line: Line) -> None:
    incident = line.here.opened
    mine, theirs = await line.ask("duty", incident), await line.ask("grid", incident)
    words = said(await line.press("1", mine))
    assert "由您去陈淑珍处" in words
    assert "进门：钥匙在门卫" in words
    assert "已告诉钱网格、老人您正在去" in words
    assert await line.state(incident) == "accepted"
    assert await line.one("select owner_id from incident where id = %s", incident) == line.here.duty
    assert await line.one("select accepted_via from incident where id = %s", incident) == "voice"
    assert await line.status(mine) == ("done", "accepted")
    assert await line.one("select count(*) from notification where purpose = 'hang_up' and ends_id = %s", theirs) == 1


async def test_key_1_of_the_second_hears_who_goes(line: Line) -> None:
    incident = line.here.opened
    first, second = await line.ask("duty", incident), await line.ask("grid", incident)
    await line.press("1", first)
    words = said(await line.press("1", second, to=GRID))
    assert "已由张值班前往" in words
    assert await line.one("select owner_id from incident where id = %s", incident) == line.here.duty
    assert (await line.status(second))[0] == "done"


async def test_key_2_repeats_the_address_and_asks_again(line: Line) -> None:
    notification = await line.ask("duty", line.here.opened)
    document = await line.press("2", notification)
    assert "幸福路1弄9号501室" in said(document)
    gather = tree(document).find("Gather")
    assert gather is not None
    assert gather.attrib["action"] == f"{PUBLIC}/webhooks/twilio/gather?r={reference(notification)}"
    assert await line.state(line.here.opened) == "open"


async def test_key_9_passes_on_at_once(line: Line) -> None:
    incident = line.here.opened
    notification = await line.ask("duty", incident)
    assert "会继续通知其他人" in said(await line.press("9", notification))
    assert await line.status(notification) == ("done", "passed")
    assert await line.one("select due_at from incident where id = %s", incident) == NOW
    assert await line.state(incident) == "open"


@pytest.mark.parametrize("digit", ["", "5", "*", "#"])
async def test_another_key_asks_again(line: Line, digit: str) -> None:
    notification = await line.ask("duty", line.here.opened)
    assert tree(await line.press(digit, notification)).find("Gather") is not None
    assert await line.state(line.here.opened) == "open"


async def test_a_key_after_the_end_says_that_it_is_over(line: Line) -> None:
    notification = await line.ask("duty", line.here.opened)
    await line.one(
        "update incident set state = 'resolved', due_at = null, disposition = 'helped' where id = %s returning id",
        line.here.opened,
    )
    for digit in ("1", "9"):
        assert "已经处理完毕" in said(await line.press(digit, notification))


async def test_english_is_spoken_to_whoever_wants_it(line: Line) -> None:
    notification = await line.ask("duty", line.here.opened)
    await line.one("update notification set language = 'en' where id = %s returning id", notification)
    assert "You are the one going to 陈淑珍" in said(await line.press("1", notification))


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("initiated", "sent", None),
        ("ringing", "ringing", None),
        ("in-progress", "answered", None),
        ("completed", "failed", "heard_no_answer"),
        ("busy", "failed", "busy"),
        ("no-answer", "failed", "no_answer"),
        ("failed", "failed", "call_failed"),
    ],
)
async def test_how_a_call_goes_on(line: Line, word: str, status: str, reason: str | None) -> None:
    notification = await line.ask("duty", line.here.opened)
    answer = await line.post(f"call-status?r={reference(notification)}", CallSid=SID, CallStatus=word)
    assert answer.status_code == 204
    assert await line.status(notification) == (status, reason)


async def test_a_late_callback_moves_nothing_back(line: Line) -> None:
    notification = await line.ask("duty", line.here.opened)
    for word in ("completed", "ringing", "in-progress", "initiated", "something-new"):
        assert (
            await line.post(f"call-status?r={reference(notification)}", CallSid=SID, CallStatus=word)
        ).status_code == 204
    assert await line.status(notification) == ("failed", "heard_no_answer")


async def test_a_machine_moves_the_ladder_on_and_a_person_behind_it_still_counts(line: Line) -> None:
    incident = line.here.opened
    notification = await line.ask("duty", incident)
    await line.post(f"amd?r={reference(notification)}", CallSid=SID, AnsweredBy="machine_start")
    assert await line.status(notification) == ("failed", "machine")
    assert await line.one("select due_at from incident where id = %s", incident) == NOW
    await line.press("1", notification)
    assert await line.state(incident) == "accepted"
    assert await line.status(notification) == ("done", "accepted")


async def test_a_human_stays_on_the_line(line: Line) -> None:
    notification = await line.ask("duty", line.here.opened)
    await line.post(f"amd?r={reference(notification)}", CallSid=SID, AnsweredBy="human")
    assert await line.status(notification) == ("sent", None)


async def test_an_undelivered_text_is_a_failure_with_its_reason(line: Line) -> None:
    notification = await line.ask("duty", line.here.opened, channel="sms")
    form = {"MessageSid": SID, "MessageStatus": "undelivered", "ErrorCode": "30005"}
    assert (await line.post(f"message-status?r={reference(notification)}", **form)).status_code == 204
    assert await line.status(notification) == ("failed", "unknown_handset")


async def test_a_callback_about_nothing_is_not_found(line: Line) -> None:
    answer = await line.post("call-status?n=999999", CallSid=SID, CallStatus="ringing")
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["call-status?n=1", "amd?n=1", "message-status?n=1", "gather?n=1", "sms", "voice"])
async def test_a_signed_form_without_its_fields_is_named(line: Line, path: str) -> None:
    answer = await line.post(path, Nothing="at all")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["reason"] == "is missing"


async def test_a_reply_to_the_only_open_incident(line: Line) -> None:
    await line.ask("duty", line.here.opened, channel="sms")
    await line.one(
        "update incident set state = 'resolved', due_at = null where id = %s returning id", line.here.accepted
    )
    answer = await line.text(DUTY, "1")
    assert answer is not None
    assert answer.startswith("【守护】收到，由您去陈淑珍处")
    assert await line.one("select accepted_via from incident where id = %s", line.here.opened) == "sms"
    assert "已由您负责" in (await line.text(DUTY, "我去") or "")
    assert "正赶往陈淑珍处" in (await line.text(DUTY, "在路上") or "")
    assert await line.state(line.here.opened) == "en_route"
    assert "到达陈淑珍处" in (await line.text(DUTY, "到了！") or "")
    assert await line.state(line.here.opened) == "on_site"
    assert "已由您负责" in (await line.text(DUTY, "9") or "")


async def test_a_reply_goes_to_the_incident_it_makes_sense_for(line: Line) -> None:
    """Duty was called to two; one has an owner, so a bare 1 means the other."""
    await line.ask("duty", line.here.opened, channel="sms")
    await line.text(DUTY, "1")
    assert await line.state(line.here.opened) == "accepted"


async def test_an_ambiguous_reply_asks_which(line: Line) -> None:
    await line.ask("duty", line.here.opened, channel="sms")
    await line.one("update incident set state = 'open', owner_id = null where id = %s returning id", line.here.accepted)
    answer = await line.text(DUTY, "1") or ""
    assert "有2个报警" in answer
    assert f"{line.here.accepted} 李桂兰" in answer
    assert await line.state(line.here.opened) == "open"
    answer = await line.text(DUTY, f"1 {line.here.opened}") or ""
    assert "由您去陈淑珍处" in answer
    assert await line.state(line.here.accepted) == "open"


async def test_a_reply_that_names_something_else(line: Line) -> None:
    await line.ask("duty", line.here.opened, channel="sms")
    answer = await line.text(DUTY, "1 9999") or ""
    assert "没有编号为9999的报警" in answer
    assert f"请回复如“1 {line.here.opened}”" in answer
    assert "没看懂" in (await line.text(DUTY, "好的") or "")
    assert await line.state(line.here.opened) == "open"


async def test_a_stranger_learns_nothing(line: Line) -> None:
    answer = await line.text("+99919999999", f"1 {line.here.opened}") or ""
    assert answer == "【守护】现在没有需要您处理的报警"
    assert await line.text("withheld", "1") == answer
    assert await line.state(line.here.opened) == "open"


async def test_the_carriers_own_words_are_not_answered(line: Line) -> None:
    assert await line.text(DUTY, "STOP") is None


async def test_who_calls_back_hears_the_open_incident_and_can_accept(line: Line) -> None:
    incident = line.here.opened
    called = await line.ask("duty", incident)
    root = await line.call_back(DUTY)
    gather = root.find("Gather")
    assert gather is not None
    assert "陈淑珍" in (gather[0].text or "")
    assert gather.attrib["action"] == f"{PUBLIC}/webhooks/twilio/gather?r={reference(called)}&o=1"
    action = gather.attrib["action"].removeprefix(f"{PUBLIC}/webhooks/twilio/")
    answer = await line.post(action, CallSid="CA-of-theirs", Digits="1", From=DUTY, To=OURS, Direction="inbound")
    assert "由您去陈淑珍处" in said(answer.text)
    assert await line.state(incident) == "accepted"
    assert "已由您负责" in said(ElementTree.tostring(await line.call_back(DUTY), encoding="unicode"))


async def test_who_calls_back_too_late_hears_who_goes(line: Line) -> None:
    words = said(ElementTree.tostring(await line.call_back(DAUGHTER), encoding="unicode"))
    assert "钱网格 is already going to 李桂兰" in words


async def test_a_caller_for_whom_nothing_is_open_hears_120(line: Line) -> None:
    for caller in ("+99919999999", "anonymous"):
        words = said(ElementTree.tostring(await line.call_back(caller), encoding="unicode"))
        assert "请拨打120" in words
        assert "陈淑珍" not in words


async def test_a_caller_cannot_accept_what_they_were_not_called_to(line: Line) -> None:
    incident = line.here.opened
    form = {"CallSid": SID, "Digits": "1", "From": DAUGHTER, "To": OURS, "Direction": "inbound"}
    answer = await line.post(f"gather?i={incident}", **form)
    assert "请拨打120" in said(answer.text)
    assert await line.state(incident) == "open"


@pytest.fixture
async def cut_off(make_settings: MakeSettings) -> AsyncIterator[Line]:
    """A line whose database is away."""
    settings = make_settings(
        database_url="postgresql://nobody@127.0.0.1:1/none", public_url=PUBLIC, twilio_auth_token=TOKEN
    )
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client,
    ):
        app.state.pools.webhooks.pool.timeout = 0.1
        line = Line(app, client, None, None)  # type: ignore[arg-type]  # no row is looked at
        yield line


async def test_while_the_database_is_away_a_key_waits_on_the_line(
    cut_off: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TEXT_WAITS_S", 0)
    root = tree(await cut_off.press("1", 7))
    assert [element.tag for element in root] == ["Pause", "Redirect"]
    again = root[1].text or ""
    assert again == f"{PUBLIC}/webhooks/twilio/gather?r={reference(7)}&d=1&again=1"
    answer = await cut_off.post(f"gather?r={reference(7)}&d=1&again=20", CallSid=SID, To=DUTY, From=OURS)
    assert "请联系值班室" in said(answer.text)
    assert "请联系值班室" in (await cut_off.text(DUTY, "1") or "")
    assert (await cut_off.call_back(DUTY))[1].text == f"{PUBLIC}/webhooks/twilio/voice?again=1"


async def test_a_status_waits_for_the_database(
    timescale_server: Timescale, line: Line, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "STATUS_WAITS_S", 60)
    notification = await line.ask("duty", line.here.accepted)
    timescale_server.stop()
    pool = line.app.state.pools.webhooks.pool
    pool.timeout = 0.1
    waiting = asyncio.create_task(line.post(f"call-status?r={reference(notification)}", CallSid=SID, CallStatus="busy"))
    while not pool.get_stats().get("requests_errors"):  # noqa: ASYNC110  the pool only counts
        await asyncio.sleep(0.01)
    timescale_server.start()
    assert (await waiting).status_code == 204
    async with await connect(settings.required("database_url")) as conn:
        row = await (await conn.execute("select status from notification where id = %s", (notification,))).fetchone()
    assert row == ("failed",)


async def test_a_status_does_not_wait_longer_than_the_provider(cut_off: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "STATUS_WAITS_S", 0.3)
    assert (await cut_off.post("call-status?n=7", CallSid=SID, CallStatus="busy")).status_code == 503


async def test_a_key_handed_in_again_counts(line: Line) -> None:
    notification = await line.ask("duty", line.here.opened)
    answer = await line.post(f"gather?r={reference(notification)}&d=1&again=3", CallSid=SID, To=DUTY, From=OURS)
    assert "由您去陈淑珍处" in said(answer.text)


@pytest.fixture
async def holder(settings: Settings) -> AsyncIterator[Connection]:
    """Somebody whose transaction stays open."""
    async with await connect(settings.required("database_url"), limits=COMMAND) as holder:
        yield holder
        await holder.rollback()


async def hold(holder: Connection, incident: int) -> None:
    await holder.execute("select from incident where id = %s for update", (incident,))


async def test_a_key_about_a_held_incident_waits_on_the_line_and_one_about_another_counts(
    line: Line, holder: Connection
) -> None:
    held = await line.ask("duty", line.here.accepted)
    other = await line.ask("duty", line.here.opened)
    await hold(holder, line.here.accepted)
    receipts = [
        asyncio.create_task(line.post(f"call-status?r={reference(held)}", CallSid=SID, CallStatus="busy"))
        for _ in range(30)
    ]
    await asyncio.sleep(0.2)  # they have every connection there is by now, and wait
    assert [element.tag for element in tree(await line.press("1", held))] == ["Pause", "Redirect"]
    assert "由您去陈淑珍处" in said(await line.press("1", other))
    assert await line.state(line.here.opened) == "accepted"
    await holder.rollback()
    assert {answer.status_code for answer in await asyncio.gather(*receipts)} == {204}
    assert "已由钱网格" in said(await line.press("1", held))


async def test_a_text_about_a_held_incident_waits_for_it_and_one_about_another_does_not(
    line: Line, holder: Connection
) -> None:
    await line.ask("duty", line.here.accepted, "sms")
    await line.ask("daughter", line.here.opened, "sms")
    await hold(holder, line.here.accepted)
    waiting = asyncio.create_task(line.text(DUTY, "1"))
    await line.text(DAUGHTER, "1")
    assert await line.state(line.here.opened) == "accepted"
    assert not waiting.done()
    await holder.rollback()
    assert "已由钱网格" in (await waiting or "")


async def test_an_answer_that_comes_too_late_does_not_count(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service was stopped within it, and goes on when the provider has given up."""
    act = handle.act

    async def slow(*arguments: Any) -> Answered:
        answered = await act(*arguments)
        await asyncio.sleep(30)
        return answered

    monkeypatch.setattr(handle, "act", slow)
    monkeypatch.setattr(webhooks, "ANSWERS_WITHIN_S", 0.5)
    notification = await line.ask("duty", line.here.opened)
    assert [element.tag for element in tree(await line.press("1", notification))] == ["Pause", "Redirect"]
    assert await line.state(line.here.opened) == "open"


async def test_what_was_stopped_so_long_that_the_server_gave_it_up_does_not_count(
    line: Line, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = handle.act

    async def ended(conn: Connection, *arguments: Any) -> Answered:
        answered = await act(conn, *arguments)
        await conn.execute("set local idle_in_transaction_session_timeout = 1")
        pid = conn.info.backend_pid
        async with await connect(settings.required("database_url"), autocommit=True) as other:
            query = "select from pg_stat_activity where pid = %s"
            while await (await other.execute(query, (pid,))).fetchone() is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return answered

    monkeypatch.setattr(handle, "act", ended)
    notification = await line.ask("duty", line.here.opened)
    assert [element.tag for element in tree(await line.press("1", notification))] == ["Pause", "Redirect"]
    assert await line.state(line.here.opened) == "open"
