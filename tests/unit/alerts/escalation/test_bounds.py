"""Times that a clock left too far ahead when it went back, and the opening of hours where the clocks are changed."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.escalation.bounds import bounded
from alerts.escalation.planner import Contact, Method, Notify, PlanningContext, apply, closed_until, next_step
from alerts.incidents import case as cases
from alerts.incidents.case import Case, Disposition
from alerts.policies.escalation_policy import Hours, Target
from tests.support.cases import NOW, an_open_case, defaults

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLANNING = PlanningContext({"voice": timedelta(minutes=12), "sms": timedelta(0)}, SHANGHAI)
SOS, TASK, WARNING = defaults()["sos", "sos"], defaults()["silent", "task"], defaults()["wandering", "warning"]
DUTY = Contact(1, "zh", frozenset({Target.DUTY}), (Method("voice", "+9991", NOW, 1), Method("sms", "+9991", NOW, 1)))

FRESH = an_open_case(next_step=0, stepped_at=None, due_at=NOW, press_count=1)
OWNED = cases.accept(FRESH, SOS, 1, "voice", NOW)
ON_SITE = cases.arrive(OWNED, SOS, 1, NOW)


@pytest.mark.parametrize(
    ("case", "policy", "due_s"),
    [
        (FRESH, SOS, 0),
        (replace(FRESH, next_step=1, stepped_at=NOW, due_at=NOW + timedelta(seconds=60)), SOS, 60),
        (replace(FRESH, next_step=2, stepped_at=NOW, due_at=NOW + timedelta(seconds=120)), SOS, 120),
        (replace(FRESH, next_step=3, stepped_at=NOW, due_at=NOW + timedelta(seconds=300)), SOS, 300),
        (replace(FRESH, next_step=2, stepped_at=NOW, due_at=NOW + timedelta(seconds=3600)), WARNING, 3600),
        (OWNED, SOS, 1200),
        (ON_SITE, SOS, 1200),
        (replace(cases.hand_to_120(FRESH, SOS, NOW), due_at=NOW + timedelta(seconds=1800)), SOS, 1800),
    ],
)
@pytest.mark.parametrize("back", [timedelta(minutes=61), timedelta(days=1), timedelta(days=400)])
def test_after_the_clock_went_back_nothing_waits_longer_than_its_policy(
    case: Case, policy: object, due_s: int, back: timedelta
) -> None:
    assert bounded(case, policy, PLANNING, NOW) == case  # type: ignore[arg-type]
    earlier = NOW - back
    within = bounded(case, policy, PLANNING, earlier)  # type: ignore[arg-type]
    assert within.due_at == earlier + timedelta(seconds=due_s)
    assert within.round_started_at == earlier
    assert within.arrival_due_at is None or within.arrival_due_at <= earlier + timedelta(seconds=1800)


def test_the_word_of_the_desk_stands_no_longer_than_it_would_have() -> None:
    later = NOW + timedelta(minutes=4)
    handled = replace(FRESH, handler_id=2, handling_until=later, called_again_at=NOW)
    earlier = NOW - timedelta(hours=1)
    within = bounded(handled, SOS, PLANNING, earlier)
    assert (within.handling_until, within.called_again_at) == (earlier + cases.HANDLING, earlier)
    assert bounded(handled, SOS, PLANNING, NOW).handling_until == later


def test_a_resolved_case_waits_for_nothing_anyway() -> None:
    over = cases.resolve(OWNED, Disposition.HELPED, NOW)
    assert bounded(over, SOS, PLANNING, NOW - timedelta(days=1)) == over


def test_the_pause_of_an_owner_who_was_told_is_bounded_too() -> None:
    told = replace(OWNED, times_told=3, tell_after=NOW + timedelta(minutes=4))
    assert bounded(told, SOS, PLANNING, NOW - timedelta(days=1)).tell_after == NOW - timedelta(days=1, minutes=-10)
    nowhere = defaults()["network", "urgent"]
    without = cases.accept(FRESH, nowhere, 1, "voice", NOW)
    assert bounded(without, nowhere, PLANNING, NOW - timedelta(days=1)).due_at == NOW - timedelta(days=1, minutes=-30)


def test_a_task_outside_its_hours_waits_for_the_next_opening_and_not_for_that_of_the_other_day() -> None:
    night = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    waiting = replace(FRESH, due_at=datetime(2026, 11, 26, 0, 0, tzinfo=UTC))
    assert bounded(waiting, TASK, PLANNING, night).due_at == datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
    assert bounded(waiting, TASK, PLANNING, NOW).due_at == NOW


def test_a_call_that_is_still_to_come_blocks_no_call() -> None:
    """Written before the clock went back by an hour: the carrier's limit does not count from there."""
    earlier = NOW - timedelta(hours=1)
    case = replace(FRESH, next_step=3, stepped_at=earlier - timedelta(minutes=5), round_started_at=earlier)
    decision = next_step(case, SOS, [DUTY], PLANNING, earlier)
    assert isinstance(decision, Notify)
    assert {message.channel for message in decision.messages} == {"voice", "sms"}
    assert apply(case, decision, earlier).due_at == earlier + timedelta(minutes=5)


