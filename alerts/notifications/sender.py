"""Sends what is in the outbox, with no transaction open, and writes down how it went.

`Sender` holds the channels. It starts each message as a task of its own, so that a slow provider holds nobody else, and
writes outcomes in groups. It sends at once what `worker` has just written. `run_once` brings it the rest: rows for
later, retries, hang-ups, words to the bands, and whatever a dead process had leased.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic

import psycopg

from alerts.channels.base import Channel, Outgoing, TransportError
from alerts.model.references import Reference
from alerts.notifications import outbox
from alerts.notifications.outbox import Outcome
from eldercare.platform import tasks
from eldercare.platform.database import URGENT, Connection, connect
from eldercare.platform.log import logger

SEND_TIMEOUT_S = 12.0
"""Seconds; shorter than a lease, longer than what a channel allows its own requests."""
IN_FLIGHT = 64
"""How many messages of one channel this process sends at the same time; the rest waits in the outbox for a free
hand."""
GROUP_S = 0.005
"""Seconds. Outcomes within this of the first are written together: the calls of a step end up in one statement."""
HELD_S = 0.2
"""Seconds before an incident that has nobody left who may answer, and that somebody holds, is looked at again."""
TURNS_TO_LEAVE = 2
"""Turns of the event loop in which a request on a kept-alive connection is built and written."""
AWAY_S = 1.0
RENEW_AFTER_S = 4.0
"""Seconds after which a row that is in hand has its lease renewed, and as often."""
MOST_OUTCOMES = 10_000
REFUSED_FOR_S = outbox.RETRY_FOR.total_seconds()
"""Seconds. A row whose outcome can be written in no form has its lease renewed for so long, then it may be sent
again."""
HANG_UP = "hang_up"

_log = logger(__name__)


async def let_leave() -> None:
    """Let a request that was just begun reach the wire before anything else is done."""
    for _ in range(TURNS_TO_LEAVE):
        await asyncio.sleep(0)


def pause_s(failures: int) -> float:
    """Seconds before the next try after `failures` failed ones: none after the first, since a connection that was cut
    is there again at once, and more the longer the database stays away."""
    return 0.0 if failures <= 1 else min(AWAY_S, 0.05 * 2 ** (failures - 2))


def is_call(row: Outgoing) -> bool:
    """Whether a telephone rings for it."""
    return row.channel == "voice" and row.purpose != HANG_UP


class Sender:
    """The channels of one process, what it is sending over them, and the connection on which it writes outcomes.

    Before the outcome of a row is written, it never takes that row again, and renews its lease.
    """

    def __init__(self, url: str, channels: Mapping[str, Channel]) -> None:
        self.channels = channels
        self.counts: Counter[str] = Counter()
        """How many messages this process has sent, retried, failed, and could not write down, since its start."""
        self.more = asyncio.Event()
        """Set when there is room again, or when an outcome left something new to send."""
        self._url = url
        self._busy: Counter[str] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._calls: deque[Outgoing] = deque()
        self._others: deque[Outgoing] = deque()
        self._starting: asyncio.Task[None] | None = None
        self._mine: dict[int, tuple[Outgoing, float]] = {}
        self._refused: dict[int, float] = {}
        self._renewed_at = 0.0
        self._outcomes: list[Outcome] = []
        self._unmoved = frozenset[int]()
        self._ended = asyncio.Event()
        self._written = asyncio.Event()
        self._conn: Connection | None = None

    def room(self) -> dict[str, int]:
        """How many more messages each channel can take now; ends of calls are counted by themselves (`hang_up`)."""
        names = [*self.channels, HANG_UP] if "voice" in self.channels else list(self.channels)
        return {name: IN_FLIGHT - self._busy[name] for name in names}

    def mine(self) -> list[int]:
        """The numbers of the rows in hand, or sent and not written down."""
        return list(self._mine)

    def take(self, rows: Iterable[Outgoing], since: float | None = None) -> None:
        """Start sending these rows, leased to this process; returns at once. Calls go before everything else.

        `since`: a moment before they were leased, in monotonic seconds (None: now).
        """
        taken = [row for row in rows if not self._has(row.id, row.reference)]
        leased_at = monotonic() if since is None else since
        self._mine.update((row.id, (row, leased_at)) for row in taken)
        self._busy.update(_counted_as(row) for row in taken)
        self._calls.extend(row for row in taken if is_call(row))
        self._others.extend(row for row in taken if not is_call(row))
        if self._calls or self._starting is None:
            self._start_next()
        if (self._calls or self._others) and self._starting is None:
            self._starting = tasks.brief(self._start(), "starting")
            self._hold(self._starting)

    async def run(self) -> None:
        """Write outcomes as they come, several at once, until cancelled; the connection for that is opened before.

        A database that is away is tried again, and so is an incident that somebody holds, together with what has come
        meanwhile.
        """
        failures = 0
        while True:
            try:
                await self._connected()
                await self._ended.wait()
                await asyncio.sleep(GROUP_S if self._outcomes else HELD_S)
                self._let_go()
                taken = list(self._outcomes)
                left = await self._write(taken)
                if left and self._conn is not None:
                    await self.renew(self._conn)
                failures = 0
            except psycopg.Error as error:
                failures += 1
                _log.warning("outcomes_kept", count=len(self._outcomes), error=error)
                await self._forget_connection()
                await asyncio.sleep(pause_s(failures))
                continue
            self._outcomes[: len(taken)] = left
            if not self._outcomes:
                self._written.set()
                if not self._unmoved:
                    self._ended.clear()

    async def renew(self, conn: Connection) -> None:
        """Renew the leases of what is in hand or not written down, where that takes long; on any connection."""
        now = monotonic()
        self._give_up_refused(now)
        old = [row for row, since in self._mine.values() if now - since > RENEW_AFTER_S]
        if old and now - self._renewed_at > RENEW_AFTER_S:
            await outbox.renew(conn, old)
            self._renewed_at = now

    def _give_up_refused(self, now: float) -> None:
        """Give up rows whose outcome could be written in no form: they were kept from being sent again for as long as
        anything is tried."""
        for number in [number for number, since in self._refused.items() if now - since > REFUSED_FOR_S]:
            del self._refused[number]
            if self._mine.pop(number, None) is not None:
                _log.error("outcome_given_up", notification=number, after_s=REFUSED_FOR_S)

    async def settle(self) -> None:
        """Wait until nothing is being sent and every outcome is written."""
        while self._sending or self._outcomes:
            if self._sending:
                await asyncio.wait(set(self._sending))
            else:
                await self._written.wait()

    async def close(self) -> None:
        """Give up the connection. Others send again what is still being sent, when its lease ends."""
        for task in self._sending:
            task.cancel()
        await self._forget_connection()

    async def _start(self) -> None:
        """Begin them one by one, each when the one before has had time to leave: the first telephone rings first, and
        no text stands before anybody's call."""
        try:
            while self._calls or self._others:
                await let_leave()
                self._start_next()
        finally:
            self._starting = None

    def _start_next(self) -> None:
        waiting = self._calls or self._others
        if waiting:
            self._hold(tasks.brief(self._send(waiting.popleft()), "sending"))

    def _hold(self, task: asyncio.Task[None]) -> None:
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, row: Outgoing) -> None:
        counted_as = _counted_as(row)
        try:
            if self._run_out(row):
                # This process was stopped meanwhile: the row is anybody's again, and may be needed no more.
                _log.warning("lease_ran_out", notification=row.id)
                if self._has(row.id, row.reference):
                    del self._mine[row.id]
                self.more.set()
                return
            outcome = await _attempt(self.channels[row.channel], row)
        finally:
            self._busy[counted_as] -= 1
        self._outcomes.append(outcome)
        self._written.clear()
        self._ended.set()
        if self._busy[counted_as] == IN_FLIGHT - 1:
            self.more.set()

    async def _connected(self) -> Connection:
        if self._conn is None:
            self._conn = await connect(
                self._url,
                autocommit=True,
                application_name="alerts outcomes",
                options=outbox.SESSION,
                limits=URGENT,
            )
        return self._conn

    async def _write(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Write outcomes; returns what could not be written yet. One that can never be written holds up none of the
        others. It is written in a plainer form where there is one; else only that it was sent, so that its row is not
        sent again."""
        try:
            return list(await self._record(outcomes))
        except (psycopg.DataError, psycopg.IntegrityError, TypeError, ValueError) as error:
            if len(outcomes) > 1:
                half = len(outcomes) // 2
                return [*await self._write(outcomes[:half]), *await self._write(outcomes[half:])]
            [one] = outcomes
            if (plainer := outbox.plain(one)) != one:
                _log.warning("outcome_made_plain", notification=one.notification_id, error=error)
                return await self._write([plainer])
            _log.exception("outcome_refused", notification=one.notification_id)
            self.counts["unwritten"] += 1
            await self._settle(one)
            return []

    async def _settle(self, outcome: Outcome) -> None:
        try:
            await outbox.settle(await self._connected(), outcome)
        except (psycopg.DataError, psycopg.IntegrityError):
            self._refused[outcome.notification_id] = monotonic()
        else:
            self._forget(outcome)

    async def _record(self, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
        """Write outcomes in one go; returns what could not be written yet."""
        recorded = await outbox.record(await self._connected(), outcomes, unmoved=self._unmoved)
        self._unmoved = recorded.unmoved
        if recorded.more:
            self.more.set()
        for outcome in set(outcomes).difference(recorded.left):
            self.counts["sent" if outcome.error is None else "failed" if outcome.permanent else "retried"] += 1
            self._forget(outcome)
        return recorded.left

    def _run_out(self, row: Outgoing) -> bool:
        """Whether the lease of a row that is not begun yet is over."""
        if not self._has(row.id, row.reference):
            return False
        leased_at = self._mine[row.id][1]
        renewed = self._renewed_at if self._renewed_at - leased_at > RENEW_AFTER_S else leased_at
        return monotonic() - renewed > outbox.LEASE.total_seconds()

    def _let_go(self) -> None:
        """Bound the memory where a database takes no outcomes for long: the oldest are given up, and logged."""
        too_many = len(self._outcomes) - MOST_OUTCOMES
        if too_many > 0:
            _log.error("outcomes_given_up", count=too_many)
            self.counts["unwritten"] += too_many
            for outcome in self._outcomes[:too_many]:
                self._forget(outcome)
            del self._outcomes[:too_many]

    def _has(self, number: int, reference: Reference | None) -> bool:
        # By both: after a crash the number may be another row's.
        return number in self._mine and self._mine[number][0].reference == reference

    def _forget(self, outcome: Outcome) -> None:
        if self._has(outcome.notification_id, outcome.reference):
            del self._mine[outcome.notification_id]

    async def _forget_connection(self) -> None:
        if self._conn is not None:
            await self._conn.close()
            self._conn = None


def _counted_as(row: Outgoing) -> str:
    """Under which name `Sender.room` counts the row."""
    return HANG_UP if row.purpose == HANG_UP else row.channel


async def _attempt(channel: Channel, row: Outgoing) -> Outcome:
    """Try once; every way it can end is an outcome."""
    ends = row.purpose == HANG_UP
    asked = Outcome(
        row.id, row.attempts, reference=row.reference, provider=row.ends_provider if ends else channel.provider
    )
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            if not ends:
                sent = await channel.send(row)
                return replace(asked, provider_id=sent.provider_id or None, provider_status=sent.provider_status)
            if row.ends_provider_id:
                await channel.hang_up(row.ends_provider_id, row.ends_provider)
            return replace(asked, provider_id=row.ends_provider_id)
    except TransportError as error:
        _log.warning("not_sent", notification=row.id, channel=row.channel, reason=error.reason, error=error)
        return replace(asked, error=error.reason, permanent=error.permanent)
    except TimeoutError:
        _log.warning("not_sent", notification=row.id, channel=row.channel, reason="timeout")
        return replace(asked, error="timeout")
    except Exception:
        _log.exception("not_sent", notification=row.id, channel=row.channel, reason="error")
        return replace(asked, error="error")


async def run_once(conn: Connection, sender: Sender, now: datetime | None = None) -> int:
    """Lease what waits, as much as there is room for, and start sending it. Commits; returns how many rows.

    `now` None is the database's clock.
    """
    await sender.renew(conn)
    room = {name: free for name, free in sender.room().items() if free > 0}
    if not room:
        return 0
    # Never more than any one channel has room for; whoever calls comes back for the rest.
    channels = [name for name in room if name != HANG_UP]
    since = monotonic()
    leased = await outbox.lease(conn, now, channels, min(room.values()), hang_ups=HANG_UP in room, mine=sender.mine())
    await conn.commit()
    sender.take(leased, since)
    return len(leased)
