"""What people are told."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.texts import messages, phrases
from alerts.texts.messages import SMS_UNITS, MessageContext

CONTEXT = MessageContext(
    incident_id=123,
    kind=IncidentKind.SOS,
    severity=Severity.SOS,
    reason="button",
    occurred_at=datetime(2026, 11, 24, 6, 5, tzinfo=UTC),
    zone=ZoneInfo("Asia/Shanghai"),
    resident_name="张桂英",
    age=86,
    address="朝阳里社区3号楼2单元501室",
    entry="钥匙在邻居王阿姨处",
)
AWAY = replace(
    CONTEXT, lat=31.2, lon=121.5, accuracy_m=20.0, distance_m=832.0, bearing_deg=44.0, position_age_minutes=2
)
STRANGER = replace(CONTEXT, resident_name=None, age=None, address=None, entry="", device_id="band-0099")
LANGUAGES = ("zh", "en")


def sms(context: MessageContext, language: str = "zh") -> str:
    return str(messages.alarm(context, language, "sms")["text"])


def test_a_chinese_alarm_is_one_message() -> None:
    assert sms(CONTEXT) == (
        "【守护】张桂英86岁按了求助键（14:05）。位置不明，家住朝阳里社区3号楼2单元501室。编号123，去回1，不能去回9"
    )
    assert len(sms(CONTEXT)) <= SMS_UNITS


def test_an_english_alarm() -> None:
    context = replace(CONTEXT, resident_name="Zhang Guiying", address="3-2-501 Chaoyangli")
    assert sms(context, "en") == (
        "[Eldercare] Zhang Guiying, 86, pressed the SOS button at 14:05. Position unknown, home address is "
        "3-2-501 Chaoyangli. Alarm 123: reply 1 to go, 9 if you cannot."
    )


def test_a_long_text_gives_up_age_and_time_before_the_house_number() -> None:
    text = sms(replace(CONTEXT, address="江宁路街道朝阳里社区长寿路1118弄33号楼2单元501室"))
    assert len(text) <= SMS_UNITS
    assert "86岁" not in text
    assert "501室" in text


def test_a_long_address_loses_its_head() -> None:
    text = sms(replace(CONTEXT, address="上海市静安区江宁路街道朝阳里社区长寿路一千一百一十八弄33号楼2单元501室"))
    assert len(text) == SMS_UNITS
    assert "…" in text
    assert "33号楼2单元501室" in text


def test_rare_characters_count_twice_and_are_never_cut_in_two() -> None:
    for name in ("𰻞𮯰", "𰻞𮯰秀"):
        for ways in range(20, 40):
            text = sms(replace(CONTEXT, resident_name=name, address=f"{'路' * ways}{'𰻞' * 12}33号楼2单元501室"))
            units = len(text.encode("utf-16-le")) // 2
            assert units <= SMS_UNITS or "路" * ways in text
            assert text.endswith("33号楼2单元501室。编号123，去回1，不能去回9")
            assert "…" not in text or units >= SMS_UNITS - 1


def test_half_an_address_is_never_sent() -> None:
    address = "上" * 90
    text = sms(replace(CONTEXT, address=address))
    assert address in text
    assert "86岁" in text


def test_a_fix_at_home() -> None:
    assert "在家附近：朝阳里社区3号楼2单元501室" in sms(replace(AWAY, distance_m=90.0))
    assert "在家附近" in sms(replace(AWAY, distance_m=400.0, accuracy_m=500.0))
    assert "Near home: " in sms(replace(AWAY, distance_m=90.0), "en")


def test_a_fix_away_from_home() -> None:
    assert "在家东北约830米处，家住朝阳里社区3号楼2单元501室" in sms(AWAY)
    assert "About 830 m north-east of home; home address is" in sms(AWAY, "en")
    assert "离家约830米" in sms(replace(AWAY, bearing_deg=None))
    assert "About 830 m from home" in sms(replace(AWAY, bearing_deg=None), "en")


@pytest.mark.parametrize(
    ("bearing", "zh"),
    [
        (0, "北"),
        (22, "北"),
        (23, "东北"),
        (90, "东"),
        (180, "南"),
        (225, "西南"),
        (338, "北"),
        (359.9, "北"),
        (360, "北"),
    ],
)
def test_eight_directions(bearing: float, zh: str) -> None:
    assert f"在家{zh}约830米" in sms(replace(AWAY, bearing_deg=bearing))


def test_a_stale_fix_is_told_with_its_age() -> None:
    assert "45分钟前在家东北约830米处" in sms(replace(AWAY, position_age_minutes=45))
    assert "of home 45 min ago" in sms(replace(AWAY, position_age_minutes=45), "en")
    assert "前在家" not in sms(replace(AWAY, position_age_minutes=10))


def test_a_late_press_is_labelled() -> None:
    late = replace(CONTEXT, late_minutes=300)
    assert "14:05发出，迟到5小时" in sms(late)
    assert "(sent at 14:05, 5 h late)" in sms(late, "en")
    assert any("迟到5小时" in line for line in messages.alarm(late, "zh", "voice")["say"])


def test_an_unknown_band_without_a_place() -> None:
    assert sms(STRANGER).startswith("【守护】未登记手环band-0099按了求助键（14:05）。位置不明。")
    assert "Unregistered band band-0099 pressed" in sms(STRANGER, "en")


def test_an_unknown_band_with_a_place() -> None:
    located = replace(STRANGER, lat=31.2, lon=-121.3)
    assert "位置北纬31.2000西经121.3000" in sms(located)
    assert "At 31.2000 N 121.3000 W" in sms(located, "en")
    assert "南纬31.2000东经121.3000" in sms(replace(STRANGER, lat=-31.2, lon=121.3))
    assert "At 31.2000 S 121.3000 E" in sms(replace(STRANGER, lat=-31.2, lon=121.3), "en")


def test_a_fix_of_somebody_whose_home_is_not_on_the_map() -> None:
    assert "位置北纬31.2000东经121.5000，家住朝阳里" in sms(replace(AWAY, distance_m=None, bearing_deg=None))


def test_what_happened() -> None:
    assert "疑似摔倒" in sms(replace(CONTEXT, reason="fall"))
    assert "来电求助" in sms(replace(CONTEXT, reason="telephone"))
    assert "按了求助键3次" in sms(replace(CONTEXT, press_count=3))
    assert "(3 times)" in sms(replace(CONTEXT, press_count=3), "en")
    urgent = replace(CONTEXT, kind=IncidentKind.HEART_RATE, severity=Severity.URGENT)
    assert "手环紧急报警" in sms(urgent)
    assert "手环提醒" in sms(replace(urgent, severity=Severity.WARNING))
    network = replace(STRANGER, kind=IncidentKind.NETWORK, device_id=None)
    assert "手环网络：许多手环同时没有信号" in sms(network)
    assert "See the console" in sms(network, "en")


def test_a_call_names_place_and_keys() -> None:
    content = messages.alarm(CONTEXT, "zh", "voice")
    assert content["say"][1:] == ["张桂英86岁按了求助键。", "位置不明，家住朝阳里社区3号楼2单元501室。"]
    assert content["address"] == "位置不明，家住朝阳里社区3号楼2单元501室。"
    assert "请按1" in content["prompt"]


def test_how_to_get_in_is_told_to_the_one_who_goes_and_nobody_else() -> None:
    for language in LANGUAGES:
        for channel in ("sms", "voice"):
            for text in (messages.alarm, messages.stand_down, messages.pressed_again):
                assert "钥匙" not in str(text(CONTEXT, language, channel))
        assert "钥匙在邻居王阿姨处" in messages.accepted(CONTEXT, language)
        assert "钥匙" not in messages.taken(CONTEXT, language)


def test_stand_down_says_who_goes_or_that_it_is_over() -> None:
    going = replace(CONTEXT, owner_name="李伟")
    assert (
        messages.stand_down(going, "zh", "sms")["text"]
        == "【守护】张桂英的报警（编号123）：李伟正在前往，您不用去了，谢谢"
    )
    assert "李伟 is going" in messages.stand_down(going, "en", "sms")["text"]
    assert "已处理完毕" in messages.stand_down(CONTEXT, "zh", "sms")["text"]
    assert "dealt with" in messages.stand_down(CONTEXT, "en", "voice")["say"][1]


@pytest.mark.parametrize(
    ("state", "owner", "zh", "en"),
    [
        (IncidentState.EN_ROUTE, "李伟", "李伟正在前往", "李伟 is going"),
        (IncidentState.ON_SITE, "李伟", "李伟已到场", "李伟 is there"),
        (IncidentState.ON_SITE, None, "120已到场", "120 is there"),
        (IncidentState.HANDED_TO_120, None, "已拨打120", "120 has been called"),
        (IncidentState.HANDED_TO_120, "李伟", "已拨打120，李伟正在前往", "120 has been called, 李伟 is going"),
        (IncidentState.RESOLVED, "李伟", "已处理完毕", "it has been dealt with"),
        (IncidentState.OPEN, None, "已处理完毕", "it has been dealt with"),
    ],
)
def test_stand_down_says_how_far_the_help_is(state: IncidentState, owner: str | None, zh: str, en: str) -> None:
    context = replace(CONTEXT, state=state, owner_name=owner)
    said = messages.stand_down(context, "zh", "sms")["text"]
    assert said == f"【守护】张桂英的报警（编号123）：{zh}，您不用去了，谢谢"
    assert f"alarm 123: {en}. Please stand down" in messages.stand_down(context, "en", "sms")["text"]


def test_who_answers_after_120_was_called_hears_of_it() -> None:
    called = replace(CONTEXT, state=IncidentState.HANDED_TO_120)
    assert messages.taken(called, "zh") == "张桂英的报警（编号123）：已拨打120，您不用去了，谢谢"
    assert messages.taken(called, "en") == "张桂英, alarm 123: 120 has been called. You need not go. Thank you"
    there = replace(CONTEXT, state=IncidentState.ON_SITE, owner_name="李伟")
    assert "李伟已到场" in messages.taken(there, "zh")


def test_the_family_hears_that_120_was_called() -> None:
    called = replace(CONTEXT, called_120=True)
    assert sms(called) == (
        "【守护】张桂英86岁按了求助键（14:05），已拨打120。位置不明，家住朝阳里社区3号楼2单元501室。编号123，去回1，不能去回9"
    )
    assert len(sms(called)) <= SMS_UNITS
    assert " at 14:05. 120 has been called. Position unknown" in sms(called, "en")
    assert messages.alarm(called, "zh", "voice")["say"][1:3] == ["张桂英86岁按了求助键。", "已拨打120。"]
    assert "120 has been called." in messages.alarm(called, "en", "voice")["say"]
    assert "120" not in sms(CONTEXT)


def test_the_owner_hears_of_another_press() -> None:
    again = replace(CONTEXT, press_count=4)
    assert "又按了求助键，共4次" in messages.pressed_again(again, "zh", "sms")["text"]
    assert "4 times" in messages.pressed_again(again, "en", "sms")["text"]


def test_answers() -> None:
    going = replace(CONTEXT, owner_name="李伟")
    assert "由您去张桂英处" in messages.accepted(CONTEXT, "zh", ["王芳"])
    assert "到了请发短信“到了 123”" in messages.accepted(CONTEXT, "zh")
    assert "去不了请发“9 123”" in messages.accepted(CONTEXT, "zh")
    assert "text: arrived 123. If you cannot go after all: 9 123" in messages.accepted(CONTEXT, "en")
    assert "已告诉王芳、老人您正在去" in messages.accepted(CONTEXT, "zh", ["王芳"])
    assert "Told that you are going: Wang, the wearer." in messages.accepted(CONTEXT, "en", ["Wang"])
    assert "进门" not in messages.accepted(replace(CONTEXT, entry=""), "zh")
    assert "To get in" not in messages.accepted(replace(CONTEXT, entry=""), "en")
    assert "已由李伟前往" in messages.taken(going, "zh")
    assert "已由别人前往" in messages.taken(CONTEXT, "zh")
    assert messages.taken(CONTEXT, "en").startswith("Somebody else is already going")
    assert "已由您负责" in messages.already_yours(going, "zh")
    assert "会继续通知其他人" in messages.declined(CONTEXT, "zh")
    assert "已经处理完毕" in messages.over(CONTEXT, "zh")
    assert "正赶往张桂英处" in messages.on_the_way(CONTEXT, "zh")
    assert "到达" in messages.arrived(CONTEXT, "zh")


def test_a_code_that_is_not_open() -> None:
    assert messages.not_open(7, "zh") == "没有编号为7的报警需要您处理"
    assert "Alarm 7" in messages.not_open(7, "en")


def test_a_code_that_is_not_open_while_others_are() -> None:
    waiting = [replace(CONTEXT, incident_id=41), replace(CONTEXT, incident_id=42, resident_name="李秀兰")]
    said = messages.not_open(7, "zh", waiting, "9")
    assert said.startswith("没有编号为7的报警需要您处理。通知过您的是：41 ")
    assert "42 李秀兰" in said
    assert said.endswith("请回复如“9 41”")
    assert messages.not_open(7, "en", waiting).endswith("Reply for example 1 41")


def test_answers_that_name_nobody() -> None:
    for text in (messages.nothing_open, messages.not_understood, messages.nothing_open_call_120, messages.sorry):
        assert text("zh") != text("en")
        for language in LANGUAGES:
            assert "张桂英" not in text(language)


def test_which_one_names_the_codes() -> None:
    other = replace(CONTEXT, incident_id=124, resident_name="王秀兰")
    assert messages.which([CONTEXT, other], "zh", "1") == "有2个报警：123 张桂英、124 王秀兰。请回复如“1 123”"
    assert "123 张桂英, 124 王秀兰" in messages.which([CONTEXT, other], "en", "1")
    assert messages.which([CONTEXT, other], "zh", "到了").endswith("请回复如“到了 123”")


def test_a_signed_english_text_ends_in_one_stop() -> None:
    assert messages.signed("noted.", "en") == "[Eldercare] Noted."
    assert messages.signed("noted", "en") == "[Eldercare] Noted."


@pytest.mark.parametrize(
    ("count", "zh", "en"),
    [(0, "0分钟", "0 min"), (119, "119分钟", "119 min"), (120, "2小时", "2 h"), (2879, "47小时", "47 h"),
     (2880, "2天", "2 days")],
)  # fmt: skip
def test_ages(count: int, zh: str, en: str) -> None:
    assert (phrases.minutes(count, "zh"), phrases.minutes(count, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("metres", "zh", "en"),
    [(3, "10米", "10 m"), (994.9, "990米", "990 m"), (995, "1.0公里", "1.0 km"), (12_340, "12.3公里", "12.3 km")],
)
def test_distances(metres: float, zh: str, en: str) -> None:
    assert (phrases.distance(metres, "zh"), phrases.distance(metres, "en")) == (zh, en)


def any_facts() -> st.SearchStrategy[MessageContext]:
    text = st.text(st.characters(categories=["Lo"], max_codepoint=0x9FFF), min_size=1, max_size=40)
    return st.builds(
        MessageContext,
        incident_id=st.integers(1, 10**9),
        kind=st.sampled_from(IncidentKind),
        severity=st.sampled_from(Severity),
        reason=st.sampled_from(["button", "fall", "telephone", "resting_high"]),
        occurred_at=st.integers(0, 10**9).map(lambda s: datetime(2020, 1, 2, tzinfo=UTC) + timedelta(seconds=s)),
        zone=st.just(ZoneInfo("Asia/Shanghai")),
        resident_name=st.none() | text,
        age=st.none() | st.integers(0, 120),
        address=st.none() | text,
        entry=st.just("密码锁2580"),
        device_id=st.none() | st.just("band-0099"),
        lat=st.none() | st.floats(-90, 90),
        lon=st.none() | st.floats(-180, 180),
        accuracy_m=st.none() | st.floats(0, 1e6),
        distance_m=st.none() | st.floats(0, 2e7),
        bearing_deg=st.none() | st.floats(0, 360),
        position_age_minutes=st.none() | st.integers(0, 10**6),
        late_minutes=st.none() | st.integers(11, 10**6),
        press_count=st.integers(1, 100),
        owner_name=st.none() | text,
        state=st.sampled_from(IncidentState),
        called_120=st.booleans(),
    )


@given(any_facts(), st.sampled_from(LANGUAGES), st.sampled_from(["sms", "voice"]))
def test_every_text_names_whom_and_the_code_and_leaks_nothing(
    context: MessageContext, language: str, channel: str
) -> None:
    for make in (messages.alarm, messages.stand_down, messages.pressed_again):
        content: dict[str, Any] = make(context, language, channel)
        text = content["text"] if channel == "sms" else " ".join(content["say"])
        assert phrases.subject(context, language) in text
        assert content["code"] == str(context.incident_id)
        assert "密码锁" not in text
        assert not re.search(r"https?:|www\.|bpm|心率|诊断", text)
        if channel == "sms":
            assert str(context.incident_id) in text
            assert text.startswith("[Eldercare]" if language == "en" else "【守护】")


@pytest.mark.parametrize("language", LANGUAGES)
def test_somebody_of_the_desk_hears_two_ways_to_say_yes(language: str) -> None:
    text = messages.alarm(CONTEXT, language, "sms", desk=True)
    call = messages.alarm(CONTEXT, language, "voice", desk=True)
    assert text["desk"] is call["desk"] is True
    assert "desk" not in messages.alarm(CONTEXT, language, "sms")
    for said in (text["text"], call["prompt"]):
        assert "1" in said
        assert "3" in said
    if language == "zh":
        assert "处理回1，去回3，不能回9" in text["text"]
        assert len(text["text"]) <= SMS_UNITS
        assert "按3" in call["prompt"]


def test_who_is_asked_by_name_hears_so_and_who_goes() -> None:
    assert "值班台请您去：张桂英" in messages.alarm(CONTEXT, "zh", "sms", named=True)["text"]
    assert "The desk asks you to go." in messages.alarm(CONTEXT, "en", "sms", named=True)["text"]
    going = replace(CONTEXT, state=IncidentState.ACCEPTED, owner_name="钱网格")
    assert "钱网格正在前往，值班台请您也去：" in messages.alarm(going, "zh", "sms", named=True)["text"]
    assert messages.alarm(going, "en", "voice", named=True)["say"][1] == (
        "钱网格 is going, and the desk asks you to go as well."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_desk_tells_people(language: str) -> None:
    going = replace(CONTEXT, state=IncidentState.ACCEPTED, owner_name="钱网格")
    assert "3 123" in messages.handling(CONTEXT, language)
    assert "钱网格" in messages.handling(going, language)
    assert "3 123" in messages.handled_by(CONTEXT, language, "张值班")
    assert "张值班" in messages.handled_by(CONTEXT, language, "张值班")
    assert "孙网格" in messages.second(going, language, "孙网格")["text"]
    assert messages.taken_off(CONTEXT, language)["code"] == "123"
    joined = messages.joined(going, language, "钱网格")
    assert "钥匙在邻居王阿姨处" in joined
    assert "钱网格" in joined
    assert "钥匙" not in messages.joined(replace(going, entry=""), language, "钱网格")


def test_a_network_is_mended_from_the_desk() -> None:
    assert CONTEXT.somebody_has_to_go
    assert not replace(CONTEXT, kind=IncidentKind.NETWORK).somebody_has_to_go


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_is_not_understood_reads_the_two_answers_that_fit(language: str) -> None:
    said = {stands: messages.not_understood(language, stands) for stands in ("asked", "desk", "going", "there")}
    assert len(set(said.values())) == 4
    assert messages.not_understood(language) == said["asked"]
    words = {"asked": ("1", "9"), "desk": ("1", "3"), "going": ("到了" if language == "zh" else "arrived", "9")}
    for stands, pair in words.items():
        assert all(word in said[stands] for word in pair)
    assert "9" not in said["there"]
    for text in said.values():
        assert language == "en" or len(messages.signed(text, language)) <= SMS_UNITS


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_is_there_is_asked_how_it_ended(language: str) -> None:
    there = replace(CONTEXT, state=IncidentState.ON_SITE, owner_name="钱网格")
    said = messages.already_yours(there, language)
    assert "123" in said
    assert "完成" in said if language == "zh" else "done" in said
    assert "123" in messages.closed(there, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_that_does_not_count_is_answered_honestly(language: str) -> None:
    lost = messages.no_longer_matched(language)
    assert "120" in lost
    assert messages.call_back(language)
    assert ("没有登记" if language == "zh" else "not recorded") in lost
    anew = messages.called_anew(CONTEXT, language)
    assert phrases.subject(CONTEXT, language) in anew
    assert "由您去" not in anew


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_goes_already_is_asked_whether_they_mean_to_hand_it_back(language: str) -> None:
    asked = messages.sure_to_hand_back(CONTEXT, language)
    assert phrases.subject(CONTEXT, language) in asked
    assert "9" in messages.sure_prompt(language)
    assert "9" not in messages.still_yours(language)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("channel", ["voice", "sms"])
def test_the_desk_hears_of_an_alarm_that_nobody_can_be_called_about(language: str, channel: str) -> None:
    told = str(messages.by_hand("7", "王秀英", "幸福路1弄2号", language, channel))
    assert all(part in told for part in ("王秀英", "幸福路1弄2号", "7", "控制台" if language == "zh" else "console"))
    unknown = messages.by_hand("7", None, None, language, channel)
    assert ("text" in unknown, "say" in unknown, "prompt" in unknown) == (channel == "sms", channel == "voice", False)
    assert "None" not in str(unknown)