def opens(hours: tuple[str, str], zone: str, local: str, fold: int = 0) -> str | None:
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold)
    found = closed_until(Hours(start=time.fromisoformat(hours[0]), end=time.fromisoformat(hours[1])), ZoneInfo(zone),
                         moment.astimezone(UTC))  # fmt: skip
    return None if found is None else found.astimezone(ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize(
    ("hours", "zone", "local", "fold", "expected"),
    [
        # Summer time ends: the hour from two to three comes twice.
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:10", 0, "2026-10-25T02:30:00+02:00"),
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:40", 0, None),
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:10", 1, "2026-10-25T02:30:00+01:00"),
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:40", 1, None),
        (("02:10", "02:20"), "Europe/Berlin", "2026-10-25T02:40", 0, "2026-10-25T02:10:00+01:00"),
        (("01:30", "20:00"), "America/New_York", "2026-11-01T01:10", 1, "2026-11-01T01:30:00-05:00"),
        (("01:45", "20:00"), "Australia/Lord_Howe", "2026-04-05T01:40", 1, "2026-04-05T01:45:00+10:30"),
        # It begins: an hour (at Lord Howe half of one) is left out, and what would begin in it begins after it.
        (("02:30", "20:00"), "Europe/Berlin", "2026-03-29T01:50", 0, "2026-03-29T03:00:00+02:00"),
        (("02:10", "02:50"), "Europe/Berlin", "2026-03-29T01:50", 0, "2026-03-30T02:10:00+02:00"),
        (("02:30", "20:00"), "America/New_York", "2026-03-08T01:50", 0, "2026-03-08T03:00:00-04:00"),
        (("02:10", "20:00"), "Australia/Lord_Howe", "2026-10-04T01:50", 0, "2026-10-04T02:30:00+11:00"),
        # Midnight itself may be left out, and a whole day was in Samoa.
        (("00:00", "20:00"), "America/Santiago", "2026-09-05T23:50", 0, "2026-09-06T01:00:00-03:00"),
        (("08:00", "20:00"), "Pacific/Apia", "2011-12-29T21:00", 0, "2011-12-31T08:00:00+14:00"),
        (("08:00", "20:00"), "Asia/Shanghai", "2026-11-24T20:00", 0, "2026-11-25T08:00:00+08:00"),
    ],
)
def test_hours_open_where_the_clocks_are_changed(
    hours: tuple[str, str], zone: str, local: str, fold: int, expected: str | None
) -> None:
    assert opens(hours, zone, local, fold) == expected


ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Shanghai",
    "America/Santiago",
    "Africa/Cairo",
)


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    moment=st.integers(0, 2 * 365 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    start=st.integers(0, 1438),
    minutes=st.integers(1, 1439),
)
def test_closed_hours_open_in_the_future_and_are_then_open(
    zone: ZoneInfo, moment: datetime, start: int, minutes: int
) -> None:
    end = min(start + minutes, 1439)
    hours = Hours(start=time(*divmod(start, 60)), end=time(*divmod(end, 60)))
    opening = closed_until(hours, zone, moment)
    if opening is not None:
        assert moment < opening <= moment + timedelta(days=2, hours=1)
        assert closed_until(hours, zone, opening) is None
        assert closed_until(hours, zone, opening - timedelta(seconds=1)) is not None
