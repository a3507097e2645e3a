"""What the wearer hears when they are asked, and what others hear of it."""

from dataclasses import replace

import pytest

from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.texts import messages, phrases, wearer
from alerts.texts.context import MessageContext
from alerts.texts.messages import SMS_UNITS
from tests.unit.alerts.texts.test_messages import CONTEXT, LANGUAGES, sms

PULSE = replace(CONTEXT, kind=IncidentKind.NO_HEART_RATE, severity=Severity.URGENT, reason="no_pulse")
STILL = replace(PULSE, kind=IncidentKind.STILLNESS, reason="still")
OTHER = replace(PULSE, kind=IncidentKind.HEART_RATE, reason="high_urgent")


@pytest.mark.parametrize(
    ("context", "zh", "en"),
    [
        (PULSE, "手环测不到数据，想知道您有没有事。", "Your band measures nothing, and we want to know how you are."),
        (
            STILL,
            "手环很久没有感到您活动，想知道您有没有事。",
            "Your band has felt no movement for long, and we want to know how you are.",
        ),
        (
            OTHER,
            "手环提醒我们来问一问，想知道您有没有事。",
            "Your band has told us to ask, and we want to know how you are.",
        ),
    ],
)
def test_she_hears_who_asks_whom_and_why_and_two_keys(context: MessageContext, zh: str, en: str) -> None:
    asked = wearer.ask(context, "zh")
    assert asked["say"] == ["您好，这里是老人守护中心。", "张桂英，您还好吗？", zh]
    assert asked["prompt"] == "没事，请按1。需要帮助，请按9。"
    assert asked["goodbye"] == "没有收到按键。我们会继续留意您，需要帮助时，请按手环上的求助键。再见。"
    assert wearer.ask(context, "en")["say"][1:] == ["张桂英, are you well?", en]
    assert wearer.ask(context, "en")["prompt"] == "If you are well, press 1. If you need help, press 9."


def test_every_key_is_answered() -> None:
    assert wearer.well("zh") == "好的，您没事我们就放心了。需要帮助时，请按手环上的求助键。"
    assert wearer.well("en").startswith("Good")
    assert wearer.not_understood("zh") == "没有听懂这个按键。"
    assert wearer.not_understood("en") == "That key was not understood."
    assert wearer.somebody_comes(PULSE, "zh") == "知道了，我们马上请人来看您。"
    goes = replace(PULSE, owner_name="钱网格", state=IncidentState.ACCEPTED)
    assert wearer.somebody_comes(goes, "zh") == "知道了，钱网格会来看您。"
    assert wearer.somebody_comes(goes, "en") == "钱网格 comes to see you."


@pytest.mark.parametrize(
    ("said", "zh", "en"),
    [
        ("silent", "问过本人，没有回答", "was asked and did not answer"),
        ("unclear", "问过本人，没有听懂", "was asked and could not be understood"),
        ("help", "本人说需要帮助", "asks for help"),
    ],
)
def test_whoever_is_called_hears_what_she_answered(said: str, zh: str, en: str) -> None:
    context = replace(STILL, wearer=said)
    assert zh in sms(context)
    assert en in sms(context, "en")
    assert f"{zh}。" in messages.alarm(context, "zh", "voice")["say"]
    assert f"{en[0].upper()}{en[1:]}." in messages.alarm(context, "en", "voice")["say"]
    assert zh not in sms(STILL)
    short = replace(context, address="朝阳里3号楼501室")
    assert len(sms(short)) <= SMS_UNITS


def test_that_she_is_well_stands_in_place_of_the_hurry() -> None:
    said = {"severity": Severity.WARNING, "wearer": "well"}
    still, pulse = replace(STILL, **said), replace(PULSE, **said)
    assert phrases.what(still, "zh") == "很久没有动静，本人说没事"
    assert phrases.what(still, "en") == " has not moved for long, but answered that all is well"
    assert phrases.what(pulse, "zh") == "的手环测不到数据，本人说没事"
    assert phrases.what(pulse, "en") == "'s band measures nothing, but answered that all is well"
    assert phrases.asked(still, "zh") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_was_called_before_she_answered_hears_why_they_need_not_go(language: str) -> None:
    said = replace(STILL, severity=Severity.WARNING, wearer="well")
    text = messages.stand_down(said, language, "sms")["text"]
    assert ("本人说没事，您不用去了" if language == "zh" else "answered that all is well. Please stand down") in text
