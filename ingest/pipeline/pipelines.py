"""The two pipelines: what each listens to, and how it stores what comes. No telemetry can stand before an SOS."""

import json
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

import psycopg

from alerts.incidents.opening import Raised, raise_sos
from alerts.model.incident import Named, Press
from eldercare.platform.database import BULK, LOOKUPS, URGENT, Connection, Limits
from eldercare.platform.log import logger
from eldercare.platform.settings import Settings
from eldercare.protocol.mqtt_v1 import MAX_ARRAY_ITEMS, MAX_PAYLOAD_BYTES, TOPIC_PREFIX, Kind, sos_state, topic
from ingest.pipeline import handover, writer
from ingest.pipeline.aside import HELD_MS, Aside
from ingest.pipeline.clearing import Clearing, is_cleared
from ingest.pipeline.counters import Counters
from ingest.pipeline.press_reader import PressReader
from ingest.pipeline.pressed import Pressed
from ingest.pipeline.writer import Received
from ingest.protocols.mqtt_v1 import Decoded, Reason, Rejected, decode, refused_by_broker
from ingest.storage import dead_letters
from ingest.storage.dead_letters import Refused
from ingest.transports.mqtt.packets import KEPT_BYTES, Published


class Arrived(Protocol):
    """A message as it waits in the buffer."""

    @property
    def at(self) -> float:
        """When it came, seconds of the monotonic clock."""
        ...


M = TypeVar("M", bound=Arrived)

_TOPIC_ENDS = f"/{Kind.SOS}"
_HARDLY_WAIT = f"set local lock_timeout = {HELD_MS}"

DAY_S = 86_400.0
MOST_TOLD = 100_000
"""How many fields of bands are remembered as told; a forgotten one is told once more."""
BROKER_LOG = "$SYS/broker/log/"
LARGE_BYTES = 8 * 1024
"""A message of readings that is larger is decoded when it is written."""

_log = logger(__name__)


@dataclass(slots=True)
class Stored:
    """What became of a batch, and what to say to bands now that it is committed: topic and payload."""

    counters: Counters
    to_say: list[tuple[str, bytes]] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    """Keys whose messages are not stored, because somebody holds what they need."""

    def add(self, other: "Stored") -> None:
        """Add what another part of the batch brought."""
        self.counters.add(other.counters)
        self.to_say += other.to_say


class Taken(NamedTuple, Generic[M]):
    """A message as it is buffered. `owner` is its band. `weight` is what it weighs when it is written, `load` until
    then (in some 8 KiB). Messages with an equal `same` are written once."""

    message: M
    owner: str
    weight: int
    load: int
    same: Hashable = None


class Large(NamedTuple):
    """A message of the telemetry pipeline that is decoded when it is written; `at` and `retained` as in Received."""

    topic: str
    payload: bytes
    at: float
    retained: bool

    def read(self) -> Received:
        """Decode it."""
        decoded = _decoded(self.topic, self.payload)
        return Received(self.topic, self.payload[:KEPT_BYTES], decoded, self.at, retained=self.retained)


class Pipeline(Protocol, Generic[M]):
    """What a consumer needs to know of its pipeline."""

    name: str
    topics: tuple[str, ...]
    besides: tuple[str, ...]
    """Topics heard at QoS 0, where the broker has them."""
    kept_again_s: float
    """Seconds between two requests for what the broker keeps (retained)."""
    limits: Limits
    leader_slots: int
    size: int
    age_s: float
    bound: int
    share: int
    """The most weight that one band may have in a batch."""
    heard_by: str
    """Name of our session with the broker."""

    def receive(self, message: Published, at: float) -> Taken[M] | None:
        """The message as it is buffered; None where there is nothing to store, which is never so of one with a packet
        id."""

    async def warm_up(self, conn: Connection) -> None:
        """Have the database plan its statements before they are needed."""

    async def store(self, conn: Connection, messages: Sequence[M]) -> Stored:
        """Commit the messages. Raises psycopg.Error with none of them stored."""

    def key(self, message: M) -> str:
        """Whose the message is. Later messages with the same key must not be stored before it."""

    async def give_up(self, conn: Connection, messages: Sequence[M]) -> Stored:
        """Commit messages that were left for too long, without what somebody holds. Raises psycopg.Error."""

    async def refuse(self, conn: Connection, message: M, error: psycopg.Error) -> Stored:
        """Commit the refusal of a message that the database will never take. Raises psycopg.Error."""

    async def beside(self, database_url: str, tell: Callable[[Stored], None]) -> None:
        """Do the pipeline's other work, on connections of its own, until cancelled; `tell` says what came of it."""


