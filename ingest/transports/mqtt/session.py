"""One connection to the broker: the event loop drives paho-mqtt, and nothing is acknowledged before it is stored.

The session outlives the connection (fixed client id, not clean), so the broker keeps what comes while nobody listens.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from eldercare.platform.errors import ConfigurationError, Unavailable
from eldercare.platform.log import logger
from eldercare.platform.settings import Mqtt
from ingest.transports.mqtt.packets import Published, puback, published
from ingest.transports.mqtt.sockets import BufferedSocket

KEEPALIVE_S = 20
CONNECT_TIMEOUT_S = 5.0
MISC_INTERVAL_S = 1.0
_REFUSED_FOR_GOOD = ("Not authorized", "Bad user name or password", "Client identifier not valid")

_log = logger(__name__)

Receive = Callable[[Published], None]


class _Client(mqtt.Client):
    """paho reads byte by byte; the socket between turns that into few system calls."""

    def _create_socket(self) -> Any:
        return BufferedSocket(cast(socket.socket, super()._create_socket()))


class Session:
    """Connect, receive, acknowledge, publish. Belongs to one event loop; `receive` is called from it."""

    def __init__(
        self,
        address: Mqtt,
        tls: ssl.SSLContext | None,
        client_id: str,
        topics: Iterable[str],
        receive: Receive,
        lost: Callable[[], None],
        *,
        clean: bool,
        besides: Iterable[str] = (),
    ) -> None:
        """`lost` is called when the connection is gone. `clean`: the broker then forgets the session.

        `besides` are topics that are heard at QoS 0, where the broker has them.
        """
        self.client_id = client_id
        self._address = address
        self._topics = [(topic, 1) for topic in topics]
        self._besides = [(topic, 0) for topic in besides]
        self._wanted: int | None = None
        self._receive = receive
        self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
        )
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._client.max_inflight_messages_set(1000)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_socket_close = self._on_socket_close
        self._socket: BufferedSocket | None = None
        self._ready: asyncio.Future[None] | None = None
        self._tell_lost = lost
        self._connected = False
        self._paused = False
        self._misc: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker hears us, as far as is known."""
        return self._connected

    async def connect(self) -> None:
        """Return when the broker has confirmed the subscriptions, or has sent so much that reading is paused.

        Raises Unavailable where it cannot be reached, ConfigurationError where it refuses us for good.
        """
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        self._paused = False
        try:
            await asyncio.to_thread(self._client.connect, self._address.host, self._address.port, KEEPALIVE_S)
            connection = self._client.socket()
            if not isinstance(connection, BufferedSocket):
                raise Unavailable("the broker closed the connection at once")
            self._socket = connection
            connection.attach(loop)
            loop.add_reader(connection.fileno(), self._readable)
            self._tick()
            async with asyncio.timeout(2 * CONNECT_TIMEOUT_S):
                await self._ready
            if self._socket is None:  # lost in the same moment in which the wait ended
                raise Unavailable(f"broker {self._address.host}:{self._address.port} ended the connection")
            self._connected = True
        except (OSError, TimeoutError) as error:
            self.drop()
            raise Unavailable(f"broker {self._address.host}:{self._address.port}: {error}") from error
        except BaseException:
            self.drop()
            raise

    def pause(self) -> None:
        """Read nothing more for now.

        The broker sends what it kept for the session before it confirms the subscriptions. Where that is already too
        much, `connect` no longer waits for the confirmation, which lies behind what cannot be read yet.
        """
        if self._socket is not None and not self._paused:
            self._paused = True
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)

    def resume(self) -> None:
        """Read on."""
        if self._socket is not None and self._paused:
            self._paused = False
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)
            self._readable()

    def acknowledge(self, mids: tuple[int, ...]) -> None:
        """PUBACK each packet id, all in one write. Only for ids of the present connection."""
        if self._socket is not None and mids:
            self._socket.send(puback(mids))

    def ask_for_kept(self) -> None:
        """Subscribe to the same topics again, so that the broker hands out what it keeps (retained)."""
        self._client.subscribe(self._topics)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 1; what is not confirmed is sent again after a reconnect."""
        self._client.publish(topic, payload, qos=1)

    async def close(self) -> None:
        """Write what waits, say goodbye, and leave the session with the broker."""
        if self._socket is not None and self._connected:
            await self._socket.flushed(CONNECT_TIMEOUT_S)
            self._client.disconnect()
        self.drop()

    def drop(self) -> None:
        """End the connection without a word, so that everything unacknowledged comes again."""
        if self._ready is not None:
            self._ready.cancel()
        if self._misc is not None:
            self._misc.cancel()
            self._misc = None
        if self._socket is not None:
            self._on_socket_close(self._client, None, self._socket)
            self._socket.close()
            self._socket = None
        if self._connected:
            self._connected = False
            self._tell_lost()

    def _readable(self) -> None:
        connection = self._socket
        if connection is None:
            return
        connection.fill()
        try:
            self._read_packets(connection)
        except ValueError as error:
            _log.error("broker_talks_nonsense", error=error)
            self.drop()
        # paho leaves to us what it wants to say from within a callback.
        if self._client.want_write():
            self._client.loop_write()

    def _read_packets(self, connection: BufferedSocket) -> None:
        receive = self._receive
        while not self._paused and (packet := connection.next_packet()):
            if isinstance(packet, Published):
                receive(packet)
                continue
            buffer = connection.hand_out(packet)
            if packet.is_publish:
                receive(published(buffer, packet))
                connection.skip(packet)
            elif self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self.drop()
                return
        if connection.ended:
            self._client.loop_read()  # paho finds the end, and says what it was
            self.drop()

    def _tick(self) -> None:
        self._misc = asyncio.get_running_loop().call_later(MISC_INTERVAL_S, self._tick)
        if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.drop()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            _, self._wanted = self._client.subscribe(self._topics)
            if self._besides:
                self._client.subscribe(self._besides)
            return
        text = f"ELDERCARE_MQTT_URL: the broker refuses us: {reason}"
        self._fail(ConfigurationError(text) if str(reason) in _REFUSED_FOR_GOOD else Unavailable(text))

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, reasons: Any, _properties: Any) -> None:
        if mid != self._wanted:
            return
        if any(reason.is_failure for reason in reasons):
            text = f"ELDERCARE_MQTT_URL: the broker refuses the subscription to {self._topics}"
            if self._ready is None or self._ready.done():
                _log.error("broker_refuses", error=text)
                # The next connection meets the refusal at its beginning; paho is in the midst of reading now.
                asyncio.get_running_loop().call_soon(self.drop)
            self._fail(ConfigurationError(text))
        elif self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._fail(Unavailable(f"the broker ended the connection: {reason}"))

    def _fail(self, error: Exception) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)

    def _on_socket_close(self, _client: Any, _data: Any, connection: Any) -> None:
        # paho may report a socket that a failed attempt never handed to us.
        if isinstance(connection, BufferedSocket):
            connection.detach()
