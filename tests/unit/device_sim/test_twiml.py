"""TwiML is read strictly, and never as more than text."""

import pytest

from device_sim.phones import twiml
from device_sim.phones.twiml import Gather, Hangup, Message, Pause, Play, Redirect, Reject, Say
from eldercare.platform.errors import InvalidInput


def test_every_verb_is_read() -> None:
    document = """
      <Response>
        <Say language="zh-CN" loop="2"> 王秀英
           求助 </Say><Play>https://x/y.mp3</Play><Pause length="3"/><Pause/>
        <Gather numDigits="1" timeout="8" action="/g?a=1&amp;b=2" actionOnEmptyResult="true"><Say>1</Say></Gather>
        <Gather finishOnKey="*"/><Redirect>/again</Redirect><Reject reason="busy"/>
        <Message to="+1">a<Body>b</Body></Message>
        <Message>c</Message><Hangup/>
      </Response>"""
    assert twiml.parse(document) == (
        Say("王秀英 求助", "zh-CN", 2),
        Play("https://x/y.mp3"),
        Pause(3),
        Pause(1),
        Gather((Say("1"),), 1, 8, "#", "/g?a=1&b=2", True),
        Gather(finish_on_key="*"),
        Redirect("/again"),
        Reject("busy"),
        Message("b", "+1"),
        Message("c"),
        Hangup(),
    )


def test_markup_inside_speech_is_read_as_its_text() -> None:
    document = "<Response><Say><prosody>三号楼</prosody><break/></Say></Response>"
    assert twiml.parse(document) == (Say("三号楼"),)


def test_an_empty_answer_has_no_verbs() -> None:
    assert twiml.parse("") == twiml.parse("  \n") == twiml.parse("<Response/>") == ()


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("<Response><Say></Response>", "well-formed"),
        ("ok", "well-formed"),
        ("<Answer/>", "not <Response>"),
        ("<Response><Dial>+1</Dial></Response>", "<Dial> is no verb"),
        ("<Response><Gather><Hangup/></Gather></Response>", "not allowed inside <Gather>"),
        ('<Response><Pause length="soon"/></Response>', "length of <Pause> is 'soon'"),
        ('<Response><Gather numDigits="-1"/></Response>', "numDigits"),
        ('<Response><Gather numDigits="1.5"/></Response>', "numDigits"),
        ('<!DOCTYPE Response SYSTEM "http://x/y"><Response/>', "document type"),
        ('<!DOCTYPE R [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Response>&b;</Response>', "document type"),
        ("<Response>" + " " * twiml.MAX_CHARACTERS + "</Response>", "characters"),
    ],
)
def test_what_cannot_be_performed_is_refused_with_its_reason(document: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        twiml.parse(document)


def test_speech_takes_as_long_as_a_voice_needs() -> None:
    assert twiml.speech_s("") == 0
    assert 40 < twiml.speech_s("字" * 200) < 50
    assert 30 < twiml.speech_s("word " * 100) < 40
