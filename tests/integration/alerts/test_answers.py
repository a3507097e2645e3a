"""An answer counts for the call, the round and the reference it was given to, and never for anything else."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from alerts.incidents import handling
from alerts.notifications import receipts
from alerts.notifications.receipts import Receipt, Written
from eldercare.platform.database import COMMAND, Connection, connect
from tests.integration.provider import DUTY, GRID, OURS, PUBLIC, SID, Line, line, reference, said, settings, tree
from tests.support.community import NOW

__all__ = ["line", "settings"]

FIRST, SECOND = "CA" + "1" * 32, "CA" + "2" * 32


async def reopened(line: Line, incident: int) -> None:
    """It was handed back and is called out in a new round."""
    await handling.accept(line.conn, incident, line.here.doctor, "console", NOW)
    await handling.decline(line.conn, incident, line.here.doctor, "console", NOW)
    await line.conn.commit()


async def test_a_row_whose_number_was_given_again_is_not_answered_by_the_call_of_another(line: Line) -> None:
    """The crash forgot the call about the first incident, and gave the row's number to one about the second."""
    row = await line.ask("duty", line.here.opened, sid=SECOND)
    forgotten = await line.post("gather?r=forgotten-by-the-crash", CallSid=FIRST, Digits="1", To=DUTY, From=OURS)
    assert "没有登记" in said(forgotten.text)
    by_number = await line.post(f"gather?n={row}", CallSid=FIRST, Digits="1", To=DUTY, From=OURS)
    assert "没有登记" in said(by_number.text)
    assert await line.state(line.here.opened) == "open"
    assert await line.one("select count(*) from rejected where reason = 'unmatched'") == 2


async def test_who_pressed_on_a_forgotten_call_hears_what_is_open_and_is_asked_anew(line: Line) -> None:
    row = await line.ask("duty", line.here.opened, sid=SECOND)
    answer = await line.post("gather?r=forgotten-by-the-crash", CallSid=FIRST, Digits="1", To=DUTY, From=OURS)
    assert "没有登记" in said(answer.text)
    assert "陈淑珍" in said(answer.text)
    gather = tree(answer.text).find("Gather")
    assert gather is not None
    action = gather.attrib["action"]
    assert action == f"{PUBLIC}/webhooks/twilio/gather?r={reference(row)}&o=1"
    path = action.removeprefix(f"{PUBLIC}/webhooks/twilio/")
    assert "由您去陈淑珍处" in said((await line.post(path, CallSid=FIRST, Digits="1", To=DUTY, From=OURS)).text)
    # The call that was placed anew is not needed any more, the one on which they answered goes on.
    assert await ended(line) == [SECOND]


async def ended(line: Line) -> list[str]:
    """The calls that are to be hung up."""
    found: list[str] = await line.one(
        "select coalesce(array_agg(content ->> 'provider_id' order by id), '{}') from notification"
        " where purpose = 'hang_up'"
    )
    return found


async def test_a_key_handed_in_again_does_not_accept_the_next_round(line: Line) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident)
    assert "由您去陈淑珍处" in said(await line.press("1", row))
    await handling.decline(line.conn, incident, line.here.duty, "console", NOW)
    await line.conn.commit()
    again = await line.press("1", row)
    assert await line.state(incident) == "open"
    assert "重新呼叫" in said(again)
    gather = tree(again).find("Gather")
    assert gather is not None
    path = gather.attrib["action"].removeprefix(f"{PUBLIC}/webhooks/twilio/")
    assert path == f"gather?r={reference(row)}&o=2"
    assert "由您去陈淑珍处" in said((await line.post(path, CallSid=SID, Digits="1", To=DUTY, From=OURS)).text)
    await handling.decline(line.conn, incident, line.here.duty, "console", NOW)
    await line.conn.commit()
    assert "重新呼叫" in said((await line.post(path, CallSid=SID, Digits="1", To=DUTY, From=OURS)).text)
    assert await line.state(incident) == "open"


async def test_a_9_handed_in_again_does_not_pass_on_the_next_round(line: Line) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident)
    await line.press("9", row)
    await reopened(line, incident)
    await line.one("update incident set due_at = %s + interval '1 hour' where id = %s returning id", NOW, incident)
    assert "重新呼叫" in said(await line.press("9", row))
    assert await line.one("select due_at > %s from incident where id = %s", NOW, incident)


async def test_the_key_of_who_called_back_does_not_accept_the_next_round(line: Line) -> None:
    incident = line.here.opened
    await line.ask("duty", incident)
    gather = (await line.call_back(DUTY)).find("Gather")
    assert gather is not None
    path = gather.attrib["action"].removeprefix(f"{PUBLIC}/webhooks/twilio/")
    form = {"CallSid": FIRST, "Digits": "1", "From": DUTY, "To": OURS, "Direction": "inbound"}
    await reopened(line, incident)
    assert "重新呼叫" in said((await line.post(path, **form)).text)
    assert await line.state(incident) == "open"
    assert "没有登记" in said((await line.post(path, **{**form, "From": GRID})).text)


