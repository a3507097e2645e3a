"""What Twilio posts to us: signatures checked, forms read into typed events. No database, no network."""

from collections.abc import Mapping

from twilio.request_validator import RequestValidator

from alerts.channels.callbacks import Form, IncomingCall, IncomingText, Key, StatusChange
from alerts.channels.twilio import statuses
from eldercare.platform.errors import Forbidden, InvalidInput
from eldercare.platform.validation.telephone import caller

SIGNATURE = "X-Twilio-Signature"
MOST_CHARS = 200


def check_signature(auth_token: str | None, url: str, form: Mapping[str, str], signature: str | None) -> None:
    """Check that the provider signed this form for exactly this address. Raises Forbidden.

    `url` is PUBLIC_URL with path and query as they came, letter by letter.
    """
    if not auth_token or not signature or not RequestValidator(auth_token).validate(url, form, signature):
        raise Forbidden("the signature of the provider is missing or wrong")


def call_status(form: Form) -> StatusChange:
    """How a call went on. Raises InvalidInput for a form without its id or status."""
    return StatusChange(_needed(form, "CallSid"), statuses.call_event(_needed(form, "CallStatus"), _error(form)))


def answered_by(form: Form) -> StatusChange:
    """The verdict of the machine detection. Raises InvalidInput."""
    return StatusChange(_needed(form, "CallSid"), statuses.answered_by_event(_needed(form, "AnsweredBy")))


def message_status(form: Form) -> StatusChange:
    """How a text went on. Raises InvalidInput."""
    event = statuses.message_event(_needed(form, "MessageStatus"), _error(form))
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
