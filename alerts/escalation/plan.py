"""What is written for one incident that is due: its case after the step, its timeline, its messages and their texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.escalation import planner
from alerts.escalation.claim import Claimed, Due, claimed
from alerts.escalation.decisions import (
    Decision,
    Message,
    Notify,
    Remind,
    Reopen,
    RingDesk,
    TellFamily,
    TellOwner,
    Wait,
)
from alerts.escalation.situation import PlanningContext
from alerts.incidents import store
from alerts.incidents.case import Case
from alerts.model.incident import IncidentKind
from alerts.notifications.outbox import Row
from alerts.texts import messages
from eldercare.platform.log import logger

AFTER_AN_ERROR = timedelta(seconds=30)

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is written for one incident."""

    case: Case
    events: list[tuple[str, dict[str, Any]]]
    rows: list[Row]


def plan_for(due: Due, planning: PlanningContext) -> Plan:
    """The next step of this incident; where it cannot be planned, to try it again later."""
    try:
        return _decide(claimed(due, planning), planning, due.now)
    except Exception:
        # One incident that cannot be planned must not keep the others waiting; it is tried again, and says so.
        _log.exception("step_failed", incident=due.case.id)
        return later(due)


def later(due: Due) -> Plan:
    """To try this incident's step again after `AFTER_AN_ERROR`, which its timeline says."""
    case = planner.apply(due.case, Wait(due.now + AFTER_AN_ERROR, "error"), due.now)
    return Plan(case, [("step_failed", {"retry_s": AFTER_AN_ERROR.seconds})], [])


def _decide(claimed: Claimed, planning: PlanningContext, now: datetime) -> Plan:
    """Decide and render the next step. A reopened incident takes its first step in the same statement."""
    policy = store.policy_of(claimed.policy)
    decision = planner.next_step(claimed.case, policy, claimed.contacts, planning, now, claimed.being_told)
    case = planner.apply(claimed.case, decision, now)
    events, rows = _events(claimed.case, decision), _rows(claimed, decision)
    if not isinstance(decision, Reopen):
        return Plan(case, events, rows)
    first = _decide(replace(claimed, case=case), planning, now)
    return Plan(first.case, events + first.events, rows + first.rows)


def _events(case: Case, decision: Decision) -> list[tuple[str, dict[str, Any]]]:
    """The rows of the timeline, in the order in which things happened."""
    match decision:
        case Notify():
            events: list[tuple[str, dict[str, Any]]] = [
                ("fell_through", {"round": case.round, "step": skipped.step, "reason": skipped.reason})
                for skipped in decision.skipped
            ]
            if decision.handling_ends:
                events.append(("handling_ended", {"reason": "ladder_spent", "handler": case.handler_id}))
            if decision.ask_120:
                events.append(("ask_120", {"round": case.round}))
            if decision.reason.startswith("nobody"):
                return [*events, (decision.reason, {"round": case.round, "next_due": decision.next_due.isoformat()})]
            people = sorted({message.person_id for message in decision.messages})
            step = {"round": case.round, "step": decision.step, "reason": decision.reason, "people": people}
            return [*events, ("step", step)]
        case RingDesk():
            people = sorted({message.person_id for message in decision.messages})
            return [("handling_ended", {"reason": decision.reason, "handler": case.handler_id, "people": people})]
        case TellOwner():
            return [("told_owner", {"presses": case.press_count, "reason": decision.reason})]
        case TellFamily():
            return [("told_family", {"people": sorted({message.person_id for message in decision.messages})})]
        case Reopen():
            return [("reopened", {"reason": decision.reason, "was": case.state, "owner_id": case.owner_id})]
        case Remind():
            return [("still_open", {"reason": decision.reason})]
        case _:
            return []


def _rows(claimed: Claimed, decision: Decision) -> list[Row]:
    match decision:
        case Notify():
            return _render(claimed, decision.messages, "alarm", decision.step)
        case TellFamily() | RingDesk():
            return _render(claimed, decision.messages, "alarm", None)
        case TellOwner():
            return _render(claimed, decision.messages, "pressed_again", None)
        case _:
            return []


def _render(claimed: Claimed, to: Sequence[Message], purpose: str, step: int | None) -> list[Row]:
    """The rows of these messages, calls first. The text is the same for everybody of a language on a channel."""
    case, context = claimed.case, claimed.context
    # "Pressed again" is about a button. A warning that became urgent is told as the alarm it now is.
    again = purpose == "pressed_again" and context.kind is IncidentKind.SOS
    write = messages.pressed_again if again else messages.alarm
    texts: dict[tuple[str, str, bool], dict[str, Any]] = {}
    written = []
    for message in sorted(to, key=lambda message: message.channel != "voice"):
        desk = message.desk and not again and context.somebody_has_to_go
        key = (message.language, message.channel, desk)
        if key not in texts:
            others = texts.get((message.language, "voice", False))
            if not desk:
                texts[key] = write(context, *key[:2])
            elif message.channel == "voice" and others is not None:
                texts[key] = messages.to_the_desk(others, message.language)
            else:
                texts[key] = messages.alarm(context, *key[:2], desk=True)
        row = Row(case.id, message.person_id, message.channel, message.address, purpose, message.language, texts[key])
        written.append(replace(row, round=case.round, step=step))
    return written
