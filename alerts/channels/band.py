"""Messages to the bands: what the wearer is told of an SOS, and commands. MQTT 3.1.1, QoS 1, awaited."""

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiomqtt
import orjson

from alerts.channels.base import Outgoing, Sent, TransportError
from eldercare.platform import tasks
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.log import logger
from eldercare.platform.settings import Settings
from eldercare.protocol import mqtt_v1
from eldercare.protocol.takeover import Lives

CONNECT_WAIT_S = 2.0
"""Seconds that a message waits for the connection before its row goes back to the queue."""
ACK_WAIT_S = 5.0
RETRY_S = 1.0
LOOK_S = 2.0
"""Seconds between two looks whether the connection is still there."""
_KINDS = {"sos_state": mqtt_v1.Kind.SOS_STATE, "command": mqtt_v1.Kind.COMMAND}

_log = logger(__name__)


class Band:
    """The band as a channel: its address is the device id, its content the payload."""

    name = "band"
    provider = None
    min_gap = timedelta(0)

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError where the CA cannot be read."""
        self._settings = settings
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._since = 0.0
        self._away = False
        self._lives = Lives()
        self._tls = settings.mqtt_tls()

    async def send(self, message: Outgoing) -> Sent:
        """Publish and wait for the broker's acknowledgement. Raises TransportError."""
        try:
            topic = mqtt_v1.topic(message.address, _KINDS[message.purpose])
        except (KeyError, ValueError) as error:
            raise TransportError("invalid_band_message", str(error), permanent=True) from error
        client = await self._connection()
        try:
            await client.publish(topic, _payload(message), qos=1, timeout=ACK_WAIT_S)
        except aiomqtt.MqttError as error:
            raise TransportError("broker_away", str(error), permanent=False) from error
        return Sent("", "published")

    @property
    def client_id_taken(self) -> bool:
        """Whether somebody else seems to use our client id, as at a listener that makes one of the user name."""
        return self._lives.taken

    @property
    def unbroken_s(self) -> float | None:
        """How long the present connection to the broker has lasted, seconds; None without one."""
        return time.monotonic() - self._since if self._connected.is_set() else None

    async def hang_up(self, provider_id: str, provider: str | None) -> None:
        """Do nothing: what a band was told cannot be taken back."""

    async def keep(self) -> None:
        """Connect, and return when the connection ends, whatever ended it. A broker that is away is logged once."""
        began: float | None = None
        try:
            async with self._new_client() as client:
                self._client = client
                began = time.monotonic()
                self._since = time.monotonic()
                self._connected.set()
                if self._away:
                    _log.info("broker_back")
                self._away = False
                await _until_lost(client)
        except aiomqtt.MqttError as error:
            if not self._away:
                _log.warning("broker_away", error=error)
            self._away = True
        finally:
            self._connected.clear()
            self._client = None
        if began is None:
            self._lives.refused()
        elif pause_s := self._lives.ended(time.monotonic() - began):
            _log.error("client_id_taken", hint="ELDERCARE_MQTT_URL may name the bands' listener")
            await asyncio.sleep(pause_s)

    async def connects(self, within_s: float) -> None:
        """Return when it is connected, or after `within_s` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._connected.wait()

    async def _connection(self) -> aiomqtt.Client:
        await self.connects(CONNECT_WAIT_S)
        if self._client is None:
            raise TransportError("broker_away", "the broker cannot be reached", permanent=False)
        return self._client

    def _new_client(self) -> aiomqtt.Client:
        mqtt = self._settings.mqtt
        try:
            self._tls = self._settings.mqtt_tls()
        except ConfigurationError as error:
            # The file is gone for a moment, while it is replaced. What was read last still says whom to trust.
            _log.error("ca_unreadable", error=error)
        return aiomqtt.Client(
            mqtt.host,
            mqtt.port,
            username=mqtt.username,
            password=mqtt.password,
            identifier=f"eldercare-alerts-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}",
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            tls_context=self._tls,
            timeout=ACK_WAIT_S,
            keepalive=30,
        )


def _payload(message: Outgoing) -> bytes:
    """The payload. It names a press in the form in which the band named it, which the database may be unable to hold as
    JSON."""
    if "echo" not in message.content:
        return orjson.dumps(message.content)
    word = dict(message.content)
    del word["event_id"]
    return mqtt_v1.sos_state(word.pop("echo"), mqtt_v1.SosState(word.pop("state")), **word)


async def _until_lost(client: aiomqtt.Client) -> None:
    """Wait until the connection ends, and raise MqttError then."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                async for _ in client.messages:
                    pass  # nothing is subscribed: this only returns, with an error, when the connection ends
        # The library does not say so when a connection ends in the very moment in which it is made.
        if not client._client.is_connected():
            raise aiomqtt.MqttError("lost without a word")


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Band]:
    """The band channel with its connection kept in the background. Raises ConfigurationError."""
    band = Band(settings)
    keeper = tasks.start(tasks.forever("band connection", band.keep, RETRY_S), "band connection")
    try:
        yield band
    finally:
        await tasks.end(keeper)
