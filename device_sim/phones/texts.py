"""Text messages between the application and the simulated telephones."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from device_sim.phones import twiml
from device_sim.phones.account import Account
from device_sim.phones.behaviour import Behaviours, MessageBehaviour
from device_sim.phones.journal import Journal
from device_sim.phones.lines import API_VERSION, Phone, TextMessage, new_sid, segments
from device_sim.phones.order import Order
from device_sim.phones.timers import Timers
from device_sim.phones.webhooks import Webhooks
from eldercare.platform import tasks
from eldercare.platform.errors import InvalidInput, NotFound, Unavailable
from eldercare.platform.log import logger

_log = logger(__name__)


class Texts:
    """All text messages of one account."""

    def __init__(
        self, account: Account, phones: dict[str, Phone], timers: Timers, journal: Journal, hooks: Webhooks
    ) -> None:
        self.behave: Behaviours[MessageBehaviour] = Behaviours(MessageBehaviour())
        self.messages: dict[str, TextMessage] = {}
        self.on_change: Callable[[Phone], None] = lambda _phone: None
        self._account = account
        self._phones = phones
        self._timers = timers
        self._journal = journal
        self._hooks = hooks
        self._order = Order(hooks)
        self._tasks: set[asyncio.Task[None]] = set()

    def message(self, sid: str) -> TextMessage:
        """The message of this identifier. Raises NotFound."""
        if sid not in self.messages:
            raise NotFound("message", sid)
        return self.messages[sid]

    def send(self, message: TextMessage, behaviour: MessageBehaviour) -> None:
        """Deliver a message of the application to its phone. Returns at once."""
        self._keep(message)
        self._background(self._deliver(message, behaviour))

    def reply(self, to: str, body: str) -> None:
        """Send what the application asked for in TwiML."""
        message = TextMessage(new_sid("SM"), to, self._account.number, body, phone=to, direction="outbound-reply")
        self._journal.request("sms", message.sid, to, message.sender, body=body)
        self.send(message, self.behave.take(to))

    def text_back(self, phone: Phone, body: str) -> TextMessage:
        """Send an SMS from `phone` to the application's number. Raises Conflict where PUBLIC_URL is unset."""
        url = self._account.webhook("sms")
        message = TextMessage(
            new_sid("SM"),
            self._account.number,
            phone.number,
            body,
            phone.number,
            direction="inbound",
            status="received",
        )
        self._journal.request("inbound_sms", message.sid, message.to, message.sender, body=body, callback_url=url)
        self._keep(message)
        self._background(self._post_incoming(message, url))
        return message

    def stop(self) -> None:
        """Cancel every delivery under way."""
        for task in self._tasks:
            task.cancel()

    async def _deliver(self, message: TextMessage, behaviour: MessageBehaviour) -> None:
        self._status(message, "queued")
        self._status(message, "sent")
        if behaviour.after_s > 0:
            await self._timers.sleep(behaviour.after_s)
        if behaviour.ends in ("undelivered", "failed"):
            message.error_code = behaviour.error_code
        if behaviour.ends != "sent":
            self._status(message, behaviour.ends)
        if behaviour.reply is not None and behaviour.ends == "delivered":
            await self._timers.sleep(behaviour.reply_after_s)
            self.text_back(self._phones[message.phone], behaviour.reply)

    async def _post_incoming(self, message: TextMessage, url: str) -> None:
        parameters = self._parameters(message) | {
            "SmsMessageSid": message.sid,
            "Body": message.body,
            "NumMedia": "0",
            "NumSegments": str(segments(message.body)),
        }
        try:
            document = await self._hooks.post(url, parameters, message.sid, "fetch")
            replies = [verb for verb in twiml.parse(document) if isinstance(verb, twiml.Message)]
        except (InvalidInput, Unavailable) as error:
            self._journal.note(message.sid, "error", reason=str(error))
            _log.warning("message_fault", message=message.sid, reason=str(error))
            return
        for verb in replies:
            self.reply(verb.to or message.sender, verb.body)

    def _keep(self, message: TextMessage) -> None:
        self.messages[message.sid] = message
        phone = self._phones.setdefault(message.phone, Phone(message.phone))
        phone.messages.append(message)
        self.on_change(phone)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = tasks.brief(work, "text")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _status(self, message: TextMessage, status: str) -> None:
        message.status = status
        message.updated_at = datetime.now(UTC)
        self._journal.note(message.sid, "status", status=status)
        self.on_change(self._phones[message.phone])
        if message.status_callback:
            parameters = self._parameters(message)
            if message.error_code is not None:
                parameters["ErrorCode"] = str(message.error_code)
            self._order.post(message, message.status_callback, parameters)

    def _parameters(self, message: TextMessage) -> dict[str, str]:
        return {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "AccountSid": self._account.sid,
            "From": message.sender,
            "To": message.to,
            "MessageStatus": message.status,
            "SmsStatus": message.status,
            "ApiVersion": API_VERSION,
        }
