"""What a call is told to do: TwiML, built with the official library. Pure text in, text out."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Gather, VoiceResponse

from eldercare.platform.validation.fields import utf16_units

MAX_INLINE_CHARS = 4000
"""The provider refuses a longer document in a request."""
ROUNDS = 3
"""How often the announcement is read while no key is pressed; somebody who was asleep needs the second one."""
KEY_WAIT_S = 4
"""Seconds of silence after the announcement in which a key is awaited."""

_TEXT, _GOODBYE, _ACTION = "\ufdd0", "\ufdd1", "\ufdd2"
"""Blanks of a form: no characters at all, and `_clean` leaves none of them in a text."""
_NO_CHARACTERS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_UNSPEAKABLE = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NO_CHARACTERS}]")
_VOICES = {"zh": ("alice", "zh-CN"), "en": ("alice", "en-US")}


def announcement(content: Mapping[str, Any], language: str, action: str | None) -> str:
    """The document of a call: what happened, which keys there are, three times over, then a goodbye.

    `content` is what `alerts.texts.messages` rendered for voice; `action` is where a pressed key is posted, None for a
    call that asks nothing. It has at most 4,000 characters: a very long text loses its rounds first, then its end.
    """
    lines = [str(line) for line in content["say"]]
    prompt = str(content.get("prompt", "")) if action else ""
    goodbye = str(content.get("goodbye", "")) if action else ""
    for rounds in range(ROUNDS, 0, -1):
        document = _announce(lines, prompt, goodbye, language, action, rounds)
        if utf16_units(document) <= MAX_INLINE_CHARS:
            return document
    longest = max(len(line) for line in lines)
    while utf16_units(document) > MAX_INLINE_CHARS and longest > 1:
        longest = longest * 3 // 4
        document = _announce([line[:longest] for line in lines], prompt, goodbye, language, action, 1)
    return document


def question(lines: Sequence[str], prompt: str, goodbye: str, language: str, action: str) -> str:
    """The answer to a key that leaves the call open, such as the address once more."""
    return announcement({"say": list(lines), "prompt": prompt, "goodbye": goodbye}, language, action)


def farewell(lines: Sequence[str], language: str) -> str:
    """The last thing a call is told, said twice, because the first words are missed."""
    response = VoiceResponse()
    for _ in range(2):
        _say(response, _joined(lines), language)
    response.hangup()
    return str(response.to_xml())


def wait_and_ask(action: str, seconds: int) -> str:
    """Pause for `seconds`, then have the same key handed in again: for a moment in which the database is away."""
    response = VoiceResponse()
    response.pause(length=seconds)
    response.redirect(action, method="POST")
    return str(response.to_xml())


def reply(text: str | None) -> str:
    """The answer to an incoming text; None answers nothing."""
    response = MessagingResponse()
    if text is not None:
        response.message(_clean(text))
    return str(response.to_xml())


def _announce(lines: Sequence[str], prompt: str, goodbye: str, language: str, action: str | None, rounds: int) -> str:
    text, last = _joined([*lines, prompt]), _joined([goodbye])
    document = _form(_TEXT if text else "", _GOODBYE if last else "", language, action is not None, rounds)
    document = document.replace(_TEXT, escape(text)).replace(_GOODBYE, escape(last))
    return document.replace(_ACTION, escape(action or "", {'"': "&quot;"}))


@cache
def _form(text: str, goodbye: str, language: str, asks: bool, rounds: int) -> str:
    """The document with blanks, made once: the library takes its time, and a telephone waits for it."""
    response = VoiceResponse()
    if not asks:
        for _ in range(rounds):
            _say(response, text, language)
            response.pause(length=1)
    else:
        gather = Gather(num_digits=1, timeout=KEY_WAIT_S, action=_ACTION, method="POST")
        _say(gather, text, language)
        for _ in range(rounds):
            response.append(gather)
    _say(response, goodbye, language)
    response.hangup()
    return str(response.to_xml())


def _say(parent: VoiceResponse | Gather, text: str, language: str) -> None:
    voice, code = _VOICES["en" if language == "en" else "zh"]
    if text:
        parent.say(text, voice=voice, language=code)


def _joined(lines: Sequence[str]) -> str:
    return " ".join(_clean(line) for line in lines if line)


def _clean(text: str) -> str:
    # XML 1.0 has no way to write most control characters, and one of them would make the whole call fail. All others
    # stay: a rare name is one to a voice that knows its characters.
    return _UNSPEAKABLE.sub("", text)
