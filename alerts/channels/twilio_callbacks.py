"""What Twilio posts to us: signatures checked, forms read into typed events. No database, no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from twilio.request_validator import RequestValidator

from alerts import states
from eldercare.errors import Forbidden, InvalidInput
from eldercare.telephone import caller

SIGNATURE = "X-Twilio-Signature"
MOST_CHARS = 200
Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A call or a text went on. `event` None: a word that says nothing about how it ends."""

    provider_id: str
    event: states.Event | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key pressed in a call; `digit` empty: none. `caller` is the person's number, whoever rang whom; `incoming`:
    they rang us."""

    provider_id: str
    digit: str
    caller: str
    incoming: bool = False


@dataclass(frozen=True, slots=True)
class IncomingText:
    """A text message from `sender`, E.164."""

    sender: str
    body: str
    provider_id: str = ""

    @property
    def name(self) -> str:
        """Of this text and no other; the same where the provider hands it in again. Empty where it has none."""
        if not self.provider_id:
            return ""
        return sha256(f"{self.provider_id} {self.sender} {self.body}".encode(errors="replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """Somebody rings us from `caller`; empty where the number is withheld."""

    provider_id: str
    caller: str


def check_signature(auth_token: str | None, url: str, form: Mapping[str, str], signature: str | None) -> None:
    """Nothing where the provider signed this form for exactly this address. Raises Forbidden.

    `url` is PUBLIC_URL with path and query as they came, letter by letter.
    """
    if not auth_token or not signature or not RequestValidator(auth_token).validate(url, form, signature):
        raise Forbidden("the signature of the provider is missing or wrong")


def call_status(form: Form) -> StatusChange:
    """Of a call. Raises InvalidInput for a form without its id or status."""
    return StatusChange(_needed(form, "CallSid"), states.call_event(_needed(form, "CallStatus"), _error(form)))


def answered_by(form: Form) -> StatusChange:
    """The verdict of the machine detection. Raises InvalidInput."""
    return StatusChange(_needed(form, "CallSid"), states.answered_by_event(_needed(form, "AnsweredBy")))


def message_status(form: Form) -> StatusChange:
    """Of a text. Raises InvalidInput."""
    event = states.message_event(_needed(form, "MessageStatus"), _error(form))
    return StatusChange(_needed(form, "MessageSid"), event)


def key(form: Form, digit: str | None = None) -> Key:
    """The key pressed, or `digit` where the address carries it. Raises InvalidInput."""
    incoming = form.get("Direction", "").startswith("inbound")
    return Key(
        _needed(form, "CallSid"),
        digit if digit is not None else form.get("Digits", "")[:1],
        caller(form.get("From" if incoming else "To", "")),
        incoming,
    )


def incoming_text(form: Form) -> IncomingText:
    """A text somebody sent us. Raises InvalidInput."""
    return IncomingText(caller(_needed(form, "From")), form.get("Body", "")[:1600], form.get("MessageSid", ""))


def incoming_call(form: Form) -> IncomingCall:
    """A call somebody makes to us. Raises InvalidInput."""
    return IncomingCall(_needed(form, "CallSid"), caller(form.get("From", "")))


def _needed(form: Form, name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise InvalidInput(name, "is missing")
    if len(value) > MOST_CHARS or not value.isprintable():
        raise InvalidInput(name, "is no plain text")  # it would be kept in a row, with those of other callbacks
    return value


def _error(form: Form) -> int | None:
    code = form.get("ErrorCode", "")
    return int(code) if code.isdecimal() and len(code) <= 6 else None
