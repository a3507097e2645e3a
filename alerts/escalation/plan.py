"""What is written for one incident that is due: its case after the step, its timeline, its messages and their texts."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.escalation import planner
from alerts.escalation.claim import Claimed, Due, claimed
from alerts.escalation.decisions import (
    AskWearer,
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
from alerts.texts import messages, wearer
from eldercare.platform.log import logger

AFTER_AN_ERROR = timedelta(seconds=30)
BUZZ_FOR = timedelta(seconds=45)
"""How long a band may do what it is asked to while the wearer is asked, at the least: also where the step came late."""

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
    decision = planner.next_step(
        claimed.case, policy, claimed.contacts, planning, now, claimed.being_told, claimed.wearer
    )
    case = planner.apply(claimed.case, decision, now)
    events, rows = _events(claimed.case, decision), _rows(claimed, decision, now)
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
            if case.asking:
                events.insert(0, ("wearer_silent", {}))
            if decision.handling_ends:
                events.append(("handling_ended", {"reason": "ladder_spent", "handler": case.handler_id}))
            if decision.ask_120:
                events.append(("ask_120", {"round": case.round}))
            if decision.reason.startswith("nobody"):
                return [*events, (decision.reason, {"round": case.round, "next_due": decision.next_due.isoformat()})]
            people = sorted({message.person_id for message in decision.messages})
            step = {"round": case.round, "step": decision.step, "reason": decision.reason, "people": people}
            return [*events, ("step", step)]
        case AskWearer():
            ways = [way for way, there in (("voice", decision.phone), ("band", decision.band)) if there]
            return [("asked_wearer", {"ways": ways, "next_due": decision.next_due.isoformat()})]
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


def _rows(claimed: Claimed, decision: Decision, now: datetime) -> list[Row]:
    match decision:
        case AskWearer():
            return _ask(claimed, decision, now)
        case Notify():
            return _render(claimed, decision.messages, "alarm", decision.step)
        case TellFamily() | RingDesk():
            return _render(claimed, decision.messages, "alarm", None)
        case TellOwner():
            return _render(claimed, decision.messages, "pressed_again", None)
        case _:
            return []


def _ask(claimed: Claimed, ask: AskWearer, now: datetime) -> list[Row]:
    """The call to the wearer first, and what the band is to do.

    A band that hears a command when people are called already lets it be: nobody waits for it then.
    """
    case, language = claimed.case, ask.language
    rows = []
    if ask.phone is not None:
        content = wearer.ask(claimed.context, language)
        rows.append(Row(case.id, None, "voice", ask.phone, "ask", language, content))
    expires_at = max(ask.next_due, now + BUZZ_FOR).isoformat()
    for action in ask.commands if ask.band is not None else ():
        content = {"id": secrets.token_hex(8), "action": action, "expires_at": expires_at}
        rows.append(Row(case.id, None, "band", ask.band or "", "command", language, content))
    return [replace(row, round=case.round, step=ask.step) for row in rows]


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
