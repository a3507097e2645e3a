"""The exchange: calls between the application and the simulated telephones."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from device_sim.phones.account import Account
from device_sim.phones.behaviour import Behaviours, CallBehaviour
from device_sim.phones.journal import Journal
from device_sim.phones.lines import API_VERSION, Call, Phone, new_sid, rfc2822
from device_sim.phones.order import Order
from device_sim.phones.talk import talk
from device_sim.phones.timers import Timers
from device_sim.phones.webhooks import Webhooks
from eldercare.platform import tasks
from eldercare.platform.errors import Conflict, NotFound
from eldercare.platform.log import logger

DETECTION_S = 2.0
"""How long answering machine detection listens before it knows, seconds."""
MACHINE_RECORDS_S = 30.0
"""Seconds after which a voicemail hangs up by itself."""
EVENT_OF_STATUS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}
"""Call status to the event under which its callback is asked for; every final status is `completed`."""

_log = logger(__name__)


class Exchange:
    """All calls of one account."""

    def __init__(
        self, account: Account, phones: dict[str, Phone], timers: Timers, journal: Journal, hooks: Webhooks
    ) -> None:
        self.timers = timers
        self.behave: Behaviours[CallBehaviour] = Behaviours(CallBehaviour())
        self.calls: dict[str, Call] = {}
        self.on_change: Callable[[Phone], None] = lambda _phone: None
        self.on_reply: Callable[[str, str], None] = lambda _to, _body: None
        self._account = account
        self._phones = phones
        self._journal = journal
        self._hooks = hooks
        self._order = Order(hooks)

    @property
    def number(self) -> str:
        """The application's own number."""
        return self._account.number

    def call(self, sid: str) -> Call:
        """The call of this identifier. Raises NotFound."""
        if sid not in self.calls:
            raise NotFound("call", sid)
        return self.calls[sid]

    # What the application does

    def place(self, call: Call) -> None:
        """Call a phone. Returns at once, before it rings."""
        self._open(call)
        self._stage(call, self._ring(call))

    def replace(self, call: Call, twiml: str, url: str | None) -> None:
        """Give an answered call another document. Raises Conflict."""
        if call.status != "in-progress":
            raise Conflict("Call is not in-progress. Cannot redirect.")
        self._journal.note(call.sid, "replaced", twiml=twiml, url=url)
        call.url = url or call.url
        self._stage(call, talk(self, call, twiml or None))

    def end(self, call: Call) -> None:
        """End the call, whatever its state: one not yet answered is `canceled`, one that is over stays as it is."""
        self.finish(call, "completed" if call.status == "in-progress" else "canceled")

    # What the holder of the phone does

    def answer(self, call: Call) -> None:
        """Lift the receiver. Raises Conflict when it does not ring."""
        if call.status != "ringing" or call.inbound:
            raise Conflict(f"call {call.sid} is {call.status}, not ringing")
        self.lift(call)
        self._stage(call, self._talk(call))

    def press(self, call: Call, digits: str) -> None:
        """Press keys in an answered call. Raises Conflict."""
        if call.status != "in-progress":
            raise Conflict(f"call {call.sid} is {call.status}, not answered")
        self._journal.note(call.sid, "digits", digits=digits, asked=call.gathering)
        for digit in digits:
            call.digits.put_nowait(digit)

    def hang_up(self, call: Call) -> None:
        """Decline a ringing call (`busy`) or end an answered one. Raises Conflict."""
        if call.ended:
            raise Conflict(f"call {call.sid} is {call.status} already")
        self.finish(call, "completed" if call.status == "in-progress" or call.inbound else "busy")

    def ignore(self, call: Call) -> None:
        """Let it ring out now. Raises Conflict when it does not ring."""
        if call.status != "ringing":
            raise Conflict(f"call {call.sid} is {call.status}, not ringing")
        self.finish(call, "no-answer")

    def ring_up(self, phone: Phone) -> Call:
        """Call the application's number from `phone`. Raises Conflict where PUBLIC_URL is unset."""
        url = self._account.webhook("voice")
        call = Call(new_sid("CA"), self._account.number, phone.number, phone.number, inbound=True, url=url)
        self._journal.request("inbound_call", call.sid, call.to, call.caller, callback_url=url)
        self._open(call)
        self._status(call, "ringing")
        self._stage(call, talk(self, call, None))
        return call

    # How a call goes

    async def _ring(self, call: Call) -> None:
        behaviour = call.behaviour
        self._status(call, "initiated")
        if behaviour.does in ("failed", "busy"):
            self.finish(call, behaviour.does)
            return
        self._status(call, "ringing")
        if behaviour.does in ("answer", "machine") and behaviour.answer_after_s < call.timeout_s:
            await self.timers.sleep(behaviour.answer_after_s)
            self.answer(call)
        else:
            await self.timers.sleep(call.timeout_s)
            self.finish(call, "no-answer")

    async def _talk(self, call: Call) -> None:
        machine = call.behaviour.does == "machine"
        after_s = MACHINE_RECORDS_S if machine else call.behaviour.hangup_after_s
        if after_s is not None:
            self._beside(call, self._hang_up_after(call, after_s))
        if call.machine_detection and call.async_amd:
            self._beside(call, self._detect(call, machine))
        elif call.machine_detection:
            await self._detect(call, machine)
        await talk(self, call, call.twiml or None)

    async def _detect(self, call: Call, machine: bool) -> None:
        await self.timers.sleep(DETECTION_S)
        call.answered_by = "machine_start" if machine else "human"
        self._journal.note(call.sid, "answered_by", answered_by=call.answered_by)
        self._changed(call)
        if call.async_amd_callback:
            parameters = {
                "CallSid": call.sid,
                "AccountSid": self._account.sid,
                "AnsweredBy": call.answered_by,
                "MachineDetectionDuration": str(int(DETECTION_S * 1000)),
            }
            self._order.post(call, call.async_amd_callback, parameters)

    async def _hang_up_after(self, call: Call, seconds: float) -> None:
        await self.timers.sleep(seconds)
        self.finish(call, "completed")

    async def _press_after(self, call: Call, seconds: float, digits: str) -> None:
        await self.timers.sleep(seconds)
        self.press(call, digits)

    def finish(self, call: Call, status: str) -> None:
        """End the call with a final status; one that has ended stays as it is."""
        if call.ended:
            return
        call.ended_at = datetime.now(UTC)
        call.gathering = False
        phone = self._phones[call.phone]
        phone.calls.pop(call.sid, None)
        self._status(call, status)
        phone.past.append(call.view())
        self._changed(call)
        self.stop(call)

    def stop(self, call: Call) -> None:
        """Cancel whatever the call still waits for, and tell nobody."""
        for task in (call.stage, *call.tasks):
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    # What a talk asks for

    def lift(self, call: Call) -> None:
        """Mark the call as answered."""
        call.answered_at = datetime.now(UTC)
        self._status(call, "in-progress")

    def say(self, call: Call, text: str) -> None:
        """Let the phone hear `text`."""
        call.said.append(text)
        self._journal.note(call.sid, "said", text=text)
        self._changed(call)

    def gather(self, call: Call, waiting: bool) -> None:
        """Start or end a prompt for digits; a phone with a script presses its next entry."""
        call.gathering = waiting
        self._changed(call)
        script = call.behaviour.digits if call.behaviour.does == "answer" else ()
        if waiting and call.prompts_heard < len(script):
            self._beside(call, self._press_after(call, call.behaviour.digits_after_s, script[call.prompts_heard]))
            call.prompts_heard += 1

    async def fetch(self, call: Call, url: str, digits: str | None) -> str:
        """Post to the application and return the TwiML it answers. Raises Unavailable."""
        parameters = self._parameters(call)
        if digits is not None:
            parameters |= {"Digits": digits, "msg": "Gather End", "FinishedOnKey": ""}
        call.url = url
        return await self._hooks.post(url, parameters, call.sid, "fetch")

    def reply(self, call: Call, body: str, to: str | None) -> None:
        """Send a text message that the TwiML asks for."""
        self.on_reply(to or call.phone, body)

    def fault(self, call: Call, reason: str) -> None:
        """Log why the call cannot go on."""
        self._journal.note(call.sid, "error", reason=reason)
        _log.warning("call_fault", call=call.sid, reason=reason)

    # Plumbing

    def _open(self, call: Call) -> None:
        self.calls[call.sid] = call
        self._phones.setdefault(call.phone, Phone(call.phone)).calls[call.sid] = call

    def _stage(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        if call.stage is not None and call.stage is not asyncio.current_task():
            call.stage.cancel()
        call.stage = tasks.brief(work, "call")

    def _beside(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        task = tasks.brief(work, "beside a call")
        call.tasks.add(task)
        task.add_done_callback(call.tasks.discard)

    def _changed(self, call: Call) -> None:
        self.on_change(self._phones[call.phone])

    def _status(self, call: Call, status: str) -> None:
        call.status = status
        self._journal.note(call.sid, "status", status=status, sequence=call.sequence)
        self._changed(call)
        if call.status_callback and EVENT_OF_STATUS.get(status, "completed") in call.status_events:
            self._order.post(call, call.status_callback, self._status_parameters(call))
        call.sequence += 1

    def _parameters(self, call: Call) -> dict[str, str]:
        parameters = {
            "CallSid": call.sid,
            "AccountSid": self._account.sid,
            "From": call.caller,
            "To": call.to,
            "Caller": call.caller,
            "Called": call.to,
            "CallStatus": call.status,
            "ApiVersion": API_VERSION,
            "Direction": call.direction,
        }
        if call.answered_by is not None:
            parameters["AnsweredBy"] = call.answered_by
        return parameters

    def _status_parameters(self, call: Call) -> dict[str, str]:
        parameters = self._parameters(call) | {
            "Timestamp": rfc2822(datetime.now(UTC)) or "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.sequence),
        }
        if call.ended:
            seconds = call.duration_s or 0
            parameters |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        return parameters
