"""What Twilio's words mean: its call status, answering machine detection, message status and error dictionary. Pure.

One table per kind of callback.
"""

from alerts.model.notification import Event, Status

_CALL: dict[str, tuple[Status, str | None, bool]] = {
    "queued": (Status.SENT, None, False),
    "initiated": (Status.SENT, None, False),
    "ringing": (Status.RINGING, None, False),
    "in-progress": (Status.ANSWERED, None, False),
    "answered": (Status.ANSWERED, None, False),
    "completed": (Status.FAILED, "heard_no_answer", False),
    "busy": (Status.FAILED, "busy", False),
    "no-answer": (Status.FAILED, "no_answer", False),
    "failed": (Status.FAILED, "call_failed", False),
    "canceled": (Status.CANCELLED, "hung_up", False),
}

_ANSWERED_BY: dict[str, str | None] = {
    "human": None,
    "unknown": None,  # the detection was unsure: better a person who hears it twice than one who is skipped
    "machine_start": "machine",
    "machine_end_beep": "machine",
    "machine_end_silence": "machine",
    "machine_end_other": "machine",
    "fax": "fax",
}

_MESSAGE: dict[str, tuple[Status, str | None]] = {
    "accepted": (Status.SENT, None),
    "scheduled": (Status.SENT, None),
    "queued": (Status.SENT, None),
    "sending": (Status.SENT, None),
    "sent": (Status.SENT, None),
    "delivered": (Status.DELIVERED, None),
    "read": (Status.DELIVERED, None),
    "partially_delivered": (Status.FAILED, "partially_delivered"),
    "undelivered": (Status.FAILED, "undelivered"),
    "failed": (Status.FAILED, "message_failed"),
    "canceled": (Status.FAILED, "cancelled_by_provider"),
}

ERRORS: dict[int, tuple[str, bool]] = {
    10001: ("account_inactive", False),
    10004: ("too_many_calls", False),
    13223: ("invalid_number", True),
    13224: ("invalid_number", True),
    13225: ("number_blocked", True),
    13227: ("region_not_allowed", True),
    20003: ("credentials", False),
    20404: ("not_found", False),
    20429: ("too_many_requests", False),
    20500: ("provider_error", False),
    20503: ("provider_unavailable", False),
    21201: ("no_number", True),
    21203: ("region_not_allowed", True),
    21205: ("invalid_callback", True),
    21210: ("sender_not_verified", True),
    21211: ("invalid_number", True),
    21212: ("invalid_sender", True),
    21214: ("unreachable_number", True),
    21215: ("region_not_allowed", True),
    21216: ("number_blocked", True),
    21217: ("invalid_number", True),
    21219: ("number_not_verified", True),
    21220: ("call_over", True),
    21401: ("invalid_number", True),
    21408: ("region_not_allowed", True),
    21601: ("sender_cannot_send", True),
    21604: ("no_number", True),
    21606: ("sender_cannot_send", True),
    21608: ("number_not_verified", True),
    21610: ("stopped_by_recipient", True),
    21611: ("queue_full", False),
    21612: ("unreachable_number", True),
    21614: ("not_a_mobile", True),
    21617: ("too_long", True),
    30001: ("queue_full", False),
    30002: ("account_inactive", False),
    30003: ("handset_unreachable", False),
    30004: ("number_blocked", True),
    30005: ("unknown_handset", True),
    30006: ("landline", True),
    30007: ("filtered", True),
    30008: ("undelivered", False),
    30010: ("too_expensive", True),
    30017: ("carrier_congested", False),
    30018: ("sender_not_registered", True),
    30019: ("too_long", True),
    30022: ("too_many_requests", False),
    30023: ("daily_limit", False),
    30024: ("sender_not_registered", True),
    30027: ("daily_limit", False),
    30032: ("sender_not_registered", True),
    30034: ("sender_not_registered", True),
    30036: ("expired", False),
    30410: ("provider_timeout", False),
}
"""Error code of the provider → our reason, and whether number or text are wrong, so that another try is vain."""


def call_event(call_status: str, error_code: int | None = None) -> Event | None:
    """What a call's status means, or None for a word that is not known. `completed` is a failure: nobody accepted.

    A digit has made the notification `done` before, and that outranks it.
    """
    row = _CALL.get(call_status)
    if row is None:
        return None
    status, reason, permanent = row
    if status is Status.FAILED and error_code in ERRORS:
        reason, permanent = ERRORS[error_code]
    return Event(status, reason, permanent, call_status)


def answered_by_event(answered_by: str) -> Event | None:
    """What the machine detection's verdict means: a failure, or None where a person may be listening."""
    reason = _ANSWERED_BY.get(answered_by)
    return Event(Status.FAILED, reason, False, answered_by) if reason else None


def message_event(message_status: str, error_code: int | None = None) -> Event | None:
    """What a message's status means, or None for a word that is not known (or one of incoming messages)."""
    row = _MESSAGE.get(message_status)
    if row is None:
        return None
    status, reason = row
    permanent = False
    if status is Status.FAILED and error_code in ERRORS:
        reason, permanent = ERRORS[error_code]
    return Event(status, reason, permanent, message_status)


def refusal(http_status: int, error_code: int | None) -> tuple[str, bool]:
    """Why the provider refused a request: our reason, and whether asking the same again cannot help."""
    if error_code in ERRORS:
        return ERRORS[error_code]
    if http_status == 429:
        return "too_many_requests", False
    if http_status >= 500:
        return "provider_error", False
    # A fault of the account or its address fails everybody's call; once it is mended, the same call goes through.
    return ("credentials", False) if http_status in (401, 403) else ("refused", http_status != 404)
