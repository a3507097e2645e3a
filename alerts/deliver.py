"""Send what is in the outbox, with no transaction open, and write down how it went.

`Sender` holds the channels: it starts each message as a task of its own, so that a slow provider holds nobody else,
and writes outcomes in groups. What `escalate` has just written it sends at once; `run_once` brings it the rest: rows
for later, retries, hang-ups, words to the bands, and whatever a dead process had leased.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import datetime

import psycopg

from alerts import outbox
from alerts.channels.base import Channel, Outgoing, TransportError
from alerts.outbox import Leased, Outcome
from eldercare import tasks
from eldercare.database import URGENT, Connection, connect
from eldercare.log import logger

SEND_TIMEOUT_S = 12.0
"""Shorter than a lease, longer than what a channel allows its own requests."""
IN_FLIGHT = 64
"""Messages of one channel that this process sends at the same time; the rest waits in the outbox for a free hand."""
GROUP_S = 0.005
"""Outcomes that come within this of the first are written together: the calls of a step end up in one statement."""
HELD_S = 0.2
"""How soon an incident is looked at again that has nobody left who may answer, and that somebody holds."""
TURNS_TO_LEAVE = 2
"""Turns of the event loop in which a request on a kept-alive connection is built and written."""
AWAY_S = 1.0

_log = logger(__name__)


async def let_leave() -> None:
    """Let a request that was just begun reach the wire before anything else is done."""
    for _ in range(TURNS_TO_LEAVE):
        await asyncio.sleep(0)


class Sender:
    """The channels of one process, what it is sending over them, and the connection on which it writes outcomes."""

    def __init__(self, url: str, channels: Mapping[str, Channel]) -> None:
        self.channels = channels
        self.counts: Counter[str] = Counter()
        """sent, retried, failed: of this process since its start."""
        self.more = asyncio.Event()
        """Set when there is room again, or when an outcome left something new to send."""
        self._url = url
        self._busy: Counter[str] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._unmoved = frozenset[int]()
        self._ended = asyncio.Event()
        self._written = asyncio.Event()
        self._conn: Connection | None = None

    def room(self) -> dict[str, int]:
        """How many more messages each channel can take now."""
        return {name: IN_FLIGHT - self._busy[name] for name in self.channels}

    def take(self, rows: Iterable[Leased]) -> None:
        """Start sending these rows, leased to this process; returns at once."""
        taken = list(rows)
        self._busy.update(row.channel for row in taken)
        for row in taken[:1]:
            self._begin(self._send(row))
        if others := taken[1:]:
            self._begin(self._start(others))

    async def run(self) -> None:
        """Write outcomes as they come, several at once, until cancelled.

        A database that is away is tried again, and so is an incident that somebody holds, together with what has come
        meanwhile.
        """
        while True:
            await self._ended.wait()
            await asyncio.sleep(GROUP_S if self._outcomes else HELD_S)
            taken = list(self._outcomes)
            try:
                left = await self._record(taken)
            except psycopg.Error as error:
                _log.warning("outcomes_kept", count=len(taken), error=str(error).strip())
                await self._forget_connection()
                await asyncio.sleep(AWAY_S)
                continue
            self._outcomes[: len(taken)] = left
            if not self._outcomes:
                self._written.set()
                if not self._unmoved:
                    self._ended.clear()

    async def settle(self) -> None:
        """Until nothing is being sent and every outcome is written."""
        while self._sending or self._outcomes:
            if self._sending:
                await asyncio.wait(set(self._sending))
            else:
                await self._written.wait()

    async def close(self) -> None:
        """Give up the connection; what is still being sent is sent again by others when its lease ends."""
        for task in self._sending:
            task.cancel()
        await self._forget_connection()

    async def _start(self, rows: Sequence[Leased]) -> None:
        """Begin them in order, each when the one before has had time to leave: the first telephone rings first."""
        for row in rows:
            await let_leave()
            self._begin(self._send(row))

    def _begin(self, sending: Coroutine[None, None, None]) -> None:
        task = tasks.brief(sending, "sending")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, row: Leased) -> None:
        try:
            outcome = await _attempt(self.channels[row.channel], row)
        finally:
            self._busy[row.channel] -= 1
        self._outcomes.append(outcome)
        self._written.clear()
        self._ended.set()
        if self._busy[row.channel] == IN_FLIGHT - 1:
            self.more.set()

    async def _record(self, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
        """Returns what could not be written yet."""
        if self._conn is None:
            self._conn = await connect(
                self._url,
                autocommit=True,
                application_name="alerts outcomes",
                options=outbox.SESSION,
                limits=URGENT,
            )
        recorded = await outbox.record(self._conn, outcomes, unmoved=self._unmoved)
        self._unmoved = recorded.unmoved
        if recorded.more:
            self.more.set()
        for outcome in set(outcomes).difference(recorded.left):
            self.counts["sent" if outcome.error is None else "failed" if outcome.permanent else "retried"] += 1
        return recorded.left

    async def _forget_connection(self) -> None:
        if self._conn is not None:
            await self._conn.close()
            self._conn = None


async def _attempt(channel: Channel, row: Leased) -> Outcome:
    """One try; every way it can end is an outcome."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            if row.purpose == "hang_up":
                if row.ends_provider_id:
                    await channel.hang_up(row.ends_provider_id)
                return Outcome(row.id, row.attempts, row.ends_provider_id, reference=row.reference)
            sent = await channel.send(
                Outgoing(row.id, row.channel, row.address, row.language, row.purpose, row.content, row.reference)
            )
            return Outcome(
                row.id, row.attempts, sent.provider_id or None, sent.provider_status, reference=row.reference
            )
    except TransportError as error:
        _log.warning("not_sent", notification=row.id, channel=row.channel, reason=error.reason, error=str(error))
        return Outcome(row.id, row.attempts, error=error.reason, permanent=error.permanent, reference=row.reference)
    except TimeoutError:
        _log.warning("not_sent", notification=row.id, channel=row.channel, reason="timeout")
        return Outcome(row.id, row.attempts, error="timeout", reference=row.reference)
    except Exception:
        _log.exception("not_sent", notification=row.id, channel=row.channel, reason="error")
        return Outcome(row.id, row.attempts, error="error", reference=row.reference)


async def run_once(conn: Connection, sender: Sender, now: datetime | None = None) -> int:
    """Lease what waits, as much as there is room for, and start sending it. Commits; returns how many rows.

    `now` None is the database's clock.
    """
    room = {name: free for name, free in sender.room().items() if free > 0}
    if not room:
        return 0
    # Never more than any one channel has room for; whoever calls comes back for the rest.
    leased = await outbox.lease(conn, now, list(room), min(room.values()))
    await conn.commit()
    sender.take(leased)
    return len(leased)
