"""Times that a clock left too far ahead when it went back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.escalation.bounds import bounded
from alerts.escalation.decisions import Notify
from alerts.escalation.planner import apply, next_step
from alerts.escalation.situation import Contact, Method, PlanningContext
from alerts.incidents import case as cases
from alerts.incidents.case import Case, Disposition
from alerts.policies.escalation_policy import Target
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
