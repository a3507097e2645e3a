"""Presses that wait for a lock: they are kept in the database, and raised as soon as the lock is free.

A press waits only a moment for its incident's row or for a table. Then it is written down as it came, into a table in
which nothing can be held, and acknowledged. The first process that comes to it raises and removes it in one
transaction, so no process that ends can lose it, and it opens what it would have opened. Only then does the band hear
`received`, because only then is somebody called.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum, auto
from time import monotonic
from typing import Generic, TypeVar

import psycopg

from eldercare.platform.database import LOOKUPS, URGENT, Connection, connect
from eldercare.platform.log import logger
from ingest.pipeline import pressed
from ingest.pipeline.patience import Patience
from ingest.pipeline.pressed import Pressed
from ingest.pipeline.wake_event import WakeEvent

SLICE = 200
"""How many presses one look reads."""
AGAIN_S = 0.1
"""Seconds before a press that is still held is tried again."""
POLL_S = 1.0
"""Seconds within which presses are found that another process set aside and did not come to raise."""
AWAY_S = 1.0
HELD_MS = 20
"""Milliseconds that each press may wait now: somebody holds its lock for longer than a moment, and others come after
it."""
TRIES = 3
"""Failures after which a press is raised bare, by what is certain: its band and when it came."""

_log = logger(__name__)

_KEEP = """
insert into sos_aside (received_at, topic, message)
select eldercare_now(), topic, message from unnest(%s::text[], %s::text[]) as new (topic, message)
"""
_WAITING = "select id, topic from sos_aside where id > %s order by id limit %s"
_TAKE = """
delete from sos_aside where id = (select id from sos_aside where id = %s for update skip locked)
returning received_at, topic, message
"""


class _Became(Enum):
    """What became of a waiting press at one try."""

    GONE = auto()
    HELD = auto()
    FAILED = auto()


T = TypeVar("T")
Store = Callable[[Connection, Pressed], Awaitable[T]]
"""Raises a press within the open transaction, or writes down why not; returns what to say once that is committed."""


class Aside(Generic[T]):
    """Raises what was set aside, on a connection of its own, until it is cancelled."""

    def __init__(self, store: Store[T], refuse: Store[T]) -> None:
        """`refuse` stores a press that `store` could not for its data."""
        self._store = store
        self._refuse = refuse
        self._wake = WakeEvent()
        self._patience = Patience()
        self._added = set[str]()
        self.waiting = set[str]()
        """Topics of which something waits, as far as this process knows: what comes next of them waits behind it."""

    async def keep(self, conn: Connection, messages: Sequence[Pressed]) -> None:
        """Write presses down until they can be raised."""
        _log.warning("presses_set_aside", topics=sorted({message.topic for message in messages})[:10])
        topics = [message.topic.replace("\0", "\ufffd").encode(errors="replace").decode() for message in messages]
        await conn.execute(_KEEP, (topics, [pressed.dump(message) for message in messages]))
        self._added.update(topics)
        self.waiting.update(topics)
        self._wake.ring()

    async def run(self, url: str, tell: Callable[[T], None]) -> None:
        """Raise presses until cancelled, through lost connections and other failures; `tell` says what came of each."""
        while True:
            try:
                conn = await connect(
                    url,
                    autocommit=True,
                    application_name="eldercare ingest sos aside",
                    options=LOOKUPS,
                    limits=URGENT,
                )
                async with conn:
                    while True:
                        await self.turn(conn, tell, monotonic())
                        await self._wake.wait(AGAIN_S if self.waiting else POLL_S)
            except psycopg.Error as error:
                _log.warning("aside_waits", sqlstate=error.sqlstate, error=error)
            except Exception:
                _log.exception("aside_failed")
            self.waiting.clear()  # nobody raises it here for now
            await self._wake.wait(AWAY_S)

    async def turn(self, conn: Connection, tell: Callable[[T], None], at: float) -> int:
        """Try every waiting press once, but none of a band behind one that is held; returns how many are left.

        `at` is now, in seconds of any origin. A press that failed by itself waits longer before each further try.
        """
        last, left, held = 0, set[int](), set[str]()
        self._added.clear()
        while rows := await (await conn.execute(_WAITING, (last, SLICE))).fetchall():
            for id, topic in rows:
                last = id
                if topic in held or not self._patience.is_due(id, at):
                    left.add(id)
                    continue
                became = await self._raise(conn, id, tell)
                if became is not _Became.GONE:
                    left.add(id)
                if became is _Became.HELD:
                    held.add(topic)
                elif became is _Became.FAILED:
                    self._patience.failed(id, at)
        self._patience.keep(left)
        self.waiting = held | self._added
        return len(left)

    async def _raise(self, conn: Connection, id: int, tell: Callable[[T], None]) -> _Became:
        """Try one press. FAILED is a mistake of ours, which may last; what the band says later must not wait for
        that."""
        bare = self._patience.tries(id) >= TRIES
        try:
            try:
                said = await self._take(conn, id, self._store, bare)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                _log.error("press_refused_by_database", error=error)
                said = await self._take(conn, id, self._refuse, bare)
        except psycopg.errors.LockNotAvailable:
            return _Became.HELD
        except Exception:
            if conn.closed:
                raise
            _log.exception("press_not_raised", id=id, tries=self._patience.tries(id) + 1)
            return _Became.FAILED
        if said is not None:
            tell(said)
        return _Became.GONE

    async def _take(self, conn: Connection, id: int, store: Store[T], bare: bool) -> T | None:
        async with conn.transaction():
            await conn.execute(f"set local lock_timeout = {HELD_MS}")
            row = await (await conn.execute(_TAKE, (id,))).fetchone()
            if row is None:
                return None  # another process has it
            received_at, topic, text = row
            return await store(conn, self._read(received_at, topic, text, bare))

    def _read(self, received_at: datetime, topic: str, text: str, bare: bool) -> Pressed:
        """The press that was written down. One that this version cannot read, or could not raise as it is (`bare`), is
        a press of its band all the same."""
        at = monotonic()
        if not bare:
            try:
                return pressed.load(topic, text, at)
            except Exception:
                _log.exception("press_not_read", topic=topic)
        return pressed.bare(topic, received_at, text, at)
