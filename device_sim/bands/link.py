"""A band's connection: its own session and credentials, dead zones, presses repeated until somebody has heard."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import aiomqtt
from pydantic import ValidationError

from device_sim.bands.band import Reading
from device_sim.bands.presses import REPEAT_S, Press, Presses
from device_sim.bands.uplink import Uplink, payloads
from eldercare.platform import tasks
from eldercare.platform.log import logger
from eldercare.platform.settings import Mqtt
from eldercare.protocol.mqtt_v1 import Command, CommandResult, Kind, Sos, SosWord, topic

RECONNECT_S = 2.0
KEEPALIVE_S = 60
ACK_TIMEOUT_S = 10.0
TASK_ENDS_S = 0.2
SESSION_ENDS_S = 5.0
"""Seconds after which a task is told again to end; a session needs the time of its tasks and of a goodbye."""

_log = logger(__name__)


class Link:
    """Sends what `uplink` holds and what is pressed, whenever there is a connection."""

    def __init__(
        self,
        device_id: str,
        password: str | None,
        broker: Mqtt,
        tls: ssl.SSLContext | None,
        *,
        obey: Callable[[Command], CommandResult],
    ) -> None:
        self.device_id = device_id
        self.uplink = Uplink()
        self.presses = Presses()
        self.connected = False
        self._password = password
        self._broker = broker
        self._tls = tls
        self._obey = obey
        self._covered = asyncio.Event()
        self._covered.set()
        self._something = asyncio.Event()
        self._pressed = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._heard = asyncio.Condition()
        self._session: asyncio.Task[None] | None = None

    def send(self, readings: tuple[Reading, ...]) -> None:
        """Send readings when there is a connection."""
        if readings:
            self.uplink.add(readings)
            self._drained.clear()
            self._something.set()

    def press(self, sos: Sos) -> Press:
        """Send an SOS now and every `REPEAT_S` until the service has heard it."""
        press = self.presses.add(sos, datetime.now(UTC))
        self._pressed.set()
        return press

    def cover(self, covered: bool) -> None:
        """Enter or leave a dead zone; entering drops the connection."""
        if covered == self._covered.is_set():
            return
        if covered:
            self._covered.set()
        else:
            self._covered.clear()
            if self._session is not None:
                self._session.cancel()

    async def heard(self, press: Press, states: frozenset[str], timeout_s: float) -> None:
        """Return when the press has heard one of `states`, at the latest after `timeout_s` real seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._heard:
                await self._heard.wait_for(lambda: any(state in states for state, _ in press.heard))

    async def drained(self) -> None:
        """Return when the broker has acknowledged every reading."""
        await self._drained.wait()

    async def run(self) -> None:
        """Keep a connection wherever there is cover, until cancelled."""
        while True:
            await self._covered.wait()
            self._session = session = tasks.brief(self._connected(), "band session")
            try:
                # `await session` would not do: the session may end with a lost connection just when we are cancelled,
                # and a task that awaits it would then see the one and never the other.
                await asyncio.wait({session})
            finally:
                await tasks.end(session, again_s=SESSION_ENDS_S)
                error = None if session.cancelled() else session.exception()
            if isinstance(error, aiomqtt.MqttError):
                _log.warning("band_connection_lost", device_id=self.device_id, error=str(error))
                await asyncio.sleep(RECONNECT_S)
            elif error is not None:
                raise error

    async def _connected(self) -> None:
        async with self._client() as client:
            self.connected = True
            try:
                await client.subscribe([(topic(self.device_id, kind), 1) for kind in (Kind.SOS_STATE, Kind.COMMAND)])
                work = (self._listen(client), self._send_readings(client), self._send_presses(client))
                working = {tasks.brief(one, "band work") for one in work}
                try:
                    done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await tasks.end(*working, again_s=TASK_ENDS_S)
                for task in done:
                    task.result()
            finally:
                self.connected = False

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[aiomqtt.Client]:
        client = aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self.device_id,
            password=self._password,
            identifier=self.device_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=False,
            keepalive=KEEPALIVE_S,
            timeout=ACK_TIMEOUT_S,
            tls_context=self._tls,
        )
        async with client:
            yield client

    async def _send_readings(self, client: aiomqtt.Client) -> None:
        while True:
            while batch := self.uplink.batch():
                for kind, payload in payloads(batch):
                    await client.publish(topic(self.device_id, kind), payload, qos=1)
                self.uplink.sent(len(batch))
            self._something.clear()
            self._drained.set()
            await self._something.wait()

    async def _send_presses(self, client: aiomqtt.Client) -> None:
        sent_at: dict[str | None, float] = {}
        loop = asyncio.get_running_loop()
        while True:
            for press in self.presses.unheard():
                if loop.time() - sent_at.get(press.sos.event_id, -REPEAT_S) >= REPEAT_S:
                    sent_at[press.sos.event_id] = loop.time()
                    press.sent += 1
                    payload = press.sos.model_dump_json(exclude_none=True).encode()
                    await client.publish(topic(self.device_id, Kind.SOS), payload, qos=1)
            self._pressed.clear()
            # Wake up often enough to repeat what is unheard; otherwise wait for the next press.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0 if self.presses.unheard() else None):
                    await self._pressed.wait()

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            try:
                if str(message.topic) == topic(self.device_id, Kind.SOS_STATE):
                    await self._hear(SosWord.model_validate_json(payload))
                else:
                    self.send((Reading(Kind.COMMAND_RESULT, self._obey(Command.model_validate_json(payload))),))
            except ValidationError as error:
                _log.warning("band_misunderstood", device_id=self.device_id, error=str(error), payload=payload[:200])

    async def _hear(self, told: SosWord) -> None:
        if told.id is not None:
            self.send((Reading(Kind.COMMAND_RESULT, CommandResult(id=told.id, status="done")),))
        known = self.presses.hear(told.event_id, told.state, datetime.now(UTC))
        _log.info("sos_state", device_id=self.device_id, event_id=told.event_id, state=told.state, known=known)
        async with self._heard:
            self._heard.notify_all()
