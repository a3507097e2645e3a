"""What the exchange keeps: phones, calls and text messages."""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from device_sim.phones.behaviour import CallBehaviour

HISTORY = 50
"""How many ended calls, and how many text messages, a phone shows."""
ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
API_VERSION = "2010-04-01"


def new_sid(prefix: str) -> str:
    """A fresh identifier in the provider's form: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def rfc2822(moment: datetime | None) -> str | None:
    """The moment as the provider writes it."""
    return None if moment is None else format_datetime(moment)


@dataclass
class Call:
    """One call. `caller` is who dialled; `phone` is the simulated telephone, on whichever end it is."""

    sid: str
    to: str
    caller: str
    phone: str
    inbound: bool = False
    """Whether the simulated phone called the application."""
    twiml: str = ""
    url: str | None = None
    status: str = "queued"
    status_callback: str | None = None
    status_events: frozenset[str] = frozenset({"completed"})
    timeout_s: float = 30
    machine_detection: str = ""
    async_amd: bool = False
    async_amd_callback: str | None = None
    answered_by: str | None = None
    behaviour: CallBehaviour = field(default_factory=CallBehaviour)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    said: list[str] = field(default_factory=list)
    gathering: bool = False
    digits: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    prompts_heard: int = 0
    sequence: int = 0
    documents: int = 0
    stage: asyncio.Task[None] | None = None
    """The task that rings or talks; it is ended and replaced as the call goes on."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """The tasks that go on beside it: detection, a scripted key."""
    last_callback: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self.status in ENDED

    @property
    def direction(self) -> str:
        """`inbound` or `outbound-api`, in the provider's words."""
        return "inbound" if self.inbound else "outbound-api"

    @property
    def duration_s(self) -> int | None:
        """Whole seconds between answer and end."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return int((self.ended_at - self.answered_at).total_seconds())

    def resource(self, account_sid: str) -> dict[str, Any]:
        """The call as the provider's API shows it."""
        uri = f"/{API_VERSION}/Accounts/{account_sid}/Calls/{self.sid}"
        duration = self.duration_s
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "to": self.to,
            "to_formatted": self.to,
            "from": self.caller,
            "from_formatted": self.caller,
            "status": self.status,
            "direction": self.direction,
            "answered_by": self.answered_by,
            "api_version": API_VERSION,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.ended_at or self.answered_at or self.created_at),
            "start_time": rfc2822(self.answered_at),
            "end_time": rfc2822(self.ended_at),
            "duration": None if duration is None else str(duration),
            "price": None,
            "price_unit": "USD",
            "parent_call_sid": None,
            "phone_number_sid": None,
            "forwarded_from": None,
            "caller_name": None,
            "group_sid": None,
            "trunk_sid": None,
            "queue_time": "0",
            "annotation": None,
            "uri": f"{uri}.json",
            "subresource_uris": {},
        }

    def view(self) -> dict[str, Any]:
        """The call as the page shows it."""
        return {
            "sid": self.sid,
            "to": self.to,
            "from": self.caller,
            "inbound": self.inbound,
            "status": self.status,
            "said": self.said,
            "gathering": self.gathering,
            "answered_by": self.answered_by,
            "created_at": self.created_at.isoformat(),
            "answered_at": self.answered_at and self.answered_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
        }


@dataclass
class TextMessage:
    """One SMS."""

    sid: str
    to: str
    sender: str
    body: str
    phone: str
    direction: str = "outbound-api"
    status: str = "queued"
    status_callback: str | None = None
    error_code: int | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime | None = None
    last_callback: asyncio.Task[None] | None = None

    def resource(self, account_sid: str) -> dict[str, Any]:
        """The message as the provider's API shows it."""
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "to": self.to,
            "from": self.sender,
            "body": self.body,
            "status": self.status,
            "direction": self.direction,
            "api_version": API_VERSION,
            "num_segments": str(segments(self.body)),
            "num_media": "0",
            "error_code": self.error_code,
            "error_message": None,
            "messaging_service_sid": None,
            "price": None,
            "price_unit": "USD",
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.updated_at or self.created_at),
            "date_sent": rfc2822(self.updated_at),
            "uri": f"/{API_VERSION}/Accounts/{account_sid}/Messages/{self.sid}.json",
            "subresource_uris": {},
        }

    def view(self) -> dict[str, Any]:
        """The message as the page shows it."""
        return {
            "sid": self.sid,
            "body": self.body,
            "inbound": self.direction == "inbound",
            "status": self.status,
            "at": self.created_at.isoformat(),
        }


@dataclass
class Phone:
    """A telephone somebody holds."""

    number: str
    name: str = ""
    roles: tuple[str, ...] = ()
    calls: dict[str, Call] = field(default_factory=dict)
    """Calls that ring or are under way."""
    past: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    messages: deque[TextMessage] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def view(self) -> dict[str, Any]:
        """The phone as the page shows it."""
        return {
            "number": self.number,
            "name": self.name,
            "roles": self.roles,
            "calls": [call.view() for call in self.calls.values()],
            "past": list(self.past),
            "messages": [message.view() for message in self.messages],
        }


def segments(body: str) -> int:
    """How many SMS a text costs: 160 or 153 characters each in the GSM alphabet (taken as ASCII), else 70 or 67."""
    if body.isascii():
        return 1 if len(body) <= 160 else -(-len(body) // 153)
    # UTF-16 units, and no character is split between two messages.
    if len(body.encode("utf-16-le", "surrogatepass")) <= 2 * 70:
        return 1
    count, room = 1, 67
    for char in body:
        units = 2 if char > "\uffff" else 1
        if units > room:
            count, room = count + 1, 67
        room -= units
    return count
