"""Takes what the provider posts: how calls and texts went on, keys, replies, calls to us. Refuses what is not signed.

Nothing is lost while the database is away: a call waits with its key and hands it in again; a status waits in the
request, as long as the provider does. An address names the message by its reference (`r`), and the round (`o`) where
that is not the message's own. Addresses of the version before have a row's number (`n`) or an incident's (`i`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Annotated, TypeVar, cast
from urllib.parse import urlencode

import psycopg
import psycopg_pool
from fastapi import APIRouter, Depends, Query, Request, Response, status

from alerts.channels import registry
from alerts.channels.callbacks import Dialect, Form, Key, StatusChange
from alerts.incidents import handling, store
from alerts.incidents.case import Case
from alerts.model import notification, references
from alerts.model.incident import IncidentState
from alerts.model.references import Reference
from alerts.notifications import receipts
from alerts.notifications.receipts import About, Receipt
from alerts.replies import asked as questions
from alerts.replies import handle, heard, unmatched, wearer
from alerts.replies.asked import Asked
from alerts.replies.handle import Answered, Speaker
from alerts.replies.parse import Intent, by_key, for_the_carrier, understand
from alerts.texts import messages
from alerts.texts import wearer as wearer_texts
from api.deps import SettingsOf, pools_of, settings_of
from api.receipts import Receipts
from eldercare.platform import clock
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput, NotFound
from eldercare.platform.log import logger
from eldercare.platform.settings import Settings

PATH = "/webhooks"
"""The name of the provider follows it."""
AGAIN_S = 3
MOST_AGAIN = 20
"""A minute of waiting on the line; after it the person is asked to ring the desk."""

STATUS_WAITS_S = 12.0
"""Seconds that a status waits for the database. Twilio gives a callback 15 s with all its tries, and makes no other try
for a 5xx unless the address asks for one (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
Within those 15 s a request that waits is worth more than tries."""
ANSWERS_WITHIN_S = 4.0
"""Seconds within which an answer is committed or not at all, well before the provider gives up and the person hears
nothing."""
TEXT_WAITS_S = 8.0
"""Seconds for which a text is tried before its sender is asked to say it again. The last try may take longer than that
by `ANSWERS_WITHIN_S`."""
TEXT_AGAIN_S = 0.5

router = APIRouter(prefix=PATH, include_in_schema=False)
_log = logger(__name__)
T = TypeVar("T")

SORRY = f"{messages.sorry('zh')} {messages.sorry('en')}"
Again = Annotated[int, Query(ge=0, le=MOST_AGAIN)]
Number = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


def _about(
    r: Annotated[str | None, Query(pattern=references.PATTERN)] = None,
    n: Number = None,
) -> About | None:
    if r is not None:
        return About(Reference(r))
    return About(number=n) if n is not None else None


AboutOf = Annotated[About | None, Depends(_about)]


@dataclass(frozen=True, slots=True)
class _Posted:
    """What a provider has posted: its name, how it speaks, and the form, which is its own beyond doubt."""

    provider: str
    dialect: Dialect
    form: Form


async def _posted(request: Request, provider: str) -> _Posted:
    found = registry.named(provider)
    if found is None:
        raise NotFound("provider", provider)
    settings = settings_of(request)
    form = {name: str(value) for name, value in (await request.form()).items()}
    url = f"{settings.public_url or ''}{request.scope['raw_path'].decode('latin-1')}"
    query = request.scope["query_string"].decode("latin-1")
    dialect = found.dialect()
    dialect.authenticate(settings, f"{url}?{query}" if query else url, form, request.headers)
    return _Posted(provider, dialect, form)


PostedOf = Annotated[_Posted, Depends(_posted)]


@router.post("/{provider}/call-status", status_code=status.HTTP_204_NO_CONTENT)
async def call_status(request: Request, posted: PostedOf, about: AboutOf) -> None:
    """How a call went on."""
    await _record(request, about, posted.provider, posted.dialect.call_status(posted.form))


@router.post("/{provider}/amd", status_code=status.HTTP_204_NO_CONTENT)
async def answered_by(request: Request, posted: PostedOf, about: AboutOf) -> None:
    """Whether a machine answered; if so, others are called at once."""
    await _record(request, about, posted.provider, posted.dialect.answered_by(posted.form))


@router.post("/{provider}/message-status", status_code=status.HTTP_204_NO_CONTENT)
async def message_status(request: Request, posted: PostedOf, about: AboutOf) -> None:
    """How a text went on."""
    await _record(request, about, posted.provider, posted.dialect.message_status(posted.form))


@router.post("/{provider}/gather")
async def gather(
    request: Request,
    posted: PostedOf,
    settings: SettingsOf,
    about: AboutOf,
    i: Number = None,
    o: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    d: Annotated[str | None, Query(max_length=1)] = None,
    sure: Annotated[bool, Query()] = False,
    again: Again = 0,
) -> Response:
    """A key in a call of ours, or of somebody who called back. `o` is the round that it answers for. `sure` says that
    they were asked once more."""
    dialect = posted.dialect
    key = dialect.key(posted.form, d)
    pressed = _Pressed(posted, key, about, i, o, sure, f"{request.url.path}?{request.url.query}")

    async def answer(conn: Connection, now: datetime) -> str:
        return await _answer_key(conn, pressed, settings, now)

    try:
        document = await _while_there_is_a_database(request, answer)
    except (Conflict, NotFound) as error:
        # Such as an incident that this version cannot read: they hear that their key counts for nothing.
        _log.warning("key_refused", error=error)
        document = dialect.farewell([messages.sorry("zh"), messages.sorry("en")], "zh")
    return _said(posted, document or _wait(posted, settings, "gather", {**pressed.query(), "d": key.digit}, again))


@router.post("/{provider}/voice")
async def incoming_call(request: Request, posted: PostedOf, settings: SettingsOf, again: Again = 0) -> Response:
    """Somebody calls us back: they hear the incident they were called to, and may accept."""
    call = posted.dialect.incoming_call(posted.form)

    async def answer(conn: Connection, now: datetime) -> str:
        return await _greet(conn, posted, call.caller, settings, now)

    document = await _while_there_is_a_database(request, answer)
    return _said(posted, document or _wait(posted, settings, "voice", {}, again))


@router.post("/{provider}/sms")
async def incoming_text(request: Request, posted: PostedOf, settings: SettingsOf) -> Response:
    """Somebody replies by SMS, with a digit or words, and maybe the code of the incident."""
    dialect = posted.dialect
    text = dialect.incoming_text(posted.form)
    if for_the_carrier(text.body):
        return _said(posted, dialect.reply(None))

    async def answer(conn: Connection, now: datetime) -> str:
        name = text.name
        if name and (before := await heard.again(conn, name, now)) is not None:
            return dialect.reply(before.answer)
        answered = await handle.by_text(conn, text.sender, understand(text.body), "zh", now, settings.zone)
        signed = messages.signed(answered.text, answered.language)
        if name:
            await heard.answered(conn, name, signed)
        return dialect.reply(signed)

    # Nobody hands a text in again, so it is tried as long as the provider waits; then the person is asked to.
    until = monotonic() + TEXT_WAITS_S
    try:
        said = await _while_there_is_a_database(request, answer)
        while said is None and monotonic() < until:
            await asyncio.sleep(TEXT_AGAIN_S)
            said = await _while_there_is_a_database(request, answer)
    except (Conflict, NotFound) as error:
        _log.warning("text_refused", error=error)
        said = None
    return _said(posted, said or dialect.reply(messages.signed(SORRY, "zh")))


async def _while_there_is_a_database(
    request: Request, work: Callable[[Connection, datetime], Awaitable[T]]
) -> T | None:
    """What `work` says, in one transaction; None while the database is away, or somebody holds what it is about.

    With None nothing of it counts, and after `ANSWERS_WITHIN_S` nothing of it will: nobody becomes an owner unheard.
    """
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S), pools_of(request).webhooks.connection(PATH) as conn:
            return await work(conn, await clock.now(conn))
    except (psycopg.OperationalError, psycopg.InternalError, psycopg_pool.PoolTimeout, TimeoutError) as error:
        # InternalError: we were stopped so long within it that the server has ended the transaction.
        _log.warning("answer_waits", path=request.url.path, error=error)
        return None


@dataclass(frozen=True, slots=True)
class _Pressed:
    """A key, and what it answers according to the address."""

    posted: _Posted
    key: Key
    about: About | None
    incident_id: int | None
    round: int | None
    sure: bool
    path: str

    def query(self) -> dict[str, object]:
        """The query of the address, for another that says the same."""
        about = self.about or About()
        said = {"r": about.reference, "n": about.number, "i": self.incident_id, "o": self.round}
        kept: dict[str, object] = {name: value for name, value in said.items() if value is not None}
        return {**kept, "sure": 1} if self.sure else kept


async def _greet(
    conn: Connection, posted: _Posted, caller: str, settings: Settings, now: datetime, first: Sequence[str] = ()
) -> str:
    """What a caller hears about what is open for their number, after the words of `first`."""
    found = await handle.waiting_for(conn, caller, now, settings.zone) if caller else None
    asked = await questions.find_of_wearer(conn, caller, now) if found is None and caller else None
    if asked is not None:
        facts = await handling.message_context(conn, asked.incident_id, now, settings.zone)
        content = wearer_texts.ask(facts, asked.language)
        content["say"] = [*first, *content["say"]]
        action = _url(posted, settings, "gather", _named(asked.reference, asked.notification_id, asked.round))
        return posted.dialect.announcement(content, asked.language, action)
    if found is None and first:
        return posted.dialect.farewell([*first, messages.call_back("zh"), messages.call_back("en")], "zh")
    if found is None:
        return _nothing_open(posted.dialect)
    called, facts = found
    if called.owner_id is not None:
        yours = called.owner_id == called.person_id
        text = messages.already_yours if yours else messages.taken
        return posted.dialect.farewell([*first, text(facts, called.language)], called.language)
    content = messages.alarm(facts, called.language, "voice", desk=called.desk)
    content["say"] = [*first, *content["say"]]
    action = _url(posted, settings, "gather", _named(called.reference, called.notification_id, called.round))
    return posted.dialect.announcement(content, called.language, action)


async def _record(request: Request, about: About | None, provider: str, change: StatusChange) -> None:
    if about is None:
        raise InvalidInput("r", "is missing")
    if change.event is None:
        return
    receipt = Receipt(about, change.provider_id, change.event, provider)
    try:
        await cast(Receipts, request.app.state.receipts).record(pools_of(request).webhooks, receipt, STATUS_WAITS_S)
    except NotFound:
        _log.warning("receipt_unmatched", path=request.url.path, call=change.provider_id)
        raise


async def _answer_key(conn: Connection, pressed: _Pressed, settings: Settings, now: datetime) -> str:
    posted, key = pressed.posted, pressed.key
    asked = await _asked(conn, pressed)
    if asked is None:
        # Nothing is guessed: they hear that their key counts for nothing and what is open for them, and are asked anew.
        await unmatched.keep(conn, pressed.path, f"key {key.digit!r} of a call that is not known", posted.form, now)
        first = [messages.no_longer_matched(each) for each in ("zh", "en")]
        return await _greet(conn, posted, key.caller, settings, now, first)
    if asked.person_id is None:
        return await _answer_of_wearer(conn, pressed, asked, settings, now)
    action = _url(posted, settings, "gather", pressed.query())
    speaker = Speaker(asked.incident_id, asked.person_id, asked.language, "voice", asked.desk, key.provider_id)
    intent = by_key(key.digit, desk=asked.desk)
    if intent is None:
        return _ask_again(posted.dialect, [], speaker, action)
    held = await store.lock(conn, asked.incident_id)
    case, _ = held
    if intent is not Intent.ADDRESS:
        if case.round != (pressed.round or asked.round):
            return await _of_another_round(conn, posted, case, asked, settings, now)
        if intent is Intent.DECLINE and case.owner_id == asked.person_id and not pressed.sure:
            return await _sure(conn, posted, case, asked, settings, now)
        if not key.incoming:
            await questions.take(conn, asked, posted.provider, key.provider_id, now)
    answered = await handle.act(conn, speaker, intent, now, settings.zone, held)
    if not key.incoming and intent is not Intent.ADDRESS:
        event = notification.answered_event(answered.reason)
        await receipts.record_status(conn, asked.notification_id, key.provider_id, event, now, posted.provider)
    return _spoken(posted.dialect, answered, speaker, action)


async def _answer_of_wearer(
    conn: Connection, pressed: _Pressed, asked: Asked, settings: Settings, now: datetime
) -> str:
    """A key of the resident, who was asked whether they are well."""
    posted, key, language = pressed.posted, pressed.key, asked.language
    held = await store.lock(conn, asked.incident_id)
    if not key.incoming:
        await questions.take(conn, asked, posted.provider, key.provider_id, now)
    question = wearer.Question(asked.incident_id, language, key.provider_id, pressed.sure)
    answered = await wearer.act(conn, question, key.digit, now, settings.zone, held)
    if not answered.final:
        action = _url(posted, settings, "gather", {**pressed.query(), "sure": 1})
        prompt, goodbye = wearer_texts.prompt(language), wearer_texts.goodbye(language)
        return posted.dialect.question([answered.text], prompt, goodbye, language, action)
    if not key.incoming:
        event = notification.answered_event(answered.reason)
        await receipts.record_status(conn, asked.notification_id, key.provider_id, event, now, posted.provider)
    return posted.dialect.farewell([answered.text], language)


async def _asked(conn: Connection, pressed: _Pressed) -> Asked | None:
    if pressed.about is not None:
        return await questions.find(conn, pressed.about, pressed.key)
    if pressed.incident_id is not None:
        return await questions.find_by_incident(conn, pressed.incident_id, pressed.key)
    raise InvalidInput("r", "is missing")


async def _of_another_round(
    conn: Connection, posted: _Posted, case: Case, asked: Asked, settings: Settings, now: datetime
) -> str:
    """An answer counts for the round that it was given in. They hear what became of it; and where people are called
    anew, they are asked anew."""
    facts, language = await handling.message_context(conn, case.id, now, settings.zone), asked.language
    if case.state is IncidentState.RESOLVED:
        return posted.dialect.farewell([messages.over(facts, language)], language)
    if case.owner_id is not None:
        yours = case.owner_id == asked.person_id
        text = messages.already_yours if yours else messages.taken
        return posted.dialect.farewell([text(facts, language)], language)
    content = messages.alarm(facts, language, "voice", desk=asked.desk)
    content["say"] = [messages.called_anew(facts, language), *content["say"]]
    action = _url(posted, settings, "gather", _named(asked.reference, asked.notification_id, case.round))
    return posted.dialect.announcement(content, language, action)


async def _sure(conn: Connection, posted: _Posted, case: Case, asked: Asked, settings: Settings, now: datetime) -> str:
    """On a second call, 9 may mean "I am going already": the case is handed back when they press it once more."""
    facts = await handling.message_context(conn, case.id, now, settings.zone)
    language = asked.language
    action = _url(posted, settings, "gather", {**_named(asked.reference, asked.notification_id, case.round), "sure": 1})
    lines = [messages.sure_to_hand_back(facts, language)]
    return posted.dialect.question(
        lines, messages.sure_prompt(language), messages.still_yours(language), language, action
    )


def _named(reference: Reference | None, number: int, round: int) -> dict[str, object]:
    return {"n": number, "o": round} if reference is None else {"r": reference, "o": round}


def _spoken(dialect: Dialect, answered: Answered, speaker: Speaker, action: str) -> str:
    if answered.final:
        return dialect.farewell([answered.text], answered.language)
    return _ask_again(dialect, [answered.text], speaker, action)


def _ask_again(dialect: Dialect, lines: list[str], speaker: Speaker, action: str) -> str:
    language = speaker.language
    prompt = messages.prompt(language, desk=speaker.desk)
    return dialect.question(lines, prompt, messages.goodbye(language), language, action)


def _nothing_open(dialect: Dialect) -> str:
    return dialect.farewell([messages.nothing_open_call_120("zh"), messages.nothing_open_call_120("en")], "zh")


def _wait(posted: _Posted, settings: Settings, event: str, query: Mapping[str, object], again: int) -> str:
    if again >= MOST_AGAIN:
        return posted.dialect.farewell([SORRY], "zh")
    return posted.dialect.wait_and_ask(_url(posted, settings, event, {**query, "again": again + 1}), AGAIN_S)


def _url(posted: _Posted, settings: Settings, event: str, query: Mapping[str, object]) -> str:
    return f"{settings.required('public_url')}{PATH}/{posted.provider}/{event}?{urlencode(query)}"


def _said(posted: _Posted, document: str) -> Response:
    return Response(document, media_type=posted.dialect.media_type)
