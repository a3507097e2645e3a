"""Every word of the provider, and that no order of callbacks leads back."""

from itertools import permutations

import pytest
from twilio.rest.api.v2010.account.call import CallInstance
from twilio.rest.api.v2010.account.message import MessageInstance

from alerts.channels.twilio import statuses
from alerts.model import notification
from alerts.model.notification import Status

CALLS = [
    ("queued", Status.SENT, None),
    ("initiated", Status.SENT, None),
    ("ringing", Status.RINGING, None),
    ("in-progress", Status.ANSWERED, None),
    ("answered", Status.ANSWERED, None),
    ("completed", Status.FAILED, "heard_no_answer"),
    ("busy", Status.FAILED, "busy"),
    ("no-answer", Status.FAILED, "no_answer"),
    ("failed", Status.FAILED, "call_failed"),
    ("canceled", Status.CANCELLED, "hung_up"),
]
MESSAGES = [
    ("accepted", Status.SENT, None),
    ("scheduled", Status.SENT, None),
    ("queued", Status.SENT, None),
    ("sending", Status.SENT, None),
    ("sent", Status.SENT, None),
    ("delivered", Status.DELIVERED, None),
    ("read", Status.DELIVERED, None),
    ("partially_delivered", Status.FAILED, "partially_delivered"),
    ("undelivered", Status.FAILED, "undelivered"),
    ("failed", Status.FAILED, "message_failed"),
    ("canceled", Status.FAILED, "cancelled_by_provider"),
]
CODES = [
    (30003, "handset_unreachable", False),
    (30005, "unknown_handset", True),
    (30006, "landline", True),
    (30007, "filtered", True),
    (30008, "undelivered", False),
    (30036, "expired", False),
    (21610, "stopped_by_recipient", True),
    (21211, "invalid_number", True),
]


@pytest.mark.parametrize(("word", "status", "reason"), CALLS)
def test_call_status(word: str, status: Status, reason: str | None) -> None:
    assert statuses.call_event(word) == notification.Event(status, reason, False, word)


@pytest.mark.parametrize(("word", "status", "reason"), MESSAGES)
def test_message_status(word: str, status: Status, reason: str | None) -> None:
    assert statuses.message_event(word) == notification.Event(status, reason, False, word)


def words_of(statuses: type) -> set[str]:
    return {word for name, word in vars(statuses).items() if not name.startswith("_")}


def test_every_word_that_the_providers_own_library_knows_means_something() -> None:
    calls, messages = words_of(CallInstance.Status), words_of(MessageInstance.Status)
    assert {"busy", "no-answer"} < calls
    assert {"undelivered", "delivered"} < messages
    assert {word for word in calls if statuses.call_event(word) is None} == set()
    of_incoming_ones = {"receiving", "received"}
    assert {word for word in messages if statuses.message_event(word) is None} == of_incoming_ones


@pytest.mark.parametrize(("code", "reason", "permanent"), CODES)
def test_an_error_code_is_the_better_reason(code: int, reason: str, permanent: bool) -> None:
    assert statuses.message_event("undelivered", code) == notification.Event(
        Status.FAILED, reason, permanent, "undelivered"
    )
    assert statuses.call_event("failed", code) == notification.Event(Status.FAILED, reason, permanent, "failed")
    assert statuses.message_event("delivered", code) == notification.Event(Status.DELIVERED, None, False, "delivered")


def test_an_unknown_code_leaves_the_general_reason() -> None:
    assert statuses.message_event("undelivered", 99999) == notification.Event(
        Status.FAILED, "undelivered", False, "undelivered"
    )


@pytest.mark.parametrize("word", ["received", "receiving", "", "exploded"])
def test_a_word_we_do_not_know_says_nothing(word: str) -> None:
    assert statuses.message_event(word) is None
    assert statuses.call_event(word) is None


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("machine_start", "machine"),
        ("machine_end_beep", "machine"),
        ("machine_end_silence", "machine"),
        ("machine_end_other", "machine"),
        ("fax", "fax"),
    ],
)
def test_a_machine_that_answers_is_a_failure(word: str, reason: str) -> None:
    assert statuses.answered_by_event(word) == notification.Event(Status.FAILED, reason, False, word)


@pytest.mark.parametrize("word", ["human", "unknown", "something new"])
def test_who_may_be_a_person_is_left_on_the_line(word: str) -> None:
    assert statuses.answered_by_event(word) is None


@pytest.mark.parametrize(
    ("http_status", "code", "reason", "permanent"),
    [
        (400, 21211, "invalid_number", True),
        (400, 21610, "stopped_by_recipient", True),
        (400, 1, "refused", True),
        (401, None, "credentials", False),
        (403, None, "credentials", False),
        (404, 20404, "not_found", False),
        (404, None, "refused", False),
        (429, None, "too_many_requests", False),
        (429, 20429, "too_many_requests", False),
        (500, None, "provider_error", False),
        (503, 20503, "provider_unavailable", False),
    ],
)
def test_a_refused_request(http_status: int, code: int | None, reason: str, permanent: bool) -> None:
    assert statuses.refusal(http_status, code) == (reason, permanent)


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (("initiated", "ringing", "in-progress", "completed"), Status.FAILED),
        (("initiated", "ringing", "busy"), Status.FAILED),
        (("initiated", "ringing", "no-answer"), Status.FAILED),
    ],
)
def test_calls_end_the_same_in_any_order(words: tuple[str, ...], end: Status) -> None:
    for order in permutations(words):
        assert _after(Status.SENDING, [statuses.call_event(word) for word in order]) == end


def test_texts_end_the_same_in_any_order() -> None:
    for order in permutations(("queued", "sent", "delivered", "read")):
        assert _after(Status.SENDING, [statuses.message_event(word) for word in order]) == Status.DELIVERED


def test_a_pressed_digit_outranks_all_the_rest() -> None:
    events = [
        statuses.call_event("completed"),
        statuses.answered_by_event("machine_start"),
        statuses.call_event("busy"),
    ]
    for order in permutations([notification.answered_event("accepted"), *events]):
        assert _after(Status.ANSWERED, list(order)) == Status.DONE


def test_what_is_final_stays() -> None:
    for final in notification.FINAL:
        for word, *_ in CALLS:
            event = statuses.call_event(word)
            assert event is not None
            assert not notification.moves(final, event)


def test_every_status_has_a_rank() -> None:
    assert set(notification.RANK) == set(Status)


def _after(start: Status, events: list[notification.Event | None]) -> Status:
    current = start
    for event in events:
        assert event is not None
        if notification.moves(current, event):
            current = event.status
    return current


def test_a_call_that_we_ended_did_not_fail_for_want_of_an_answer() -> None:
    for word in ("completed", "no-answer"):
        event = statuses.call_event(word)
        assert event is not None
        assert notification.hung_up(event).reason == "hung_up"
    for word in ("busy", "failed", "canceled", "ringing"):
        event = statuses.call_event(word)
        assert event is not None
        assert notification.hung_up(event) == event
