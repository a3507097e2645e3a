"""TwiML: what a call is told to do. Pure: text in, verbs out.

The document comes over the network, so it is read without a DTD: a document type or an entity is refused, and with
them every way to make the parser read a file or grow without end.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from eldercare.platform.errors import InvalidInput

MAX_CHARACTERS = 64 * 1024
"""Twilio refuses a longer document with error 11750."""
PAUSE_S = 1.0
GATHER_TIMEOUT_S = 5.0
"""Twilio's defaults of `Pause length` and `Gather timeout`, seconds."""
CHINESE_S_PER_CHARACTER = 0.22
LATIN_S_PER_CHARACTER = 0.065
"""Seconds per character of an unhurried voice: about 270 Chinese characters or 180 English words a minute."""


@dataclass(frozen=True)
class Say:
    """Read `text` aloud, `loop` times."""

    text: str
    language: str = ""
    loop: int = 1


@dataclass(frozen=True)
class Play:
    """Play a sound by its address; here the phone shows its name and a second passes."""

    url: str


@dataclass(frozen=True)
class Pause:
    """Wait in silence."""

    seconds: float = PAUSE_S


@dataclass(frozen=True)
class Gather:
    """Collect digits while the prompts are read and `timeout_s` after them, then post them to `action`.

    `num_digits` None means until `finish_on_key` or the timeout; `action` None means the current document's address.
    """

    prompts: tuple[Say | Play | Pause, ...] = ()
    num_digits: int | None = None
    timeout_s: float = GATHER_TIMEOUT_S
    finish_on_key: str = "#"
    action: str | None = None
    action_on_empty: bool = False


@dataclass(frozen=True)
class Redirect:
    """Go on with the document at `url`."""

    url: str


@dataclass(frozen=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True)
class Reject:
    """Refuse an incoming call; `reason` is `rejected` or `busy`."""

    reason: str = "rejected"


@dataclass(frozen=True)
class Message:
    """Answer a text message with another."""

    body: str
    to: str | None = None


Verb = Say | Play | Pause | Gather | Redirect | Hangup | Reject | Message


@dataclass
class _Element:
    name: str
    attributes: dict[str, str]
    children: list["_Element"] = field(default_factory=list)
    text: str = ""


def parse(document: str) -> tuple[Verb, ...]:
    """The verbs of a TwiML document, in order. An empty document has none.

    Raises InvalidInput for XML that is not well-formed, a DTD, an unknown verb or a wrong attribute.
    """
    if len(document) > MAX_CHARACTERS:
        raise InvalidInput("twiml", f"has {len(document)} characters, more than {MAX_CHARACTERS}")
    if not document.strip():
        return ()
    root = _tree(document)
    if root.name != "Response":
        raise InvalidInput("twiml", f"the root is <{root.name}>, not <Response>")
    return tuple(_verb(element) for element in root.children)


def speech_s(text: str) -> float:
    """How long a voice takes to read `text`, seconds."""
    return sum(CHINESE_S_PER_CHARACTER if ord(c) > 0x2E80 else LATIN_S_PER_CHARACTER for c in text)


def _tree(document: str) -> _Element:
    parser = expat.ParserCreate()
    top = _Element("", {})
    open_elements = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        element = _Element(name, attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_name: str) -> None:
        open_elements.pop()

    def text(data: str) -> None:
        open_elements[-1].text += data

    def refuse_dtd(*_: object) -> None:
        raise InvalidInput("twiml", "has a document type declaration, which is refused")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse_dtd
    parser.EntityDeclHandler = refuse_dtd
    try:
        parser.Parse(document.strip(), True)
    except expat.ExpatError as error:
        raise InvalidInput("twiml", f"is not well-formed XML: {error}") from error
    return top.children[0]


def _verb(element: _Element) -> Verb:
    attributes = element.attributes
    words = " ".join(element.text.split())
    match element.name:
        case "Say":
            loop = _number(element, "loop", 1, whole=True)
            return Say(words or _inner_text(element), attributes.get("language", ""), int(loop) or 1)
        case "Play":
            return Play(words)
        case "Pause":
            return Pause(_number(element, "length", PAUSE_S))
        case "Gather":
            return _gather(element)
        case "Redirect":
            return Redirect(words)
        case "Hangup":
            return Hangup()
        case "Reject":
            return Reject(attributes.get("reason", "rejected"))
        case "Message":
            bodies = [" ".join(child.text.split()) for child in element.children if child.name == "Body"]
            return Message("".join(bodies) or words, attributes.get("to"))
        case other:
            raise InvalidInput("twiml", f"<{other}> is no verb the simulated telephones know")


def _gather(element: _Element) -> Gather:
    prompts = tuple(_verb(child) for child in element.children)
    for prompt in prompts:
        if not isinstance(prompt, Say | Play | Pause):
            raise InvalidInput("twiml", f"<{type(prompt).__name__}> is not allowed inside <Gather>")
    attributes = element.attributes
    digits = _number(element, "numDigits", 0, whole=True)
    return Gather(
        prompts=tuple(p for p in prompts if isinstance(p, Say | Play | Pause)),
        num_digits=int(digits) or None,
        timeout_s=_number(element, "timeout", GATHER_TIMEOUT_S),
        finish_on_key=attributes.get("finishOnKey", "#"),
        action=attributes.get("action") or None,
        action_on_empty=attributes.get("actionOnEmptyResult", "false").lower() == "true",
    )


def _inner_text(element: _Element) -> str:
    # <Say> may hold SSML; what is read aloud is the text of all of it.
    parts = [element.text, *(_inner_text(child) for child in element.children)]
    return " ".join(" ".join(parts).split())


def _number(element: _Element, name: str, default: float, *, whole: bool = False) -> float:
    text = element.attributes.get(name)
    if text is None:
        return default
    try:
        value = float(int(text)) if whole else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86_400:
        raise InvalidInput("twiml", f"{name} of <{element.name}> is {text!r}, not a number from 0")
    return value
