"""Messages to the bands: what the wearer is told of an SOS, and commands. MQTT 3.1.1, QoS 1, awaited."""

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiomqtt
import orjson

from alerts.channels.base import Outgoing, Sent, TransportError
from eldercare import wire
from eldercare.log import logger
from eldercare.settings import Settings

CONNECT_WAIT_S = 2.0
"""How long a message waits for the connection before its row goes back to the queue, seconds."""
ACK_WAIT_S = 5.0
RETRY_S = 1.0
_KINDS = {"sos_state": wire.Kind.SOS_STATE, "command": wire.Kind.COMMAND}

_log = logger(__name__)


class Band:
    """The band as a channel: its address is the device id, its content the payload."""

    name = "band"
    min_gap = timedelta(0)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._since = 0.0

    async def send(self, message: Outgoing) -> Sent:
        """Publish and wait for the broker's acknowledgement. Raises TransportError."""
        try:
            topic = wire.topic(message.address, _KINDS[message.purpose])
        except (KeyError, ValueError) as error:
            raise TransportError("invalid_band_message", str(error), permanent=True) from error
        client = await self._connection()
        try:
            await client.publish(topic, orjson.dumps(message.content), qos=1, timeout=ACK_WAIT_S)
        except aiomqtt.MqttError as error:
            raise TransportError("broker_away", str(error), permanent=False) from error
        return Sent("", "published")

    @property
    def unbroken_s(self) -> float | None:
        """How long the present connection to the broker has lasted, seconds; None without one."""
        return time.monotonic() - self._since if self._connected.is_set() else None

    async def hang_up(self, provider_id: str) -> None:
        """What a band was told cannot be taken back."""

    async def run(self) -> None:
        """Keep the connection: try again every second, and say once that it is lost. Runs until cancelled."""
        away = False
        while True:
            try:
                async with self._new_client() as client:
                    self._client = client
                    self._since = time.monotonic()
                    self._connected.set()
                    if away:
                        _log.info("broker_back")
                    away = False
                    async for _ in client.messages:
                        pass  # nothing is subscribed: this only returns, with an error, when the connection ends
            except aiomqtt.MqttError as error:
                if not away:
                    _log.warning("broker_away", error=str(error))
                away = True
            finally:
                self._connected.clear()
                self._client = None
            await asyncio.sleep(RETRY_S)

    async def _connection(self) -> aiomqtt.Client:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_WAIT_S):
                await self._connected.wait()
        if self._client is None:
            raise TransportError("broker_away", "the broker cannot be reached", permanent=False)
        return self._client

    def _new_client(self) -> aiomqtt.Client:
        mqtt = self._settings.mqtt
        ca = self._settings.mqtt_ca
        return aiomqtt.Client(
            mqtt.host,
            mqtt.port,
            username=mqtt.username,
            password=mqtt.password,
            identifier=f"eldercare-alerts-{socket.gethostname()}-{os.getpid()}-{id(self):x}",
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            tls_context=ssl.create_default_context(cafile=str(ca) if ca else None) if mqtt.tls else None,
            timeout=ACK_WAIT_S,
            keepalive=30,
        )


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Band]:
    """The band channel with its connection kept in the background."""
    band = Band(settings)
    keeper = asyncio.create_task(band.run(), name="band connection")
    try:
        yield band
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
