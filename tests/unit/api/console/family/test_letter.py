"""The week's letter: three sentences, each of which holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.console.family.letter import Week, week, write
from api.console.family.state import Alarm
from api.console.shell.i18n import LANGUAGES, Translator, catalogue
from eldercare.community.hour import Hour

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
GOOD = Week(7, 1000, 1100)
SOS = Alarm(at=NOW - timedelta(days=2), state="resolved", outcome="helped", met=True, goer="蔡斌", ended=NOW)
UNMET = replace(SOS, outcome="nobody_there", met=False)
CLEARED = replace(UNMET, severity="warning", kind="heart_rate", source="rule", outcome="cleared")
NOTHING = replace(CLEARED, outcome="false_alarm")
OPEN = Alarm(at=SOS.at)
TOUCHED = replace(SOS, outcome="false_alarm", met=False)

CASES: list[tuple[Week, list[Alarm], int | None, list[str]]] = [
    (GOOD, [], 80, ["usual", "nothing", "no_help"]),
    (GOOD, [], None, ["usual", "nothing", "no_help"]),
    (Week(7, 1000, 2000), [], 80, ["less", "nothing", "no_help"]),
    (Week(7, 2000, 1000), [], 80, ["more", "nothing", "no_help"]),
    (Week(6, 1000, None), [], 80, ["worn_steps", "nothing", "no_help"]),
    (Week(6, 1000, 0), [], 80, ["worn_steps", "nothing", "no_help"]),
    (Week(6, None, None), [], 80, ["worn", "nothing", "no_help"]),
    (Week(4, None, None), [], 80, ["not_known", "nothing", "remind_band"]),
    (Week(5, 1000, 1000), [], 80, ["usual", "nothing", "remind_band"]),
    (GOOD, [], 20, ["usual", "nothing", "remind_charge"]),
    (GOOD, [SOS], 80, ["usual", "once_by", "no_help"]),
    (GOOD, [replace(SOS, goer=None)], 80, ["usual", "once", "no_help"]),
    (GOOD, [UNMET], 80, ["usual", "once_unseen", "no_help"]),
    (GOOD, [SOS, SOS], 80, ["usual", "often", "no_help"]),
    (GOOD, [SOS, UNMET], 80, ["usual", "often_unseen", "no_help"]),
    (GOOD, [TOUCHED], 80, ["usual", "touched", "no_help"]),
    (GOOD, [TOUCHED, NOTHING], 80, ["usual", "touched_or_nothing", "no_help"]),
    (GOOD, [NOTHING], 80, ["usual", "touched_or_nothing", "no_help"]),
    (GOOD, [TOUCHED, SOS], 80, ["usual", "once_by", "no_help"]),
    # What ended by itself, and what is not over.
    (GOOD, [CLEARED], 80, ["usual", "no_call", "no_help"]),
    (GOOD, [CLEARED, SOS], 80, ["usual", "once_by", "no_help"]),
    (GOOD, [CLEARED, CLEARED, UNMET], 80, ["usual", "once_unseen", "no_help"]),
    (GOOD, [CLEARED, TOUCHED], 80, ["usual", "touched", "no_help"]),
    (GOOD, [OPEN], 80, ["usual", "not_over", "no_help"]),
    (GOOD, [OPEN, CLEARED], 80, ["usual", "not_over", "no_help"]),
    (GOOD, [OPEN, SOS], 80, ["usual", "once_by", "no_help"]),
    # Before this week, today, a task, and what the band says of itself.
    (GOOD, [replace(SOS, at=NOW - timedelta(days=8))], 80, ["usual", "nothing", "no_help"]),
    (GOOD, [replace(SOS, at=NOW - timedelta(hours=1))], 80, ["usual", "nothing", "no_help"]),
    (GOOD, [replace(SOS, severity="task")], 80, ["usual", "nothing", "no_help"]),
    (GOOD, [replace(SOS, kind="off_wrist", severity="warning")], 80, ["usual", "nothing", "no_help"]),
]


@pytest.mark.parametrize(("this", "alarms", "battery", "said"), CASES)
def test_three_sentences(this: Week, alarms: list[Alarm], battery: int | None, said: list[str]) -> None:
    letter = write(this, alarms, NOW, ZONE, battery)
    assert [sentence.key for sentence in letter] == said
    for sentence, language in ((each, language) for each in letter for language in LANGUAGES):
        assert Translator(language)(f"letter.{sentence.key}", she="她", her="她", **sentence.values)


def test_every_sentence_of_the_catalogue_is_written() -> None:
    assert {f"letter.{key}" for *_, said in CASES for key in said} == {
        key for key in catalogue() if key.startswith("letter.")
    }


def hours(back: int, values: int = 60, steps: int | None = 100) -> list[Hour]:
    """Eight hours of the local day so many days ago."""
    morning = datetime(2026, 11, 24, 8, tzinfo=ZONE) - timedelta(days=back)
    return [Hour(morning + timedelta(hours=hour), values, 70.0 if values else None, steps) for hour in range(8)]


def test_the_week_is_the_seven_whole_days_before_today() -> None:
    told = [hour for back in range(15) for hour in hours(back, steps=100 if back <= 7 else 200)]
    assert week(told, NOW, ZONE) == Week(7, 800, 1600)


def test_days_off_the_wrist_and_steps_that_nobody_counts() -> None:
    told = [hour for back in range(1, 15) for hour in hours(back, values=0 if back < 4 else 60, steps=None)]
    assert week(told, NOW, ZONE) == Week(4, None, None)
    few = [hour for back in range(1, 5) for hour in hours(back)]
    assert week(few, NOW, ZONE) == Week(4, None, None)
