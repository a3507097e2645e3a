"""The story as family reads it: from the press to "she is well", without the desk's own business."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from alerts.incidents.detail import IncidentDetail, TimelineRow
from api.console.family.story import knows_details, late, tell
from api.console.shell.i18n import LANGUAGES, Translator, catalogue

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ME = 7
DUE = NOON + timedelta(minutes=20)


def row(
    minute: int, kind: str, actor: str | None = None, via: str = "ladder", actor_id: int = 1, **detail: object
) -> TimelineRow:
    return TimelineRow(minute, NOON + timedelta(minutes=minute), kind, actor_id if actor else None, actor, via, detail)


PRESS = row(0, "opened", via="band", trigger="button")
GOES = row(2, "accepted", "蔡斌", "voice", arrival_due_at=DUE.isoformat())


def keys(*rows: TimelineRow) -> list[str]:
    return [each.key for each in tell(rows, ME)]


def test_from_the_press_to_she_is_well() -> None:
    story = tell(
        [
            PRESS,
            row(0, "step", people=[1, 2]),
            row(1, "handling", "沈值班", "console"),
            GOES,
            row(3, "answered_late", "冯娟"),
            row(5, "en_route", "蔡斌", "sms"),
            row(12, "arrived", "蔡斌", "sms"),
            row(20, "resolved", "蔡斌", "sms", disposition="helped", note="头晕，坐一会儿就好了"),
        ],
        ME,
    )
    assert [each.key for each in story] == [
        "opened_button",
        "handling",
        "going_due",
        "on_the_way",
        "there",
        "over_helped",
    ]
    assert story[2].values == {"name": "蔡斌", "due": DUE}
    assert story[-1].note == "头晕，坐一会儿就好了"
    assert [each.at for each in story] == sorted(each.at for each in story)


LINES = [
    (row(0, "asked_wearer", ways=["voice"]), "asked"),
    (row(1, "wearer_silent"), "asked_silent"),
    (row(1, "wearer_well", via="voice", lowered=True), "asked_well"),
    (row(1, "wearer_help", via="voice"), "asked_help"),
    (row(1, "wearer_unclear", via="voice"), "asked_unclear"),
    (PRESS, "opened_button"),
    (row(0, "opened", via="band"), "opened_button"),
    (row(0, "opened", via="band", trigger="fall"), "opened_fall"),
    (row(0, "opened", "沈值班", "telephone"), "opened_telephone"),
    (row(0, "opened", via="rule", reason="high_urgent"), "opened_change"),
    (row(0, "pressed_again", via="band"), "pressed_again"),
    (row(0, "handling", "沈值班"), "handling"),
    (row(0, "handling"), "handling_somebody"),
    (row(0, "handling", "我", actor_id=ME), "handling_you"),
    (row(0, "accepted", "蔡斌"), "going"),
    (row(0, "accepted"), "going_somebody"),
    (row(0, "accepted", "我", actor_id=ME, arrival_due_at=DUE.isoformat()), "going_you"),
    (row(0, "en_route", "蔡斌"), "on_the_way"),
    (row(0, "en_route", "我", actor_id=ME), "on_the_way_you"),
    (row(0, "en_route"), "on_the_way_somebody"),
    (row(0, "arrived", "我", actor_id=ME), "there_you"),
    (row(0, "arrived"), "there_somebody"),
    (row(0, "arrived", "沈值班", with_120=True), "there_120"),
    (row(0, "joined", "冯娟"), "joined"),
    (row(0, "joined", "我", actor_id=ME), "joined_you"),
    (row(0, "joined"), "joined_somebody"),
    (row(0, "handed_to_120", "沈值班"), "ambulance"),
    (row(0, "told_family", people=[ME]), "told_family"),
    (row(0, "called_out_again", "沈值班"), "calling_again"),
    (row(0, "taken_back", "沈值班"), "calling_again"),
    (row(0, "handed_back", "蔡斌"), "calling_again"),
    (row(0, "reopened", via="watch", reason="not_there_in_time"), "not_in_time"),
    (row(0, "reopened", "沈值班", was="resolved"), "calling_again"),
    (row(0, "resolved", "蔡斌"), "over"),
    *((row(0, "resolved", "蔡斌", disposition=end), f"over_{end}") for end in
      ("helped", "hospital", "false_alarm", "test", "nobody_there", "found", "cleared")),
    (row(0, "resolved", "蔡斌", disposition="other"), "over"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "key"), LINES)
def test_one_line(entry: TimelineRow, key: str) -> None:
    told = tell([entry], ME)
    assert [each.key for each in told] == [key]
    for language in LANGUAGES:
        values = {
            name: f"{value:%H:%M}" if isinstance(value, datetime) else value for name, value in told[0].values.items()
        }
        assert Translator(language)(f"tell.{key}", she="她", her="她", **values)  # type: ignore[arg-type]


def test_every_line_of_the_catalogue_is_told() -> None:
    """What may be told is told above; `word` stands before what somebody wrote."""
    told = {f"tell.{key}" for _, key in LINES} | {
        "tell.going_due",
        "tell.there",
        "tell.word",
        "tell.opened_help",
        "tell.over_nothing",
    }
    assert told == {key for key in catalogue() if key.startswith("tell.")}


def test_what_duty_notes_of_somebody_is_theirs() -> None:
    told = tell([row(0, "arrived", "沈值班", "console", owner="蔡斌")], ME)
    assert (told[0].key, told[0].values) == ("there", {"name": "蔡斌"})
    told = tell([row(0, "arrived", "我", "console", actor_id=ME, owner="蔡斌")], ME)
    assert told[0].values == {"name": "蔡斌"}


@pytest.mark.parametrize(
    "kind", ["step", "fell_through", "nobody_reachable", "ask_120", "note", "left_desk", "a_newer_one"]
)
def test_the_desks_own_business_is_not_told(kind: str) -> None:
    assert tell([row(0, kind, "沈值班", text="她儿子说不来了")], ME) == []


def test_what_was_just_told_is_not_told_again() -> None:
    again = [row(minute, "called_out_again", "沈值班") for minute in (5, 6, 7)]
    assert keys(PRESS, *again, row(8, "pressed_again"), *again[:1]) == [
        "opened_button", "calling_again", "pressed_again", "calling_again",
    ]  # fmt: skip


def test_a_note_that_is_no_text_is_none() -> None:
    assert tell([row(0, "resolved", "蔡斌", disposition="helped", note=None)], ME)[0].note is None


@pytest.mark.parametrize(
    ("opened", "end"),
    [
        (PRESS, "over_false_alarm"), (row(0, "opened", via="band", trigger="fall"), "over_nothing"),
        (row(0, "opened", "沈值班", "telephone"), "over_nothing"), (row(0, "opened", via="rule"), "over_nothing"),
    ],
)  # fmt: skip
def test_only_what_was_pressed_was_a_touch(opened: TimelineRow, end: str) -> None:
    assert keys(opened, row(9, "resolved", "沈值班", disposition="false_alarm"))[-1] == end


BLANKED = [
    (row(0, "opened", via="band"), "opened_help"),
    (row(0, "opened", "沈值班", via="telephone"), "opened_help"),
    (row(0, "opened", via="rule"), "opened_change"),
    (row(0, "handling", "沈值班"), "handling_somebody"),
    (row(0, "accepted", "沈值班"), "going_somebody"),
    (row(0, "en_route", "沈值班"), "on_the_way_somebody"),
    (row(0, "arrived", "沈值班"), "there_somebody"),
    (row(0, "joined", "冯娟"), "joined_somebody"),
    (row(0, "resolved", "沈值班"), "over"),
    (row(0, "arrived", "我", actor_id=ME), "there_you"),
]


@pytest.mark.parametrize(("entry", "key"), BLANKED)
def test_where_details_are_not_hers_to_know_nobody_is_named_who_may_only_have_written_it_down(
    entry: TimelineRow, key: str
) -> None:
    told = tell([entry], ME, knows=False)
    assert [(each.key, each.values) for each in told] == [(key, {})]
    for language in LANGUAGES:
        assert Translator(language)(f"tell.{key}", she="她", her="她")


def test_who_was_late() -> None:
    missed = row(30, "reopened", via="watch", reason="not_there_in_time")
    assert late([PRESS]) is None
    assert late([PRESS, GOES]) is None
    assert late([PRESS, GOES, missed]) == "蔡斌"
    assert late([PRESS, GOES, missed, row(31, "accepted", "冯娟")]) is None
    assert late([PRESS, GOES, row(3, "reopened", "蔡斌", reason="x")]) is None


@pytest.mark.parametrize(
    ("sees_health", "rows", "knows"),
    [
        (True, [row(0, "opened")], True),
        (False, [row(0, "opened")], False),
        (False, [row(0, "opened", trigger="button")], True),
        (False, [row(0, "opened"), row(1, "accepted", "我", actor_id=ME, told=[])], False),
    ],
)
def test_whose_details_are_known(sees_health: bool, rows: list[TimelineRow], knows: bool) -> None:
    whole = SimpleNamespace(incident=SimpleNamespace(sees_health=sees_health), timeline=rows)
    assert knows_details(cast(IncidentDetail, whole), ME) is knows
