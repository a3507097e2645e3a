"""The same line with real channels: telephones ring over HTTP, digits and replies come back through our web service."""

from alerts.incidents import desk
from tests.stories.ringing import Ringing

FIRST = ["voice duty", "sms duty", "voice grid", "sms grid"]
SECOND = ["voice backup", "sms backup", "voice lead", "sms lead"]
THIRD = ["voice daughter", "sms daughter", "voice doctor", "sms doctor"]


async def test_a_telephone_rings_somebody_presses_1_and_the_band_hears_it(town: Ringing) -> None:
    incident = (await town.press(event_id="e-1")).incident_id
    await town.expects(*FIRST)
    await town.advance(seconds=5)
    await town.picks_up("grid")
    assert "王秀英88岁按了求助键" in town.heard("grid")
    assert "请按1" in town.heard("grid")
    await town.presses("grid", "1")
    assert await town.state(incident) == "accepted"
    assert "由您去王秀英处" in town.heard("grid")
    assert "钥匙在门卫" in town.heard("grid")
    await town.expects("hang_up duty", "sms duty stand_down", "band accepted")
    assert "钱网格正在前往" in town.texts_of("duty")[-1]
    said = town.band.sent[0].content
    assert (said["event_id"], said["state"]) == ("e-1", "accepted")
    await town.advance(minutes=19)
    await town.expects()