async def test_a_text_handed_in_again_is_answered_the_same_and_accepts_nothing(line: Line) -> None:
    incident = line.here.opened
    await line.ask("duty", incident, channel="sms")
    first = await line.text(DUTY, f"1 {incident}", "SM-once")
    assert await line.state(incident) == "accepted"
    await handling.decline(line.conn, incident, line.here.duty, "console", NOW)
    await line.conn.commit()
    assert await line.text(DUTY, f"1 {incident}", "SM-once") == first
    assert await line.state(incident) == "open"
    await line.text(DUTY, f"1 {incident}", "SM-twice")
    assert await line.state(incident) == "accepted"


@pytest.mark.parametrize("ended_with", ["no-answer", "canceled", "completed"])
async def test_a_late_answer_counts_within_its_round_while_nobody_goes(line: Line, ended_with: str) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident)
    await line.post(f"call-status?r={reference(row)}", CallSid=SID, CallStatus=ended_with)
    assert "由您去陈淑珍处" in said(await line.press("1", row))
    assert await line.state(incident) == "accepted"


async def test_a_late_answer_of_another_round_hears_what_became_of_it(line: Line) -> None:
    incident = line.here.opened
    late = await line.ask("duty", incident)
    await reopened(line, incident)
    await handling.accept(line.conn, incident, line.here.grid, "console", NOW)
    await line.conn.commit()
    assert "已由钱网格前往" in said(await line.press("1", late))
    await handling.resolve(line.conn, incident, line.here.grid, "console", "helped", None, NOW)
    await line.conn.commit()
    assert "已经处理完毕" in said(await line.press("1", late))


async def test_of_two_calls_of_one_row_the_answered_one_goes_on_and_the_other_is_hung_up(line: Line) -> None:
    """The provider's answer to the first was lost, so that it was placed once more."""
    incident = line.here.opened
    row = await line.ask("duty", incident, sid=SECOND)
    await line.post(f"call-status?r={reference(row)}", CallSid=FIRST, CallStatus="ringing")
    assert "由您去陈淑珍处" in said(await line.press("1", row, sid=FIRST))
    assert await ended(line) == [SECOND]
    assert await line.status(row) == ("done", "accepted")


async def test_a_second_call_that_is_heard_of_after_the_answer_is_hung_up(line: Line) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident, sid=None)
    await line.press("1", row, sid=FIRST)
    await line.post(f"call-status?r={reference(row)}", CallSid=FIRST, CallStatus="in-progress")
    assert await ended(line) == []
    await line.post(f"call-status?r={reference(row)}", CallSid=SECOND, CallStatus="ringing")
    assert await ended(line) == [SECOND]


async def test_who_passed_on_one_call_is_not_rung_by_its_double(line: Line) -> None:
    row = await line.ask("duty", line.here.opened, sid=None)
    await line.press("9", row, sid=FIRST)
    await line.post(f"call-status?r={reference(row)}", CallSid=SECOND, CallStatus="ringing")
    assert await ended(line) == [SECOND]


async def test_another_telephone_of_the_owner_is_hung_up(line: Line) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident, sid=FIRST)
    await line.ask("duty", incident, address="+99910009999", sid=SECOND)
    await line.press("1", row, sid=FIRST)
    assert await ended(line) == [SECOND]


async def test_the_ringing_telephone_of_who_accepts_by_calling_back_is_hung_up(line: Line) -> None:
    incident = line.here.opened
    await line.ask("duty", incident, sid=SECOND)
    gather = (await line.call_back(DUTY)).find("Gather")
    assert gather is not None
    path = gather.attrib["action"].removeprefix(f"{PUBLIC}/webhooks/twilio/")
    await line.post(path, CallSid=FIRST, Digits="1", From=DUTY, To=OURS, Direction="inbound")
    assert await line.state(incident) == "accepted"
    assert await ended(line) == [SECOND]


async def test_a_9_on_the_second_call_hands_back_only_when_it_is_pressed_once_more(line: Line) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident, sid=SECOND)
    await line.press("1", row, sid=FIRST)
    asked = await line.press("9", row, sid=SECOND)
    assert "您已经答应去陈淑珍处" in said(asked)
    assert await line.state(incident) == "accepted"
    gather = tree(asked).find("Gather")
    assert gather is not None
    path = gather.attrib["action"].removeprefix(f"{PUBLIC}/webhooks/twilio/")
    sure = {"CallSid": SECOND, "Digits": "9", "To": DUTY, "From": OURS}
    assert "会继续通知其他人" in said((await line.post(path, **sure)).text)
    assert await line.state(incident) == "open"
    # The same once more, after they said again that they go.
    await handling.accept(line.conn, incident, line.here.duty, "console", NOW)
    await line.conn.commit()
    assert "已由您负责" in said((await line.post(path, **sure)).text)
    assert await line.state(incident) == "accepted"


