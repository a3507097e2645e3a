"""Limits of a resident's own in words, in both languages."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.console.committee import limits
from api.console.shell.i18n import Language, Translator
from api.console.shell.screen import Screen, When
from eldercare.community.resident_schema import FILED, File

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def screen(language: Language) -> Screen:
    return Screen(language, "auto", When(NOW, 1, ZoneInfo("Asia/Shanghai"), Translator(language)), None, "/")


def file(**values: Any) -> File:
    known: dict[str, Any] = dict.fromkeys(FILED, "") | {"rule_overrides": {}, "limits_reason": None}
    return File(**{"resident": None, "created_at": NOW, **known, **values})


def test_whoever_has_no_limits_of_their_own_or_hides_them_has_no_section() -> None:
    assert limits.limits(screen("zh"), file()) is None
    assert limits.limits(screen("zh"), file(rule_overrides=None)) is None


def test_limits_say_who_signed_them_when_and_why() -> None:
    signed = {"limits_signed_by": "周医生", "limits_signed_at": NOW, "limits_reason": "一向偏低"}
    shown = limits.limits(screen("zh"), file(rule_overrides={"hr_low_urgent": 38, "still_s": 14700}, **signed))
    assert shown == limits.Limits(
        [("心率过低，紧急", "38 次/分"), ("白天没有动静", "4小时 5分钟")],
        "周医生于14:00签字",
        "理由：一向偏低",
        otherwise=False,
    )


def test_what_nobody_signed_and_what_cannot_hold_says_so() -> None:
    # No limit of 5 bpm holds: the nearest does. What is no limit at all is left out.
    shown = limits.limits(screen("en"), file(rule_overrides={"hr_low_urgent": 5, "shoe_size": 40}))
    assert shown == limits.Limits([("Low heart rate, urgent", "30 bpm")], None, None, otherwise=True)


@pytest.mark.parametrize(
    ("unit", "number", "zh", "en"),
    [
        ("s", 0, "0秒", "0 secs"),
        ("s", 90, "1分钟 30秒", "1 min 30 secs"),
        ("hour", 22, "22 时", "22:00"),
        ("of the values", 0.5, "50%", "50%"),
        ("%", 20, "20%", "20%"),
        ("of 100", 30, "30", "30"),
        ("km/h", 120, "120 公里/小时", "120 km/h"),
    ],
)
def test_a_limit_has_its_unit(unit: str, number: float, zh: str, en: str) -> None:
    assert limits.value(Translator("zh"), unit, number) == zh
    assert limits.value(Translator("en"), unit, number) == en
