"""One pipeline, from the broker to the database: acknowledged after COMMIT, nothing lost when either is away.

The connection to the database holds the pipeline's leader slot. When it breaks, the connection to the broker is dropped
too: another process may hold the slot by now, and the broker sends that one what was not acknowledged.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from time import monotonic
from typing import Generic

import psycopg

from eldercare.platform import heartbeats, tasks
from eldercare.platform.database import Connection, connect
from eldercare.platform.errors import ConfigurationError, Unavailable
from eldercare.platform.log import logger
from eldercare.platform.settings import Settings
from eldercare.protocol.takeover import Lives
from ingest.pipeline import leadership
from ingest.pipeline.batcher import Acknowledge, Batch, Batcher, Flush, halves
from ingest.pipeline.behind import Behind
from ingest.pipeline.clearing import KNOWS
from ingest.pipeline.counters import Counters
from ingest.pipeline.leadership import Backend
from ingest.pipeline.pipelines import M, Pipeline, Stored
from ingest.pipeline.wake_event import WakeEvent
from ingest.transports.mqtt.packets import Published
from ingest.transports.mqtt.session import Session

SLOT_POLL_S = 0.5
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


Store = Callable[[Connection, Sequence[M]], Awaitable[Stored]]


def pauses() -> Iterator[float]:
    """Seconds to wait before each further try: doubled up to a limit, and never in step with other processes."""
    pause = FIRST_PAUSE_S
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        pause = min(2 * pause, LONGEST_PAUSE_S)


class Consumer(Generic[M]):
    """Runs a pipeline until it is told to stop."""

    def __init__(self, settings: Settings, pipeline: Pipeline[M]) -> None:
        """Raises ConfigurationError for a missing address, or a CA that cannot be read."""
        self._pipeline = pipeline
        self._database_url = settings.required("database_url")
        self._address = settings.mqtt
        self._settings = settings
        self._tls = settings.mqtt_tls()
        self._log = logger(f"ingest.{pipeline.name}")
        self._instance = heartbeats.instance_of(f"ingest.{pipeline.name}")
        self._wake = WakeEvent()
        self._stopping = False
        self._was_connected = False
        self._backend: Backend | None = None
        self._next_beat = 0.0
        self._lives = Lives()
        self._batcher = Batcher[M](pipeline.size, pipeline.age_s, pipeline.bound, pipeline.share)
        self._behind = Behind(pipeline.key, pipeline.size)
        self._session: Session | None = None
        self.counters = Counters()

    @property
    def connected(self) -> bool:
        """Whether it has a leader slot and is subscribed."""
        return self._session is not None and self._session.connected

    def stop(self) -> None:
        """Finish what is buffered, then leave. May be called from a signal handler of the loop."""
        self._stopping = True
        self._wake.ring()

    async def run(self) -> None:
        """Consume until `stop`. Raises ConfigurationError where the first connection is refused for good."""
        waits = pauses()
        while not self._stopping:
            try:
                async with await connect(
                    self._database_url,
                    autocommit=True,
                    application_name=f"eldercare ingest {self._pipeline.name}",
                    limits=self._pipeline.limits,
                ) as conn:
                    waits = pauses()
                    self._backend = await leadership.succeed(conn, self._backend)
                    await self._hold_slot(conn)
            except psycopg.Error as error:
                self._log.warning("database_away", sqlstate=error.sqlstate, error=error)
                await self._wake.wait(next(waits))

    async def _hold_slot(self, conn: Connection) -> None:
        slot = await self._take_slot(conn)
        if slot is None:
            return
        await self._pipeline.warm_up(conn)
        name = await leadership.session_name(conn, self._pipeline.name, slot)
        self._pipeline.heard_by = name
        self._session = session = Session(
            self._address,
            self._trust(),
            name,
            self._pipeline.topics,
            self._receive,
            self._wake.ring,
            clean=slot > 1,
            besides=self._pipeline.besides,
        )
        self._log.info("seat_taken", seat=slot, client_id=name)
        beside = tasks.start(
            self._pipeline.beside(self._database_url, self._tell), f"beside {self._pipeline.name}", may_end=True
        )
        try:
            waits = pauses()
            while not self._stopping:
                if not await self._connected(session, conn):
                    await self._wake.wait(next(waits))
                    continue
                waits = pauses()
                began = monotonic()
                if await self._consume(session, conn, slot):
                    return
                if not self._stopping:
                    self.counters.reconnects += 1
                    await self._lost(session, monotonic() - began)
            if session.connected:
                await self._finish(session, conn)
            await self._begin_anew(session, conn)
        finally:
            beside.cancel()
            session.drop()
            try:
                if not conn.closed:
                    await self._say(heartbeats.end(conn, self._instance))
            finally:
                await tasks.end(beside)

    async def _lost(self, session: Session, lasted_s: float) -> None:
        """Pause after the broker has ended the connection, so that another user of our client id is not thrown out
        again at once."""
        pause_s = self._lives.ended(lasted_s)
        if self._lives.taken:
            self._log.error(
                "client_id_taken",
                client_id=session.client_id,
                hint="another service, deployment or client uses it, or ELDERCARE_MQTT_URL names the bands' listener",
            )
        end = monotonic() + pause_s
        while (left := end - monotonic()) > 0 and not self._stopping:
            await self._wake.wait(left)

    def _trust(self) -> ssl.SSLContext | None:
        try:
            self._tls = self._settings.mqtt_tls()
        except ConfigurationError as error:
            # The file is gone for a moment, while it is replaced. What was read last still says whom to trust.
            self._log.error("ca_unreadable", error=error)
        return self._tls

    async def _take_slot(self, conn: Connection) -> int | None:
        while not self._stopping:
            slot = await leadership.take(conn, self._pipeline.name, self._pipeline.leader_slots)
            if slot is not None:
                await self._say(heartbeats.end(conn, self._instance))
                return slot
            if self._beat_is_due():
                await self._say(heartbeats.beat(conn, self._instance, "ingest.standby", {"lane": self._pipeline.name}))
            await self._wake.wait(SLOT_POLL_S)
        await self._say(heartbeats.end(conn, self._instance))
        return None

    async def _connected(self, session: Session, conn: Connection) -> bool:
        # If another process has taken the slot, and the session with it, this connection is broken, and says so here.
        await conn.execute("select 1")
        await self._begin_anew(session, conn)
        try:
            await session.connect()
        except Unavailable as error:
            if error.__cause__ is None:  # it took us, and ended the connection before it had said whether we may listen
                await self._lost(session, 0.0)
                return False
            self._lives.refused()
            self._log.warning("broker_away", error=error)
            return False
        except ConfigurationError as error:
            if not self._was_connected:
                raise
            self._log.error("broker_refuses", error=error)
            return False
        self._was_connected = True
        self._next_beat = 0.0
        self._log.info("connected", client_id=session.client_id)
        return True

    async def _begin_anew(self, session: Session, conn: Connection) -> None:
        """Give up the packet ids of the last connection, and store what nobody sends again."""
        self._batcher.connected()
        self._behind.clear()
        while self._batcher.waiting:
            await self._store(self._behind.divide(self._batcher.take()), session, conn, self._pipeline.store)

    async def _consume(self, session: Session, conn: Connection, slot: int) -> bool:
        """Consume until the connection is lost or the end comes; returns True to take a better slot."""
        began = asked = monotonic()
        while session.connected and not self._stopping:
            if self._beat_is_due():
                if monotonic() - asked >= self._pipeline.kept_again_s:
                    asked = monotonic()
                    session.ask_for_kept()
                self._lives.lasts(monotonic() - began)
                if await leadership.move_to_first(conn, self._pipeline.name, slot):
                    return True
                await self._beat(conn, session, slot)
            # What waits must not keep the rest from being read. Too much of it is stored without what somebody holds.
            too_many = self._behind.full or (self._batcher.full and not self._batcher.waiting)
            if again := self._behind.take(self._batcher.epoch, monotonic(), at_once=too_many):
                await self._store(again, session, conn, self._pipeline.give_up if too_many else self._pipeline.store)
                if not self._batcher.full:
                    session.resume()
            decision = self._batcher.decide(monotonic())
            if isinstance(decision, Flush):
                await self._store(self._behind.divide(self._batcher.take()), session, conn, self._pipeline.store)
                if not self._batcher.full:
                    session.resume()
            else:
                until_beat = max(0.0, self._next_beat - monotonic())
                waits = (until_beat, decision.seconds, self._behind.seconds(monotonic()))
                await self._wake.wait(min(each for each in waits if each is not None))
        return False

    async def _finish(self, session: Session, conn: Connection) -> None:
        session.pause()
        self._batcher.end()
        while session.connected and isinstance(self._batcher.decide(monotonic()), Flush):
            await self._store(self._behind.divide(self._batcher.take()), session, conn, self._pipeline.store)
        await session.close()

    def _receive(self, published: Published) -> None:
        at = monotonic()
        taken = self._pipeline.receive(published, at)
        if taken is None:
            return
        self.counters.messages += 1
        message, owner, weight, load, same = taken
        batcher = self._batcher
        batcher.add(published.mid, message, weight, at, owner=owner, same=same, load=load)
        if batcher.ripe or batcher.waiting == 1:
            self._wake.ring()
        if batcher.full and self._session is not None:
            self._session.pause()

    async def _store(self, batch: Batch[M], session: Session, conn: Connection, store: Store[M]) -> None:
        """Commit and acknowledge a batch, in parts where one message of it cannot be stored. What is left waits.

        Raises psycopg.Error when the connection is lost, or when it is time to leave and the database is not well.
        """
        parts, waits = [batch] if batch.messages else [], pauses()
        while parts:
            part = parts.pop()
            try:
                stored = await store(conn, list(part.messages.values()))
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                if len(part.messages) > 1:
                    parts += reversed(halves(part))
                    continue
                stored = await self._pipeline.refuse(conn, next(iter(part.messages.values())), error)
            except psycopg.Error as error:
                if conn.closed or self._stopping:
                    raise
                self.counters.retries += 1
                self._log.warning("not_stored_yet", sqlstate=error.sqlstate, error=error)
                parts.append(part)
                await asyncio.sleep(next(waits))
                continue
            done = self._behind.put(part, stored.left, monotonic())
            if done.messages:
                self._committed(done, stored, session)

    def _committed(self, part: Batch[M], stored: Stored, session: Session) -> None:
        self.counters.batches += 1
        self.counters.lag_ms = 1000 * (monotonic() - min(message.at for message in part.messages.values()))
        answer = self._batcher.stored(part)
        if isinstance(answer, Acknowledge):
            session.acknowledge(answer.mids)
        self._tell(stored)

    def _beat_is_due(self) -> bool:
        if monotonic() < self._next_beat:
            return False
        self._next_beat = monotonic() + heartbeats.INTERVAL_S
        return True

    async def _beat(self, conn: Connection, session: Session, slot: int) -> None:
        detail = {
            **self.counters.detail(),
            "seat": slot,
            "client_id": session.client_id,
            "client_id_taken": self._lives.taken,
            KNOWS: True,
        }
        await self._say(heartbeats.beat(conn, self._instance, f"ingest.{self._pipeline.name}", detail))

    async def _say(self, heartbeat: Awaitable[None]) -> None:
        """A heartbeat that cannot be written for now must not cost the pipeline its connections."""
        try:
            await heartbeat
        except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled) as error:
            self._log.warning("beat_missed", error=error)

    def _tell(self, stored: Stored) -> None:
        self.counters.add(stored.counters)
        if self._session is not None:
            for topic, payload in stored.to_say:
                self._session.publish(topic, payload)