async def test_whoever_is_called_beside_the_owner_is_asked_for_a_key(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.picks_up("grid")
    await town.presses("grid", "1")
    await town.expects(*FIRST, "hang_up duty", "sms duty stand_down", "band accepted")
    for who in ("backup", "daughter"):
        await desk.add(town.conn, incident, town.people.duty, getattr(town.people, who), "console", town.now)
        await town.conn.commit()
        await town.settle()
        await town.picks_up(who)
    await town.expects(
        *(f"{way} {who} second" for way in ("voice", "sms") for who in ("backup", "daughter")),
        "sms grid second",
        "sms grid second",
    )
    assert "请按1" in town.heard("backup")
    await town.presses("backup", "1")
    assert "您也去王秀英处" in town.heard("backup")
    await town.presses("daughter", "9")
    assert await town.timeline(incident) == ["opened", "step", "accepted", "added", "added", "joined", "passed"]
    assert await town.one("select owner_id from incident") == town.people.grid
    await town.expects()


async def test_nobody_picks_up_and_the_ladder_climbs_without_end(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.expects(*FIRST)
    await town.advance(seconds=30)
    await town.expects(*SECOND)  # nobody is waited for who let it ring out
    await town.advance(seconds=30)
    await town.expects(*THIRD)
    for _ in range(3):
        await town.advance(minutes=5)
        await town.expects(*FIRST, *SECOND, *THIRD)
    assert await town.state(incident) == "open"
    assert await town.due_in(incident) > 0


async def test_busy_lines_are_not_waited_for(town: Ringing) -> None:
    for who in ("duty", "grid"):
        town.will(who, "busy")
    town.will("lead", "answer", digits=["3"])
    incident = (await town.press()).incident_id
    await town.expects(*FIRST, *SECOND)
    await town.advance(seconds=60)
    assert await town.state(incident) == "accepted"
    told = [f"sms {who} stand_down" for who in ("duty", "grid", "backup")]
    await town.expects("hang_up backup", *told, "band accepted")


async def test_a_mailbox_takes_the_call_and_accepts_nothing(town: Ringing) -> None:
    for who in ("duty", "grid"):
        town.will(who, "machine")
    incident = (await town.press()).incident_id
    await town.expects(*FIRST)
    await town.advance(seconds=10)
    assert await town.state(incident) == "open"
    await town.expects(*SECOND)


async def test_2_repeats_the_address_and_9_passes_on_at_once(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.expects(*FIRST)
    await town.picks_up("duty")
    await town.presses("duty", "2")
    assert town.heard("duty").count("幸福路1弄2号301室") >= 2
    assert await town.state(incident) == "open"
    await town.presses("duty", "9")
    assert "会继续通知其他人" in town.heard("duty")
    await town.expects(*SECOND)


async def test_a_reply_by_text_accepts_and_one_that_comes_later_hears_who_goes(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.replies("grid", "1")
    assert await town.state(incident) == "accepted"
    assert "由您去王秀英处" in town.texts_of("grid")[-1]
    await town.expects(*FIRST, "sms grid reply", "hang_up duty", "hang_up grid", "sms duty stand_down", "band accepted")
    await town.replies("duty", "3")
    assert "已由钱网格前往" in town.texts_of("duty")[-1]
    await town.expects("sms duty reply")


async def test_1_of_the_desk_is_i_am_handling_it_and_3_is_i_go(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.picks_up("duty")
    assert "请按3" in town.heard("duty")
    await town.presses("duty", "1")
    assert "由您处理，我们继续呼叫别人" in town.heard("duty")
    assert await town.state(incident) == "open"
    assert await town.one("select handler_id from incident") == town.people.duty
    await town.expects(*FIRST)
    await town.advance(seconds=5)
    await town.picks_up("grid")
    assert "请按3" not in town.heard("grid")
    await town.hangs_up("grid")
    await town.expects("voice backup", "sms backup")  # the street is called on, the duty lead is not rung
    await town.replies("duty", "3")
    assert await town.state(incident) == "accepted"
    assert await town.one("select owner_id from incident") == town.people.duty
    told = ["sms grid stand_down", "sms backup stand_down"]
    await town.expects("sms duty reply", "hang_up backup", *told, "band accepted")


async def test_1_by_text_of_the_desk_stops_no_call_and_a_colleague_hears_it(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.advance(seconds=1)
    await town.replies("duty", "1")
    assert "由您处理，我们继续呼叫别人" in town.texts_of("duty")[-1]
    await town.expects(*FIRST, "sms duty reply")
    await town.calls_back("duty")
    assert "请按3" in town.heard("duty")
    await town.presses("duty", "3")
    assert await town.state(incident) == "accepted"
    # Their own telephone, too: they answered on another call.
    await town.expects("hang_up duty", "hang_up grid", "sms grid stand_down", "band accepted")


async def test_a_number_that_calls_back_hears_its_incident_and_can_accept(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.hangs_up("grid")
    await town.expects(*FIRST)
    await town.calls_back("grid")
    assert "王秀英" in town.heard("grid")
    await town.presses("grid", "1")
    assert await town.state(incident) == "accepted"
    assert await town.one("select accepted_via from incident") == "voice"
    await town.expects("hang_up duty", "sms duty stand_down", "band accepted")


async def test_while_one_talks_the_others_ring_and_the_talk_ends_with_the_acceptance(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.picks_up("duty")
    await town.picks_up("grid")
    await town.presses("grid", "1")
    await town.expects(*FIRST, "hang_up duty", "sms duty stand_down", "band accepted")
    assert await town.state(incident) == "accepted"
    assert await town.one("select count(*) from notification where status in ('queued', 'sending')") == 0


async def test_what_every_message_came_to_is_known(town: Ringing) -> None:
    town.cannot_be_texted("grid")
    town.will("duty", "no-answer")
    await town.press()
    await town.advance(seconds=30)
    await town.expects(*FIRST, *SECOND)
    rows = await town.conn.execute(
        "select channel, p.name, status, reason from notification n join person p on p.id = person_id"
        " where step = 0 order by 1, 2"
    )
    assert await rows.fetchall() == [
        ("sms", "张值班", "delivered", None),
        ("sms", "钱网格", "failed", "handset_unreachable"),
        ("voice", "张值班", "failed", "no_answer"),
        ("voice", "钱网格", "failed", "no_answer"),
    ]


async def test_a_text_that_is_not_plain_is_asked_back_with_the_two_answers_that_fit(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    for who, text, answer in (
        ("grid", "收到", "能去请回1，不能去请回9"),
        ("grid", "1 去不了", "能去请回1，不能去请回9"),
        ("grid", "她没事，误报", "能去请回1，不能去请回9"),  # not the owner's word: it is noted for the desk
        ("duty", "好的", "您在处理请回1，您自己去请回3"),
        ("grid", "我在处理", "能去请回1，不能去请回9"),
    ):
        await town.replies(who, text)
        assert answer in town.texts_of(who)[-1], text
        assert await town.state(incident) == "open"
    assert await town.one("select detail ->> 'text' from incident_event where kind = 'note'") == "误报"
    await town.replies("grid", "1 我去")
    assert await town.state(incident) == "accepted"
    await town.replies("grid", "还没到")
    assert "到了请回“到了”，去不了请回9" in town.texts_of("grid")[-1]
    await town.replies("duty", "收到")
    assert "已由钱网格前往" in town.texts_of("duty")[-1]
    await town.replies("grid", "我到了 12:30")
    assert await town.state(incident) == "on_site"
    for text in ("好的", "1", "9", "我去", "去不了"):  # whoever is there is not asked whether they can go
        await town.replies("grid", text)
        assert "完成" in town.texts_of("grid")[-1], text
        assert "去不了" not in town.texts_of("grid")[-1], text
    await town.replies("duty", "处理好了")
    assert await town.state(incident) == "on_site"
    await town.replies("grid", "她没事，误报")
    assert await town.state(incident) == "resolved"
    assert await town.one("select disposition from incident") == "false_alarm"
    assert "处理完毕" in town.texts_of("grid")[-1]
    await town.expects(
        *FIRST, *["sms grid reply"] * 13, *["sms duty reply"] * 3, "hang_up duty", "hang_up grid",
        "sms duty stand_down", "band accepted", "band arriving", "band closed",
    )  # fmt: skip


async def test_a_1_above_a_signature_and_a_9_with_words_are_understood(town: Ringing) -> None:
    incident = (await town.press()).incident_id
    await town.replies("duty", "9 走不开")
    assert "会继续通知其他人" in town.texts_of("duty")[-1]
    await town.replies("grid", "1\n--\n钱网格\n手机 13800138000")
    assert await town.state(incident) == "accepted"
    await town.replies("grid", "去不了，孩子发烧")
    assert await town.state(incident) == "open"
    await town.replies("backup", "on my way, 5 min")
    assert await town.state(incident) == "en_route"
    await town.replies("backup", "done, helped her up")
    assert await town.one("select disposition from incident") == "helped"
    await town.expects(
        *FIRST, *SECOND, "sms duty reply", *["sms grid reply"] * 2, *["sms backup reply"] * 2, "hang_up duty",
        "hang_up grid", "hang_up backup", "hang_up lead", "hang_up duty", "voice duty", "sms duty",
        *["sms duty stand_down"] * 2, "sms lead stand_down", "sms backup stand_down",
        *(f"band {state}" for state in ("accepted", "received", "arriving", "closed")),
    )  # fmt: skip
