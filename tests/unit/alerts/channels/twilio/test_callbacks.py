"""Forms of the provider, read into events."""

import pytest
from twilio.request_validator import RequestValidator

from alerts.channels.twilio import callbacks
from alerts.channels.twilio.callbacks import IncomingCall, IncomingText, Key, StatusChange
from alerts.model.notification import Event, Status
from eldercare.platform.errors import Forbidden, InvalidInput

URL = "https://care.example/webhooks/twilio/gather?n=7&x=%E6%88%91"
FORM = {"CallSid": "CA1", "Digits": "1", "To": "+99910000001", "From": "+99900000000"}


def test_the_right_signature() -> None:
    callbacks.check_signature("secret", URL, FORM, RequestValidator("secret").compute_signature(URL, FORM))


@pytest.mark.parametrize(
    ("token", "url", "form", "signed_with"),
    [
        ("secret", URL, FORM, "other"),
        ("secret", URL + "1", FORM, "secret"),
        ("secret", URL, FORM | {"Digits": "9"}, "secret"),
        (None, URL, FORM, "secret"),
        ("", URL, FORM, ""),
        ("secret", URL, FORM, None),
    ],
)
def test_a_wrong_signature(token: str | None, url: str, form: dict[str, str], signed_with: str | None) -> None:
    signature = None if signed_with is None else RequestValidator(signed_with).compute_signature(URL, FORM)
    with pytest.raises(Forbidden):
        callbacks.check_signature(token, url, form, signature)


def test_states() -> None:
    assert callbacks.call_status({"CallSid": "CA1", "CallStatus": "busy"}) == StatusChange(
        "CA1", Event(Status.FAILED, "busy", False, "busy")
    )
    assert callbacks.answered_by({"CallSid": "CA1", "AnsweredBy": "human"}) == StatusChange("CA1", None)
    assert callbacks.message_status(
        {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "30006"}
    ) == StatusChange("SM1", Event(Status.FAILED, "landline", True, "failed"))
    assert callbacks.message_status(
        {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "no number"}
    ) == StatusChange("SM1", Event(Status.FAILED, "message_failed", False, "failed"))


def test_keys() -> None:
    assert callbacks.key(FORM | {"Direction": "outbound-api"}) == Key("CA1", "1", "+99910000001")
    assert callbacks.key(FORM | {"Direction": "inbound"}) == Key("CA1", "1", "+99900000000", incoming=True)
    assert callbacks.key({"CallSid": "CA1"}) == Key("CA1", "", "")
    assert callbacks.key(FORM | {"Digits": "12"}, "9").digit == "9"


def test_what_comes_in() -> None:
    assert callbacks.incoming_text({"From": "+99910000001", "Body": "1"}) == IncomingText("+99910000001", "1")
    assert callbacks.incoming_text({"From": "Bank"}) == IncomingText("", "")
    assert callbacks.incoming_text({"From": "+99910000001", "Body": "1"}).name == ""
    names = {callbacks.incoming_text({"From": "+99910000001", "MessageSid": sid, "Body": body}).name
             for sid, body in (("SM1", "1"), ("SM1", "1"), ("SM2", "1"), ("SM1", "9"))}  # fmt: skip
    assert len(names) == 3
    assert callbacks.incoming_call({"CallSid": "CA1", "From": "anonymous"}) == IncomingCall("CA1", "")
    assert callbacks.incoming_call({"CallSid": "CA1", "From": "+99910000001"}) == IncomingCall("CA1", "+99910000001")


def test_what_is_missing_is_named() -> None:
    for read, name in (
        (callbacks.call_status, "CallSid"),
        (callbacks.message_status, "MessageStatus"),
        (callbacks.incoming_text, "From"),
    ):
        with pytest.raises(InvalidInput) as missing:
            read({})
        assert missing.value.field == name


@pytest.mark.parametrize("name", ["CA\0", "CA\n1", "C" * 201])
def test_a_name_of_a_call_that_no_row_could_keep_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        callbacks.call_status({"CallSid": name, "CallStatus": "ringing"})
    assert refused.value.field == "CallSid"
