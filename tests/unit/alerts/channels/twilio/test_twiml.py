"""What a call is told to do."""

import unicodedata
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.channels.twilio import twiml
from alerts.texts import messages
from tests.unit.alerts.texts.test_messages import CONTEXT

ACTION = "https://desk.example/webhooks/twilio/gather?n=7&x=1"


def tree(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314  our own text


def test_an_alarm_is_read_three_times_and_every_time_a_key_is_awaited() -> None:
    root = tree(twiml.announcement(messages.alarm(CONTEXT, "zh", "voice"), "zh", ACTION))
    assert [child.tag for child in root] == ["Gather", "Gather", "Gather", "Say", "Hangup"]
    gather = root[0]
    assert gather.attrib == {"numDigits": "1", "timeout": "4", "action": ACTION, "method": "POST"}
    assert gather[0].attrib == {"voice": "alice", "language": "zh-CN"}
    text = gather[0].text or ""
    assert "张桂英86岁按了求助键" in text
    assert text.endswith("不能去，请按9。")


def test_english_has_its_own_voice() -> None:
    root = tree(twiml.announcement(messages.alarm(CONTEXT, "en", "voice"), "en", ACTION))
    assert root[0][0].attrib["language"] == "en-US"


def test_a_stand_down_asks_nothing() -> None:
    root = tree(twiml.announcement(messages.stand_down(CONTEXT, "zh", "voice"), "zh", None))
    assert "Gather" not in {child.tag for child in root}
    assert root[-1].tag == "Hangup"


def test_a_quotation_mark_is_one_character_of_what_the_provider_takes() -> None:
    document = twiml.announcement({"say": ['"' * 200], "prompt": "1", "goodbye": ""}, "en", ACTION + '"')
    assert '"' * 200 in document
    root = tree(document)
    assert len(root.findall("Gather")) == twiml.ROUNDS
    assert root[0].attrib["action"] == ACTION + '"'


def test_a_very_long_text_is_cut_to_what_the_provider_takes() -> None:
    context = replace(CONTEXT, address="长" * 1500)
    document = twiml.announcement(messages.alarm(context, "zh", "voice"), "zh", ACTION)
    assert len(document) <= twiml.MAX_INLINE_CHARS
    assert [child.tag for child in tree(document)].count("Gather") == 2
    context = replace(CONTEXT, address="长" * 9000)
    document = twiml.announcement(messages.alarm(context, "zh", "voice"), "zh", ACTION)
    assert len(document) <= twiml.MAX_INLINE_CHARS
    assert "请按1" in document


@given(st.text(max_size=200), st.sampled_from(["zh", "en"]), st.none() | st.just(ACTION))
def test_no_text_can_break_the_document(text: str, language: str, action: str | None) -> None:
    content = {"say": [text, "</Say><Dial>+1</Dial>"], "prompt": text, "goodbye": text}
    for document in (twiml.announcement(content, language, action), twiml.farewell([text], language)):
        assert {element.tag for element in tree(document).iter()} <= {"Response", "Gather", "Say", "Pause", "Hangup"}


@given(st.text(max_size=200), st.sampled_from(["zh", "en"]))
@example("𰻞\ue000\xa0𮯰\u200d👨", "zh")
def test_what_is_said_is_the_text_but_for_what_xml_cannot_write(text: str, language: str) -> None:
    printable = "".join(char for char in text if unicodedata.category(char) != "Cc" or char in "\n\t")
    printable = "".join(char for char in printable if ord(char) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(char) < 0xFDF0)
    root = tree(twiml.announcement({"say": [text], "prompt": "1", "goodbye": text}, language, ACTION))
    said = [say.text for say in root.iter("Say")]
    asked = f"{printable} 1" if text else "1"
    assert said == [asked] * twiml.ROUNDS + [printable] * bool(printable)
    assert {gather.attrib["action"] for gather in root.iter("Gather")} == {ACTION}


def test_a_farewell_says_it_twice_and_ends() -> None:
    assert [child.tag for child in tree(twiml.farewell(["谢谢"], "zh"))] == ["Say", "Say", "Hangup"]


def test_waiting_hands_the_key_in_again() -> None:
    root = tree(twiml.wait_and_ask(ACTION, 3))
    assert [child.tag for child in root] == ["Pause", "Redirect"]
    assert root[1].text == ACTION


@pytest.mark.parametrize(("text", "tags"), [(None, []), ("收到", ["Message"])])
def test_a_reply_to_a_text(text: str | None, tags: list[str]) -> None:
    assert [child.tag for child in tree(twiml.reply(text))] == tags