async def test_a_call_of_the_version_before_is_known_by_its_number_and_its_call(line: Line) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident, named=False)
    assert (await line.post(f"call-status?n={row}", CallSid=SID, CallStatus="ringing")).status_code == 204
    assert await line.status(row) == ("ringing", None)
    assert (await line.post(f"call-status?n={row}", CallSid=FIRST, CallStatus="busy")).status_code == 404
    wrong = await line.post(f"gather?n={row}", CallSid=FIRST, Digits="1", To=DUTY, From=OURS)
    assert "没有登记" in said(wrong.text)
    right = await line.post(f"gather?n={row}", CallSid=SID, Digits="1", To=DUTY, From=OURS)
    assert "由您去陈淑珍处" in said(right.text)


async def test_who_rang_the_version_before_still_accepts(line: Line) -> None:
    incident = line.here.opened
    await line.ask("duty", incident, named=False)
    form = {"CallSid": FIRST, "Digits": "1", "From": DUTY, "To": OURS, "Direction": "inbound"}
    assert "由您去陈淑珍处" in said((await line.post(f"gather?i={incident}", **form)).text)


async def test_an_address_that_names_nothing_is_refused(line: Line) -> None:
    for path, form in (("gather", {"Digits": "1"}), ("call-status", {"CallStatus": "busy"}), ("gather?r=a", {})):
        answer = await line.post(path, CallSid=SID, **form)
        assert answer.status_code == 422, path


async def test_a_burst_of_receipts_is_written_together_and_a_key_goes_its_own_way(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, batches = receipts.write, list[int]()

    async def counting(conn: Connection, given: Sequence[Receipt], now: datetime) -> Written:
        batches.append(len(given))
        return await write(conn, given, now)

    monkeypatch.setattr(receipts, "write", counting)
    monkeypatch.setattr("api.receipts.GROUP_S", 1.0)  # however slowly they come
    incident = line.here.accepted
    rows = [await line.ask("duty", incident, sid=f"CA{number:032d}") for number in range(100, 160)]
    key = await line.ask("duty", line.here.opened, sid=SID)
    burst = [
        asyncio.create_task(
            line.post(f"call-status?r={reference(row)}", CallSid=f"CA{number:032d}", CallStatus="no-answer")
        )
        for number, row in enumerate(rows, start=100)
    ]
    assert "由您去陈淑珍处" in said(await line.press("1", key))
    assert {answer.status_code for answer in await asyncio.gather(*burst)} == {204}
    assert {await line.status(row) for row in rows} == {("failed", "no_answer")}
    assert len(batches) < len(rows) / 4


async def test_of_several_words_about_a_call_in_one_batch_the_furthest_counts(line: Line) -> None:
    row = await line.ask("duty", line.here.opened)
    words = ("completed", "ringing", "in-progress", "initiated")
    await asyncio.gather(
        *(line.post(f"call-status?r={reference(row)}", CallSid=SID, CallStatus=word) for word in words)
    )
    assert await line.status(row) == ("failed", "heard_no_answer")


@pytest.mark.parametrize("own", [False, True], ids=["of somebody else", "the one that is answered"])
@pytest.mark.parametrize("by", ["key", "text", "9"])
async def test_a_message_that_somebody_holds_keeps_nobody_from_answering(
    line: Line, database_url: str, by: str, own: bool
) -> None:
    incident = line.here.opened
    other, row = await line.ask("grid", incident, sid=FIRST), await line.ask("duty", incident, sid=SID)
    await line.one("update notification set status = 'queued' where id = %s returning id", other)
    async with await connect(database_url, limits=COMMAND) as holder:
        await holder.execute(
            "select from notification where id = any(%s) for update", ([other, row] if own else [other],)
        )
        if by == "text":
            assert "由您去" in str(await line.text(DUTY, "1"))
        elif by == "key":
            assert "由您去" in said(await line.press("1", row))
        else:
            assert "继续通知其他人" in str(await line.text(DUTY, "9"))
        assert await line.state(incident) == ("open" if by == "9" else "accepted")
        await holder.rollback()


@pytest.mark.parametrize("by", ["key", "text"])
async def test_an_answer_about_an_incident_that_cannot_be_read_is_told_so(line: Line, by: str) -> None:
    incident = line.here.opened
    row = await line.ask("duty", incident)
    await line.one("update incident set stepped_at = 'infinity' where id = %s returning id", incident)
    answer = said(await line.press("1", row)) if by == "key" else str(await line.text(DUTY, "1"))
    assert "请联系值班室" in answer
    assert await line.state(incident) == "open"


async def test_of_two_incidents_of_which_one_cannot_be_read_the_other_is_answered(line: Line) -> None:
    strange, incident = line.here.accepted, line.here.opened
    await line.conn.execute("alter table incident drop constraint incident_kind_check")
    await line.conn.execute(
        "update incident set kind = 'flood', state = 'open', owner_id = null where id = %s", (strange,)
    )
    await line.conn.commit()
    for each in (strange, incident):
        await line.ask("duty", each, "sms")
    assert "由您去陈淑珍处" in str(await line.text(DUTY, "1"))
    assert await line.state(incident) == "accepted"
