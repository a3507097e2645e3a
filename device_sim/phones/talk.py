"""An answered call: does what its TwiML says, one verb after the other."""

import asyncio
from typing import Any, Protocol
from urllib.parse import urljoin

from device_sim.phones import twiml
from device_sim.phones.lines import Call
from device_sim.phones.timers import Timers
from eldercare.platform import tasks
from eldercare.platform.errors import InvalidInput, Unavailable

MAX_DOCUMENTS = 100
"""A call that asks for more documents than this is going round in circles."""


class Line(Protocol):
    """What a talk needs of the exchange."""

    timers: Timers

    def say(self, call: Call, text: str) -> None:
        """Let the phone hear `text`."""

    def gather(self, call: Call, waiting: bool) -> None:
        """Start or stop asking the phone for digits."""

    async def fetch(self, call: Call, url: str, digits: str | None) -> str:
        """The next document. Raises Unavailable."""

    def reply(self, call: Call, body: str, to: str | None) -> None:
        """Send a text message from the application's number, by default to the phone."""

    def fault(self, call: Call, reason: str) -> None:
        """Log why the call cannot go on."""

    def lift(self, call: Call) -> None:
        """Mark the call as answered."""

    def finish(self, call: Call, status: str) -> None:
        """End the call."""


async def talk(line: Line, call: Call, document: str | None) -> None:
    """Perform `document` (None: the one at the call's address) and those it leads to, then hang up.

    An incoming call is lifted unless it begins with a refusal. A fault is logged, heard, and ends the call too.
    """
    try:
        while document is None or call.documents < MAX_DOCUMENTS:
            if document is None:
                document = await line.fetch(call, _absolute(call, None), None)
            call.documents += 1
            verbs = twiml.parse(document)
            if call.answered_at is None and not isinstance(next(iter(verbs), None), twiml.Reject):
                line.lift(call)
            document = await _perform(line, call, verbs)
            if document is None:
                return
        raise InvalidInput("twiml", f"the call asked for more than {MAX_DOCUMENTS} documents")
    except (InvalidInput, Unavailable) as error:
        line.fault(call, str(error))
        line.say(call, "很抱歉，应用程序出错。 An application error has occurred. Goodbye.")
        line.finish(call, "failed" if call.answered_at is None else "completed")


async def _perform(line: Line, call: Call, verbs: tuple[twiml.Verb, ...]) -> str | None:
    """Perform the verbs; returns the next document, or None when the call has ended."""
    for verb in verbs:
        match verb:
            case twiml.Say() | twiml.Play() | twiml.Pause():
                await _utter(line, call, verb)
            case twiml.Gather():
                digits = await _gather(line, call, verb)
                if digits or verb.action_on_empty:
                    return await line.fetch(call, _absolute(call, verb.action), digits)
            case twiml.Redirect():
                return await line.fetch(call, _absolute(call, verb.url), None)
            case twiml.Message():
                line.reply(call, verb.body, verb.to)
            case twiml.Reject():
                line.finish(call, "busy" if verb.reason == "busy" else "no-answer")
                return None
            case twiml.Hangup():
                break
    line.finish(call, "completed")
    return None


async def _utter(line: Line, call: Call, verb: twiml.Say | twiml.Play | twiml.Pause) -> None:
    match verb:
        case twiml.Say():
            for _ in range(verb.loop):
                line.say(call, verb.text)
                await line.timers.sleep(twiml.speech_s(verb.text))
        case twiml.Play():
            line.say(call, f"♪ {verb.url}")
            await line.timers.sleep(1)
        case twiml.Pause():
            await line.timers.sleep(verb.seconds)


async def _gather(line: Line, call: Call, verb: twiml.Gather) -> str:
    """The digits pressed; the first interrupts the prompts. Empty when none came in time."""

    async def prompts_then_quiet() -> None:
        for prompt in verb.prompts:
            await _utter(line, call, prompt)
        await line.timers.sleep(verb.timeout_s)

    while not call.digits.empty():
        call.digits.get_nowait()
    line.gather(call, True)
    pressed = ""
    quiet = tasks.brief(prompts_then_quiet(), "prompts")
    try:
        while verb.num_digits is None or len(pressed) < verb.num_digits:
            digit = await _next_digit(call, quiet)
            if digit is None or digit == verb.finish_on_key:
                break
            pressed += digit
            quiet.cancel()
            quiet = tasks.brief(line.timers.sleep(verb.timeout_s), "quiet")
    finally:
        quiet.cancel()
        line.gather(call, False)
    return pressed


async def _next_digit(call: Call, quiet: asyncio.Future[None]) -> str | None:
    digit = tasks.brief(call.digits.get(), "digit")
    try:
        either: list[asyncio.Future[Any]] = [digit, quiet]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return digit.result() if digit.done() else None
    finally:
        digit.cancel()


def _absolute(call: Call, url: str | None) -> str:
    target = urljoin(call.url or "", url or "")
    if not target:
        raise InvalidInput("action", "is missing, and an inline document has no address of its own")
    return target
