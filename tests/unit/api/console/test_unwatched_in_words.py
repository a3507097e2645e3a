"""What cannot be watched, in words: one reason once, with its number, its rules and what would help."""

from alerts.rules.unwatched import NEEDS, Reason, Unwatched
from api.console.committee import unwatched
from api.console.committee.unwatched import Lack
from api.console.shell.i18n import Translator

ZH, EN = Translator("zh"), Translator("en")
BY_NAME = {needs.rule: needs for needs in NEEDS}


def test_where_every_rule_can_watch_there_is_nothing_to_say() -> None:
    assert unwatched.section(ZH, ()) is None


def test_a_reason_stands_once_with_its_number_and_every_rule_says_what_it_wants() -> None:
    found = [
        Unwatched(BY_NAME["heart_rate"], Reason.HEART_TOO_SLOW, 3600, 1800),
        Unwatched(BY_NAME["no_pulse"], Reason.HEART_TOO_SLOW, 3600, 1800),
        Unwatched(BY_NAME["stillness"], Reason.NO_MOVEMENT),
    ]
    shown = unwatched.section(EN, found)
    assert shown is not None
    assert shown.lead == EN("unwatched.lead")
    assert shown.lacks == [
        Lack(
            "The heart is measured too seldom",
            "about every 1 hr",
            ["High or low heart rate (wants one every 30 mins)", "No pulse (wants one every 30 mins)"],
            EN("remedy.heart_too_slow"),
        ),
        Lack("The band tells nothing of movement", None, ["Stillness"], EN("remedy.no_movement")),
    ]


def test_what_two_rules_know_otherwise_is_said_of_neither() -> None:
    nights = Unwatched(BY_NAME["resting_rate"], Reason.LEARNING, 2, 7)
    days = Unwatched(BY_NAME["unusually_far"], Reason.LEARNING, 3, 7)
    shown = unwatched.section(ZH, [nights, days])
    assert shown is not None
    assert [each.detail for each in shown.lacks] == [None]
    alone = unwatched.section(ZH, [nights])
    assert alone is not None
    assert [(each.detail, each.rules) for each in alone.lacks] == [("已有 2 天", ["静息心率变化（要 7 天）"])]


def test_nobody_is_told_that_a_press_rings_where_no_band_is_heard() -> None:
    for reason in unwatched.LOST:
        shown = unwatched.section(ZH, [Unwatched(BY_NAME["heart_rate"], reason)])
        assert shown is not None
        assert shown.lead == ZH("unwatched.lost")


def test_rules_in_a_row() -> None:
    assert unwatched.names(ZH, ["stillness", "silent"]) == "没有动静、手环失联"
    assert unwatched.names(EN, ["stillness", "silent"]) == "Stillness, Silent band"
