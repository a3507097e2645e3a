"""Removes retained copies of what bands say from the broker, once they are stored.

A band shall not set the retain flag. One that does leaves its last message with the broker, which hands it out at every
subscription. MQTT removes such a copy by an empty message under the same topic, which every SOS pipeline would hear as
a press. So a word of ours replaces it, which expires within a second (MQTT 5). No pipeline acts on that word: only a
service says it to a band's topic, at QoS 0.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable
from typing import NamedTuple

import aiomqtt
import psycopg
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from eldercare.platform.database import COMMAND, connect
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.log import logger
from eldercare.platform.settings import Settings
from ingest.pipeline.wake_event import WakeEvent
from ingest.transports.mqtt.packets import Published

CLEARED = b"eldercare: a retained copy was removed"
KNOWS = "knows_cleared"
"""Key in a pipeline's heartbeat: it does not ring for that word."""
MOST = 10_000
"""How many topics may wait. A forgotten one is found at the next subscription."""
EXPIRES_S = 1
AGAIN_S = 60.0
TIMEOUT_S = 10.0
GROWS = 4
"""Factor by which the pause grows each time a copy is still there. A broker whose access list forbids us to remove
copies does not say so; such a copy is logged as still there."""
MOST_TIMES = 10
LONGEST_PAUSE_S = 86_400.0

_OTHERS = """
select exists (select from heartbeat where service = 'ingest.sos'
    and beat_at > clock_timestamp() - interval '30 seconds' and not detail ? %s)
"""

_log = logger(__name__)


def is_cleared(message: Published) -> bool:
    """Whether this is our word, and nothing that a band has said."""
    return not message.mid and message.payload == CLEARED


class _Removed(NamedTuple):
    """A copy that the broker was told to forget; how often it was back; when it is tried again if it is back."""

    payload: bytes
    times: int
    again_at: float


class Clearing:
    """Removes retained copies, on connections of its own that last a moment, until it is cancelled."""

    def __init__(self, settings: Settings) -> None:
        """Nothing to remove yet."""
        self._settings = settings
        self._topics = dict[str, bytes]()
        self._removed = dict[str, _Removed]()
        self._wake = WakeEvent()

    def add(self, copies: Iterable[tuple[str, bytes]]) -> None:
        """Remove these copies (topic and payload), which are stored. One that was just removed and is back waits for
        its next try."""
        now = time.monotonic()
        for topic, payload in copies:
            before = self._removed.get(topic)
            if before is None or before.payload != payload or now >= before.again_at:
                self._topics[topic] = payload
        while len(self._topics) > MOST:
            self._topics.popitem()
        if self._topics:
            self._wake.ring()

    async def run(self, url: str) -> None:
        """Remove copies until cancelled. What fails is tried again after a minute: a copy that stays for now harms
        nobody."""
        while True:
            try:
                if self._topics and not await _is_for_older(url):
                    await self._clear()
            except (aiomqtt.MqttError, OSError, TimeoutError, psycopg.Error, ConfigurationError) as error:
                _log.warning("retained_not_cleared", topics=len(self._topics), error=error)
            if self._topics:
                await asyncio.sleep(AGAIN_S)
            else:
                await self._wake.wait(AGAIN_S)

    async def _clear(self) -> None:
        mqtt, expiry = self._settings.mqtt, Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        expiry.MessageExpiryInterval = EXPIRES_S
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiomqtt.Client(
                mqtt.host,
                mqtt.port,
                username=mqtt.username,
                password=mqtt.password,
                identifier=f"eldercare-clearing-{secrets.token_hex(8)}",
                protocol=aiomqtt.ProtocolVersion.V5,
                tls_context=self._settings.mqtt_tls(),
                timeout=TIMEOUT_S,
            ) as client,
        ):
            copies = dict(self._topics)
            for topic in copies:
                await client.publish(topic, CLEARED, qos=0, retain=True, properties=expiry)
        still_there = sorted(topic for topic, payload in copies.items() if self._note(topic, payload))
        for said, topics in (
            ("retained_cleared", sorted(copies.keys() - still_there)),
            ("retained_still_there", still_there),
        ):
            if topics:
                _log.warning(said, topics=topics[:10], more=max(0, len(topics) - 10))

    def _note(self, topic: str, payload: bytes) -> bool:
        """Note that the broker was told to forget this copy; returns whether it had been told before and still had the
        same."""
        if self._topics.get(topic) == payload:
            del self._topics[topic]
        before = self._removed.pop(topic, None)
        times = before.times + 1 if before is not None and before.payload == payload else 0
        if len(self._removed) >= MOST:
            self._removed.clear()
        pause_s = min(AGAIN_S * GROWS ** min(times, MOST_TIMES), LONGEST_PAUSE_S)
        self._removed[topic] = _Removed(payload, times, time.monotonic() + pause_s)
        return times > 0


async def _is_for_older(url: str) -> bool:
    """Whether a process of an older version listens as well, which would take our word for a press."""
    async with await connect(
        url, autocommit=True, application_name="eldercare ingest clearing", limits=COMMAND
    ) as conn:
        row = await (await conn.execute(_OTHERS, (KNOWS,))).fetchone()
        return bool(row and row[0])
