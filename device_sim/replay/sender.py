"""The bands' connections during a replay: one each, QoS 1, a bounded number of messages unacknowledged.

It uses paho-mqtt itself, with a thread per connection. Awaiting each acknowledgement in a task of its own would cost
more than everything else in a replay.
"""

import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from eldercare.platform.errors import Unavailable
from eldercare.platform.log import logger
from eldercare.platform.settings import Mqtt
from eldercare.protocol.mqtt_v1 import Kind, SosStateMessage, topic

WINDOW = 2000
"""Messages on their way over all connections."""
CONNECT_S = 10.0
STALLED_S = 60.0
"""Seconds without an acknowledgement after which the broker is given up."""

_log = logger(__name__)


class Sender:
    """Publishes for many bands. Use as a context; leaving it waits for nothing, `drain` does."""

    def __init__(self, broker: Mqtt, tls: ssl.SSLContext | None, passwords: Mapping[str, str | None]) -> None:
        self.published = 0
        self.sos_states: list[tuple[str | None, str]] = []
        self._broker = broker
        self._tls = tls
        self._acknowledged = 0
        self._changed = threading.Condition()
        self._refusals: dict[str, str] = {}
        self._connected: set[str] = set()
        self._clients = {device_id: self._client(device_id, password) for device_id, password in passwords.items()}

    def __enter__(self) -> "Sender":
        """Connect every band. Raises Unavailable naming the first that cannot."""
        for client in self._clients.values():
            try:
                client.connect(self._broker.host, self._broker.port, keepalive=60)
            except OSError as error:
                raise Unavailable(f"broker {self._broker.host}:{self._broker.port}: {error}") from error
            client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: len(self._connected | set(self._refusals)) == len(self._clients), CONNECT_S)
            missing = sorted(set(self._clients) - self._connected)
        if missing:
            self._close()
            raise Unavailable(f"band {missing[0]}: {self._refusals.get(missing[0], 'the broker does not answer')}")
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def publish(self, device_id: str, kind: Kind, payload: bytes) -> None:
        """Send at QoS 1, waiting while the window is full. Raises Unavailable when the broker has stalled."""
        with self._changed:
            self._wait(lambda: self.published - self._acknowledged < WINDOW)
            self.published += 1
        self._clients[device_id].publish(topic(device_id, kind), payload, qos=1)

    def drain(self) -> None:
        """Wait until everything is acknowledged. Raises Unavailable when the broker has stalled."""
        with self._changed:
            self._wait(lambda: self._acknowledged >= self.published)

    def listen(self, device_id: str) -> None:
        """Keep in `sos_states` what a band is told of its SOS."""
        self._clients[device_id].subscribe(topic(device_id, Kind.SOS_STATE), qos=1)

    def _wait(self, ready: Any) -> None:
        while not ready():
            before = self._acknowledged
            if not self._changed.wait_for(ready, STALLED_S) and self._acknowledged == before:
                raise Unavailable(f"the broker has acknowledged nothing for {STALLED_S:.0f} s")

    def _close(self) -> None:
        for client in self._clients.values():
            client.disconnect()
            client.loop_stop()

    def _client(self, device_id: str, password: str | None) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=device_id, clean_session=False, protocol=mqtt.MQTTv311
        )
        client.username_pw_set(device_id, password)
        client.max_inflight_messages_set(WINDOW)
        client.reconnect_delay_set(1, 5)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.on_connect = lambda _c, _u, _f, reason, _p: self._on_connect(device_id, reason)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._on_disconnect(device_id, reason)
        client.on_publish = lambda _c, _u, _mid, _r, _p: self._on_publish()
        client.on_message = lambda _c, _u, message: self._on_message(message)
        return client

    def _on_connect(self, device_id: str, reason: Any) -> None:
        with self._changed:
            if reason.is_failure:
                self._refusals[device_id] = f"the broker refuses it: {reason}"
            else:
                self._connected.add(device_id)
            self._changed.notify_all()

    def _on_disconnect(self, device_id: str, reason: Any) -> None:
        if reason.is_failure:
            _log.warning("band_connection_lost", device_id=device_id, reason=str(reason), at=time.time())

    def _on_publish(self) -> None:
        with self._changed:
            self._acknowledged += 1
            self._changed.notify_all()

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        try:
            told = SosStateMessage.model_validate_json(message.payload)
        except ValueError as error:
            _log.warning("band_misunderstood", topic=message.topic, error=str(error))
            return
        with self._changed:
            self.sos_states.append((told.event_id, told.state))
            self._changed.notify_all()
