"""What the board says while the wearer is asked, and of what they answered."""

from datetime import timedelta
from typing import Any

import pytest

from api.console.duty import calls, cards, timeline
from tests.unit.api.console.test_console_words import EN, NOW, ZH, incident, notification, row, screen

SINCE = NOW - timedelta(minutes=1)
ASKED = {
    "kind": "no_heart_rate",
    "severity": "urgent",
    "source": "rule",
    "next_step": 1,
    "wearer_asked_at": SINCE,
    "asking_until": NOW + timedelta(seconds=45),
}


def asking(language: str = "zh", **values: Any) -> str | None:
    return cards.card(screen(language=language), incident(**(ASKED | values))).asking


def test_a_card_says_since_when_she_is_asked_and_when_duty_is_called() -> None:
    assert asking() == "正在问本人（13:59 起）；没有回答，14:00:45 呼叫别人"
    assert asking("en") == "Asking the wearer since 13:59; without an answer others are called at 14:00:45"
    assert asking(state="accepted") is None
    assert asking(wearer_asked_at=None, asking_until=None) is None
    assert asking(asking_until=None) is None  # people are called


@pytest.mark.parametrize(
    ("said", "zh", "en"),
    [
        ("well", "13:59 问过本人：说没事", "Asked, the wearer said at 13:59 that all is well"),
        ("help", "13:59 问过本人：需要帮助", "Asked, the wearer said at 13:59: help is needed"),
        ("unclear", "13:59 问过本人：没有听懂回答", "Asked at 13:59, the wearer could not be understood"),
        ("of a newer version", None, None),
    ],
)
def test_a_card_says_what_she_answered(said: str, zh: str | None, en: str | None) -> None:
    answered = {"asking_until": None, "wearer_said": said, "wearer_said_at": SINCE}
    assert (asking(**answered), asking("en", **answered)) == (zh, en)


def test_no_siren_sounds_while_she_alone_is_asked() -> None:
    [alarm] = cards.alarms([incident(**ASKED)])
    assert alarm.handled
    [alarm] = cards.alarms([incident(**(ASKED | {"asking_until": None}))])
    assert not alarm.handled
    assert cards.card(screen(), incident(**ASKED)).alarm_key is None


def test_her_call_stands_among_the_others() -> None:
    hers = notification(person_id=None, person_name=None, purpose="ask", address="+99920000001")
    [line] = calls.present(ZH, [hers])
    assert (line.name, line.channel, line.words) == ("老人本人", "问本人", "正在响铃")
    assert calls.call(EN, hers).name == "The wearer"
    assert not cards.card(screen(), incident(**ASKED), told=[hers]).nobody_to_call


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            row("asked_wearer", ways=["voice", "band"], next_due="2026-11-24T06:00:45+00:00"),
            "先问本人：打本人电话、手环震动；没有回答，14:00:45 呼叫别人",
        ),
        (row("wearer_silent"), "本人没有回答"),
        (row("wearer_well", via="voice", lowered=True), "本人回答没事（电话按键），改为提醒"),
        (row("wearer_well", via="voice"), "本人回答没事（电话按键）"),
        (row("wearer_help", via="voice"), "本人回答需要帮助（电话按键）"),
        (row("wearer_unclear", via="voice"), "没有听懂本人的回答（电话按键），呼叫别人"),
        (row("resolved", via="rule", wearer_alone=True), "只问了本人，没有呼叫别人；情况解除，自动结束"),
        (row("resolved", via="rule"), "情况解除，自动结束"),
        (
            row("fell_through", step=0, reason="wearer_unreachable"),
            "第 1 步没有人可联系：联系不到本人，立即进入下一步",
        ),
        (
            row("fell_through", step=0, reason="asked_before"),
            "第 1 步没有人可联系：已经问过本人，立即进入下一步",
        ),
    ],
)
def test_the_timeline_says_that_she_was_asked_and_what_came_of_it(event: Any, words: str) -> None:
    assert timeline.sentence(ZH, event, {}, screen().when) == words
