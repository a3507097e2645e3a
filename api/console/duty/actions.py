"""What people do with an incident by a click: the same nouns as the API calls, answered in words."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, status

from alerts.incidents import desk, handling, known, permissions
from alerts.incidents.actions import Action
from alerts.incidents.case import Case, Disposition
from alerts.incidents.desk import Candidate
from alerts.incidents.detail import Incident
from alerts.incidents.outcomes import AcceptOutcome, AlreadyOwned, HandleOutcome, Handling, Joined, Over
from alerts.model.incident import IncidentKind, IncidentState, Severity
from api.console.duty import cards, queries
from api.console.shell import render
from api.console.shell.login import see
from api.console.shell.screen import CurrentScreen, Screen
from api.deps import Db, Id
from eldercare.accounts import audit
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput

router = APIRouter(include_in_schema=False)

VIA = "console"
BY_HAND = tuple(each for each in Disposition if each not in (Disposition.CLEARED, Disposition.FOUND))
"""What a person can choose, besides that somebody who wandered off is found; `cleared` is for the rules."""
Note = Annotated[str, Form(max_length=2000)]
Seen = Annotated[str, Form(max_length=60)]
"""What the person had before their eyes, as `cards.seen` wrote it; empty where a form does not say."""
Change = Callable[[Connection, int, int, str, datetime], Awaitable[object]]


@router.post("/incidents/{id}/accept")
async def accept(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """ "I am going." A person who is too late hears who goes."""
    viewer = queries.viewer_of(screen)
    incident = await _may(conn, screen, id, Action.ACCEPT)
    if _another(incident, seen):
        return await _refuse(request, conn, screen, incident, changed=True)
    outcome = await handling.accept(conn, id, viewer.person_id, VIA, screen.when.now)
    return _answer(request, screen, incident, _accepted(screen, outcome), error=isinstance(outcome, AlreadyOwned))


@router.post("/incidents/{id}/handle")
async def handle(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """ "I am handling it, keep calling." """
    viewer = queries.viewer_of(screen)
    incident = await _may(conn, screen, id, Action.HANDLE)
    if _changed(incident, seen):
        return await _refuse(request, conn, screen, incident, changed=True)
    outcome = await desk.handle(conn, id, viewer.person_id, VIA, screen.when.now)
    return _answer(request, screen, incident, _handled(screen, outcome), error=isinstance(outcome, Over))


@router.get("/incidents/{id}/send")
@router.get("/incidents/{id}/add")
async def ask_form(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """The form for asking one person by name."""
    action = _asked_for(request)
    incident = await _may(conn, screen, id, action)
    return await _ask_form(request, conn, screen, incident, action)


@router.post("/incidents/{id}/send")
@router.post("/incidents/{id}/add")
async def ask(
    request: Request,
    id: Id,
    conn: Db,
    screen: CurrentScreen,
    person_id: Annotated[str, Form(max_length=20)] = "",
    seen: Seen = "",
) -> Response:
    """Ask one person by name: to go, or to go as well."""
    action = _asked_for(request)
    viewer = queries.viewer_of(screen)
    incident = await _may(conn, screen, id, action)
    if _changed(incident, seen):
        return await _refuse(request, conn, screen, incident, changed=True)
    ask_them = desk.send if action is Action.SEND else desk.add
    try:
        number = int(person_id) if person_id.isascii() and person_id.isdecimal() else 0
        asked = await ask_them(conn, id, viewer.person_id, number, VIA, screen.when.now)
    except InvalidInput:
        return await _ask_form(request, conn, screen, incident, action, screen.t("ask.choose"))
    except Conflict:
        return await _refuse(request, conn, screen, incident)
    done = "done.sent" if action is Action.SEND else "done.added"
    return _answer(request, screen, incident, screen.t(done, name=asked.person_name))


@router.get("/incidents/{id}/take-back")
async def take_back_form(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """The question whether to take the owner off, with their name."""
    incident = await _may(conn, screen, id, Action.TAKE_BACK)
    if incident.owner_name is None:
        return await _refuse(request, conn, screen, incident)
    return render.dialog(
        request,
        screen,
        "parts/take_back.html",
        screen.t("take_back.title", name=cards.name(screen, incident)),
        card=await queries.card_of(conn, screen, incident),
        owner=incident.owner_name,
        alarms=[] if render.is_part(request) else await queries.alarms(conn, screen),
    )


@router.post("/incidents/{id}/take-back")
async def take_back(
    request: Request, id: Id, conn: Db, screen: CurrentScreen, note: Note = "", seen: Seen = ""
) -> Response:
    """Take the owner off, and start the policy again."""

    async def back(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> Case:
        return await desk.take_back(conn, incident_id, person_id, via, note.strip() or None, now)

    return await _change(request, conn, screen, id, Action.TAKE_BACK, back, seen)


@router.post("/incidents/{id}/call-again")
async def call_again(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """Start the policy at its first step, now."""
    return await _change(request, conn, screen, id, Action.CALL_AGAIN, desk.call_again, seen)


@router.post("/incidents/{id}/pass")
async def pass_on(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """ "I cannot go." """
    viewer = queries.viewer_of(screen)
    incident = await _may(conn, screen, id, Action.DECLINE)
    if _changed(incident, seen):
        return await _refuse(request, conn, screen, incident, changed=True)
    try:
        passed = await handling.decline(conn, id, viewer.person_id, VIA, screen.when.now)
    except Conflict:
        return await _refuse(request, conn, screen, incident)
    return _answer(request, screen, incident, screen.t(f"done.{passed.reason}"))


@router.post("/incidents/{id}/en-route")
async def en_route(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """The owner has left."""
    return await _change(request, conn, screen, id, Action.EN_ROUTE, handling.en_route, seen)


@router.post("/incidents/{id}/arrive")
async def arrive(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """Somebody is there."""
    return await _change(request, conn, screen, id, Action.ARRIVE, handling.arrive, seen)


@router.post("/incidents/{id}/reopen")
async def reopen(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """Start again at the first step."""

    async def again(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> Case:
        return await handling.reopen(conn, incident_id, person_id, via, None, now)

    return await _change(request, conn, screen, id, Action.REOPEN, again, seen)


@router.get("/incidents/{id}/hand-to-120")
async def handover_form(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """What to say to 120, and the button that confirms it was said."""
    incident = await _may(conn, screen, id, Action.HAND_TO_120)
    await audit.record(conn, queries.viewer_of(screen), "file", resident_id=incident.resident_id)
    card = await queries.card_of(conn, screen, incident)
    facts = await _to_say(conn, screen, incident)
    waiting = await queries.alarms(conn, screen)
    title = screen.t("handover.title", name=card.name)
    return render.dialog(request, screen, "parts/handover.html", title, card=card, facts=facts, alarms=waiting)


@router.post("/incidents/{id}/hand-to-120")
async def hand_to_120(request: Request, id: Id, conn: Db, screen: CurrentScreen, seen: Seen = "") -> Response:
    """120 was called."""
    return await _change(request, conn, screen, id, Action.HAND_TO_120, handling.hand_to_120, seen)


@router.get("/incidents/{id}/resolve")
async def resolve_form(request: Request, id: Id, conn: Db, screen: CurrentScreen) -> Response:
    """The form that asks how it ended."""
    incident = await _may(conn, screen, id, Action.RESOLVE)
    return await _resolve_form(request, conn, screen, incident)


@router.post("/incidents/{id}/resolve")
async def resolve(
    request: Request,
    id: Id,
    conn: Db,
    screen: CurrentScreen,
    disposition: Annotated[str, Form(max_length=40)] = "",
    note: Note = "",
    known_h: Annotated[str, Form(max_length=10)] = "",
    seen: Seen = "",
) -> Response:
    """It is over, or known for some hours (`known_h`, one of the form's; anything else: for as long as usual)."""
    incident = await _may(conn, screen, id, Action.RESOLVE)
    if disposition not in _dispositions(incident):
        return await _resolve_form(request, conn, screen, incident, note, screen.t("resolve.choose"))
    incident = cards.known(incident)
    known_for = {_hours(each): each for each in _known_choices(incident)}.get(known_h)

    async def close(conn: Connection, incident_id: int, person_id: int, via: str, now: datetime) -> None:
        await handling.resolve(conn, incident_id, person_id, via, disposition, note.strip() or None, now, known_for)

    return await _change(request, conn, screen, id, Action.RESOLVE, close, seen)


@router.post("/incidents/{id}/notes")
async def add_note(request: Request, id: Id, conn: Db, screen: CurrentScreen, text: Note = "") -> Response:
    """Write a note into the timeline; an empty one is ignored."""
    viewer = queries.viewer_of(screen)
    incident = await _may(conn, screen, id, Action.NOTE)
    if text.strip():
        await handling.add_note(conn, id, viewer.person_id, VIA, text, screen.when.now)
    return _answer(request, screen, incident, screen.t("done.note"), reset="note")


async def _may(conn: Connection, screen: Screen, incident_id: int, action: Action) -> Incident:
    """The incident. Raises NotFound where it does not exist for the viewer, Forbidden where they may not do this."""
    viewer = queries.viewer_of(screen)
    whole = await handling.get(conn, viewer, incident_id)
    permissions.require(viewer, whole, action)
    return whole.incident


async def _change(
    request: Request, conn: Connection, screen: Screen, incident_id: int, action: Action, change: Change, seen: str
) -> Response:
    viewer = queries.viewer_of(screen)
    incident = await _may(conn, screen, incident_id, action)
    if _changed(incident, seen):
        return await _refuse(request, conn, screen, incident, changed=True)
    try:
        await change(conn, incident_id, viewer.person_id, VIA, screen.when.now)
    except Conflict:
        return await _refuse(request, conn, screen, incident)
    return _answer(request, screen, incident, cards.said(screen, "done", action, incident))


def _answer(
    request: Request, screen: Screen, incident: Incident, text: str, *, error: bool = False, reset: str | None = None
) -> Response:
    """Say what was done, and with whose incident, because another card may be where this one was."""
    if render.is_part(request):
        text = screen.t("done.about", name=cards.name(screen, incident), text=text)
        return render.done(text, error=error, close_dialog=True, reset=reset)
    return see(f"/incidents/{incident.id}")


def _asked_for(request: Request) -> Action:
    return Action.SEND if request.url.path.endswith("/send") else Action.ADD


def _another(incident: Incident, seen: str) -> bool:
    """Whether the person looked at another incident: a card that moved under a finger."""
    return bool(seen) and seen.partition(":")[0] != str(incident.id)


def _changed(incident: Incident, seen: str) -> bool:
    """Whether the incident is not as the person saw it: another one, further on, or somebody else's."""
    return bool(seen) and seen != cards.seen(incident)


async def _refuse(
    request: Request, conn: Connection, screen: Screen, before: Incident, *, changed: bool = False
) -> Response:
    """Say why it is not possible, from the state as it is now: it was a second click, or somebody was faster."""
    incident = (await handling.get(conn, queries.viewer_of(screen), before.id)).incident
    name = incident.owner_name or screen.t("conflict.somebody")
    text = screen.t("conflict.changed" if changed else f"conflict.{IncidentState(incident.state)}", name=name)
    if render.is_part(request):
        return render.done(text, error=True, close_dialog=True)
    title = screen.t("error.conflict")
    facts = {"title": title, "text": text, "home": f"/incidents/{incident.id}"}
    return render.page(request, screen, "error.html", status.HTTP_409_CONFLICT, **facts)


def _accepted(screen: Screen, outcome: AcceptOutcome) -> str:
    name = outcome.owner_name if isinstance(outcome, AlreadyOwned | Joined) else ""
    return screen.t(f"done.{outcome.reason}", name=name)


def _handled(screen: Screen, outcome: HandleOutcome) -> str:
    if not isinstance(outcome, Handling):
        return screen.t("done.over")
    if outcome.instead_of is not None:
        return screen.t("done.handling_over", name=outcome.instead_of)
    return screen.t("done.handling_still" if outcome.renewed else "done.handling")


async def _ask_form(
    request: Request, conn: Connection, screen: Screen, incident: Incident, action: Action, error: str | None = None
) -> Response:
    viewer = queries.viewer_of(screen)
    found = await desk.candidates(conn, incident.id)
    people = [
        (str(each.person_id), _described(screen, each))
        for each in found
        if each.person_id not in (viewer.person_id, incident.owner_id)
    ]
    return render.dialog(
        request,
        screen,
        "parts/ask.html",
        screen.t(f"ask.{action}", name=cards.name(screen, incident)),
        status.HTTP_422_UNPROCESSABLE_CONTENT if error else status.HTTP_200_OK,
        card=await queries.card_of(conn, screen, incident),
        action=action,
        people=people,
        error=error,
        alarms=[] if render.is_part(request) else await queries.alarms(conn, screen),
    )


def _described(screen: Screen, candidate: Candidate) -> str:
    """What the person is to the resident, and what speaks for asking them: "赵招娣 · 邻居 · 有钥匙"."""
    t = screen.t
    kind = f"contact.{candidate.kind}" if t.known(f"contact.{candidate.kind}") else f"role.{candidate.kind}"
    words = [candidate.name, candidate.relation or t(kind)]
    words += [t("ask.key")] if candidate.holds_key else []
    words += [t("ask.called")] if candidate.called else []
    words += [] if candidate.reachable else [t("ask.no_number")]
    return " · ".join(words)


async def _resolve_form(
    request: Request, conn: Connection, screen: Screen, incident: Incident, note: str = "", error: str | None = None
) -> Response:
    card = await queries.card_of(conn, screen, incident)
    incident = cards.known(incident)
    return render.dialog(
        request,
        screen,
        "parts/resolve.html",
        screen.t("resolve.title", name=card.name),
        status.HTTP_422_UNPROCESSABLE_CONTENT if error else status.HTTP_200_OK,
        card=card,
        dispositions=[(str(each), screen.t(f"disposition.{each}")) for each in _dispositions(incident)],
        chosen=None,
        known=[(_hours(each), screen.when.span(each)) for each in _known_choices(incident)],
        known_h=_hours(known.by_default(_gravest(incident))),
        note=note,
        error=error,
        alarms=[] if render.is_part(request) else await queries.alarms(conn, screen),
    )


def _dispositions(incident: Incident) -> tuple[Disposition, ...]:
    """How it can have ended, what is most likely first where the kind says."""
    return (Disposition.FOUND, *BY_HAND) if incident.kind == IncidentKind.WANDERING else BY_HAND


def _known_choices(incident: Incident) -> tuple[timedelta, ...]:
    """How long it may be known while it goes on; nothing where it does not, or where that is not shown."""
    return known.choices(_gravest(incident)) if known.goes_on(incident.detail or {}) else ()


def _gravest(incident: Incident) -> Severity:
    return known.gravest(Severity(incident.severity), incident.wearer_said)


def _hours(length: timedelta) -> str:
    return str(length // timedelta(hours=1))


async def _to_say(conn: Connection, screen: Screen, incident: Incident) -> list[tuple[str, str]]:
    """What 120 asks, in the order in which it does: where, what, who, and what is known of their health."""
    card = await queries.card_of(conn, screen, incident)
    said: list[tuple[str, str | None]] = [
        ("address", card.address),
        ("entry", card.entry),
        ("position", card.position),
        ("what", cards.title(screen, incident)),
        ("who", " · ".join(filter(None, (card.name, card.age_and_gender)))),
        ("heart", card.heart),
    ]
    said += [*card.medical, ("phone", card.phone)]
    return [(name, value) for name, value in said if value]
