"""What people answer by telephone: who they are, which incident they mean, what comes of it, and what they hear back.

The words of an answer are made after the change, from the facts as they are then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from alerts.incidents import desk, handling, store
from alerts.incidents.case import Disposition
from alerts.incidents.outcomes import Accepted, AlreadyHandled, AlreadyOwned, AlreadyYours, Handling, Joined, Over
from alerts.incidents.store import Held
from alerts.incidents.views import CalledFrom
from alerts.model.incident import IncidentState
from alerts.replies.parse import OUTCOMES, SHORT, Intent, Reply
from alerts.texts import messages
from alerts.texts.context import MessageContext
from alerts.texts.messages import Standing
from alerts.texts.phrases import either
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says something about which incident, by which way (`via`: voice, sms), on which `call` (provider's id);
    `desk`: called as one of the desk."""

    incident_id: int
    person_id: int
    language: str
    via: str
    desk: bool = False
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the person hears. `reason` names what came of it; `final`: there is nothing left to ask."""

    text: str
    language: str
    reason: str
    final: bool = True


async def act(
    conn: Connection, speaker: Speaker, intent: Intent, now: datetime, zone: tzinfo, held: Held | None = None
) -> Answered:
    """Do what the person means, and say what came of it. `held` is the incident, where the caller has locked it in this
    transaction. Raises NotFound.

    Somebody who says that they are on the way or there without having accepted has accepted by it.
    """
    if intent is Intent.ADDRESS:
        context = await handling.message_context(conn, speaker.incident_id, now, zone)
        return Answered(messages.spoken_address(context, speaker.language), speaker.language, "address", final=False)
    if intent is Intent.DECLINE:
        return await _decline(conn, speaker, now, zone, held)
    if intent is Intent.HANDLE:
        return await _handle(conn, speaker, now, zone, held)
    answered = await _accept(conn, speaker, now, zone, held)
    if intent is Intent.ACCEPT or answered.reason not in ("accepted", "already_yours"):
        return answered
    return await _report(conn, speaker, intent, now, zone)


async def by_text(conn: Connection, sender: str, reply: Reply, language: str, now: datetime, zone: tzinfo) -> Answered:
    """Act on an SMS from `sender` (E.164), and say what came of it. Never raises for what people write."""
    called = await handling.called_from(conn, sender)
    if not called:
        return Answered(messages.nothing_open(language), language, "nothing_open")
    language = called[0].language
    if reply.intent is None and reply.key is None:
        return await _ask_back(conn, _nearest(called), now, zone)
    meant = choose(called, reply)
    if not meant and reply.code is not None:
        likely = choose(called, replace(reply, code=None))
        others = await handling.message_contexts(conn, [each.incident_id for each in likely], now, zone)
        text = messages.not_open(reply.code, language, others, _word(reply, language))
        return Answered(text, language, "not_open")
    choices = (
        await handling.message_contexts(conn, [each.incident_id for each in meant], now, zone) if len(meant) > 1 else []
    )
    if len(choices) == 1:
        # The others cannot be read, and the desk is called about those.
        meant = [each for each in meant if each.incident_id == choices[0].incident_id]
    if len(meant) > 1:
        return Answered(messages.which(choices, language, _word(reply, language)), language, "which", final=False)
    one = meant[0]
    intent = reply.meant(desk=one.desk)
    if intent is None or (intent is Intent.HANDLE and not one.desk):
        return await _ask_back(conn, one, now, zone)
    if intent in OUTCOMES:
        return await _close(conn, one, intent, now, zone)
    return await act(conn, Speaker(one.incident_id, one.person_id, language, "sms", one.desk), intent, now, zone)


def _word(reply: Reply, language: str) -> str:
    """What they said, for a text that tells them to say it again with a code."""
    return reply.key or either(language, *SHORT[reply.intent or Intent.ACCEPT])


def _nearest(called: Sequence[CalledFrom]) -> CalledFrom:
    """The incident that a text which names none is most likely about: one's own, else one that nobody goes to."""
    own = (each for each in called if each.owner_id == each.person_id)
    free = (each for each in called if each.owner_id is None)
    return next(own, None) or next(free, called[0])


async def _ask_back(conn: Connection, one: CalledFrom, now: datetime, zone: tzinfo) -> Answered:
    """Ask back with the two answers that fit where they stand. Somebody who is asked nothing hears how far it is."""
    if one.owner_id is not None and one.owner_id != one.person_id:
        context = await handling.message_context(conn, one.incident_id, now, zone)
        return Answered(messages.taken(context, one.language), one.language, "not_understood", final=False)
    there = one.state == IncidentState.ON_SITE
    stands: Standing = "there" if there else "going" if one.owner_id else "desk" if one.desk else "asked"
    return Answered(messages.not_understood(one.language, stands), one.language, "not_understood", final=False)


