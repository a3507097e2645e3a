"""At most four sentences, the worst first, and none that judges what cannot be judged."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from api.console.clinic.nights import Baseline, Trend
from api.console.clinic.numbers import Activity
from api.console.clinic.since import MOST, Event, Weeks, say
from api.console.clinic.wear import Gap, Known, Shares
from tests.unit.api.console.clinic.weeks import NOW

ENOUGH, THIN = Shares(1000, 1000, 900, 900), Shares(1000, 1000, 900, 410)
USUAL = Baseline(58, 4.5, 28)
UP = Trend(67, 9, 6, 7, 2.1, said=True)
CALM = Weeks([], USUAL, Trend(58, 0, 0, 7, 0.0, said=False), ENOUGH, None)


def event(severity: str = "sos", kind: str = "sos", **values: Any) -> Event:
    known: dict[str, Any] = {"id": 1, "at": NOW, "source": "button", "outcome": "helped", "found": None, "who": None}
    return Event(**{**known, "kind": kind, "severity": severity, "to_door_min": None, **values})


def keys(weeks: Weeks) -> list[str]:
    return [each.key for each in say(weeks)]


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        (CALM, []),
        (replace(CALM, trend=None), ["few_nights"]),
        (replace(CALM, usual=None, trend=None), ["no_baseline"]),
        (replace(CALM, usual=None, trend=None, shares=THIN), ["thin"]),
        (replace(CALM, trend=UP), ["rate_up"]),
        (replace(CALM, trend=UP._replace(difference=-9)), ["rate_down"]),
        (replace(CALM, trend=UP._replace(said=False)), []),
        (replace(CALM, trend=UP, shares=THIN), ["thin"]),
        (replace(CALM, events=[event()]), ["sos_once"]),
        (replace(CALM, events=[event(found="头晕")]), ["sos_once_found"]),
        (replace(CALM, events=[event(outcome="false_alarm"), event(outcome="test")]), []),
        (replace(CALM, events=[event(), event()]), ["sos_often"]),
        (replace(CALM, events=[event(outcome=None)]), ["sos_now"]),
        (replace(CALM, events=[event(outcome=None), event()]), ["sos_now", "sos_once"]),
        (replace(CALM, events=[event("urgent", "heart_rate")]), ["urgent_once"]),
        (replace(CALM, events=[event("warning", "stillness")]), ["warning_once"]),
        (replace(CALM, events=[event("warning", "off_wrist"), event("task", "resting_rate")]), []),
        (replace(CALM, activity=Activity(4000, 4000, 0, 13)), []),
        (replace(CALM, activity=Activity(4000, None, 0, 13)), []),
        (replace(CALM, activity=Activity(1900, 4000, 6, 13)), ["steps"]),
        (replace(CALM, activity=Activity(2100, 4000, 7, 13)), ["steps"]),
        (replace(CALM, gaps=[Gap(0, 300, Known.OFF)]), ["gap"]),
        (replace(CALM, gaps=[Gap(0, 300, Known.OFF), Gap(500, 2000, Known.SILENT)]), ["gaps"]),
        (replace(CALM, gaps=[Gap(0, 3000, Known.BEFORE)]), []),
    ],
)
def test_each_is_said_where_it_is_so(weeks: Weeks, expected: list[str]) -> None:
    assert keys(weeks) == expected


def test_the_worst_comes_first_and_there_are_four() -> None:
    everything = Weeks(
        [event("warning", "heart_rate"), event("urgent", "stillness"), event()],
        USUAL,
        UP,
        ENOUGH,
        Activity(1000, 4000, 13, 13),
        [Gap(0, 300, Known.OFF)],
    )
    assert keys(everything) == ["sos_once", "urgent_once", "rate_up", "warning_once"]
    assert len(say(everything)) == MOST


def test_several_calls_are_told_by_the_newest_and_by_their_kind_where_they_share_one() -> None:
    earlier = event(at=NOW - timedelta(days=2), found="没吃饭")
    said = say(replace(CALM, events=[event(found="头晕"), earlier]))[0]
    assert (said.values["n"], said.values["at"], said.values["found"]) == (2, NOW, "头晕")
    assert said.values["kind"] == "sos:button"
    assert say(replace(CALM, events=[event(), event(source="fall")]))[0].values["kind"] == "several"


def test_the_longest_gap_is_the_one_that_is_named() -> None:
    said = say(replace(CALM, gaps=[Gap(0, 300, Known.OFF), Gap(500, 2000, Known.SILENT)]))[0]
    assert said.values == {"length": 1500, "day": 500, "why": Known.SILENT, "n": 2}


def test_what_is_below_the_limit_never_reads_as_the_limit() -> None:
    said = say(replace(CALM, shares=Shares(1000, 1000, 999, 699)))[0]
    assert (said.key, said.values) == ("thin", {"percent": 69})
