"""Where the provider posts: how calls and texts went on, keys, replies, calls to us. Signed, or refused.

Nothing may be lost while the database is away: with a key the call waits and hands it in again; a status waits in the
request, as long as the provider does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Annotated, TypeVar
from urllib.parse import urlencode

import psycopg
import psycopg_pool
from fastapi import APIRouter, Depends, Query, Request, Response, status

from alerts import messages, outbox, replies, states
from alerts.channels import twilio_callbacks as callbacks
from alerts.channels import twiml
from alerts.channels.twilio_callbacks import Key, StatusChange
from alerts.intents import Intent, by_key, for_the_carrier, understand
from alerts.replies import Answered, Speaker
from api.deps import SettingsOf, pools_of, settings_of
from eldercare import clock
from eldercare.database import Connection
from eldercare.errors import Unavailable
from eldercare.log import logger
from eldercare.settings import Settings

PATH = "/webhooks/twilio"
AGAIN_S = 3
MOST_AGAIN = 20
"""A minute of waiting on the line; after it the person is asked to ring the desk."""

STATUS_WAITS_S = 12.0
"""A status waits so long for the database. Twilio gives a callback 15 s with all its tries, and makes no other try for
a 5xx unless the address asks for one (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides); within
those 15 s a request that waits is worth more than tries."""
ANSWERS_WITHIN_S = 4.0
"""An answer is committed by then or not at all, well before the provider gives up and the person hears nothing."""
TEXT_WAITS_S = 8.0
"""How long a text is tried before its sender is asked to say it again; the last try may take longer than that by
`ANSWERS_WITHIN_S`."""
TEXT_AGAIN_S = 0.5
LOOK_AGAIN_S = 0.2

router = APIRouter(prefix=PATH, include_in_schema=False)
_log = logger(__name__)
T = TypeVar("T")

SORRY = f"{messages.sorry('zh')} {messages.sorry('en')}"
Again = Annotated[int, Query(ge=0, le=MOST_AGAIN)]
NotificationId = Annotated[int, Query(alias="n", ge=1, le=2**63 - 1)]


async def _signed_form(request: Request) -> Mapping[str, str]:
    settings = settings_of(request)
    form = {name: str(value) for name, value in (await request.form()).items()}
    token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else None
    url = f"{settings.public_url or ''}{request.scope['raw_path'].decode('latin-1')}"
    query = request.scope["query_string"].decode("latin-1")
    signature = request.headers.get(callbacks.SIGNATURE)
    callbacks.check_signature(token, f"{url}?{query}" if query else url, form, signature)
    return form


SignedForm = Annotated[Mapping[str, str], Depends(_signed_form)]


@router.post("/call-status", status_code=status.HTTP_204_NO_CONTENT)
async def call_status(request: Request, form: SignedForm, n: NotificationId) -> None:
    """How a call went on."""
    await _record(request, n, callbacks.call_status(form))


@router.post("/amd", status_code=status.HTTP_204_NO_CONTENT)
async def answered_by(request: Request, form: SignedForm, n: NotificationId) -> None:
    """Whether a machine answered: then others are called at once."""
    await _record(request, n, callbacks.answered_by(form))


@router.post("/message-status", status_code=status.HTTP_204_NO_CONTENT)
async def message_status(request: Request, form: SignedForm, n: NotificationId) -> None:
    """How a text went on."""
    await _record(request, n, callbacks.message_status(form))


@router.post("/gather")
async def gather(
    request: Request,
    form: SignedForm,
    settings: SettingsOf,
    n: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    i: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    d: Annotated[str | None, Query(max_length=1)] = None,
    again: Again = 0,
) -> Response:
    """A key in a call: of ours about notification `n`, or of somebody who called back about incident `i`."""
    key = callbacks.key(form, d)
    about = {"n": n} if n is not None else {"i": i}
    action = _url(settings, "gather", about)

    async def answer(conn: Connection, now: datetime) -> str:
        return await _answer_key(conn, key, n, i, settings, action, now)

    document = await _while_there_is_a_database(request, answer)
    return _xml(document or _wait(settings, "gather", {**about, "d": key.digit}, again))


@router.post("/voice")
async def incoming_call(request: Request, form: SignedForm, settings: SettingsOf, again: Again = 0) -> Response:
    """Somebody calls us back: they hear the incident they were called to, and may accept."""
    call = callbacks.incoming_call(form)

    async def answer(conn: Connection, now: datetime) -> str:
        return await _greet(conn, call.caller, settings, now)

    return _xml(await _while_there_is_a_database(request, answer) or _wait(settings, "voice", {}, again))


@router.post("/sms")
async def incoming_text(request: Request, form: SignedForm, settings: SettingsOf) -> Response:
    """Somebody replies by SMS, with a digit or words, and maybe the code of the incident."""
    text = callbacks.incoming_text(form)
    if for_the_carrier(text.body):
        return _xml(twiml.reply(None))

    async def answer(conn: Connection, now: datetime) -> str:
        answered = await replies.by_text(conn, text.sender, understand(text.body), "zh", now, settings.zone)
        return twiml.reply(messages.signed(answered.text, answered.language))

    # Nobody hands a text in again, so it is tried as long as the provider waits; then the person is asked to.
    until = monotonic() + TEXT_WAITS_S
    said = await _while_there_is_a_database(request, answer)
    while said is None and monotonic() < until:
        await asyncio.sleep(TEXT_AGAIN_S)
        said = await _while_there_is_a_database(request, answer)
    return _xml(said or twiml.reply(messages.signed(SORRY, "zh")))


async def _while_there_is_a_database(
    request: Request, work: Callable[[Connection, datetime], Awaitable[T]]
) -> T | None:
    """What `work` says, in one transaction; None while the database is away, or somebody holds what it is about.

    Then nothing of it counts, and after `ANSWERS_WITHIN_S` nothing of it will: nobody becomes an owner unheard.
    """
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S), pools_of(request).webhooks.connection(PATH) as conn:
            return await work(conn, await clock.now(conn))
    except (psycopg.OperationalError, psycopg.InternalError, psycopg_pool.PoolTimeout, TimeoutError) as error:
        # InternalError: we were stopped so long within it that the server has ended the transaction.
        _log.warning("answer_waits", path=request.url.path, error=str(error)[:200])
        return None


async def _greet(conn: Connection, caller: str, settings: Settings, now: datetime) -> str:
    found = await replies.waiting_for(conn, caller, now, settings.zone) if caller else None
    if found is None:
        return _nothing_open()
    called, facts = found
    if called.owner_id is not None:
        yours = called.owner_id == called.person_id
        text = messages.already_yours if yours else messages.taken
        return twiml.farewell([text(facts, called.language)], called.language)
    content = messages.alarm(facts, called.language, "voice", desk=called.desk)
    return twiml.announcement(content, called.language, _url(settings, "gather", {"i": called.incident_id}))


async def _record(request: Request, notification_id: int, change: StatusChange) -> None:
    event = change.event
    if event is None:
        return

    async def record(conn: Connection, now: datetime) -> bool:
        return await outbox.record_status(conn, notification_id, change.provider_id, event, now)

    try:
        async with asyncio.timeout(STATUS_WAITS_S):
            while True:
                if await _while_there_is_a_database(request, record) is not None:
                    return
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError as error:
        raise Unavailable("the database is away") from error


async def _answer_key(
    conn: Connection,
    key: Key,
    notification_id: int | None,
    incident_id: int | None,
    settings: Settings,
    action: str,
    now: datetime,
) -> str:
    speaker = await _speaker(conn, key, notification_id, incident_id)
    if speaker is None:
        return _nothing_open()
    intent = by_key(key.digit, desk=speaker.desk)
    if intent is None:
        return _ask_again([], speaker, action)
    answered = await replies.act(conn, speaker, intent, now, settings.zone)
    if notification_id is not None and intent is not Intent.ADDRESS:
        event = states.answered_event(answered.reason)
        await outbox.record_status(conn, notification_id, key.provider_id, event, now)
    return _spoken(answered, speaker, action)


async def _speaker(conn: Connection, key: Key, notification_id: int | None, incident_id: int | None) -> Speaker | None:
    if notification_id is not None:
        asked = await replies.asked(conn, notification_id)
        return Speaker(asked.incident_id, asked.person_id, asked.language, "voice", asked.desk)
    called = await replies.called_to(conn, key.caller, incident_id) if incident_id is not None else None
    return Speaker(called.incident_id, called.person_id, called.language, "voice", called.desk) if called else None


def _spoken(answered: Answered, speaker: Speaker, action: str) -> str:
    if answered.final:
        return twiml.farewell([answered.text], answered.language)
    return _ask_again([answered.text], speaker, action)


def _ask_again(lines: list[str], speaker: Speaker, action: str) -> str:
    language = speaker.language
    prompt = messages.prompt(language, desk=speaker.desk)
    return twiml.question(lines, prompt, messages.goodbye(language), language, action)


def _nothing_open() -> str:
    return twiml.farewell([messages.nothing_open_call_120("zh"), messages.nothing_open_call_120("en")], "zh")


def _wait(settings: Settings, event: str, query: Mapping[str, object], again: int) -> str:
    if again >= MOST_AGAIN:
        return twiml.farewell([SORRY], "zh")
    return twiml.wait_and_ask(_url(settings, event, {**query, "again": again + 1}), AGAIN_S)


def _url(settings: Settings, event: str, query: Mapping[str, object]) -> str:
    return f"{settings.required('public_url')}{PATH}/{event}?{urlencode(query)}"


def _xml(document: str) -> Response:
    return Response(document, media_type="text/xml")