async def _close(conn: Connection, one: CalledFrom, intent: Intent, now: datetime, zone: tzinfo) -> Answered:
    """End it, where the owner says how; what anybody else says of that is noted for the desk."""
    case, _ = await store.lock(conn, one.incident_id)
    if case.state is IncidentState.RESOLVED or case.owner_id != one.person_id:
        said = either(one.language, *SHORT[intent])
        await handling.add_note(conn, one.incident_id, one.person_id, "sms", said, now)
        return await _ask_back(conn, one, now, zone)
    await handling.resolve(conn, case.id, one.person_id, "sms", _ENDED[intent], None, now)
    context = await handling.message_context(conn, case.id, now, zone)
    return Answered(messages.closed(context, one.language), one.language, "closed")


_ENDED = {
    Intent.DONE: Disposition.HELPED,
    Intent.HOSPITAL: Disposition.HOSPITAL,
    Intent.FALSE_ALARM: Disposition.FALSE_ALARM,
}


async def waiting_for(
    conn: Connection, caller: str, now: datetime, zone: tzinfo
) -> tuple[CalledFrom, MessageContext] | None:
    """The incident that somebody who calls back should hear of: one that nobody owns first, the newest of those."""
    called = await handling.called_from(conn, caller)
    if not called:
        return None
    first = next((each for each in called if each.owner_id is None), called[0])
    return first, await handling.message_context(conn, first.incident_id, now, zone)


def choose(called: Sequence[CalledFrom], reply: Reply) -> list[CalledFrom]:
    """The incidents that a reply may mean: the named one; else, where there are several, those it makes sense for."""
    if reply.code is not None:
        return [each for each in called if each.incident_id == reply.code]
    if len(called) == 1:
        return list(called)
    own = [each for each in called if each.owner_id == each.person_id]
    free = [each for each in called if each.owner_id is None]
    # Somebody who has one in hand and is called to another may be unable to go to either.
    likely = {Intent.ACCEPT: free, Intent.HANDLE: free, Intent.DECLINE: own + free, Intent.ADDRESS: own or free}.get(
        reply.intent or Intent.ACCEPT, own
    )
    return likely or list(called)


async def _accept(conn: Connection, speaker: Speaker, now: datetime, zone: tzinfo, held: Held | None) -> Answered:
    answer = await handling.answer(
        conn, speaker.incident_id, speaker.person_id, speaker.via, now, speaker.call, zone, held
    )
    outcome, language = answer.outcome, speaker.language
    context = answer.context or await handling.message_context(conn, speaker.incident_id, now, zone)
    match outcome:
        case Accepted(told=told):
            text = messages.accepted(context, language, told)
        case AlreadyYours():
            text = messages.already_yours(context, language)
        case AlreadyOwned():
            text = messages.taken(context, language)
        case Joined(owner_name=owner):
            text = messages.joined(context, language, owner)
        case Over():
            text = messages.over(context, language)
    return Answered(text, language, outcome.reason)


async def _handle(conn: Connection, speaker: Speaker, now: datetime, zone: tzinfo, held: Held | None) -> Answered:
    outcome = await desk.handle(conn, speaker.incident_id, speaker.person_id, speaker.via, now, held)
    context, language = await handling.message_context(conn, speaker.incident_id, now, zone), speaker.language
    match outcome:
        case Handling():
            text = messages.handling(context, language)
        case AlreadyHandled(handler_name=name):
            text = messages.handled_by(context, language, name)
        case Over():
            text = messages.over(context, language)
    return Answered(text, language, outcome.reason)


async def _decline(conn: Connection, speaker: Speaker, now: datetime, zone: tzinfo, held: Held | None) -> Answered:
    try:
        outcome = await handling.decline(
            conn, speaker.incident_id, speaker.person_id, speaker.via, now, speaker.call, held
        )
    except Conflict:  # resolved meanwhile, or already at the door
        return await _as_it_is(conn, speaker, now, zone)
    context, language = await handling.message_context(conn, speaker.incident_id, now, zone), speaker.language
    if outcome.reason == "noted":
        return Answered(messages.taken(context, language), language, "already_owned")
    return Answered(messages.declined(context, language), language, "passed")


async def _report(conn: Connection, speaker: Speaker, intent: Intent, now: datetime, zone: tzinfo) -> Answered:
    report = handling.en_route if intent is Intent.EN_ROUTE else handling.arrive
    try:
        await report(conn, speaker.incident_id, speaker.person_id, speaker.via, now)
    except Conflict:  # said twice
        return await _as_it_is(conn, speaker, now, zone)
    context = await handling.message_context(conn, speaker.incident_id, now, zone)
    text = messages.on_the_way if intent is Intent.EN_ROUTE else messages.arrived
    return Answered(text(context, speaker.language), speaker.language, intent)


async def _as_it_is(conn: Connection, speaker: Speaker, now: datetime, zone: tzinfo) -> Answered:
    context, language = await handling.message_context(conn, speaker.incident_id, now, zone), speaker.language
    case, _ = await store.lock(conn, speaker.incident_id)
    if case.state is IncidentState.RESOLVED:
        return Answered(messages.over(context, language), language, "over")
    return Answered(messages.already_yours(context, language), language, "already_yours")