class Telemetry:
    """Everything but the SOS, by one leader in large batches. Messages under a wrong topic come here too, to be
    counted."""

    name = "telemetry"
    topics: tuple[str, ...] = ("eldercare/#",)
    besides: tuple[str, ...] = (f"{BROKER_LOG}N",)
    kept_again_s = 600.0
    limits = BULK
    leader_slots = 1
    heard_by = ""

    def __init__(self, settings: Settings) -> None:
        self.size = settings.batch_size
        self.age_s = settings.batch_age_ms / 1000
        self.bound = 4 * settings.batch_size
        self.share = settings.batch_size
        self._zone = settings.zone
        self._max_age = timedelta(days=settings.max_age_days)
        self._reader = PressReader()
        self._clearing = Clearing(settings)
        self._told: dict[tuple[str | None, str], float] = {}

    def receive(self, message: Published, at: float) -> "Taken[Received | Large] | None":
        """Decode the message while the database is busy with the batch before. Large arrays wait as they came: that
        takes little room, so that much of one band may be read, and what others sent behind it too."""
        topic, payload = message.topic, message.payload
        if is_cleared(message):
            return None
        if not message.mid and topic.startswith(BROKER_LOG):
            refused = refused_by_broker(payload)
            if refused is None:
                return None
            band, rejected = refused
            topic = f"{TOPIC_PREFIX}/{band}/"
            return Taken(Received(topic, b"", Decoded(None, rejected=(rejected,)), at), owner(topic), 1, 1)
        is_sos = topic.endswith(_TOPIC_ENDS)
        if LARGE_BYTES < len(payload) <= MAX_PAYLOAD_BYTES and message.size is None and not is_sos:
            weight = min(payload.count(b"{"), MAX_ARRAY_ITEMS) or 1
            large = Large(topic, payload, at, message.retained)
            return Taken(large, owner(topic), weight, 1 + len(payload) // LARGE_BYTES)
        decoded = self._sampled(_decoded(topic, payload, message.size), at)
        weight = decoded.weight
        pressed = self._reader.read(message, self.heard_by, at) if is_sos and decoded.device_id is not None else None
        received = Received(topic, payload[:KEPT_BYTES], decoded, at, pressed, message.retained)
        return Taken(received, decoded.device_id or owner(topic), weight, weight)

    def _sampled(self, decoded: Decoded, at: float) -> Decoded:
        """Keep one refusal a day for each field of a band that cannot be read: firmware that errs does so each
        minute."""
        kept = []
        for each in decoded.unread:
            key = (decoded.device_id, each.detail.partition(":")[0])
            if at - self._told.get(key, -DAY_S) >= DAY_S:
                if len(self._told) >= MOST_TOLD:
                    self._told.clear()
                self._told[key] = at
                kept.append(each)
        return decoded._replace(rejected=[*decoded.rejected, *kept]) if kept else decoded

    def _read(self, message: Received | Large) -> Received:
        if isinstance(message, Received):
            return message
        received = message.read()
        return received._replace(decoded=self._sampled(received.decoded, received.at))

    async def warm_up(self, conn: Connection) -> None:
        """Have each batch planned, since plans depend on how many rows an array holds. Compiling them would not pay."""
        await conn.execute("set jit = off")
        await conn.execute("set plan_cache_mode = force_custom_plan")

    async def store(self, conn: Connection, messages: "Sequence[Received | Large]") -> Stored:
        """Store the whole batch in one transaction, but leave the bands of which somebody holds anything."""
        decoded = [self._read(message) for message in messages]
        parts, stored, committed = [decoded], Stored(Counters()), False
        while parts:
            part = parts.pop()
            try:
                written = await writer.write(conn, part, self._zone, self._max_age)
            except psycopg.errors.LockNotAvailable:
                # An incident or a command is held. A band's own row does not come here: it is passed over.
                bands = sorted({self.key(message) for message in part})
                if len(bands) == 1:
                    stored.left.update(bands)
                    continue
                half = set(bands[: len(bands) // 2])
                parts.append([message for message in part if self.key(message) not in half])
                parts.append([message for message in part if self.key(message) in half])
                continue
            except (psycopg.DataError, psycopg.IntegrityError):
                if not committed:
                    raise
                # Another part is committed, and must not be written again in search of the message that is wrong here.
                stored.left.update(self.key(message) for message in part)
                continue
            committed = True
            stored.counters.add(written.counters)
            stored.left |= written.held
        await self._hand_over(conn, [message for message in decoded if self.key(message) not in stored.left], stored)
        return stored

    async def _hand_over(self, conn: Connection, messages: Sequence[Received], stored: Stored) -> None:
        """Hand presses over to the SOS pipeline, once the rest is committed."""
        presses = [message.press for message in messages if message.press is not None]
        stored.counters.handed_over += await handover.give(conn, presses)
        self._forget(messages)

    def _forget(self, messages: Iterable[Received]) -> None:
        """Have the broker forget the copies of what is committed."""
        kept = [message for message in messages if message.retained and message.decoded.device_id]
        self._clearing.add((message.topic, message.payload) for message in kept if message.decoded.ours)

    def key(self, message: "Received | Large") -> str:
        """Its band. A press has its topic as key: it needs nothing of the band's, and waits for nobody who has that."""
        if isinstance(message, Large):
            return owner(message.topic)
        return message.topic if message.press is not None else message.decoded.device_id or ""

    async def give_up(self, conn: Connection, messages: "Sequence[Received | Large]") -> Stored:
        """Store the readings and evaluate none: nothing is lost."""
        _log.error("stored_unjudged", bands=sorted({self.key(message) for message in messages})[:10])
        decoded = [self._read(message) for message in messages]
        stored = Stored(await writer.write_unevaluated(conn, decoded, self._zone, self._max_age))
        await self._hand_over(conn, decoded, stored)
        return stored

    async def refuse(self, conn: Connection, message: "Received | Large", error: psycopg.Error) -> Stored:
        """Keep the beginning of the message with the database's complaint."""
        rejected = Rejected(Reason.DATABASE, f"{error.sqlstate}: {error}")
        await dead_letters.store(conn, [Refused(message.topic, message.payload, rejected)])
        self._forget([message.read() if isinstance(message, Large) else message])
        return Stored(Counters(rejected=_one(rejected.reason)))

    async def beside(self, database_url: str, _tell: Callable[[Stored], None]) -> None:
        """Have the broker forget what is stored."""
        await self._clearing.run(database_url)


def owner(topic: str) -> str:
    """The band that may have published under this topic; every name below its own is its own."""
    parts = topic.split("/", 3)
    return parts[2] if len(parts) > 2 else topic


def _decoded(topic: str, payload: bytes, size: int | None = None) -> Decoded:
    try:
        return decode(topic, payload, size)
    except Exception as error:
        # This is a mistake of ours. If it were raised, the message would stay unread before all others, at every
        # connection.
        _log.exception("not_decoded", topic=topic)
        return Decoded(None, rejected=(Rejected(Reason.SCHEMA, f"not decoded: {error!r}"),))


class _Held(Exception):
    """Somebody holds what the message at this place of a batch needs."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class Sos:
    """Presses, at once: a single one is one statement and one round trip; those that come meanwhile share the next
    commit."""

    name = "sos"
    topics: tuple[str, ...] = ("eldercare/v1/+/sos",)
    besides: tuple[str, ...] = ()
    kept_again_s = math.inf
    limits = URGENT
    leader_slots = 16
    size = 50
    age_s = 0.0
    bound = 8000
    share = 10
    heard_by = ""

    def __init__(self) -> None:
        self._reader = PressReader()
        self._aside = Aside[Stored](self._one, self._bare)

    def receive(self, message: Published, at: float) -> Taken[Pressed] | None:
        """Read every message as a press, except what a session brings because others have subscribed with it too."""
        if is_cleared(message):
            return None
        if not message.topic.endswith(_TOPIC_ENDS):
            refused = Rejected(Reason.TOPIC, "came to the SOS pipeline: somebody else uses its client id")
            pressed = Pressed(message.topic, message.payload[:KEPT_BYTES], refused, at)
        else:
            pressed = self._reader.read(message, self.heard_by, at)
        return Taken(pressed, owner(message.topic), 1, 1, _same(pressed))

    async def warm_up(self, conn: Connection) -> None:
        """Warm the connection up: the first press of a cold process would take ten times as long as the second."""
        for name, value in LOOKUPS.items():
            await conn.execute(f"set {name} = {value}")
        for _ in range(2):
            with suppress(psycopg.errors.LockNotAvailable):  # another process warms up, or was stopped as it did
                async with conn.transaction(force_rollback=True):
                    await raise_sos(conn, Press("warm-up", b"", ""))

    async def store(self, conn: Connection, messages: Sequence[Pressed]) -> Stored:
        """Store presses; each is raised or set aside when this returns. `conn` commits by itself, after the one
        statement of a single press.

        A press that waits for what somebody holds is set aside, and no other waits with it. Repeats of one press are
        one.
        """
        came, messages = len(messages), _distinct(messages)
        stored, patient = Stored(Counters(duplicates=came - len(messages))), True
        waiting = [message for message in messages if message.topic in self._aside.waiting]
        if waiting:
            await self._aside.keep(conn, waiting)
            messages = [message for message in messages if message.topic not in self._aside.waiting]
        # Every process takes them in the same order, as with all locks.
        parts = [sorted(messages, key=_by_band)] if messages else []
        while parts:
            part = parts.pop()
            try:
                stored.add(await self._part(conn, part, patient))
            except _Held as held:
                patient = False
                await self._aside.keep(conn, [part[held.place]])
                parts += [rest for rest in (part[held.place + 1 :], part[: held.place]) if rest]
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                # The wrong one is looked for here: elsewhere those that are committed already would count twice.
                if len(part) == 1:
                    stored.add(await self.refuse(conn, part[0], error))
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
        return stored

    async def _part(self, conn: Connection, part: Sequence[Pressed], patient: bool) -> Stored:
        """Store a part in one transaction. Raises _Held. A caller who is not `patient` has waited already, and waits
        hardly longer."""
        try:
            if patient and len(part) == 1:
                return await self._store(conn, part)
            async with conn.transaction():
                if not patient:
                    await conn.execute(_HARDLY_WAIT)
                return await self._store(conn, part)
        except psycopg.errors.LockNotAvailable as error:
            # Commits that notify go one after the other, so the wait is at the very end.
            raise _Held(0) from error

    def key(self, message: Pressed) -> str:
        """Its topic."""
        return message.topic

    async def give_up(self, conn: Connection, messages: Sequence[Pressed]) -> Stored:
        """Do the same as `store`, which leaves nothing."""
        return await self.store(conn, messages)

    async def beside(self, database_url: str, tell: Callable[[Stored], None]) -> None:
        """Raise what was set aside, here or by a process that is no more, until cancelled."""

        await self._aside.run(database_url, tell)

    async def refuse(self, conn: Connection, message: Pressed, error: psycopg.Error) -> Stored:
        """Raise the press bare: it is never given up for what is said beside it. It counts as rejected only where that
        fails too."""
        _log.error("press_refused_by_database", topic=message.topic, error=error)
        try:
            return await self._bare(conn, message)
        except psycopg.errors.LockNotAvailable:
            await self._aside.keep(conn, [message])
            return Stored(Counters())

    async def _bare(self, conn: Connection, message: Pressed) -> Stored:
        detail = "the database refuses it"
        for bare in _bared(message.press):
            try:
                async with conn.transaction():
                    return await self._one(conn, message._replace(press=bare))
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                detail = f"{error.sqlstate}: {error}"
        return await self._one(conn, message._replace(press=Rejected(Reason.DATABASE, detail)))

    async def _store(self, conn: Connection, messages: Sequence[Pressed]) -> Stored:
        stored = Stored(Counters())
        for place, message in enumerate(messages):
            try:
                stored.add(await self._one(conn, message))
            except psycopg.errors.LockNotAvailable as error:
                raise _Held(place) from error
        return stored

    async def _one(self, conn: Connection, message: Pressed) -> Stored:
        stored = Stored(Counters())
        if isinstance(message.press, Rejected):
            await dead_letters.store(conn, [Refused(message.topic, message.payload, message.press)])
            stored.counters.rejected[message.press.reason] += 1
            return stored
        raised = await raise_sos(conn, message.press)
        _count(stored.counters, raised)
        said = sos_state(message.press.echo or json.dumps(message.press.event_id), raised.sos_state)
        stored.to_say.append((topic(message.press.device_id, Kind.SOS_STATE), said))
        return stored


def _same(message: Pressed) -> Hashable:
    """What a repeat has in common with its press; None for one that counts each time."""
    press = message.press
    if isinstance(press, Rejected) or press.named is Named.NOTHING:
        return None
    return message.topic, press.digest, press.retained, press.redelivered


def _bared(press: Press | Rejected) -> Sequence[Press]:
    """The press with ever less of what is said beside it; at last the band alone."""
    if isinstance(press, Rejected):
        return ()
    bare = replace(press, lat=None, lon=None, accuracy_m=None, bpm=None, payload=b"")
    return bare, Press(press.device_id, b"", press.digest, retained=press.retained, redelivered=press.redelivered)


def _distinct(messages: Sequence[Pressed]) -> Sequence[Pressed]:
    first = {(_same(message) or place): message for place, message in reversed(list(enumerate(messages)))}
    return list(reversed(first.values()))


def _by_band(message: Pressed) -> str:
    return message.topic


def _count(counters: Counters, raised: Raised) -> None:
    match raised.outcome:
        case "opened":
            counters.opened += 1
        case "merged":
            counters.merged += 1
        case "duplicate":
            counters.duplicates += 1


def _one(reason: Reason) -> Counter[str]:
    return Counter({str(reason): 1})
