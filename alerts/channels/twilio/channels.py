"""Calls and texts through Twilio's API: the provider's own, or anything that speaks it at TWILIO_API_URL.

A new account starts one call a second; further ones wait in the provider's queue, so that the tenth person of a
fan-out is rung some ten seconds after the first. `eldercare doctor` says so.
"""

from datetime import timedelta

from twilio.rest import Client

from alerts.channels.base import Outgoing, Sent, TransportError
from alerts.channels.twilio import twiml
from alerts.channels.twilio.client import ask
from alerts.channels.twilio.settings import TwilioSettings
from eldercare.platform.settings import Settings

RING_S = 30
"""Seconds that a telephone rings: long enough for an old hall, short of most mailboxes."""
CALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
_CALL_OVER = {"call_over", "not_found"}


class Voice:
    """A call that reads the alarm and asks for a key. Keys and states are posted to PUBLIC_URL/webhooks/twilio."""

    min_gap = timedelta(0)

    def __init__(self, client: Client, settings: Settings, others: Client | None = None) -> None:
        """`others` is the client on whose connections calls are ended; None: `client`."""
        self._calls = client.calls  # here, since the library loads its parts at their first use
        self._placed = client.calls if others is None else others.calls
        self._from = settings.section(TwilioSettings).required("twilio_from")
        self._public_url = settings.required("public_url")

    async def send(self, message: Outgoing) -> Sent:
        """Start the call. Raises TransportError."""
        asks = message.purpose in ("alarm", "ask", "second") and "prompt" in message.content
        call = await ask(
            self._calls.create_async(
                to=message.address,
                from_=self._from,
                twiml=twiml.announcement(
                    message.content, message.language, self._callback("gather", message) if asks else None
                ),
                timeout=RING_S,
                status_callback=self._callback("call-status", message),
                status_callback_event=CALL_EVENTS,
                machine_detection="Enable",
                async_amd="true",
                async_amd_status_callback=self._callback("amd", message),
            )
        )
        return Sent(str(call.sid), str(call.status))

    async def hang_up(self, provider_id: str) -> None:
        """End the call, ringing or not; do nothing where it is over. Raises TransportError."""
        try:
            await ask(self._placed(provider_id).update_async(status="completed"))
        except TransportError as error:
            if error.reason not in _CALL_OVER:
                raise

    def _callback(self, event: str, message: Outgoing) -> str:
        return _callback(self._public_url, event, message)


class Sms:
    """A text message; its states are posted to PUBLIC_URL/webhooks/twilio. It has no validity: a late alarm is still
    one."""

    min_gap = timedelta(0)

    def __init__(self, client: Client, settings: Settings) -> None:
        self._messages = client.messages
        self._from = settings.section(TwilioSettings).required("twilio_from")
        self._public_url = settings.required("public_url")

    async def send(self, message: Outgoing) -> Sent:
        """Hand the text to the provider. Raises TransportError."""
        taken = await ask(
            self._messages.create_async(
                to=message.address,
                from_=self._from,
                body=str(message.content["text"]),
                status_callback=_callback(self._public_url, "message-status", message),
            )
        )
        return Sent(str(taken.sid), str(taken.status))

    async def hang_up(self, provider_id: str) -> None:
        """Do nothing: a text cannot be taken back."""


def _callback(public_url: str, event: str, message: Outgoing) -> str:
    """Where the provider tells of this message. A row of the version before is named by its number, as its other calls
    are."""
    name = f"n={message.id}" if message.reference is None else f"r={message.reference}"
    return f"{public_url}/webhooks/twilio/{event}?{name}"
